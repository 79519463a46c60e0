/* Little-endian encoding, bounds and checksum. What the bytes mean, and which magic and version
 * precede them, is left to each checkpoint's own file. */
#include "base/bytes.h"

#include <string.h>

uint32_t absa__crc32(uint32_t crc, const void *data, size_t size)
{
    const unsigned char *p = data;
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1u)));
    }
    return ~crc;
}

void absa__put_bytes(absa__writer *w, const void *data, size_t size)
{
    if (w->data && size > 0 && w->used <= w->capacity && size <= w->capacity - w->used)
        memcpy(w->data + w->used, data, size);
    w->used += size;
}

static void put(absa__writer *w, uint64_t value, size_t size)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
    absa__put_bytes(w, bytes, size);
}

void absa__put_u32(absa__writer *w, uint32_t value)
{
    put(w, value, 4);
}

void absa__put_u64(absa__writer *w, uint64_t value)
{
    put(w, value, 8);
}

void absa__put_i64(absa__writer *w, int64_t value)
{
    put(w, (uint64_t)value, 8);
}

void absa__put_f64(absa__writer *w, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put(w, bits, 8);
}

void absa__get_bytes(absa__reader *r, void *out, size_t size)
{
    if (r->failed || size > r->size - r->used) {
        r->failed = 1;
        memset(out, 0, size);
        return;
    }
    memcpy(out, r->data + r->used, size);
    r->used += size;
}

static uint64_t get(absa__reader *r, size_t size)
{
    unsigned char bytes[8];
    uint64_t value = 0;
    absa__get_bytes(r, bytes, size);
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

uint32_t absa__get_u32(absa__reader *r)
{
    return (uint32_t)get(r, 4);
}

uint64_t absa__get_u64(absa__reader *r)
{
    return get(r, 8);
}

int64_t absa__get_i64(absa__reader *r)
{
    return (int64_t)get(r, 8);
}

double absa__get_f64(absa__reader *r)
{
    const uint64_t bits = get(r, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
