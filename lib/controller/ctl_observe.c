/* What the host measured: whether it can be observed at all, whether all processes take it alike,
 * and what is told of it. What follows from it is decided by absa__ctl_observe(). */
#include "controller/ctl_handle.h"

#include "base/fail.h"
#include "base/structs.h"

#include <math.h>

/* Whether a caller's decision can be written: asked before anything is decided. */
static absa_status check_decision(absa_controller *c, const absa_decision *decision)
{
    absa_decision probe, d;
    absa_decision_init(&d, sizeof d);
    probe.struct_size = decision->struct_size;
    return absa__struct_write(c->ctx, "absa_decision", &d, &probe, sizeof d);
}

/* A run that cannot adapt is never silent. */
static void warn_when_blind(absa_controller *c)
{
    if (c->state.reason == ABSA_REASON_BLIND)
        absa__log(c->ctx, ABSA_LOG_WARNING,
                  "%lld measurements in a row were unusable: the batch does not adapt",
                  (long long)c->state.bad_run);
}

/* own is what this process's checks said: the others must hear of it. */
static absa_status observe(absa_controller *c, absa_status own, absa__measurement *m,
                           absa_decision *decision)
{
    if (!own && decision)
        own = check_decision(c, decision);
    absa_status status = c->options.reduce ? absa__ctl_share(c, own, m) : own;
    if (status)
        return status;
    absa_decision d;
    absa__ctl_keep(c);
    absa__ctl_observe(&c->options, &c->state, m, decision || c->options.journal ? &d : NULL);
    status = absa__ctl_lr_failure(c);
    if (c->options.reduce)
        status = absa__ctl_agree(c, status);
    if (!status && decision)
        status = absa__struct_write(c->ctx, "absa_decision", &d, decision, sizeof d);
    if (!status)
        warn_when_blind(c);
    return absa__ctl_settle(c, status, &d);
}

/* Why a result cannot be observed; NULL when it can. */
static const char *flaw(const absa_controller *c, const absa_eigen_result *r)
{
    if (isnan(r->lower) || isnan(r->upper))
        return "a bound of the measurement is NaN";
    if (r->rule == ABSA_RULE_POWER && c->options.trigger == ABSA_TRIGGER_INTERVAL)
        return "POWER gives no upper bound, so the INTERVAL trigger could never fire; use the "
               "POINT trigger or another rule";
    return NULL;
}

static absa_status check_result(absa_controller *c, const absa_eigen_result *result,
                                double standard_error, absa_eigen_result *r)
{
    absa_eigen_result_init(r, sizeof *r);
    if (!result)
        return absa__fail(c->ctx, ABSA_E_INVALID, "absa_controller_observe: result is NULL");
    const absa_status status = absa__struct_read(c->ctx, "absa_eigen_result", result, r, sizeof *r);
    if (status)
        return status;
    const char *why = flaw(c, r);
    if (why)
        return absa__fail(c->ctx, ABSA_E_INVALID, "absa_controller_observe: %s", why);
    if (!(standard_error >= 0.0) || isinf(standard_error))
        return absa__fail(c->ctx, ABSA_E_INVALID,
                          "absa_controller_observe_sampled: standard_error is %g, must be finite "
                          "and not negative",
                          standard_error);
    return ABSA_OK;
}

/* The usual call: a controller that has nobody to ask and nothing to tell, and waits. */
static inline int usual(const absa_controller *c, const absa_decision *decision)
{
    return c && c->known & ABSA__CTL_QUIET && !decision;
}

/* A result as a measurement, with every check. */
static ABSA__RARE absa_status observe_result(absa_controller *c, const absa_eigen_result *result,
                                             double standard_error, absa_decision *decision)
{
    absa_eigen_result r;
    absa_status status = absa__ctl_check_running(c, "absa_controller_observe");
    if (status)
        return status;
    status = check_result(c, result, standard_error, &r);
    absa__measurement m = {.value = r.value,
                           .lower = r.lower,
                           .upper = r.upper,
                           .converged = r.converged,
                           .consistent = r.consistent,
                           .answer = r.answer,
                           .products = r.products,
                           .standard_error = standard_error};
    return observe(c, status, &m, decision);
}

/* Whether a quiet controller only waits on a result. */
static inline int only_waits(const absa_controller *c, const absa_eigen_result *r)
{
    /* Comparisons that a NaN fails. */
    return r && r->struct_size == sizeof *r && r->converged && r->consistent &&
           r->answer == ABSA_ANSWER_NONE && r->rule != ABSA_RULE_POWER && r->lower <= r->value &&
           r->upper <= DBL_MAX && absa__ctl_waits(&c->options, &c->state, r->value);
}

absa_status absa_controller_observe(absa_controller *controller, const absa_eigen_result *result,
                                    absa_decision *decision)
{
    absa_controller *c = controller;
    const absa_eigen_result *r = result;
    if (!usual(c, decision) || !only_waits(c, r))
        return observe_result(c, r, 0.0, decision);
    absa__ctl_wait(&c->options, &c->state, r->value);
    return ABSA_OK;
}

absa_status absa_controller_observe_sampled(absa_controller *controller,
                                            const absa_eigen_result *result, double standard_error,
                                            absa_decision *decision)
{
    return observe_result(controller, result, standard_error, decision);
}

/* A plain number as a measurement, with every check. */
static ABSA__RARE absa_status observe_value(absa_controller *c, double value,
                                            absa_decision *decision)
{
    const absa_status status = absa__ctl_check_running(c, "absa_controller_observe_value");
    if (status)
        return status;
    absa__measurement m = {.value = value,
                           .lower = value,
                           .upper = value,
                           .converged = 1,
                           .consistent = 1,
                           .answer = ABSA_ANSWER_NONE};
    absa__log(c->ctx, ABSA_LOG_INFO, "eigenvalue %g taken unverified", value);
    return observe(c, ABSA_OK, &m, decision);
}

absa_status absa_controller_observe_value(absa_controller *controller, double value,
                                          absa_decision *decision)
{
    absa_controller *c = controller;
    if (!usual(c, decision) || !absa__ctl_waits(&c->options, &c->state, value))
        return observe_value(c, value, decision);
    absa__ctl_wait(&c->options, &c->state, value);
    return ABSA_OK;
}
