/* The operator: arguments, conventions, callbacks, processes. */
#include "support/faulty_alloc.h"
#include "support/processes.h"

#include <absa/operator.h>

#include <criterion/criterion.h>
#include <string.h>

enum { N = 5 };

typedef struct host {
    int64_t samples; /* what the callback reports; -1: leaves the preset */
    int code;
    double factor;
    absa_operator *self;
    process *p;
} host;

static int diagonal(void *user, const void *v, void *hv, int64_t *samples)
{
    const host *h = user;
    for (int i = 0; i < N; i++)
        ((double *)hv)[i] = h->factor * (i + 1) * ((const double *)v)[i];
    if (h->samples != -1)
        *samples = h->samples;
    return h->code;
}

static absa_operator *make(absa_context *ctx, host *h, int32_t convention)
{
    absa_space s;
    absa_operator_options o;
    absa_operator *op;
    absa_space_host(&s, sizeof s, ABSA_ELEMENT_F64, N);
    absa_operator_options_init(&o, sizeof o);
    o.convention = convention;
    cr_assert_eq(absa_operator_from_hvp(ctx, &s, diagonal, h, &o, &op), ABSA_OK);
    return op;
}

Test(oper, a_mean_passes_and_a_sum_is_divided)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    host h = {.samples = 4, .factor = 2.0};
    const double x[N] = {1, 1, 1, 1, 1};
    double y[N];
    absa_operator *op = make(ctx, &h, ABSA_CONVENTION_MEAN);
    cr_assert_eq(absa_operator_apply(op, x, y), ABSA_OK);
    cr_assert_eq(y[4], 10.0);
    absa_operator_destroy(&op);
    cr_assert_null(op);
    op = make(ctx, &h, ABSA_CONVENTION_SUM);
    cr_assert_eq(absa_operator_apply(op, x, y), ABSA_OK);
    cr_assert_eq(y[4], 2.5);
    cr_assert_eq(absa_operator_products(op), 1);
    absa_operator_destroy(&op);
    absa_context_destroy(&ctx);
}

Test(oper, an_empty_probe_is_an_error)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    host h = {.samples = 0, .factor = 1.0};
    const double x[N] = {1};
    double y[N];
    absa_operator *op = make(ctx, &h, ABSA_CONVENTION_MEAN);
    cr_assert_eq(absa_operator_apply(op, x, y), ABSA_E_INVALID);
    cr_assert_not_null(strstr(absa_context_message(ctx), "0 samples"));
    h.samples = -7;
    cr_assert_eq(absa_operator_apply(op, x, y), ABSA_E_INVALID);
    h.samples = -1;
    cr_assert_eq(absa_operator_apply(op, x, y), ABSA_OK, "the preset stands when untouched");
    absa_operator_destroy(&op);
    absa_context_destroy(&ctx);
}

Test(oper, the_callbacks_code_is_kept_and_the_handle_goes_on)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    host h = {.samples = -1, .factor = 1.0, .code = 42};
    const double x[N] = {1};
    double y[N];
    absa_operator *op = make(ctx, &h, ABSA_CONVENTION_MEAN);
    cr_assert_eq(absa_operator_apply(op, x, y), ABSA_E_CALLBACK);
    cr_assert_eq(absa_context_callback_code(ctx), 42);
    h.code = 0;
    cr_assert_eq(absa_operator_apply(op, x, y), ABSA_OK);
    absa_operator_destroy(&op);
    absa_context_destroy(&ctx);
}

Test(oper, wrong_arguments_are_refused)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    host h = {.samples = -1, .factor = 1.0};
    double x[N] = {1}, y[N];
    absa_space s;
    absa_operator_options o;
    absa_operator *op = make(ctx, &h, ABSA_CONVENTION_MEAN), *none = op;
    cr_assert_eq(absa_operator_apply(op, x, x), ABSA_E_INVALID);
    cr_assert_eq(absa_operator_apply(op, NULL, y), ABSA_E_INVALID);
    cr_assert_eq(absa_operator_apply(op, x, NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_operator_apply(NULL, x, y), ABSA_E_INVALID);
    absa_space_host(&s, sizeof s, ABSA_ELEMENT_F64, N);
    cr_assert_eq(absa_operator_from_hvp(ctx, &s, NULL, &h, NULL, &none), ABSA_E_INVALID);
    cr_assert_null(none);
    cr_assert_eq(absa_operator_from_hvp(ctx, NULL, diagonal, &h, NULL, &none), ABSA_E_INVALID);
    cr_assert_eq(absa_operator_from_hvp(ctx, &s, diagonal, &h, NULL, NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_operator_from_hvp(NULL, &s, diagonal, &h, NULL, &none), ABSA_E_INVALID);
    absa_operator_options_init(&o, sizeof o);
    o.convention = 2;
    cr_assert_eq(absa_operator_from_hvp(ctx, &s, diagonal, &h, &o, &none), ABSA_E_INVALID);
    absa_operator_options_init(&o, sizeof o);
    o.reduce_vector = (absa_reduce_vector_fn)(uintptr_t)&h;
    cr_assert_eq(absa_operator_from_hvp(ctx, &s, diagonal, &h, &o, &none), ABSA_E_INVALID);
    cr_assert_not_null(strstr(absa_context_message(ctx), "reduce_vector"));
    absa_operator_destroy(&op);
    absa_operator_destroy(&op);
    absa_operator_destroy(NULL);
    absa_context_destroy(&ctx);
}

static int calls_itself(void *user, const void *v, void *hv, int64_t *samples)
{
    host *h = user;
    double other[N];
    (void)samples;
    memcpy(hv, v, N * sizeof(double));
    return absa_operator_apply(h->self, v, other);
}

Test(oper, re_entry_is_busy)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    host h = {0};
    absa_space s;
    const double x[N] = {1};
    double y[N];
    absa_space_host(&s, sizeof s, ABSA_ELEMENT_F64, N);
    cr_assert_eq(absa_operator_from_hvp(ctx, &s, calls_itself, &h, NULL, &h.self), ABSA_OK);
    cr_assert_eq(absa_operator_apply(h.self, x, y), ABSA_E_CALLBACK);
    cr_assert_eq(absa_context_callback_code(ctx), ABSA_E_BUSY);
    absa_operator_destroy(&h.self);
    absa_context_destroy(&ctx);
}

Test(oper, every_failing_allocation_is_reported_and_leaks_nothing)
{
    const int64_t lengths[1] = {N};
    absa_space s;
    host h = {.factor = 1.0};
    absa_space_host(&s, sizeof s, ABSA_ELEMENT_F64, N);
    s.segments = lengths;
    s.segment_count = 1;
    for (int64_t k = 2; k <= 5; k++) {
        faulty_alloc f = {.fail_at = k};
        absa_context *ctx = faulty_context(&f);
        absa_operator *op = (absa_operator *)&f;
        const absa_status status = absa_operator_from_hvp(ctx, &s, diagonal, &h, NULL, &op);
        cr_assert_eq(status, k <= 4 ? ABSA_E_MEMORY : ABSA_OK, "allocation %d", (int)k);
        cr_assert_eq(op == NULL, k <= 4);
        absa_operator_destroy(&op);
        absa_context_destroy(&ctx);
        cr_assert_eq(f.live_blocks, 0);
        cr_assert_eq(f.errors, 0);
    }
}

static int reduce_five(void *user, void *y)
{
    return process_reduce(user, y, N);
}

/* Process r covers r + 1 samples with factor r + 1: the mean is sum (r+1)^2 / sum (r+1). */
static void replicated(process *p)
{
    const int32_t convention = ((const int32_t *)p->user)[0];
    const int failing = ((const int32_t *)p->user)[1];
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    host h = {.samples = p->rank + 1, .factor = p->rank + 1};
    if (convention == ABSA_CONVENTION_SUM)
        h.factor *= p->rank + 1;
    if (p->rank == failing)
        h.code = 9;
    absa_space s;
    absa_operator_options o;
    absa_operator *op;
    absa_space_host(&s, sizeof s, ABSA_ELEMENT_F64, N);
    s.distribution = ABSA_DISTRIBUTION_REPLICATED;
    s.reduce = process_reduce;
    s.reduce_user = p;
    absa_operator_options_init(&o, sizeof o);
    o.convention = convention;
    cr_assert_eq(absa_operator_from_hvp(ctx, &s, diagonal, &h, &o, &op), ABSA_E_INVALID,
                 "a replicated space needs reduce_vector");
    o.reduce_vector = reduce_five;
    o.reduce_user = p;
    cr_assert_eq(absa_operator_from_hvp(ctx, &s, diagonal, &h, &o, &op), ABSA_OK);
    const double x[N] = {1, 1, 1, 1, 1};
    double y[N];
    const absa_status status = absa_operator_apply(op, x, y);
    if (failing >= 0) {
        cr_assert_eq(status, p->rank == failing ? ABSA_E_CALLBACK : ABSA_E_PEER);
    } else {
        cr_assert_eq(status, ABSA_OK);
        for (int i = 0; i < N; i++) /* (1 + 4 + 9) / (1 + 2 + 3), rounded a few times */
            cr_assert_float_eq(y[i], (i + 1) * 14.0 / 6.0, 1e-14 * (i + 1));
    }
    absa_operator_destroy(&op);
    absa_context_destroy(&ctx);
}

Test(oper, replicated_products_are_weighted_by_samples)
{
    for (int32_t convention = 0; convention < 2; convention++) {
        int32_t how[2] = {convention, -1};
        processes_run(3, replicated, how);
    }
}

Test(oper, a_failing_product_reaches_every_process)
{
    int32_t how[2] = {ABSA_CONVENTION_MEAN, 1};
    processes_run(3, replicated, how);
}
