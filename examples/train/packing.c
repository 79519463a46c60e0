/* Numbers to bytes and back, the same on every machine. */
#include "packing.h"

#include <stdlib.h>
#include <string.h>

void put_block(bytes_out *b, const void *data, size_t size)
{
    if (b->failed)
        return;
    if (size > b->capacity - b->size) {
        const size_t capacity = 2 * b->capacity + size + 4096;
        unsigned char *grown = realloc(b->data, capacity);
        if (!grown) {
            b->failed = 1;
            return;
        }
        b->data = grown;
        b->capacity = capacity;
    }
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

static void put(bytes_out *b, uint64_t value, int size)
{
    unsigned char bytes[8];
    for (int i = 0; i < size; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
    put_block(b, bytes, (size_t)size);
}

void put_u64(bytes_out *b, uint64_t value)
{
    put(b, value, 8);
}

void put_i64(bytes_out *b, int64_t value)
{
    put(b, (uint64_t)value, 8);
}

void put_f64(bytes_out *b, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put(b, bits, 8);
}

void put_floats(bytes_out *b, const float *values, int64_t count)
{
    put_i64(b, count);
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        put(b, bits, 4);
    }
}

void put_text(bytes_out *b, const char *text)
{
    put_u64(b, text ? strlen(text) + 1 : 0);
    if (text)
        put_block(b, text, strlen(text) + 1);
}

const unsigned char *get_block(bytes_in *b, size_t size)
{
    if (b->failed || size > b->size - b->used) {
        b->failed = 1;
        return NULL;
    }
    b->used += size;
    return b->data + b->used - size;
}

static uint64_t get(bytes_in *b, int size)
{
    const unsigned char *p = get_block(b, (size_t)size);
    uint64_t value = 0;
    for (int i = 0; p && i < size; i++)
        value |= (uint64_t)p[i] << (8 * i);
    return value;
}

uint64_t get_u64(bytes_in *b)
{
    return get(b, 8);
}

int64_t get_i64(bytes_in *b)
{
    return (int64_t)get(b, 8);
}

double get_f64(bytes_in *b)
{
    const uint64_t bits = get(b, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void get_floats(bytes_in *b, float *values, int64_t count)
{
    if (get_i64(b) != count)
        b->failed = 1;
    for (int64_t i = 0; i < count && !b->failed; i++) {
        const uint32_t bits = (uint32_t)get(b, 4);
        memcpy(&values[i], &bits, sizeof bits);
    }
}

const char *get_text(bytes_in *b)
{
    const uint64_t size = get_u64(b);
    const unsigned char *p;
    if (size == 0)
        return NULL;
    p = get_block(b, size > b->size ? b->size + 1 : (size_t)size);
    if (!p || p[size - 1] != 0) {
        b->failed = 1;
        return NULL;
    }
    return (const char *)p;
}
