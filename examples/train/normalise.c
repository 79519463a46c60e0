/* Mean and standard deviation per channel, and data sets in these units. */
#include "normalise.h"

#include "say.h"

#include <math.h>
#include <stdlib.h>

/* Two passes, in double: the values are many and all near each other. */
static void moments(const absa_dataset_view *v, int64_t channel, double *mean, double *std)
{
    const int64_t pixels = v->features / v->channels;
    const double count = (double)(v->rows * pixels);
    double sum = 0, square = 0;
    for (int64_t i = 0; i < v->rows; i++)
        for (int64_t k = 0; k < pixels; k++)
            sum += (double)v->x[i * v->features + channel * pixels + k];
    *mean = sum / count;
    for (int64_t i = 0; i < v->rows; i++)
        for (int64_t k = 0; k < pixels; k++) {
            const double d = (double)v->x[i * v->features + channel * pixels + k] - *mean;
            square += d * d;
        }
    *std = sqrt(square / count);
}

static int replace(absa_context *ctx, const run_data *d, absa_dataset **set, absa_dataset_view *v)
{
    const int64_t pixels = v->features / v->channels;
    absa_dataset_view other = *v;
    absa_dataset *made = NULL;
    float *x = malloc((size_t)(v->rows * v->features) * sizeof *x);
    if (!x)
        return give_up("not enough memory");
    for (int64_t i = 0; i < v->rows * v->features; i++) {
        const int64_t c = i % v->features / pixels;
        x[i] = (float)(((double)v->x[i] - d->mean[c]) / d->std[c]);
    }
    other.x = x;
    const absa_status status = absa_dataset_create(ctx, &other, &made);
    free(x);
    if (status)
        return give_up("%s", absa_context_message(ctx));
    absa_dataset_destroy(set);
    *set = made;
    absa_dataset_view_get(*set, v);
    return DONE;
}

int normalise_data(absa_context *ctx, int wanted, run_data *d)
{
    const int64_t channels = d->train_view.channels;
    d->mean = calloc((size_t)channels, sizeof(double));
    d->std = calloc((size_t)channels, sizeof(double));
    if (!d->mean || !d->std)
        return give_up("not enough memory");
    for (int64_t c = 0; c < channels; c++) {
        d->std[c] = 1.0;
        if (wanted)
            moments(&d->train_view, c, &d->mean[c], &d->std[c]);
        if (!(d->std[c] > 0.0))
            return refuse("--inputs normalised: channel %lld of the training rows is constant",
                          (long long)c);
    }
    if (!wanted)
        return DONE;
    const int status = replace(ctx, d, &d->train, &d->train_view);
    return status ? status : replace(ctx, d, &d->test, &d->test_view);
}
