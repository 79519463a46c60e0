/* The estimator's handle: takes all memory, answers the host, and hands products to the run. What a
 * run does with them is eigen_run.c's. */
#include "eigen/eigen_impl.h"

#include "base/fail.h"
#include "base/structs.h"
#include "oper/oper.h"

#include <absa/random.h>

#include <math.h>

/* Elements at each end of a host's random vector that are checked. */
enum { CHECKED = 16 };

void absa_eigen_destroy(absa_eigen **eigen)
{
    if (!eigen || !*eigen)
        return;
    absa_eigen *e = *eigen;
    absa_context *ctx = e->ctx;
    const absa__sizes *z = &e->sizes;
    const int64_t n = e->space.given.n > 0 ? e->space.given.n : 1;
    *eigen = NULL;
    for (int64_t i = 0; e->slot && i < e->slots; i++)
        absa__vector_release(&e->space, e->slot[i]);
    for (int64_t i = 0; e->stored && i < z->stored; i++)
        absa_context_release(ctx, e->stored[i], n, sizeof(uint16_t));
    absa_context_release(ctx, e->stored, z->stored, sizeof(uint16_t *));
    absa_context_release(ctx, e->pair, z->pairs, sizeof(absa__pair));
    absa_context_release(ctx, e->dense, z->dense, sizeof(double));
    absa_context_release(ctx, e->work, z->work, sizeof(double));
    absa_context_release(ctx, e->beta, e->options.max_products, sizeof(double));
    absa_context_release(ctx, e->alpha, e->options.max_products, sizeof(double));
    absa_context_release(ctx, e->length, e->slots, sizeof(double));
    absa_context_release(ctx, e->slot, e->slots, sizeof(void *));
    absa__space_close(&e->space);
    absa_context_release(ctx, e, 1, sizeof *e);
    absa_context_destroy(&ctx);
}

static absa_status take_doubles(absa_eigen *e, int64_t count, double **out)
{
    return absa_context_alloc(e->ctx, count, sizeof(double), (void **)out);
}

/* Vectors of two bytes an element, contiguous whatever the space's segments. */
static absa_status take_stored(absa_eigen *e)
{
    const int64_t n = e->space.given.n > 0 ? e->space.given.n : 1;
    if (e->sizes.stored == 0)
        return ABSA_OK;
    absa_status status =
        absa_context_alloc(e->ctx, e->sizes.stored, sizeof(uint16_t *), (void **)&e->stored);
    for (int64_t i = 0; i < e->sizes.stored && !status; i++)
        status = absa_context_alloc(e->ctx, n, sizeof(uint16_t), (void **)&e->stored[i]);
    return status;
}

static absa_status take_memory(absa_eigen *e)
{
    const absa__sizes *z = &e->sizes;
    absa_status status = absa_context_alloc(e->ctx, e->slots, sizeof(void *), (void **)&e->slot);
    if (!status)
        status = take_doubles(e, e->slots, &e->length);
    if (!status)
        status = take_doubles(e, e->options.max_products, &e->alpha);
    if (!status)
        status = take_doubles(e, e->options.max_products, &e->beta);
    if (!status)
        status = take_doubles(e, z->work, &e->work);
    if (!status)
        status = take_doubles(e, z->dense, &e->dense);
    if (!status)
        status = absa_context_alloc(e->ctx, z->pairs, sizeof(absa__pair), (void **)&e->pair);
    if (status)
        return status;
    e->ritz = e->work + 4 * z->room;
    e->ritz_residual = e->ritz + z->room;
    absa__restart_layout(e);
    for (int64_t i = 0; i < e->slots && !status; i++)
        status = absa__vector_alloc(&e->space, &e->slot[i]);
    return status ? status : take_stored(e);
}

/* Compares elements [first, first + count) of a vector that the host's table filled with what they
 * have to be. Sines and cosines differ by a few units in the last place between machines; another
 * formula, seed, stream or offset differs in the first digit. */
static absa_status check_fill(absa_eigen *e, const void *v, int64_t first, int64_t count)
{
    double got[CHECKED], want[CHECKED];
    absa_status status = absa__vector_read(&e->space, v, first, count, got);
    if (status)
        return status;
    absa_random_gaussian_f64(e->options.seed, 0, e->space.given.first + first, count, want);
    for (int64_t i = 0; i < count; i++)
        if (!(fabs(got[i] - want[i]) <= 1e-4 * (1.0 + fabs(want[i]))))
            return absa__fail(e->ctx, ABSA_E_INVALID,
                              "absa_vector_ops: gaussian put %.9g where element %lld of the "
                              "sequence of absa/random.h is %.9g",
                              got[i], (long long)(e->space.given.first + first + i), want[i]);
    return ABSA_OK;
}

/* The bounds hang on the start vector's being what it is taken for. */
static absa_status check_gaussian(absa_eigen *e)
{
    const int64_t n = e->space.given.n, count = n < CHECKED ? n : CHECKED;
    if (!e->space.given.ops || !e->space.ops.read || n == 0)
        return ABSA_OK;
    absa_status status = absa__vector_gaussian(&e->space, e->options.seed, 0, e->slot[0]);
    if (!status)
        status = check_fill(e, e->slot[0], 0, count);
    return status ? status : check_fill(e, e->slot[0], n - count, count);
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
    e->sizes = absa__eigen_sizes(&o);
    e->slots = e->sizes.slots;
    status = absa__space_open(context, space, &e->space);
    if (!status)
        status = absa__eigen_check_space(context, &e->space, &o);
    if (!status)
        status = take_memory(e);
    if (!status)
        status = check_gaussian(e);
    if (status)
        absa_eigen_destroy(&e);
    *out = e;
    return status;
}

absa_status absa__eigen_check(absa_eigen *e, const char *function)
{
    if (!e)
        return ABSA_E_INVALID;
    return e->busy ? absa__busy(e->ctx, function, "estimator") : ABSA_OK;
}

absa_status absa_eigen_start(absa_eigen *eigen, const absa_eigen_args *args)
{
    const absa_status status = absa__eigen_check(eigen, "absa_eigen_start");
    return status ? status : absa__eigen_begin(eigen, args);
}

absa_status absa_eigen_next(absa_eigen *eigen, const void **x, void **y)
{
    absa_status status = absa__eigen_check(eigen, "absa_eigen_next");
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
    absa_status status = absa__eigen_check(eigen, "absa_eigen_put");
    if (status)
        return status;
    if (eigen->phase != ABSA__PHASE_PRODUCT)
        return absa__fail(eigen->ctx, ABSA_E_STATE, "absa_eigen_put: no product was asked for");
    return absa__eigen_take(eigen, ABSA_OK);
}

/* Products until the run ends. */
static absa_status drive(absa_eigen *eigen, absa_operator *op, absa_eigen_result *result)
{
    absa_status status = ABSA_OK;
    eigen->now.heuristic = absa__operator_differences(op);
    absa__operator_run(op, 1);
    while (!status && eigen->phase == ABSA__PHASE_PRODUCT) {
        const int64_t in = absa__input_slot(eigen);
        eigen->busy = 1;
        status = absa_operator_apply(op, eigen->slot[in], eigen->slot[in + 1]);
        eigen->busy = 0;
        status = absa__eigen_take(eigen, status);
    }
    absa__operator_run(op, 0);
    if (!status && eigen->now.heuristic)
        status = absa__differences_widen(eigen, op);
    return status ? status : absa_eigen_best(eigen, result);
}

absa_status absa_eigen_run(absa_eigen *eigen, absa_operator *op, const absa_eigen_args *args,
                           absa_eigen_result *result)
{
    absa_status status = absa__eigen_check(eigen, "absa_eigen_run");
    if (status)
        return status;
    if (!op || !result)
        return absa__fail(eigen->ctx, ABSA_E_INVALID, "absa_eigen_run: %s is NULL",
                          op ? "result" : "op");
    status = absa__space_match(&eigen->space, absa__operator_space(op));
    if (!status)
        status = absa__eigen_begin(eigen, args);
    return status ? status : drive(eigen, op, result);
}

absa_status absa_eigen_continue(absa_eigen *eigen, absa_operator *op, absa_eigen_result *result)
{
    absa_status status = absa__eigen_check(eigen, "absa_eigen_continue");
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

/* Pairs are kept sorted from the outside in; those of one interval lie side by side but for fresh
 * ones, which belong to the first that holds them. */
static int64_t cluster_of(const absa_eigen *e, int64_t index)
{
    const absa__pair *p = &e->pair[index];
    for (int64_t i = 0; i < index; i++) {
        const absa__pair *q = &e->pair[i];
        if (q->from_below != p->from_below)
            continue;
        if (p->fresh ? q->lower <= p->value && p->value <= q->upper
                     : q->lower == p->lower && q->upper == p->upper)
            return i;
    }
    return index;
}

absa_status absa_eigen_pair(const absa_eigen *eigen, int64_t index, absa_pair *pair)
{
    if (!eigen || !pair)
        return ABSA_E_INVALID;
    if (eigen->now.products == 0)
        return absa__fail(eigen->ctx, ABSA_E_STATE, "absa_eigen_pair: no product was taken yet");
    if (index < 0 || index >= eigen->now.pairs)
        return absa__fail(eigen->ctx, ABSA_E_INVALID,
                          "absa_eigen_pair: index is %lld, there are %lld pairs", (long long)index,
                          (long long)eigen->now.pairs);
    const absa__pair *p = &eigen->pair[index];
    const absa_pair out = {.value = p->value,
                           .lower = p->lower,
                           .upper = p->upper,
                           .residual = p->residual,
                           .cluster = cluster_of(eigen, index),
                           .from_below = p->from_below,
                           .fresh = p->fresh};
    return absa__struct_write(eigen->ctx, "absa_pair", &out, pair, sizeof out);
}

absa_status absa_eigen_pair_vector(absa_eigen *eigen, int64_t index, void *out)
{
    absa_status status = absa__eigen_check(eigen, "absa_eigen_pair_vector");
    if (status)
        return status;
    if (!out)
        return absa__fail(eigen->ctx, ABSA_E_INVALID, "absa_eigen_pair_vector: out is NULL");
    if (eigen->memory == ABSA_MEMORY_VALUE)
        return absa__fail(eigen->ctx, ABSA_E_UNSUPPORTED,
                          "absa_eigen_pair_vector: VALUE memory keeps no vector; create the "
                          "estimator with BASIS, RESTART or TWO_PASS");
    if (!eigen->finished || (eigen->memory == ABSA_MEMORY_TWO_PASS && !eigen->has_vector))
        return absa__fail(eigen->ctx, ABSA_E_STATE, "absa_eigen_pair_vector: %s",
                          eigen->finished ? "the run ended before its second pass did"
                                          : "no run has ended");
    if (index < 0 || index >= eigen->now.pairs)
        return absa__fail(eigen->ctx, ABSA_E_INVALID,
                          "absa_eigen_pair_vector: index is %lld, there are %lld pairs",
                          (long long)index, (long long)eigen->now.pairs);
    return absa__ritz_sum(eigen, index, 1, out);
}

absa_status absa_eigen_vector(absa_eigen *eigen, void *out)
{
    return absa_eigen_pair_vector(eigen, 0, out);
}
