/* The operator: a product behind checks of its sample count and the other processes, and the first
 * kind of it, the host's own product. Whether the numbers it returns make sense is judged where
 * they are used. */
#include "oper/kinds.h"

#include "base/fail.h"
#include "base/structs.h"

void absa_operator_options_init(absa_operator_options *options, size_t size)
{
    absa_operator_options o = {0};
    o.samples = 1;
    o.convention = ABSA_CONVENTION_MEAN;
    absa__struct_init(options, size, &o, sizeof o);
}

static absa_status check(absa_context *ctx, const absa_operator_options *o, int replicated)
{
    if (o->convention != ABSA_CONVENTION_MEAN && o->convention != ABSA_CONVENTION_SUM)
        return absa__fail(ctx, ABSA_E_INVALID,
                          "absa_operator_options: convention %d is neither MEAN nor SUM",
                          (int)o->convention);
    if (replicated != (o->reduce_vector != NULL))
        return absa__fail(ctx, ABSA_E_INVALID,
                          "absa_operator_options: reduce_vector must be set when the space is "
                          "replicated and NULL otherwise; it is %s",
                          replicated ? "NULL" : "set");
    return ABSA_OK;
}

/* Everything but the space and the options. */
static absa_status blank(absa_context *ctx, size_t state_size, absa_operator **out)
{
    absa_operator *op;
    absa_status status = absa__new(ctx, absa_operator, &op);
    if (status)
        return status;
    if (state_size)
        status = absa_context_alloc(ctx, 1, state_size, &op->state);
    if (status) {
        absa_context_release(ctx, op, 1, sizeof *op);
        return status;
    }
    op->ctx = absa_context_retain(ctx);
    op->state_size = state_size;
    absa_operator_options_init(&op->options, sizeof op->options);
    *out = op;
    return ABSA_OK;
}

absa_status absa__operator_new(absa_context *ctx, const absa_space *space,
                               const absa_operator_options *options, size_t state_size,
                               absa_operator **out)
{
    absa_operator *op;
    absa_status status = blank(ctx, state_size, &op);
    if (status)
        return status;
    if (options)
        status = absa__struct_read(ctx, "absa_operator_options", options, &op->options,
                                   sizeof op->options);
    if (!status)
        status = absa__space_open(ctx, space, &op->space);
    if (!status)
        status =
            check(ctx, &op->options, op->space.given.distribution == ABSA_DISTRIBUTION_REPLICATED);
    if (status)
        absa_operator_destroy(&op);
    else
        *out = op;
    return status;
}

absa_status absa__operator_around(absa_context *ctx, const absa_operator *base, size_t state_size,
                                  absa_operator **out)
{
    absa_operator *op;
    absa_status status = blank(ctx, state_size, &op);
    if (status)
        return status;
    status = absa__space_open(ctx, &base->space.given, &op->space);
    if (status)
        absa_operator_destroy(&op);
    else
        *out = op;
    return status;
}

absa_status absa__operator_samples(absa_operator *op, const char *what, int64_t samples)
{
    if (samples >= 1)
        return ABSA_OK;
    return absa__fail(op->ctx, ABSA_E_INVALID,
                      "the %s callback covered %lld samples; an empty probe has no Hessian", what,
                      (long long)samples);
}

typedef struct hvp_state {
    absa_hvp_fn hvp;
} hvp_state;

/* The host's product. */
static absa_status product_hvp(absa_operator *op, const void *x, void *y, int64_t *samples)
{
    const hvp_state *state = op->state;
    absa__callback_begin(op->ctx);
    const int code = state->hvp(op->user, x, y, samples);
    if (code)
        return absa__callback_failed(op->ctx, "hvp", code);
    op->products++;
    return absa__operator_samples(op, "hvp", *samples);
}

absa_status absa_operator_from_hvp(absa_context *context, const absa_space *space, absa_hvp_fn hvp,
                                   void *user, const absa_operator_options *options,
                                   absa_operator **out)
{
    if (!out)
        return absa__fail(context, ABSA_E_INVALID, "absa_operator_from_hvp: out is NULL");
    *out = NULL;
    if (!context || !hvp)
        return absa__fail(context, ABSA_E_INVALID, "absa_operator_from_hvp: %s is NULL",
                          context ? "hvp" : "context");
    absa_operator *op;
    absa_status status = absa__operator_new(context, space, options, sizeof(hvp_state), &op);
    if (status)
        return status;
    *(hvp_state *)op->state = (hvp_state){hvp};
    op->product = product_hvp;
    op->user = user;
    *out = op;
    return ABSA_OK;
}

void absa_operator_destroy(absa_operator **op)
{
    if (!op || !*op)
        return;
    absa_operator *o = *op;
    absa_context *ctx = o->ctx;
    if (o->close)
        o->close(o);
    absa__space_close(&o->space);
    if (o->state)
        absa_context_release(ctx, o->state, 1, o->state_size);
    absa_context_release(ctx, o, 1, sizeof *o);
    *op = NULL;
    absa_context_destroy(&ctx);
}

const absa__space *absa__operator_space(const absa_operator *op)
{
    return &op->space;
}

void absa__operator_run(absa_operator *op, int open)
{
    if (op->run)
        op->run(op, open);
}

int absa__operator_differences(const absa_operator *op)
{
    return op->halved != NULL;
}

absa_status absa__operator_halved(absa_operator *op, const void *v, double *value)
{
    if (op->busy)
        return absa__busy(op->ctx, "a product", "operator");
    op->busy = 1;
    const absa_status status = op->halved(op, v, value);
    op->busy = 0;
    return status;
}

absa_status absa__operator_gather(absa_operator *op, absa_status status, double part,
                                  int64_t samples, double *value)
{
    const int sum = op->options.convention == ABSA_CONVENTION_SUM;
    double v[2] = {part, (double)samples};
    switch (op->space.given.distribution) {
    case ABSA_DISTRIBUTION_REPLICATED:
        v[0] *= sum ? 1.0 : v[1];
        status = absa__space_sum(&op->space, status, v, 2);
        *value = v[0] / v[1];
        return status;
    case ABSA_DISTRIBUTION_SHARDED:
        status = absa__vector_sum(&op->space, status, v, 1);
        break;
    default:
        break;
    }
    *value = sum ? v[0] / v[1] : v[0];
    return status;
}

int64_t absa_operator_products(const absa_operator *op)
{
    return op ? op->products : 0;
}

/* y *= factor, with any other finite vector x of the space at hand. */
static absa_status scale(absa_operator *op, double factor, const void *x, void *y)
{
    return absa__vector_axpby(&op->space, 0.0, x, factor, y);
}

static absa_status sum_over_processes(absa_operator *op, absa_status status, int64_t samples,
                                      const void *x, void *y)
{
    double all = (double)samples;
    status = absa__space_sum(&op->space, status, &all, 1);
    if (status)
        return status;
    op->covered = all;
    const double rows = op->options.convention == ABSA_CONVENTION_MEAN ? (double)samples : 1.0;
    status = scale(op, rows / all, x, y);
    /* All processes reduce the vector, or none does. */
    status = absa__space_status(&op->space, status);
    if (status)
        return status;
    absa__callback_begin(op->ctx);
    const int code = op->options.reduce_vector(op->options.reduce_user, y);
    return code ? absa__callback_failed(op->ctx, "reduce_vector", code) : ABSA_OK;
}

absa_status absa_operator_apply(absa_operator *op, const void *x, void *y)
{
    if (!op || !x || !y || x == y)
        return absa__fail(op ? op->ctx : NULL, ABSA_E_INVALID, "absa_operator_apply: %s",
                          x && x == y ? "x and y are the same vector" : "x or y is NULL");
    if (op->busy)
        return absa__busy(op->ctx, "absa_operator_apply", "operator");
    int64_t samples = op->options.samples;
    op->busy = 1;
    absa_status status = op->product(op, x, y, &samples);
    if (op->options.reduce_vector) {
        status = sum_over_processes(op, status, samples, x, y);
    } else if (!status) {
        op->covered = (double)samples;
        if (op->options.convention == ABSA_CONVENTION_SUM)
            status = scale(op, 1.0 / (double)samples, x, y);
    }
    op->busy = 0;
    return status;
}
