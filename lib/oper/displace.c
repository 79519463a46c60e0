/* Differences move the host's own parameters, which many hosts can only evaluate in place. They
 * come back from a snapshot, not by subtraction, so that training goes on to the same bits. */
#include "oper/displace.h"

#include "base/fail.h"

#include <math.h>

absa_status absa__displace_check(absa_context *ctx, const char *who, double step, double scale)
{
    if (!(step > 0.0 && step <= 1.0))
        return absa__fail(ctx, ABSA_E_INVALID, "%s: step is %g, must be above 0 and at most 1", who,
                          step);
    if (!(scale >= 0.0) || !isfinite(scale))
        return absa__fail(ctx, ABSA_E_INVALID, "%s: scale is %g, must be 0 or more and finite", who,
                          scale);
    return ABSA_OK;
}

absa_status absa__displace_begin(absa__space *s, absa__displacement *d, const void *v, double *h)
{
    double squares[2];
    const void *theta = d->theta;
    absa_status status = absa__vector_dots(s, 1, &theta, theta, &squares[0]);
    if (!status)
        status = absa__vector_dots(s, 1, &v, v, &squares[1]);
    if (!status)
        status = absa__vector_axpby(s, 1.0, d->theta, 0.0, d->snapshot);
    status = absa__vector_sum(s, status, squares, 2);
    if (status)
        return status;
    if (!isfinite(squares[0]) || !isfinite(squares[1]))
        return absa__fail(s->ctx, ABSA_E_NONFINITE, "%s holds a NaN or an infinity",
                          isfinite(squares[0]) ? "the vector to multiply" : "theta");
    const double scale = d->scale > 0.0     ? d->scale
                         : squares[0] > 0.0 ? sqrt(squares[0])
                                            : sqrt((double)s->given.n_global);
    *h = squares[1] > 0.0 ? d->step * scale / sqrt(squares[1]) : 0.0;
    return ABSA_OK;
}

absa_status absa__displace_to(absa__space *s, absa__displacement *d, double h, const void *v)
{
    const double a[2] = {1.0, h};
    const void *x[2] = {d->snapshot, v};
    return absa__vector_combine(s, 2, a, x, 0.0, d->theta, NULL);
}

absa_status absa__displace_end(absa__space *s, absa__displacement *d, absa_status status)
{
    const absa_status back = absa__vector_axpby(s, 1.0, d->snapshot, 0.0, d->theta);
    return status ? status : back;
}
