#include "support/losses.h"

#include <math.h>
#include <string.h>

static double data(int64_t i, int64_t j)
{
    return sin(1.0 + 3.7 * (double)i + 1.3 * (double)j * (double)(i % 5 + 1));
}

loss_host loss_whole(int32_t element)
{
    return (loss_host){.element = element, .rows = LOSS_ROWS, .n = LOSS_N};
}

double loss_at(const loss_host *h, const void *vector, int64_t i)
{
    return h->element == ABSA_ELEMENT_F64 ? ((const double *)vector)[i]
                                          : (double)((const float *)vector)[i];
}

static void put(const loss_host *h, void *vector, int64_t i, double value)
{
    if (h->element == ABSA_ELEMENT_F64)
        ((double *)vector)[i] = value;
    else
        ((float *)vector)[i] = (float)value;
}

/* Element i of the whole vector, of which this process has a part. */
static double whole_at(const loss_host *h, const void *vector, int64_t i)
{
    return i >= h->offset && i < h->offset + h->n ? loss_at(h, vector, i - h->offset) : h->other[i];
}

void loss_fill(const loss_host *h, void *theta, void *v)
{
    for (int64_t i = 0; i < h->n; i++) {
        put(h, theta, i, 0.3 * cos(2.0 + (double)(h->offset + i)));
        put(h, v, i, cos(5.0 * (double)(h->offset + i)));
    }
}

static int begin(loss_host *h, int64_t *samples)
{
    h->calls++;
    if (h->reenter) {
        double x[LOSS_N] = {1.0}, y[LOSS_N];
        h->reentered = absa_operator_apply(h->reenter, x, y);
    }
    *samples = h->rows + (h->more_at > 0 && h->calls >= h->more_at);
    return h->calls == h->fail_at ? 7 : 0;
}

static double margin(const loss_host *h, const void *theta, int64_t i)
{
    double t = 0.0;
    for (int64_t j = 0; j < LOSS_N; j++)
        t += data(i, j) * whole_at(h, theta, j);
    return t;
}

static int gradient(loss_host *h, const void *theta, void *g, int64_t *samples, int kinked)
{
    double sum[LOSS_N] = {0.0};
    const int code = begin(h, samples);
    for (int64_t i = h->first; i < h->first + h->rows; i++) {
        const double t = margin(h, theta, i);
        const double slope = kinked ? (t > 0.0) - (t < 0.0) : 1.0 / (1.0 + exp(-t));
        for (int64_t j = 0; j < h->n; j++)
            sum[j] += slope * data(i, h->offset + j);
    }
    const int nan = h->nan_at > 0 && h->calls >= h->nan_at;
    for (int64_t j = 0; j < h->n; j++)
        put(h, g, j, nan ? (double)NAN : sum[j] / (h->sum ? 1.0 : (double)h->rows));
    return code;
}

int loss_gradient(void *user, const void *theta, void *g, int64_t *samples)
{
    return gradient(user, theta, g, samples, 0);
}

int kinked_gradient(void *user, const void *theta, void *g, int64_t *samples)
{
    return gradient(user, theta, g, samples, 1);
}

void loss_product(const loss_host *h, const void *theta, const void *v, double hv[LOSS_N])
{
    memset(hv, 0, LOSS_N * sizeof *hv);
    for (int64_t i = 0; i < LOSS_ROWS; i++) {
        const double p = 1.0 / (1.0 + exp(-margin(h, theta, i)));
        const double c = p * (1.0 - p) * margin(h, v, i) / LOSS_ROWS;
        for (int64_t j = 0; j < LOSS_N; j++)
            hv[j] += c * data(i, j);
    }
}

static double output(const loss_host *h, const void *theta, int64_t i, int64_t k)
{
    double t = 0.0;
    for (int64_t j = 0; j < LOSS_D; j++)
        t += data(i, j) * whole_at(h, theta, k * LOSS_D + j);
    return tanh(t);
}

int outputs_forward(void *user, const void *theta, double *z, int64_t *rows)
{
    loss_host *h = user;
    const int code = begin(h, rows);
    const int nan = h->nan_at > 0 && h->calls >= h->nan_at;
    for (int64_t i = 0; i < h->rows; i++)
        for (int64_t k = 0; k < LOSS_OUTPUTS; k++)
            z[i * LOSS_OUTPUTS + k] = nan ? (double)NAN : output(h, theta, h->first + i, k);
    return code;
}

int outputs_backward(void *user, const void *theta, const double *u, int64_t rows, void *g)
{
    loss_host *h = user;
    int64_t samples;
    const int code = begin(h, &samples);
    for (int64_t j = 0; j < h->n; j++) {
        const int64_t k = (h->offset + j) / LOSS_D, column = (h->offset + j) % LOSS_D;
        double sum = 0.0;
        for (int64_t i = 0; i < rows; i++) {
            const double z = output(h, theta, h->first + i, k);
            sum += u[i * LOSS_OUTPUTS + k] * (1.0 - z * z) * data(h->first + i, column);
        }
        put(h, g, j, sum);
    }
    return code;
}

void outputs_jvp(const loss_host *h, const void *theta, const void *v, double *jv)
{
    for (int64_t i = 0; i < LOSS_ROWS; i++)
        for (int64_t k = 0; k < LOSS_OUTPUTS; k++) {
            const double z = output(h, theta, i, k);
            double t = 0.0;
            for (int64_t j = 0; j < LOSS_D; j++)
                t += data(i, j) * whole_at(h, v, k * LOSS_D + j);
            jv[i * LOSS_OUTPUTS + k] = (1.0 - z * z) * t;
        }
}

double loss_error(const loss_host *h, const double want[LOSS_N], const void *y)
{
    double wrong = 0.0, length = 0.0;
    for (int i = 0; i < LOSS_N; i++) {
        const double d = want[i] - loss_at(h, y, i);
        wrong += d * d;
        length += want[i] * want[i];
    }
    return sqrt(wrong / length);
}
