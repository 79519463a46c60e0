/* The decisions: pure functions of options, state and event. Algorithm 1 of the paper is
 * absa__ctl_observe(); everything it leaves open is a named option. What a decision means for the
 * next update (rows, weights, learning rate) is in plan.c. */
#include "controller/ctl_window.h"

#include <math.h>
#include <string.h>

enum { BLIND_AFTER = 3 };

/* fmax() and fmin() of numbers that are none of them NaN, without their calls. */
static double larger(double a, double b)
{
    return a > b ? a : b;
}

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

/* Learning rate of the next window, as things stand. */
static double next_lr(const absa_controller_options *o, const absa__ctl_state *s)
{
    return absa__ctl_rate_of(o, s, s->batch_next, absa__ctl_decays(o, s)).lr;
}

/* Fills what every decision tells before anything changes; d is NULL when nobody asks. */
static void before(const absa_controller_options *o, const absa__ctl_state *s, int32_t event,
                   absa_decision *d)
{
    if (!d)
        return;
    absa_decision_init(d, sizeof *d);
    d->event = event;
    d->batch_before = s->batch_next;
    d->lr_before = absa__ctl_rate_of(o, s, s->batch_next, s->told_decays).lr;
    d->gamma_before = s->told_gamma;
    d->value = d->lower = d->upper = (double)NAN;
    d->threshold = s->threshold;
}

static void tell_schedule(const absa_controller_options *o, absa__ctl_state *s)
{
    s->told_decays = absa__ctl_decays(o, s);
    s->told_gamma = absa__ctl_gamma(o, s);
}

/* What a decision is, once the state has moved. */
static void conclude(const absa_controller_options *o, absa__ctl_state *s, int32_t reason,
                     absa_decision *d)
{
    /* A closed window has no rows yet: what was decided holds for it already. */
    if (s->window_done == 0 && !absa__ctl_repeats(s, 0))
        absa__ctl_open_window(o, s);
    s->reason = reason;
    if (!d)
        return;
    d->reason = reason;
    d->update = s->updates;
    d->samples = s->samples;
    d->epoch = s->epochs;
    d->batch = s->batch_next;
    d->lr = next_lr(o, s);
    d->gamma = s->told_gamma;
    d->reference = s->reference;
    d->patience = s->patience;
}

static void after(const absa_controller_options *o, absa__ctl_state *s, int32_t reason,
                  absa_decision *d)
{
    tell_schedule(o, s);
    conclude(o, s, reason, d);
}

static void grow(const absa_controller_options *o, absa__ctl_state *s)
{
    s->last_growth = s->samples;
    if (s->batch_next >= o->batch_max && !o->spill)
        return; /* as large as it gets */
    double wish = o->batch_ratio * (double)s->batch_next;
    if (o->growth == ABSA_GROWTH_ACCUMULATION)
        wish = floor((double)(s->batch_next / o->batch) * o->batch_ratio) * (double)o->batch;
    /* Nothing shrinks, not even a batch of other options that is no multiple under these. */
    wish = larger(floor(wish), (double)s->batch_next);
    s->batch_next = absa__ctl_fit(o, wish, s->batch_next);
    if (o->spill)
        s->spill *= (double)s->batch_next / wish;
    absa__ctl_change(s);
}

static void shrink_share(const absa_controller_options *o, absa__ctl_state *s)
{
    s->share /= o->share_ratio;
    absa__ctl_change(s);
}

/* Takes a growth back, if there was one; answers whether it did. What batch_max swallowed of
 * growths counts as if the batch had it. */
static int shrink(const absa_controller_options *o, absa__ctl_state *s)
{
    const double batch = (double)o->batch, before = s->spill;
    double had = (double)s->batch_next;
    if (before < 1.0)
        /* It may have vanished. A part in 10^9 is rounding, no growth. */
        had *= (1.0 + 1e-9) / larger(before, DBL_MIN);
    double wish = had / o->batch_ratio;
    if (o->growth == ABSA_GROWTH_ACCUMULATION)
        wish = floor(had / batch / o->batch_ratio) * batch;
    const int64_t b = absa__ctl_fit(o, wish, o->batch), was = s->batch_next;
    s->batch_next = b < was ? b : was;
    if (before < 1.0)
        s->spill = smaller(before * o->batch_ratio * (double)s->batch_next / (double)was, 1.0);
    absa__ctl_change(s);
    return s->batch_next < was || s->spill > before;
}

static int bad(const absa_controller_options *o, const absa__ctl_state *s,
               const absa__measurement *m, int32_t *reason)
{
    /* "Not below" says too little to become the first Eig. */
    const int too_little = m->answer == ABSA_ANSWER_NOT_BELOW && isnan(s->reference);
    *reason = !isfinite(m->value) ? ABSA_REASON_NONFINITE
              : m->value <= 0.0   ? ABSA_REASON_NOT_POSITIVE
              : !m->consistent    ? ABSA_REASON_INCONSISTENT
              : !absa__ctl_counts(o, m->converged, m->answer) || too_little
                  ? ABSA_REASON_UNCONVERGED
                  : ABSA_REASON_NONE;
    return *reason != ABSA_REASON_NONE;
}

static int below(const absa_controller_options *o, double lambda, double threshold)
{
    return o->compare == ABSA_COMPARE_LESS ? lambda < threshold : lambda <= threshold;
}

/* Counts to what nobody counts to, and no further. */
static void count_toward_patience(const absa_controller_options *o, absa__ctl_state *s)
{
    if (s->patience < o->patience && s->patience < ABSA__CTL_MOST)
        s->patience++;
}

/* A measurement that did not trigger: counts it, and grows when patience is at its end. */
static int32_t wait_longer(const absa_controller_options *o, absa__ctl_state *s, int32_t reason)
{
    count_toward_patience(o, s);
    if (s->patience < o->patience)
        return reason;
    if (absa__ctl_rests(o, s))
        return ABSA_REASON_DWELL; /* patience stays at its end */
    s->patience = 0;
    grow(o, s);
    if (o->patience_shrinks_share)
        shrink_share(o, s);
    return ABSA_REASON_PATIENCE;
}

/* What the ceiling of lr goes by: the value, and what another probe batch could add to it. Not the
 * upper end: only some rules close their interval, and what others leave open is far away. */
static void remember_curvature(const absa_controller_options *o, absa__ctl_state *s, double most,
                               int32_t answer)
{
    /* A lower bound can raise the curvature, but not lower it. */
    if (answer != ABSA_ANSWER_NOT_BELOW || isnan(s->curvature) || most > s->curvature)
        s->curvature = most;
    if (o->lr_cap > 0.0)
        absa__ctl_change(s);
}

static int32_t judge(const absa_controller_options *o, absa__ctl_state *s,
                     const absa__measurement *m)
{
    if (isnan(s->reference)) {
        absa__ctl_refer(o, s, m->value);
        return o->patience_counts == ABSA_PATIENCE_ALL ? wait_longer(o, s, ABSA_REASON_FIRST)
                                                       : ABSA_REASON_FIRST;
    }
    const double threshold = s->threshold;
    const int by_value = below(o, m->value, threshold);
    /* An interval that does not reach its own value would be no proof. */
    const int triggered = o->trigger == ABSA_TRIGGER_POINT
                              ? by_value
                              : below(o, larger(m->upper, m->value), threshold);
    const double least = o->trigger == ABSA_TRIGGER_POINT ? m->value : smaller(m->lower, m->value);
    /* What batch_max has finished stays finished. */
    if (o->shrink_ratio > 0.0 && least > s->reference * o->shrink_ratio &&
        absa__ctl_measures(o, s) && shrink(o, s)) {
        absa__ctl_refer(o, s, m->value);
        s->patience = 0;
        return ABSA_REASON_SHRINK;
    }
    if (!triggered)
        return wait_longer(o, s, by_value ? ABSA_REASON_UNSETTLED : ABSA_REASON_NOT_BELOW);
    if (absa__ctl_rests(o, s))
        return wait_longer(o, s, ABSA_REASON_DWELL);
    grow(o, s);
    shrink_share(o, s);
    absa__ctl_refer(o, s, m->value);
    s->patience = 0;
    return ABSA_REASON_EIGENVALUE;
}

void absa__ctl_observe(const absa_controller_options *o, absa__ctl_state *s,
                       const absa__measurement *m, absa_decision *d)
{
    int32_t reason;
    before(o, s, ABSA_EVENT_MEASUREMENT, d);
    if (d) {
        d->value = m->value;
        d->lower = m->lower;
        d->upper = m->upper;
        d->products = m->products;
        d->converged = m->converged;
        d->consistent = m->consistent;
        d->answer = m->answer;
        d->standard_error = m->standard_error;
    }
    s->due = 0;
    if (!absa__ctl_adaptive(o)) {
        reason = ABSA_REASON_FIXED;
    } else if (bad(o, s, m, &reason)) {
        /* A bad one may bring patience to its end, but the growth itself waits for a good one. */
        if (o->count_bad)
            count_toward_patience(o, s);
        s->bad_run += s->bad_run < ABSA__CTL_MOST;
        if (s->bad_run >= BLIND_AFTER)
            reason = ABSA_REASON_BLIND;
    } else {
        const double width = o->sampling_z * m->standard_error;
        absa__measurement wide;
        if (m->standard_error > 0.0) {
            /* Over probe batches: the solver's interval, and what another batch would change. */
            wide = *m;
            wide.lower -= width;
            wide.upper += width;
            m = &wide;
        }
        s->bad_run = 0;
        remember_curvature(o, s, m->value + width, m->answer);
        reason = judge(o, s, m);
    }
    /* A measurement moves gamma by a growth or a shrink only, and reaches no decay point, unless
     * these are counted in samples, which come between decisions. */
    if (reason == ABSA_REASON_EIGENVALUE || reason == ABSA_REASON_PATIENCE ||
        reason == ABSA_REASON_SHRINK || o->unit == ABSA_UNIT_SAMPLES)
        tell_schedule(o, s);
    conclude(o, s, reason, d);
}

/* Whether the schedule has moved since the last decision told where it is. */
static int moved(const absa_controller_options *o, const absa__ctl_state *s, int64_t batch_before)
{
    return s->batch_next != batch_before || absa__ctl_decays(o, s) != s->told_decays ||
           absa__ctl_gamma(o, s) != s->told_gamma;
}

void absa__ctl_end_epoch(const absa_controller_options *o, absa__ctl_state *s, absa_decision *d)
{
    const int64_t batch_before = s->batch_next;
    before(o, s, ABSA_EVENT_EPOCH, d);
    s->epochs++;
    s->epoch_samples = 0;
    absa__ctl_change(s);
    s->batch_next = absa__ctl_scheduled_batch(o, s);
    if (o->measure_every == 0 && absa__ctl_measures(o, s))
        s->due = 1;
    after(o, s, moved(o, s, batch_before) ? ABSA_REASON_DECAY : ABSA_REASON_NONE, d);
}

void absa__ctl_skip(const absa_controller_options *o, absa__ctl_state *s, absa_decision *d)
{
    before(o, s, ABSA_EVENT_SKIP, d);
    s->due = 0;
    after(o, s, ABSA_REASON_NONE, d);
}

void absa__ctl_collapse(const absa_controller_options *o, absa__ctl_state *s, absa_decision *d)
{
    before(o, s, ABSA_EVENT_COLLAPSE, d);
    s->collapsed = 1;
    absa__ctl_change(s);
    after(o, s, ABSA_REASON_NONE, d);
}

void absa__ctl_update_skipped(const absa_controller_options *o, absa__ctl_state *s,
                              absa_decision *d)
{
    before(o, s, ABSA_EVENT_UPDATE_SKIPPED, d);
    s->updates--;
    s->short_updates -= s->last_short;
    s->last_lr = s->before_lr;
    s->last_batch = s->before_batch;
    s->can_take_back = 0;
    s->batch_next = absa__ctl_scheduled_batch(o, s);
    after(o, s, ABSA_REASON_NONE, d);
}

int absa__ctl_complete(const absa_controller_options *o, absa__ctl_state *s, absa_decision *d)
{
    absa__ctl_count_update(o, s, s->window_rows < s->batch);
    const int64_t batch_before = s->batch_next;
    before(o, s, ABSA_EVENT_SCHEDULE, d);
    s->batch_next = absa__ctl_scheduled_batch(o, s);
    const int decided = moved(o, s, batch_before);
    if (decided)
        after(o, s, ABSA_REASON_DECAY, d);
    else
        absa__ctl_open_window(o, s);
    return decided;
}

void absa__ctl_restart_window(const absa_controller_options *o, absa__ctl_state *s,
                              absa_decision *d)
{
    before(o, s, ABSA_EVENT_RESTART, d);
    s->samples -= s->window_done;
    s->epoch_samples -= s->window_done;
    s->window_done = 0;
    after(o, s, ABSA_REASON_NONE, d);
}
