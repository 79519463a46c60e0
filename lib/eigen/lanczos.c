/* The Lanczos recurrence. Two sweeps over memory a step: one takes all projections of the product
 * and its norm at once, the other makes the next vector, already scaled by the norm that the first
 * sweep predicts; what the prediction is off by is carried as the slot's length instead of being
 * paid for with a third sweep. The recurrence decides nothing: eigen.c asks the rules. */
#include "eigen/eigen_impl.h"

#include "base/fail.h"
#include "eigen/bounds.h"
#include "linalg/tridiag.h"

#include <float.h>
#include <math.h>
#include <string.h>

double absa__element_epsilon(const absa_eigen *e)
{
    return e->space.shape.element == ABSA_ELEMENT_F64 ? DBL_EPSILON : (double)FLT_EPSILON;
}

int absa__turns(const absa_eigen *e)
{
    return e->memory == ABSA_MEMORY_VALUE || e->memory == ABSA_MEMORY_TWO_PASS || e->stored;
}

int64_t absa__input_slot(const absa_eigen *e)
{
    return absa__turns(e) ? 1 : e->locked + e->have;
}

/* First slot of the vectors that the product is projected on; they end with the input. */
static int64_t first_kept(const absa_eigen *e)
{
    return absa__turns(e) && e->steps == 0 ? 1 : 0;
}

/* 1 / length as a number of single precision: such a factor is applied to elements of any type as
 * it stands, so that the length of what it makes is known to better than their rounding. */
static double short_inverse(double length)
{
    int exponent;
    const double digits = frexp(1.0 / length, &exponent);
    return ldexp((double)(float)digits, exponent);
}

absa_status absa__renew(absa_eigen *e, int64_t slot, int64_t to)
{
    if (e->length[slot] == 0.0 || fabs(e->length[slot] - 1.0) <= 0.1)
        return ABSA_OK;
    const double factor = short_inverse(e->length[slot]);
    absa_status status = absa__vector_axpby(&e->space, factor, e->slot[slot], 0.0, e->slot[to]);
    status = absa__vector_status(&e->space, status);
    if (status)
        return status;
    void *old = e->slot[slot];
    e->slot[slot] = e->slot[to];
    e->slot[to] = old;
    e->length[slot] *= factor;
    return ABSA_OK;
}

/* Takes the locked vectors out of a start vector; twice, for what rounding leaves the first time.
 * square gets what is left. */
static absa_status clear_of_locked(absa_eigen *e, absa_status status, void *start, double *square)
{
    double *h = e->work;
    const void *const *locked = (const void *const *)e->slot;
    for (int times = 0; times < 2; times++) {
        if (!status)
            status = absa__vector_dots(&e->space, e->locked, locked, start, h);
        status = absa__vector_sum(&e->space, status, h, e->locked);
        for (int64_t i = 0; i < e->locked; i++)
            h[i] /= -e->length[i] * e->length[i];
        if (!status)
            status = absa__vector_combine(&e->space, e->locked, h, locked, 1.0, start, square);
    }
    return status;
}

absa_status absa__start_vector(absa_eigen *e, absa_status status, uint64_t stream, const void *hint,
                               double factor_of_hint)
{
    absa__space *s = &e->space;
    const int64_t in = absa__input_slot(e), spare = in + 1;
    const double unit = 1.0 / sqrt((double)s->given.n_global);
    double square = 0.0;
    void *start = e->slot[spare];
    if (!status)
        status = absa__vector_gaussian(s, e->options.seed, stream, start);
    const void *self = start;
    if (hint && !status)
        status = absa__vector_combine(s, 1, &factor_of_hint, &hint, unit, start, &square);
    else if (e->locked > 0)
        status = clear_of_locked(e, status, start, &square);
    else if (!status)
        status = absa__vector_dots(s, 1, &self, start, &square);
    status = absa__vector_sum(s, status, &square, 1);
    if (status)
        return status;
    const double norm = sqrt(square);
    if (!isfinite(norm) || norm == 0.0)
        return absa__fail(e->ctx, ABSA_E_NONFINITE, "the start vector has the length %g", norm);
    e->delta = absa__start_delta(e->options.eta, s->given.n_global, hint ? norm : norm * unit);
    const double factor = short_inverse(norm);
    e->length[spare] = norm;
    e->length[in] = norm * factor;
    return absa__vector_status(s, absa__vector_axpby(s, factor, start, 0.0, e->slot[in]));
}

/* Projections h of the product on the kept vectors, and the product's square behind them. */
static absa_status project(absa_eigen *e, absa_status status, int64_t first, int64_t kept,
                           double *h)
{
    const int64_t in = first + kept - 1;
    if (!status)
        status = absa__vector_dots(&e->space, kept + 1, (const void *const *)e->slot + first,
                                   e->slot[in + 1], h);
    status = absa__vector_sum(&e->space, status, h, kept + 1);
    if (status)
        return status;
    for (int64_t i = 0; i < kept; i++)
        h[i] /= e->length[first + i] * e->length[in];
    h[kept] /= e->length[in] * e->length[in];
    return absa__check_product(e, in, h[kept]);
}

/* w = (y - sum h[i] q_i) / scale in the product's slot; *norm gets |w| and the slot's length. */
static absa_status subtract(absa_eigen *e, int64_t first, int64_t kept, const double *h,
                            double y_length, double scale, double *norm)
{
    double *a = e->work + e->sizes.room;
    double square = 0.0;
    for (int64_t i = 0; i < kept; i++)
        a[i] = -h[i] / (e->length[first + i] * scale);
    absa_status status =
        absa__vector_combine(&e->space, kept, a, (const void *const *)e->slot + first,
                             1.0 / (y_length * scale), e->slot[first + kept], &square);
    status = absa__vector_sum(&e->space, status, &square, 1);
    *norm = sqrt(square);
    e->length[first + kept] = *norm;
    return status;
}

/* Must the subtraction be repeated? When the vector shrank much, its rounding shows. And when the
 * input is seen to have parts along the basis, beyond what leaves the projection as it is up to
 * rounding, half the digits, or beyond what the meter may take for the operator's fault, which goes
 * by the tolerance: times alpha / beta they come back in the next vectors, until nothing is left of
 * the basis. A restart takes its Ritz vectors for orthonormal, to rounding. Then in this step and
 * the next, since the recurrence brings back what only one of two neighbours has lost (H. D. Simon,
 * "The Lanczos algorithm with partial reorthogonalization", Math. Comp. 42, 1984). */
static int needs_again(absa_eigen *e, double length, double size, double off)
{
    const double eps = absa__element_epsilon(e);
    const double seen = 0.02 * e->options.tolerance * fabs(e->now.value);
    const double most = e->memory == ABSA_MEMORY_RESTART ? 16.0 * eps * absa__size_so_far(e)
                                                         : fmin(sqrt(eps) * size, seen);
    if (off > fmax(most, 16.0 * eps * size))
        e->clearing = 2;
    const int clears = e->clearing > 0;
    e->clearing -= clears;
    return length > 0.0 && (clears || length < 0.1 * size);
}

/* Removes what the first subtraction left of the basis; *taken is how much of w that was. */
static absa_status again(absa_eigen *e, int64_t first, int64_t kept, double *scale, double *norm,
                         double *taken)
{
    double *h = e->work;
    const double length = *norm;
    const int64_t in = first + kept - 1;
    absa_status status = absa__vector_dots(&e->space, kept, (const void *const *)e->slot + first,
                                           e->slot[in + 1], h);
    status = absa__vector_sum(&e->space, status, h, kept);
    if (status)
        return status;
    for (int64_t i = 0; i < kept; i++)
        h[i] /= e->length[first + i];
    *scale *= length;
    double square = 0.0;
    for (int64_t i = 0; i < kept; i++) {
        h[i] /= length;
        square += h[i] * h[i];
    }
    *taken = sqrt(square);
    return subtract(e, first, kept, h, length, 1.0, norm);
}

/* Until next to nothing is left. The basis may be orthogonal to half the digits only, and what is
 * taken away leaves that share of itself along other vectors: twice is not enough where the
 * remainder is so small that rounding is a good part of it. */
static absa_status clear_of_basis(absa_eigen *e, int64_t first, int64_t kept, double *scale,
                                  double *norm)
{
    enum { MOST_TIMES = 5 };
    double taken = 1.0;
    absa_status status = ABSA_OK;
    for (int times = 0; times < MOST_TIMES && !status && taken > 0.01 && *norm > 0.0; times++)
        status = again(e, first, kept, scale, norm, &taken);
    return status;
}

static void turn(absa_eigen *e)
{
    void *slot = e->slot[0];
    const double length = e->length[0];
    for (int i = 0; i < 2; i++) {
        e->slot[i] = e->slot[i + 1];
        e->length[i] = e->length[i + 1];
    }
    e->slot[2] = slot;
    e->length[2] = length;
}

absa_status absa__lanczos_step(absa_eigen *e, absa_status status)
{
    const int64_t first = first_kept(e), kept = absa__input_slot(e) - first + 1;
    const int64_t in = first + kept - 1, out = in + 1;
    const int basis = !absa__turns(e);
    double *h = e->work;
    status = project(e, status, first, kept, h);
    if (status)
        return status;
    const double alpha = h[kept - 1], square = h[kept];
    const double off = absa__meter_read(e, kept, h);
    /* The three-term recurrence subtracts the beta it knows, not the one it reads back; what keeps
     * its basis orthogonal can rely on the reading, which never makes the vector longer. */
    if (!basis && !e->stored && kept == 2)
        h[0] = e->beta[e->steps - 1];
    double rest = square;
    for (int64_t i = 0; i < kept; i++)
        rest -= h[i] * h[i];
    /* The predicted norm; cancellation can make it useless, never the result: |w| is measured. */
    double scale = sqrt(fmax(rest, 1e-6 * square)), norm = 0.0;
    scale = scale == 0.0 ? 1.0 : absa__fit_scale(e, scale);
    if (!status)
        status = subtract(e, first, kept, h, e->length[in], scale, &norm);
    if (!status)
        status = absa__store_clear(e, &norm);
    if (!status && basis && needs_again(e, norm * scale, sqrt(square), off))
        status = clear_of_basis(e, first, kept, &scale, &norm);
    if (status)
        return status;
    absa__store_add(e);
    e->alpha[e->steps] = alpha;
    e->beta[e->steps] = norm * scale;
    e->steps++;
    if (basis)
        e->have++;
    else
        turn(e);
    const int64_t next = basis ? out : out - 1;
    return next + 1 < e->slots ? absa__renew(e, next, next + 1) : ABSA_OK;
}

static double outer_bound(const absa_eigen *e, double sign, double theta, double norm)
{
    return e->memory == ABSA_MEMORY_RESTART
               ? absa__restart_bound(e, sign, norm)
               : absa__upper_bound(e->steps, sign, e->alpha, e->beta, theta, e->delta);
}

/* The bound when the Ritz value has passed an earlier one: the start is one of those, eta of all,
 * that have less than delta along the eigenvector, and what follows from delta is refuted. Without
 * this the interval would close around a value that has not converged. The run goes on with what
 * this start may still have, tenth by tenth: a larger bound than the one promised. */
static double refuted_bound(absa_eigen *e, double sign, double theta, double norm, double rounding)
{
    enum { TENTHS = 8 };
    double bound = theta;
    for (int i = 0; i < TENTHS && bound <= theta + rounding; i++) {
        e->delta *= 0.1;
        bound = outer_bound(e, sign, theta, norm);
    }
    return bound;
}

/* One end: sign 1 the upper one with the largest Ritz value, sign -1 the lower one turned around.
 */
static void judge_end(absa_eigen *e, double sign, int64_t column, double norm, double rounding,
                      int exact, absa__end *end)
{
    const double theta = sign * e->ritz[column];
    double bound = theta;
    end->value = theta;
    end->residual = exact ? 0.0 : e->ritz_residual[column];
    end->lower = theta - rounding;
    if (!exact && theta - rounding > end->upper) {
        end->upper = HUGE_VAL;
        bound = refuted_bound(e, sign, theta, norm, rounding);
    } else if (!exact) {
        bound = outer_bound(e, sign, theta, norm);
    }
    /* The bound holds at all steps at once, so the least so far is one; rounding must not put it
     * below the value. */
    end->upper = fmax(fmin(end->upper, bound + rounding), theta + rounding);
}

/* Turns the ends into what was asked for. */
static void report_ends(absa_eigen *e)
{
    absa_eigen_result *r = &e->now;
    const absa__end *top = &e->end[0], *low = &e->end[1];
    const int32_t which = e->options.which;
    e->low_is_main = which == ABSA_WHICH_SMALLEST ||
                     (which == ABSA_WHICH_MAGNITUDE && fabs(low->value) > fabs(top->value));
    const absa__end below = {-low->value, -low->upper, -low->lower, low->residual};
    const absa__end *main = e->low_is_main ? &below : top, *other = e->low_is_main ? top : &below;
    r->value = main->value;
    r->lower = main->lower;
    r->upper = main->upper;
    r->residual = main->residual;
    if (which != ABSA_WHICH_MAGNITUDE && which != ABSA_WHICH_BOTH)
        return;
    r->other_value = other->value;
    r->other_lower = other->lower;
    r->other_upper = other->upper;
    r->other_residual = other->residual;
}

/* All Ritz values and their residuals; returns the norm of the projection, last beta included. */
static double solve(absa_eigen *e, int *failed)
{
    const int64_t k = e->steps, room = e->sizes.room;
    double *d = e->ritz, *off = e->work, *row = off + room;
    double norm = 0.0;
    if (e->memory == ABSA_MEMORY_RESTART)
        return absa__restart_solve(e, failed);
    memcpy(d, e->alpha, (size_t)k * sizeof *d);
    memcpy(off, e->beta, (size_t)k * sizeof *off);
    for (int64_t i = 0; i < k; i++)
        norm = fmax(norm, fabs(e->alpha[i]) + e->beta[i] + (i > 0 ? e->beta[i - 1] : 0.0));
    memset(row, 0, (size_t)k * sizeof *row);
    row[k - 1] = 1.0;
    *failed = absa__tridiag_eigen(k, d, off, row, 1);
    e->ritz_count = k;
    for (int64_t i = 0; i < k; i++)
        e->ritz_residual[i] = e->beta[k - 1] * fabs(row[i]);
    return norm;
}

/* Restarts so far. */
static double restarts(const absa_eigen *e)
{
    const int64_t room = e->slots - 1 - e->locked - e->held;
    return e->held > 0 && room > 0 ? (double)((e->steps - e->have) / room) : 0.0;
}

/* Of a run that goes on from a fresh start only the one end matters. */
static void judge_ends(absa_eigen *e, double norm, double margin, int exact)
{
    const int64_t k = e->ritz_count;
    /* A restart throws away the end that was not asked for. */
    if (e->options.which != ABSA_WHICH_SMALLEST)
        judge_end(e, 1.0, k - 1, norm, margin, exact, &e->end[0]);
    if (e->options.which != ABSA_WHICH_LARGEST)
        judge_end(e, -1.0, 0, norm, margin, exact, &e->end[1]);
}

/* What rounding of the products and of the recurrence comes to, relative to the operator's size. It
 * adds up: with three vectors by so many parts a step, with a basis as a random walk, which in
 * single precision, where the sums are in double, adds next to nothing. */
static double rounding_of(const absa_eigen *e, double norm, double each_step)
{
    const double k = (double)e->steps;
    const int single = e->space.shape.element == ABSA_ELEMENT_F32;
    const int three = absa__turns(e) && !e->stored;
    const double growth = three ? each_step * k : single ? 0.0 : 2.0 * sqrt(k);
    return (8.0 + growth) * absa__element_epsilon(e) * norm;
}

/* A remainder as small as this may be rounding's. */
static double least_remainder(const absa_eigen *e, double norm)
{
    return rounding_of(e, norm, e->space.shape.element == ABSA_ELEMENT_F32 ? 1.0 : 8.0);
}

/* What a missed eigenvalue could still be, of the pairs or of a fresh start's one. */
static double open_gap(const absa_eigen *e)
{
    const absa__end *end = &e->end[e->options.which == ABSA_WHICH_SMALLEST];
    return e->locked > 0 ? end->upper - end->value : e->shown.gap;
}

absa_status absa__lanczos_judge(absa_eigen *e, int *exact)
{
    int failed = 0;
    const double norm = solve(e, &failed);
    if (failed)
        return absa__fail(e->ctx, ABSA_E_NONFINITE, "the recurrence overflowed at product %lld",
                          (long long)(e->now.products + 1));
    const double rounding = rounding_of(e, norm, 16.0); /* of a Ritz value, at most */
    const double beta = e->beta[e->steps - 1];
    const int whole =
        beta == 0.0 || (!absa__turns(e) && e->locked + e->have == e->space.given.n_global);
    /* The digits of a store do not suffice to tell that no direction is left. */
    const int full = e->stored && e->steps == e->space.given.n_global;
    const int spent = whole || full || beta <= least_remainder(e, norm) || e->floor > 0.0;
    /* Ritz values that are held are not projected anew: every restart adds its own rounding. */
    const double margin = rounding * sqrt(1.0 + restarts(e));
    judge_ends(e, norm, margin, whole);
    if (e->locked == 0) {
        report_ends(e);
        absa__pairs_update(e, margin, whole, spent);
    }
    if (e->floor > 0.0)
        absa__widen_by_floor(e);
    /* A remainder no larger than rounding may be nothing else, or all that the start has of an
     * eigenvector: S tells which, and how surely. There is nothing to go on with in either case,
     * for the next vector would be made of rounding. */
    *exact = spent;
    e->open = e->floor > 0.0 || (spent && !(open_gap(e) <= sqrt(absa__element_epsilon(e)) * norm));
    absa__meter_show(e);
    return ABSA_OK;
}
