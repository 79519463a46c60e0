/* Blocks of operators that are made of others or of differences, and sums of blocks: what such an
 * operator knows beside its products must come through. */
#include "oper/oper.h"

#include "support/dense_blocks.h"
#include "support/losses.h"

#include <float.h>

enum { FIRST = 2, M = 4 }; /* the block of LOSS_N parameters */

typedef struct setting {
    absa_context *ctx;
    absa_space space;
    loss_host h;
    double theta[LOSS_N], v[LOSS_N]; /* v is zero outside the block */
    absa_operator *whole, *part;
} setting;

/* An operator of differences and a block of it. */
static void open_setting(setting *s, int32_t scheme)
{
    absa_difference_options d;
    absa_block *b;
    s->h = loss_whole(ABSA_ELEMENT_F64);
    cr_assert_lt(FIRST + M, LOSS_N);
    cr_assert_eq(absa_context_create(NULL, &s->ctx), ABSA_OK);
    absa_space_host(&s->space, sizeof s->space, ABSA_ELEMENT_F64, LOSS_N);
    absa_difference_options_init(&d, sizeof d);
    d.scheme = scheme;
    d.step = 0.5; /* so large that half of it shows */
    loss_fill(&s->h, s->theta, s->v);
    for (int i = 0; i < LOSS_N; i++)
        s->v[i] = i < FIRST || i >= FIRST + M ? 0 : s->v[i];
    cr_assert_eq(absa_operator_from_gradient(s->ctx, &s->space, s->theta, loss_gradient, &s->h, &d,
                                             NULL, &s->whole),
                 ABSA_OK);
    cr_assert_eq(absa_block_create(s->ctx, LOSS_N, NULL, 0, &b), ABSA_OK);
    cr_assert_eq(absa_block_select_range(b, FIRST, M), ABSA_OK);
    cr_assert_eq(absa_operator_from_block(s->whole, b, &s->part), ABSA_OK);
    absa_block_destroy(&b);
}

static void close_setting(setting *s)
{
    absa_operator_destroy(&s->part);
    absa_operator_destroy(&s->whole);
    absa_context_destroy(&s->ctx);
}

Test(block_compose, a_block_of_differences_is_one_and_halves_its_step)
{
    setting s;
    double y[LOSS_N], want = 0, halved = 0, same = 0;
    open_setting(&s, ABSA_SCHEME_CENTRAL);
    cr_assert(absa__operator_differences(s.part));
    cr_assert_eq(absa__operator_halved(s.whole, s.v, &want), ABSA_OK);
    cr_assert_eq(absa__operator_halved(s.part, s.v + FIRST, &halved), ABSA_OK);
    cr_assert_eq(halved, want);
    cr_assert_eq(absa_operator_apply(s.part, s.v + FIRST, y), ABSA_OK);
    for (int i = 0; i < M; i++)
        same += s.v[FIRST + i] * y[i];
    cr_assert_gt(fabs(same - halved), 1e-4 * fabs(halved), "half the step must matter");
    cr_assert_eq(absa_operator_products(s.part), 2);
    close_setting(&s);
}

/* So an estimate of it is no certificate. */
Test(block_compose, an_estimate_of_a_block_of_differences_is_heuristic)
{
    setting s;
    absa_eigen_result r;
    const absa_block_range range = {NULL, FIRST, M, 0};
    open_setting(&s, ABSA_SCHEME_CENTRAL);
    cr_assert_eq(absa_block_eigenvalues(s.whole, &range, 1, NULL, 0, &r, sizeof r), ABSA_OK, "%s",
                 absa_context_message(s.ctx));
    cr_assert(r.heuristic);
    close_setting(&s);
}

/* One gradient a product, and one a run for the point itself. */
Test(block_compose, forward_differences_keep_the_gradient_at_theta_for_a_run_of_a_block)
{
    setting s;
    double y[LOSS_N];
    open_setting(&s, ABSA_SCHEME_FORWARD);
    for (int run = 0; run < 2; run++) {
        s.h.calls = 0;
        absa__operator_run(s.part, 1);
        for (int k = 0; k < 3; k++)
            cr_assert_eq(absa_operator_apply(s.part, s.v + FIRST, y), ABSA_OK);
        absa__operator_run(s.part, 0);
        cr_assert_eq(s.h.calls, 1 + 3, "run %d: %d gradients", run, (int)s.h.calls);
    }
    close_setting(&s);
}

typedef struct counted_host {
    dense_host dense;
    int64_t samples;
} counted_host;

static int counted_product(void *user, const void *v, void *hv, int64_t *samples)
{
    counted_host *h = user;
    const int code = dense_product(&h->dense, v, hv, samples);
    *samples = h->samples;
    return code;
}

/* Batches of 1 and 3 samples: their mean weighs them so, whether the block is of the sum or the sum
 * of blocks. */
Test(block_compose, sums_weigh_blocks_by_the_samples_of_their_batches)
{
    counted_host h[2] = {{.samples = 1}, {.samples = 3}};
    absa_context *ctx;
    absa_space space;
    absa_operator *whole[2], *part[2], *sum, *sum_of_parts, *part_of_sum;
    absa_block *b;
    double x[DENSE_N], y[DENSE_N], other[DENSE_N];
    cr_assert_eq(absa_context_create(NULL, &ctx), ABSA_OK);
    cr_assert_eq(absa_block_create(ctx, DENSE_N, NULL, 0, &b), ABSA_OK);
    cr_assert_eq(absa_block_select(b, "range:3+5,range:11+2"), ABSA_OK);
    absa_space_host(&space, sizeof space, ABSA_ELEMENT_F64, DENSE_N);
    for (int k = 0; k < 2; k++) {
        dense_fill(&h[k].dense, 5 + (uint64_t)k);
        cr_assert_eq(absa_operator_from_hvp(ctx, &space, counted_product, &h[k], NULL, &whole[k]),
                     ABSA_OK);
        cr_assert_eq(absa_operator_from_block(whole[k], b, &part[k]), ABSA_OK);
    }
    cr_assert_eq(absa_operator_sum(ctx, 2, whole, NULL, &sum), ABSA_OK);
    cr_assert_eq(absa_operator_from_block(sum, b, &part_of_sum), ABSA_OK);
    cr_assert_eq(absa_operator_sum(ctx, 2, part, NULL, &sum_of_parts), ABSA_OK);
    const int64_t m = absa_block_count(b);
    double one[DENSE_N * DENSE_N], three[DENSE_N * DENSE_N];
    dense_sub_matrix(&h[0].dense, b, one);
    dense_sub_matrix(&h[1].dense, b, three);
    for (int64_t j = 0; j < m; j++) {
        memset(x, 0, sizeof x);
        x[j] = 1;
        cr_assert_eq(absa_operator_apply(sum_of_parts, x, y), ABSA_OK);
        cr_assert_eq(absa_operator_apply(part_of_sum, x, other), ABSA_OK);
        for (int64_t i = 0; i < m; i++) {
            const double want = one[i * m + j] / 4 + three[i * m + j] * 3 / 4;
            cr_assert_float_eq(y[i], want, 4 * DBL_EPSILON);
            cr_assert_float_eq(other[i], want, 4 * DBL_EPSILON);
        }
    }
    absa_operator *all[] = {sum_of_parts, part_of_sum, sum, part[0], part[1], whole[0], whole[1]};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        absa_operator_destroy(&all[i]);
    absa_block_destroy(&b);
    absa_context_destroy(&ctx);
}
