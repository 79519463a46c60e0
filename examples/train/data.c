/* Which files make up which data set, and which rows are for testing. */
#include "data.h"

#include "normalise.h"
#include "say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum {
    GLYPH_TRAIN = 8000,
    GLYPH_TEST = 2000,
    MUSHROOM_TRAIN = 6305, /* the paper's, leaving 1,819 */
    PATH_BYTES = 4096
};

/* The same rows for every --seed, so that seeds can be compared. */
static const uint64_t data_seed = 1;

static absa_status load_glyphs(absa_context *ctx, run_data *d)
{
    absa_glyphs_options o;
    absa_glyphs_options_init(&o, sizeof o);
    o.seed = data_seed;
    o.rows = GLYPH_TRAIN;
    absa_status status = absa_dataset_glyphs(ctx, &o, &d->train);
    o.first = GLYPH_TRAIN;
    o.rows = GLYPH_TEST;
    return status ? status : absa_dataset_glyphs(ctx, &o, &d->test);
}

static int in_dir(const config *c, const char *name, char *path)
{
    if (snprintf(path, PATH_BYTES, "%s/%s", c->data_dir, name) >= PATH_BYTES)
        return refuse("the path %s/%s is too long", c->data_dir, name);
    return DONE;
}

static absa_status load_mushroom(absa_context *ctx, const char *path, run_data *d)
{
    absa_dataset *all;
    absa_status status = absa_dataset_read_csv(ctx, path, 0, &all);
    if (!status) {
        absa_dataset_view view;
        absa_dataset_view_init(&view, sizeof view);
        absa_dataset_view_get(all, &view);
        /* A cut file is no mushroom data, but one with more rows is. */
        const int64_t train =
            view.rows > MUSHROOM_TRAIN ? MUSHROOM_TRAIN : view.rows - view.rows / 4;
        status = absa_dataset_split(all, train, data_seed, &d->train, &d->test);
    }
    absa_dataset_destroy(&all);
    return status;
}

/* MNIST's files come gzipped; unpacked ones are taken as well. */
static int idx_path(const config *c, const char *name, char *path)
{
    char packed[128];
    snprintf(packed, sizeof packed, "%s.gz", name);
    int status = in_dir(c, packed, path);
    if (!status && access(path, F_OK) != 0) {
        char plain[PATH_BYTES];
        status = in_dir(c, name, plain);
        if (!status && access(plain, F_OK) == 0)
            memcpy(path, plain, sizeof plain);
    }
    return status;
}

static int load_mnist(absa_context *ctx, const config *c, run_data *d)
{
    char images[PATH_BYTES], labels[PATH_BYTES];
    const char *const parts[2] = {"train", "t10k"};
    for (int i = 0; i < 2; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s-images-idx3-ubyte", parts[i]);
        int status = idx_path(c, name, images);
        snprintf(name, sizeof name, "%s-labels-idx1-ubyte", parts[i]);
        if (!status)
            status = idx_path(c, name, labels);
        if (status)
            return status;
        if (absa_dataset_read_idx(ctx, images, labels, 10, i == 0 ? &d->train : &d->test))
            return refuse("%s", absa_context_message(ctx));
    }
    return DONE;
}

static int load_cifar(absa_context *ctx, const config *c, run_data *d)
{
    static const char *const names10[] = {"data_batch_1.bin", "data_batch_2.bin",
                                          "data_batch_3.bin", "data_batch_4.bin",
                                          "data_batch_5.bin", "test_batch.bin"};
    static const char *const names100[] = {"train.bin", "test.bin"};
    const int hundred = c->data == DATA_CIFAR100;
    const char *const *names = hundred ? names100 : names10;
    const int count = hundred ? 2 : 6;
    char paths[6][PATH_BYTES];
    const char *list[6];
    absa_records_format format;
    absa_records_format_init(&format, sizeof format,
                             hundred ? ABSA_RECORDS_CIFAR100 : ABSA_RECORDS_CIFAR10);
    for (int i = 0; i < count; i++) {
        const int status = in_dir(c, names[i], paths[i]);
        if (status)
            return status;
        list[i] = paths[i];
    }
    if (absa_dataset_read_records(ctx, list, count - 1, &format, &d->train) ||
        absa_dataset_read_records(ctx, list + count - 1, 1, &format, &d->test))
        return refuse("%s", absa_context_message(ctx));
    return DONE;
}

static uint32_t digest(uint32_t crc, const absa_dataset_view *v)
{
    const int64_t shape[] = {v->rows, v->channels, v->height, v->width, v->classes};
    uLong sum = crc32(crc, (const Bytef *)shape, sizeof shape);
    sum = crc32_z(sum, (const Bytef *)v->x, (size_t)(v->rows * v->features) * sizeof *v->x);
    sum = crc32_z(sum, (const Bytef *)v->labels, (size_t)v->rows * sizeof *v->labels);
    return (uint32_t)sum;
}

int data_load(absa_context *ctx, const config *c, run_data *d)
{
    char path[PATH_BYTES];
    int status = DONE;
    memset(d, 0, sizeof *d);
    if (c->data == DATA_GLYPHS) {
        if (load_glyphs(ctx, d))
            status = refuse("%s", absa_context_message(ctx));
    } else if (c->data == DATA_MUSHROOM) {
        status = in_dir(c, "agaricus-lepiota.data", path);
        if (!status && load_mushroom(ctx, path, d))
            status = refuse("%s", absa_context_message(ctx));
    } else if (c->data == DATA_MNIST) {
        status = load_mnist(ctx, c, d);
    } else {
        status = load_cifar(ctx, c, d);
    }
    if (!status && c->train_limit)
        absa_dataset_limit(d->train, c->train_limit);
    if (!status && c->test_limit)
        absa_dataset_limit(d->test, c->test_limit);
    if (status) {
        data_release(d);
        return status;
    }
    absa_dataset_view_init(&d->train_view, sizeof d->train_view);
    absa_dataset_view_init(&d->test_view, sizeof d->test_view);
    absa_dataset_view_get(d->train, &d->train_view);
    absa_dataset_view_get(d->test, &d->test_view);
    status = normalise_data(ctx, c->normalised, d);
    if (status) {
        data_release(d);
        return status;
    }
    d->crc = digest(digest(0, &d->train_view), &d->test_view);
    return DONE;
}

void data_release(run_data *d)
{
    free(d->mean);
    free(d->std);
    d->mean = d->std = NULL;
    absa_dataset_destroy(&d->train);
    absa_dataset_destroy(&d->test);
}
