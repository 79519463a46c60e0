/* States that no training reaches are refused, however well they are sealed. */
#include "controller/ctl_handle.h"
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
    cr_assert_eq(absa__ctl_load(ctx, &c->options, bytes, size, 0, &s), ABSA_OK, "%s",
                 absa_context_message(ctx));
    s.crossed = absa__ctl_multiples(&c->options, &s); /* as it is saved */
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

/* Patience that nobody waits for counts no further than a state can hold, quiet or not. */
Test(states, patience_stays_within_what_can_be_saved)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = training();
    o.patience = INT64_MAX;
    absa_controller *c = make_controller(ctx, &o);
    live(c);
    absa__ctl_state s = state_of(ctx, c);
    s.patience = (int64_t)1 << 53;
    cr_assert_eq(load(c, &c->options, &s, 0), ABSA_OK);
    cr_assert_eq(plan_of(c).finished, 0);
    cr_assert_eq(absa_controller_observe_value(c, 1e6, NULL), ABSA_OK);
    cr_assert_eq(state_of(ctx, c).patience, (int64_t)1 << 53);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

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
        cr_assert_eq(load(c, &c->options, &s, 0), ABSA_E_FORMAT, "forgery %zu", i);
        cr_assert_eq(load(c, &other->options, &s, 1), i < NEVER ? ABSA_E_MISMATCH : ABSA_OK,
                     "forgery %zu", i);
        cr_assert_eq(load(c, &c->options, &good, 0), ABSA_OK, "%s", absa_context_message(ctx));
    }
    absa_controller_destroy(&c);
    absa_controller_destroy(&other);
    absa_context_destroy(&ctx);
}
