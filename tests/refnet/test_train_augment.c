/* The random crops and flips of absa-train. The source file is included: a program has no library
 * that could be linked. */
#include "../../examples/train/augment.c"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { CHANNELS = 2, HEIGHT = 6, WIDTH = 5, FEATURES = CHANNELS * HEIGHT * WIDTH };
enum { SIDE = 2 * REACH + 1, CHANGES = SIDE * SIDE * 2 };

static double mean[CHANNELS] = {0.25, 3}, deviation[CHANNELS] = {0.5, 2};

/* What say.c would print. */
int refuse(const char *format, ...)
{
    (void)format;
    return REFUSED;
}

static run_data data_of(int64_t height, int64_t width)
{
    run_data d;
    memset(&d, 0, sizeof d);
    d.train_view.channels = CHANNELS;
    d.train_view.height = height;
    d.train_view.width = width;
    d.train_view.features = CHANNELS * height * width;
    d.mean = mean;
    d.std = deviation;
    return d;
}

/* Every element is another one, and none is black. */
static void paint(int64_t rows, float *x)
{
    for (int64_t i = 0; i < rows * FEATURES; i++)
        x[i] = 10.0f + (float)(i % FEATURES);
}

/* The definition, element by element: a padded image is built, cut, and mirrored. */
static void expected(int64_t down, int64_t right, int flip, const float *x, float *out)
{
    enum { TALL = HEIGHT + 2 * REACH, WIDE = WIDTH + 2 * REACH };
    for (int64_t c = 0; c < CHANNELS; c++) {
        float padded[TALL][WIDE];
        for (int64_t y = 0; y < TALL; y++)
            for (int64_t k = 0; k < WIDE; k++)
                padded[y][k] = c == 0 ? -0.5f : -1.5f;
        for (int64_t y = 0; y < HEIGHT; y++)
            for (int64_t k = 0; k < WIDTH; k++)
                padded[y + REACH][k + REACH] = x[(c * HEIGHT + y) * WIDTH + k];
        for (int64_t y = 0; y < HEIGHT; y++)
            for (int64_t k = 0; k < WIDTH; k++)
                out[(c * HEIGHT + y) * WIDTH + (flip ? WIDTH - 1 - k : k)] =
                    padded[y + REACH + down][k + REACH + right];
    }
}

/* The number of the change that made `found` of x, or -1. */
static int change_number(const float *x, const float *found)
{
    for (int i = 0; i < CHANGES; i++) {
        float out[FEATURES];
        expected(i / 2 / SIDE - REACH, i / 2 % SIDE - REACH, i % 2, x, out);
        if (memcmp(out, found, sizeof out) == 0)
            return i;
    }
    return -1;
}

/* 40 draws for each change: that one of 162 never comes has probability 162 e^-40. How often each
 * comes is Poisson about 40; beyond 5 standard deviations is a chance of 1e-4 over all. */
Test(train_augment, every_crop_and_flip_comes_equally_often)
{
    enum { ROWS = CHANGES * 40 };
    static float x[ROWS * FEATURES], original[FEATURES], scratch[FEATURES];
    static int64_t samples[ROWS];
    int counts[CHANGES] = {0};
    const run_data d = data_of(HEIGHT, WIDTH);
    paint(ROWS, x);
    paint(1, original);
    for (int64_t i = 0; i < ROWS; i++)
        samples[i] = i;
    augment_rows(AUGMENT_CROP_FLIP, 3, 0, &d, samples, ROWS, x, scratch);
    for (int64_t i = 0; i < ROWS; i++) {
        const int k = change_number(original, x + i * FEATURES);
        cr_assert_geq(k, 0, "row %lld is no crop of the image", (long long)i);
        counts[k]++;
    }
    for (int k = 0; k < CHANGES; k++)
        cr_assert(counts[k] > 40 - 32 && counts[k] < 40 + 32, "change %d comes %d times", k,
                  counts[k]);
}

Test(train_augment, a_sample_depends_on_seed_epoch_and_itself_alone)
{
    enum { ROWS = 64 };
    static float whole[ROWS * FEATURES], parts[ROWS * FEATURES], scratch[FEATURES];
    int64_t samples[ROWS], reversed[ROWS];
    int same_epoch = 0, same_seed = 0;
    const run_data d = data_of(HEIGHT, WIDTH);
    for (int64_t i = 0; i < ROWS; i++) {
        samples[i] = 1000 + 7 * i;
        reversed[ROWS - 1 - i] = samples[i];
    }
    paint(ROWS, whole);
    augment_rows(AUGMENT_CROP_FLIP, 3, 5, &d, samples, ROWS, whole, scratch);
    paint(ROWS, parts);
    for (int64_t i = 0; i < ROWS; i += 16)
        augment_rows(AUGMENT_CROP_FLIP, 3, 5, &d, reversed + i, 16, parts + i * FEATURES, scratch);
    for (int64_t i = 0; i < ROWS; i++)
        cr_assert_eq(memcmp(whole + i * FEATURES, parts + (ROWS - 1 - i) * FEATURES,
                            FEATURES * sizeof *whole),
                     0);
    paint(ROWS, parts);
    augment_rows(AUGMENT_CROP_FLIP, 3, 6, &d, samples, ROWS, parts, scratch);
    for (int64_t i = 0; i < ROWS; i++)
        same_epoch += !memcmp(whole + i * FEATURES, parts + i * FEATURES, FEATURES * sizeof *whole);
    paint(ROWS, parts);
    augment_rows(AUGMENT_CROP_FLIP, 4, 5, &d, samples, ROWS, parts, scratch);
    for (int64_t i = 0; i < ROWS; i++)
        same_seed += !memcmp(whole + i * FEATURES, parts + i * FEATURES, FEATURES * sizeof *whole);
    /* One in 162 by chance. */
    cr_assert_lt(same_epoch, 6);
    cr_assert_lt(same_seed, 6);
}

Test(train_augment, none_changes_nothing)
{
    float x[FEATURES], original[FEATURES], scratch[FEATURES];
    const int64_t sample = 1;
    const run_data d = data_of(HEIGHT, WIDTH);
    paint(1, x);
    paint(1, original);
    augment_rows(AUGMENT_NONE, 3, 0, &d, &sample, 1, x, scratch);
    cr_assert_eq(memcmp(x, original, sizeof x), 0);
}

Test(train_augment, rows_that_are_no_images_are_refused)
{
    const run_data good = data_of(HEIGHT, WIDTH), low = data_of(4, 9), vector = data_of(1, 1);
    cr_assert_eq(augment_check(AUGMENT_CROP_FLIP, &good), DONE);
    cr_assert_eq(augment_check(AUGMENT_CROP_FLIP, &low), REFUSED);
    cr_assert_eq(augment_check(AUGMENT_CROP_FLIP, &vector), REFUSED);
    cr_assert_eq(augment_check(AUGMENT_NONE, &vector), DONE);
}
