/* The estimator's handle and the steps its files share. */
#ifndef ABSA_EIGEN_EIGEN_IMPL_H
#define ABSA_EIGEN_EIGEN_IMPL_H

#include "linalg/space.h"

#include <absa/eigen.h>

enum absa__phase {
    ABSA__PHASE_IDLE = 0,    /* no run yet */
    ABSA__PHASE_PRODUCT = 1, /* waiting for y = H x */
    ABSA__PHASE_ENDED = 2    /* the last run ended, well or not */
};

/* What is known of one end of the spectrum. upper is the least bound of all steps. */
typedef struct absa__end {
    double value, lower, upper, residual;
} absa__end;

struct absa_eigen {
    absa_context *ctx;
    absa__space space;
    absa_eigen_options options;
    int32_t memory; /* VALUE or BASIS */
    int busy;
    int agreed; /* the processes' sizes were compared */

    /* slot[i] has norm length[i] but stands for the unit vector. BASIS: q_1..q_j, then the product.
     * VALUE: q_{j-1}, q_j and the product, turned after every step (at the first, slot[0] is idle).
     */
    int64_t slots;
    void **slot;
    double *length;

    /* The recurrence: alpha[0..steps-1], beta[0..steps-1]. */
    int64_t steps;
    double *alpha;
    double *beta;
    double *work; /* 4 (max_products + 2): projections, coefficients, tridiagonal work */

    /* The run. */
    int32_t phase;
    double delta;
    double threshold;
    int32_t threshold_closed;
    int32_t low_is_main; /* the value asked for is the lower end's */
    absa__end end[2];    /* upper end, and lower end of the spectrum as the upper one of -H */
    double inconsistency;
    uint64_t next_stream;
    int finished;          /* the last run ended well: its basis and coefficients stand */
    absa_eigen_result now; /* best so far */
};

/* Slot of the product's input; the product itself is in the next one. */
int64_t absa__input_slot(const absa_eigen *e);

/* Makes the start vector in the input slot; hint may be NULL. */
absa_status absa__start_vector(absa_eigen *e, uint64_t stream, const void *hint, double weight);

/* One step of the recurrence: appends alpha and beta and makes the next q. status is this process's
 * so far: every process takes part in the sums, and all fail when one has. */
absa_status absa__lanczos_step(absa_eigen *e, absa_status status);

/* Computes value, residual, bounds and meter of e->now from the recurrence; *exact is set when the
 * basis spans an invariant subspace. */
absa_status absa__lanczos_judge(absa_eigen *e, int *exact);

/* One step of power iteration: sets value, residual and meter of e->now, the relative change of the
 * Rayleigh quotient, and *exact for an eigenvector. */
absa_status absa__power_step(absa_eigen *e, absa_status status, double *change, int *exact);

/* out = the unit Ritz vector of the last steps products. */
absa_status absa__ritz_vector(absa_eigen *e, int64_t steps, void *out);

/* Unit roundoff of the space's element type. */
double absa__element_epsilon(const absa_eigen *e);

#endif
