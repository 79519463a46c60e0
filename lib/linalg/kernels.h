/* Kernels over short runs of contiguous elements, f32 and f64: what every vector operation in host
 * memory is made of. The caller cuts vectors into runs of at most ABSA__BLOCK elements. */
#ifndef ABSA_LINALG_KERNELS_H
#define ABSA_LINALG_KERNELS_H

#include <stdint.h>

enum {
    /* Elements of a block: sums are taken block by block, so that their bits depend on nothing but
     * the element's index. Below OpenBLAS's threading threshold of 10,000. */
    ABSA__BLOCK = 4096,
    /* Partial sums inside a block; element i of a block belongs to lane i % ABSA__LANES. */
    ABSA__LANES = 8,
    /* Most vectors that a kernel takes at once. */
    ABSA__TOGETHER = 4
};

/* Adds x[i] * y[i] to the lanes, element 0 going to lane % ABSA__LANES. */
void absa__dot_f32(int64_t n, const float *x, const float *y, int64_t lane, double *lanes);
void absa__dot_f64(int64_t n, const double *x, const double *y, int64_t lane, double *lanes);

/* y = a x + b y; b = 0 does not read y. */
void absa__axpby_f32(int64_t n, double a, const float *x, double b, float *y);
void absa__axpby_f64(int64_t n, double a, const double *x, double b, double *y);

/* Below, wide may be 1 where absa__has_wide(), or 2 to ask early for each vector's next block: the
 * processor's own prefetching may lose its way where one block's vectors follow each other in
 * memory, but in a cache asking costs more than it saves. The bits are the same, the time is not.
 */

/* absa__dot_f32() of x[k] and y into lanes[k], for k < count <= ABSA__TOGETHER. */
void absa__dots_f32(int wide, int64_t n, int64_t count, const float *const *x, const float *y,
                    int64_t lane, double *const *lanes);

/* y = b y + sum a[k] x[k], rounded after every term, for k < count, 1 to ABSA__TOGETHER; b = 0 does
 * not read y. lanes, if not NULL, take y'y of the result as absa__dot_f32() would add it. */
void absa__combine_f32(int wide, int64_t n, int64_t count, const double *a, const float *const *x,
                       double b, float *y, int64_t lane, double *lanes);

/* absa__dot_f32() and y = a x + y with x in bfloat16, the upper half of a float's bits (squares, at
 * most n of them in any order, adds up (x[i] * y[i])^2); and the rounding of a x to it, to nearest,
 * ties to even. */
void absa__dot_bf16(int64_t n, const uint16_t *x, const float *y, int64_t lane, double *lanes,
                    double *squares);
void absa__axpy_bf16(int64_t n, double a, const uint16_t *x, float *y);
void absa__store_bf16(int64_t n, double a, const float *x, uint16_t *y);

#endif
