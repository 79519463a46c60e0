/* What goes beyond the paper and is off in every preset: spill, shrink, the ceiling of the learning
 * rate, the polynomial decay. */
#include "support/controllers.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

/* Ten epochs of 1000 samples from batch 10. */
static absa_controller_options base(void)
{
    absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
    o.batch = 10;
    o.batch_max = 160;
    o.lr = 0.5;
    return o;
}

Test(extensions, presets_turn_them_off)
{
    for (int32_t preset = ABSA_PRESET_RECOMMENDED; preset <= ABSA_PRESET_AUTHORS; preset++) {
        absa_controller_options o = base();
        o.spill = 1;
        o.shrink_ratio = o.lr_cap = 2.0;
        cr_assert_eq(absa_controller_options_preset(&o, preset), ABSA_OK);
        cr_assert(o.spill == 0 && o.shrink_ratio == 0.0 && o.lr_cap == 0.0);
        cr_assert_eq(o.polynomial_end, 0.0);
    }
}

/* batch_ratio 3 from 10 with 50 for the most: 30, then 50 where 90 was wished, then 50 where 150
 * was: lr / B falls to 5/9 and then to a third of that. */
Test(extensions, spill_takes_from_lr_what_batch_max_swallows)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = base();
    o.batch_ratio = 3.0;
    o.batch_max = 50;
    static const struct {
        double value, noise;
        int64_t batch;
    } steps[] = {{8, 1, 10}, {3, 1, 30}, {1, 5.0 / 9, 50}, {0.4, 5.0 / 27, 50}};
    for (int32_t spill = 0; spill <= 1; spill++) {
        o.spill = spill;
        absa_controller *c = make_controller(ctx, &o);
        for (int i = 0; i < 4; i++) {
            const absa_decision d = observe_exact(c, steps[i].value);
            const double noise = spill ? steps[i].noise : 1.0;
            cr_assert_eq(d.batch, steps[i].batch);
            /* Three roundings of numbers near 2.5. */
            cr_assert_float_eq(d.lr, 0.05 * noise * (double)d.batch, 4e-15, "step %d", i);
            cr_assert_float_eq(plan_of(c).lr, d.lr, 1e-15);
            cr_assert_float_eq(plan_of(c).lr_multiplier, d.lr / 0.5, 4e-15);
        }
        absa_controller_destroy(&c);
    }
    absa_context_destroy(&ctx);
}

Test(extensions, shrink_undoes_growth_when_the_eigenvalue_rises)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = base();
    o.shrink_ratio = 2.0;
    absa_controller *c = make_controller(ctx, &o);
    static const struct {
        double lower, value, upper;
        int32_t reason;
        int64_t batch;
        double reference;
    } steps[] = {
        {8, 8, 8, ABSA_REASON_FIRST, 10, 8},
        {20, 20, 20, ABSA_REASON_NOT_BELOW, 10, 8}, /* nothing to shrink: an ordinary miss */
        {3, 3, 3, ABSA_REASON_EIGENVALUE, 20, 3},
        {1, 1, 1, ABSA_REASON_EIGENVALUE, 40, 1},
        {2, 2, 2, ABSA_REASON_NOT_BELOW, 40, 1},   /* 2 is not above 2 */
        {1.9, 3, 4, ABSA_REASON_NOT_BELOW, 40, 1}, /* may be below 2 */
        {2.1, 2.2, 3, ABSA_REASON_SHRINK, 20, 2.2},
        {5, 5, 5, ABSA_REASON_SHRINK, 10, 5},
        {50, 50, 50, ABSA_REASON_NOT_BELOW, 10, 5},
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        const absa_decision d = observe_interval(c, steps[i].lower, steps[i].value, steps[i].upper);
        cr_assert_eq(d.reason, steps[i].reason, "step %zu: %s", i, absa_reason_name(d.reason));
        cr_assert_eq(d.batch, steps[i].batch, "step %zu", i);
        cr_assert_eq(d.reference, steps[i].reference);
        cr_assert_float_eq(d.lr, 0.05 * (double)d.batch, 1e-15);
        if (d.reason == ABSA_REASON_SHRINK)
            cr_assert_eq(d.patience, 0);
    }
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

/* Up to 20: growths to 20, and twice to what lr pays for. They are taken back in the other order.
 */
Test(extensions, shrink_gives_back_what_spill_took_first)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = base();
    o.batch_max = 20;
    o.spill = 1;
    o.shrink_ratio = 2.0;
    static const struct {
        double value, lr;
        int64_t batch;
        int32_t reason;
    } steps[] = {
        {100, 0.5, 10, ABSA_REASON_FIRST},     {40, 1.0, 20, ABSA_REASON_EIGENVALUE},
        {15, 0.5, 20, ABSA_REASON_EIGENVALUE}, {6, 0.25, 20, ABSA_REASON_EIGENVALUE},
        {13, 0.5, 20, ABSA_REASON_SHRINK},     {27, 1.0, 20, ABSA_REASON_SHRINK},
        {55, 0.5, 10, ABSA_REASON_SHRINK},     {150, 0.5, 10, ABSA_REASON_NOT_BELOW},
    };
    absa_controller *c = make_controller(ctx, &o);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        const absa_decision d = observe_exact(c, steps[i].value);
        cr_assert_eq(d.reason, steps[i].reason, "step %zu: %s", i, absa_reason_name(d.reason));
        cr_assert_eq(d.batch, steps[i].batch, "step %zu", i);
        cr_assert_float_eq(d.lr, steps[i].lr, 1e-15, "step %zu: %g", i, d.lr);
    }
    absa_controller_destroy(&c);
    /* In multiples of 6: 18 where 20 is wished, and back, as often as one likes. */
    o.batch_max = 60;
    o.batch_multiple = 6;
    c = make_controller(ctx, &o);
    observe_exact(c, 100.0);
    for (int i = 0; i < 20; i++) {
        const absa_decision up = observe_exact(c, 40.0), down = observe_exact(c, 100.0);
        cr_assert_eq(up.batch, 18);
        cr_assert_float_eq(up.lr, 0.81, 1e-14, "0.5 * 18 / 10, and 18 / 20 of that");
        cr_assert_eq(down.batch, 10);
        cr_assert_float_eq(down.lr, 0.5, 1e-14);
    }
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

/* In batches of 10: 1, floor(2.5) = 2, 5, floor(12.5) = 12; then floor(12 / 2.5) = 4, floor(1.6) =
 * 1, and never less. */
Test(extensions, accumulated_batches_shrink_to_whole_ones)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = base();
    o.growth = ABSA_GROWTH_ACCUMULATION;
    o.batch_ratio = 2.5;
    o.shrink_ratio = 2.0;
    absa_controller *c = make_controller(ctx, &o);
    const double values[] = {8, 2, 0.5, 0.1, 1, 10, 100};
    const int64_t batches[] = {10, 20, 50, 120, 40, 10, 10};
    for (int i = 0; i < 7; i++)
        cr_assert_eq(observe_exact(c, values[i]).batch, batches[i], "step %d", i);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

/* mu 0.5, c 0.9: heavy ball 0.9 * 3 / lambda, Nesterov 0.9 * 3 / (2 lambda). lr 0.5 at batch 10. */
Test(extensions, the_ceiling_of_lr_follows_the_measured_curvature)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = base();
    o.lr_cap = 0.9;
    o.lr_cap_momentum = 0.5;
    for (int32_t nesterov = 0; nesterov <= 1; nesterov++) {
        const double ceiling = nesterov ? 1.35 : 2.7;
        o.lr_cap_nesterov = nesterov;
        absa_controller *c = make_controller(ctx, &o);
        cr_assert_eq(plan_of(c).lr, 0.5, "no measurement, no ceiling");
        cr_assert_float_eq(observe_exact(c, 27.0).lr, ceiling / 27.0, 1e-15);
        cr_assert_float_eq(plan_of(c).lr, ceiling / 27.0, 1e-15);
        cr_assert_float_eq(plan_of(c).lr_multiplier, ceiling / 27.0 / 0.5, 1e-15);
        cr_assert_float_eq(observe_interval(c, 18, 20, 21).lr, ceiling / 20.0, 1e-15);
        cr_assert_float_eq(observe_interval(c, 18, 19, 1e6).lr, ceiling / 19.0, 1e-15,
                           "not by an end that is open, as FIXED and RESIDUAL leave it");
        cr_assert_float_eq(observe_interval(c, 18, 20, (double)INFINITY).lr, ceiling / 20.0, 1e-15);
        cr_assert_float_eq(observe_exact(c, -1.0).lr, ceiling / 20.0, 1e-15,
                           "a bad value moves nothing");
        cr_assert_eq(observe_exact(c, 1e-3).batch, 20);
        cr_assert_eq(plan_of(c).lr, 1.0, "far below the ceiling, the rule holds");
        absa_controller_destroy(&c);
    }
    absa_context_destroy(&ctx);
}

/* DECIDE's "not below" is a lower bound: it may raise the curvature, but not lower it. Its run
 * ended long before the upper end meant anything. */
Test(extensions, a_lower_bound_never_raises_the_ceiling)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = base();
    o.lr_cap = 1.0;
    o.lr_cap_momentum = 0.0;
    const double values[] = {25.0, 50.0, 30.0}, curvature[] = {40.0, 50.0, 50.0};
    const double uppers[] = {(double)INFINITY, 1e6};
    for (int k = 0; k < 2; k++) {
        absa_controller *c = make_controller(ctx, &o);
        observe_exact(c, 40.0);
        absa_eigen_result r;
        absa_eigen_result_init(&r, sizeof r);
        r.answer = ABSA_ANSWER_NOT_BELOW;
        r.converged = r.consistent = 1;
        r.upper = uppers[k];
        for (int i = 0; i < 3; i++) {
            r.value = r.lower = values[i];
            cr_assert_eq(absa_controller_observe(c, &r, NULL), ABSA_OK);
            cr_assert_float_eq(plan_of(c).lr, 2.0 / curvature[i], 1e-16);
        }
        absa_controller_destroy(&c);
    }
    absa_context_destroy(&ctx);
}

/* A decision would leave a bound, which is no number to divide by and none to store as Eig. */
Test(extensions, plans_ask_for_the_value_where_it_is_needed)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (int kind = 0; kind < 3; kind++) {
        absa_controller_options o = base();
        o.lr_cap = kind == 1 ? 1.0 : 0.0;
        o.shrink_ratio = kind == 2 ? 2.0 : 0.0;
        absa_controller *c = make_controller(ctx, &o);
        cr_assert_eq(observe_exact(c, 8.0).reason, ABSA_REASON_FIRST);
        cr_assert_eq(observe_exact(c, 3.0).threshold, 4.0, "what it was compared with");
        cr_assert_eq(isnan(plan_of(c).threshold), kind > 0);
        absa_controller_destroy(&c);
    }
    absa_context_destroy(&ctx);
}

/* One window has one learning rate, whatever is measured inside it. */
Test(extensions, the_ceiling_waits_for_the_open_window)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = base();
    o.lr_cap = 1.0;
    absa_controller *c = make_controller(ctx, &o);
    cr_assert_eq(absa_controller_advance(c, 3), ABSA_OK);
    observe_exact(c, 1000.0);
    cr_assert_eq(plan_of(c).lr, 0.5);
    cr_assert_eq(absa_controller_advance(c, 7), ABSA_OK);
    cr_assert_float_eq(plan_of(c).lr, 3.8 / 1000.0, 1e-17);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

/* The paper's I2: from 0.01 to 1e-4 quadratically by epoch 60 of 90. */
Test(extensions, polynomial_decay_runs_from_lr_to_its_share)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = base();
    o.strategy = ABSA_STRATEGY_BL;
    o.samples = 100;
    o.batch = 50;
    o.epochs = 90;
    o.lr = 0.01;
    o.polynomial_end = 60;
    absa_controller *c = make_controller(ctx, &o);
    for (int half = 0; half < 180; half++) {
        const double left = half < 120 ? 1.0 - half / 120.0 : 0.0;
        cr_assert_float_eq(plan_of(c).lr, 0.01 * (0.01 + 0.99 * left * left), 1e-17,
                           "half epoch %d", half);
        cr_assert_float_eq(plan_of(c).lr_multiplier, 1.0, 1e-15, "it is the host's own schedule");
        cr_assert_eq(absa_controller_advance(c, 50), ABSA_OK);
        if (half % 2)
            cr_assert_eq(absa_controller_end_epoch(c), ABSA_OK);
    }
    cr_assert(plan_of(c).finished);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(extensions, options_out_of_range_are_refused_by_name)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    static const char *const wrong[][2] = {
        {"spill", "2"},
        {"lr_cap_nesterov", "-1"},
        {"shrink_ratio", "0.5"},
        {"shrink_ratio", "-1"},
        {"lr_cap", "-1"},
        {"lr_cap_momentum", "1"},
        {"lr_cap_momentum", "-0.1"},
        {"polynomial_end", "-1"},
        {"polynomial_power", "0"},
        {"polynomial_power", "101"},
        {"polynomial_final", "0"},
        {"polynomial_final", "1.5"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        absa_controller_options o = base();
        absa_controller *c;
        cr_assert_eq(absa_controller_options_set(ctx, &o, wrong[i][0], wrong[i][1]), ABSA_OK);
        cr_assert_eq(absa_controller_create(ctx, &o, &c), ABSA_E_INVALID, "%s = %s", wrong[i][0],
                     wrong[i][1]);
        cr_assert_not_null(strstr(absa_context_message(ctx), wrong[i][0]), "%s",
                           absa_context_message(ctx));
    }
    absa_context_destroy(&ctx);
}
