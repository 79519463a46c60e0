/* Measurements that are not the usual ones: bad in a row, lower bounds, numbers that nobody
 * verified, and what the log and the journal say of them. */
#include "support/controllers.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

typedef struct lines {
    int warnings, infos;
    char last[256];
} lines;

static void note(void *user, int32_t level, const char *text)
{
    lines *l = user;
    l->warnings += level == ABSA_LOG_WARNING;
    l->infos += level == ABSA_LOG_INFO;
    strncpy(l->last, text, sizeof l->last - 1);
}

static absa_context *logged(lines *l, int32_t level)
{
    absa_context *ctx;
    absa_context_options o;
    absa_context_options_init(&o, sizeof o);
    o.log = note;
    o.log_user = l;
    o.log_level = level;
    cr_assert_eq(absa_context_create(&o, &ctx), ABSA_OK);
    return ctx;
}

/* Whether anybody listens to the decision or not. */
Test(measurements, a_run_that_cannot_adapt_is_never_silent)
{
    for (int asked = 0; asked <= 1; asked++) {
        lines l = {0};
        absa_context *ctx = logged(&l, ABSA_LOG_WARNING);
        absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
        absa_controller *c = make_controller(ctx, &o);
        absa_decision d;
        absa_decision_init(&d, sizeof d);
        for (int bad = 1; bad <= 4; bad++) {
            cr_assert_eq(absa_controller_observe_value(c, -1.0, asked ? &d : NULL), ABSA_OK);
            cr_assert_eq(l.warnings, bad < 3 ? 0 : bad - 2);
        }
        cr_assert_not_null(strstr(l.last, "4 measurements in a row were unusable"), "%s", l.last);
        cr_assert_eq(l.infos, 0);
        absa_controller_destroy(&c);
        absa_context_destroy(&ctx);
    }
}

/* DECIDE said "below", and its budget ended before the value was as good as was asked for. */
Test(measurements, a_decision_outlives_the_budget)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    const int32_t answers[] = {ABSA_ANSWER_NONE, ABSA_ANSWER_CLOSE, ABSA_ANSWER_BELOW};
    for (int k = 0; k < 3; k++) {
        absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
        absa_controller *c = make_controller(ctx, &o);
        absa_decision d;
        absa_eigen_result r;
        absa_decision_init(&d, sizeof d);
        absa_eigen_result_init(&r, sizeof r);
        observe_exact(c, 8.0);
        r.lower = r.value = 3.0;
        r.upper = 3.5;
        r.consistent = 1;
        r.answer = answers[k];
        cr_assert_eq(absa_controller_observe(c, &r, &d), ABSA_OK);
        cr_assert_eq(d.reason, answers[k] == ABSA_ANSWER_BELOW ? ABSA_REASON_EIGENVALUE
                                                               : ABSA_REASON_UNCONVERGED);
        absa_controller_destroy(&c);
    }
    absa_context_destroy(&ctx);
}

Test(measurements, blindness_takes_three_in_a_row)
{
    static const double values[] = {8.0, -1.0, 0.0, 7.0, -1.0, 0.0, -2.0, 7.0, -3.0};
    static const int32_t reasons[] = {
        ABSA_REASON_FIRST,     ABSA_REASON_NOT_POSITIVE, ABSA_REASON_NOT_POSITIVE,
        ABSA_REASON_NOT_BELOW, ABSA_REASON_NOT_POSITIVE, ABSA_REASON_NOT_POSITIVE,
        ABSA_REASON_BLIND,     ABSA_REASON_NOT_BELOW,    ABSA_REASON_NOT_POSITIVE};
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
    absa_controller *c = make_controller(ctx, &o);
    for (int i = 0; i < 9; i++)
        cr_assert_eq(observe_exact(c, values[i]).reason, reasons[i], "measurement %d", i);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(measurements, a_plain_number_is_logged_as_unverified_and_a_result_is_not)
{
    lines l = {0};
    absa_context *ctx = logged(&l, ABSA_LOG_INFO);
    absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
    absa_controller *c = make_controller(ctx, &o);
    cr_assert_eq(absa_controller_observe_value(c, 8.0, NULL), ABSA_OK);
    cr_assert_eq(l.infos, 1);
    cr_assert_not_null(strstr(l.last, "unverified"), "%s", l.last);
    observe_interval(c, 7.0, 7.5, 8.0);
    cr_assert_eq(l.infos, 1);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

static absa_decision answer(absa_controller *c, int32_t what, double value, int32_t converged)
{
    absa_eigen_result r;
    absa_decision d;
    absa_eigen_result_init(&r, sizeof r);
    absa_decision_init(&d, sizeof d);
    r.value = r.lower = value;
    r.upper = (double)INFINITY;
    r.answer = what;
    r.converged = converged;
    r.consistent = 1;
    cr_assert_eq(absa_controller_observe(c, &r, &d), ABSA_OK);
    return d;
}

/* A lower bound says too little to become Eig, but later it is an answer like others. */
Test(measurements, not_below_is_no_first_value_and_counts_toward_patience_later)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
    o.patience = 2;
    absa_controller *c = make_controller(ctx, &o);
    cr_assert_eq(answer(c, ABSA_ANSWER_NOT_BELOW, 5.0, 1).reason, ABSA_REASON_UNCONVERGED);
    cr_assert(isnan(plan_of(c).threshold));
    observe_exact(c, 8.0);
    cr_assert_eq(answer(c, ABSA_ANSWER_NOT_BELOW, 5.0, 1).reason, ABSA_REASON_NOT_BELOW);
    const absa_decision d = answer(c, ABSA_ANSWER_CLOSE, 4.0, 1);
    cr_assert_eq(d.reason, ABSA_REASON_PATIENCE);
    cr_assert_eq(d.batch, 64);
    cr_assert_eq(d.reference, 8.0);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(measurements, whose_rule_did_not_fire_count_where_the_option_says_so)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (int32_t use = 0; use <= 1; use++) {
        absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
        o.use_unconverged = use;
        o.trigger = ABSA_TRIGGER_POINT;
        absa_controller *c = make_controller(ctx, &o);
        observe_exact(c, 8.0);
        const absa_decision d = answer(c, ABSA_ANSWER_NONE, 1.0, 0);
        cr_assert_eq(d.reason, use ? ABSA_REASON_EIGENVALUE : ABSA_REASON_UNCONVERGED);
        cr_assert_eq(d.batch, use ? 64 : 32);
        absa_controller_destroy(&c);
    }
    absa_context_destroy(&ctx);
}

/* A decay at 70 samples; the window of samples 64 to 95 is open when one is measured at 80. The
 * decision tells of the decay, so the window's end has nothing to tell. */
Test(measurements, inside_a_window_tell_what_the_schedule_has_reached_in_samples)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
    journal j = {.code = 0};
    o.unit = ABSA_UNIT_SAMPLES;
    o.decay_count = 1;
    o.decay[0] = 70;
    o.lr_decay = 0.5;
    o.journal = journal_keep;
    o.journal_user = &j;
    absa_controller *c = make_controller(ctx, &o);
    for (int i = 0; i < 10; i++)
        cr_assert_eq(absa_controller_advance(c, 8), ABSA_OK);
    const absa_decision d = observe_exact(c, 8.0);
    cr_assert_eq(d.lr_before, 0.1);
    cr_assert_eq(d.lr, 0.05);
    cr_assert_eq(plan_of(c).lr, 0.1, "one window, one learning rate");
    cr_assert_eq(absa_controller_advance(c, 16), ABSA_OK);
    cr_assert_eq(plan_of(c).lr, 0.05);
    cr_assert_eq(j.count, 1);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

/* However long windows are beside measure_every, and where the training was saved and loaded. */
Test(measurements, are_due_where_an_update_crosses_a_multiple)
{
    static const int64_t every[] = {1, 10, 30, 31, 32, 33, 34, 63, 64, 65, 96, 100, 1000};
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (size_t i = 0; i < sizeof every / sizeof every[0]; i++) {
        absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
        o.samples = 1000000;
        o.epochs = 1;
        o.measure_every = every[i];
        absa_controller *c = make_controller(ctx, &o);
        for (int64_t before = 0; before < 10000; before += 32) {
            unsigned char bytes[4096];
            size_t size;
            cr_assert_eq(absa_controller_advance(c, 32), ABSA_OK);
            const int due = (before + 32) / every[i] > before / every[i];
            cr_assert_eq(plan_of(c).measure_due, due, "%d of every %d", (int)before, (int)every[i]);
            if (due)
                cr_assert_eq(absa_controller_skip_measurement(c), ABSA_OK);
            if (before % 96 != 0)
                continue;
            cr_assert_eq(absa_controller_save(c, bytes, sizeof bytes, &size), ABSA_OK);
            cr_assert_eq(absa_controller_load(c, bytes, size, 0), ABSA_OK);
        }
        absa_controller_destroy(&c);
    }
    absa_context_destroy(&ctx);
}
