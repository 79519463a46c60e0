/* What other options would have made of the same measurements: a journal fed to a controller, event
 * by event, at the samples where they happened. It drives the handle as a host would; all it
 * decides itself is where the journal knows too little to go on. */
#include "controller/ctl_handle.h"

#include "base/fail.h"
#include "base/structs.h"

#include <math.h>

void absa_replay_init(absa_replay *replay, size_t size)
{
    absa_replay r = {0};
    absa__struct_init(replay, size, &r, sizeof r);
}

static int below(const absa_controller_options *o, double lambda, double threshold)
{
    return o->compare == ABSA_COMPARE_LESS ? lambda < threshold : lambda <= threshold;
}

static void look(const absa_controller *c, absa_plan *p)
{
    absa_plan_init(p, sizeof *p);
    (void)absa_controller_plan(c, 0, 1, p); /* cannot fail with these arguments */
}

/* Goes on to a number of samples. A controller that is past them stays: under other options a
 * window that the journal's run restarted may be complete already. */
static absa_status walk_to(absa_controller *c, int64_t samples)
{
    absa_plan p;
    absa_status status = ABSA_OK;
    for (look(c, &p); !status && p.samples < samples; look(c, &p)) {
        const int64_t rest = p.rows - p.rows_done, want = samples - p.samples;
        status = absa_controller_advance(c, rest < want ? rest : want);
    }
    return status;
}

/* Whether the batch grows. The point trigger goes by values, of which DECIDE may leave a bound. */
static int growth_open(const absa_controller_options *o, const absa_decision *d, double threshold)
{
    if (o->trigger == ABSA_TRIGGER_POINT)
        return d->answer == ABSA_ANSWER_NOT_BELOW && below(o, d->value, threshold);
    const double width = o->sampling_z * d->standard_error;
    return below(o, fmin(d->lower, d->value) + width, threshold) &&
           !below(o, fmax(d->upper, d->value) + width, threshold);
}

/* Whether it shrinks. */
static int shrink_open(const absa_controller_options *o, const absa_decision *d, double threshold)
{
    if (o->trigger == ABSA_TRIGGER_POINT)
        return d->answer == ABSA_ANSWER_NOT_BELOW && d->value <= threshold &&
               !(d->upper <= threshold);
    const double width = o->sampling_z * d->standard_error;
    return fmin(d->lower, d->value) - width <= threshold &&
           fmax(d->upper, d->value) - width > threshold;
}

/* The estimator stopped when the old threshold was settled. A new one, or the one for shrinking
 * that comes with it, may lie inside what was left open, where a longer run would have gone on.
 * Gives the threshold; NaN when all is settled. */
static double unsettled(const absa_controller *c, const absa_decision *d)
{
    const absa_controller_options *o = &c->options;
    const absa__ctl_state *s = &c->state;
    const int usable = isfinite(d->value) && d->value > 0.0 && d->consistent &&
                       absa__ctl_counts(o, d->converged, d->answer);
    const double rise = s->reference * o->shrink_ratio;
    if (!usable || isnan(s->threshold) || s->threshold == d->threshold)
        return (double)NAN;
    if (o->shrink_ratio > 0.0 && s->batch_next > o->batch && absa__ctl_measures(o, s) &&
        shrink_open(o, d, rise))
        return rise;
    return growth_open(o, d, s->threshold) ? s->threshold : (double)NAN;
}

static absa_status measure(absa_controller *c, const absa_decision *d)
{
    absa_eigen_result r;
    if (isnan(d->lower))
        return absa_controller_observe_value(c, d->value, NULL);
    absa_eigen_result_init(&r, sizeof r);
    r.value = d->value;
    r.lower = d->lower;
    r.upper = d->upper;
    r.converged = d->converged;
    r.consistent = d->consistent;
    r.answer = d->answer;
    r.products = d->products;
    return absa_controller_observe_sampled(c, &r, d->standard_error, NULL);
}

static absa_status repeat(absa_controller *c, absa_context *ctx, int64_t i, const absa_decision *d,
                          const absa_plan *p)
{
    switch (d->event) {
    case ABSA_EVENT_MEASUREMENT:
        return measure(c, d);
    case ABSA_EVENT_SKIP:
        return p->measure_due ? absa_controller_skip_measurement(c) : ABSA_OK;
    case ABSA_EVENT_EPOCH:
        return absa_controller_end_epoch(c);
    case ABSA_EVENT_COLLAPSE:
        return absa_controller_adversarial_collapse(c);
    case ABSA_EVENT_UPDATE_SKIPPED: {
        /* Under other options there may be no update just before. */
        const absa_status status = absa_controller_update_skipped(c);
        return status == ABSA_E_STATE ? ABSA_OK : status;
    }
    case ABSA_EVENT_RESTART:
        return d->samples >= p->samples - p->rows_done ? absa_controller_restart_window(c)
                                                       : ABSA_OK;
    case ABSA_EVENT_SCHEDULE:
        return ABSA_OK; /* this controller has its own */
    default:
        return absa__fail(
            ctx, ABSA_E_INVALID,
            "absa_controller_replay: decision %lld is of event %d, which this library "
            "does not know",
            (long long)i, (int)d->event);
    }
}

static absa_status read_decision(absa_context *ctx, const absa_decision *decisions, int64_t i,
                                 size_t stride, absa_decision *d)
{
    const void *at = (const char *)decisions + (size_t)i * stride;
    absa_decision_init(d, sizeof *d);
    const absa_status status = absa__struct_read(ctx, "absa_decision", at, d, sizeof *d);
    if (!status && ((const absa_decision *)at)->struct_size > stride)
        return absa__fail(ctx, ABSA_E_INVALID,
                          "absa_controller_replay: decision %lld is larger than stride %zu",
                          (long long)i, stride);
    return status;
}

absa_status absa_controller_replay(absa_controller *controller, const absa_decision *decisions,
                                   int64_t count, size_t stride, absa_replay *result)
{
    if (!controller)
        return ABSA_E_INVALID;
    absa_context *ctx = controller->ctx;
    if (!result || (!decisions && count > 0))
        return absa__fail(ctx, ABSA_E_INVALID, "absa_controller_replay: %s is NULL",
                          result ? "decisions" : "result");
    if (count < 0)
        return absa__fail(ctx, ABSA_E_INVALID,
                          "absa_controller_replay: count is %lld, must be 0 or more",
                          (long long)count);
    absa_replay r;
    absa_replay_init(&r, sizeof r);
    r.undetermined = -1;
    r.threshold = (double)NAN;
    absa_status status = ABSA_OK;
    int64_t last = 0;
    for (int64_t i = 0; i < count && !status; i++) {
        absa_decision d;
        absa_plan p;
        look(controller, &p);
        if (p.finished)
            break;
        status = read_decision(ctx, decisions, i, stride, &d);
        if (!status && d.event != ABSA_EVENT_RESTART && d.samples < last)
            status = absa__fail(ctx, ABSA_E_INVALID,
                                "absa_controller_replay: decision %lld is at %lld samples, behind "
                                "the %lld of the one before",
                                (long long)i, (long long)d.samples, (long long)last);
        last = d.samples;
        if (!status)
            status = walk_to(controller, d.samples);
        if (!status && d.event == ABSA_EVENT_MEASUREMENT)
            r.threshold = unsettled(controller, &d);
        if (!isnan(r.threshold)) {
            r.undetermined = i;
            break;
        }
        look(controller, &p);
        if (!status)
            status = repeat(controller, ctx, i, &d, &p);
        if (!status) {
            r.replayed = i + 1;
            r.measurements += d.event == ABSA_EVENT_MEASUREMENT;
        }
    }
    return status ? status : absa__struct_write(ctx, "absa_replay", &r, result, sizeof r);
}
