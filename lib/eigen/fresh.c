/* Multiplicity. A start vector is blind to all but one direction of an eigenspace, so pairs that
 * were found are set aside, and the run goes on from a fresh random vector orthogonal to them, with
 * the operator restricted to what is orthogonal to them: (I - P) H (I - P), P being the projection
 * on their vectors. Whatever those vectors are, the next eigenvalue of H, counted as often as it
 * repeats, is at most the largest of the restricted operator (Courant and Fischer), so the fresh
 * run's certificate bounds it; and a Ritz value of the restricted operator is one of H up to the
 * residuals of what was set aside. */
#include "eigen/eigen_impl.h"

#include <math.h>

static double sign_of(const absa_eigen *e)
{
    return e->options.which == ABSA_WHICH_SMALLEST ? -1.0 : 1.0;
}

/* The end that is asked for, as an upper one. */
static absa__end *end_of(absa_eigen *e)
{
    return &e->end[e->options.which == ABSA_WHICH_SMALLEST];
}

/* The last wanted value of those found, and their size, on the turned axis. */
static double last_wanted(const absa_eigen *e)
{
    const int64_t wanted = e->options.wanted;
    return e->now.pairs < wanted ? -HUGE_VAL : sign_of(e) * e->pair[wanted - 1].value;
}

static double size_of(const absa_eigen *e)
{
    double size = 0.0;
    for (int64_t i = 0; i < e->now.pairs; i++)
        size = fmax(size, fabs(e->pair[i].value));
    return size;
}

int32_t absa__fresh_stops(const absa_eigen *e, int exact)
{
    const absa__end *end = &e->end[e->options.which == ABSA_WHICH_SMALLEST];
    const absa__shown shown = {end->upper - end->value, end->residual, size_of(e), 0.0};
    if (exact || end->upper <= last_wanted(e))
        return ABSA_STOP_CONVERGED;
    return absa__rule_stops(&e->options, &e->now, &shown, HUGE_VAL, 0);
}

/* Makes the vectors of count Ritz pairs the first ones of the basis and counts them as locked. */
static absa_status lock(absa_eigen *e, const int64_t *column, int64_t count)
{
    absa__ritz_components(e, count, column, e->dense);
    const absa_status status = absa__change_basis(e, e->have, count, e->dense);
    if (!status)
        e->locked += count;
    return status;
}

static absa_status lock_wanted(absa_eigen *e)
{
    int64_t column[ABSA__MOST_WANTED] = {0};
    const int64_t count = e->now.pairs;
    for (int64_t i = 0; i < count; i++)
        column[i] = e->pair[i].column;
    const absa_status status = lock(e, column, count);
    for (int64_t i = 0; i < count; i++) {
        e->pair[i].slot = i;
        e->pair[i].column = -1;
    }
    return status;
}

/* Puts the fresh run's pair among the others, from the outside in and behind what it repeats. */
static absa_status lock_fresh(absa_eigen *e)
{
    const absa__end *end = end_of(e);
    const double sign = sign_of(e);
    double square = end->residual * end->residual;
    for (int64_t i = 0; i < e->now.pairs; i++)
        square += e->pair[i].residual * e->pair[i].residual;
    const double residual = sqrt(square), lower = fmin(end->lower, end->value - residual);
    const int64_t column = sign > 0.0 ? e->ritz_count - 1 : 0;
    absa__pair p = {sign * end->value,
                    sign > 0.0 ? lower : -end->upper,
                    sign > 0.0 ? end->upper : -lower,
                    residual,
                    -1,
                    e->locked,
                    sign < 0.0,
                    (int32_t)(e->now.starts - 1)};
    int64_t at = e->now.pairs;
    const absa_status status = lock(e, &column, 1);
    if (status)
        return status;
    for (; at > 0 && sign * e->pair[at - 1].value < end->value - residual; at--)
        e->pair[at] = e->pair[at - 1];
    e->pair[at] = p;
    e->now.pairs++;
    return ABSA_OK;
}

static absa_status start(absa_eigen *e)
{
    const uint64_t number = (uint64_t)e->now.starts++;
    e->now.eta = fmin(e->now.eta + e->options.eta, 1.0);
    e->steps = e->have = e->held = e->ritz_count = 0;
    e->end[0].upper = e->end[1].upper = HUGE_VAL;
    return absa__start_vector(e, ABSA_OK, e->now.stream + number * ABSA__FRESH_STREAM, NULL, 0.0);
}

absa_status absa__fresh_next(absa_eigen *e, int32_t *why, int *goes_on)
{
    absa_status status = ABSA_OK;
    const double last = last_wanted(e), sign = sign_of(e);
    const absa__end *end = end_of(e);
    int found = 1;
    if (e->locked == 0) {
        e->pending_stop = *why;
        status = lock_wanted(e);
    } else {
        e->now.rest_bound = sign * end->upper;
        found = end->upper > last && end->value >= last - e->options.tolerance * size_of(e);
        if (found)
            status = lock_fresh(e);
    }
    *why = e->pending_stop;
    if (status || !found || e->now.starts > e->options.multiplicity)
        return status;
    if (e->locked == e->space.given.n_global) {
        e->now.rest_bound = -sign * HUGE_VAL;
        return ABSA_OK;
    }
    if (e->now.products == e->options.max_products) {
        *why = ABSA_STOP_BUDGET;
        return ABSA_OK;
    }
    *goes_on = 1;
    return start(e);
}
