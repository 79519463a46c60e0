/* What happens at every update: samples are counted, a window that is like the one before follows
 * it, a plan is asked for. Hosts do so between two steps, so it is short enough to be inlined; what
 * happens more rarely is in policy.c and plan.c. */
#ifndef ABSA_CONTROLLER_CTL_WINDOW_H
#define ABSA_CONTROLLER_CTL_WINDOW_H

#include "controller/ctl_state.h"

#include <float.h>

/* What plans of one window, and of those like it behind it, have in common, so that a handle may
 * keep it. */
typedef struct absa__ctl_window {
    absa_plan plan;     /* what samples, and measurements that only wait, do not change */
    int64_t epoch_size; /* samples of an epoch */
    double epoch_rows;  /* the same number */
    double all_rows;    /* samples of the training */
    double epochs;      /* ended */
    int plain; /* whatever is left of it is one micro-batch, on any process, of a training that
                  runs, nothing is to be done to the velocity, and no restarted window reaches back
                  behind the epoch */
} absa__ctl_window;

/* The plan, in two steps; process and processes were checked. The second is for any window, behind
 * a look whether the first has to be repeated: for another update only a plain one's is the same.
 */
void absa__ctl_plan_window(const absa_controller_options *o, const absa__ctl_state *s,
                           absa__ctl_window *window);
void absa__ctl_plan_any(const absa_controller_options *o, const absa__ctl_state *s,
                        const absa__ctl_window *window, int64_t processes, absa_plan *plan);

/* Whether the window behind that many more samples is like the open one. */
static inline int absa__ctl_repeats(const absa__ctl_state *s, int64_t samples)
{
    return s->epoch_samples + samples <= s->repeats_until;
}

/* Counts samples, checked against the window; absa__ctl_complete() follows when they fill it. */
static inline void absa__ctl_count(absa__ctl_state *s, int64_t samples)
{
    s->window_done += samples;
    s->samples += samples;
    s->epoch_samples += samples;
}

/* A measurement is due where a complete window crosses a multiple of measure_every; however many of
 * them, they are one measurement. */
static inline void absa__ctl_cross(const absa_controller_options *o, absa__ctl_state *s)
{
    if (s->samples < s->crosses_at)
        return;
    if (s->window_rows < o->measure_every) {
        const int64_t behind = s->samples % o->measure_every;
        s->crosses_at = s->samples - behind + o->measure_every;
        if (behind >= s->window_rows)
            return;
    }
    s->due |= absa__ctl_measures(o, s);
}

/* Counts the update of a complete window, which is short or not. */
static inline void absa__ctl_count_update(const absa_controller_options *o, absa__ctl_state *s,
                                          int is_short)
{
    s->before_lr = s->last_lr;
    s->before_batch = s->last_batch;
    s->last_lr = s->window_lr;
    s->last_batch = s->batch;
    s->last_short = is_short;
    s->can_take_back = 1;
    s->updates++;
    s->short_updates += is_short;
    s->window_done = 0;
    absa__ctl_cross(o, s);
}

/* A full window's end behind which comes one like it: the update is all there is to tell of. */
static inline void absa__ctl_repeat(const absa_controller_options *o, absa__ctl_state *s,
                                    int64_t samples)
{
    absa__ctl_count(s, samples);
    absa__ctl_count_update(o, s, 0);
}

/* done of all, at most 1. */
static inline double absa__ctl_part(int64_t done, double all)
{
    const double x = (double)done / all;
    return x < 1.0 ? x : 1.0;
}

/* The plan in a plain window, for this update of it and after these samples. */
static inline void absa__ctl_plan_plain(const absa__ctl_state *s, const absa__ctl_window *w,
                                        absa_plan *p)
{
    *p = w->plan;
    p->update = s->updates;
    p->rows_done = s->window_done;
    p->progress = absa__ctl_part(s->samples, w->all_rows);
    p->epoch = w->epochs + absa__ctl_part(s->epoch_samples, w->epoch_rows);
    p->samples = s->samples;
    p->measure_due = s->due;
    p->epoch_done = s->epoch_samples >= w->epoch_size;
    p->reason = s->reason;
}

/* The last growth is too near for another one. */
static inline int absa__ctl_rests(const absa_controller_options *o, const absa__ctl_state *s)
{
    return s->last_growth >= 0 && s->samples - s->last_growth < o->dwell;
}

/* Whether the end of patience would change nothing that windows are made from. */
static inline int absa__ctl_full(const absa_controller_options *o, const absa__ctl_state *s)
{
    return absa__ctl_repeats(s, 0) && s->batch_next >= o->batch_max && !o->spill &&
           !o->patience_shrinks_share && !absa__ctl_rests(o, s);
}

/* Whether a measurement that can be trusted does no more than absa__ctl_wait(), where nobody is to
 * be told and no extension looks at it. */
static inline int absa__ctl_waits(const absa_controller_options *o, const absa__ctl_state *s,
                                  double value)
{
    return value > s->threshold && value <= DBL_MAX &&
           (s->patience + 1 < o->patience || absa__ctl_full(o, s));
}

/* A measurement that was not below the threshold. */
static inline void absa__ctl_wait(const absa_controller_options *o, absa__ctl_state *s,
                                  double curvature)
{
    s->due = 0;
    s->bad_run = 0;
    s->curvature = curvature;
    s->reason = ABSA_REASON_NOT_BELOW;
    if (++s->patience >= o->patience) {
        s->patience = 0;
        s->last_growth = s->samples;
        s->reason = ABSA_REASON_PATIENCE;
    }
}

#endif
