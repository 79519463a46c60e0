/* The estimator's handle and the steps its files share. */
#ifndef ABSA_EIGEN_EIGEN_IMPL_H
#define ABSA_EIGEN_EIGEN_IMPL_H

#include "eigen/rules.h"
#include "linalg/space.h"

#include <absa/eigen.h>

enum absa__phase {
    ABSA__PHASE_IDLE = 0,    /* no run yet */
    ABSA__PHASE_PRODUCT = 1, /* waiting for y = H x */
    ABSA__PHASE_ENDED = 2    /* the last run ended, well or not */
};

/* Fresh starts take the streams this far apart. */
#define ABSA__FRESH_STREAM (UINT64_C(1) << 58)

enum {
    ABSA__MOST_WANTED = 32, /* pairs of one end, and fresh starts */
    ABSA__MOST_SLOTS = 256  /* vectors of a restarted basis; see eigen_options.c */
};

/* What is known of one end of the spectrum. upper is the least bound of all steps. */
typedef struct absa__end {
    double value, lower, upper, residual;
} absa__end;

/* A pair that was found: a Ritz pair of the recurrence, or a vector that was set aside. */
typedef struct absa__pair {
    double value, lower, upper, residual;
    int64_t column; /* of the Ritz values, ascending; -1: the vector is a slot's */
    int64_t slot;   /* -1: the vector is the column's */
    int32_t from_below;
    int32_t fresh;
} absa__pair;

/* What a handle holds, in elements of its kind. */
typedef struct absa__sizes {
    int64_t slots;  /* vectors of the space */
    int64_t stored; /* vectors of two bytes an element */
    int64_t room;   /* doubles of one array of work */
    int64_t work;   /* WORK_ARRAYS arrays of room */
    int64_t dense;  /* doubles, see restart.c */
    int64_t pairs;
} absa__sizes;

struct absa_eigen {
    absa_context *ctx;
    absa__space space;
    absa_eigen_options options;
    int32_t memory; /* any but AUTO */
    int busy;
    int agreed; /* the processes' sizes were compared, the host's random vectors checked */
    absa__sizes sizes;

    /* slot[i] has norm length[i] but stands for the unit vector. BASIS and RESTART: the locked
     * vectors of pairs that were set aside, the have basis vectors, the input behind them, then the
     * product. VALUE, TWO_PASS and a stored BASIS: q_{j-1}, q_j and the product, turned after every
     * step (at the first, slot[0] is idle). TWO_PASS: slot[3] is the hint, then the eigenvector. */
    int64_t slots;
    void **slot;
    double *length;
    uint16_t **stored; /* BASIS in bfloat16: q_0 to q_{steps-1} */
    int32_t clearing;  /* steps that are still to be cleared of what they have along the basis */

    /* The recurrence: alpha[0..steps-1], beta[0..steps-1]. */
    int64_t steps;
    int64_t have;   /* basis vectors in the slots */
    int64_t locked; /* vectors before them */
    double *alpha;
    double *beta;
    double *work; /* projections, coefficients, tridiagonal work, components */

    /* Ritz values, ascending, and their residuals: ritz_count of them, after every step. */
    int64_t ritz_count;
    double *ritz;
    double *ritz_residual;

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
    int64_t second_pass;  /* TWO_PASS: steps of the first pass, once the second has begun; else 0 */
    int32_t pending_stop; /* why a run that goes on would have stopped */
    int32_t has_vector;   /* TWO_PASS: slot[3] is the eigenvector */
    double drift;         /* TWO_PASS: what the second pass differs from the first by */
    double hint_weight;   /* this run's */
    int32_t open;         /* the basis is exhausted, but the bounds are not closed */
    double floor;         /* what this step's product is uncertain by for being too small, else 0;
                             such a step is the run's last */
    double delta;
    double threshold;
    int32_t threshold_closed;
    int32_t low_is_main; /* the value asked for is the lower end's */
    absa__end end[2];    /* upper end, and lower end of the spectrum as the upper one of -H */
    absa__shown shown;
    absa__pair *pair; /* now.pairs of them */
    double inconsistency;
    uint64_t next_stream;
    uint64_t chain_first; /* between these two lie the streams that the last vector depends on */
    uint64_t chain_last;
    int finished;          /* the last run ended well: its basis and coefficients stand */
    absa_eigen_result now; /* best so far */
};

/* The memory mode that AUTO means, and what a handle of that mode holds. */
int32_t absa__eigen_memory_mode(const absa_eigen_options *o);
absa__sizes absa__eigen_sizes(const absa_eigen_options *o);

/* Reads given, or the defaults when it is NULL, and checks every field. */
absa_status absa__eigen_read_options(absa_context *ctx, const absa_eigen_options *given,
                                     absa_eigen_options *o);

/* What the options ask of the space. */
absa_status absa__eigen_check_space(absa_context *ctx, const absa__space *space,
                                    const absa_eigen_options *o);

/* eigen.c: whether the handle can be called now; function names the call in the message. */
absa_status absa__eigen_check(absa_eigen *e, const char *function);

/* eigen_run.c: begins a run, takes a product in (status is this process's so far; any failure ends
 * the run). */
absa_status absa__eigen_begin(absa_eigen *e, const absa_eigen_args *args);
absa_status absa__eigen_take(absa_eigen *e, absa_status status);

/* The slot that a hint is kept in: out of the way of the start vector, and free after a run. */
int64_t absa__hint_slot(const absa_eigen *e);

/* meter.c: reads the meter from this product's projections on the kept vectors and returns how far
 * they were from what one symmetric matrix gives, rounding included; adds off, all of it beyond
 * rounding, to the meter; and shows it in e->now, with whether it lets bounds stand. */
double absa__meter_read(absa_eigen *e, int64_t kept, const double *h);
void absa__meter_add(absa_eigen *e, double off);
void absa__meter_show(absa_eigen *e);

/* The operator's size, as far as it has been seen. */
double absa__size_so_far(const absa_eigen *e);

/* differences.c: when a run has ended, how wide its bounds have to be for an operator of
 * differences. */
absa_status absa__differences_widen(absa_eigen *e, absa_operator *op);

/* Whether a run that ends for this reason has what was asked for. */
int absa__eigen_converged(const absa_eigen *e, int32_t why);

/* Ends the run for this reason. */
void absa__eigen_end(absa_eigen *e, int32_t why);

/* two_pass.c: goes back to the start vector; takes a product of the second pass in; ends the run
 * with the vector after the last, or without it when the monitor wishes to stop. */
absa_status absa__second_pass_begin(absa_eigen *e, int32_t why, int *goes_on);
absa_status absa__second_pass_step(absa_eigen *e, absa_status status);
absa_status absa__second_pass_next(absa_eigen *e, int32_t wish);

/* fresh.c: whether a run from a fresh start has done its work; and what follows found pairs:
 * another start (*goes_on), or the end, for the reason *why. */
int32_t absa__fresh_stops(const absa_eigen *e, int exact);
absa_status absa__fresh_next(absa_eigen *e, int32_t *why, int *goes_on);

/* 1 when three vectors are turned instead of a basis kept in the slots. */
int absa__turns(const absa_eigen *e);

/* Slot of the product's input; the product itself is in the next one. */
int64_t absa__input_slot(const absa_eigen *e);

/* Makes the start vector in the input slot, orthogonal to what is locked; hint may be NULL, and is
 * multiplied by its weight over its length. status is this process's so far, as in the steps below.
 */
absa_status absa__start_vector(absa_eigen *e, absa_status status, uint64_t stream, const void *hint,
                               double factor_of_hint);

/* Brings a slot to unit length, by way of the slot to, when its length is far from 1: f32 has no
 * room for what a chain of lengths could grow to. The two slots change places. */
absa_status absa__renew(absa_eigen *e, int64_t slot, int64_t to);

/* One step of the recurrence: appends alpha and beta and makes the next q. status is this process's
 * so far: every process takes part in the sums, and all fail when one has. */
absa_status absa__lanczos_step(absa_eigen *e, absa_status status);

/* Computes value, residual, bounds, pairs and meter of e->now from the recurrence; *exact is set
 * when the basis spans an invariant subspace, up to rounding; e->open, where the start leaves room
 * for another. */
absa_status absa__lanczos_judge(absa_eigen *e, int *exact);

/* One step of power iteration: sets value, residual and meter of e->now, the relative change of the
 * Rayleigh quotient, and *exact for an eigenvector. */
absa_status absa__power_step(absa_eigen *e, absa_status status, double *change, int *exact);

/* pairs.c: fills e->pair, now.pairs and e->shown from Ritz values, ends and bounds; margin is the
 * rounding of a Ritz value; whole: nothing couples the basis to what it does not span, if there
 * is any; spent: no Ritz values but these are to be had. */
void absa__pairs_update(absa_eigen *e, double margin, int whole, int spent);

/* store.c: keeps q_j, at its step's end, in two bytes an element; takes out of w, in the product's
 * slot, what it has along the stored vectors before those in the slots; *norm, |w|, follows. */
void absa__store_add(absa_eigen *e);
absa_status absa__store_clear(absa_eigen *e, double *norm);

/* scale.c: where rounding and squares end what can be measured. The largest weight of a hint beside
 * which the random part is not lost; a hint's length, or why it is none. */
double absa__most_hint_weight(const absa_eigen *e);
absa_status absa__hint_length(absa_eigen *e, absa_status status, const void *hint, double *out);
/* Sets e->floor; square is that of the product with the unit vector in slot `in`, which lies in the
 * slot behind it. */
absa_status absa__check_product(absa_eigen *e, int64_t in, double square);
/* The number next to scale that a vector of the space can be divided by. */
double absa__fit_scale(const absa_eigen *e, double scale);
/* Widens the bounds of everything found by e->floor, for the random part as S would. */
void absa__widen_by_floor(absa_eigen *e);

/* ritz.c. The components of Ritz vectors in the basis: out[j count + i] is component j of the one
 * of column[i]; components of the sum of the pairs [first, first + count); and that sum itself,
 * which may be the slot behind the basis. */
void absa__ritz_components(absa_eigen *e, int64_t count, const int64_t *column, double *out);
void absa__ritz_combination(absa_eigen *e, int64_t first, int64_t count, double *out);
absa_status absa__ritz_sum(absa_eigen *e, int64_t first, int64_t count, void *out);

/* Doubles of e->dense. */
int64_t absa__restart_doubles(int32_t memory, int64_t slots, int64_t max_products);

/* Points kept_value, arrow and roots into e->dense. */
void absa__restart_layout(absa_eigen *e);

/* RESTART: solves the projected eigenproblem for e->ritz; returns the projection's norm. */
double absa__restart_solve(absa_eigen *e, int *failed);

/* Component j of every Ritz vector; and the certificate, on the axis turned by sign. */
const double *absa__restart_row(const absa_eigen *e, int64_t j);
double absa__restart_bound(const absa_eigen *e, double sign, double scale);

/* log S(x) for the current basis; x lies above every Ritz value, on the axis turned by sign. */
double absa__restart_log_sum(const absa_eigen *e, double sign, double x);

/* Shrinks a full basis to its best Ritz vectors and the residual vector. */
absa_status absa__restart(absa_eigen *e);

/* The first p of the k basis slots become the combinations with coefficients a (k x p, row-major),
 * which are destroyed, in place. */
absa_status absa__change_basis(absa_eigen *e, int64_t k, int64_t p, double *a);

/* Unit roundoff of the space's element type. */
double absa__element_epsilon(const absa_eigen *e);

#endif
