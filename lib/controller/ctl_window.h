/* What happens at every update: samples are counted, a window that is like the one before follows
 * it, a plan is asked for. Hosts do so between two steps, so it is short enough to be inlined; what
 * happens more rarely is in policy.c and plan.c. */
#ifndef ABSA_CONTROLLER_CTL_WINDOW_H
#define ABSA_CONTROLLER_CTL_WINDOW_H

#include "controller/ctl_state.h"

/* What plans of one window, and of those like it behind it, have in common, so that a handle may
 * keep it. */
typedef struct absa__ctl_window {
    absa_plan plan;     /* what neither samples nor measurements change; that of the first one */
    int64_t epoch_size; /* samples of an epoch */
    double all;         /* samples of the training */
    int one_micro;      /* whatever is left of the window is one micro-batch, on any process */
} absa__ctl_window;

/* The plan, in two steps; process and processes were checked. */
void absa__ctl_plan_window(const absa_controller_options *o, const absa__ctl_state *s,
                           absa__ctl_window *window);
void absa__ctl_plan_shared(const absa_controller_options *o, const absa__ctl_state *s,
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

/* Counts the update of a full window. */
static inline void absa__ctl_count_update(const absa_controller_options *o, absa__ctl_state *s)
{
    s->before_lr = s->last_lr;
    s->before_batch = s->last_batch;
    s->last_lr = s->window_lr;
    s->last_batch = s->batch;
    s->last_short = s->window_rows < s->batch;
    s->can_take_back = 1;
    s->updates++;
    s->short_updates += s->last_short;
    s->window_done = 0;
    if (o->measure_every > 0 && s->samples / o->measure_every > s->crossed) {
        /* However many multiples one update crosses, they are one measurement. */
        s->crossed = s->samples / o->measure_every;
        s->due = s->due || absa__ctl_measures(o, s);
    }
}

/* A full window's end behind which comes one like it: the update is all there is to tell of. */
static inline void absa__ctl_repeat(const absa_controller_options *o, absa__ctl_state *s,
                                    int64_t samples)
{
    absa__ctl_count(s, samples);
    absa__ctl_count_update(o, s);
}

/* done of all, in [0, 1]. */
static inline double absa__ctl_part(int64_t done, double all)
{
    const double x = (double)done / all;
    return x < 0.0 ? 0.0 : x > 1.0 ? 1.0 : x;
}

/* What samples and measurements have changed since the window opened. */
static inline void absa__ctl_plan_alone(const absa__ctl_state *s, const absa__ctl_window *w,
                                        absa_plan *p)
{
    *p = w->plan;
    p->update = s->updates;
    if (s->updates != w->plan.update)
        p->momentum_multiplier = 1.0; /* a repeated window has the batch and lr of the one before */
    p->rows_done = s->window_done;
    p->progress = absa__ctl_part(s->samples, w->all);
    p->epoch = (double)s->epochs + absa__ctl_part(s->epoch_samples, (double)w->epoch_size);
    p->threshold = s->threshold;
    p->samples = s->samples;
    p->measure_due = s->due & !w->plan.finished;
    p->epoch_done = s->epoch_samples >= w->epoch_size;
    p->reason = s->reason;
}

static inline void absa__ctl_plan_now(const absa_controller_options *o, const absa__ctl_state *s,
                                      const absa__ctl_window *w, int64_t processes, absa_plan *p)
{
    if (w->one_micro)
        absa__ctl_plan_alone(s, w, p);
    else
        absa__ctl_plan_shared(o, s, w, processes, p);
}

#endif
