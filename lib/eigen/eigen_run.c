/* A run, from its start vector through the products to its stop. The mathematics of a step is in
 * lanczos.c, power.c and bounds.c, which pairs it gives in pairs.c, the decision to stop in
 * rules.c; what may follow a first pass in two_pass.c, what may follow found pairs in fresh.c. */
#include "eigen/eigen_impl.h"

#include "base/fail.h"
#include "base/structs.h"

#include <math.h>

/* What a run starts with, read from args or the defaults. */
static absa_status read_args(absa_eigen *e, const absa_eigen_args *given, absa_eigen_args *a)
{
    absa_eigen_args_init(a, sizeof *a);
    a->stream = e->next_stream;
    absa_status status =
        given ? absa__struct_read(e->ctx, "absa_eigen_args", given, a, sizeof *a) : ABSA_OK;
    if (status)
        return status;
    if (!(a->hint_weight >= 0.0 && a->hint_weight <= absa__most_hint_weight(e)))
        return absa__fail(e->ctx, ABSA_E_INVALID,
                          "absa_eigen_args: hint_weight is %g, must be in [0, %g]: beside a longer "
                          "hint the random part, which the bounds rest on, is lost in rounding",
                          a->hint_weight, absa__most_hint_weight(e));
    if (a->reserved0 != 0)
        return absa__fail(e->ctx, ABSA_E_INVALID, "absa_eigen_args: reserved0 is %d, must be 0",
                          (int)a->reserved0);
    if (isinf(a->threshold) || (a->threshold_closed != 0 && a->threshold_closed != 1))
        return absa__fail(e->ctx, ABSA_E_INVALID,
                          "absa_eigen_args: threshold is %g and threshold_closed %d; they must be "
                          "finite or NaN, and 0 or 1",
                          a->threshold, (int)a->threshold_closed);
    if (e->options.multiplicity > 0 && a->stream >= ABSA__FRESH_STREAM)
        return absa__fail(
            e->ctx, ABSA_E_INVALID,
            "absa_eigen_args: stream is %llu; with multiplicity it must be below 2^58",
            (unsigned long long)a->stream);
    const int kept = !a->hint && e->options.keep_hint && e->finished &&
                     (e->memory != ABSA_MEMORY_TWO_PASS || e->has_vector);
    if (a->hint_weight == 0.0 || (!a->hint && !kept)) {
        a->hint = NULL;
        a->hint_weight = 0.0;
        return ABSA_OK;
    }
    if (kept)
        a->hint_stream = e->now.stream;
    /* A kept vector depends on the streams of all runs that led to it from the last cold one. */
    const int used = kept && a->stream >= e->chain_first && a->stream <= e->chain_last;
    if (a->hint_stream == a->stream || used)
        return absa__fail(e->ctx, ABSA_E_INVALID,
                          "absa_eigen_args: the hint comes from a run with stream %llu, which is "
                          "this run's too; give every run a stream of its own",
                          (unsigned long long)a->stream);
    return ABSA_OK;
}

/* Remembers which streams the vector that this run leaves depends on. */
static void extend_chain(absa_eigen *e, const absa_eigen_args *a, int kept)
{
    if (!kept)
        e->chain_first = e->chain_last = a->hint ? a->hint_stream : a->stream;
    e->chain_first = a->stream < e->chain_first ? a->stream : e->chain_first;
    e->chain_last = a->stream > e->chain_last ? a->stream : e->chain_last;
    e->next_stream = e->chain_last + 1;
}

int64_t absa__hint_slot(const absa_eigen *e)
{
    if (e->memory == ABSA_MEMORY_TWO_PASS)
        return 3;
    return absa__turns(e) ? 0 : e->slots - 1;
}

/* Puts the kept hint where the start vector does not reach; TWO_PASS needs any hint once more. */
static absa_status lay_out_hint(absa_eigen *e, absa_eigen_args *a)
{
    void *slot = e->slot[absa__hint_slot(e)];
    absa_status status = ABSA_OK;
    e->hint_weight = a->hint_weight;
    e->has_vector = 0;
    if (e->memory == ABSA_MEMORY_TWO_PASS)
        e->length[3] = 1.0;
    if (a->hint_weight == 0.0)
        return ABSA_OK;
    if (e->memory == ABSA_MEMORY_TWO_PASS) {
        if (a->hint)
            status = absa__vector_axpby(&e->space, 1.0, a->hint, 0.0, slot);
        a->hint = slot;
    } else if (!a->hint) {
        status = absa__ritz_sum(e, 0, e->now.pairs, slot);
        a->hint = slot;
    }
    return status;
}

/* What a result says before the first product. */
static void clear_result(absa_eigen *e, uint64_t stream)
{
    absa_eigen_result *r = &e->now;
    const int32_t which = e->options.which;
    const double bounds =
        (double)(which >= ABSA_WHICH_MAGNITUDE ? 2 * e->options.wanted : e->options.wanted);
    absa_eigen_result_init(r, sizeof *r);
    r->eta = fmin(bounds * e->options.eta, 1.0);
    r->lower = -HUGE_VAL;
    r->upper = HUGE_VAL;
    r->other_value = r->other_lower = (double)NAN;
    r->other_upper = r->other_residual = (double)NAN;
    r->rest_bound = (double)NAN;
    r->rule = e->options.rule;
    r->which = e->options.rule == ABSA_RULE_POWER ? ABSA_WHICH_MAGNITUDE : which;
    r->memory = e->memory;
    r->peak_vectors = e->slots + (e->sizes.stored + 1) / 2;
    r->stream = stream;
    r->starts = 1;
}

/* Begins, from arguments that are good; length is the hint's, 0 for the kept one. */
static absa_status begin(absa_eigen *e, absa_eigen_args *a, double length)
{
    extend_chain(e, a, a->hint_weight > 0.0 && !a->hint);
    absa_status status = lay_out_hint(e, a);
    e->finished = 0;
    e->phase = ABSA__PHASE_IDLE;
    e->steps = e->have = e->held = e->locked = e->ritz_count = e->second_pass = 0;
    e->inconsistency = 0.0;
    e->clearing = e->open = 0;
    if (a->hint && length == 0.0) {
        status = absa__hint_length(e, status, a->hint, &length);
        if (status)
            return status;
    }
    status =
        absa__start_vector(e, status, a->stream, a->hint, a->hint ? a->hint_weight / length : 0.0);
    if (status)
        return status;
    clear_result(e, a->stream);
    e->end[0].upper = e->end[1].upper = HUGE_VAL;
    e->threshold = a->threshold;
    e->threshold_closed = a->threshold_closed;
    return ABSA_OK;
}

absa_status absa__eigen_begin(absa_eigen *e, const absa_eigen_args *args)
{
    absa_eigen_args a;
    absa_status status = ABSA_OK;
    double length = 0.0;
    if (!e->agreed)
        status = absa__space_agree(&e->space);
    if (status)
        return status;
    e->agreed = 1;
    status = read_args(e, args, &a);
    if (status)
        return status;
    /* What is refused here costs nothing: an open run goes on, the last vector stays. */
    if (a.hint)
        status = absa__replica_status(&e->space, absa__hint_length(e, ABSA_OK, a.hint, &length));
    if (status)
        return status;
    status = absa__replica_status(&e->space, begin(e, &a, length));
    if (!status)
        e->phase = ABSA__PHASE_PRODUCT;
    return status;
}

int absa__eigen_converged(const absa_eigen *e, int32_t why)
{
    return why == ABSA_STOP_CONVERGED || why == ABSA_STOP_DECIDED ||
           (why == ABSA_STOP_EXACT && (!e->open || e->options.rule == ABSA_RULE_FIXED));
}

void absa__eigen_end(absa_eigen *e, int32_t why)
{
    e->now.stop = why;
    /* A second pass has it from the first. */
    if (e->second_pass == 0)
        e->now.converged = absa__eigen_converged(e, why);
    e->phase = ABSA__PHASE_ENDED;
    e->finished = 1;
    /* The vectors of a run that went on from fresh starts are those that were set aside. */
    if (e->locked > 0)
        e->steps = e->have = e->held = 0;
    if (!e->now.consistent)
        absa__log(e->ctx, ABSA_LOG_WARNING,
                  "the products are not those of one symmetric matrix (inconsistency %.2g of the "
                  "value): lower and upper prove nothing; keep batch, parameters and dropout fixed",
                  e->now.inconsistency);
}

/* Asks the monitor; every process learns when one of them wants to stop. */
static absa_status ask_monitor(absa_eigen *e, int32_t *stop)
{
    *stop = 0;
    if (!e->options.monitor)
        return ABSA_OK;
    absa__callback_begin(e->ctx);
    e->busy = 1;
    const int code = e->options.monitor(e->options.monitor_user, &e->now, stop);
    e->busy = 0;
    absa_status status = code ? absa__callback_failed(e->ctx, "monitor", code) : ABSA_OK;
    double wish = *stop ? 1.0 : 0.0;
    status = absa__space_sum(&e->space, status, &wish, 1);
    *stop = wish != 0.0;
    return status;
}

/* Products that may still lead to an answer: a second pass takes one less than the first. */
static int64_t budget(const absa_eigen *e)
{
    return e->memory == ABSA_MEMORY_TWO_PASS ? (e->options.max_products + 1) / 2
                                             : e->options.max_products;
}

/* Takes the product in and learns from it; *exact and *change as the steps say. */
static absa_status step(absa_eigen *e, absa_status status, double *change, int *exact)
{
    if (e->options.rule == ABSA_RULE_POWER) {
        status = absa__power_step(e, status, change, exact);
        e->pair[0] =
            (absa__pair){e->now.value, e->now.lower, e->now.upper, e->now.residual, 0, -1, 0, 0};
        e->now.pairs = 1;
    } else {
        status = absa__lanczos_step(e, status);
        if (!status)
            status = absa__lanczos_judge(e, exact);
    }
    if (!status)
        e->now.products++;
    return status;
}

/* Why to stop now, or NONE; wish is the monitor's. */
static int32_t reason(const absa_eigen *e, int exact, double change, int decides, int32_t wish)
{
    const int64_t most = budget(e);
    int32_t why = ABSA_STOP_NONE;
    if (e->locked > 0)
        why = absa__fresh_stops(e, exact);
    else if (!exact || e->open)
        why = absa__rule_stops(&e->options, &e->now, &e->shown, change, decides);
    if (exact && why == ABSA_STOP_NONE)
        why = ABSA_STOP_EXACT;
    if (why != ABSA_STOP_NONE)
        return why;
    if (e->options.rule == ABSA_RULE_FIXED && e->now.products == most)
        return ABSA_STOP_CONVERGED;
    return wish ? ABSA_STOP_MONITOR : e->now.products == most ? ABSA_STOP_BUDGET : ABSA_STOP_NONE;
}

/* What follows when there is a reason to stop: a fresh start, a second pass, or the end. wish is
 * the monitor's to stop: nothing new is begun then. */
static absa_status conclude(absa_eigen *e, int32_t why, int32_t wish)
{
    absa_status status = ABSA_OK;
    const int done = why != ABSA_STOP_DECIDED && absa__eigen_converged(e, why);
    int goes_on = 0;
    if (e->options.multiplicity > 0 && done) {
        status = absa__fresh_next(e, &why, &goes_on);
        if (!status && goes_on && wish)
            absa__eigen_end(e, ABSA_STOP_MONITOR);
    } else if (e->memory == ABSA_MEMORY_TWO_PASS && !wish) {
        status = absa__second_pass_begin(e, why, &goes_on);
    } else if (e->memory == ABSA_MEMORY_TWO_PASS) {
        absa__eigen_end(e, ABSA_STOP_MONITOR);
        e->now.converged = absa__eigen_converged(e, why);
        return ABSA_OK;
    }
    if (!status && !goes_on)
        absa__eigen_end(e, why);
    return status;
}

absa_status absa__eigen_take(absa_eigen *e, absa_status status)
{
    int exact = 0;
    int32_t wish = 0;
    double change = HUGE_VAL;
    const int second = e->second_pass > 0;
    const int decides = e->options.rule == ABSA_RULE_DECIDE && !isnan(e->threshold);
    status = second ? absa__second_pass_step(e, status) : step(e, status, &change, &exact);
    status = absa__replica_status(&e->space, status);
    if (!status && !second && decides)
        e->now.answer = absa__decide(e->now.answer, &e->options, &e->now, &e->shown, e->threshold,
                                     e->threshold_closed);
    if (!status)
        status = ask_monitor(e, &wish);
    if (!status && second) {
        status = absa__second_pass_next(e, wish);
    } else if (!status) {
        const int32_t why = reason(e, exact, change, decides, wish);
        if (why != ABSA_STOP_NONE)
            status = conclude(e, why, wish);
        else if (e->memory == ABSA_MEMORY_RESTART && e->have == e->slots - 1 - e->locked)
            status = absa__restart(e);
    }
    status = absa__replica_status(&e->space, status);
    /* It may have ended well here, and failed elsewhere: the next run's hint is everybody's. */
    if (status) {
        e->phase = ABSA__PHASE_ENDED;
        e->finished = 0;
    }
    return status;
}
