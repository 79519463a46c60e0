/* IDX files: the format of MNIST. A header of big-endian numbers says what must follow; it is
 * believed only after it has been held against the length of the file. */
#include "data_impl.h"

enum { IMAGES_MAGIC = 0x803, LABELS_MAGIC = 0x801, CHUNK = 1 << 16 };

static int64_t big_endian(const unsigned char *p)
{
    return (int64_t)p[0] << 24 | (int64_t)p[1] << 16 | (int64_t)p[2] << 8 | (int64_t)p[3];
}

/* Reads magic and sizes; shape is left as one channel, height and width. */
static absa_status read_header(absa_context *ctx, const absa__bytes *bytes, absa__stream *s,
                               int images, int64_t *count, int64_t shape[3])
{
    unsigned char head[16];
    const int64_t length = images ? 16 : 8;
    const int64_t magic = images ? IMAGES_MAGIC : LABELS_MAGIC;
    absa_status status = absa__stream_take(s, head, length, -1);

    if (status)
        return status;
    if (big_endian(head) != magic)
        return absa__net_fail(ctx, ABSA_E_FORMAT,
                              "%s: begins with %08llx, not with %08llx: not an IDX file of %s",
                              bytes->name, (unsigned long long)big_endian(head),
                              (unsigned long long)magic, images ? "images" : "labels");
    *count = big_endian(head + 4);
    shape[0] = 1;
    shape[1] = images ? big_endian(head + 8) : 1;
    shape[2] = images ? big_endian(head + 12) : 1;
    if (*count < 1 || shape[1] < 1 || shape[2] < 1)
        return absa__net_fail(ctx, ABSA_E_FORMAT, "%s: its header says %lld records of %lld x %lld",
                              bytes->name, (long long)*count, (long long)shape[1],
                              (long long)shape[2]);
    const int64_t room = absa__stream_limit(s) - length;
    if (shape[1] > room / shape[2] || shape[1] * shape[2] > room / *count)
        return absa__net_fail(
            ctx, ABSA_E_FORMAT,
            "%s: its header says %lld records of %lld x %lld bytes, more than its "
            "%lld bytes can hold",
            bytes->name, (long long)*count, (long long)shape[1], (long long)shape[2],
            (long long)bytes->size);
    return ABSA_OK;
}

static absa_status fill_images(absa__stream *s, absa_dataset *d)
{
    unsigned char chunk[CHUNK];
    absa_status status = ABSA_OK;
    for (int64_t r = 0; r < d->rows && !status; r++) {
        for (int64_t i = 0; i < d->features && !status;) {
            const int64_t n = d->features - i < CHUNK ? d->features - i : CHUNK;
            status = absa__stream_take(s, chunk, n, r);
            for (int64_t k = 0; k < n && !status; k++)
                d->x[r * d->features + i + k] = (float)chunk[k] / 255.0f;
            i += n;
        }
    }
    return status ? status : absa__stream_end(s);
}

static absa_status fill_labels(absa_context *ctx, const char *name, absa__stream *s,
                               absa_dataset *d)
{
    for (int64_t r = 0; r < d->rows; r++) {
        unsigned char label;
        absa_status status = absa__stream_take(s, &label, 1, r);
        if (status)
            return status;
        if (label >= d->classes)
            return absa__net_fail(ctx, ABSA_E_FORMAT,
                                  "%s: the label of record %lld (byte %lld) is %d, must be 0 to "
                                  "%lld",
                                  name, (long long)r, (long long)r + 8, label,
                                  (long long)d->classes - 1);
        d->labels[r] = label;
    }
    return absa__stream_end(s);
}

static absa_status parse(absa_context *ctx, const absa__bytes *images, const absa__bytes *labels,
                         int64_t classes, absa_dataset **out)
{
    absa__stream *si = NULL, *sl = NULL;
    absa_dataset *d = NULL;
    int64_t rows, label_rows, shape[3], one[3];
    absa_status status = absa__stream_open(ctx, images, &si);

    if (!status)
        status = absa__stream_open(ctx, labels, &sl);
    if (!status)
        status = read_header(ctx, images, si, 1, &rows, shape);
    if (!status)
        status = read_header(ctx, labels, sl, 0, &label_rows, one);
    if (!status && rows != label_rows)
        status = absa__net_fail(ctx, ABSA_E_FORMAT, "%s has %lld records, but %s has %lld",
                                images->name, (long long)rows, labels->name, (long long)label_rows);
    if (!status)
        status = absa__dataset_new(ctx, rows, shape, classes, &d);
    if (!status)
        status = fill_images(si, d);
    if (!status)
        status = fill_labels(ctx, labels->name, sl, d);
    if (status)
        absa_dataset_destroy(&d);
    absa__stream_close(&si);
    absa__stream_close(&sl);
    *out = d;
    return status;
}

static absa_status check_arguments(absa_context *ctx, int given, int64_t classes,
                                   absa_dataset **out)
{
    if (out)
        *out = NULL;
    if (!ctx || !given || !out)
        return absa__net_fail(ctx, ABSA_E_INVALID, "context, images, labels or out is NULL");
    if (classes < 1 || classes > 256)
        return absa__net_fail(ctx, ABSA_E_INVALID, "classes is %lld, must be 1 to 256",
                              (long long)classes);
    return ABSA_OK;
}

absa_status absa_dataset_read_idx(absa_context *context, const char *images_path,
                                  const char *labels_path, int64_t classes, absa_dataset **out)
{
    absa__bytes images = {0}, labels = {0};
    absa_status status = check_arguments(context, images_path && labels_path, classes, out);

    if (status)
        return status;
    status = absa__bytes_read(context, images_path, &images);
    if (!status)
        status = absa__bytes_read(context, labels_path, &labels);
    if (!status)
        status = parse(context, &images, &labels, classes, out);
    absa__bytes_release(context, &images);
    absa__bytes_release(context, &labels);
    return status;
}

absa_status absa_dataset_parse_idx(absa_context *context, const void *images, size_t images_size,
                                   const void *labels, size_t labels_size, int64_t classes,
                                   absa_dataset **out)
{
    absa__bytes image_bytes, label_bytes;
    absa_status status = check_arguments(context, images && labels, classes, out);

    if (!status)
        status = absa__bytes_borrow(context, "images", images, images_size, &image_bytes);
    if (!status)
        status = absa__bytes_borrow(context, "labels", labels, labels_size, &label_bytes);
    if (!status)
        status = parse(context, &image_bytes, &label_bytes, classes, out);
    return status;
}
