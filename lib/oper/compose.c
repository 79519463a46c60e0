/* Operators made of others: the sum over probe batches, and the shift. The parts check their
 * callbacks and sum over processes themselves. */
#include "oper/kinds.h"

#include "base/fail.h"

#include <math.h>

typedef struct sum {
    absa_operator **parts;
    double *weights; /* NULL: the samples that each covers */
    int64_t count;
    void *spare;
} sum;

static absa_status product_sum(absa_operator *op, const void *x, void *y, int64_t *samples)
{
    sum *s = op->state;
    double total = 0.0, covered = 0.0;
    for (int64_t k = 0; k < s->count; k++) {
        void *to = k == 0 ? y : s->spare;
        absa_status status = absa_operator_apply(s->parts[k], x, to);
        const double weight = s->weights ? s->weights[k] : s->parts[k]->covered;
        const double before = total;
        total += weight;
        covered += s->parts[k]->covered;
        /* y is the mean so far; what weighs nothing is not even read. */
        if (!status && k > 0 && weight > 0.0)
            status = absa__vector_axpby(&op->space, weight / total, to, before / total, y);
        /* The next part may have sums of its own, which must not wait for a process that failed. */
        status = absa__space_status(&op->space, status);
        if (status)
            return status;
    }
    op->products++;
    *samples = (int64_t)covered;
    return ABSA_OK;
}

static void run_sum(absa_operator *op, int open)
{
    const sum *s = op->state;
    for (int64_t k = 0; k < s->count; k++)
        absa__operator_run(s->parts[k], open);
}

/* v'Hv of a part: with half the step where it has one, else from a product. */
static absa_status part_value(absa_operator *op, absa_operator *part, void *spare, const void *v,
                              double *value)
{
    if (absa__operator_differences(part))
        return absa__operator_halved(part, v, value);
    absa_status status = absa_operator_apply(part, v, spare);
    if (!status)
        status = absa__vector_dots(&op->space, 1, &v, spare, value);
    return absa__vector_sum(&op->space, status, value, 1);
}

static absa_status halved_sum(absa_operator *op, const void *v, double *value)
{
    const sum *s = op->state;
    double total = 0.0, weighted = 0.0;
    for (int64_t k = 0; k < s->count; k++) {
        double part = 0.0;
        absa_status status = part_value(op, s->parts[k], s->spare, v, &part);
        status = absa__space_status(&op->space, status);
        if (status)
            return status;
        const double weight = s->weights ? s->weights[k] : s->parts[k]->covered;
        total += weight;
        weighted += weight * part;
    }
    op->products++;
    *value = weighted / total;
    return ABSA_OK;
}

static void close_sum(absa_operator *op)
{
    sum *s = op->state;
    absa__vector_release(&op->space, s->spare);
    absa_context_release(op->ctx, s->parts, s->count, sizeof(absa_operator *));
    absa_context_release(op->ctx, s->weights, s->count, sizeof(double));
}

static absa_status check_parts(absa_context *ctx, int64_t count, absa_operator *const *parts,
                               const double *weights)
{
    double total = 0.0;
    for (int64_t k = 0; k < count; k++) {
        if (!parts[k])
            return absa__fail(ctx, ABSA_E_INVALID, "absa_operator_sum: parts[%lld] is NULL",
                              (long long)k);
        const absa_status status = absa__space_match(&parts[0]->space, &parts[k]->space);
        if (status)
            return status;
        if (weights && (!(weights[k] >= 0.0) || !isfinite(weights[k])))
            return absa__fail(ctx, ABSA_E_INVALID,
                              "absa_operator_sum: weights[%lld] is %g, must be finite and not "
                              "negative",
                              (long long)k, weights[k]);
        total += weights ? weights[k] : 1.0;
    }
    return total > 0.0 && isfinite(total)
               ? ABSA_OK
               : absa__fail(ctx, ABSA_E_INVALID,
                            "absa_operator_sum: the weights add up to %g, must be above 0 and "
                            "finite",
                            total);
}

static absa_status fill_sum(absa_operator *op, int64_t count, absa_operator *const *parts,
                            const double *weights)
{
    sum *s = op->state;
    s->count = count;
    absa_status status =
        absa_context_alloc(op->ctx, count, sizeof(absa_operator *), (void **)&s->parts);
    if (!status && weights)
        status = absa_context_alloc(op->ctx, count, sizeof(double), (void **)&s->weights);
    if (!status)
        status = absa__vector_alloc(&op->space, &s->spare);
    if (status)
        return status;
    for (int64_t k = 0; k < count; k++) {
        s->parts[k] = parts[k];
        if (weights)
            s->weights[k] = weights[k];
        if (absa__operator_differences(parts[k]))
            op->halved = halved_sum;
    }
    return ABSA_OK;
}

absa_status absa_operator_sum(absa_context *context, int64_t count, absa_operator *const *parts,
                              const double *weights, absa_operator **out)
{
    if (!out)
        return absa__fail(context, ABSA_E_INVALID, "absa_operator_sum: out is NULL");
    *out = NULL;
    if (!context || !parts)
        return absa__fail(context, ABSA_E_INVALID, "absa_operator_sum: %s is NULL",
                          context ? "parts" : "context");
    if (count < 1)
        return absa__fail(context, ABSA_E_INVALID,
                          "absa_operator_sum: count is %lld, must be at least 1", (long long)count);
    absa_operator *op;
    absa_status status = check_parts(context, count, parts, weights);
    if (!status)
        status = absa__operator_around(context, parts[0], sizeof(sum), &op);
    if (status)
        return status;
    op->product = product_sum;
    op->run = run_sum;
    op->close = close_sum;
    status = fill_sum(op, count, parts, weights);
    if (status)
        absa_operator_destroy(&op);
    else
        *out = op;
    return status;
}

typedef struct shifted {
    absa_operator *base;
    double by;
} shifted;

static absa_status product_shift(absa_operator *op, const void *x, void *y, int64_t *samples)
{
    const shifted *s = op->state;
    const absa_status status = absa_operator_apply(s->base, x, y);
    if (status)
        return status;
    op->products++;
    *samples = (int64_t)s->base->covered;
    return absa__vector_axpby(&op->space, s->by, x, 1.0, y);
}

static void run_shift(absa_operator *op, int open)
{
    const shifted *s = op->state;
    absa__operator_run(s->base, open);
}

static absa_status halved_shift(absa_operator *op, const void *v, double *value)
{
    const shifted *s = op->state;
    double square = 0.0;
    absa_status status = absa__operator_halved(s->base, v, value);
    if (!status)
        status = absa__vector_dots(&op->space, 1, &v, v, &square);
    status = absa__vector_sum(&op->space, status, &square, 1);
    op->products++;
    *value += s->by * square;
    return status;
}

absa_status absa_operator_shift(absa_context *context, absa_operator *op, double shift,
                                absa_operator **out)
{
    if (!out)
        return absa__fail(context, ABSA_E_INVALID, "absa_operator_shift: out is NULL");
    *out = NULL;
    if (!context || !op)
        return absa__fail(context, ABSA_E_INVALID, "absa_operator_shift: %s is NULL",
                          context ? "op" : "context");
    if (!isfinite(shift))
        return absa__fail(context, ABSA_E_INVALID,
                          "absa_operator_shift: shift is %g, must be "
                          "finite",
                          shift);
    absa_operator *made;
    const absa_status status = absa__operator_around(context, op, sizeof(shifted), &made);
    if (status)
        return status;
    *(shifted *)made->state = (shifted){op, shift};
    made->product = product_shift;
    made->run = run_shift;
    made->halved = absa__operator_differences(op) ? halved_shift : NULL;
    *out = made;
    return ABSA_OK;
}
