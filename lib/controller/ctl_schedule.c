/* The schedule: what batch, learning rate and gamma follow from options and from how far training
 * is. Every number is computed anew from its parts, never multiplied in place. What measurements
 * decide is in policy.c. */
#include "controller/ctl_state.h"

#include <math.h>

/* A batch within the options: a multiple of batch_multiple, at most batch_max, at least now. */
int64_t absa__ctl_fit(const absa_controller_options *o, double wish, int64_t now)
{
    int64_t b = wish < (double)o->batch_max ? (int64_t)wish : o->batch_max;
    if (o->growth == ABSA_GROWTH_ACCUMULATION)
        b -= b % o->batch;
    else
        b -= b % o->batch_multiple;
    return b > now ? b : now;
}

/* pow() is slow, and the power rarely another one. */
double absa__ctl_decay_factor(const absa_controller_options *o, const absa__ctl_state *s,
                              int64_t decays)
{
    return decays == s->decay_power ? s->decay_factor : pow(o->lr_decay, (double)decays);
}

int64_t absa__ctl_scheduled_batch(const absa_controller_options *o, const absa__ctl_state *s)
{
    if (o->strategy == ABSA_STRATEGY_BL)
        return o->batch;
    if (o->strategy == ABSA_STRATEGY_FB)
        return o->batch_max;
    if (o->strategy != ABSA_STRATEGY_GG)
        return s->batch_next;
    const double factor = absa__ctl_decay_factor(o, s, absa__ctl_decays(o, s));
    /* 128 / 0.2 must be 640 though 0.2 is not a fifth: a part in 10^9 is rounding, not a wish. */
    return absa__ctl_fit(o, (double)o->batch / factor * (1.0 + 1e-9), o->batch);
}

static double ratio_factor(const absa_controller_options *o, int64_t b)
{
    if (o->strategy == ABSA_STRATEGY_BL || o->lr_rule == ABSA_LR_RULE_NONE)
        return 1.0;
    const double ratio = (double)b / (double)o->batch_ref;
    if (o->lr_rule == ABSA_LR_RULE_HOST) {
        double factor;
        return o->lr_function(o->lr_user, b, o->batch_ref, &factor) ? (double)NAN : factor;
    }
    return o->lr_rule == ABSA_LR_RULE_SQRT ? sqrt(ratio) : ratio;
}

/* How far training was in unit when the open window began. */
static double window_at(const absa_controller_options *o, const absa__ctl_state *s)
{
    const double begun = (double)(s->samples - s->window_done);
    return o->unit == ABSA_UNIT_UPDATES   ? (double)s->updates
           : o->unit == ABSA_UNIT_SAMPLES ? begun
                                          : begun / (double)absa__ctl_epoch_size(o);
}

static double warmup_factor(const absa_controller_options *o, const absa__ctl_state *s,
                            double ratio)
{
    if (o->warmup == 0.0)
        return 1.0;
    const double at = window_at(o, s);
    if (at >= o->warmup)
        return 1.0;
    const double start = o->warmup_start > 0.0 ? o->warmup_start : fmin(1.0, 1.0 / ratio);
    return start + (1.0 - start) * (at / o->warmup);
}

static double polynomial_factor(const absa_controller_options *o, const absa__ctl_state *s)
{
    if (o->polynomial_end == 0.0)
        return 1.0;
    const double left = fmax(0.0, 1.0 - window_at(o, s) / o->polynomial_end);
    return o->polynomial_final + (1.0 - o->polynomial_final) * pow(left, o->polynomial_power);
}

/* Where training on a quadratic of the measured curvature begins to diverge (J. Cohen and others,
 * "Gradient descent on neural networks typically occurs at the edge of stability", ICLR 2021). */
static double lr_ceiling(const absa_controller_options *o, const absa__ctl_state *s)
{
    if (o->lr_cap == 0.0 || isnan(s->curvature))
        return (double)INFINITY;
    const double mu = o->lr_cap_momentum;
    const double damping = o->lr_cap_nesterov ? 1.0 + 2.0 * mu : 1.0;
    return o->lr_cap * 2.0 * (1.0 + mu) / (damping * s->curvature);
}

absa__ctl_rate absa__ctl_rate_of(const absa_controller_options *o, const absa__ctl_state *s,
                                 int64_t b, int64_t decays)
{
    const double ratio = ratio_factor(o, b), factor = absa__ctl_decay_factor(o, s, decays);
    const double plain =
        o->lr * ratio * factor * warmup_factor(o, s, ratio) * polynomial_factor(o, s) * s->spill;
    const double ceiling = lr_ceiling(o, s);
    absa__ctl_rate rate = {plain, ratio * s->spill};
    if (ceiling < plain) {
        rate.lr = ceiling;
        rate.multiplier *= ceiling / plain;
    }
    /* GG takes the host's decays into its own hands: growth, and what the cap left of the decay. */
    if (o->strategy == ABSA_STRATEGY_GG)
        rate.multiplier *= factor;
    return rate;
}

int absa__ctl_rate_stays(const absa_controller_options *o, const absa__ctl_state *s)
{
    const double ends = o->warmup > o->polynomial_end ? o->warmup : o->polynomial_end;
    return o->unit == ABSA_UNIT_EPOCHS && (ends == 0.0 || window_at(o, s) >= ends);
}
