/* States saved under other options: what a training under those reached goes on under these. */
#include "support/controllers.h"

#include <criterion/criterion.h>
#include <string.h>

enum { MOST = 4096 };

/* Loads what c has become into a new controller with o, and that state into another one, which
 * takes it for its own. */
static absa_controller *moved(absa_context *ctx, absa_controller **c,
                              const absa_controller_options *o)
{
    unsigned char bytes[MOST];
    size_t size;
    for (int32_t other_options = 1; other_options >= 0; other_options--) {
        absa_controller *other = make_controller(ctx, o);
        cr_assert_eq(absa_controller_save(*c, bytes, sizeof bytes, &size), ABSA_OK);
        cr_assert_eq(absa_controller_load(other, bytes, size, other_options), ABSA_OK, "%s",
                     absa_context_message(ctx));
        absa_controller_destroy(c);
        *c = other;
    }
    return *c;
}

/* 320 samples, measured every 10 until then: the next multiple of 100 is 400, crossed at 416. */
Test(moved, states_are_measured_from_their_next_multiple_on)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
    o.measure_every = 10;
    absa_controller *c = make_controller(ctx, &o);
    for (int i = 0; i < 10; i++) {
        cr_assert_eq(absa_controller_advance(c, 32), ABSA_OK);
        observe_exact(c, 8.0 + i);
    }
    cr_assert_eq(absa_controller_advance(c, 5), ABSA_OK);
    const int64_t batch = plan_of(c).rows;
    o.measure_every = 100;
    c = moved(ctx, &c, &o);
    for (int64_t rows = batch - 5; !plan_of(c).measure_due; rows = plan_of(c).rows) {
        cr_assert_lt(plan_of(c).samples, 400);
        cr_assert_eq(absa_controller_advance(c, rows), ABSA_OK);
    }
    cr_assert_geq(plan_of(c).samples, 400);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(moved, states_of_a_training_that_measured_owe_no_measurement_to_one_that_does_not)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
    absa_controller *c = make_controller(ctx, &o);
    cr_assert_eq(absa_controller_end_epoch(c), ABSA_OK);
    cr_assert(plan_of(c).measure_due);
    o.strategy = ABSA_STRATEGY_BL;
    c = moved(ctx, &c, &o);
    cr_assert_not(plan_of(c).measure_due);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(moved, states_of_larger_batches_are_refused_by_their_batch)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
    unsigned char bytes[MOST];
    size_t size;
    absa_controller *c = make_controller(ctx, &o);
    observe_exact(c, 8.0);
    observe_exact(c, 1.0);
    cr_assert_eq(absa_controller_save(c, bytes, sizeof bytes, &size), ABSA_OK);
    absa_controller_destroy(&c);
    o.batch_max = 63;
    c = make_controller(ctx, &o);
    cr_assert_eq(absa_controller_load(c, bytes, size, 1), ABSA_E_MISMATCH);
    cr_assert_not_null(strstr(absa_context_message(ctx), "batch of 64"), "%s",
                       absa_context_message(ctx));
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

/* 32 rows were planned with; the next window is one of these options, and the journal hears of it.
 */
Test(moved, states_take_over_a_fixed_batch_at_the_next_windows_end)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (int32_t strategy = ABSA_STRATEGY_BL; strategy <= ABSA_STRATEGY_FB; strategy++) {
        journal j = {.code = 0};
        absa_controller_options o = small_training(strategy);
        o.batch_max = 32;
        absa_controller *c = make_controller(ctx, &o);
        o.batch = strategy == ABSA_STRATEGY_BL ? 48 : 32;
        o.batch_max = 48;
        o.journal = journal_keep;
        o.journal_user = &j;
        c = moved(ctx, &c, &o);
        cr_assert_eq(plan_of(c).batch, 32);
        cr_assert_eq(absa_controller_advance(c, 32), ABSA_OK);
        cr_assert_eq(plan_of(c).batch, 48);
        cr_assert_eq(j.count, 1);
        cr_assert_eq(journal_last(&j)->batch_before, 32);
        cr_assert_eq(journal_last(&j)->batch, 48);
        absa_controller_destroy(&c);
    }
    absa_context_destroy(&ctx);
}

/* Under these options nothing would have led there: fewer epochs, less patience and gamma, no
 * spill, no decays. */
Test(moved, states_of_options_that_have_nothing_in_common_with_these_are_kept)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_ABSA);
    o.spill = 1;
    o.batch_max = 64;
    o.patience = 9;
    o.decay_count = 1;
    o.decay[0] = 1;
    absa_controller *c = make_controller(ctx, &o);
    cr_assert_eq(absa_controller_end_epoch(c), ABSA_OK);
    const double values[] = {8.0, 3.0, 1.0, 0.3, 0.3, 0.3, 0.3};
    for (int i = 0; i < 7; i++)
        observe_exact(c, values[i]);
    cr_assert_eq(absa_controller_advance(c, 8), ABSA_OK);
    o.spill = 0;
    o.patience = 1;
    o.decay_count = 0;
    o.adversarial_share = 0.01;
    o.epochs = 1;
    o.batch_max = 128;
    o.batch = o.batch_ref = 100;
    const absa_plan before = plan_of(c);
    c = moved(ctx, &c, &o);
    cr_assert_eq(plan_of(c).batch, before.batch);
    cr_assert_eq(plan_of(c).samples, before.samples);
    cr_assert(plan_of(c).finished);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

/* 10 of 12 rows are done, in batches of 12; these options count in batches of 20, which 12 is no
 * multiple of. Growing makes 40 of it, and no growth raises the rate of a row. */
Test(moved, states_of_other_batches_grow_into_these)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
    o.batch = 12;
    absa_controller *c = make_controller(ctx, &o);
    cr_assert_eq(absa_controller_advance(c, 10), ABSA_OK);
    o.batch = o.batch_ref = 20;
    o.growth = ABSA_GROWTH_ACCUMULATION;
    o.spill = 1;
    c = moved(ctx, &c, &o);
    observe_exact(c, 8.0);
    observe_exact(c, 1.0);
    cr_assert_eq(absa_controller_advance(c, 2), ABSA_OK);
    const absa_plan p = plan_of(c);
    cr_assert(p.batch >= 12 && p.batch <= 40);
    cr_assert(p.lr > 0.0 && p.lr / (double)p.batch <= 0.1 / 20.0 * (1.0 + 1e-12), "%g", p.lr);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

/* 22 of 128 rows when 150 samples were used, of 1000; now an epoch has 250. Of them 100 are left,
 * which end the training where there is one epoch, and the window where windows are cut short. */
Test(moved, states_inside_a_window_end_it_with_the_training)
{
    static const struct {
        int64_t epochs, rows;
        int32_t tail;
    } cases[] = {{1, 122, ABSA_TAIL_CARRY}, {3, 128, ABSA_TAIL_CARRY}, {3, 122, ABSA_TAIL_SHORT}};
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
        o.batch = 128;
        absa_controller *c = make_controller(ctx, &o);
        cr_assert_eq(absa_controller_advance(c, 128), ABSA_OK);
        cr_assert_eq(absa_controller_advance(c, 22), ABSA_OK);
        o.samples = 250;
        o.epochs = cases[i].epochs;
        o.epoch_tail = cases[i].tail;
        c = moved(ctx, &c, &o);
        cr_assert_eq(plan_of(c).rows, cases[i].rows, "case %zu: %d", i, (int)plan_of(c).rows);
        cr_assert_eq(plan_of(c).rows_done, 22);
        int64_t used = 150;
        while (!plan_of(c).finished) {
            if (plan_of(c).measure_due)
                cr_assert_eq(absa_controller_skip_measurement(c), ABSA_OK);
            else if (plan_of(c).epoch_done)
                cr_assert_eq(absa_controller_end_epoch(c), ABSA_OK);
            else {
                used += micro_of(c).global_rows;
                cr_assert_eq(absa_controller_advance(c, micro_of(c).global_rows), ABSA_OK);
            }
        }
        cr_assert_eq(used, 250 * cases[i].epochs);
        cr_assert_eq(plan_of(c).rows_done, 0, "no row waits for ever");
        absa_controller_destroy(&c);
    }
    absa_context_destroy(&ctx);
}
