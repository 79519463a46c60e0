/* The controller's handle: counts of whole trainings, decisions, errors. */
#include "support/controllers.h"
#include "support/faulty_alloc.h"
#include "support/processes.h"

#include <absa/controller.h>

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

/* Trains to the end without measuring; returns the last plan. */
static absa_plan train(const absa_controller_options *o)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller *c = make_controller(ctx, o);
    absa_plan p;
    while (!(p = plan_of(c)).finished) {
        if (p.epoch_done)
            cr_assert_eq(absa_controller_end_epoch(c), ABSA_OK);
        else
            cr_assert_eq(absa_controller_advance(c, micro_of(c).global_rows), ABSA_OK);
    }
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
    return p;
}

typedef struct experiment {
    int64_t samples, epochs, batch;
    double decay[3];
} experiment;

static const experiment C3 = {50000, 200, 128, {60, 120, 160}};
static const experiment S1 = {531131, 20, 128, {5, 10, 15}};
static const experiment C1 = {50000, 90, 128, {30, 60, 80}};

static int64_t updates(const experiment *e, int32_t strategy, int64_t batch)
{
    absa_controller_options o = small_training(strategy);
    o.samples = e->samples;
    o.epochs = e->epochs;
    o.batch = strategy == ABSA_STRATEGY_BL ? batch : e->batch;
    o.batch_max = batch;
    o.micro_batch = batch;
    o.decay_count = 3;
    memcpy(o.decay, e->decay, sizeof e->decay);
    o.lr_decay = 0.2;
    o.epoch_tail = strategy == ABSA_STRATEGY_GG ? ABSA_TAIL_DROP : ABSA_TAIL_CARRY;
    const absa_plan p = train(&o);
    return p.update - p.short_updates;
}

/* Tables 1, 4 and 5 of the paper: complete batches of BL, FB and GG. Three cells are misprints and
 * left out: all of S1's GG column, S1 BL at 128 (82,989 by the rule), C3 BL and FB at 1024 (9,765).
 */
Test(controller, the_papers_update_counts_come_out_to_the_update)
{
    static const struct {
        const experiment *e;
        int64_t batch, fixed, gg; /* 0: no such cell */
    } cells[] = {
        {&C3, 128, 78125, 0},     {&C3, 256, 39062, 50700}, {&C3, 512, 19531, 37050},
        {&C3, 1024, 0, 31980},    {&C3, 2048, 4882, 30030}, {&C3, 4096, 2441, 29191},
        {&C3, 8192, 1220, 28947}, {&C3, 16384, 610, 28828}, {&S1, 512, 20747, 0},
        {&S1, 2048, 5186, 0},     {&S1, 8192, 1296, 0},     {&S1, 32768, 324, 0},
        {&S1, 131072, 81, 0},     {&C1, 128, 35156, 0},     {&C1, 640, 7031, 16380},
        {&C1, 3200, 1406, 14508}, {&C1, 5120, 878, 14449},  {&C1, 10240, 439, 14400},
        {&C1, 16000, 281, 14383},
    };
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        const experiment *e = cells[i].e;
        if (cells[i].fixed) {
            cr_assert_eq(updates(e, ABSA_STRATEGY_BL, cells[i].batch), cells[i].fixed, "BL %d",
                         (int)cells[i].batch);
            cr_assert_eq(updates(e, ABSA_STRATEGY_FB, cells[i].batch), cells[i].fixed, "FB %d",
                         (int)cells[i].batch);
        }
        if (cells[i].gg)
            cr_assert_eq(updates(e, ABSA_STRATEGY_GG, cells[i].batch), cells[i].gg, "GG %d: %d",
                         (int)cells[i].batch, (int)updates(e, ABSA_STRATEGY_GG, cells[i].batch));
    }
    /* The rule's own values where the print is wrong. */
    cr_assert_eq(updates(&S1, ABSA_STRATEGY_BL, 128), 82989);
    cr_assert_eq(updates(&C3, ABSA_STRATEGY_FB, 1024), 9765);
}

/* GG: the batch grows where lr would fall, and lr / B falls by rho in all, cap or not. */
Test(controller, gg_keeps_the_noise_scale_of_the_decay)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_GG);
    o.batch = 100;
    o.batch_max = 1000;
    o.decay_count = 2;
    o.decay[0] = 1;
    o.decay[1] = 2;
    absa_controller *c = make_controller(ctx, &o);
    const int64_t batches[3] = {100, 500, 1000};
    for (int epoch = 0; epoch < 3; epoch++) {
        const absa_plan p = plan_of(c);
        cr_assert_eq(p.batch, batches[epoch]);
        cr_assert_float_eq(p.lr / (double)p.batch, 0.1 / 100 * pow(0.2, epoch), 1e-15);
        while (!plan_of(c).epoch_done)
            absa_controller_advance(c, micro_of(c).global_rows);
        absa_controller_end_epoch(c);
    }
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(controller, fb_warms_up_linearly_from_the_reference_to_the_scaled_rate)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_FB);
    o.batch_max = 250; /* four updates an epoch, twenty of warm-up */
    o.micro_batch = 250;
    o.batch_ref = 25;
    o.batch = 25;
    absa_controller *c = make_controller(ctx, &o);
    for (int t = 0; t < 24; t++) {
        const absa_plan p = plan_of(c);
        const double want = t < 20 ? 0.1 + (1.0 - 0.1) * t / 20.0 : 1.0;
        cr_assert_float_eq(p.lr, want, 1e-14, "update %d", t);
        absa_controller_advance(c, p.rows);
        if (plan_of(c).epoch_done)
            absa_controller_end_epoch(c);
    }
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(controller, a_growth_waits_for_the_open_window)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
    absa_controller *c = make_controller(ctx, &o);
    absa_controller_observe_value(c, 4.0, NULL);
    absa_controller_advance(c, 10);
    absa_decision d = {.struct_size = sizeof d};
    cr_assert_eq(absa_controller_observe_value(c, 1.0, &d), ABSA_OK);
    cr_assert_eq(d.reason, ABSA_REASON_EIGENVALUE);
    cr_assert_eq(d.batch, 64);
    cr_assert_eq(plan_of(c).batch, 32);
    cr_assert_float_eq(plan_of(c).lr, 0.1, 1e-16);
    absa_controller_advance(c, 22);
    cr_assert_eq(plan_of(c).batch, 64);
    cr_assert_float_eq(plan_of(c).lr, 0.2, 1e-16);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(controller, crossing_n_is_one_measurement_that_stays_due)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
    o.measure_every = 10; /* a batch of 32 crosses three multiples */
    absa_controller *c = make_controller(ctx, &o);
    cr_assert_not(plan_of(c).measure_due);
    absa_controller_advance(c, 31);
    cr_assert_not(plan_of(c).measure_due, "only a completed update asks");
    absa_controller_advance(c, 1);
    cr_assert(plan_of(c).measure_due);
    absa_controller_advance(c, 32);
    cr_assert(plan_of(c).measure_due);
    absa_controller_observe_value(c, 1.0, NULL);
    cr_assert_not(plan_of(c).measure_due);
    cr_assert_eq(absa_controller_skip_measurement(c), ABSA_E_STATE);
    absa_controller_advance(c, 32);
    cr_assert(plan_of(c).measure_due);
    cr_assert_eq(absa_controller_skip_measurement(c), ABSA_OK);
    cr_assert_not(plan_of(c).measure_due);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(controller, bad_measurements_never_grow_and_three_of_them_are_blindness)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
    o.patience = 1;
    absa_controller *c = make_controller(ctx, &o);
    absa_eigen_result good, r;
    absa_eigen_result_init(&good, sizeof good);
    good.value = good.lower = good.upper = 8.0;
    good.converged = good.consistent = 1;
    absa_decision d = {.struct_size = sizeof d};
    cr_assert_eq(absa_controller_observe(c, &good, &d), ABSA_OK);
    cr_assert_eq(d.reason, ABSA_REASON_FIRST);
#define BAD(change, why)                                                                           \
    do {                                                                                           \
        r = good;                                                                                  \
        change;                                                                                    \
        cr_assert_eq(absa_controller_observe(c, &r, &d), ABSA_OK);                                 \
        cr_assert_eq(d.reason, why, "%s", absa_reason_name(d.reason));                             \
        cr_assert_eq(d.batch, 32);                                                                 \
        cr_assert_eq(d.reference, 8.0);                                                            \
    } while (0)
    BAD(r.value = (double)NAN, ABSA_REASON_NONFINITE);
    BAD(r.value = (double)INFINITY, ABSA_REASON_NONFINITE);
    BAD(r.value = 0.0, ABSA_REASON_BLIND);
    BAD(r.value = -1.0, ABSA_REASON_BLIND);
    cr_assert_eq(plan_of(c).reason, ABSA_REASON_BLIND);
    absa_controller_destroy(&c);
    c = make_controller(ctx, &o);
    absa_controller_observe(c, &good, NULL);
    BAD(r.value = -1.0, ABSA_REASON_NOT_POSITIVE);
    BAD((r.value = 1.0, r.converged = 0), ABSA_REASON_UNCONVERGED);
    absa_controller_destroy(&c);
    c = make_controller(ctx, &o);
    absa_controller_observe(c, &good, NULL);
    BAD((r.value = 1.0, r.consistent = 0), ABSA_REASON_INCONSISTENT);
    r = good;
    r.upper = (double)NAN;
    cr_assert_eq(absa_controller_observe(c, &r, &d), ABSA_E_INVALID);
    r = good;
    r.rule = ABSA_RULE_POWER;
    r.upper = (double)INFINITY;
    cr_assert_eq(absa_controller_observe(c, &r, &d), ABSA_E_INVALID);
    cr_assert_not_null(strstr(absa_context_message(ctx), "POWER"));
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(controller, the_interval_trigger_wants_the_upper_end_below)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
    for (int32_t trigger = ABSA_TRIGGER_INTERVAL; trigger <= ABSA_TRIGGER_POINT; trigger++) {
        o.trigger = trigger;
        absa_controller *c = make_controller(ctx, &o);
        absa_eigen_result r;
        absa_eigen_result_init(&r, sizeof r);
        r.converged = r.consistent = 1;
        r.value = r.lower = r.upper = 8.0;
        absa_controller_observe(c, &r, NULL);
        r.value = r.lower = 3.9;
        r.upper = 4.1;
        absa_decision d = {.struct_size = sizeof d};
        absa_controller_observe(c, &r, &d);
        cr_assert_eq(d.threshold, 4.0);
        cr_assert_eq(d.reason, trigger == ABSA_TRIGGER_POINT ? ABSA_REASON_EIGENVALUE
                                                             : ABSA_REASON_UNSETTLED);
        absa_controller_destroy(&c);
    }
    absa_context_destroy(&ctx);
}

Test(controller, a_skipped_update_keeps_its_samples)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_BL);
    absa_controller *c = make_controller(ctx, &o);
    cr_assert_eq(absa_controller_update_skipped(c), ABSA_E_STATE);
    absa_controller_advance(c, 32);
    cr_assert_eq(plan_of(c).update, 1);
    cr_assert_eq(absa_controller_update_skipped(c), ABSA_OK);
    cr_assert_eq(plan_of(c).update, 0);
    cr_assert_eq(plan_of(c).samples, 32);
    cr_assert_eq(absa_controller_update_skipped(c), ABSA_E_STATE);
    absa_controller_advance(c, 5);
    cr_assert_eq(absa_controller_restart_window(c), ABSA_OK);
    cr_assert_eq(plan_of(c).samples, 32);
    cr_assert_eq(plan_of(c).rows_done, 0);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(controller, counters_are_exact_past_two_to_the_53)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_BL);
    o.samples = ((int64_t)1 << 53) - 1;
    o.epochs = 100;
    o.batch = o.micro_batch = ((int64_t)1 << 52) + 1;
    absa_controller *c = make_controller(ctx, &o);
    int64_t total = 0;
    for (int i = 0; i < 9; i++) {
        if (plan_of(c).epoch_done)
            absa_controller_end_epoch(c);
        const int64_t rows = micro_of(c).global_rows;
        absa_controller_advance(c, rows);
        total += rows;
        cr_assert_eq(plan_of(c).samples, total);
    }
    cr_assert_gt(total, (int64_t)1 << 54);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(controller, wrong_calls_change_nothing)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_BL);
    o.epochs = 1;
    absa_controller *c = make_controller(ctx, &o);
    absa_plan p = {.struct_size = sizeof p};
    cr_assert_eq(absa_controller_advance(c, 0), ABSA_E_INVALID);
    cr_assert_eq(absa_controller_advance(c, 33), ABSA_E_INVALID);
    cr_assert_eq(absa_controller_advance(c, -1), ABSA_E_INVALID);
    cr_assert_eq(plan_of(c).samples, 0);
    cr_assert_eq(absa_controller_plan(c, 1, 1, &p), ABSA_E_INVALID);
    cr_assert_eq(absa_controller_plan(c, 0, 0, &p), ABSA_E_INVALID);
    cr_assert_eq(absa_controller_plan(c, 0, 1, NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_controller_plan(NULL, 0, 1, &p), ABSA_E_INVALID);
    cr_assert_eq(absa_controller_end_epoch(c), ABSA_OK);
    cr_assert(plan_of(c).finished);
    cr_assert_eq(absa_controller_end_epoch(c), ABSA_E_STATE);
    cr_assert_eq(absa_controller_advance(c, 1), ABSA_E_STATE);
    cr_assert_eq(absa_controller_observe_value(c, 1.0, NULL), ABSA_E_STATE);
    absa_controller_destroy(&c);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(controller, creation_fails_cleanly_without_memory)
{
    faulty_alloc f = {.fail_at = 2};
    absa_context *ctx = faulty_context(&f);
    absa_controller_options o = small_training(ABSA_STRATEGY_BL);
    absa_controller *c = (absa_controller *)&f;
    cr_assert_eq(absa_controller_create(ctx, &o, &c), ABSA_E_MEMORY);
    cr_assert_null(c);
    cr_assert_eq(absa_controller_create(ctx, &o, &c), ABSA_OK);
    const int64_t calls = f.calls;
    for (int i = 0; i < 50; i++) {
        (void)plan_of(c);
        absa_controller_advance(c, micro_of(c).global_rows);
        if (plan_of(c).epoch_done)
            absa_controller_end_epoch(c);
        absa_controller_observe_value(c, 1.0, NULL);
    }
    cr_assert_eq(f.calls, calls, "nothing is allocated while it runs");
    absa_context_destroy(&ctx);
    absa_controller_destroy(&c);
    cr_assert_eq(f.live_blocks, 0);
    cr_assert_eq(f.errors, 0);
}

typedef struct meddler {
    absa_decision last;
    int calls, code;
    absa_controller *self;
} meddler;

static int keep_and_meddle(void *user, const absa_decision *d)
{
    meddler *j = user;
    j->last = *d;
    j->calls++;
    cr_assert_eq(absa_controller_end_epoch(j->self), ABSA_E_BUSY);
    /* A plan may be looked at, which does not open the way to what may not be done. */
    cr_assert_eq(plan_of(j->self).finished, 0);
    cr_assert_eq(absa_controller_advance(j->self, 1), ABSA_E_BUSY);
    cr_assert_eq(absa_controller_observe_value(j->self, 1.0, NULL), ABSA_E_BUSY);
    return j->code;
}

Test(controller, the_journal_gets_every_decision_and_cannot_undo_one)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    meddler j = {0};
    absa_controller_options o = small_training(ABSA_STRATEGY_ABSA);
    o.journal = keep_and_meddle;
    o.journal_user = &j;
    absa_controller *c = j.self = make_controller(ctx, &o);
    cr_assert_eq(absa_controller_observe_value(c, 4.0, NULL), ABSA_OK);
    cr_assert_eq(j.last.reason, ABSA_REASON_FIRST);
    j.code = 6;
    cr_assert_eq(absa_controller_observe_value(c, 1.0, NULL), ABSA_E_CALLBACK);
    cr_assert_eq(absa_context_callback_code(ctx), 6);
    cr_assert_eq(plan_of(c).batch, 64, "the decision stands");
    j.code = 0;
    cr_assert_eq(absa_controller_adversarial_collapse(c), ABSA_OK);
    cr_assert_eq(j.last.gamma_before, 0.1);
    cr_assert_eq(j.last.gamma, 0.0);
    cr_assert_eq(j.calls, 3);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(controller, a_decision_is_one_line_of_json)
{
    absa_decision d;
    char line[1024];
    size_t need, size;
    absa_decision_init(&d, sizeof d);
    d.reason = ABSA_REASON_EIGENVALUE;
    d.batch = 64;
    d.lr = 0.1;
    d.value = 1.5;
    d.upper = (double)INFINITY;
    d.threshold = (double)NAN;
    cr_assert_eq(absa_decision_format(&d, NULL, 0, &need), ABSA_OK);
    cr_assert_eq(absa_decision_format(&d, line, need - 1, &size), ABSA_E_SPACE);
    cr_assert_eq(absa_decision_format(&d, line, sizeof line, &size), ABSA_OK);
    cr_assert_eq(strlen(line) + 1, need);
    cr_assert_not_null(strstr(line, "\"reason\":\"eigenvalue\""));
    cr_assert_not_null(strstr(line, "\"lr\":0.10000000000000001"));
    cr_assert_not_null(strstr(line, "\"upper\":null,\"threshold\":null"));
    cr_assert_null(strchr(line, '\n'));
}

/* Every field in its place; what is exact in binary has few digits. */
Test(controller, the_line_of_json_has_every_field)
{
    absa_decision d;
    char line[1024];
    size_t size;
    absa_decision_init(&d, sizeof d);
    d.event = ABSA_EVENT_MEASUREMENT;
    d.reason = ABSA_REASON_SHRINK;
    d.update = 1;
    d.samples = 2;
    d.epoch = 3;
    d.batch_before = 4;
    d.batch = 5;
    d.lr_before = 0.5;
    d.lr = 1.5;
    d.gamma_before = 2.5;
    d.gamma = 3.5;
    d.value = 4.5;
    d.lower = 5.5;
    d.upper = 6.5;
    d.threshold = 7.5;
    d.reference = 8.5;
    d.patience = 6;
    d.products = 7;
    d.converged = 8;
    d.consistent = 9;
    d.answer = 10;
    d.standard_error = 9.5;
    cr_assert_eq(absa_decision_format(&d, line, sizeof line, &size), ABSA_OK);
    cr_assert_str_eq(
        line,
        "{\"event\":\"measurement\",\"reason\":\"shrink\",\"update\":1,\"samples\":2,\"epoch\":3,"
        "\"batch_before\":4,\"batch\":5,\"lr_before\":0.5,\"lr\":1.5,\"gamma_before\":2.5,"
        "\"gamma\":3.5,\"value\":4.5,\"lower\":5.5,\"upper\":6.5,\"threshold\":7.5,"
        "\"reference\":8.5,\"patience\":6,\"products\":7,\"converged\":8,\"consistent\":9,"
        "\"answer\":10,\"standard_error\":9.5}");
}

static void agree_or_not(process *p)
{
    const int differ = *(int *)p->user;
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
    o.reduce = process_reduce;
    o.reduce_user = p;
    o.process = p->rank;
    absa_controller *c = make_controller(ctx, &o);
    if (differ && p->rank == 1)
        absa_controller_advance(c, 1);
    absa_decision d = {.struct_size = sizeof d};
    /* Their own last bits differ: process 0's number counts. */
    absa_status status = absa_controller_observe_value(c, 4.0 + p->rank * 1e-15, &d);
    cr_assert_eq(status, differ ? ABSA_E_PEER : ABSA_OK, "%s", absa_context_message(ctx));
    if (!differ)
        cr_assert_eq(d.reference, 4.0);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(controller, processes_decide_alike_or_not_at_all)
{
    for (int differ = 0; differ < 2; differ++)
        processes_run(3, agree_or_not, &differ);
}
