/* The controller's handle: checks calls, keeps the state, speaks to the journal. Every decision is
 * made by the pure functions of policy.c; a call that fails leaves the state as it was. What hosts
 * measured comes in through ctl_observe.c. */
#include "controller/ctl_handle.h"

#include "base/fail.h"
#include "base/structs.h"

#include <math.h>

void absa_plan_init(absa_plan *plan, size_t size)
{
    absa_plan p = {0};
    absa__struct_init(plan, size, &p, sizeof p);
}

void absa_micro_init(absa_micro *micro, size_t size)
{
    absa_micro m = {0};
    absa__struct_init(micro, size, &m, sizeof m);
}

void absa__ctl_call_out(absa_controller *c)
{
    absa__callback_begin(c->ctx);
    c->busy = 1;
    c->known = 0;
}

static void remember(absa_controller *c, int64_t batch, double factor)
{
    c->answers[1] = c->answers[0];
    c->answers[0] = (struct answer){batch, factor};
}

/* What the pure functions call for lr_rule HOST. They have no way to fail: a NaN stands for a
 * failure, and whoever computed an event looks at lr_status before anything becomes of it. */
static int ask_host(void *user, int64_t batch, int64_t batch_ref, double *factor)
{
    absa_controller *c = user;
    for (int i = 0; i < 2; i++)
        if (c->answers[i].batch == batch) {
            *factor = c->answers[i].factor;
            return 0;
        }
    double answer = (double)NAN;
    absa__ctl_call_out(c);
    const int code = c->lr_function(c->lr_user, batch, batch_ref, &answer);
    c->busy = 0;
    if (code)
        c->lr_status = absa__callback_failed(c->ctx, "lr_function", code);
    else if (!(answer > 0.0) || !isfinite(answer) || !isfinite(answer * c->options.lr))
        c->lr_status = absa__fail(c->ctx, ABSA_E_INVALID,
                                  "lr_function answered %g for batch %lld, must be above 0 and "
                                  "finite, and lr times it too",
                                  answer, (long long)batch);
    else
        remember(c, batch, answer);
    *factor = c->lr_status ? (double)NAN : answer;
    return 0;
}

absa_status absa__ctl_lr_failure(absa_controller *c)
{
    const absa_status status = c->lr_status;
    c->lr_status = ABSA_OK;
    return status;
}

absa_status absa_controller_create(absa_context *context, const absa_controller_options *options,
                                   absa_controller **out)
{
    if (!out)
        return absa__fail(context, ABSA_E_INVALID, "absa_controller_create: out is NULL");
    *out = NULL;
    if (!context || !options)
        return absa__fail(context, ABSA_E_INVALID, "absa_controller_create: %s is NULL",
                          context ? "options" : "context");
    absa_controller_options o;
    absa_controller_options_init(&o, sizeof o);
    absa_status status =
        absa__struct_read(context, "absa_controller_options", options, &o, sizeof o);
    if (!status)
        status = absa__ctl_check(context, &o);
    absa_controller *c;
    if (!status)
        status = absa__new(context, absa_controller, &c);
    if (status)
        return status;
    c->ctx = absa_context_retain(context);
    c->options = o;
    c->lr_function = o.lr_function;
    c->lr_user = o.lr_user;
    c->options.lr_function = ask_host;
    c->options.lr_user = c;
    c->quiet = absa__ctl_adaptive(&o) && !o.reduce && !o.journal &&
               o.lr_rule != ABSA_LR_RULE_HOST && !absa__ctl_needs_value(&o) &&
               o.unit != ABSA_UNIT_SAMPLES && o.patience <= ABSA__CTL_MOST &&
               !absa__logs(context, ABSA_LOG_INFO);
    absa__ctl_begin(&c->options, &c->state);
    status = absa__ctl_lr_failure(c);
    if (status)
        absa_controller_destroy(&c);
    *out = c;
    return status;
}

void absa_controller_destroy(absa_controller **controller)
{
    if (!controller || !*controller)
        return;
    absa_context *ctx = (*controller)->ctx;
    absa_context_release(ctx, *controller, 1, sizeof **controller);
    *controller = NULL;
    absa_context_destroy(&ctx);
}

static absa_status check_process(const absa_controller *c, const char *function, int64_t process,
                                 int64_t processes, const void *out)
{
    if (!c)
        return ABSA_E_INVALID;
    if (!out)
        return absa__fail(c->ctx, ABSA_E_INVALID, "%s: the output is NULL", function);
    if (processes < 1 || process < 0 || process >= processes)
        return absa__fail(c->ctx, ABSA_E_INVALID, "%s: process %lld of %lld does not exist",
                          function, (long long)process, (long long)processes);
    return ABSA_OK;
}

/* Answering changes nothing that anybody sees, hence the const of absa_controller_plan(); every
 * handle was made by absa_controller_create(), writable. */
static ABSA__RARE void remember_window(const absa_controller *controller)
{
    absa_controller *c = (absa_controller *)(uintptr_t)controller;
    absa__ctl_plan_window(&c->options, &c->state, &c->window);
    const int usable = !c->busy && !c->window.plan.finished &&
                       c->state.samples <= ABSA__CTL_SAMPLES - ABSA__CTL_MOST;
    c->known = !usable ? 0
                       : ABSA__CTL_WINDOW | (c->window.plain ? ABSA__CTL_PLAIN : 0) |
                             (c->quiet ? ABSA__CTL_QUIET : 0);
}

/* The plan for calls that are not the usual one. */
static ABSA__RARE absa_status plan_checked(const absa_controller *c, int64_t process,
                                           int64_t processes, absa_plan *plan)
{
    const absa_status status = check_process(c, "absa_controller_plan", process, processes, plan);
    if (status)
        return status;
    absa_plan p;
    if (!c->known || c->state.updates != c->window.plan.update)
        remember_window(c);
    absa__ctl_plan_any(&c->options, &c->state, &c->window, processes, &p);
    return absa__struct_write(c->ctx, "absa_plan", &p, plan, sizeof p);
}

absa_status absa_controller_plan(const absa_controller *controller, int64_t process,
                                 int64_t processes, absa_plan *plan)
{
    /* The usual call: from a caller built with the same header. */
    if (!controller || !plan || process < 0 || process >= processes ||
        plan->struct_size != sizeof *plan || !(controller->known & ABSA__CTL_PLAIN))
        return plan_checked(controller, process, processes, plan);
    absa__ctl_plan_plain(&controller->state, &controller->window, plan);
    return ABSA_OK;
}

/* The micro-batch for calls that are not the usual one. */
static ABSA__RARE absa_status micro_checked(const absa_controller *c, int64_t process,
                                            int64_t processes, absa_micro *micro)
{
    const absa_status status = check_process(c, "absa_controller_micro", process, processes, micro);
    if (status)
        return status;
    absa_micro m;
    absa__ctl_micro(&c->options, &c->state, process, processes, &m);
    return absa__struct_write(c->ctx, "absa_micro", &m, micro, sizeof m);
}

absa_status absa_controller_micro(const absa_controller *controller, int64_t process,
                                  int64_t processes, absa_micro *micro)
{
    if (!controller || !micro || process < 0 || process >= processes ||
        micro->struct_size != sizeof *micro)
        return micro_checked(controller, process, processes, micro);
    absa__ctl_micro(&controller->options, &controller->state, process, processes, micro);
    return ABSA_OK;
}

static absa_status check_call(absa_controller *c, const char *function)
{
    if (!c)
        return ABSA_E_INVALID;
    return c->busy ? absa__busy(c->ctx, function, "controller") : ABSA_OK;
}

absa_status absa__ctl_check_running(absa_controller *c, const char *function)
{
    const absa_status status = check_call(c, function);
    if (status)
        return status;
    return absa__ctl_finished(&c->options, &c->state)
               ? absa__fail(c->ctx, ABSA_E_STATE, "%s: all %lld epochs have ended", function,
                            (long long)c->options.epochs)
               : ABSA_OK;
}

void absa__ctl_keep(absa_controller *c)
{
    c->known = 0;
    if (c->options.reduce || c->options.lr_rule == ABSA_LR_RULE_HOST)
        c->before = c->state;
}

absa_status absa__ctl_settle(absa_controller *c, absa_status status, const absa_decision *d)
{
    if (status) {
        c->state = c->before;
        return status;
    }
    if (!c->options.journal || !d)
        return ABSA_OK;
    absa__ctl_call_out(c);
    const int code = c->options.journal(c->options.journal_user, d);
    c->busy = 0;
    return code ? absa__callback_failed(c->ctx, "journal", code) : ABSA_OK;
}

/* Counts samples with every check; the window's end may decide something. */
static ABSA__RARE absa_status advance(absa_controller *controller, int64_t samples)
{
    const absa_status status = absa__ctl_check_running(controller, "absa_controller_advance");
    if (status)
        return status;
    absa__ctl_state *s = &controller->state;
    const int64_t rest = s->window_rows - s->window_done;
    if (samples < 1 || samples > rest)
        return absa__fail(controller->ctx, ABSA_E_INVALID,
                          "absa_controller_advance: samples is %lld, must be 1 to %lld, what the "
                          "window has left",
                          (long long)samples, (long long)rest);
    if (s->samples > ABSA__CTL_SAMPLES - rest)
        return absa__fail(controller->ctx, ABSA_E_STATE,
                          "absa_controller_advance: %lld samples are counted, no more fit 62 bits",
                          (long long)s->samples);
    if (samples < rest) {
        absa__ctl_count(s, samples);
        return ABSA_OK;
    }
    absa_decision d;
    absa__ctl_keep(controller);
    absa__ctl_count(s, samples);
    const int decided =
        absa__ctl_complete(&controller->options, s, controller->options.journal ? &d : NULL);
    return absa__ctl_settle(controller, absa__ctl_lr_failure(controller), decided ? &d : NULL);
}

absa_status absa_controller_advance(absa_controller *controller, int64_t samples)
{
    absa_controller *c = controller;
    if (!c || !(c->known & ABSA__CTL_WINDOW) || samples < 1)
        return advance(c, samples);
    /* The usual call: nothing follows, or a window like the one before. */
    const int64_t rest = c->state.window_rows - c->state.window_done;
    if (samples < rest)
        absa__ctl_count(&c->state, samples);
    else if (samples == rest && absa__ctl_repeats(&c->state, samples))
        absa__ctl_repeat(&c->options, &c->state, samples);
    else
        return advance(c, samples);
    return ABSA_OK;
}

/* Lets an event happen, and tells the decision. */
static absa_status happen(absa_controller *c, void (*event)(const absa_controller_options *,
                                                            absa__ctl_state *, absa_decision *))
{
    absa_decision d;
    absa__ctl_keep(c);
    event(&c->options, &c->state, c->options.journal ? &d : NULL);
    return absa__ctl_settle(c, absa__ctl_lr_failure(c), &d);
}

absa_status absa_controller_end_epoch(absa_controller *controller)
{
    const absa_status status = absa__ctl_check_running(controller, "absa_controller_end_epoch");
    return status ? status : happen(controller, absa__ctl_end_epoch);
}

absa_status absa_controller_skip_measurement(absa_controller *controller)
{
    const absa_status status = check_call(controller, "absa_controller_skip_measurement");
    if (status)
        return status;
    if (!controller->state.due)
        return absa__fail(controller->ctx, ABSA_E_STATE,
                          "absa_controller_skip_measurement: no measurement is due");
    return happen(controller, absa__ctl_skip);
}

absa_status absa_controller_update_skipped(absa_controller *controller)
{
    const absa_status status = check_call(controller, "absa_controller_update_skipped");
    if (status)
        return status;
    if (!controller->state.can_take_back)
        return absa__fail(controller->ctx, ABSA_E_STATE,
                          "absa_controller_update_skipped: there is no update to take back");
    return happen(controller, absa__ctl_update_skipped);
}

absa_status absa_controller_adversarial_collapse(absa_controller *controller)
{
    const absa_status status = check_call(controller, "absa_controller_adversarial_collapse");
    return status ? status : happen(controller, absa__ctl_collapse);
}

absa_status absa_controller_restart_window(absa_controller *controller)
{
    const absa_status status = check_call(controller, "absa_controller_restart_window");
    if (status || controller->state.window_done == 0)
        return status; /* nothing to forget, nothing to tell */
    return happen(controller, absa__ctl_restart_window);
}

absa_status absa_controller_save(const absa_controller *controller, void *buffer, size_t capacity,
                                 size_t *size)
{
    if (!controller)
        return ABSA_E_INVALID;
    if (!size)
        return absa__fail(controller->ctx, ABSA_E_INVALID, "absa_controller_save: size is NULL");
    absa__ctl_state s = controller->state;
    s.crossed = absa__ctl_multiples(&controller->options, &s);
    return absa__ctl_save(controller->ctx, &controller->options, &s, buffer, capacity, size);
}

absa_status absa_controller_load(absa_controller *controller, const void *buffer, size_t size,
                                 int32_t other_options)
{
    absa_status status = check_call(controller, "absa_controller_load");
    if (status)
        return status;
    if (!buffer)
        return absa__fail(controller->ctx, ABSA_E_INVALID, "absa_controller_load: buffer is NULL");
    absa__ctl_state next;
    status = absa__ctl_load(controller->ctx, &controller->options, buffer, size, other_options != 0,
                            &next);
    if (!status)
        status = absa__ctl_lr_failure(controller);
    if (!status) {
        controller->state = next;
        controller->known = 0;
    }
    return status;
}
