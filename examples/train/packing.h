/* Little-endian bytes in memory, for the checkpoint. */
#ifndef TRAIN_PACKING_H
#define TRAIN_PACKING_H

#include <stddef.h>
#include <stdint.h>

typedef struct bytes_out {
    unsigned char *data;
    size_t size, capacity;
    int failed; /* no memory */
} bytes_out;

void put_block(bytes_out *b, const void *data, size_t size);
void put_u64(bytes_out *b, uint64_t value);
void put_i64(bytes_out *b, int64_t value);
void put_f64(bytes_out *b, double value);
void put_floats(bytes_out *b, const float *values, int64_t count);
void put_text(bytes_out *b, const char *text); /* NULL is kept as such */

typedef struct bytes_in {
    const unsigned char *data;
    size_t size, used;
    int failed; /* something was asked for that is not there */
} bytes_in;

const unsigned char *get_block(bytes_in *b, size_t size); /* NULL when it is not there */
uint64_t get_u64(bytes_in *b);
int64_t get_i64(bytes_in *b);
double get_f64(bytes_in *b);
void get_floats(bytes_in *b, float *values, int64_t count);
const char *get_text(bytes_in *b); /* points into the bytes; NULL where NULL was put */

#endif
