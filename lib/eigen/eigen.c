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

enum {
    MOST_PRODUCTS = 1000,
    FEWEST_VECTORS = 3,
    DEFAULT_VECTORS = 8,
    FEWEST_TO_RESTART = 4,
    /* Beyond this a restart saves no products, and its dense eigenproblem begins to cost. */
    MOST_TO_RESTART = 64
};

void absa_eigen_result_init(absa_eigen_result *result, size_t size)
{
    absa_eigen_result r = {0};
    absa__struct_init(result, size, &r, sizeof r);
}

void absa_eigen_options_init(absa_eigen_options *options, size_t size)
{
    absa_eigen_options o = {0};
    o.rule = ABSA_RULE_CHECKED;
    o.memory = ABSA_MEMORY_AUTO;
    o.max_products = 60;
    o.tolerance = 1e-2;
    o.eta = 1e-2;
    absa__struct_init(options, size, &o, sizeof o);
}

void absa_eigen_args_init(absa_eigen_args *args, size_t size)
{
    absa_eigen_args a = {0};
    a.hint_weight = 1.0;
    a.threshold = (double)NAN;
    absa__struct_init(args, size, &a, sizeof a);
}

static int64_t most_vectors(const absa_eigen_options *o)
{
    return o->max_vectors != 0 ? o->max_vectors : DEFAULT_VECTORS;
}

/* The memory mode that AUTO means, and the vectors of any mode. */
static int32_t choose_memory(const absa_eigen_options *o)
{
    if (o->memory != ABSA_MEMORY_AUTO)
        return o->memory;
    if (o->rule == ABSA_RULE_POWER)
        return ABSA_MEMORY_VALUE;
    if (o->max_products + 1 <= most_vectors(o))
        return ABSA_MEMORY_BASIS;
    return most_vectors(o) < FEWEST_TO_RESTART ? ABSA_MEMORY_VALUE : ABSA_MEMORY_RESTART;
}

static int64_t slots_of(const absa_eigen_options *o, int32_t memory)
{
    const int64_t basis = o->max_products + 1;
    int64_t slots = FEWEST_VECTORS;
    if (memory == ABSA_MEMORY_BASIS && basis > slots)
        slots = basis;
    if (memory == ABSA_MEMORY_RESTART) {
        slots = most_vectors(o) < MOST_TO_RESTART ? most_vectors(o) : MOST_TO_RESTART;
        slots = basis < slots ? basis : slots;
        slots = slots < FEWEST_TO_RESTART ? FEWEST_TO_RESTART : slots;
    }
    return slots;
}

static int64_t work_length(const absa_eigen_options *o)
{
    return 4 * (o->max_products + 2);
}

static absa_status check_options(absa_context *ctx, const absa_eigen_options *o)
{
    if (o->rule < ABSA_RULE_CHECKED || o->rule > ABSA_RULE_DECIDE)
        return absa__fail(ctx, ABSA_E_INVALID, "absa_eigen_options: rule %d is unknown",
                          (int)o->rule);
    if (o->which < ABSA_WHICH_LARGEST || o->which > ABSA_WHICH_BOTH ||
        (o->rule == ABSA_RULE_DECIDE && o->which != ABSA_WHICH_LARGEST))
        return absa__fail(ctx, ABSA_E_INVALID, "absa_eigen_options: which is %d, must be %s",
                          (int)o->which,
                          o->rule == ABSA_RULE_DECIDE ? "LARGEST for DECIDE" : "0 to 3");
    if (o->memory < ABSA_MEMORY_AUTO || o->memory > ABSA_MEMORY_RESTART)
        return absa__fail(ctx, ABSA_E_INVALID, "absa_eigen_options: memory %d is unknown",
                          (int)o->memory);
    if (o->max_products < 1 || o->max_products > MOST_PRODUCTS)
        return absa__fail(ctx, ABSA_E_INVALID,
                          "absa_eigen_options: max_products is %lld, must be 1 to %d",
                          (long long)o->max_products, MOST_PRODUCTS);
    if (o->max_vectors != 0 && o->max_vectors < FEWEST_VECTORS)
        return absa__fail(ctx, ABSA_E_INVALID,
                          "absa_eigen_options: max_vectors is %lld, must be 0 or at least %d",
                          (long long)o->max_vectors, FEWEST_VECTORS);
    if (!(o->tolerance > 0.0 && o->tolerance < 1.0))
        return absa__fail(ctx, ABSA_E_INVALID,
                          "absa_eigen_options: tolerance is %g, must be above 0 and below 1",
                          o->tolerance);
    if (!(o->eta > 0.0 && o->eta <= 0.5))
        return absa__fail(ctx, ABSA_E_INVALID,
                          "absa_eigen_options: eta is %g, must be above 0 and at most 0.5", o->eta);
    const int32_t memory = choose_memory(o);
    if (memory != ABSA_MEMORY_VALUE && o->rule == ABSA_RULE_POWER)
        return absa__fail(ctx, ABSA_E_INVALID,
                          "absa_eigen_options: POWER keeps no basis; memory must be AUTO or VALUE");
    if (o->max_vectors != 0 && slots_of(o, memory) > o->max_vectors)
        return absa__fail(ctx, ABSA_E_INVALID,
                          "absa_eigen_options: %s needs %lld vectors for %lld products, "
                          "max_vectors is %lld",
                          memory == ABSA_MEMORY_BASIS ? "BASIS" : "RESTART",
                          (long long)slots_of(o, memory), (long long)o->max_products,
                          (long long)o->max_vectors);
    if ((o->keep_hint != 0 && o->keep_hint != 1) || (o->keep_hint && memory == ABSA_MEMORY_VALUE))
        return absa__fail(
            ctx, ABSA_E_INVALID,
            "absa_eigen_options: keep_hint is %d; it must be 0, or 1 with BASIS or RESTART "
            "memory",
            (int)o->keep_hint);
    return ABSA_OK;
}

static absa_status read_options(absa_context *ctx, const absa_eigen_options *given,
                                absa_eigen_options *o)
{
    absa_eigen_options_init(o, sizeof *o);
    absa_status status =
        given ? absa__struct_read(ctx, "absa_eigen_options", given, o, sizeof *o) : ABSA_OK;
    return status ? status : check_options(ctx, o);
}

absa_status absa_eigen_memory(const absa_space *space, const absa_eigen_options *options,
                              int64_t *vectors, int64_t *bytes)
{
    absa_eigen_options o;
    absa_status status = read_options(NULL, options, &o);
    absa__space s;
    if (!status)
        status = absa__space_open(NULL, space, &s);
    if (status)
        return status;
    const int64_t slots = slots_of(&o, choose_memory(&o));
    const int64_t each = absa__space_vector_bytes(&s.given);
    if (each > (INT64_MAX - (1 << 20)) / slots)
        return ABSA_E_MEMORY;
    if (vectors)
        *vectors = slots;
    if (bytes)
        *bytes = (int64_t)sizeof(absa_eigen) + slots * (each + (int64_t)sizeof(void *)) +
                 (slots + 2 * o.max_products + work_length(&o) +
                  absa__restart_doubles(choose_memory(&o), slots, o.max_products)) *
                     (int64_t)sizeof(double) +
                 s.given.segment_count * (int64_t)sizeof(int64_t);
    return ABSA_OK;
}

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
    absa_context_release(ctx, e->work, work_length(&e->options), sizeof(double));
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
        status =
            absa_context_alloc(e->ctx, work_length(&e->options), sizeof(double), (void **)&e->work);
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
    absa_status status = read_options(context, options, &o);
    absa_eigen *e;
    if (!status)
        status = absa__new(context, absa_eigen, &e);
    if (status)
        return status;
    e->ctx = absa_context_retain(context);
    e->options = o;
    e->memory = choose_memory(&o);
    e->slots = slots_of(&o, e->memory);
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
    if (!status)
        status = absa__start_vector(e, a.stream, a.hint, a.hint_weight);
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
    while (!status && eigen->phase == ABSA__PHASE_PRODUCT) {
        const int64_t in = absa__input_slot(eigen);
        eigen->busy = 1;
        status = absa_operator_apply(op, eigen->slot[in], eigen->slot[in + 1]);
        eigen->busy = 0;
        status = take(eigen, status);
    }
    return status ? status : absa_eigen_best(eigen, result);
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
