/* Little-endian bytes with bounds and a checksum: what every checkpoint is written with. */
#ifndef ABSA_BASE_BYTES_H
#define ABSA_BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32 (ISO 3309, reflected polynomial 0xEDB88320, as zlib's crc32) of size bytes; crc is 0 or
 * the checksum of the bytes before. */
uint32_t absa__crc32(uint32_t crc, const void *data, size_t size);

/* A writer that only counts when data is NULL; used past capacity is remembered, not written. */
typedef struct absa__writer {
    unsigned char *data;
    size_t capacity;
    size_t used;
} absa__writer;

void absa__put_bytes(absa__writer *w, const void *data, size_t size);
void absa__put_u32(absa__writer *w, uint32_t value);
void absa__put_u64(absa__writer *w, uint64_t value);
void absa__put_i64(absa__writer *w, int64_t value);
void absa__put_f64(absa__writer *w, double value);

/* A reader that turns every read past the end into zeros and sets failed. */
typedef struct absa__reader {
    const unsigned char *data;
    size_t size;
    size_t used;
    int failed;
} absa__reader;

void absa__get_bytes(absa__reader *r, void *out, size_t size);
uint32_t absa__get_u32(absa__reader *r);
uint64_t absa__get_u64(absa__reader *r);
int64_t absa__get_i64(absa__reader *r);
double absa__get_f64(absa__reader *r);

#endif
