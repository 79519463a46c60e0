/* The check of a host's callbacks finds what is wrong with each of these, and nothing in the good.
 */
#include "support/faulty_alloc.h"
#include "support/losses.h"
#include "support/processes.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { N = 64 };

typedef enum fault {
    NONE,
    ZERO,
    NANS,
    NEW_BATCH,
    NORMALISED,
    CONSTANT_TERM,
    TRANSPOSED,
    FAULTS
} fault;

typedef struct host {
    fault fault;
    int32_t element;
    int64_t calls, fail_at, first;
} host;

static double get(const host *h, const void *v, int64_t i)
{
    return h->element == ABSA_ELEMENT_F64 ? ((const double *)v)[i] : (double)((const float *)v)[i];
}

/* A band matrix with a fault. */
static int product(void *user, const void *v, void *hv, int64_t *samples)
{
    host *h = user;
    double length = 0.0;
    h->calls++;
    *samples = 1;
    for (int64_t i = 0; i < N; i++)
        length += get(h, v, i) * get(h, v, i);
    for (int64_t i = 0; i < N; i++) {
        const double before = i > 0 ? get(h, v, i - 1) : 0.0;
        const double after = i < N - 1 ? get(h, v, i + 1) : 0.0;
        double y = (2.0 + (double)(i % 3)) * get(h, v, i) - before - after;
        y *= h->fault == ZERO ? 0.0 : h->fault == NANS && i == 7 ? (double)NAN : 1.0;
        y *= h->fault == NEW_BATCH ? 1.0 + 0.01 * (double)(h->calls % 2) : 1.0;
        y *= h->fault == NORMALISED ? 1.0 / sqrt(length) : 1.0;
        y += h->fault == CONSTANT_TERM ? 0.1 * (double)(i % 2) : 0.0;
        y += h->fault == TRANSPOSED ? 0.5 * after : 0.0;
        if (h->element == ABSA_ELEMENT_F64)
            ((double *)hv)[i] = y;
        else
            ((float *)hv)[i] = (float)y;
    }
    return h->calls == h->fail_at ? 3 : 0;
}

static absa_operator *make(absa_context *ctx, host *h)
{
    absa_space space;
    absa_operator *op;
    absa_space_host(&space, sizeof space, h->element, N);
    cr_assert_eq(absa_operator_from_hvp(ctx, &space, product, h, NULL, &op), ABSA_OK);
    return op;
}

Test(oper_check, every_fault_is_found_and_named)
{
    static const int32_t verdicts[FAULTS] = {
        [NONE] = ABSA_VERDICT_GOOD,
        [ZERO] = ABSA_VERDICT_ZERO,
        [NANS] = ABSA_VERDICT_NONFINITE,
        [NEW_BATCH] = ABSA_VERDICT_NOT_REPEATABLE,
        [NORMALISED] = ABSA_VERDICT_NOT_SCALING,
        [CONSTANT_TERM] =
            ABSA_VERDICT_NOT_SCALING, /* an eighth of the vector, the whole constant */
        [TRANSPOSED] = ABSA_VERDICT_NOT_SYMMETRIC,
    };
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (int32_t element = ABSA_ELEMENT_F32; element <= ABSA_ELEMENT_F64; element++)
        for (fault k = NONE; k < FAULTS; k++)
            for (uint64_t seed = 0; seed < 20; seed++) {
                host h = {.fault = k, .element = element};
                absa_operator *op = make(ctx, &h);
                absa_check_result r;
                absa_check_result_init(&r, sizeof r);
                cr_assert_eq(absa_operator_check(op, seed, &r), ABSA_OK);
                cr_assert_eq(r.verdict, verdicts[k], "fault %d, seed %d: %s", (int)k, (int)seed,
                             absa_verdict_text(r.verdict));
                cr_assert_eq(r.products, 5);
                cr_assert_eq(absa_operator_products(op), 5);
                absa_operator_destroy(&op);
            }
    absa_context_destroy(&ctx);
}

/* Diagonal 2, 3, 4 and two neighbours -1: the squares of its eigenvalues have the mean 29/3 + 2. Of
 * 64 numbers that is off by a fifth or so. */
Test(oper_check, the_length_is_the_root_mean_square_of_the_eigenvalues)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    host h = {.element = ABSA_ELEMENT_F64};
    absa_operator *op = make(ctx, &h);
    absa_check_result r;
    absa_check_result_init(&r, sizeof r);
    cr_assert_eq(absa_operator_check(op, 1, &r), ABSA_OK);
    cr_assert_float_eq(r.length, sqrt(29.0 / 3.0 + 2.0), 0.2 * 3.4);
    absa_operator_destroy(&op);
    absa_context_destroy(&ctx);
}

Test(oper_check, differences_pass_where_they_are_smooth)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (int kinked = 0; kinked < 2; kinked++) {
        loss_host h = loss_whole(ABSA_ELEMENT_F32);
        float theta[LOSS_N], v[LOSS_N];
        absa_space space;
        absa_operator *op;
        absa_check_result r;
        absa_check_result_init(&r, sizeof r);
        absa_space_host(&space, sizeof space, ABSA_ELEMENT_F32, LOSS_N);
        loss_fill(&h, theta, v);
        absa_difference_options d;
        absa_difference_options_init(&d, sizeof d);
        d.step = kinked ? 0.3 : d.step;
        cr_assert_eq(absa_operator_from_gradient(ctx, &space, theta,
                                                 kinked ? kinked_gradient : loss_gradient, &h, &d,
                                                 NULL, &op),
                     ABSA_OK);
        cr_assert_eq(absa_operator_check(op, 0, &r), ABSA_OK);
        cr_assert_eq(r.verdict, kinked ? ABSA_VERDICT_NOT_ADDITIVE : ABSA_VERDICT_GOOD, "%s",
                     absa_verdict_text(r.verdict));
        absa_operator_destroy(&op);
    }
    absa_context_destroy(&ctx);
}

Test(oper_check, every_verdict_has_its_words)
{
    for (int32_t v = ABSA_VERDICT_GOOD; v <= ABSA_VERDICT_NOT_SYMMETRIC; v++)
        for (int32_t w = -1; w < v; w++)
            cr_assert_str_neq(absa_verdict_text(v), absa_verdict_text(w));
    cr_assert_str_eq(absa_verdict_text(-1), absa_verdict_text(7));
}

Test(oper_check, failures_are_failures_and_leak_nothing)
{
    for (int64_t k = 1; k <= 6; k++) {
        host h = {.element = ABSA_ELEMENT_F64, .fail_at = k};
        faulty_alloc f = {0};
        absa_context *ctx = faulty_context(&f);
        absa_operator *op = make(ctx, &h);
        absa_check_result r;
        absa_check_result_init(&r, sizeof r);
        r.verdict = -5;
        cr_assert_eq(absa_operator_check(op, 0, &r), k <= 5 ? ABSA_E_CALLBACK : ABSA_OK);
        cr_assert_eq(r.verdict == -5, k <= 5, "nothing is written");
        h.fail_at = 0;
        f.fail_at = f.calls + k;
        cr_assert_eq(absa_operator_check(op, 0, &r), k <= 5 ? ABSA_E_MEMORY : ABSA_OK);
        cr_assert_eq(absa_operator_check(op, 0, NULL), ABSA_E_INVALID);
        cr_assert_eq(absa_operator_check(NULL, 0, &r), ABSA_E_INVALID);
        absa_operator_destroy(&op);
        absa_context_destroy(&ctx);
        cr_assert(f.live_blocks == 0 && f.errors == 0);
    }
}

/* A diagonal over two shards; on one of them the product fails at call fail_at. */
static int shard_product(void *user, const void *v, void *hv, int64_t *samples)
{
    host *h = user;
    h->calls++;
    *samples = 1;
    for (int64_t i = 0; i < N; i++)
        ((double *)hv)[i] = (double)(h->first + i) * ((const double *)v)[i];
    return h->calls == h->fail_at ? 3 : 0;
}

static void sharded(process *p)
{
    for (int64_t k = 0; k <= 5; k++) {
        host h = {.first = p->rank * N, .fail_at = p->rank == 1 ? k : 0};
        absa_context *ctx;
        absa_operator *op;
        absa_space space;
        absa_check_result r;
        absa_context_create(NULL, &ctx);
        absa_check_result_init(&r, sizeof r);
        absa_space_host(&space, sizeof space, ABSA_ELEMENT_F64, N);
        space.distribution = ABSA_DISTRIBUTION_SHARDED;
        space.n_global = 2 * N;
        space.first = h.first;
        space.reduce = process_reduce;
        space.reduce_user = p;
        cr_assert_eq(absa_operator_from_hvp(ctx, &space, shard_product, &h, NULL, &op), ABSA_OK);
        cr_assert_eq(absa_operator_check(op, 0, &r), k == 0         ? ABSA_OK
                                                     : p->rank == 1 ? ABSA_E_CALLBACK
                                                                    : ABSA_E_PEER);
        cr_assert_eq(r.verdict, ABSA_VERDICT_GOOD);
        absa_operator_destroy(&op);
        absa_context_destroy(&ctx);
    }
}

Test(oper_check, shards_judge_together)
{
    processes_run(2, sharded, NULL);
}
