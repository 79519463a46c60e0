/* Batches and learning rates that follow from options alone: the lr rules, warm-up and decay in
 * every unit, rounding, and what the presets fill in. */
#include "support/controllers.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

/* lr 0.1 belongs to a batch of 8; from 32 to 128 in two growths. */
Test(schedule, the_learning_rate_follows_the_batch_by_its_rule)
{
    static const struct {
        int32_t rule;
        double lr[3];
    } want[] = {{ABSA_LR_RULE_LINEAR, {0.4, 0.8, 1.6}},
                {ABSA_LR_RULE_SQRT, {0.2, 0.28284271247461900976, 0.4}}, /* 0.2 sqrt 2 */
                {ABSA_LR_RULE_NONE, {0.1, 0.1, 0.1}}};
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (size_t k = 0; k < sizeof want / sizeof want[0]; k++) {
        absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
        o.lr_rule = want[k].rule;
        o.batch_ref = 8;
        absa_controller *c = make_controller(ctx, &o);
        for (int i = 0; i < 3; i++) {
            observe_exact(c, 8.0 / pow(3.0, i));
            cr_assert_eq(plan_of(c).batch, 32 << i);
            /* A root and two products, each rounded once. */
            cr_assert_float_eq(plan_of(c).lr, want[k].lr[i], 4 * 0x1p-53 * want[k].lr[i]);
            cr_assert_float_eq(plan_of(c).lr_multiplier, 10.0 * want[k].lr[i],
                               40 * 0x1p-53 * want[k].lr[i]);
        }
        absa_controller_destroy(&c);
    }
    absa_context_destroy(&ctx);
}

typedef struct rounding {
    int64_t batch, batch_max, multiple;
    int32_t growth;
    double ratio;
    int64_t batches[4];
} rounding;

/* Growths by hand. In eights: 36 -> 32, 48, 72, 108 -> 100 -> 96. In batches of 10 up to 35: 20,
 * 40 -> 35 -> 30. By 1.25: 12.5 -> 12, 15, 18.75 -> 18. In tens up to 35: 20, 30. */
Test(schedule, batches_are_rounded_down_and_lr_with_them)
{
    static const rounding cases[] = {
        {24, 100, 8, ABSA_GROWTH_BATCH, 1.5, {32, 48, 72, 96}},
        {10, 35, 1, ABSA_GROWTH_ACCUMULATION, 2.0, {20, 30, 30, 30}},
        {10, 1000, 1, ABSA_GROWTH_BATCH, 1.25, {12, 15, 18, 22}},
        {10, 35, 10, ABSA_GROWTH_BATCH, 2.0, {20, 30, 30, 30}},
        {10, 1000, 5, ABSA_GROWTH_ACCUMULATION, 2.5, {20, 50, 120, 300}},
    };
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const rounding *r = &cases[k];
        absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
        o.batch = r->batch;
        o.batch_max = r->batch_max;
        o.batch_multiple = r->multiple;
        o.growth = r->growth;
        o.batch_ratio = r->ratio;
        absa_controller *c = make_controller(ctx, &o);
        observe_exact(c, 8.0);
        for (int i = 0; i < 4; i++) {
            const absa_decision d = observe_exact(c, 2.0 / pow(3.0, i));
            cr_assert_eq(d.reason, ABSA_REASON_EIGENVALUE);
            cr_assert_eq(d.batch, r->batches[i], "case %zu, growth %d: %d", k, i, (int)d.batch);
            const double lr = 0.1 * (double)d.batch / (double)r->batch;
            cr_assert_float_eq(d.lr, lr, 4 * 0x1p-53 * lr); /* two roundings here, two there */
        }
        absa_controller_destroy(&c);
    }
    absa_context_destroy(&ctx);
}

/* 12 is what 1.25 * 10 rounds to: no part of the growth was swallowed. */
Test(schedule, spill_counts_what_limits_take_and_not_the_fraction_of_a_sample)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
    o.batch = 10;
    o.batch_ratio = 1.25;
    o.spill = 1;
    absa_controller *c = make_controller(ctx, &o);
    observe_exact(c, 8.0);
    cr_assert_float_eq(observe_exact(c, 1.0).lr, 0.12, 2 * 0x1p-53 * 0.12);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

/* Ten updates of 100 an epoch; the warm-up ends after 20 of them, whatever it is counted in, and
 * begins from what is asked for, or from batch_ref / B = 1/4. */
Test(schedule, warm_up_rises_in_every_unit_alike)
{
    static const double ends[] = {
        [ABSA_UNIT_EPOCHS] = 2.0, [ABSA_UNIT_UPDATES] = 20.0, [ABSA_UNIT_SAMPLES] = 2000.0};
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (int32_t unit = ABSA_UNIT_EPOCHS; unit <= ABSA_UNIT_SAMPLES; unit++)
        for (int given = 0; given <= 1; given++) {
            absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
            o.batch = 100;
            o.batch_ref = 25;
            o.unit = unit;
            o.warmup = ends[unit];
            o.warmup_start = given ? 0.5 : 0.0;
            absa_controller *c = make_controller(ctx, &o);
            for (int t = 0; t < 30; t++) {
                const double start = given ? 0.5 : 0.25;
                const double part = t < 20 ? start + (1.0 - start) * t / 20.0 : 1.0;
                cr_assert_float_eq(plan_of(c).lr, 0.4 * part, 8 * 0x1p-53 * 0.4, "update %d", t);
                cr_assert_eq(plan_of(c).lr_multiplier, 4.0, "warm-up is the host's own schedule");
                cr_assert_eq(absa_controller_advance(c, 100), ABSA_OK);
                if (plan_of(c).epoch_done)
                    cr_assert_eq(absa_controller_end_epoch(c), ABSA_OK);
            }
            absa_controller_destroy(&c);
        }
    absa_context_destroy(&ctx);
}

/* FB at 250 of 1000 samples warms up for 20 updates in every unit; the others not at all. */
Test(schedule, only_fb_warms_up_unasked_and_for_five_epochs)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (int32_t unit = ABSA_UNIT_EPOCHS; unit <= ABSA_UNIT_SAMPLES; unit++)
        for (int32_t strategy = ABSA_STRATEGY_BL; strategy <= ABSA_STRATEGY_ABSA; strategy++) {
            absa_controller_options o = small_training(strategy);
            o.batch = 25;
            o.batch_max = o.micro_batch = 250;
            o.unit = unit;
            absa_controller *c = make_controller(ctx, &o);
            const double full = strategy == ABSA_STRATEGY_FB ? 1.0 : 0.1;
            for (int t = 0; strategy == ABSA_STRATEGY_FB && t < 20; t++) {
                cr_assert_lt(plan_of(c).lr, 0.99, "update %d", t);
                cr_assert_eq(absa_controller_advance(c, 250), ABSA_OK);
                if (plan_of(c).epoch_done)
                    cr_assert_eq(absa_controller_end_epoch(c), ABSA_OK);
            }
            cr_assert_float_eq(plan_of(c).lr, full, 1e-15);
            absa_controller_destroy(&c);
        }
    absa_context_destroy(&ctx);
}

/* GG takes the host's decay over: of the batch that grew fivefold a fifth of the lr is left. */
Test(schedule, the_multiplier_of_gg_takes_the_hosts_decay_over)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_GG);
    o.batch_max = 320;
    o.decay_count = 2;
    o.decay[0] = 1;
    o.decay[1] = 2;
    absa_controller *c = make_controller(ctx, &o);
    const int64_t batches[] = {32, 160, 320};
    const double multipliers[] = {1.0, 1.0, 0.4}; /* 5 * 0.2; 10 * 0.04 */
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(plan_of(c).batch, batches[i]);
        cr_assert_float_eq(plan_of(c).lr_multiplier, multipliers[i], 1e-15);
        cr_assert_float_eq(plan_of(c).lr, 0.1 * multipliers[i], 1e-16);
        cr_assert_eq(absa_controller_end_epoch(c), ABSA_OK);
    }
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

/* Half of 10 epochs of 1000 samples: 5 epochs, 5000 samples, or 100 updates of the first batch. */
Test(schedule, adversarial_inputs_end_at_half_of_the_training_unless_told)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (int32_t unit = ABSA_UNIT_EPOCHS; unit <= ABSA_UNIT_SAMPLES; unit++) {
        absa_controller_options o = small_training(ABSA_STRATEGY_ABSA);
        o.batch = 50;
        o.unit = unit;
        absa_controller *c = make_controller(ctx, &o);
        int updates = 0;
        for (; plan_of(c).gamma > 0.0; updates++) {
            cr_assert_eq(absa_controller_advance(c, 50), ABSA_OK);
            if (plan_of(c).epoch_done)
                cr_assert_eq(absa_controller_end_epoch(c), ABSA_OK);
        }
        cr_assert_eq(updates, 100, "unit %d: %d", (int)unit, updates);
        absa_controller_destroy(&c);
    }
    absa_context_destroy(&ctx);
}

/* The header's table, field by field, over options that had everything otherwise. */
Test(schedule, presets_fill_in_what_the_header_says_and_nothing_else)
{
    static const char *const table[][4] = {
        {"trigger", "interval", "point", "point"},
        {"compare", "less", "less", "less_equal"},
        {"patience", "5", "10", "10"},
        {"patience_counts", "untriggered", "untriggered", "all"},
        {"patience_shrinks_share", "0", "0", "1"},
        {"finish_at_batch_max", "0", "0", "1"},
        {"growth", "batch", "batch", "accumulation"},
        {"adversarial_rows", "window", "window", "micro"},
        {"epoch_tail", "carry", "carry", "drop"},
        {"use_unconverged", "0", "1", "1"},
        {"eigenvalue_ratio", "2", "2", "2"},
        {"batch_ratio", "2", "2", "2"},
        {"share_ratio", "2", "2", "2"},
        {"epsilon", "0.0050000000000000001", "0.0050000000000000001", "0.0050000000000000001"},
        {"adversarial_share", "0.20000000000000001", "0.20000000000000001", "0.20000000000000001"},
        {"adversarial_end", "-1", "-1", "-1"},
        {"measure_every", "0", "0", "0"},
        {"dwell", "0", "0", "0"},
        {"count_bad", "0", "0", "0"},
        {"spill", "0", "0", "0"},
        {"shrink_ratio", "0", "0", "0"},
        {"lr_cap", "0", "0", "0"},
        /* Not the presets' business. */
        {"strategy", "fb", "fb", "fb"},
        {"samples", "3", "3", "3"},
        {"batch", "3", "3", "3"},
        {"lr", "3", "3", "3"},
        {"decay", "3", "3", "3"},
    };
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (int32_t preset = ABSA_PRESET_RECOMMENDED; preset <= ABSA_PRESET_AUTHORS; preset++) {
        absa_controller_options o;
        const char *name;
        absa_controller_options_init(&o, sizeof o);
        for (int32_t i = 0; (name = absa_controller_options_name(i)); i++)
            if (absa_controller_options_set(ctx, &o, name, "3") != ABSA_OK)
                cr_assert_eq(absa_controller_options_set(ctx, &o, name, "1"), ABSA_OK, "%s", name);
        o.strategy = ABSA_STRATEGY_FB;
        cr_assert_eq(absa_controller_options_preset(&o, preset), ABSA_OK);
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
            char text[64];
            size_t size;
            cr_assert_eq(
                absa_controller_options_get(ctx, &o, table[i][0], text, sizeof text, &size),
                ABSA_OK);
            cr_assert_str_eq(text, table[i][preset + 1], "%s is %s", table[i][0], text);
        }
    }
    absa_context_destroy(&ctx);
}
