/* The estimator's handle: checks what the host asks for, takes all memory, and leads a run from its
 * start vector through the products to its stop. The mathematics of a step is in lanczos.c, power.c
 * and bounds.c, the decision to stop in rules.c. */
#include "eigen/eigen_impl.h"

#include "base/fail.h"
#include "base/structs.h"
#include "eigen/rules.h"
#include "oper/oper.h"

#include <math.h>
#include <string.h>

void absa_eigen_destroy(absa_eigen **eigen)
{
    if (!eigen || !*eigen)
        return;
    absa_eigen *e = *eigen;
    absa_context *ctx = e->ctx;
    *eigen = NULL;
    for (int64_t i = 0; e->slot && i < e->slots; i++)
        absa__vector_release(&e->space, e->slot[i]);
    absa_context_release(ctx, e->dense,
                         absa__restart_doubles(e->memory, e->slots, e->options.max_products),
                         sizeof(double));
    absa_context_release(ctx, e->work, absa__eigen_work_length(&e->options), sizeof(double));
    absa_context_release(ctx, e->beta, e->options.max_products, sizeof(double));
    absa_context_release(ctx, e->alpha, e->options.max_products, sizeof(double));
    absa_context_release(ctx, e->length, e->slots, sizeof(double));
    absa_context_release(ctx, e->slot, e->slots, sizeof(void *));
    absa__space_close(&e->space);
    absa_context_release(ctx, e, 1, sizeof *e);
    absa_context_destroy(&ctx);
}

static absa_status take_memory(absa_eigen *e)
{
    const int64_t most = e->options.max_products;
    absa_status status = absa_context_alloc(e->ctx, e->slots, sizeof(void *), (void **)&e->slot);
    if (!status)
        status = absa_context_alloc(e->ctx, e->slots, sizeof(double), (void **)&e->length);
    if (!status)
        status = absa_context_alloc(e->ctx, most, sizeof(double), (void **)&e->alpha);
    if (!status)
        status = absa_context_alloc(e->ctx, most, sizeof(double), (void **)&e->beta);
    if (!status)
        status = absa_context_alloc(e->ctx, absa__eigen_work_length(&e->options), sizeof(double),
                                    (void **)&e->work);
    if (!status)
        status = absa_context_alloc(e->ctx, absa__restart_doubles(e->memory, e->slots, most),
                                    sizeof(double), (void **)&e->dense);
    absa__restart_layout(e);
    for (int64_t i = 0; i < e->slots && !status; i++)
        status = absa__vector_alloc(&e->space, &e->slot[i]);
    return status;
}

absa_status absa_eigen_create(absa_context *context, const absa_space *space,
                              const absa_eigen_options *options, absa_eigen **out)
{
    if (!out)
        return absa__fail(context, ABSA_E_INVALID, "absa_eigen_create: out is NULL");
    *out = NULL;
    if (!context)
        return ABSA_E_INVALID;
    absa_eigen_options o;
    absa_status status = absa__eigen_read_options(context, options, &o);
    absa_eigen *e;
    if (!status)
        status = absa__new(context, absa_eigen, &e);
    if (status)
        return status;
    e->ctx = absa_context_retain(context);
    e->options = o;
    e->memory = absa__eigen_memory_mode(&o);
    e->slots = absa__eigen_slots(&o, e->memory);
    status = absa__space_open(context, space, &e->space);
    if (!status)
        status = take_memory(e);
    if (status)
        absa_eigen_destroy(&e);
    *out = e;
    return status;
}

/* What a run starts with, read from args or the defaults. */
static absa_status read_args(absa_eigen *e, const absa_eigen_args *given, absa_eigen_args *a)
{
    absa_eigen_args_init(a, sizeof *a);
    a->stream = e->next_stream;
    absa_status status =
        given ? absa__struct_read(e->ctx, "absa_eigen_args", given, a, sizeof *a) : ABSA_OK;
    if (status)
        return status;
    if (!(a->hint_weight >= 0.0) || !isfinite(a->hint_weight))
        return absa__fail(e->ctx, ABSA_E_INVALID,
                          "absa_eigen_args: hint_weight is %g, must be finite and not negative",
                          a->hint_weight);
    if (isinf(a->threshold) || (a->threshold_closed != 0 && a->threshold_closed != 1))
        return absa__fail(e->ctx, ABSA_E_INVALID,
                          "absa_eigen_args: threshold is %g and threshold_closed %d; they must be "
                          "finite or NaN, and 0 or 1",
                          a->threshold, (int)a->threshold_closed);
    const int kept = !a->hint && e->options.keep_hint && e->finished;
    if (a->hint_weight == 0.0 || (!a->hint && !kept)) {
        a->hint = NULL;
        a->hint_weight = 0.0;
        return ABSA_OK;
    }
    if (kept)
        a->hint_stream = e->now.stream;
    if (a->hint_stream == a->stream)
        return absa__fail(e->ctx, ABSA_E_INVALID,
                          "absa_eigen_args: the hint comes from a run with stream %llu, which is "
                          "this run's too; give every run a stream of its own",
                          (unsigned long long)a->stream);
    return ABSA_OK;
}

/* Moves the kept Ritz vector out of the way of the start vector: into the last slot. */
static absa_status lay_out_hint(absa_eigen *e, absa_eigen_args *a)
{
    if (a->hint_weight == 0.0 || a->hint)
        return ABSA_OK;
    const int64_t last = e->slots - 1;
    absa_status status = absa__ritz_vector(e, e->slot[e->have]);
    void *hint = e->slot[e->have];
    e->slot[e->have] = e->slot[last];
    e->slot[last] = hint;
    a->hint = hint;
    return status;
}

static absa_status begin(absa_eigen *e, const absa_eigen_args *args)
{
    absa_eigen_args a;
    absa_status status = ABSA_OK;
    if (!e->agreed)
        status = absa__space_agree(&e->space);
    if (status)
        return status;
    e->agreed = 1;
    status = read_args(e, args, &a);
    if (status)
        return status;
    status = lay_out_hint(e, &a);
    e->finished = 0;
    e->phase = ABSA__PHASE_IDLE;
    e->steps = e->have = e->held = 0;
    e->inconsistency = 0.0;
    status = absa__start_vector(e, status, a.stream, a.hint, a.hint_weight);
    if (status)
        return status;
    absa_eigen_result_init(&e->now, sizeof e->now);
    const int32_t which = e->options.which;
    e->now.eta = which >= ABSA_WHICH_MAGNITUDE ? 2.0 * e->options.eta : e->options.eta;
    e->now.lower = -HUGE_VAL;
    e->now.upper = HUGE_VAL;
    e->now.other_value = e->now.other_lower = (double)NAN;
    e->now.other_upper = e->now.other_residual = (double)NAN;
    e->now.rule = e->options.rule;
    e->now.which = e->options.rule == ABSA_RULE_POWER ? ABSA_WHICH_MAGNITUDE : which;
    e->end[0].upper = e->end[1].upper = HUGE_VAL;
    e->threshold = a.threshold;
    e->threshold_closed = a.threshold_closed;
    e->now.peak_vectors = e->slots;
    e->now.stream = a.stream;
    e->next_stream = a.stream + 1;
    e->phase = ABSA__PHASE_PRODUCT;
    return ABSA_OK;
}

static void end(absa_eigen *e, int32_t why)
{
    e->now.stop = why;
    e->now.converged =
        why == ABSA_STOP_CONVERGED || why == ABSA_STOP_EXACT || why == ABSA_STOP_DECIDED;
    e->phase = ABSA__PHASE_ENDED;
    e->finished = 1;
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

/* Takes the product; status is this process's so far. Any failure ends the run. */
static absa_status take(absa_eigen *e, absa_status status)
{
    int exact = 0;
    int32_t stop = 0;
    double change = HUGE_VAL;
    if (e->options.rule == ABSA_RULE_POWER) {
        status = absa__power_step(e, status, &change, &exact);
    } else {
        status = absa__lanczos_step(e, status);
        if (!status)
            status = absa__lanczos_judge(e, &exact);
    }
    const int decides = e->options.rule == ABSA_RULE_DECIDE && !isnan(e->threshold);
    if (!status) {
        e->now.products++;
        if (decides)
            e->now.answer = absa__decide(e->now.answer, &e->options, &e->now, e->threshold,
                                         e->threshold_closed);
        status = ask_monitor(e, &stop);
    }
    if (status) {
        e->phase = ABSA__PHASE_ENDED;
        return status;
    }
    const int32_t why = absa__rule_stops(&e->options, &e->now, change, decides);
    if (exact)
        end(e, ABSA_STOP_EXACT);
    else if (why != ABSA_STOP_NONE)
        end(e, why);
    else if (stop)
        end(e, ABSA_STOP_MONITOR);
    else if (e->now.products == e->options.max_products)
        end(e, ABSA_STOP_BUDGET);
    else if (e->memory == ABSA_MEMORY_RESTART && e->have == e->slots - 1)
        status = absa__restart(e);
    if (status)
        e->phase = ABSA__PHASE_ENDED;
    return status;
}

static absa_status check_handle(absa_eigen *e, const char *function)
{
    if (!e)
        return ABSA_E_INVALID;
    return e->busy ? absa__fail(e->ctx, ABSA_E_BUSY,
                                "%s: called from inside the estimator's own callback", function)
                   : ABSA_OK;
}

absa_status absa_eigen_start(absa_eigen *eigen, const absa_eigen_args *args)
{
    const absa_status status = check_handle(eigen, "absa_eigen_start");
    return status ? status : begin(eigen, args);
}

absa_status absa_eigen_next(absa_eigen *eigen, const void **x, void **y)
{
    absa_status status = check_handle(eigen, "absa_eigen_next");
    if (status)
        return status;
    if (!x || !y)
        return absa__fail(eigen->ctx, ABSA_E_INVALID, "absa_eigen_next: x or y is NULL");
    if (eigen->phase == ABSA__PHASE_IDLE)
        return absa__fail(eigen->ctx, ABSA_E_STATE,
                          "absa_eigen_next: no run was started; call absa_eigen_start first");
    const int64_t in = absa__input_slot(eigen);
    const int more = eigen->phase == ABSA__PHASE_PRODUCT;
    *x = more ? eigen->slot[in] : NULL;
    *y = more ? eigen->slot[in + 1] : NULL;
    return ABSA_OK;
}

absa_status absa_eigen_put(absa_eigen *eigen)
{
    absa_status status = check_handle(eigen, "absa_eigen_put");
    if (status)
        return status;
    if (eigen->phase != ABSA__PHASE_PRODUCT)
        return absa__fail(eigen->ctx, ABSA_E_STATE, "absa_eigen_put: no product was asked for");
    return take(eigen, ABSA_OK);
}

/* Products until the run ends. */
static absa_status drive(absa_eigen *eigen, absa_operator *op, absa_eigen_result *result)
{
    absa_status status = ABSA_OK;
    while (!status && eigen->phase == ABSA__PHASE_PRODUCT) {
        const int64_t in = absa__input_slot(eigen);
        eigen->busy = 1;
        status = absa_operator_apply(op, eigen->slot[in], eigen->slot[in + 1]);
        eigen->busy = 0;
        status = take(eigen, status);
    }
    return status ? status : absa_eigen_best(eigen, result);
}

absa_status absa_eigen_run(absa_eigen *eigen, absa_operator *op, const absa_eigen_args *args,
                           absa_eigen_result *result)
{
    absa_status status = check_handle(eigen, "absa_eigen_run");
    if (status)
        return status;
    if (!op || !result)
        return absa__fail(eigen->ctx, ABSA_E_INVALID, "absa_eigen_run: %s is NULL",
                          op ? "result" : "op");
    status = absa__space_match(&eigen->space, absa__operator_space(op));
    if (!status)
        status = begin(eigen, args);
    return status ? status : drive(eigen, op, result);
}

absa_status absa_eigen_continue(absa_eigen *eigen, absa_operator *op, absa_eigen_result *result)
{
    absa_status status = check_handle(eigen, "absa_eigen_continue");
    if (status)
        return status;
    if (!op || !result)
        return absa__fail(eigen->ctx, ABSA_E_INVALID, "absa_eigen_continue: %s is NULL",
                          op ? "result" : "op");
    if (eigen->phase != ABSA__PHASE_PRODUCT)
        return absa__fail(eigen->ctx, ABSA_E_STATE,
                          "absa_eigen_continue: no run is open; start or load one first");
    status = absa__space_match(&eigen->space, absa__operator_space(op));
    return status ? status : drive(eigen, op, result);
}

absa_status absa_eigen_best(const absa_eigen *eigen, absa_eigen_result *result)
{
    if (!eigen || !result)
        return ABSA_E_INVALID;
    if (eigen->now.products == 0)
        return absa__fail(eigen->ctx, ABSA_E_STATE, "absa_eigen_best: no product was taken yet");
    return absa__struct_write(eigen->ctx, "absa_eigen_result", &eigen->now, result,
                              sizeof eigen->now);
}

absa_status absa_eigen_vector(absa_eigen *eigen, void *out)
{
    absa_status status = check_handle(eigen, "absa_eigen_vector");
    if (status)
        return status;
    if (!out)
        return absa__fail(eigen->ctx, ABSA_E_INVALID, "absa_eigen_vector: out is NULL");
    if (eigen->memory == ABSA_MEMORY_VALUE)
        return absa__fail(eigen->ctx, ABSA_E_UNSUPPORTED,
                          "absa_eigen_vector: VALUE memory keeps no vector; create the estimator "
                          "with BASIS or RESTART");
    if (!eigen->finished)
        return absa__fail(eigen->ctx, ABSA_E_STATE, "absa_eigen_vector: no run has ended");
    return absa__ritz_vector(eigen, out);
}
