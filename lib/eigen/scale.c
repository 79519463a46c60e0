/* What squares in double precision can measure. A vector's length is the root of a sum of squares:
 * outside a range of scales the squares overflow or vanish, and a remainder that vanished would
 * pass for an invariant subspace. */
#include "eigen/eigen_impl.h"

#include "base/fail.h"

#include <float.h>
#include <math.h>

static int is_f64(const absa_eigen *e)
{
    return e->space.shape.element == ABSA_ELEMENT_F64;
}

double absa__most_hint_weight(const absa_eigen *e)
{
    /* An element of the random part is then 16 units in the last place of the hint's. */
    return 0x1p-4 / absa__element_epsilon(e);
}

absa_status absa__hint_length(absa_eigen *e, absa_status status, const void *hint, double *out)
{
    const double most = is_f64(e) ? 1e140 : 1e30;
    double square = 0.0;
    if (!status)
        status = absa__vector_dots(&e->space, 1, &hint, hint, &square);
    status = absa__vector_sum(&e->space, status, &square, 1);
    if (status)
        return status;
    const double length = *out = sqrt(square);
    if (!(length <= most))
        return absa__fail(e->ctx, ABSA_E_NONFINITE,
                          "the hint holds a NaN or an infinity, or is longer than %g", most);
    if (length < 1.0 / most)
        return absa__fail(e->ctx, ABSA_E_INVALID, "the hint is the zero vector, or shorter than %g",
                          1.0 / most);
    return ABSA_OK;
}

/* The shortest first product of which a remainder is known to a unit in the last place: in double
 * precision its squares, in single precision its elements must be normal numbers. */
static double least_length(const absa_eigen *e)
{
    const double root = sqrt((double)e->space.given.n_global);
    return root * (is_f64(e) ? sqrt(DBL_MIN) / DBL_EPSILON : (double)FLT_MIN);
}

absa_status absa__check_product(absa_eigen *e, int64_t in, double square)
{
    e->floor = 0.0;
    if (!isfinite(square))
        return absa__fail(e->ctx, ABSA_E_NONFINITE,
                          "product %lld holds a NaN or an infinity, or its square overflows",
                          (long long)(e->now.products + 1));
    /* The first product is as long as the operator is large, but for luck; what later ones lose is
     * nothing beside it. */
    if (e->steps > 0 || e->locked > 0 || sqrt(square) >= least_length(e))
        return ABSA_OK;
    const double zero = 0.0, up = is_f64(e) ? 0x1p600 : 0x1p100;
    const void *self = e->slot[in];
    double raised = 0.0;
    absa_status status =
        absa__vector_combine(&e->space, 1, &zero, &self, up, e->slot[in + 1], &raised);
    if (!status)
        status = absa__vector_combine(&e->space, 1, &zero, &self, 1.0 / up, e->slot[in + 1], NULL);
    status = absa__vector_sum(&e->space, status, &raised, 1);
    if (!status && raised > 0.0)
        e->floor = least_length(e);
    return status;
}

double absa__fit_scale(const absa_eigen *e, double scale)
{
    /* Vectors are multiplied by the inverse, which must be a normal number of their type; a double
     * that has a square has such an inverse. */
    return is_f64(e) ? scale : fmin(fmax(scale, 0x1p-100), 0x1p120);
}

void absa__widen_by_floor(absa_eigen *e)
{
    absa_eigen_result *r = &e->now;
    const double by = e->floor / e->delta;
    r->lower -= by;
    r->upper += by;
    r->residual += e->floor;
    r->other_lower -= by;
    r->other_upper += by;
    r->other_residual += e->floor;
    for (int64_t i = 0; i < r->pairs; i++) {
        e->pair[i].lower -= by;
        e->pair[i].upper += by;
        e->pair[i].residual += e->floor;
    }
    e->shown.gap = e->shown.residual = HUGE_VAL;
}
