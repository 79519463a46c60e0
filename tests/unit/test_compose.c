/* Operators made of others: means over probe batches, and shifts. */
#include "oper/oper.h"

#include "support/faulty_alloc.h"
#include "support/losses.h"
#include "support/matrices.h"
#include "support/processes.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { N = 6, PARTS = 3 };

/* Diagonal part k covers k + 1 samples. */
typedef struct part {
    double value;
    int64_t samples, fail, calls;
} part;

static int part_hvp(void *user, const void *v, void *hv, int64_t *samples)
{
    part *p = user;
    p->calls++;
    for (int i = 0; i < N; i++)
        ((double *)hv)[i] = p->value * (i + 1) * ((const double *)v)[i];
    *samples = p->samples;
    return p->fail ? 5 : 0;
}

typedef struct setting {
    absa_context *ctx;
    absa_space space;
    part parts[PARTS];
    absa_operator *ops[PARTS];
} setting;

static void open_setting(setting *s)
{
    absa_context_create(NULL, &s->ctx);
    absa_space_host(&s->space, sizeof s->space, ABSA_ELEMENT_F64, N);
    for (int k = 0; k < PARTS; k++) {
        s->parts[k] = (part){.value = k == 0 ? 1.0 : k == 1 ? -2.0 : 10.0, .samples = k + 1};
        cr_assert_eq(
            absa_operator_from_hvp(s->ctx, &s->space, part_hvp, &s->parts[k], NULL, &s->ops[k]),
            ABSA_OK);
    }
}

static void close_setting(setting *s)
{
    for (int k = 0; k < PARTS; k++)
        absa_operator_destroy(&s->ops[k]);
    absa_context_destroy(&s->ctx);
}

static const double ones[N] = {1, 1, 1, 1, 1, 1};

Test(compose, a_sum_is_the_mean_by_samples_or_by_weights)
{
    static const struct {
        double weights[PARTS], want;
    } cases[] = {{{0}, (1.0 * 1 - 2.0 * 2 + 10.0 * 3) / 6},
                 {{1, 1, 1}, 3.0},
                 {{0, 1, 3}, 7.0},
                 {{0, 0, 2}, 10.0},
                 {{4, 0, 0}, 1.0}};
    setting s;
    open_setting(&s);
    for (int k = 0; k < 5; k++) {
        absa_operator *op;
        double y[N];
        memset(y, 0xFF, sizeof y);
        cr_assert_eq(absa_operator_sum(s.ctx, PARTS, s.ops, k == 0 ? NULL : cases[k].weights, &op),
                     ABSA_OK);
        cr_assert_eq(absa_operator_apply(op, ones, y), ABSA_OK);
        for (int i = 0; i < N; i++) /* a few roundings of numbers up to 60 */
            cr_assert_float_eq(y[i], cases[k].want * (i + 1), 1e-13, "case %d: %g", k, y[i]);
        cr_assert_eq(absa_operator_products(op), 1);
        absa_operator_destroy(&op);
    }
    cr_assert_eq(s.parts[2].calls, 5);
    close_setting(&s);
}

Test(compose, what_weighs_nothing_is_not_read)
{
    setting s;
    open_setting(&s);
    for (int k = 0; k < PARTS; k++) {
        double weights[PARTS] = {1, 1, 1}, y[N];
        absa_operator *op;
        const double value = s.parts[k].value;
        weights[k] = 0.0;
        s.parts[k].value = (double)NAN;
        cr_assert_eq(absa_operator_sum(s.ctx, PARTS, s.ops, weights, &op), ABSA_OK);
        cr_assert_eq(absa_operator_apply(op, ones, y), ABSA_OK);
        for (int i = 0; i < N; i++)
            cr_assert(isfinite(y[i]), "part %d", k);
        s.parts[k].value = value;
        absa_operator_destroy(&op);
    }
    close_setting(&s);
}

Test(compose, a_shift_adds_a_multiple_of_the_vector)
{
    setting s;
    absa_operator *shifted, *sum, *twice;
    double y[N];
    open_setting(&s);
    cr_assert_eq(absa_operator_shift(s.ctx, s.ops[1], 0.5, &shifted), ABSA_OK);
    cr_assert_eq(absa_operator_apply(shifted, ones, y), ABSA_OK);
    for (int i = 0; i < N; i++)
        cr_assert_eq(y[i], -2.0 * (i + 1) + 0.5);
    /* Of each other, too; samples go through. */
    absa_operator *both[2] = {s.ops[0], shifted};
    cr_assert_eq(absa_operator_sum(s.ctx, 2, both, NULL, &sum), ABSA_OK);
    cr_assert_eq(absa_operator_shift(s.ctx, sum, -1.0, &twice), ABSA_OK);
    cr_assert_eq(absa_operator_apply(twice, ones, y), ABSA_OK);
    for (int i = 0; i < N; i++)
        cr_assert_float_eq(y[i], (1.0 * (i + 1) + 2.0 * (-2.0 * (i + 1) + 0.5)) / 3.0 - 1.0, 1e-14);
    absa_operator_destroy(&twice);
    absa_operator_destroy(&sum);
    absa_operator_destroy(&shifted);
    close_setting(&s);
}

Test(compose, a_failing_part_fails_the_whole)
{
    setting s;
    absa_operator *op;
    double y[N];
    open_setting(&s);
    cr_assert_eq(absa_operator_sum(s.ctx, PARTS, s.ops, NULL, &op), ABSA_OK);
    for (int k = 0; k < PARTS; k++) {
        s.parts[k].fail = 1;
        cr_assert_eq(absa_operator_apply(op, ones, y), ABSA_E_CALLBACK);
        cr_assert_eq(absa_context_callback_code(s.ctx), 5);
        s.parts[k].fail = 0;
    }
    s.parts[1].samples = 0;
    cr_assert_eq(absa_operator_apply(op, ones, y), ABSA_E_INVALID);
    s.parts[1].samples = 2;
    cr_assert_eq(absa_operator_apply(op, ones, y), ABSA_OK);
    absa_operator_destroy(&op);
    close_setting(&s);
}

Test(compose, wrong_parts_are_refused)
{
    setting s;
    open_setting(&s);
    static const double wrong[][PARTS] = {{1, -1, 1},
                                          {0, 0, 0},
                                          {1, (double)NAN, 1},
                                          {1, (double)INFINITY, 1},
                                          {1e308, 1e308, 1e308}};
    absa_operator *op = s.ops[0];
    for (int k = 0; k < 5; k++) {
        cr_assert_eq(absa_operator_sum(s.ctx, PARTS, s.ops, wrong[k], &op), ABSA_E_INVALID);
        cr_assert_null(op);
        cr_assert_not_null(strstr(absa_context_message(s.ctx), "weights"));
    }
    absa_space other = s.space;
    absa_operator *mixed[2] = {s.ops[0], NULL};
    cr_assert_eq(absa_operator_sum(s.ctx, 2, mixed, NULL, &op), ABSA_E_INVALID);
    other.n = other.n_global = N + 1;
    cr_assert_eq(absa_operator_from_hvp(s.ctx, &other, part_hvp, &s.parts[0], NULL, &mixed[1]),
                 ABSA_OK);
    cr_assert_eq(absa_operator_sum(s.ctx, 2, mixed, NULL, &op), ABSA_E_INVALID);
    cr_assert_eq(absa_operator_sum(s.ctx, 0, mixed, NULL, &op), ABSA_E_INVALID);
    cr_assert_eq(absa_operator_sum(s.ctx, 2, NULL, NULL, &op), ABSA_E_INVALID);
    cr_assert_eq(absa_operator_sum(s.ctx, 2, mixed, NULL, NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_operator_shift(s.ctx, s.ops[0], (double)NAN, &op), ABSA_E_INVALID);
    cr_assert_eq(absa_operator_shift(s.ctx, NULL, 1.0, &op), ABSA_E_INVALID);
    cr_assert_eq(absa_operator_shift(s.ctx, s.ops[0], 1.0, NULL), ABSA_E_INVALID);
    absa_operator_destroy(&mixed[1]);
    close_setting(&s);
}

Test(compose, every_failing_allocation_is_reported_and_leaks_nothing)
{
    static const double weights[PARTS] = {1, 2, 3};
    int succeeded = 0;
    for (int64_t k = 1; !succeeded; k++) {
        faulty_alloc f = {0};
        absa_context *ctx = faulty_context(&f);
        absa_operator *op = NULL, *sum = NULL, *shifted = NULL;
        absa_space space;
        part p = {.value = 1.0, .samples = 1};
        absa_space_host(&space, sizeof space, ABSA_ELEMENT_F64, N);
        cr_assert_eq(absa_operator_from_hvp(ctx, &space, part_hvp, &p, NULL, &op), ABSA_OK);
        absa_operator *parts[PARTS] = {op, op, op};
        f.fail_at = f.calls + k;
        absa_status status = absa_operator_sum(ctx, PARTS, parts, weights, &sum);
        if (!status)
            status = absa_operator_shift(ctx, sum, 1.0, &shifted);
        succeeded = status == ABSA_OK;
        cr_assert(succeeded || status == ABSA_E_MEMORY);
        cr_assert_lt(k, 20);
        absa_operator_destroy(&shifted);
        absa_operator_destroy(&sum);
        absa_operator_destroy(&op);
        absa_context_destroy(&ctx);
        cr_assert(f.live_blocks == 0 && f.errors == 0);
    }
}

/* Two batches of one loss, from gradients: halving goes through sums and shifts. */
Test(compose, differences_stay_differences)
{
    absa_context *ctx;
    absa_space space;
    absa_operator *parts[2], *sum, *op;
    loss_host h[2] = {loss_whole(ABSA_ELEMENT_F64), loss_whole(ABSA_ELEMENT_F64)};
    double theta[LOSS_N], v[LOSS_N], want[LOSS_N], y[LOSS_N], vhv = 0.0, halved = 0.0;
    absa_context_create(NULL, &ctx);
    absa_space_host(&space, sizeof space, ABSA_ELEMENT_F64, LOSS_N);
    loss_fill(&h[0], theta, v);
    h[0].rows = 8;
    h[1].first = 8;
    h[1].rows = LOSS_ROWS - 8;
    for (int k = 0; k < 2; k++)
        cr_assert_eq(absa_operator_from_gradient(ctx, &space, theta, loss_gradient, &h[k], NULL,
                                                 NULL, &parts[k]),
                     ABSA_OK);
    cr_assert_eq(absa_operator_sum(ctx, 2, parts, NULL, &sum), ABSA_OK);
    cr_assert_eq(absa_operator_shift(ctx, sum, 0.25, &op), ABSA_OK);
    cr_assert(absa__operator_differences(op));
    loss_product(&h[0], theta, v, want);
    cr_assert_eq(absa_operator_apply(op, v, y), ABSA_OK);
    for (int i = 0; i < LOSS_N; i++) {
        cr_assert_float_eq(y[i], want[i] + 0.25 * v[i], 1e-5);
        vhv += v[i] * (want[i] + 0.25 * v[i]);
    }
    cr_assert_eq(absa__operator_halved(op, v, &halved), ABSA_OK);
    cr_assert_float_eq(halved, vhv, 1e-5 * vhv);
    absa_operator_destroy(&op);
    absa_operator_destroy(&sum);
    absa_operator_destroy(&parts[0]);
    absa_operator_destroy(&parts[1]);
    absa_context_destroy(&ctx);
}

/* Shards of differences sum inside every part: a failure in the first must not leave one waiting.
 */
static void sharded(process *p)
{
    absa_context *ctx;
    absa_space space;
    absa_operator *parts[2], *op;
    loss_host h[2] = {loss_whole(ABSA_ELEMENT_F64), loss_whole(ABSA_ELEMENT_F64)};
    double theta[LOSS_N], v[LOSS_N], y[LOSS_N];
    absa_context_create(NULL, &ctx);
    absa_space_host(&space, sizeof space, ABSA_ELEMENT_F64, LOSS_N);
    space.distribution = ABSA_DISTRIBUTION_SHARDED;
    space.n_global = 2 * LOSS_N;
    space.first = p->rank * LOSS_N;
    space.reduce = process_reduce;
    space.reduce_user = p;
    loss_fill(&h[0], theta, v);
    for (int k = 0; k < 2; k++)
        cr_assert_eq(absa_operator_from_gradient(ctx, &space, theta, loss_gradient, &h[k], NULL,
                                                 NULL, &parts[k]),
                     ABSA_OK);
    h[0].fail_at = p->rank == 1 ? 1 : 0;
    cr_assert_eq(absa_operator_sum(ctx, 2, parts, NULL, &op), ABSA_OK);
    cr_assert_eq(absa_operator_apply(op, v, y), p->rank == 1 ? ABSA_E_CALLBACK : ABSA_E_PEER);
    cr_assert_eq(absa_operator_apply(op, v, y), ABSA_OK);
    absa_operator_destroy(&op);
    absa_operator_destroy(&parts[0]);
    absa_operator_destroy(&parts[1]);
    absa_context_destroy(&ctx);
}

Test(compose, a_shard_that_fails_in_one_part_leaves_none_waiting)
{
    processes_run(2, sharded, NULL);
}
