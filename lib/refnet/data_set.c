/* Datasets in memory: making, showing, limiting, splitting, copying rows. What fills them is left
 * to the readers and the generator. */
#include "data_impl.h"

#include <absa/random.h>

#include <math.h>
#include <string.h>

absa_status absa__dataset_new(absa_context *ctx, int64_t rows, const int64_t shape[3],
                              int64_t classes, absa_dataset **out)
{
    absa_dataset *d;
    void *memory;
    int64_t features = 1;
    absa_status status;

    *out = NULL;
    for (int i = 0; i < 3; i++) {
        if (shape[i] > INT64_MAX / (int64_t)sizeof(float) / features)
            return absa__net_fail(ctx, ABSA_E_MEMORY, "a row of %lld x %lld x %lld is too large",
                                  (long long)shape[0], (long long)shape[1], (long long)shape[2]);
        features *= shape[i];
    }
    status = absa_context_alloc(ctx, 1, sizeof *d, &memory);
    if (status)
        return status;
    d = memory;
    d->ctx = absa_context_retain(ctx);
    d->rows = d->capacity = rows;
    d->channels = shape[0];
    d->height = shape[1];
    d->width = shape[2];
    d->features = features;
    d->classes = classes;
    status = absa_context_alloc(ctx, rows, (size_t)features * sizeof(float), &memory);
    d->x = memory;
    if (!status) {
        status = absa_context_alloc(ctx, rows, sizeof(int32_t), &memory);
        d->labels = memory;
    }
    if (status)
        absa_dataset_destroy(&d);
    *out = d;
    return status;
}

void absa_dataset_destroy(absa_dataset **dataset)
{
    if (!dataset || !*dataset)
        return;
    absa_dataset *d = *dataset;
    absa_context *ctx = d->ctx;
    absa_context_release(ctx, d->x, d->capacity, (size_t)d->features * sizeof(float));
    absa_context_release(ctx, d->labels, d->capacity, sizeof(int32_t));
    absa_context_release(ctx, d, 1, sizeof *d);
    absa_context_destroy(&ctx);
    *dataset = NULL;
}

void absa_dataset_view_init(absa_dataset_view *view, size_t size)
{
    const absa_dataset_view nothing = {0};
    absa__net_struct_init(view, size, &nothing, sizeof nothing);
}

absa_status absa_dataset_view_get(const absa_dataset *dataset, absa_dataset_view *view)
{
    absa_dataset_view v = {0};
    if (!dataset || !view)
        return absa__net_fail(dataset ? dataset->ctx : NULL, ABSA_E_INVALID, "%s is NULL",
                              dataset ? "view" : "dataset");
    v.rows = dataset->rows;
    v.channels = dataset->channels;
    v.height = dataset->height;
    v.width = dataset->width;
    v.features = dataset->features;
    v.classes = dataset->classes;
    v.x = dataset->x;
    v.labels = dataset->labels;
    return absa__net_struct_write(dataset->ctx, "absa_dataset_view", &v, view, sizeof v);
}

static absa_status check_view(absa_context *ctx, const absa_dataset_view *v)
{
    const int64_t sizes[] = {v->rows, v->channels, v->height, v->width, v->classes};
    const char *const names[] = {"rows", "channels", "height", "width", "classes"};
    for (int i = 0; i < 5; i++)
        if (sizes[i] < 1)
            return absa__net_fail(ctx, ABSA_E_INVALID, "%s is %lld, must be at least 1", names[i],
                                  (long long)sizes[i]);
    if (v->classes > INT32_MAX)
        return absa__net_fail(ctx, ABSA_E_INVALID, "classes is %lld, must be at most %d",
                              (long long)v->classes, INT32_MAX);
    if (!v->x || !v->labels)
        return absa__net_fail(ctx, ABSA_E_INVALID, "%s is NULL", v->x ? "labels" : "x");
    for (int64_t r = 0; r < v->rows; r++)
        if (v->labels[r] < 0 || v->labels[r] >= v->classes)
            return absa__net_fail(ctx, ABSA_E_INVALID, "labels[%lld] is %d, must be 0 to %lld",
                                  (long long)r, (int)v->labels[r], (long long)v->classes - 1);
    return ABSA_OK;
}

absa_status absa_dataset_create(absa_context *context, const absa_dataset_view *view,
                                absa_dataset **out)
{
    absa_dataset_view v = {0};
    absa_dataset *d;
    absa_status status;

    if (out)
        *out = NULL;
    if (!context || !view || !out)
        return absa__net_fail(context, ABSA_E_INVALID, "context, view or out is NULL");
    status = absa__net_struct_read(context, "absa_dataset_view", view, &v, sizeof v);
    if (!status)
        status = check_view(context, &v);
    if (status)
        return status;
    status = absa__dataset_new(context, v.rows, (const int64_t[]){v.channels, v.height, v.width},
                               v.classes, &d);
    if (status)
        return status;
    if (v.features != 0 && v.features != d->features) {
        status = absa__net_fail(context, ABSA_E_INVALID, "features is %lld, must be 0 or %lld",
                                (long long)v.features, (long long)d->features);
        absa_dataset_destroy(&d);
        return status;
    }
    for (int64_t i = 0; i < v.rows * d->features; i++) {
        if (!isfinite(v.x[i])) {
            status = absa__net_fail(context, ABSA_E_NONFINITE, "x of row %lld, feature %lld is %g",
                                    (long long)(i / d->features), (long long)(i % d->features),
                                    (double)v.x[i]);
            absa_dataset_destroy(&d);
            return status;
        }
        d->x[i] = v.x[i];
    }
    memcpy(d->labels, v.labels, (size_t)v.rows * sizeof *d->labels);
    *out = d;
    return ABSA_OK;
}

absa_status absa_dataset_limit(absa_dataset *dataset, int64_t rows)
{
    if (!dataset)
        return ABSA_E_INVALID;
    if (rows < 1)
        return absa__net_fail(dataset->ctx, ABSA_E_INVALID, "rows is %lld, must be at least 1",
                              (long long)rows);
    if (rows < dataset->rows)
        dataset->rows = rows;
    return ABSA_OK;
}

/* Fisher and Yates: the draw for position i is element i of the uniform sequence. */
static void shuffle(int64_t *order, int64_t rows, uint64_t seed)
{
    for (int64_t i = 0; i < rows; i++)
        order[i] = i;
    for (int64_t i = rows - 1; i > 0; i--) {
        double u;
        absa_random_uniform(seed, 0, i, 1, &u);
        int64_t j = (int64_t)(u * (double)(i + 1));
        if (j > i) /* u may be 1 */
            j = i;
        const int64_t kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}

absa_status absa_dataset_split(const absa_dataset *dataset, int64_t rows, uint64_t seed,
                               absa_dataset **first, absa_dataset **second)
{
    absa_context *ctx = dataset ? dataset->ctx : NULL;
    void *memory;
    absa_status status;

    if (first)
        *first = NULL;
    if (second)
        *second = NULL;
    if (!dataset || !first || !second)
        return absa__net_fail(ctx, ABSA_E_INVALID, "dataset, first or second is NULL");
    if (rows < 1 || rows >= dataset->rows)
        return absa__net_fail(ctx, ABSA_E_INVALID, "rows is %lld, must be 1 to %lld",
                              (long long)rows, (long long)dataset->rows - 1);
    const int64_t shape[] = {dataset->channels, dataset->height, dataset->width};
    const int64_t all = dataset->rows;
    status = absa_context_alloc(ctx, all, sizeof(int64_t), &memory);
    if (status)
        return status;
    int64_t *order = memory;
    shuffle(order, all, seed);
    status = absa__dataset_new(ctx, rows, shape, dataset->classes, first);
    if (!status)
        status = absa__dataset_new(ctx, all - rows, shape, dataset->classes, second);
    if (!status)
        status = absa_dataset_gather(dataset, order, rows, (*first)->x, (*first)->labels);
    if (!status)
        status =
            absa_dataset_gather(dataset, order + rows, all - rows, (*second)->x, (*second)->labels);
    absa_context_release(ctx, order, all, sizeof(int64_t));
    if (status) {
        absa_dataset_destroy(first);
        absa_dataset_destroy(second);
    }
    return status;
}

absa_status absa_dataset_gather(const absa_dataset *dataset, const int64_t *rows, int64_t count,
                                float *x, int32_t *labels)
{
    if (!dataset || (!rows && count > 0))
        return absa__net_fail(dataset ? dataset->ctx : NULL, ABSA_E_INVALID, "%s is NULL",
                              dataset ? "rows" : "dataset");
    if (count < 0)
        return absa__net_fail(dataset->ctx, ABSA_E_INVALID, "count is %lld, must not be negative",
                              (long long)count);
    for (int64_t i = 0; i < count; i++)
        if (rows[i] < 0 || rows[i] >= dataset->rows)
            return absa__net_fail(dataset->ctx, ABSA_E_INVALID,
                                  "rows[%lld] is %lld, must be 0 to %lld", (long long)i,
                                  (long long)rows[i], (long long)dataset->rows - 1);
    for (int64_t i = 0; i < count; i++) {
        if (x)
            memcpy(x + i * dataset->features, dataset->x + rows[i] * dataset->features,
                   (size_t)dataset->features * sizeof *x);
        if (labels)
            labels[i] = dataset->labels[rows[i]];
    }
    return ABSA_OK;
}
