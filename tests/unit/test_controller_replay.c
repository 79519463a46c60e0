/* Replaying a journal: the same options give the same decisions, other options their own, and what
 * the journal does not know ends it. */
#include "support/controllers.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static absa_controller_options base(journal *j)
{
    absa_controller_options o;
    absa_controller_options_init(&o, sizeof o);
    o.samples = 100;
    o.epochs = 20;
    o.batch = 10;
    o.batch_max = 80;
    o.patience = 3;
    o.unit = ABSA_UNIT_SAMPLES;
    o.decay_count = 2;
    o.decay[0] = 450;
    o.decay[1] = 1205;
    o.adversarial_end = 731;
    o.journal = journal_keep;
    o.journal_user = j;
    return o;
}

static absa_replay replay(absa_context *ctx, absa_controller *c, const journal *j)
{
    absa_replay r;
    absa_replay_init(&r, sizeof r);
    cr_assert_eq(absa_controller_replay(c, j->seen, j->count, sizeof j->seen[0], &r), ABSA_OK, "%s",
                 absa_context_message(ctx));
    return r;
}

/* Twenty epochs with everything that can happen: skipped measurements and updates, a restarted
 * window, bad values, a collapse, decays inside windows. */
static void live(absa_controller *c)
{
    static const double values[] = {8, 5, -1, 3.5, (double)NAN, 3, 1.2, 1.1, 1.0, 0.4};
    int measured = 0;
    absa_plan p;
    for (int step = 1; !(p = plan_of(c)).finished; step++) {
        if (p.measure_due && step % 5 == 0) {
            cr_assert_eq(absa_controller_skip_measurement(c), ABSA_OK);
        } else if (p.measure_due) {
            const double v = values[measured++ % 10];
            if (isnan(v))
                cr_assert_eq(absa_controller_observe_value(c, v, NULL), ABSA_OK);
            else
                observe_interval(c, 0.99 * v, v, v + 0.1 * fabs(v));
        } else if (p.epoch_done) {
            cr_assert_eq(absa_controller_end_epoch(c), ABSA_OK);
        } else {
            const int64_t rest = p.rows - p.rows_done;
            cr_assert_eq(absa_controller_advance(c, rest > 7 ? 7 : rest), ABSA_OK);
            if (rest <= 7 && step % 11 == 0)
                cr_assert_eq(absa_controller_update_skipped(c), ABSA_OK);
            if (rest > 7 && step % 13 == 0) {
                observe_interval(c, 3, 4, 5);
                cr_assert_eq(absa_controller_restart_window(c), ABSA_OK);
            }
        }
        if (step == 60)
            cr_assert_eq(absa_controller_adversarial_collapse(c), ABSA_OK);
    }
}

Test(replay, the_same_options_give_the_same_journal_to_the_bit)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    journal first = {.count = 0}, again = {.count = 0};
    absa_controller_options o = base(&first);
    absa_controller *c = make_controller(ctx, &o);
    live(c);
    int64_t measured = 0, events = 0;
    for (int64_t i = 0; i < first.count; i++) {
        measured += first.seen[i].event == ABSA_EVENT_MEASUREMENT;
        events |= 1 << first.seen[i].event;
    }
    cr_assert_eq(events, 0x7F, "all seven events are in it");
    absa_controller_destroy(&c);
    o.journal_user = &again;
    c = make_controller(ctx, &o);
    const absa_replay r = replay(ctx, c, &first);
    cr_assert_eq(r.replayed, first.count);
    cr_assert_eq(r.measurements, measured);
    cr_assert_eq(r.undetermined, -1);
    cr_assert(isnan(r.threshold));
    cr_assert_eq(again.count, first.count);
    for (int64_t i = 0; i < first.count; i++)
        cr_assert_eq(memcmp(&first.seen[i], &again.seen[i], sizeof first.seen[i]), 0, "decision %d",
                     (int)i);
    cr_assert(plan_of(c).finished);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

/* Measured under eigenvalue_ratio 2: 8 [8, 8]; 5 [4.9, 5.1] is not below 4; 3 [2.9, 3.1] is. Under
 * 1.5: 5.1 is below 8/1.5 = 5.33, so Eig is 5; then 3.33 lies above [2.9, 3.1]: below again, Eig 3.
 * Under 1.6: 5 [4.9, 5.1] against 5 settles nothing. Under 3: 5 > 2.67; 3 > 2.67: no growth. */
Test(replay, other_options_decide_for_themselves_or_say_where_they_cannot)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    journal first = {.count = 0};
    absa_controller_options o = base(&first);
    absa_controller *c = make_controller(ctx, &o);
    static const double values[] = {8, 5, 3}, half[] = {0, 0.1, 0.1};
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(absa_controller_advance(c, 10), ABSA_OK);
        observe_interval(c, values[i] - half[i], values[i], values[i] + half[i]);
    }
    cr_assert_eq(plan_of(c).batch, 20);
    absa_controller_destroy(&c);
    static const struct {
        double ratio, threshold;
        int64_t batch, undetermined, replayed;
    } want[] = {
        {1.5, 0, 40, -1, 3}, {1.6, 5.0, 10, 1, 1}, {3.0, 0, 10, -1, 3}, {2.0, 0, 20, -1, 3}};
    for (int i = 0; i < 4; i++) {
        journal own = {.count = 0};
        o.journal_user = &own;
        o.eigenvalue_ratio = want[i].ratio;
        c = make_controller(ctx, &o);
        const absa_replay r = replay(ctx, c, &first);
        cr_assert_eq(r.undetermined, want[i].undetermined);
        cr_assert_eq(r.replayed, want[i].replayed);
        cr_assert_eq(r.measurements, want[i].replayed);
        if (r.undetermined >= 0)
            cr_assert_float_eq(r.threshold, want[i].threshold, 1e-15);
        cr_assert_eq(own.count, want[i].replayed);
        cr_assert_eq(own.seen[own.count - 1].batch, want[i].batch, "ratio %g", want[i].ratio);
        absa_controller_destroy(&c);
    }
    absa_context_destroy(&ctx);
}

/* The point trigger takes a value for what it is, unless DECIDE stopped at a lower bound. */
Test(replay, a_lower_bound_is_no_value_for_another_threshold)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    journal first = {.count = 0};
    absa_controller_options o = base(&first);
    o.trigger = ABSA_TRIGGER_POINT;
    absa_controller *c = make_controller(ctx, &o);
    observe_interval(c, 8, 8, 8);
    absa_eigen_result r;
    absa_eigen_result_init(&r, sizeof r);
    r.value = r.lower = 5;
    r.upper = (double)INFINITY;
    r.answer = ABSA_ANSWER_NOT_BELOW;
    r.converged = r.consistent = 1;
    cr_assert_eq(absa_controller_observe(c, &r, NULL), ABSA_OK);
    absa_controller_destroy(&c);
    o.eigenvalue_ratio = 1.5;
    for (int32_t answer = ABSA_ANSWER_NONE; answer <= ABSA_ANSWER_NOT_BELOW; answer++) {
        journal own = {.count = 0};
        first.seen[1].answer = answer;
        o.journal_user = &own;
        c = make_controller(ctx, &o);
        const absa_replay outcome = replay(ctx, c, &first);
        cr_assert_eq(outcome.undetermined, answer == ABSA_ANSWER_NOT_BELOW ? 1 : -1);
        cr_assert_eq(plan_of(c).batch, answer == ABSA_ANSWER_NOT_BELOW ? 10 : 20);
        absa_controller_destroy(&c);
    }
    absa_context_destroy(&ctx);
}

/* Eig is 8, then 3 with twice the batch, and the third measurement, which DECIDE ended at [4, 9]
 * for 3/2. Another threshold would have let it go on, to either side of the eigenvalue that
 * shrinks. */
Test(replay, an_interval_that_does_not_settle_a_shrink_ends_it)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    static const struct {
        double ratio, shrink_ratio;
        int64_t batch_max, batch, undetermined;
        int32_t point, answer;
        double threshold;
    } want[] = {
        {1.6, 0.0, 80, 20, -1, 0, ABSA_ANSWER_NOT_BELOW, 0},
        {1.6, 2.0, 80, 20, 2, 0, ABSA_ANSWER_NOT_BELOW, 6},
        {1.6, 1.25, 80, 10, -1, 0, ABSA_ANSWER_NOT_BELOW, 0}, /* 3.75 is below all of it */
        {1.6, 4.0, 80, 20, -1, 0, ABSA_ANSWER_NOT_BELOW, 0},  /* 12 is above */
        {2.0, 2.0, 80, 20, -1, 0, ABSA_ANSWER_NOT_BELOW, 0},  /* it would have ended there, too */
        {3.0, 1.0, 80, 10, -1, 0, ABSA_ANSWER_NOT_BELOW, 0},  /* no growth to take back */
        {1.6, 2.0, 20, 20, -1, 0, ABSA_ANSWER_NOT_BELOW, 0},  /* finished at batch_max */
        {1.6, 2.0, 80, 20, 2, 1, ABSA_ANSWER_NOT_BELOW, 6},
        {1.6, 1.25, 80, 10, -1, 1, ABSA_ANSWER_NOT_BELOW, 0},
        {1.6, 4.0, 80, 20, -1, 1, ABSA_ANSWER_NOT_BELOW, 0},
        {1.6, 2.0, 80, 20, -1, 1, ABSA_ANSWER_NONE, 0}, /* a value, which is 4 */
    };
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        journal first = {.count = 0}, own = {.count = 0};
        absa_controller_options o = base(&first);
        o.decay_count = 0;
        o.trigger = want[i].point ? ABSA_TRIGGER_POINT : ABSA_TRIGGER_INTERVAL;
        absa_controller *c = make_controller(ctx, &o);
        observe_interval(c, 8, 8, 8);
        observe_interval(c, 2.9, 3, 3.1);
        observe_interval(c, 4, 4, 9);
        absa_controller_destroy(&c);
        cr_assert_eq(first.count, 3);
        first.seen[2].answer = want[i].answer;
        o.journal_user = &own;
        o.eigenvalue_ratio = want[i].ratio;
        o.shrink_ratio = want[i].shrink_ratio;
        o.batch_max = want[i].batch_max;
        o.finish_at_batch_max = want[i].batch_max == 20;
        c = make_controller(ctx, &o);
        const absa_replay r = replay(ctx, c, &first);
        cr_assert_eq(r.undetermined, want[i].undetermined, "case %zu", i);
        cr_assert_eq(own.seen[own.count - 1].batch, want[i].batch, "case %zu", i);
        if (r.undetermined >= 0)
            cr_assert_float_eq(r.threshold, want[i].threshold, 1e-15);
        absa_controller_destroy(&c);
    }
    absa_context_destroy(&ctx);
}

Test(replay, fewer_epochs_end_it_and_nothing_is_nothing)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    journal first = {.count = 0}, own = {.count = 0};
    absa_controller_options o = base(&first);
    absa_controller *c = make_controller(ctx, &o);
    live(c);
    absa_controller_destroy(&c);
    o.epochs = 3;
    o.journal_user = &own;
    c = make_controller(ctx, &o);
    absa_replay none;
    absa_replay_init(&none, sizeof none);
    cr_assert_eq(absa_controller_replay(c, NULL, 0, 0, &none), ABSA_OK);
    cr_assert_eq(none.replayed, 0);
    cr_assert_eq(none.undetermined, -1);
    const absa_replay r = replay(ctx, c, &first);
    cr_assert(plan_of(c).finished);
    cr_assert_eq(first.seen[r.replayed - 1].event, ABSA_EVENT_EPOCH);
    cr_assert_eq(first.seen[r.replayed - 1].epoch, 3);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

/* Batches of 80 have no update to take back where batches of 10 had, and BL measures nothing that
 * could be skipped. */
Test(replay, events_that_have_no_place_under_other_options_are_passed_over)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    journal first = {.count = 0};
    absa_controller_options o = base(&first);
    o.measure_every = 10;
    absa_controller *c = make_controller(ctx, &o);
    cr_assert_eq(absa_controller_advance(c, 10), ABSA_OK);
    cr_assert_eq(absa_controller_update_skipped(c), ABSA_OK);
    cr_assert_eq(absa_controller_skip_measurement(c), ABSA_OK);
    absa_controller_destroy(&c);
    journal own = {.count = 0};
    o.journal_user = &own;
    o.strategy = ABSA_STRATEGY_BL;
    o.batch = 80;
    c = make_controller(ctx, &o);
    cr_assert_eq(replay(ctx, c, &first).replayed, 2);
    cr_assert_eq(plan_of(c).rows_done, 10);
    cr_assert_eq(plan_of(c).update, 0);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

/* 45 of 80 rows, and the window again from its beginning: batches of 10 have made four updates of
 * them by then, and are inside a window of their own. */
Test(replay, a_restart_takes_no_update_back)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    journal first = {.count = 0}, own = {.count = 0};
    absa_controller_options o = base(&first);
    o.batch = 80;
    absa_controller *c = make_controller(ctx, &o);
    cr_assert_eq(absa_controller_advance(c, 45), ABSA_OK);
    observe_interval(c, 8, 8, 8);
    cr_assert_eq(absa_controller_restart_window(c), ABSA_OK);
    absa_controller_destroy(&c);
    o.batch = 10;
    o.journal_user = &own;
    c = make_controller(ctx, &o);
    cr_assert_eq(replay(ctx, c, &first).replayed, 2);
    cr_assert_eq(plan_of(c).samples, 45);
    cr_assert_eq(plan_of(c).rows_done, 5);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

/* 8, then an interval of 4 to 6 whose rule did not fire: a threshold of 5 is not settled where it
 * counts all the same; where it does not, there is nothing to settle. */
Test(replay, an_unconverged_interval_settles_nothing_where_it_counts)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (int32_t counts = 0; counts <= 1; counts++) {
        journal first = {.count = 0}, own = {.count = 0};
        absa_controller_options o = base(&first);
        o.use_unconverged = counts;
        absa_controller *c = make_controller(ctx, &o);
        observe_interval(c, 8, 8, 8);
        absa_eigen_result r;
        absa_eigen_result_init(&r, sizeof r);
        r.lower = 4;
        r.value = 4.5;
        r.upper = 6;
        r.consistent = 1;
        cr_assert_eq(absa_controller_observe(c, &r, NULL), ABSA_OK);
        absa_controller_destroy(&c);
        o.eigenvalue_ratio = 1.6;
        o.journal_user = &own;
        c = make_controller(ctx, &o);
        cr_assert_eq(replay(ctx, c, &first).undetermined, counts ? 1 : -1);
        absa_controller_destroy(&c);
    }
    absa_context_destroy(&ctx);
}

Test(replay, wrong_journals_are_refused)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    journal own = {.count = 0};
    absa_controller_options o = base(&own);
    absa_controller *c = make_controller(ctx, &o);
    absa_decision d[2];
    absa_replay r;
    absa_replay_init(&r, sizeof r);
    r.replayed = 77;
    for (int i = 0; i < 2; i++)
        absa_decision_init(&d[i], sizeof d[i]);
    d[0].event = d[1].event = ABSA_EVENT_SCHEDULE;
    d[0].samples = 55;
    d[1].samples = 49; /* windows of 10: the open one began at 50 */
    cr_assert_eq(absa_controller_replay(c, d, 2, sizeof d[0], &r), ABSA_E_INVALID);
    cr_assert_not_null(strstr(absa_context_message(ctx), "decision 1"));
    d[1].event = ABSA_EVENT_RESTART;
    d[1].samples = 50;
    cr_assert_eq(absa_controller_replay(c, d + 1, 1, sizeof d[0], &r), ABSA_OK);
    cr_assert_eq(plan_of(c).samples, 50);
    d[1].samples = 30;
    cr_assert_eq(absa_controller_replay(c, d + 1, 1, sizeof d[0], &r), ABSA_OK);
    cr_assert_eq(plan_of(c).samples, 50, "what is complete stays");
    r.replayed = 77;
    d[1].event = 99;
    cr_assert_eq(absa_controller_replay(c, d + 1, 1, sizeof d[0], &r), ABSA_E_INVALID);
    d[1].event = ABSA_EVENT_SCHEDULE;
    cr_assert_eq(absa_controller_replay(c, d + 1, 1, sizeof d[0] - 8, &r), ABSA_E_INVALID);
    cr_assert_eq(absa_controller_replay(c, d + 1, -1, sizeof d[0], &r), ABSA_E_INVALID);
    cr_assert_eq(absa_controller_replay(c, NULL, 1, sizeof d[0], &r), ABSA_E_INVALID);
    cr_assert_eq(absa_controller_replay(c, d, 1, sizeof d[0], NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_controller_replay(NULL, d, 1, sizeof d[0], &r), ABSA_E_INVALID);
    d[1].struct_size = 0;
    cr_assert_eq(absa_controller_replay(c, d + 1, 1, sizeof d[0], &r), ABSA_E_ABI);
    cr_assert_eq(r.replayed, 77, "outputs are untouched on failure");
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}
