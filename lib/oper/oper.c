/* The operator: one host product behind checks of its return code, its sample count and the other
 * processes. Whether the numbers it returns make sense is judged where they are used. */
#include "oper/oper.h"

#include "base/fail.h"
#include "base/structs.h"

struct absa_operator {
    absa_context *ctx;
    absa__space space;
    absa_operator_options options;
    absa_hvp_fn hvp;
    void *user;
    int64_t products;
    int busy;
};

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
    absa_status status = absa__new(context, absa_operator, &op);
    if (status)
        return status;
    op->ctx = context;
    op->hvp = hvp;
    op->user = user;
    absa_operator_options_init(&op->options, sizeof op->options);
    if (options)
        status = absa__struct_read(context, "absa_operator_options", options, &op->options,
                                   sizeof op->options);
    if (!status)
        status = absa__space_open(context, space, &op->space);
    if (!status) {
        status = check(context, &op->options,
                       op->space.given.distribution == ABSA_DISTRIBUTION_REPLICATED);
        if (status)
            absa__space_close(&op->space);
    }
    if (status) {
        absa_context_release(context, op, 1, sizeof *op);
        return status;
    }
    absa_context_retain(context);
    *out = op;
    return ABSA_OK;
}

void absa_operator_destroy(absa_operator **op)
{
    if (!op || !*op)
        return;
    absa_context *ctx = (*op)->ctx;
    absa__space_close(&(*op)->space);
    absa_context_release(ctx, *op, 1, sizeof **op);
    *op = NULL;
    absa_context_destroy(&ctx);
}

const absa__space *absa__operator_space(const absa_operator *op)
{
    return &op->space;
}

int64_t absa_operator_products(const absa_operator *op)
{
    return op ? op->products : 0;
}

/* The host's product, and the factor that turns it into this process's share of the mean. */
static absa_status call(absa_operator *op, const void *x, void *y, int64_t *samples)
{
    *samples = op->options.samples;
    absa__callback_begin(op->ctx);
    op->busy = 1;
    const int code = op->hvp(op->user, x, y, samples);
    op->busy = 0;
    if (code)
        return absa__callback_failed(op->ctx, "hvp", code);
    op->products++;
    if (*samples < 1)
        return absa__fail(op->ctx, ABSA_E_INVALID,
                          "the hvp callback covered %lld samples; an empty probe has no Hessian",
                          (long long)*samples);
    return ABSA_OK;
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
    const double rows = op->options.convention == ABSA_CONVENTION_MEAN ? (double)samples : 1.0;
    status = scale(op, rows / all, x, y);
    /* All processes reduce the vector, or none does. */
    status = absa__space_status(&op->space, status);
    if (status)
        return status;
    absa__callback_begin(op->ctx);
    op->busy = 1;
    const int code = op->options.reduce_vector(op->options.reduce_user, y);
    op->busy = 0;
    return code ? absa__callback_failed(op->ctx, "reduce_vector", code) : ABSA_OK;
}

absa_status absa_operator_apply(absa_operator *op, const void *x, void *y)
{
    if (!op || !x || !y || x == y)
        return absa__fail(op ? op->ctx : NULL, ABSA_E_INVALID, "absa_operator_apply: %s",
                          x && x == y ? "x and y are the same vector" : "x or y is NULL");
    if (op->busy)
        return absa__fail(op->ctx, ABSA_E_BUSY,
                          "absa_operator_apply: called from inside the operator's own callback");
    int64_t samples;
    absa_status status = call(op, x, y, &samples);
    if (op->space.given.distribution == ABSA_DISTRIBUTION_REPLICATED)
        return sum_over_processes(op, status, samples, x, y);
    if (status || op->options.convention == ABSA_CONVENTION_MEAN)
        return status;
    return scale(op, 1.0 / (double)samples, x, y);
}
