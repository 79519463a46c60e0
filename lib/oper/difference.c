/* Products from gradients: H v is the change of the gradient along v over a finite step. What the
 * step is worth on a network with kinks is the estimator's to measure, which has it halved. */
#include "oper/displace.h"
#include "oper/kinds.h"

#include "base/fail.h"
#include "base/structs.h"

typedef struct difference {
    absa__displacement moved;
    absa_gradient_fn gradient;
    void *other; /* the second gradient; FORWARD: that at theta, kept during a run */
    int64_t other_samples;
    int32_t scheme;
    int open, kept;
} difference;

void absa_difference_options_init(absa_difference_options *options, size_t size)
{
    absa_difference_options o = {0};
    o.step = 2.5e-3;
    absa__struct_init(options, size, &o, sizeof o);
}

static absa_status gradient_at(absa_operator *op, void *g, int64_t *samples)
{
    const difference *d = op->state;
    *samples = op->options.samples;
    absa__callback_begin(op->ctx);
    const int code = d->gradient(op->user, d->moved.theta, g, samples);
    if (code)
        return absa__callback_failed(op->ctx, "gradient", code);
    return absa__operator_samples(op, "gradient", *samples);
}

/* The gradient at theta, for forward differences: once in a run, in which theta does not move. */
static absa_status gradient_here(absa_operator *op)
{
    difference *d = op->state;
    if (d->kept)
        return ABSA_OK;
    const absa_status status = gradient_at(op, d->other, &d->other_samples);
    d->kept = d->open && !status;
    return status;
}

static absa_status product(absa_operator *op, const void *x, void *y, int64_t *samples)
{
    difference *d = op->state;
    const int central = d->scheme == ABSA_SCHEME_CENTRAL;
    double h;
    absa_status status = absa__displace_begin(&op->space, &d->moved, x, &h);
    if (status)
        return status;
    if (h == 0.0) {
        op->products++;
        return absa__vector_axpby(&op->space, 0.0, x, 0.0, y);
    }
    if (!central)
        status = gradient_here(op);
    if (!status)
        status = absa__displace_to(&op->space, &d->moved, h, x);
    if (!status)
        status = gradient_at(op, y, samples);
    if (!status && central)
        status = absa__displace_to(&op->space, &d->moved, -h, x);
    if (!status && central)
        status = gradient_at(op, d->other, &d->other_samples);
    status = absa__displace_end(&op->space, &d->moved, status);
    if (status)
        return status;
    if (*samples != d->other_samples)
        return absa__fail(op->ctx, ABSA_E_INVALID,
                          "the gradients of one product covered %lld and %lld samples; they must "
                          "be of one batch",
                          (long long)*samples, (long long)d->other_samples);
    op->products++;
    const double each = 1.0 / (central ? 2.0 * h : h);
    return absa__vector_axpby(&op->space, -each, d->other, each, y);
}

static void run(absa_operator *op, int open)
{
    difference *d = op->state;
    d->open = open;
    d->kept = 0;
}

/* v'g at theta + h v, which takes the place of the other gradient. */
static absa_status slope_at(absa_operator *op, double h, const void *v, int64_t *samples,
                            double *slope)
{
    difference *d = op->state;
    absa_status status = absa__displace_to(&op->space, &d->moved, h, v);
    if (!status)
        status = gradient_at(op, d->other, samples);
    if (!status)
        status = absa__vector_dots(&op->space, 1, &v, d->other, slope);
    return status;
}

static absa_status halved(absa_operator *op, const void *v, double *value)
{
    difference *d = op->state;
    double h, ahead = 0.0, behind = 0.0;
    int64_t samples = 1;
    absa_status status = absa__displace_begin(&op->space, &d->moved, v, &h);
    if (status)
        return status;
    d->kept = 0;
    h *= 0.5;
    status = slope_at(op, h, v, &samples, &ahead);
    if (!status)
        status = slope_at(op, d->scheme == ABSA_SCHEME_CENTRAL ? -h : 0.0, v, &samples, &behind);
    status = absa__displace_end(&op->space, &d->moved, status);
    op->products++;
    const double each = 1.0 / (d->scheme == ABSA_SCHEME_CENTRAL ? 2.0 * h : h);
    return absa__operator_gather(op, status, each * (ahead - behind), samples, value);
}

static void close_difference(absa_operator *op)
{
    difference *d = op->state;
    absa__vector_release(&op->space, d->moved.snapshot);
    absa__vector_release(&op->space, d->other);
}

static absa_status read_options(absa_context *ctx, const absa_difference_options *given,
                                absa_difference_options *o)
{
    absa_difference_options_init(o, sizeof *o);
    absa_status status = ABSA_OK;
    if (given)
        status = absa__struct_read(ctx, "absa_difference_options", given, o, sizeof *o);
    if (!status && o->scheme != ABSA_SCHEME_CENTRAL && o->scheme != ABSA_SCHEME_FORWARD)
        status = absa__fail(ctx, ABSA_E_INVALID,
                            "absa_difference_options: scheme %d is neither CENTRAL nor FORWARD",
                            (int)o->scheme);
    return status ? status
                  : absa__displace_check(ctx, "absa_difference_options", o->step, o->scale);
}

absa_status absa_operator_from_gradient(absa_context *context, const absa_space *space, void *theta,
                                        absa_gradient_fn gradient, void *user,
                                        const absa_difference_options *differences,
                                        const absa_operator_options *options, absa_operator **out)
{
    if (!out)
        return absa__fail(context, ABSA_E_INVALID, "absa_operator_from_gradient: out is NULL");
    *out = NULL;
    if (!context || !theta || !gradient)
        return absa__fail(context, ABSA_E_INVALID, "absa_operator_from_gradient: %s is NULL",
                          !context ? "context"
                          : !theta ? "theta"
                                   : "gradient");
    absa_difference_options o;
    absa_operator *op;
    absa_status status = read_options(context, differences, &o);
    if (!status)
        status = absa__operator_new(context, space, options, sizeof(difference), &op);
    if (status)
        return status;
    difference *d = op->state;
    d->moved = (absa__displacement){.theta = theta, .step = o.step, .scale = o.scale};
    d->gradient = gradient;
    d->scheme = o.scheme;
    op->product = product;
    op->run = run;
    op->halved = halved;
    op->close = close_difference;
    op->user = user;
    status = absa__vector_alloc(&op->space, &d->moved.snapshot);
    if (!status)
        status = absa__vector_alloc(&op->space, &d->other);
    if (status)
        absa_operator_destroy(&op);
    else
        *out = op;
    return status;
}
