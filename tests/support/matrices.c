#include "support/matrices.h"

#include <math.h>

int diagonal_hvp(void *user, const void *v, void *hv, int64_t *samples)
{
    diagonal_host *h = user;
    (void)samples;
    h->calls++;
    if (h->calls == h->fail_at)
        return 7;
    const double factor = h->change_at && h->calls >= h->change_at ? 1.0 + h->change : 1.0;
    for (int64_t i = 0; i < h->n; i++) {
        const double value = h->calls == h->nan_at ? (double)NAN : factor * h->values[i];
        if (h->element == ABSA_ELEMENT_F64)
            ((double *)hv)[i] = value * ((const double *)v)[i];
        else
            ((float *)hv)[i] = (float)value * ((const float *)v)[i];
    }
    return 0;
}

absa_operator *diagonal_operator(absa_context *ctx, diagonal_host *h, absa_space *space)
{
    absa_operator *op;
    absa_space_host(space, sizeof *space, h->element, h->n);
    return absa_operator_from_hvp(ctx, space, diagonal_hvp, h, NULL, &op) ? NULL : op;
}
