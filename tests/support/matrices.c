#include "support/matrices.h"

#include <criterion/criterion.h>
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

absa_eigen_options eigen_options(int32_t rule, int32_t memory)
{
    absa_eigen_options o;
    absa_eigen_options_init(&o, sizeof o);
    o.rule = rule;
    o.memory = memory;
    return o;
}

absa_eigen_result run_diagonal(int32_t element, int64_t n, const double *values,
                               const absa_eigen_options *o, const absa_eigen_args *args,
                               void *vector)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    diagonal_host h = {.n = n, .element = element, .values = values};
    absa_space space;
    absa_operator *op = diagonal_operator(ctx, &h, &space);
    absa_eigen *e;
    absa_eigen_result r;
    absa_eigen_result_init(&r, sizeof r);
    cr_assert_eq(absa_eigen_create(ctx, &space, o, &e), ABSA_OK, "%s", absa_context_message(ctx));
    cr_assert_eq(absa_eigen_run(e, op, args, &r), ABSA_OK, "%s", absa_context_message(ctx));
    cr_assert_eq(r.products, h.calls, "every product is counted");
    if (vector)
        cr_assert_eq(absa_eigen_vector(e, vector), ABSA_OK);
    absa_eigen_destroy(&e);
    absa_operator_destroy(&op);
    absa_context_destroy(&ctx);
    return r;
}

void outlier_spectrum(int64_t n, double *values)
{
    for (int64_t i = 0; i < n; i++)
        values[i] = 0.3 * cos((double)i * 0.01);
    values[0] = 1.0;
    values[1] = 0.8;
    values[2] = 0.6;
    values[n - 1] = -0.7;
}
