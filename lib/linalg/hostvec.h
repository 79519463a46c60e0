/* Vectors in host memory, whole or in segments: the built-in counterpart of absa_vector_ops. */
#ifndef ABSA_LINALG_HOSTVEC_H
#define ABSA_LINALG_HOSTVEC_H

#include <absa/vector.h>

/* Shape of the vectors: what the functions need to know of a space. */
typedef struct absa__shape {
    int32_t element;
    int64_t n;
    int64_t first;           /* global index of element 0 */
    const int64_t *segments; /* NULL: a vector is a pointer to n elements */
    int64_t segment_count;
} absa__shape;

/* Bytes of one element. */
size_t absa__element_size(int32_t element);

/* out[i] = x[i]'y for i < count <= 64, in double, pairwise over blocks of ABSA__BLOCK elements. */
void absa__host_dots(const absa__shape *shape, int64_t count, const void *const *x, const void *y,
                     double *out);

/* y = b y + sum a[i] x[i] for i < count, at least 1; square, if not NULL, gets y'y of the result.
 * One pass over memory. b = 0 does not read y. */
void absa__host_combine(const absa__shape *shape, int64_t count, const double *a,
                        const void *const *x, double b, void *y, double *square);

/* y = the normal sequence (seed, stream) of absa/random.h. */
void absa__host_gaussian(const absa__shape *shape, uint64_t seed, uint64_t stream, void *y);

/* Copies local elements [first, first + count) to or from doubles. */
void absa__host_read(const absa__shape *shape, const void *x, int64_t first, int64_t count,
                     double *out);
void absa__host_write(const absa__shape *shape, int64_t first, int64_t count, const double *in,
                      void *y);

/* Vectors of floats beside contiguous ones in bfloat16: out[i] = x[i]'y, and squares[i] the sum of
 * the squares of its terms, which tells how much the rounding of x[i] may have changed it; y += sum
 * a[i] x[i] (square, if not NULL, gets y'y); y = a x rounded. */
void absa__host_dots_bf16(const absa__shape *s, int64_t count, const uint16_t *const *x,
                          const void *y, double *out, double *squares);
void absa__host_combine_bf16(const absa__shape *s, int64_t count, const double *a,
                             const uint16_t *const *x, void *y, double *square);
void absa__host_store_bf16(const absa__shape *s, double a, const void *x, uint16_t *y);

/* Copies elements [first, first + count) of y from, or of x to, contiguous memory of the same type,
 * where they begin at element `at`. */
void absa__host_put(const absa__shape *shape, int64_t first, int64_t count, const void *from,
                    int64_t at, void *y);
void absa__host_take(const absa__shape *shape, int64_t first, int64_t count, const void *x,
                     int64_t at, void *to);

/* Sets all elements to zero. */
void absa__host_clear(const absa__shape *shape, void *y);

#endif
