/* The second pass of TWO_PASS: three vectors keep no basis, so once the coefficients of the Ritz
 * vector are known, the same start makes the same basis again, and the vector is added up on the
 * way. The steps are the first pass's own, which gives the same bits where the product does; what
 * its coefficients differ by tells whether the operator stayed the same between the passes. */
#include "eigen/eigen_impl.h"

#include <math.h>

enum { VECTOR = 3 };

/* Components of the Ritz vector: they outlive the steps, which work in the first arrays. */
static double *components(const absa_eigen *e)
{
    return e->work + 3 * e->sizes.room;
}

/* Adds the part of q_{steps}, the next product's input. */
static absa_status add_input(absa_eigen *e, double keep)
{
    const double a = components(e)[e->steps] / e->length[1];
    return absa__vector_axpby(&e->space, a, e->slot[1], keep, e->slot[VECTOR]);
}

/* Ends the run with the vector, which the recurrence gives no exact length. */
static absa_status finish(absa_eigen *e, absa_status status)
{
    const void *x = e->slot[VECTOR];
    double square = 0.0;
    if (!status)
        status = absa__vector_dots(&e->space, 1, &x, x, &square);
    status = absa__vector_sum(&e->space, status, &square, 1);
    if (status)
        return status;
    e->length[VECTOR] = sqrt(square);
    e->has_vector = 1;
    absa__eigen_end(e, e->pending_stop);
    return ABSA_OK;
}

absa_status absa__second_pass_begin(absa_eigen *e, int32_t why, int *goes_on)
{
    const void *hint = e->hint_weight > 0.0 ? e->slot[VECTOR] : NULL;
    double length = 1.0;
    absa__ritz_combination(e, 0, 1, components(e));
    e->second_pass = e->steps;
    e->pending_stop = why;
    e->now.converged = absa__eigen_converged(e, why);
    e->steps = 0;
    e->drift = 0.0;
    *goes_on = 1;
    absa_status status = hint ? absa__hint_length(e, ABSA_OK, hint, &length) : ABSA_OK;
    if (!status)
        status = absa__start_vector(e, ABSA_OK, e->now.stream, hint, e->hint_weight / length);
    if (!status)
        status = absa__vector_status(&e->space, add_input(e, 0.0));
    return status || e->second_pass > 1 ? status : finish(e, ABSA_OK);
}

absa_status absa__second_pass_step(absa_eigen *e, absa_status status)
{
    const int64_t j = e->steps;
    const double *s = components(e), alpha = e->alpha[j], beta = e->beta[j];
    status = absa__lanczos_step(e, status);
    if (status)
        return status;
    e->now.products++;
    /* To first order, what the Rayleigh quotient of the first pass's components moves by. */
    e->drift += s[j] * s[j] * (e->alpha[j] - alpha) + 2.0 * s[j] * s[j + 1] * (e->beta[j] - beta);
    absa__meter_add(e, fabs(e->drift));
    absa__meter_show(e);
    return absa__vector_status(&e->space, add_input(e, 1.0));
}

absa_status absa__second_pass_next(absa_eigen *e, int32_t wish)
{
    if (e->steps == e->second_pass - 1)
        return finish(e, ABSA_OK);
    if (wish)
        absa__eigen_end(e, ABSA_STOP_MONITOR);
    return ABSA_OK;
}
