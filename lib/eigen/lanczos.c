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

int64_t absa__input_slot(const absa_eigen *e)
{
    return e->memory == ABSA_MEMORY_VALUE ? 1 : e->have;
}

/* First slot of the vectors that the product is projected on; they end with the input. */
static int64_t first_kept(const absa_eigen *e)
{
    return e->memory == ABSA_MEMORY_VALUE && e->steps == 0 ? 1 : 0;
}

/* Brings a slot to unit length, by way of the slot to, when its length is far from 1: f32 has no
 * room for what a chain of lengths could grow to. The two slots change places. */
static absa_status renew(absa_eigen *e, int64_t slot, int64_t to)
{
    const absa_status status =
        absa__vector_axpby(&e->space, 1.0 / e->length[slot], e->slot[slot], 0.0, e->slot[to]);
    if (status)
        return status;
    void *old = e->slot[slot];
    e->slot[slot] = e->slot[to];
    e->slot[to] = old;
    e->length[slot] = 1.0;
    return ABSA_OK;
}

absa_status absa__start_vector(absa_eigen *e, absa_status status, uint64_t stream, const void *hint,
                               double weight)
{
    absa__space *s = &e->space;
    const int64_t in = first_kept(e), spare = in + 1;
    const double unit = 1.0 / sqrt((double)s->given.n_global);
    double square = 0.0;
    if (hint) {
        if (!status)
            status = absa__vector_dots(s, 1, &hint, hint, &square);
        status = absa__vector_sum(s, status, &square, 1);
        if (status)
            return status;
        if (!isfinite(square))
            return absa__fail(e->ctx, ABSA_E_NONFINITE, "the hint holds a NaN or an infinity");
        if (square == 0.0)
            return absa__fail(e->ctx, ABSA_E_INVALID, "the hint is the zero vector");
    }
    void *start = e->slot[spare];
    if (!status)
        status = absa__vector_gaussian(s, e->options.seed, stream, start);
    const double a = hint ? weight / sqrt(square) : 0.0;
    const void *self = start;
    if (!status && hint)
        status = absa__vector_combine(s, 1, &a, &hint, unit, start, &square);
    else if (!status)
        status = absa__vector_dots(s, 1, &self, start, &square);
    status = absa__vector_sum(s, status, &square, 1);
    if (status)
        return status;
    const double norm = sqrt(square);
    if (!isfinite(norm) || norm == 0.0)
        return absa__fail(e->ctx, ABSA_E_NONFINITE, "the start vector has the length %g", norm);
    e->delta = absa__start_delta(e->options.eta, s->given.n_global, hint ? norm : norm * unit);
    e->length[spare] = norm;
    e->length[in] = 1.0;
    return absa__vector_status(s, absa__vector_axpby(s, 1.0 / norm, start, 0.0, e->slot[in]));
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
    return isfinite(h[kept])
               ? ABSA_OK
               : absa__fail(e->ctx, ABSA_E_NONFINITE, "product %lld holds a NaN or an infinity",
                            (long long)(e->now.products + 1));
}

/* w = (y - sum h[i] q_i) / scale in the product's slot; *norm gets |w| and the slot's length. */
static absa_status subtract(absa_eigen *e, int64_t first, int64_t kept, const double *h,
                            double y_length, double scale, double *norm)
{
    double *a = e->work + e->options.max_products + 2;
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

/* What one symmetric matrix would have given: q_{j-1}'Hq_j is beta_{j-1}, and all earlier ones are
 * zero; the first vector behind a restart is coupled to all that were held. */
static double expected(const absa_eigen *e, int64_t i, int64_t kept)
{
    if (e->held > 0 && e->have == e->held)
        return e->arrow[i];
    return i == kept - 2 ? e->beta[e->steps - 1] : 0.0;
}

static void measure_consistency(absa_eigen *e, int64_t kept, const double *h)
{
    double off = 0.0;
    for (int64_t i = 0; i < kept - 1; i++) {
        const double d = h[i] - expected(e, i, kept);
        off += d * d;
    }
    e->inconsistency = fmax(e->inconsistency, sqrt(off));
}

/* Removes what the first subtraction left of the basis; only a vector that shrank much needs it. */
static absa_status again(absa_eigen *e, int64_t first, int64_t kept, double *scale, double *norm)
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
    for (int64_t i = 0; i < kept; i++)
        h[i] /= length;
    return subtract(e, first, kept, h, length, 1.0, norm);
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
    const int basis = e->memory != ABSA_MEMORY_VALUE;
    double *h = e->work;
    status = project(e, status, first, kept, h);
    if (status)
        return status;
    const double alpha = h[kept - 1], square = h[kept];
    measure_consistency(e, kept, h);
    /* The three-term recurrence subtracts the beta it knows, not the one it reads back. */
    if (!basis && kept == 2)
        h[0] = e->beta[e->steps - 1];
    double rest = square;
    for (int64_t i = 0; i < kept; i++)
        rest -= h[i] * h[i];
    /* The predicted norm; cancellation can make it useless, never the result: |w| is measured. */
    double scale = sqrt(fmax(rest, 1e-6 * square)), norm = 0.0;
    if (scale == 0.0)
        scale = 1.0;
    status = subtract(e, first, kept, h, e->length[in], scale, &norm);
    if (!status && basis && norm * scale < 0.1 * sqrt(square) && norm > 0.0)
        status = again(e, first, kept, &scale, &norm);
    if (status)
        return status;
    e->alpha[e->steps] = alpha;
    e->beta[e->steps] = norm * scale;
    e->steps++;
    if (basis)
        e->have++;
    else
        turn(e);
    const int64_t next = basis ? out : out - 1;
    if (norm > 0.0 && fabs(norm - 1.0) > 0.1 && next + 1 < e->slots)
        return absa__vector_status(&e->space, renew(e, next, next + 1));
    return ABSA_OK;
}

/* One end: sign 1 the upper one with the largest Ritz value, sign -1 the lower one turned around.
 */
static void judge_end(absa_eigen *e, double sign, double ritz, double bottom, double norm,
                      double rounding, int exact, absa__end *end)
{
    const int64_t k = e->steps;
    const double theta = sign * ritz;
    end->value = theta;
    end->residual = exact ? 0.0 : e->beta[k - 1] * fabs(bottom);
    end->lower = theta - rounding;
    const double bound = exact ? theta
                         : e->memory == ABSA_MEMORY_RESTART
                             ? absa__restart_bound(e, sign, norm)
                             : absa__upper_bound(k, sign, e->alpha, e->beta, theta, e->delta);
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

/* The outermost Ritz values and the last components of their coefficients, lower end first; returns
 * the norm of the projection, last beta included. */
static double solve(absa_eigen *e, double ritz[2], double bottom[2], int *failed)
{
    const int64_t k = e->steps, room = e->options.max_products + 2;
    double *d = e->work, *off = d + room, *row = off + room;
    double norm = 0.0;
    if (e->memory == ABSA_MEMORY_RESTART) {
        norm = absa__restart_solve(e, failed);
        for (int i = 0; i < 2; i++)
            absa__restart_pair(e, i == 0 ? -1.0 : 1.0, &ritz[i], &bottom[i]);
        return norm;
    }
    memcpy(d, e->alpha, (size_t)k * sizeof *d);
    memcpy(off, e->beta, (size_t)k * sizeof *off);
    for (int64_t i = 0; i < k; i++)
        norm = fmax(norm, fabs(e->alpha[i]) + e->beta[i] + (i > 0 ? e->beta[i - 1] : 0.0));
    memset(row, 0, (size_t)k * sizeof *row);
    row[k - 1] = 1.0;
    *failed = absa__tridiag_eigen(k, d, off, row, 1);
    ritz[0] = d[0];
    ritz[1] = d[k - 1];
    bottom[0] = row[0];
    bottom[1] = row[k - 1];
    return norm;
}

absa_status absa__lanczos_judge(absa_eigen *e, int *exact)
{
    double ritz[2], bottom[2];
    int failed = 0;
    const double norm = solve(e, ritz, bottom, &failed);
    if (failed)
        return absa__fail(e->ctx, ABSA_E_NONFINITE, "the recurrence overflowed at product %lld",
                          (long long)e->steps);
    /* Rounding of the products and of the recurrence, relative to the operator's size. */
    const double rounding = 8.0 * absa__element_epsilon(e) * norm;
    *exact = e->beta[e->steps - 1] <= rounding ||
             (e->memory != ABSA_MEMORY_VALUE && e->have == e->space.given.n_global);
    /* Ritz values that are held are not projected anew: every restart adds its own rounding. */
    const int64_t restarts = e->held > 0 ? (e->steps - e->have) / (e->slots - 1 - e->held) : 0;
    const double margin = rounding * sqrt(1.0 + (double)restarts);
    /* A restart throws away the end that was not asked for. */
    if (e->options.which != ABSA_WHICH_SMALLEST)
        judge_end(e, 1.0, ritz[1], bottom[1], norm, margin, *exact, &e->end[0]);
    if (e->options.which != ABSA_WHICH_LARGEST)
        judge_end(e, -1.0, ritz[0], bottom[0], norm, margin, *exact, &e->end[1]);
    report_ends(e);
    absa_eigen_result *r = &e->now;
    r->inconsistency = r->value != 0.0 ? e->inconsistency / fabs(r->value) : 0.0;
    r->consistent = r->inconsistency <= 0.5 * e->options.tolerance;
    return ABSA_OK;
}

/* The main Ritz vector's components, by a second solve: it is wanted once a run, not once a step.
 */
static void ritz_components(absa_eigen *e, double *out)
{
    const int64_t k = e->have, room = e->options.max_products + 2;
    double *d = e->work, *off = d + room;
    if (e->memory == ABSA_MEMORY_RESTART) {
        absa__restart_components(e, out);
        return;
    }
    /* Rows of the eigenvector matrix one by one keep the workspace at one row. */
    for (int64_t i = 0; i < k; i++) {
        double *row = off + room;
        memcpy(d, e->alpha, (size_t)k * sizeof *d);
        memcpy(off, e->beta, (size_t)k * sizeof *off);
        memset(row, 0, (size_t)k * sizeof *row);
        row[i] = 1.0;
        (void)absa__tridiag_eigen(k, d, off, row, 1);
        out[i] = row[e->low_is_main ? 0 : k - 1];
    }
}

absa_status absa__ritz_vector(absa_eigen *e, void *out)
{
    double *a = e->work + 3 * (e->options.max_products + 2);
    ritz_components(e, a);
    for (int64_t i = 0; i < e->have; i++)
        a[i] /= e->length[i];
    return absa__vector_combine(&e->space, e->have, a, (const void *const *)e->slot, 0.0, out,
                                NULL);
}
