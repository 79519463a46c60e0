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
    int32_t memory; /* VALUE, BASIS or RESTART */
    int busy;
    int agreed; /* the processes' sizes were compared */

    /* slot[i] has norm length[i] but stands for the unit vector. BASIS and RESTART: the have
     * basis vectors, the input behind them, then the product. VALUE: q_{j-1}, q_j and the product,
     * turned after every step (at the first, slot[0] is idle).
     */
    int64_t slots;
    void **slot;
    double *length;

    /* The recurrence: alpha[0..steps-1], beta[0..steps-1]. */
    int64_t steps;
    int64_t have; /* basis vectors in the slots, but for VALUE */
    double *alpha;
    double *beta;
    double *work; /* 4 (max_products + 2): projections, coefficients, tridiagonal work */

    /* RESTART: the basis begins with held Ritz vectors, coupled to the next one by arrow; the Ritz
     * values of all that were thrown away are roots[0..steps-have-1]. All in dense, with room for
     * the projected matrix and its eigenvectors; see restart.c. */
    int64_t held;
    double *dense;
    double *kept_value;
    double *arrow;
    double *roots;

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

/* The memory mode that AUTO means, the slots of a mode, and the doubles of work. */
int32_t absa__eigen_memory_mode(const absa_eigen_options *o);
int64_t absa__eigen_slots(const absa_eigen_options *o, int32_t memory);
int64_t absa__eigen_work_length(const absa_eigen_options *o);

/* Reads given, or the defaults when it is NULL, and checks every field. */
absa_status absa__eigen_read_options(absa_context *ctx, const absa_eigen_options *given,
                                     absa_eigen_options *o);

/* Slot of the product's input; the product itself is in the next one. */
int64_t absa__input_slot(const absa_eigen *e);

/* Makes the start vector in the input slot; hint may be NULL. status is this process's so far, as
 * in the steps below. */
absa_status absa__start_vector(absa_eigen *e, absa_status status, uint64_t stream, const void *hint,
                               double weight);

/* One step of the recurrence: appends alpha and beta and makes the next q. status is this process's
 * so far: every process takes part in the sums, and all fail when one has. */
absa_status absa__lanczos_step(absa_eigen *e, absa_status status);

/* Computes value, residual, bounds and meter of e->now from the recurrence; *exact is set when the
 * basis spans an invariant subspace. */
absa_status absa__lanczos_judge(absa_eigen *e, int *exact);

/* One step of power iteration: sets value, residual and meter of e->now, the relative change of the
 * Rayleigh quotient, and *exact for an eigenvector. */
absa_status absa__power_step(absa_eigen *e, absa_status status, double *change, int *exact);

/* out = the unit Ritz vector of the basis, which it may lie behind. */
absa_status absa__ritz_vector(absa_eigen *e, void *out);

/* Doubles of e->dense. */
int64_t absa__restart_doubles(int32_t memory, int64_t slots, int64_t max_products);

/* Points kept_value, arrow and roots into e->dense. */
void absa__restart_layout(absa_eigen *e);

/* RESTART: solves the projected eigenproblem; returns the projection's norm. */
double absa__restart_solve(absa_eigen *e, int *failed);

/* The outermost Ritz value of the end that sign names, and the last component of its coefficients;
 * all components of the main one; and the certificate, on the axis turned by sign. */
void absa__restart_pair(const absa_eigen *e, double sign, double *value, double *bottom);
void absa__restart_components(const absa_eigen *e, double *out);
double absa__restart_bound(const absa_eigen *e, double sign, double scale);

/* log S(x) for the current basis; x lies above every Ritz value, on the axis turned by sign. */
double absa__restart_log_sum(const absa_eigen *e, double sign, double x);

/* Shrinks a full basis to its best Ritz vectors and the residual vector. */
absa_status absa__restart(absa_eigen *e);

/* Unit roundoff of the space's element type. */
double absa__element_epsilon(const absa_eigen *e);

#endif
