/* Random crops and flips (He et al. 2016, section 4.2): an image is padded by 4 black pixels, a
 * window of its old size is cut out, and every other one is mirrored. What happens to a sample in
 * an epoch is a function of seed, epoch and sample, so a resumed run and any split into
 * micro-batches see the same images. */
#include "augment.h"

#include "say.h"

#include <absa/random.h>

#include <string.h>

enum { REACH = 4, CHOICES = 3 };

/* One stream of absa/random.h an epoch, apart from those in host.c. */
static const uint64_t augment_stream = UINT64_C(3) << 40;

typedef struct change {
    int64_t down, right; /* the window's corner in the image, -REACH to REACH */
    int flip;
} change;

int augment_check(int kind, const run_data *d)
{
    const absa_dataset_view *v = &d->train_view;
    if (kind != AUGMENT_NONE && (v->height <= REACH || v->width <= REACH))
        return refuse("--augment crop-flip needs images of more than %d x %d pixels", REACH, REACH);
    return DONE;
}

/* 0 to count - 1; u is above 0 and may be 1. */
static int64_t pick(double u, int64_t count)
{
    const int64_t k = (int64_t)(u * (double)count);
    return k < count ? k : count - 1;
}

static change change_of(uint64_t seed, int64_t epoch, int64_t sample)
{
    double u[CHOICES];
    absa_random_uniform(seed, augment_stream + (uint64_t)epoch, CHOICES * sample, CHOICES, u);
    const change c = {pick(u[0], 2 * REACH + 1) - REACH, pick(u[1], 2 * REACH + 1) - REACH,
                      pick(u[2], 2) == 1};
    return c;
}

static void cut_line(const change *c, int64_t width, const float *from, float black, float *to)
{
    for (int64_t x = 0; x < width; x++) {
        const int64_t at = (c->flip ? width - 1 - x : x) + c->right;
        to[x] = from && at >= 0 && at < width ? from[at] : black;
    }
}

void augment_rows(int kind, uint64_t seed, int64_t epoch, const run_data *d, const int64_t *samples,
                  int64_t rows, float *x, float *scratch)
{
    const absa_dataset_view *v = &d->train_view;
    for (int64_t i = 0; kind == AUGMENT_CROP_FLIP && i < rows; i++) {
        const change c = change_of(seed, epoch, samples[i]);
        float *row = x + i * v->features;
        memcpy(scratch, row, (size_t)v->features * sizeof *scratch);
        for (int64_t line = 0; line < v->channels * v->height; line++) {
            const int64_t channel = line / v->height, y = line % v->height + c.down;
            const int inside = y >= 0 && y < v->height;
            cut_line(&c, v->width, inside ? scratch + (channel * v->height + y) * v->width : NULL,
                     (float)(-d->mean[channel] / d->std[channel]), row + line * v->width);
        }
    }
}
