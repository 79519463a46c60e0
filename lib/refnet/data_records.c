/* Files of equal records, label bytes and pixels: CIFAR-10, CIFAR-100 and SVHN in that form. There
 * is no header, so the length of the file and the range of the labels are all there is to check. */
#include "data_impl.h"

void absa_records_format_init(absa_records_format *format, size_t size, int32_t kind)
{
    absa_records_format f = {
        .label_bytes = 1, .classes = 10, .channels = 3, .height = 32, .width = 32};
    if (kind == ABSA_RECORDS_CIFAR100) {
        f.label_bytes = 2;
        f.label_at = 1;
        f.classes = 100;
        f.other_classes = 20;
    } else if (kind == ABSA_RECORDS_SVHN) {
        f.label_base = 1;
    }
    absa__net_struct_init(format, size, &f, sizeof f);
}

static absa_status out_of_range(absa_context *ctx, const char *name, int64_t value,
                                const char *range)
{
    return absa__net_fail(ctx, ABSA_E_INVALID, "absa_records_format: %s is %lld, must be %s", name,
                          (long long)value, range);
}

/* Gives the pixels of a record. */
static absa_status check_format(absa_context *ctx, const absa_records_format *f, int64_t *pixels)
{
    const int64_t most = INT64_C(1) << 31;
    if (f->label_bytes < 1 || f->label_bytes > 16)
        return out_of_range(ctx, "label_bytes", f->label_bytes, "1 to 16");
    if (f->label_at < 0 || f->label_at >= f->label_bytes)
        return out_of_range(ctx, "label_at", f->label_at, "below label_bytes");
    if (f->label_base < 0 || f->label_base > 1)
        return out_of_range(ctx, "label_base", f->label_base, "0 or 1");
    if (f->classes < 1 || f->classes > 256 - f->label_base)
        return out_of_range(ctx, "classes", f->classes, "1 to 256 - label_base");
    if (f->other_classes < 0 || f->other_classes > 256)
        return out_of_range(ctx, "other_classes", f->other_classes, "0 to 256");
    if (f->channels < 1 || f->channels > most)
        return out_of_range(ctx, "channels", f->channels, "1 to 2^31");
    if (f->height < 1 || f->height > most / f->channels)
        return out_of_range(ctx, "height", f->height, "at least 1, a record at most 2^31 pixels");
    if (f->width < 1 || f->width > most / f->channels / f->height)
        return out_of_range(ctx, "width", f->width, "at least 1, a record at most 2^31 pixels");
    *pixels = f->channels * f->height * f->width;
    return ABSA_OK;
}

static absa_status check_length(absa_context *ctx, const char *name, int64_t size, int64_t record)
{
    if (size == 0)
        return absa__net_fail(ctx, ABSA_E_FORMAT, "%s: is empty", name);
    if (size % record != 0)
        return absa__net_fail(ctx, ABSA_E_FORMAT,
                              "%s: ends inside record %lld, at byte %lld; a record has %lld bytes",
                              name, (long long)(size / record), (long long)size, (long long)record);
    return ABSA_OK;
}

static absa_status fill(absa_context *ctx, const absa__bytes *bytes, const absa_records_format *f,
                        absa_dataset *d, int64_t first)
{
    const int64_t record = f->label_bytes + d->features;
    for (int64_t r = 0; r < bytes->size / record; r++) {
        const unsigned char *p = bytes->data + r * record;
        float *x = d->x + (first + r) * d->features;
        for (int64_t i = 0; i < f->label_bytes; i++) {
            const int64_t low = i == f->label_at ? f->label_base : 0;
            const int64_t classes = i == f->label_at ? f->classes : f->other_classes;
            if (classes > 0 && (p[i] < low || p[i] >= low + classes))
                return absa__net_fail(ctx, ABSA_E_FORMAT,
                                      "%s: a label of record %lld (byte %lld) is %d, must be %lld "
                                      "to %lld",
                                      bytes->name, (long long)r, (long long)(r * record + i), p[i],
                                      (long long)low, (long long)(low + classes - 1));
        }
        d->labels[first + r] = (int32_t)(p[f->label_at] % f->classes);
        for (int64_t i = 0; i < d->features; i++)
            x[i] = (float)p[f->label_bytes + i] / 255.0f;
    }
    return ABSA_OK;
}

static absa_status check_arguments(absa_context *ctx, const void *source,
                                   const absa_records_format *format, absa_dataset **out,
                                   absa_records_format *f, int64_t *pixels)
{
    absa_status status;
    if (out)
        *out = NULL;
    if (!ctx || !source || !format || !out)
        return absa__net_fail(ctx, ABSA_E_INVALID, "context, source, format or out is NULL");
    status = absa__net_struct_read(ctx, "absa_records_format", format, f, sizeof *f);
    return status ? status : check_format(ctx, f, pixels);
}

/* Adds up the records of all files, from their lengths. */
static absa_status count_records(absa_context *ctx, const char *const *paths, int64_t count,
                                 int64_t record, int64_t *rows)
{
    *rows = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t size;
        if (!paths[i])
            return absa__net_fail(ctx, ABSA_E_INVALID, "paths[%lld] is NULL", (long long)i);
        absa_status status = absa__bytes_length(ctx, paths[i], &size);
        if (!status)
            status = check_length(ctx, paths[i], size, record);
        if (status)
            return status;
        *rows += size / record;
    }
    return ABSA_OK;
}

/* Reads one file behind the rows that are done. */
static absa_status read_one(absa_context *ctx, const char *path, const absa_records_format *f,
                            absa_dataset *d, int64_t *done)
{
    const int64_t record = f->label_bytes + d->features;
    absa__bytes bytes;
    absa_status status = absa__bytes_read(ctx, path, &bytes);

    if (!status && (bytes.size % record != 0 || bytes.size / record > d->rows - *done))
        status = absa__net_fail(ctx, ABSA_E_IO, "%s: changed its length while it was read", path);
    if (!status)
        status = fill(ctx, &bytes, f, d, *done);
    if (!status)
        *done += bytes.size / record;
    absa__bytes_release(ctx, &bytes);
    return status;
}

absa_status absa_dataset_read_records(absa_context *context, const char *const *paths,
                                      int64_t count, const absa_records_format *format,
                                      absa_dataset **out)
{
    absa_records_format f = {0};
    absa_dataset *d = NULL;
    int64_t pixels = 0, rows = 0, done = 0;
    absa_status status = check_arguments(context, paths, format, out, &f, &pixels);

    if (!status && count < 1)
        status = absa__net_fail(context, ABSA_E_INVALID, "count is %lld, must be at least 1",
                                (long long)count);
    if (!status)
        status = count_records(context, paths, count, f.label_bytes + pixels, &rows);
    if (!status)
        status = absa__dataset_new(context, rows, (const int64_t[]){f.channels, f.height, f.width},
                                   f.classes, &d);
    for (int64_t i = 0; i < count && !status; i++)
        status = read_one(context, paths[i], &f, d, &done);
    if (!status && done != rows)
        status = absa__net_fail(context, ABSA_E_IO, "%s: changed its length while it was read",
                                paths[count - 1]);
    if (status) {
        absa_dataset_destroy(&d);
        return status;
    }
    *out = d;
    return ABSA_OK;
}

absa_status absa_dataset_parse_records(absa_context *context, const void *data, size_t size,
                                       const absa_records_format *format, absa_dataset **out)
{
    absa_records_format f = {0};
    absa__bytes bytes;
    absa_dataset *d = NULL;
    int64_t pixels = 0;
    absa_status status = check_arguments(context, data, format, out, &f, &pixels);

    if (!status)
        status = absa__bytes_borrow(context, "records", data, size, &bytes);
    if (!status)
        status = check_length(context, bytes.name, bytes.size, f.label_bytes + pixels);
    if (!status)
        status = absa__dataset_new(context, bytes.size / (f.label_bytes + pixels),
                                   (const int64_t[]){f.channels, f.height, f.width}, f.classes, &d);
    if (!status)
        status = fill(context, &bytes, &f, d, 0);
    if (status) {
        absa_dataset_destroy(&d);
        return status;
    }
    *out = d;
    return ABSA_OK;
}
