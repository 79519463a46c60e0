/* The controller's state and the pure functions over it. State and options in, state and decision
 * out: no handle, no callbacks, no memory. */
#ifndef ABSA_CONTROLLER_CTL_STATE_H
#define ABSA_CONTROLLER_CTL_STATE_H

#include "base/named_options.h"

#include <absa/controller.h>

/* Most samples of an epoch or a batch. Products of two of these, and doubles made from them, stay
 * exact enough; more would be centuries of training. */
#define ABSA__CTL_MOST ((int64_t)1 << 53)

/* Most samples of a training: half of what 63 bits hold, so that a window before or behind a
 * training fits beside it. No counter of the state is larger. */
#define ABSA__CTL_SAMPLES (INT64_MAX / 2)

typedef struct absa__ctl_state {
    int64_t batch;         /* B of the open window */
    int64_t batch_next;    /* B of the next window: differs while a growth waits */
    int64_t window_rows;   /* rows of the open window: batch, or fewer when cut short */
    int64_t window_done;   /* rows it has */
    int64_t told_decays;   /* decay points that the last decision told of */
    int64_t samples;       /* used in all */
    int64_t epochs;        /* ended */
    int64_t epoch_samples; /* used since the last end_epoch */
    int64_t updates;
    int64_t short_updates;
    int64_t patience;
    int64_t bad_run;     /* bad measurements in a row */
    int64_t last_growth; /* samples at the last growth; -1: none */
    int64_t crossed;     /* multiples of measure_every that complete windows crossed; follows from
                            samples, and is set where a state is saved only */
    double share;        /* gamma before adversarial_end and batch_max have their say */
    double reference;    /* Eig; NaN before the first */
    double window_gamma; /* gamma when the window opened */
    double told_gamma;   /* gamma that the last decision told of */
    double window_lr;    /* of the open window: one window, one learning rate */
    double window_lr_multiplier;
    double spill;         /* share of lr that is left after what batch_max swallowed */
    double curvature;     /* of the last good measurement; NaN before the first */
    double last_lr;       /* of the last update; 0 before the first */
    double before_lr;     /* of the update before it, for taking one back */
    int64_t last_batch;   /* of the last update; 0 before the first */
    int64_t before_batch; /* see before_lr */
    int32_t last_short;   /* the last update had fewer rows than its batch */
    int32_t due;          /* a measurement is due */
    int32_t collapsed;    /* adversarial training has collapsed */
    int32_t can_take_back;
    int32_t reason; /* of the last decision */
    int32_t reserved0;
    /* These follow from the others and are not saved: */
    double threshold;      /* what measurements are compared with; NaN before the first */
    double decay_factor;   /* lr_decay to the power of decay_power */
    int64_t decay_power;   /* see decay_factor */
    int64_t repeats_until; /* a window that opens with so many epoch_samples or fewer is as the open
                              one, and tells nothing; INT64_MIN when that is not known */
    int64_t crosses_at;    /* fewer samples cross no further multiple of measure_every; 0 when that
                              is not known */
} absa__ctl_state;

/* What the host measured. */
typedef struct absa__measurement {
    double value, lower, upper;
    int32_t converged, consistent, answer;
    int64_t products;
    double standard_error; /* over probe batches; 0: not known */
} absa__measurement;

/* Checks ranges, and fills the values that 0 or -1 stand for. */
absa_status absa__ctl_check(absa_context *ctx, absa_controller_options *o);

/* The state at the beginning of training. */
void absa__ctl_begin(const absa_controller_options *o, absa__ctl_state *s);

/* Samples that an epoch is planned with. */
static inline int64_t absa__ctl_epoch_size(const absa_controller_options *o)
{
    return o->epoch_tail == ABSA_TAIL_DROP ? o->samples - o->samples % o->batch : o->samples;
}

/* All epochs have ended. */
static inline int absa__ctl_finished(const absa_controller_options *o, const absa__ctl_state *s)
{
    return s->epochs >= o->epochs;
}

/* The strategy goes by measurements. */
static inline int absa__ctl_adaptive(const absa_controller_options *o)
{
    return o->strategy == ABSA_STRATEGY_ABS || o->strategy == ABSA_STRATEGY_ABSA;
}

/* Whether the strategy measures, and still does. */
static inline int absa__ctl_measures(const absa_controller_options *o, const absa__ctl_state *s)
{
    return absa__ctl_adaptive(o) && !(o->finish_at_batch_max && s->batch_next >= o->batch_max);
}

/* An extension goes by the eigenvalue itself, not by a comparison. */
static inline int absa__ctl_needs_value(const absa_controller_options *o)
{
    return o->lr_cap > 0.0 || o->shrink_ratio > 0.0;
}

/* Whether a measurement's rule fired, or need not have. A budget that ended the run for the value's
 * sake leaves the decision before it as it was. */
static inline int absa__ctl_counts(const absa_controller_options *o, int32_t converged,
                                   int32_t answer)
{
    return converged || o->use_unconverged || answer == ABSA_ANSWER_BELOW;
}

/* Multiples of measure_every that the complete windows have crossed. */
static inline int64_t absa__ctl_multiples(const absa_controller_options *o,
                                          const absa__ctl_state *s)
{
    return o->measure_every > 0 ? (s->samples - s->window_done) / o->measure_every : 0;
}

/* What the schedule's unit has reached. */
static inline double absa__ctl_reached(const absa_controller_options *o, const absa__ctl_state *s)
{
    return (double)(o->unit == ABSA_UNIT_EPOCHS    ? s->epochs
                    : o->unit == ABSA_UNIT_UPDATES ? s->updates
                                                   : s->samples);
}

/* Sets Eig, and the threshold that follows from it: plans and decisions ask for that more often
 * than it changes. */
static inline void absa__ctl_refer(const absa_controller_options *o, absa__ctl_state *s,
                                   double eigenvalue)
{
    s->reference = eigenvalue;
    s->threshold = eigenvalue / o->eigenvalue_ratio;
}

/* Share of perturbed rows now. */
static inline double absa__ctl_gamma(const absa_controller_options *o, const absa__ctl_state *s)
{
    const int over = o->strategy != ABSA_STRATEGY_ABSA || s->collapsed ||
                     absa__ctl_reached(o, s) >= o->adversarial_end ||
                     (o->finish_at_batch_max && s->batch_next >= o->batch_max);
    return over ? 0.0 : s->share;
}

/* Decay points that the schedule has reached. */
static inline int64_t absa__ctl_decays(const absa_controller_options *o, const absa__ctl_state *s)
{
    int64_t count = 0;
    while (count < o->decay_count && absa__ctl_reached(o, s) >= o->decay[count])
        count++;
    return count;
}

/* lr_decay to the power of decays. */
double absa__ctl_decay_factor(const absa_controller_options *o, const absa__ctl_state *s,
                              int64_t decays);

/* Learning rate of a window with batch b behind that many decay points, and its part that the
 * host's own schedule does not have. */
typedef struct absa__ctl_rate {
    double lr, multiplier;
} absa__ctl_rate;
absa__ctl_rate absa__ctl_rate_of(const absa_controller_options *o, const absa__ctl_state *s,
                                 int64_t b, int64_t decays);

/* Whether windows to come have the rate of the one that opens now until an epoch ends, a
 * measurement moves it, or the batch changes. */
int absa__ctl_rate_stays(const absa_controller_options *o, const absa__ctl_state *s);

/* A batch within the options: a multiple of batch_multiple (of batch when accumulating), at most
 * batch_max, at least now. */
int64_t absa__ctl_fit(const absa_controller_options *o, double wish, int64_t now);

/* B that a schedule asks for: the fixed one, or GG's growth at decay points; the present one where
 * measurements decide. */
int64_t absa__ctl_scheduled_batch(const absa_controller_options *o, const absa__ctl_state *s);

/* Opens a window: takes over batch_next and plans its rows. */
void absa__ctl_open_window(const absa_controller_options *o, absa__ctl_state *s);

/* Ends an open window where training, or the epoch that cuts its windows short, has no more rows
 * for it. */
void absa__ctl_shorten_window(const absa_controller_options *o, absa__ctl_state *s);

/* Called by whatever changes what windows are made from; samples that are used do not. */
static inline void absa__ctl_change(absa__ctl_state *s)
{
    s->repeats_until = INT64_MIN;
}

/* Events. Each fills the decision, which may be NULL; the first, a full window's end, does and
 * answers 1 only where the schedule moved. */
int absa__ctl_complete(const absa_controller_options *o, absa__ctl_state *s, absa_decision *d);
void absa__ctl_observe(const absa_controller_options *o, absa__ctl_state *s,
                       const absa__measurement *m, absa_decision *d);
void absa__ctl_end_epoch(const absa_controller_options *o, absa__ctl_state *s, absa_decision *d);
void absa__ctl_skip(const absa_controller_options *o, absa__ctl_state *s, absa_decision *d);
void absa__ctl_collapse(const absa_controller_options *o, absa__ctl_state *s, absa_decision *d);
void absa__ctl_update_skipped(const absa_controller_options *o, absa__ctl_state *s,
                              absa_decision *d);
void absa__ctl_restart_window(const absa_controller_options *o, absa__ctl_state *s,
                              absa_decision *d);

/* The next micro-batch; process and processes were checked. */
void absa__ctl_micro(const absa_controller_options *o, const absa__ctl_state *s, int64_t process,
                     int64_t processes, absa_micro *m);

/* Bytes of state and options; see checkpoint.c. */
absa_status absa__ctl_save(absa_context *ctx, const absa_controller_options *o,
                           const absa__ctl_state *s, void *buffer, size_t capacity, size_t *size);
absa_status absa__ctl_load(absa_context *ctx, const absa_controller_options *o, const void *buffer,
                           size_t size, int other_options, absa__ctl_state *s);

/* A number that differs when any option or any field of the state differs. */
uint64_t absa__ctl_digest(const absa_controller_options *o, const absa__ctl_state *s);

/* The options that are plain numbers, for names, checkpoints and comparisons. */
extern const absa__option absa__ctl_options[];
extern const int32_t absa__ctl_option_count;

#endif
