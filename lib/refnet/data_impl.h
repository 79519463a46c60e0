/* What the data readers share: an unfilled dataset, and the bytes of a file. A reader checks sizes
 * first, makes the dataset, fills x and labels, and hands it out. */
#ifndef ABSA_REFNET_DATA_IMPL_H
#define ABSA_REFNET_DATA_IMPL_H

#include "refnet_common.h"

#include <absa/refdata.h>

struct absa_dataset {
    absa_context *ctx;
    int64_t rows;
    int64_t capacity; /* rows that x and labels were allocated for */
    int64_t channels, height, width;
    int64_t features;
    int64_t classes;
    float *x;
    int32_t *labels;
};

/* Makes a dataset of zeros; sizes must be at least 1 (their products are checked here). */
absa_status absa__dataset_new(absa_context *ctx, int64_t rows, const int64_t shape[3],
                              int64_t classes, absa_dataset **out);

/* The bytes of a file and the name messages give it. */
typedef struct absa__bytes {
    const char *name;
    const unsigned char *data;
    int64_t size;
    void *owned; /* what absa__bytes_release() gives back; NULL when the bytes are the caller's */
} absa__bytes;

/* Reads the whole of a regular file into memory of the context. */
absa_status absa__bytes_read(absa_context *ctx, const char *path, absa__bytes *out);
/* Says how long a regular file is. */
absa_status absa__bytes_length(absa_context *ctx, const char *path, int64_t *size);
/* Borrows the caller's bytes. */
absa_status absa__bytes_borrow(absa_context *ctx, const char *name, const void *data, size_t size,
                               absa__bytes *out);
void absa__bytes_release(absa_context *ctx, absa__bytes *bytes);

/* Bytes that may be gzipped, read from front to back without ever holding them whole. */
typedef struct absa__stream absa__stream;

absa_status absa__stream_open(absa_context *ctx, const absa__bytes *bytes, absa__stream **out);
/* Fills buffer with count bytes; ABSA_E_FORMAT when they end early or are damaged. `record` goes
 * into the message; -1 says that the header is being read. */
absa_status absa__stream_take(absa__stream *stream, void *buffer, int64_t count, int64_t record);
/* Succeeds when nothing is left and the checksum of gzipped data was right. */
absa_status absa__stream_end(absa__stream *stream);
/* Returns the most bytes that the whole stream can hold. */
int64_t absa__stream_limit(const absa__stream *stream);
void absa__stream_close(absa__stream **stream);

#endif
