/* Operators from gradients: how near they come to the product, that theta is back bit for bit
 * whatever happens, and what becomes of every failure. */
#include "oper/oper.h"

#include "support/faulty_alloc.h"
#include "support/losses.h"
#include "support/processes.h"

#include <absa/eigen.h>

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

typedef struct setting {
    loss_host h;
    absa_space space;
    absa_difference_options d;
    double theta[LOSS_N], v[LOSS_N], y[LOSS_N], before[LOSS_N]; /* room for either type */
} setting;

static setting make(int32_t element)
{
    setting s = {.h = loss_whole(element)};
    absa_space_host(&s.space, sizeof s.space, element, LOSS_N);
    absa_difference_options_init(&s.d, sizeof s.d);
    loss_fill(&s.h, s.theta, s.v);
    memcpy(s.before, s.theta, sizeof s.theta);
    return s;
}

static absa_operator *from_gradient(absa_context *ctx, setting *s, absa_gradient_fn gradient,
                                    int32_t convention)
{
    absa_operator_options o;
    absa_operator *op;
    absa_operator_options_init(&o, sizeof o);
    o.convention = convention;
    s->h.sum = convention == ABSA_CONVENTION_SUM;
    cr_assert_eq(
        absa_operator_from_gradient(ctx, &s->space, s->theta, gradient, &s->h, &s->d, &o, &op),
        ABSA_OK, "%s", absa_context_message(ctx));
    return op;
}

/* |H v - y| / |H v|. */
static double error_of(const setting *s)
{
    double want[LOSS_N];
    loss_product(&s->h, s->before, s->v, want);
    return loss_error(&s->h, want, s->y);
}

/* With t = a'theta moved by at most |a| h |v| = 2.5e-3 |a| |theta| = 0.007 (|a| < 4, |theta| <
 * 0.8): central differences of the logistic slope miss by (0.007)^2 / 6 times its third derivative
 * over its first, at most 1/2: 5e-6; forward ones by 0.007 / 2 times second over first, at most 1.
 * In f32 the gradients add their rounding, 6e-8 of about 1, over that of the difference, h |H v| of
 * about 2e-3 |H v| / |v|. */
Test(difference, central_and_forward_come_as_near_as_their_order)
{
    static const struct {
        int32_t element, scheme;
        double most;
    } cases[] = {{ABSA_ELEMENT_F64, ABSA_SCHEME_CENTRAL, 5e-6},
                 {ABSA_ELEMENT_F64, ABSA_SCHEME_FORWARD, 4e-3},
                 {ABSA_ELEMENT_F32, ABSA_SCHEME_CENTRAL, 1e-3},
                 {ABSA_ELEMENT_F32, ABSA_SCHEME_FORWARD, 5e-3}};
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (int k = 0; k < 4; k++) {
        setting s = make(cases[k].element);
        s.d.scheme = cases[k].scheme;
        for (int32_t convention = ABSA_CONVENTION_MEAN; convention <= ABSA_CONVENTION_SUM;
             convention++) {
            absa_operator *op = from_gradient(ctx, &s, loss_gradient, convention);
            cr_assert_eq(absa_operator_apply(op, s.v, s.y), ABSA_OK);
            cr_assert_lt(error_of(&s), cases[k].most, "case %d: %g", k, error_of(&s));
            cr_assert_eq(memcmp(s.theta, s.before, sizeof s.theta), 0, "theta is back");
            cr_assert_eq(absa_operator_products(op), 1);
            absa_operator_destroy(&op);
        }
        cr_assert_eq(s.h.calls, 4, "two gradients a product");
    }
    absa_context_destroy(&ctx);
}

Test(difference, the_step_is_a_part_of_theta_or_of_what_is_given)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    setting s = make(ABSA_ELEMENT_F64);
    s.d.step = 1e-6;
    absa_operator *op = from_gradient(ctx, &s, loss_gradient, ABSA_CONVENTION_MEAN);
    cr_assert_eq(absa_operator_apply(op, s.v, s.y), ABSA_OK);
    const double fine = error_of(&s);
    absa_operator_destroy(&op);
    /* The error grows with the square of the step. */
    s.d.step = 1e-2;
    op = from_gradient(ctx, &s, loss_gradient, ABSA_CONVENTION_MEAN);
    cr_assert_eq(absa_operator_apply(op, s.v, s.y), ABSA_OK);
    const double coarse = error_of(&s);
    absa_operator_destroy(&op);
    s.d.scale = 10.0;
    op = from_gradient(ctx, &s, loss_gradient, ABSA_CONVENTION_MEAN);
    cr_assert_eq(absa_operator_apply(op, s.v, s.y), ABSA_OK);
    double theta = 0.0;
    for (int i = 0; i < LOSS_N; i++)
        theta += s.theta[i] * s.theta[i];
    const double times = 100.0 / theta, widest = error_of(&s) / coarse;
    cr_assert_lt(fine, 1e-8);
    cr_assert_gt(coarse, 1e-6);
    /* To first order; the fourth-order term is a percent of it. */
    cr_assert_float_eq(widest, times, 0.05 * times);
    absa_operator_destroy(&op);
    /* At theta = 0 there is a step as well. */
    memset(s.theta, 0, sizeof s.theta);
    memset(s.before, 0, sizeof s.before);
    s.d.scale = 0.0;
    op = from_gradient(ctx, &s, loss_gradient, ABSA_CONVENTION_MEAN);
    cr_assert_eq(absa_operator_apply(op, s.v, s.y), ABSA_OK);
    cr_assert_lt(error_of(&s), 1e-3);
    absa_operator_destroy(&op);
    absa_context_destroy(&ctx);
}

Test(difference, the_product_of_the_zero_vector_is_zero)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    setting s = make(ABSA_ELEMENT_F64);
    memset(s.v, 0, sizeof s.v);
    memset(s.y, 0xFF, sizeof s.y);
    absa_operator *op = from_gradient(ctx, &s, loss_gradient, ABSA_CONVENTION_SUM);
    cr_assert_eq(absa_operator_apply(op, s.v, s.y), ABSA_OK);
    for (int i = 0; i < LOSS_N; i++)
        cr_assert_eq(s.y[i], 0.0);
    absa_operator_destroy(&op);
    absa_context_destroy(&ctx);
}

/* Every value that a restored theta could lose: negative zero, the smallest numbers, odd bits. */
Test(difference, theta_is_restored_bit_for_bit_after_every_failure)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (int32_t scheme = ABSA_SCHEME_CENTRAL; scheme <= ABSA_SCHEME_FORWARD; scheme++)
        for (int64_t k = 1; k <= 3; k++) {
            setting s = make(ABSA_ELEMENT_F32);
            float *theta = (float *)s.theta;
            theta[0] = -0.0f;
            theta[1] = 0x1p-149f;
            theta[2] = 1.0f / 3.0f;
            memcpy(s.before, s.theta, sizeof s.theta);
            s.d.scheme = scheme;
            s.h.fail_at = k;
            absa_operator *op = from_gradient(ctx, &s, loss_gradient, ABSA_CONVENTION_MEAN);
            cr_assert_eq(absa_operator_apply(op, s.v, s.y), k <= 2 ? ABSA_E_CALLBACK : ABSA_OK);
            if (k <= 2)
                cr_assert_eq(absa_context_callback_code(ctx), 7);
            cr_assert_eq(memcmp(s.theta, s.before, sizeof s.theta), 0, "call %d", (int)k);
            s.h.fail_at = 0;
            cr_assert_eq(absa_operator_apply(op, s.v, s.y), ABSA_OK, "usable again");
            absa_operator_destroy(&op);
        }
    absa_context_destroy(&ctx);
}

Test(difference, what_is_no_product_is_refused)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    setting s = make(ABSA_ELEMENT_F64);
    s.h.more_at = 2;
    absa_operator *op = from_gradient(ctx, &s, loss_gradient, ABSA_CONVENTION_MEAN);
    cr_assert_eq(absa_operator_apply(op, s.v, s.y), ABSA_E_INVALID);
    cr_assert_not_null(strstr(absa_context_message(ctx), "30 and 31"), "%s",
                       absa_context_message(ctx));
    s.h.more_at = 0;
    s.h.rows = 0;
    cr_assert_eq(absa_operator_apply(op, s.v, s.y), ABSA_E_INVALID);
    s.h.rows = LOSS_ROWS;
    s.theta[3] = NAN;
    cr_assert_eq(absa_operator_apply(op, s.v, s.y), ABSA_E_NONFINITE);
    cr_assert_not_null(strstr(absa_context_message(ctx), "theta"));
    s.theta[3] = 1.0;
    s.v[3] = INFINITY;
    cr_assert_eq(absa_operator_apply(op, s.v, s.y), ABSA_E_NONFINITE);
    s.v[3] = 1.0;
    s.h.reenter = op;
    cr_assert_eq(absa_operator_apply(op, s.v, s.y), ABSA_OK);
    cr_assert_eq(s.h.reentered, ABSA_E_BUSY);
    absa_operator_destroy(&op);
    absa_context_destroy(&ctx);
}

Test(difference, options_out_of_range_are_refused)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    setting s = make(ABSA_ELEMENT_F64);
    const double steps[] = {0.0, -1.0, 1.5, (double)NAN}, scales[] = {-1.0, (double)INFINITY};
    absa_operator *op = (absa_operator *)&s;
    for (int k = 0; k < 8; k++) {
        absa_difference_options d = s.d;
        d.step = k < 4 ? steps[k] : d.step;
        d.scale = k == 4 || k == 5 ? scales[k - 4] : 0.0;
        d.scheme = k == 6 ? 2 : 0;
        d.struct_size = k == 7 ? 0 : d.struct_size;
        cr_assert_eq(
            absa_operator_from_gradient(ctx, &s.space, s.theta, loss_gradient, &s.h, &d, NULL, &op),
            k == 7 ? ABSA_E_ABI : ABSA_E_INVALID, "case %d", k);
        cr_assert_null(op);
    }
    cr_assert_eq(
        absa_operator_from_gradient(ctx, &s.space, NULL, loss_gradient, &s.h, NULL, NULL, &op),
        ABSA_E_INVALID);
    cr_assert_eq(absa_operator_from_gradient(ctx, &s.space, s.theta, NULL, &s.h, NULL, NULL, &op),
                 ABSA_E_INVALID);
    cr_assert_eq(
        absa_operator_from_gradient(ctx, &s.space, s.theta, loss_gradient, &s.h, NULL, NULL, NULL),
        ABSA_E_INVALID);
    absa_context_destroy(&ctx);
}

static absa_status create(absa_context *ctx, void *user, absa_operator **op)
{
    setting *s = user;
    return absa_operator_from_gradient(ctx, &s->space, s->theta, loss_gradient, &s->h, NULL, NULL,
                                       op);
}

Test(difference, every_failing_allocation_is_reported_and_leaks_nothing)
{
    setting s = make(ABSA_ELEMENT_F32);
    cr_assert_eq(faulty_operators(create, &s), 0);
}

/* One process has 7 rows, the other the rest: the mean weighted by rows is the mean of all. */
static void replicated(process *p)
{
    const int32_t convention = *(const int32_t *)p->user;
    absa_context *ctx;
    absa_operator *op;
    absa_operator_options o;
    absa_context_create(NULL, &ctx);
    setting s = make(ABSA_ELEMENT_F64);
    s.h.first = p->rank == 0 ? 0 : 7;
    s.h.rows = p->rank == 0 ? 7 : LOSS_ROWS - 7;
    s.h.sum = convention == ABSA_CONVENTION_SUM;
    process_replicate(p, &s.space, &o);
    o.convention = convention;
    cr_assert_eq(
        absa_operator_from_gradient(ctx, &s.space, s.theta, loss_gradient, &s.h, NULL, &o, &op),
        ABSA_OK);
    cr_assert_eq(absa_operator_apply(op, s.v, s.y), ABSA_OK);
    cr_assert_lt(error_of(&s), 5e-6);
    double whole = 0.0, vhv = 0.0;
    cr_assert_eq(absa__operator_halved(op, s.v, &vhv), ABSA_OK);
    for (int i = 0; i < LOSS_N; i++)
        whole += s.v[i] * s.y[i];
    cr_assert_float_eq(vhv, whole, 1e-5 * fabs(whole));
    s.h.fail_at = p->rank == 1 ? s.h.calls + 2 : 0;
    cr_assert_eq(absa_operator_apply(op, s.v, s.y), p->rank == 1 ? ABSA_E_CALLBACK : ABSA_E_PEER);
    cr_assert_eq(memcmp(s.theta, s.before, sizeof s.theta), 0);
    absa_operator_destroy(&op);
    absa_context_destroy(&ctx);
}

Test(difference, replicated_processes_share_the_rows)
{
    for (int32_t convention = ABSA_CONVENTION_MEAN; convention <= ABSA_CONVENTION_SUM; convention++)
        processes_run(2, replicated, &convention);
}

/* Each process has some of the parameters, and knows the others' well enough for its gradient:
 * theta moves by the same h v everywhere. */
typedef struct shard {
    process *p;
    loss_host h;
    double *all;
} shard;

static int shard_gradient(void *user, const void *theta, void *g, int64_t *samples)
{
    shard *s = user;
    double *all = s->h.other;
    memset(all, 0, sizeof s->h.other);
    memcpy(all + s->h.offset, theta, (size_t)s->h.n * sizeof *all);
    if (process_reduce(s->p, all, LOSS_N))
        return 1;
    return loss_gradient(&s->h, theta, g, samples);
}

static void sharded(process *p)
{
    static const int64_t cuts[] = {0, 5, 5, LOSS_N};
    absa_context *ctx;
    absa_operator *op;
    absa_context_create(NULL, &ctx);
    setting whole = make(ABSA_ELEMENT_F64);
    shard s = {p, loss_whole(ABSA_ELEMENT_F64), NULL};
    s.h.offset = cuts[p->rank];
    s.h.n = cuts[p->rank + 1] - s.h.offset;
    double theta[LOSS_N], v[LOSS_N], want[LOSS_N], y[LOSS_N];
    loss_fill(&s.h, theta, v);
    loss_product(&whole.h, whole.theta, whole.v, want);
    absa_space space = whole.space;
    space.distribution = ABSA_DISTRIBUTION_SHARDED;
    space.n = s.h.n;
    space.first = s.h.offset;
    space.reduce = process_reduce;
    space.reduce_user = p;
    cr_assert_eq(
        absa_operator_from_gradient(ctx, &space, theta, shard_gradient, &s, NULL, NULL, &op),
        ABSA_OK);
    cr_assert_eq(absa_operator_apply(op, v, y), ABSA_OK);
    double vhv = 0.0, exact = 0.0;
    for (int i = 0; i < s.h.n; i++)
        cr_assert_float_eq(y[i], want[s.h.offset + i], 1e-5);
    for (int i = 0; i < LOSS_N; i++)
        exact += whole.v[i] * want[i];
    cr_assert_eq(absa__operator_halved(op, v, &vhv), ABSA_OK);
    cr_assert_float_eq(vhv, exact, 1e-5 * fabs(exact));
    absa_operator_destroy(&op);
    absa_context_destroy(&ctx);
}

Test(difference, shards_move_their_parts_together)
{
    processes_run(3, sharded, NULL);
}

static absa_eigen_result estimate(absa_context *ctx, absa_operator *op, const absa_space *space,
                                  int32_t memory, int64_t *calls)
{
    absa_eigen_options o;
    absa_eigen *e;
    absa_eigen_result r;
    absa_eigen_options_init(&o, sizeof o);
    absa_eigen_result_init(&r, sizeof r);
    o.memory = memory;
    o.max_vectors = memory == ABSA_MEMORY_RESTART ? 8 : 0;
    o.max_products = 23;
    cr_assert_eq(absa_eigen_create(ctx, space, &o, &e), ABSA_OK, "%s", absa_context_message(ctx));
    const int64_t before = *calls;
    cr_assert_eq(absa_eigen_run(e, op, NULL, &r), ABSA_OK, "%s", absa_context_message(ctx));
    *calls -= before;
    absa_eigen_destroy(&e);
    return r;
}

Test(difference, the_estimator_says_that_bounds_are_heuristic_and_how_wide)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    static const int32_t memories[] = {ABSA_MEMORY_BASIS, ABSA_MEMORY_RESTART, ABSA_MEMORY_TWO_PASS,
                                       ABSA_MEMORY_VALUE};
    for (int k = 0; k < 4; k++) {
        setting s = make(ABSA_ELEMENT_F64);
        s.d.step = 1e-2;
        absa_operator *op = from_gradient(ctx, &s, loss_gradient, ABSA_CONVENTION_MEAN);
        const absa_eigen_result r = estimate(ctx, op, &s.space, memories[k], &s.h.calls);
        cr_assert_eq(r.heuristic, 1);
        cr_assert(r.consistent);
        if (memories[k] == ABSA_MEMORY_VALUE) {
            cr_assert(isinf(r.upper) && isinf(r.lower), "no vector, no bounds");
        } else {
            cr_assert(r.lower < r.value && r.value < r.upper && r.upper < 1.1 * r.value,
                      "[%g, %g] around %g", r.lower, r.upper, r.value);
            cr_assert_eq(absa_operator_products(op), r.products);
        }
        cr_assert_eq(memcmp(s.theta, s.before, sizeof s.theta), 0);
        absa_operator_destroy(&op);
    }
    absa_context_destroy(&ctx);
}

Test(difference, half_the_step_is_half_the_step)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (int32_t scheme = ABSA_SCHEME_CENTRAL; scheme <= ABSA_SCHEME_FORWARD; scheme++) {
        setting s = make(ABSA_ELEMENT_F64);
        double whole = 0.0, half = 0.0, halved = 0.0;
        s.d.scheme = scheme;
        for (int k = 0; k < 2; k++) {
            s.d.step = k == 0 ? 0.5 : 0.25;
            absa_operator *op = from_gradient(ctx, &s, kinked_gradient, ABSA_CONVENTION_MEAN);
            cr_assert_eq(absa_operator_apply(op, s.v, s.y), ABSA_OK);
            for (int i = 0; i < LOSS_N; i++)
                *(k == 0 ? &whole : &half) += s.v[i] * s.y[i];
            if (k == 0)
                cr_assert_eq(absa__operator_halved(op, s.v, &halved), ABSA_OK);
            cr_assert_eq(memcmp(s.theta, s.before, sizeof s.theta), 0);
            absa_operator_destroy(&op);
        }
        /* The same gradients, their differences taken before or after the product with v. */
        cr_assert_float_eq(halved, half, 1e-12 * fabs(half));
        cr_assert_gt(fabs(whole - half), 0.05 * fabs(half), "else this shows nothing");
    }
    absa_context_destroy(&ctx);
}

/* |a'theta| has no curvature but at its kinks: what is measured is the step, and halving it changes
 * everything. The interval must not look like knowledge. */
Test(difference, kinks_make_the_interval_wide_or_void)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    setting s = make(ABSA_ELEMENT_F64);
    s.d.step = 0.3;
    absa_operator *op = from_gradient(ctx, &s, kinked_gradient, ABSA_CONVENTION_MEAN);
    const absa_eigen_result r = estimate(ctx, op, &s.space, ABSA_MEMORY_BASIS, &s.h.calls);
    cr_assert(!r.consistent || r.upper - r.lower > 0.3 * r.value, "[%g, %g] around %g", r.lower,
              r.upper, r.value);
    absa_operator_destroy(&op);
    absa_context_destroy(&ctx);
}

/* One gradient a product, and one a run for the point itself. */
Test(difference, forward_differences_keep_the_gradient_at_theta_for_a_run)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    setting s = make(ABSA_ELEMENT_F64);
    s.d.scheme = ABSA_SCHEME_FORWARD;
    absa_operator *op = from_gradient(ctx, &s, loss_gradient, ABSA_CONVENTION_MEAN);
    absa_eigen_result r = estimate(ctx, op, &s.space, ABSA_MEMORY_BASIS, &s.h.calls);
    /* The last product is the check with half the step, which takes two gradients. */
    cr_assert_eq(s.h.calls, r.products - 1 + 1 + 2);
    r = estimate(ctx, op, &s.space, ABSA_MEMORY_VALUE, &s.h.calls);
    cr_assert_eq(s.h.calls, r.products + 1);
    const double first = r.value;
    /* Elsewhere in the next run: what was kept is not used again. */
    for (int i = 0; i < LOSS_N; i++)
        s.theta[i] += sin(i);
    r = estimate(ctx, op, &s.space, ABSA_MEMORY_VALUE, &s.h.calls);
    absa_operator_destroy(&op);
    s.d.scheme = ABSA_SCHEME_CENTRAL;
    op = from_gradient(ctx, &s, loss_gradient, ABSA_CONVENTION_MEAN);
    const absa_eigen_result central = estimate(ctx, op, &s.space, ABSA_MEMORY_BASIS, &s.h.calls);
    cr_assert_float_eq(r.value, central.value, 5e-3 * central.value);
    cr_assert_gt(fabs(first - central.value), 1e-2 * central.value, "the place matters");
    absa_operator_destroy(&op);
    absa_context_destroy(&ctx);
}
