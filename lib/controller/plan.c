/* From state to plan: windows, micro-batches, weights, momentum. The window's rows are fixed when
 * it opens; how processes and micro-batches share them is computed from the rows already done, so
 * the number of processes may change at any time. */
#include "controller/ctl_window.h"

#include <math.h>

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Samples that the open epoch has left; none when the host has drawn more than planned. */
static int64_t epoch_rest(const absa_controller_options *o, const absa__ctl_state *s)
{
    const int64_t rest = absa__ctl_epoch_size(o) - s->epoch_samples;
    return rest > 0 ? rest : 0;
}

/* Rows of a window that opens now. */
static int64_t rows_of_window(const absa_controller_options *o, const absa__ctl_state *s)
{
    const int64_t rest = epoch_rest(o, s), later = o->epochs - s->epochs - 1;
    if (later < 0)
        return s->batch; /* training has finished */
    if (rest == 0 && (later == 0 || o->epoch_tail == ABSA_TAIL_SHORT))
        return s->batch; /* end_epoch comes next, and the window is opened again after it */
    if (o->epoch_tail == ABSA_TAIL_SHORT)
        return least(s->batch, rest);
    /* The last window of the training: what is left of it. All of a training fits 62 bits. */
    return least(s->batch, rest + later * absa__ctl_epoch_size(o));
}

/* How far into the epoch rows_of_window() goes on to be the batch, and counters are far from their
 * ends. */
static int64_t full_until(const absa_controller_options *o, const absa__ctl_state *s)
{
    const int64_t size = absa__ctl_epoch_size(o), later = o->epochs - s->epochs - 1;
    const int64_t room = ABSA__CTL_SAMPLES - ABSA__CTL_MOST - s->samples + s->epoch_samples;
    if (later < 0)
        return room; /* training has finished */
    if (o->epoch_tail == ABSA_TAIL_SHORT)
        return least(room, size - s->batch);
    const int64_t missing = s->batch - later * size; /* to a batch, in the epochs to come */
    return missing <= 0 ? room : least(room, size - missing);
}

/* Whether the last decision told of everything that a window which opens now is made from. */
static int all_is_told(const absa_controller_options *o, const absa__ctl_state *s, int64_t decays)
{
    return decays == s->told_decays && s->window_gamma == s->told_gamma &&
           absa__ctl_scheduled_batch(o, s) == s->batch;
}

void absa__ctl_open_window(const absa_controller_options *o, absa__ctl_state *s)
{
    if (absa__ctl_repeats(s, 0))
        return;
    const int64_t decays = absa__ctl_decays(o, s);
    s->decay_factor = absa__ctl_decay_factor(o, s, decays);
    s->decay_power = decays;
    s->batch = s->batch_next;
    s->window_gamma = absa__ctl_gamma(o, s);
    const absa__ctl_rate rate = absa__ctl_rate_of(o, s, s->batch, decays);
    s->window_lr = rate.lr;
    s->window_lr_multiplier = rate.multiplier;
    s->window_rows = rows_of_window(o, s);
    if (absa__ctl_rate_stays(o, s) && all_is_told(o, s, decays))
        s->repeats_until = full_until(o, s);
    else
        absa__ctl_change(s);
}

void absa__ctl_shorten_window(const absa_controller_options *o, absa__ctl_state *s)
{
    s->window_rows = least(s->window_rows, s->window_done + rows_of_window(o, s));
}

void absa__ctl_begin(const absa_controller_options *o, absa__ctl_state *s)
{
    const absa__ctl_state zero = {0};
    *s = zero;
    s->batch_next = o->batch;
    s->crosses_at = o->measure_every > 0 ? 0 : INT64_MAX;
    s->share = o->adversarial_share;
    s->decay_factor = 1.0;
    absa__ctl_change(s);
    absa__ctl_refer(o, s, (double)NAN);
    s->curvature = (double)NAN;
    s->spill = 1.0;
    s->last_growth = -1;
    s->batch_next = absa__ctl_scheduled_batch(o, s);
    s->told_decays = absa__ctl_decays(o, s);
    s->told_gamma = absa__ctl_gamma(o, s);
    absa__ctl_open_window(o, s);
}

/* One window, one gamma; but a collapse ends it at once. */
static double window_gamma(const absa__ctl_state *s)
{
    return s->collapsed ? 0.0 : s->window_gamma;
}

/* Rows of the window to perturb: its first ones. */
static int64_t perturbed_rows(const absa__ctl_state *s)
{
    return (int64_t)((double)s->batch * window_gamma(s));
}

/* Rows of each micro-batch to perturb, as the authors ran it. */
static int64_t perturbed_in_micro(const absa_controller_options *o, const absa__ctl_state *s)
{
    const double gamma = window_gamma(s);
    if (!(gamma > 1.0 / (double)o->batch))
        return 0;
    const int64_t rows = (int64_t)((double)o->batch * gamma);
    return rows > 1 ? rows : 1;
}

/* rows over processes; division is slow, and most hosts are one process. */
static int64_t over(int64_t rows, int64_t processes)
{
    return processes == 1 ? rows : rows / processes;
}

/* Rows of the next micro-batch over all processes. */
static int64_t round_rows(const absa_controller_options *o, const absa__ctl_state *s,
                          int64_t processes)
{
    const int64_t size = absa__ctl_epoch_size(o);
    /* Before 0 lie the epochs that a restarted window goes back to. */
    const int64_t left =
        s->epoch_samples < 0 ? (-s->epoch_samples - 1) % size + 1 : epoch_rest(o, s);
    const int64_t rest = least(s->window_rows - s->window_done, left);
    return over(rest, processes) >= o->micro_batch ? o->micro_batch * processes : rest;
}

static double momentum_multiplier(const absa_controller_options *o, const absa__ctl_state *s,
                                  double lr)
{
    if (s->last_batch == 0 || o->momentum == ABSA_MOMENTUM_PLAIN)
        return 1.0;
    if (o->momentum == ABSA_MOMENTUM_SUM)
        return (double)s->batch / (double)s->last_batch;
    /* Where the last rate was as good as none the velocity is too: there is no going back. */
    const double ratio = lr / s->last_lr;
    return isfinite(ratio) ? ratio : 1.0;
}

/* The same over all micro-batches that the window has left: full rounds, then one with what is left
 * over, which the processes share. */
static int64_t perturbed_in_micros(const absa_controller_options *o, const absa__ctl_state *s,
                                   int64_t processes, int64_t rest, int64_t round)
{
    const int64_t each = perturbed_in_micro(o, s), last = rest % round;
    const int64_t more = last % processes, share = last / processes;
    return rest / round * processes * least(each, o->micro_batch) + more * least(each, share + 1) +
           (processes - more) * least(each, share);
}

void absa__ctl_plan_window(const absa_controller_options *o, const absa__ctl_state *s,
                           absa__ctl_window *w)
{
    const absa_plan none = {.struct_size = sizeof none};
    absa_plan *p = &w->plan;
    *p = none;
    p->batch = s->batch;
    p->rows = s->window_rows;
    p->micro_batch = o->micro_batch;
    p->lr = s->window_lr;
    p->lr_multiplier = s->window_lr_multiplier;
    p->momentum_multiplier = momentum_multiplier(o, s, p->lr);
    p->gamma = window_gamma(s);
    p->epsilon = o->epsilon;
    p->adversarial_rows = least(perturbed_rows(s), s->window_rows);
    /* Who needs the eigenvalue itself has no use for a decision that stops short of it. */
    p->threshold = absa__ctl_needs_value(o) ? (double)NAN : s->threshold;
    p->update = s->updates;
    p->short_updates = s->short_updates;
    p->epochs_ended = s->epochs;
    p->finished = absa__ctl_finished(o, s);
    p->threshold_closed = o->compare == ABSA_COMPARE_LESS_EQUAL;
    p->micro_batches = 1;
    w->epoch_size = absa__ctl_epoch_size(o);
    w->epoch_rows = (double)w->epoch_size;
    w->all_rows = w->epoch_rows * (double)o->epochs;
    w->epochs = (double)s->epochs;
    w->plain = s->window_rows <= o->micro_batch && o->adversarial_rows == ABSA_ROWS_WINDOW &&
               p->momentum_multiplier == 1.0 && !p->finished && s->epoch_samples >= 0;
}

/* Any window: how many micro-batches are left, and what is to be perturbed of them. */
void absa__ctl_plan_any(const absa_controller_options *o, const absa__ctl_state *s,
                        const absa__ctl_window *w, int64_t processes, absa_plan *p)
{
    const int64_t rest = s->window_rows - s->window_done;
    const int64_t round =
        o->micro_batch <= INT64_MAX / processes ? o->micro_batch * processes : INT64_MAX;
    absa__ctl_plan_plain(s, w, p);
    p->measure_due = s->due && !p->finished;
    if (s->epoch_samples < 0)
        p->epoch = w->epochs; /* rows of the epoch before, after restart_window */
    p->micro_batches = rest <= round ? rest > 0 : rest / round + (rest % round != 0);
    if (o->adversarial_rows == ABSA_ROWS_MICRO)
        p->adversarial_rows = perturbed_in_micros(o, s, processes, rest, round);
}

/* How many of a micro-batch's rows to perturb; done are those of the window before it. */
static int64_t perturbed_of(const absa_controller_options *o, const absa__ctl_state *s,
                            int64_t done, int64_t rows)
{
    if (window_gamma(s) == 0.0)
        return 0;
    if (o->adversarial_rows == ABSA_ROWS_MICRO)
        return least(perturbed_in_micro(o, s), rows);
    /* The first rows of the window, wherever the processes' runs lie in it. */
    const int64_t rest = perturbed_rows(s) - done;
    return rest < 0 ? 0 : least(rest, rows);
}

void absa__ctl_micro(const absa_controller_options *o, const absa__ctl_state *s, int64_t process,
                     int64_t processes, absa_micro *m)
{
    const int64_t rows = absa__ctl_finished(o, s) ? 0 : round_rows(o, s, processes);
    const int64_t each = over(rows, processes), more = rows - each * processes;
    const int64_t start = each * process + least(process, more);
    m->struct_size = sizeof *m;
    m->reserved0 = 0;
    m->first = s->epoch_samples + start;
    m->rows = each + (process < more);
    m->global_rows = rows;
    m->last = rows > 0 && s->window_done + rows == s->window_rows;
    m->weight = o->gradient == ABSA_GRADIENT_MEAN ? (double)m->rows / (double)s->batch
                                                  : (m->rows > 0 ? 1.0 / (double)s->batch : 0.0);
    if (o->across == ABSA_ACROSS_MEAN)
        m->weight *= (double)processes;
    m->adversarial_rows = perturbed_of(o, s, s->window_done + start, m->rows);
}
