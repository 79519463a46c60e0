/* States that no training reaches are refused, however well they are sealed; what a training under
 * other options reached goes on under these. */
#include "controller/ctl_state.h"
#include "support/controllers.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { MOST = 4096 };

static absa_controller_options training(void)
{
    absa_controller_options o = small_training(ABSA_STRATEGY_ABSA);
    o.measure_every = 100;
    o.decay_count = 1;
    o.decay[0] = 1;
    o.patience = 3;
    o.dwell = 10;
    return o;
}

static absa_status load(absa_controller *c, const absa_controller_options *saved_under,
                        const absa__ctl_state *s, int32_t other_options)
{
    unsigned char bytes[MOST];
    size_t size;
    cr_assert_eq(absa__ctl_save(NULL, saved_under, s, bytes, sizeof bytes, &size), ABSA_OK);
    return absa_controller_load(c, bytes, size, other_options);
}

static absa__ctl_state state_of(absa_context *ctx, const absa_controller *c)
{
    unsigned char bytes[MOST];
    size_t size;
    absa__ctl_state s;
    cr_assert_eq(absa_controller_save(c, bytes, sizeof bytes, &size), ABSA_OK);
    cr_assert_eq(absa__ctl_load(ctx, absa__ctl_chosen(c), bytes, size, 0, &s), ABSA_OK, "%s",
                 absa_context_message(ctx));
    return s;
}

/* An epoch's end, growths by trigger and by patience, 8 rows of an open window. */
static void live(absa_controller *c)
{
    const double values[] = {8.0, 3.0, 3.0, 2.9, 2.8, 2.8, 2.7, 2.7};
    int measured = 0;
    absa_plan p;
    while ((p = plan_of(c)).samples < 1200) {
        if (p.measure_due)
            observe_exact(c, values[measured++ % 8]);
        else if (p.epoch_done)
            cr_assert_eq(absa_controller_end_epoch(c), ABSA_OK);
        else
            cr_assert_eq(absa_controller_advance(c, 8), ABSA_OK);
    }
    cr_assert_eq(absa_controller_advance(c, 8), ABSA_OK);
    cr_assert_gt(plan_of(c).rows_done, 0);
}

typedef void forge_fn(absa__ctl_state *s);

#define FORGE(name, change)                                                                        \
    static void name(absa__ctl_state *s)                                                           \
    {                                                                                              \
        change;                                                                                    \
    }

/* What cannot be whatever the options are. */
FORGE(no_batch, s->batch = 0)
FORGE(batch_too_large, s->batch = 257)
FORGE(no_next, s->batch_next = 0)
FORGE(next_too_large, s->batch_next = 257)
FORGE(no_rows, s->window_rows = 0)
FORGE(rows_above_batch, s->window_rows = s->batch + 1)
FORGE(negative_rows, s->window_done = -1)
FORGE(full_window, s->window_done = s->window_rows)
FORGE(fewer_samples, s->samples = s->window_done - 1)
FORGE(negative_samples, s->samples = -1)
FORGE(huge_samples, s->samples = INT64_MAX / 2 + 1)
FORGE(negative_epochs, s->epochs = -1)
FORGE(huge_epochs, s->epochs = INT64_MAX / 2 + 1)
FORGE(more_in_epoch, s->epoch_samples = s->samples + 1)
FORGE(before_epoch, s->epoch_samples = s->window_done - ((int64_t)1 << 53) - 1)
FORGE(negative_updates, s->updates = -1)
FORGE(more_updates, s->updates = s->samples - s->window_done + 1)
FORGE(negative_short, (s->short_updates = -1, s->last_short = 0))
FORGE(more_short, s->short_updates = s->updates + 1)
FORGE(all_short_but_last, (s->short_updates = s->updates, s->last_short = 0))
FORGE(last_short_of_none, (s->short_updates = 0, s->last_short = 1))
FORGE(nothing_to_take_back, (s->updates = 0, s->short_updates = 0))
FORGE(no_last_batch, s->last_batch = 0)
FORGE(negative_last_batch, s->last_batch = -1)
FORGE(huge_last_batch, s->last_batch = ((int64_t)1 << 53) + 1)
FORGE(negative_before_batch, s->before_batch = -1)
FORGE(no_before_batch, s->before_batch = 0)
FORGE(no_before_batch_to_take_back_to, (s->before_batch = 0, s->before_lr = 0.0))
FORGE(huge_before_batch, s->before_batch = ((int64_t)1 << 53) + 1)
FORGE(negative_patience, s->patience = -1)
FORGE(huge_patience, s->patience = ((int64_t)1 << 53) + 1)
FORGE(negative_run, s->bad_run = -1)
FORGE(huge_run, s->bad_run = ((int64_t)1 << 53) + 1)
FORGE(growth_before_all, s->last_growth = -2)
FORGE(growth_to_come, s->last_growth = INT64_MAX)
FORGE(negative_crossed, s->crossed = -1)
FORGE(huge_crossed, s->crossed = INT64_MAX)
FORGE(negative_decays, s->told_decays = -1)
FORGE(many_decays, s->told_decays = ABSA_DECAY_POINTS + 1)
FORGE(negative_share, s->share = -0.1)
FORGE(large_share, s->share = 1.1)
FORGE(nan_share, s->share = (double)NAN)
FORGE(negative_gamma, s->window_gamma = -0.1)
FORGE(large_gamma, s->window_gamma = 1.1)
FORGE(nan_gamma, s->window_gamma = (double)NAN)
FORGE(negative_told, s->told_gamma = -0.1)
FORGE(large_told, s->told_gamma = 1.1)
FORGE(no_reference, s->reference = 0.0)
FORGE(infinite_reference, s->reference = (double)INFINITY)
FORGE(only_reference, s->curvature = (double)NAN)
FORGE(only_curvature, s->reference = (double)NAN)
FORGE(no_curvature, s->curvature = 0.0)
FORGE(infinite_curvature, s->curvature = (double)INFINITY)
FORGE(negative_spill, s->spill = -0.5)
FORGE(large_spill, s->spill = 1.5)
FORGE(nan_spill, s->spill = (double)NAN)
FORGE(negative_lr, s->window_lr = -0.1)
FORGE(infinite_lr, s->window_lr = (double)INFINITY)
FORGE(nan_lr, s->window_lr = (double)NAN)
FORGE(negative_multiplier, s->window_lr_multiplier = -1.0)
FORGE(infinite_multiplier, s->window_lr_multiplier = (double)INFINITY)
FORGE(negative_last, s->last_lr = -0.1)
FORGE(nan_last, s->last_lr = (double)NAN)
FORGE(infinite_before, s->before_lr = (double)INFINITY)
FORGE(negative_before, s->before_lr = -0.1)
FORGE(short_2, s->last_short = 2)
FORGE(due_2, s->due = 2)
FORGE(collapsed_2, s->collapsed = -1)
FORGE(take_back_2, s->can_take_back = 2)
FORGE(negative_reason, s->reason = -1)
FORGE(unknown_reason, s->reason = ABSA_REASON_SHRINK + 1)

static forge_fn *const never[] = {
    no_batch,
    batch_too_large,
    no_next,
    next_too_large,
    no_rows,
    rows_above_batch,
    negative_rows,
    full_window,
    fewer_samples,
    negative_samples,
    huge_samples,
    negative_epochs,
    huge_epochs,
    more_in_epoch,
    before_epoch,
    negative_updates,
    more_updates,
    negative_short,
    more_short,
    all_short_but_last,
    last_short_of_none,
    no_last_batch,
    nothing_to_take_back,
    negative_last_batch,
    huge_last_batch,
    negative_before_batch,
    huge_before_batch,
    no_before_batch,
    no_before_batch_to_take_back_to,
    negative_patience,
    huge_patience,
    negative_run,
    huge_run,
    growth_before_all,
    growth_to_come,
    negative_crossed,
    huge_crossed,
    negative_decays,
    many_decays,
    negative_share,
    large_share,
    nan_share,
    negative_gamma,
    large_gamma,
    nan_gamma,
    negative_told,
    large_told,
    no_reference,
    infinite_reference,
    only_reference,
    only_curvature,
    no_curvature,
    infinite_curvature,
    negative_spill,
    large_spill,
    nan_spill,
    negative_lr,
    infinite_lr,
    nan_lr,
    negative_multiplier,
    infinite_multiplier,
    negative_last,
    nan_last,
    infinite_before,
    negative_before,
    short_2,
    due_2,
    collapsed_2,
    take_back_2,
    negative_reason,
    unknown_reason,
};

/* It follows from the options that the state was saved under; others have their own. */
FORGE(other_crossed, s->crossed += 1)

enum { NEVER = sizeof never / sizeof never[0] };

Test(states, that_no_training_reaches_are_refused)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    const absa_controller_options o = training();
    absa_controller_options before = o;
    before.patience = 9; /* the options of another run, of which only the forgeries count */
    absa_controller *c = make_controller(ctx, &o), *other = make_controller(ctx, &before);
    live(c);
    const absa__ctl_state good = state_of(ctx, c);
    cr_assert(good.can_take_back && good.reference > 0.0 && good.last_growth > 0);
    for (size_t i = 0; i <= NEVER; i++) {
        absa__ctl_state s = good;
        (i < NEVER ? never[i] : other_crossed)(&s);
        cr_assert_eq(load(c, absa__ctl_chosen(c), &s, 0), ABSA_E_FORMAT, "forgery %zu", i);
        cr_assert_eq(load(c, absa__ctl_chosen(other), &s, 1), i < NEVER ? ABSA_E_MISMATCH : ABSA_OK,
                     "forgery %zu", i);
        cr_assert_eq(load(c, absa__ctl_chosen(c), &good, 0), ABSA_OK, "%s",
                     absa_context_message(ctx));
    }
    absa_controller_destroy(&c);
    absa_controller_destroy(&other);
    absa_context_destroy(&ctx);
}

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
Test(states, are_measured_from_their_next_multiple_on)
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

Test(states, of_a_training_that_measured_owe_no_measurement_to_one_that_does_not)
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

/* 32 rows were planned with; the next window is one of these options, and the journal hears of it.
 */
Test(states, take_over_a_fixed_batch_at_the_next_windows_end)
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
Test(states, of_options_that_have_nothing_in_common_with_these_are_kept)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = training();
    o.strategy = ABSA_STRATEGY_ABSA;
    o.spill = 1;
    o.batch_max = 64;
    o.patience = 9;
    absa_controller *c = make_controller(ctx, &o);
    live(c);
    for (int i = 0; i < 6; i++)
        observe_exact(c, 2.5);
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
Test(states, of_other_batches_grow_into_these)
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
Test(states, inside_a_window_end_it_with_the_training)
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
