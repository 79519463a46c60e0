/* The controller where two rules meet: dwell and patience, bad measurements and patience, schedules
 * inside windows, windows across epochs, processes of which one fails. */
#include "support/controllers.h"
#include "support/processes.h"

#include <absa/controller.h>

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

Test(edges, dwell_holds_growth_by_patience_back_too)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
    o.patience = 2;
    o.dwell = 64;
    absa_controller *c = make_controller(ctx, &o);
    observe_exact(c, 8.0);
    cr_assert_eq(observe_exact(c, 8.0).reason, ABSA_REASON_NOT_BELOW);
    cr_assert_eq(observe_exact(c, 8.0).batch, 64, "the first growth has none before it");
    cr_assert_eq(observe_exact(c, 8.0).reason, ABSA_REASON_NOT_BELOW);
    for (int i = 0; i < 3; i++) {
        const absa_decision d = observe_exact(c, 8.0);
        cr_assert_eq(d.reason, ABSA_REASON_DWELL);
        cr_assert_eq(d.batch, 64);
        cr_assert_eq(d.patience, 2, "patience stays at its end");
    }
    cr_assert_eq(absa_controller_advance(c, 64), ABSA_OK);
    const absa_decision d = observe_exact(c, 8.0);
    cr_assert_eq(d.reason, ABSA_REASON_PATIENCE);
    cr_assert_eq(d.batch, 128);
    cr_assert_eq(d.patience, 0);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(edges, a_bad_measurement_may_end_patience_but_only_a_good_one_grows)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
    o.patience = 3;
    o.count_bad = 1;
    absa_controller *c = make_controller(ctx, &o);
    observe_exact(c, 8.0);
    const double bad[] = {-1.0, (double)NAN, 0.0, (double)INFINITY, -2.0};
    for (int i = 0; i < 5; i++) {
        const absa_decision d = observe_exact(c, bad[i]);
        cr_assert_eq(d.patience, i < 3 ? i + 1 : 3);
        cr_assert_eq(d.batch, 32, "%g grew the batch", bad[i]);
        cr_assert_eq(d.reference, 8.0);
    }
    const absa_decision d = observe_exact(c, 7.0);
    cr_assert_eq(d.reason, ABSA_REASON_PATIENCE);
    cr_assert_eq(d.batch, 64);
    cr_assert_eq(d.patience, 0);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(edges, an_upper_end_below_its_own_value_proves_nothing)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    const absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
    absa_controller *c = make_controller(ctx, &o);
    observe_exact(c, 8.0);
    absa_eigen_result r;
    absa_eigen_result_init(&r, sizeof r);
    r.value = 5.0;
    r.lower = 1.0;
    r.upper = 2.0;
    r.converged = r.consistent = 1;
    absa_decision d;
    absa_decision_init(&d, sizeof d);
    cr_assert_eq(absa_controller_observe(c, &r, &d), ABSA_OK);
    cr_assert_eq(d.reason, ABSA_REASON_NOT_BELOW);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

/* Decay points at 70 and 200 samples: windows of 32 end at 96 and 224 behind them. tau at 130: 160.
 */
Test(edges, a_schedule_in_samples_tells_the_journal_where_it_moves)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
    journal j = {.code = 0};
    o.strategy = ABSA_STRATEGY_ABSA;
    o.unit = ABSA_UNIT_SAMPLES;
    o.decay_count = 2;
    o.decay[0] = 70;
    o.decay[1] = 200;
    o.adversarial_end = 130;
    o.lr_decay = 0.5;
    o.journal = journal_keep;
    o.journal_user = &j;
    absa_controller *c = make_controller(ctx, &o);
    for (int i = 0; i < 40; i++)
        cr_assert_eq(absa_controller_advance(c, 8), ABSA_OK);
    static const struct {
        int64_t samples;
        double lr_before, lr, gamma_before, gamma;
    } want[] = {
        {96, 0.1, 0.05, 0.2, 0.2}, {160, 0.05, 0.05, 0.2, 0.0}, {224, 0.05, 0.025, 0.0, 0.0}};
    cr_assert_eq(j.count, 3);
    for (int i = 0; i < 3; i++) {
        const absa_decision *d = &j.seen[i];
        cr_assert_eq(d->event, ABSA_EVENT_SCHEDULE);
        cr_assert_eq(d->reason, ABSA_REASON_DECAY);
        cr_assert_eq(d->samples, want[i].samples);
        cr_assert_eq(d->update, want[i].samples / 32);
        cr_assert_float_eq(d->lr_before, want[i].lr_before, 1e-16);
        cr_assert_float_eq(d->lr, want[i].lr, 1e-16);
        cr_assert_eq(d->gamma_before, want[i].gamma_before);
        cr_assert_eq(d->gamma, want[i].gamma);
    }
    absa_controller_destroy(&c);
    /* The journal's failure is reported, but what was used stays counted. */
    j.count = 0;
    j.code = 5;
    c = make_controller(ctx, &o);
    cr_assert_eq(absa_controller_advance(c, 32), ABSA_OK);
    cr_assert_eq(absa_controller_advance(c, 32), ABSA_OK);
    cr_assert_eq(absa_controller_advance(c, 32), ABSA_E_CALLBACK);
    cr_assert_eq(absa_context_callback_code(ctx), 5);
    cr_assert_eq(plan_of(c).samples, 96);
    cr_assert_eq(plan_of(c).update, 3);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

/* Saved before the decay at epoch 3, loaded where it was at epoch 1 already: the next window's end
 * says so, whether the state was saved inside a window or between two. */
Test(edges, what_other_options_move_is_told_at_the_next_windows_end)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (int64_t rows = 0; rows <= 8; rows += 8) {
        absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
        journal j = {.code = 0};
        unsigned char bytes[4096];
        size_t size;
        o.decay_count = 1;
        o.decay[0] = 3;
        absa_controller *c = make_controller(ctx, &o);
        cr_assert_eq(absa_controller_end_epoch(c), ABSA_OK);
        if (rows > 0)
            cr_assert_eq(absa_controller_advance(c, rows), ABSA_OK);
        cr_assert_eq(absa_controller_save(c, bytes, sizeof bytes, &size), ABSA_OK);
        absa_controller_destroy(&c);
        o.decay[0] = 1;
        o.journal = journal_keep;
        o.journal_user = &j;
        c = make_controller(ctx, &o);
        cr_assert_eq(absa_controller_load(c, bytes, size, 1), ABSA_OK);
        cr_assert_float_eq(plan_of(c).lr, rows > 0 ? 0.1 : 0.02, 1e-17);
        cr_assert_eq(absa_controller_observe_value(c, 8.0, NULL), ABSA_OK);
        cr_assert_eq(absa_controller_advance(c, 32 - rows), ABSA_OK);
        cr_assert_eq(j.count, 2);
        cr_assert_eq(j.seen[1].event, ABSA_EVENT_SCHEDULE);
        cr_assert_float_eq(j.seen[1].lr_before, 0.1, 1e-17);
        cr_assert_float_eq(j.seen[1].lr, 0.02, 1e-17);
        cr_assert_eq(absa_controller_advance(c, 32), ABSA_OK);
        cr_assert_eq(j.count, 2, "once");
        absa_controller_destroy(&c);
    }
    absa_context_destroy(&ctx);
}

/* GG at 32 / 0.2 = 160 when saved; 32 / 0.5 = 64 from the window's end on where it is loaded. */
Test(edges, what_other_options_make_of_ggs_batch_is_told_too)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_GG);
    journal j = {.code = 0};
    unsigned char bytes[4096];
    size_t size;
    o.decay_count = 1;
    o.decay[0] = 1;
    absa_controller *c = make_controller(ctx, &o);
    cr_assert_eq(absa_controller_end_epoch(c), ABSA_OK);
    cr_assert_eq(plan_of(c).batch, 160);
    cr_assert_eq(absa_controller_save(c, bytes, sizeof bytes, &size), ABSA_OK);
    absa_controller_destroy(&c);
    o.lr_decay = 0.5;
    o.journal = journal_keep;
    o.journal_user = &j;
    c = make_controller(ctx, &o);
    cr_assert_eq(absa_controller_load(c, bytes, size, 1), ABSA_OK);
    cr_assert_eq(absa_controller_advance(c, 160), ABSA_OK);
    cr_assert_eq(j.count, 1);
    cr_assert_eq(j.seen[0].batch_before, 160);
    cr_assert_eq(j.seen[0].batch, 64);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

/* GG in updates: batch 32, / 0.5 at update 2: 64. */
static absa_controller *gg_by_updates(absa_context *ctx, journal *j)
{
    absa_controller_options o = small_training(ABSA_STRATEGY_GG);
    o.unit = ABSA_UNIT_UPDATES;
    o.decay_count = 1;
    o.decay[0] = 2;
    o.lr_decay = 0.5;
    o.journal = journal_keep;
    o.journal_user = j;
    return make_controller(ctx, &o);
}

Test(edges, gg_by_updates_tells_its_growth)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    journal j = {.code = 0};
    absa_controller *c = gg_by_updates(ctx, &j);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(absa_controller_advance(c, plan_of(c).rows), ABSA_OK);
    cr_assert_eq(j.count, 1);
    cr_assert_eq(j.seen[0].batch_before, 32);
    cr_assert_eq(j.seen[0].batch, 64);
    cr_assert_eq(j.seen[0].update, 2);
    cr_assert_eq(plan_of(c).samples, 32 + 32 + 64 + 64);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

/* The second update is made again, as it was. */
Test(edges, an_update_taken_back_takes_ggs_growth_back)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    journal j = {.code = 0};
    absa_controller *c = gg_by_updates(ctx, &j);
    for (int again = 0; again < 2; again++) {
        for (int64_t update = plan_of(c).update; update < 2; update++) {
            cr_assert_eq(plan_of(c).batch, 32);
            cr_assert_eq(plan_of(c).lr, 0.1);
            cr_assert_eq(absa_controller_advance(c, 32), ABSA_OK);
        }
        cr_assert_eq(plan_of(c).batch, 64);
        if (!again)
            cr_assert_eq(absa_controller_update_skipped(c), ABSA_OK);
    }
    const int32_t events[] = {ABSA_EVENT_SCHEDULE, ABSA_EVENT_UPDATE_SKIPPED, ABSA_EVENT_SCHEDULE};
    const int64_t batches[] = {64, 32, 64};
    cr_assert_eq(j.count, 3);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(j.seen[i].event, events[i]);
        cr_assert_eq(j.seen[i].batch, batches[i]);
    }
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(edges, gamma_of_an_open_window_stays_but_collapse_ends_it_at_once)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
    o.strategy = ABSA_STRATEGY_ABSA;
    o.batch = 40;
    o.micro_batch = 4;
    absa_controller *c = make_controller(ctx, &o);
    observe_exact(c, 8.0);
    cr_assert_eq(plan_of(c).adversarial_rows, 8, "floor(40 * 0.2)");
    cr_assert_eq(absa_controller_advance(c, 4), ABSA_OK);
    cr_assert_eq(observe_exact(c, 1.0).gamma, 0.1);
    cr_assert_eq(plan_of(c).gamma, 0.2);
    cr_assert_eq(micro_of(c).adversarial_rows, 4, "rows 4 to 7 of this window's 8");
    cr_assert_eq(absa_controller_advance(c, 36), ABSA_OK);
    cr_assert_eq(plan_of(c).gamma, 0.1);
    cr_assert_eq(plan_of(c).adversarial_rows, 8, "floor(80 * 0.1)");
    cr_assert_eq(absa_controller_advance(c, 4), ABSA_OK);
    cr_assert_eq(absa_controller_adversarial_collapse(c), ABSA_OK);
    cr_assert_eq(plan_of(c).gamma, 0.0);
    cr_assert_eq(micro_of(c).adversarial_rows, 0);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

/* 1000 samples, windows of 300: the fourth takes 100 of one epoch and 200 of the next. */
Test(edges, a_restarted_window_goes_back_to_the_epoch_it_began_in)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
    o.batch = 300;
    o.batch_max = o.micro_batch = 300;
    absa_controller *c = make_controller(ctx, &o);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(absa_controller_advance(c, micro_of(c).global_rows), ABSA_OK);
    cr_assert_eq(absa_controller_end_epoch(c), ABSA_OK);
    cr_assert_eq(absa_controller_advance(c, 50), ABSA_OK);
    cr_assert_eq(absa_controller_restart_window(c), ABSA_OK);
    cr_assert_eq(plan_of(c).samples, 900);
    absa_micro m = micro_of(c);
    cr_assert_eq(m.first, -100);
    cr_assert_eq(m.global_rows, 100, "a micro-batch does not cross the end of an epoch");
    cr_assert_not(m.last);
    cr_assert_eq(absa_controller_advance(c, m.global_rows), ABSA_OK);
    m = micro_of(c);
    cr_assert_eq(m.first, 0);
    cr_assert_eq(m.global_rows, 200);
    cr_assert(m.last);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

/* The largest training that the options allow, saved and loaded at its end, and not a sample more.
 */
Test(edges, counting_ends_before_62_bits_do)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
    const int64_t size = (int64_t)1 << 53, most = INT64_MAX / 2 / size;
    unsigned char bytes[4096];
    size_t bytes_used;
    absa_controller *c;
    o.strategy = ABSA_STRATEGY_BL;
    o.samples = o.batch = o.micro_batch = size;
    o.epochs = most + 1;
    cr_assert_eq(absa_controller_create(ctx, &o, &c), ABSA_E_INVALID);
    cr_assert_not_null(strstr(absa_context_message(ctx), "62 bits"));
    o.epochs = most;
    for (int ends = 0; ends <= 1; ends++) { /* or the host draws on and on */
        c = make_controller(ctx, &o);
        for (int64_t i = 0; i < most; i++) {
            cr_assert_eq(absa_controller_advance(c, size), ABSA_OK, "epoch %d", (int)i);
            cr_assert_eq(plan_of(c).samples, (i + 1) * size);
            if (ends && i + 1 < most)
                cr_assert_eq(absa_controller_end_epoch(c), ABSA_OK);
        }
        cr_assert_eq(absa_controller_advance(c, size), ABSA_E_STATE);
        cr_assert_eq(plan_of(c).samples, most * size);
        cr_assert_eq(absa_controller_save(c, bytes, sizeof bytes, &bytes_used), ABSA_OK);
        cr_assert_eq(absa_controller_load(c, bytes, bytes_used, 0), ABSA_OK);
        absa_controller_destroy(&c);
    }
    absa_context_destroy(&ctx);
}

static absa_controller *shared(absa_context *ctx, process *p, absa_controller_options *o)
{
    o->reduce = process_reduce;
    o->reduce_user = p;
    o->process = p->rank;
    return make_controller(ctx, o);
}

/* Rank 1 hands in nothing, a NaN bound, a struct without size: all three fail, nobody waits, and
 * the next good measurement is taken by all. */
static void one_cannot_observe(process *p)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
    absa_controller *c = shared(ctx, p, &o);
    for (int fault = 0; fault < 4; fault++) {
        absa_eigen_result r;
        absa_eigen_result_init(&r, sizeof r);
        absa_decision d;
        absa_decision_init(&d, sizeof d);
        r.value = r.lower = r.upper = 8.0;
        r.converged = r.consistent = 1;
        const int mine = p->rank == 1;
        if (mine && fault == 1)
            r.upper = (double)NAN;
        if (mine && fault == 2)
            r.struct_size = 0;
        if (mine && fault == 3)
            d.struct_size = 0;
        const absa_status status = absa_controller_observe(c, mine && fault == 0 ? NULL : &r, &d);
        const absa_status own = fault < 2 ? ABSA_E_INVALID : ABSA_E_ABI;
        cr_assert_eq(status, mine ? own : ABSA_E_PEER, "fault %d: %d", fault, status);
        cr_assert(isnan(plan_of(c).threshold), "nothing was stored");
    }
    cr_assert_eq(observe_exact(c, 4.0).reference, 4.0);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(edges, a_process_that_cannot_observe_fails_all_and_hangs_none)
{
    processes_run(3, one_cannot_observe, NULL);
}

static void other_options(process *p)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
    o.patience = p->rank == 2 ? 9 : 10;
    absa_controller *c = shared(ctx, p, &o);
    cr_assert_eq(absa_controller_observe_value(c, 4.0, NULL), ABSA_E_PEER);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(edges, processes_with_other_options_are_found_out)
{
    processes_run(3, other_options, NULL);
}
