/* Gauss-Newton products: J v by a central difference of the outputs, the loss's Hessian in the
 * outputs row by row, and the host's backward pass. The outputs at theta are taken for the mean of
 * those at both ends of the difference, which saves the third forward pass. */
#include "oper/displace.h"
#include "oper/kinds.h"

#include "base/fail.h"
#include "base/structs.h"

#include <math.h>

typedef struct gauss_newton {
    absa__displacement moved;
    absa_gauss_newton_options o;
    double *z, *w, *u, *ahead; /* each rows x outputs, of one block */
} gauss_newton;

void absa_gauss_newton_options_init(absa_gauss_newton_options *options, size_t size)
{
    absa_gauss_newton_options o = {0};
    o.step = 2.5e-3;
    absa__struct_init(options, size, &o, sizeof o);
}

static absa_status outputs_at(absa_operator *op, double *z, int64_t *rows)
{
    const gauss_newton *g = op->state;
    *rows = g->o.rows;
    absa__callback_begin(op->ctx);
    const int code = g->o.forward(op->user, g->moved.theta, z, rows);
    if (code)
        return absa__callback_failed(op->ctx, "forward", code);
    if (*rows > g->o.rows)
        return absa__fail(op->ctx, ABSA_E_INVALID,
                          "the forward callback wrote %lld rows, where %lld have room",
                          (long long)*rows, (long long)g->o.rows);
    return absa__operator_samples(op, "forward", *rows);
}

/* u = L w for one sample. */
static void curve_softmax(int64_t k, const double *z, const double *w, double *u)
{
    int64_t best = 0;
    double sum = 0.0, mean = 0.0;
    for (int64_t i = 1; i < k; i++)
        best = z[i] > z[best] ? i : best;
    /* What all outputs have in common does not count. Without that of the likeliest nothing is lost
     * where the others have next to no probability. */
    for (int64_t i = 0; i < k; i++) {
        u[i] = exp(z[i] - z[best]);
        sum += u[i];
        mean += u[i] * (w[i] - w[best]);
    }
    mean /= sum;
    for (int64_t i = 0; i < k; i++)
        u[i] = u[i] / sum * (w[i] - w[best] - mean);
}

static void curve_logistic(int64_t k, const double *z, const double *w, double *u)
{
    for (int64_t i = 0; i < k; i++) {
        /* p (1 - p) is even in z: the side that does not overflow. */
        const double e = exp(-fabs(z[i]));
        u[i] = e / ((1.0 + e) * (1.0 + e)) * w[i];
    }
}

static absa_status curve(absa_operator *op, int64_t rows)
{
    const gauss_newton *g = op->state;
    const int64_t k = g->o.outputs;
    if (g->o.loss == ABSA_OUTPUT_HOST) {
        absa__callback_begin(op->ctx);
        const int code = g->o.curvature(op->user, rows, g->z, g->w, g->u);
        if (code)
            return absa__callback_failed(op->ctx, "curvature", code);
    } else {
        for (int64_t i = 0; i < rows * k; i += k) {
            if (g->o.loss == ABSA_OUTPUT_SOFTMAX)
                curve_softmax(k, g->z + i, g->w + i, g->u + i);
            else if (g->o.loss == ABSA_OUTPUT_LOGISTIC)
                curve_logistic(k, g->z + i, g->w + i, g->u + i);
            else
                for (int64_t j = i; j < i + k; j++)
                    g->u[j] = g->w[j];
        }
    }
    for (int64_t i = 0; i < rows * k; i++)
        g->u[i] /= (double)rows;
    return ABSA_OK;
}

static absa_status pull_back(absa_operator *op, int64_t rows, void *y)
{
    const gauss_newton *g = op->state;
    absa__callback_begin(op->ctx);
    const int code = g->o.backward(op->user, g->moved.theta, g->u, rows, y);
    if (code)
        return absa__callback_failed(op->ctx, "backward", code);
    op->products++;
    return ABSA_OK;
}

/* w = J v and z, from the outputs at both ends of a step of length h. */
static absa_status difference_of_outputs(absa_operator *op, double h, const void *v, int64_t *rows)
{
    gauss_newton *g = op->state;
    int64_t behind = 0;
    absa_status status = absa__displace_to(&op->space, &g->moved, h, v);
    if (!status)
        status = outputs_at(op, g->ahead, rows);
    if (!status)
        status = absa__displace_to(&op->space, &g->moved, -h, v);
    if (!status)
        status = outputs_at(op, g->z, &behind);
    status = absa__displace_end(&op->space, &g->moved, status);
    if (status)
        return status;
    if (*rows != behind)
        return absa__fail(op->ctx, ABSA_E_INVALID,
                          "the forward callback covered %lld rows and then %lld; they must be of "
                          "one batch",
                          (long long)*rows, (long long)behind);
    for (int64_t i = 0; i < behind * g->o.outputs; i++) {
        g->w[i] = (g->ahead[i] - g->z[i]) / (2.0 * h);
        g->z[i] = 0.5 * (g->ahead[i] + g->z[i]);
    }
    return curve(op, behind);
}

static absa_status product(absa_operator *op, const void *x, void *y, int64_t *samples)
{
    gauss_newton *g = op->state;
    double h;
    absa_status status = absa__displace_begin(&op->space, &g->moved, x, &h);
    if (status)
        return status;
    if (h == 0.0) {
        op->products++;
        return absa__vector_axpby(&op->space, 0.0, x, 0.0, y);
    }
    status = difference_of_outputs(op, h, x, samples);
    return status ? status : pull_back(op, *samples, y);
}

/* v'Gv = w'u: no backward pass. Shards of the parameters share the outputs, and this sum with them:
 * the one with the first parameter gives it. */
static absa_status halved(absa_operator *op, const void *v, double *value)
{
    gauss_newton *g = op->state;
    double h, sum = 0.0;
    int64_t rows = 1;
    absa_status status = absa__displace_begin(&op->space, &g->moved, v, &h);
    if (status)
        return status;
    status = difference_of_outputs(op, 0.5 * h, v, &rows);
    op->products++;
    const absa_space *s = &op->space.given;
    const int counts = s->distribution != ABSA_DISTRIBUTION_SHARDED || (s->first == 0 && s->n > 0);
    for (int64_t i = 0; i < rows * g->o.outputs && counts && !status; i++)
        sum += g->w[i] * g->u[i];
    return absa__operator_gather(op, status, sum, rows, value);
}

static void close_gauss_newton(absa_operator *op)
{
    gauss_newton *g = op->state;
    absa__vector_release(&op->space, g->moved.snapshot);
    absa_context_release(op->ctx, g->z, 4 * g->o.rows * g->o.outputs, sizeof(double));
}

static absa_status check(absa_context *ctx, const absa_gauss_newton_options *o)
{
    const char *what = !o->forward    ? "forward is NULL"
                       : !o->backward ? "backward is NULL"
                       : (o->loss == ABSA_OUTPUT_HOST) != (o->curvature != NULL)
                           ? "curvature must be set for loss HOST and NULL for all others"
                           : NULL;
    if (what)
        return absa__fail(ctx, ABSA_E_INVALID, "absa_gauss_newton_options: %s", what);
    if (o->rows < 1 || o->outputs < 1)
        return absa__fail(ctx, ABSA_E_INVALID,
                          "absa_gauss_newton_options: rows is %lld and outputs is %lld, both must "
                          "be at least 1",
                          (long long)o->rows, (long long)o->outputs);
    if (o->outputs > INT64_MAX / 4 / o->rows)
        return absa__fail(ctx, ABSA_E_MEMORY,
                          "absa_gauss_newton_options: no memory for %lld rows of %lld outputs",
                          (long long)o->rows, (long long)o->outputs);
    if (o->loss < ABSA_OUTPUT_SOFTMAX || o->loss > ABSA_OUTPUT_HOST)
        return absa__fail(ctx, ABSA_E_INVALID,
                          "absa_gauss_newton_options: loss is %d, must be %d "
                          "to %d",
                          (int)o->loss, ABSA_OUTPUT_SOFTMAX, ABSA_OUTPUT_HOST);
    return absa__displace_check(ctx, "absa_gauss_newton_options", o->step, o->scale);
}

absa_status absa_operator_from_gauss_newton(absa_context *context, const absa_space *space,
                                            void *theta, const absa_gauss_newton_options *given,
                                            void *user, const absa_operator_options *options,
                                            absa_operator **out)
{
    if (!out)
        return absa__fail(context, ABSA_E_INVALID, "absa_operator_from_gauss_newton: out is NULL");
    *out = NULL;
    if (!context || !theta || !given)
        return absa__fail(context, ABSA_E_INVALID, "absa_operator_from_gauss_newton: %s is NULL",
                          !context ? "context"
                          : !theta ? "theta"
                                   : "gauss_newton");
    absa_gauss_newton_options o;
    absa_operator *op;
    absa_gauss_newton_options_init(&o, sizeof o);
    absa_status status =
        absa__struct_read(context, "absa_gauss_newton_options", given, &o, sizeof o);
    if (!status)
        status = check(context, &o);
    if (!status)
        status = absa__operator_new(context, space, options, sizeof(gauss_newton), &op);
    if (status)
        return status;
    gauss_newton *g = op->state;
    g->moved = (absa__displacement){.theta = theta, .step = o.step, .scale = o.scale};
    g->o = o;
    op->options.convention = ABSA_CONVENTION_MEAN; /* u is divided by the rows */
    op->product = product;
    op->halved = halved;
    op->close = close_gauss_newton;
    op->user = user;
    const int64_t size = o.rows * o.outputs;
    status = absa_context_alloc(context, 4 * size, sizeof(double), (void **)&g->z);
    if (!status) {
        g->w = g->z + size;
        g->u = g->w + size;
        g->ahead = g->u + size;
        status = absa__vector_alloc(&op->space, &g->moved.snapshot);
    }
    if (status)
        absa_operator_destroy(&op);
    else
        *out = op;
    return status;
}
