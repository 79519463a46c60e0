/* Single-precision kernels over several vectors at once, with 256-bit instructions where the
 * processor has them. They give the same bits as the plain ones: a product of two floats is exact
 * in double, every lane adds its products in the same order, and updates round after every term.
 * What is gained is that a piece of y is read once for four vectors, and that sums of four vectors
 * do not wait for each other. */
#include "linalg/kernels.h"

#include "base/processor.h"

#if ABSA__WIDE_THERE
#include <immintrin.h>
/* The number of vectors is a constant in each copy of a body. */
#define BODY static inline ABSA__ALWAYS_INLINE ABSA__WIDE
#endif

enum { TOGETHER = ABSA__TOGETHER, LINE = 64 / sizeof(float) };

static void plain_combine(int64_t n, int64_t count, const double *a, const float *const *x,
                          double b, float *restrict y)
{
    for (int64_t k = 0; k < count; k++) {
        const float *restrict from = x[k];
        const float ra = (float)a[k], rb = k == 0 ? (float)b : 1.0f;
        if (k == 0 && b == 0.0)
            for (int64_t i = 0; i < n; i++)
                y[i] = ra * from[i];
        else
            for (int64_t i = 0; i < n; i++)
                y[i] = ra * from[i] + rb * y[i];
    }
}

#if ABSA__WIDE_THERE
/* Asks for the same place in the vector's next block: the processor's own prefetching loses its way
 * where one block's vectors follow each other. Beyond the array it is a hint without effect;
 * integers, because a pointer must not leave its array even for that. */
BODY void ask_for_next(const float *at)
{
    _mm_prefetch((const char *)((uintptr_t)at + ABSA__BLOCK * sizeof *at), _MM_HINT_T1);
}

/* n is a multiple of the lanes here and below. */
BODY void dots_body(int64_t n, int64_t count, const float *const *x, const float *y,
                    double *const *lanes)
{
    __m256d sum[TOGETHER][2];
    for (int64_t k = 0; k < count; k++) {
        sum[k][0] = _mm256_loadu_pd(lanes[k]);
        sum[k][1] = _mm256_loadu_pd(lanes[k] + 4);
    }
    for (int64_t i = 0; i < n; i += ABSA__LANES) {
        const __m256d low = _mm256_cvtps_pd(_mm_loadu_ps(y + i));
        const __m256d high = _mm256_cvtps_pd(_mm_loadu_ps(y + i + 4));
        for (int64_t k = 0; k < count; k++) {
            if (i % LINE == 0)
                ask_for_next(x[k] + i);
            const __m256d l = _mm256_cvtps_pd(_mm_loadu_ps(x[k] + i));
            const __m256d h = _mm256_cvtps_pd(_mm_loadu_ps(x[k] + i + 4));
            sum[k][0] = _mm256_add_pd(sum[k][0], _mm256_mul_pd(l, low));
            sum[k][1] = _mm256_add_pd(sum[k][1], _mm256_mul_pd(h, high));
        }
    }
    for (int64_t k = 0; k < count; k++) {
        _mm256_storeu_pd(lanes[k], sum[k][0]);
        _mm256_storeu_pd(lanes[k] + 4, sum[k][1]);
    }
}

ABSA__WIDE static void wide_dots(int64_t n, int64_t count, const float *const *x, const float *y,
                                 double *const *lanes)
{
    switch (count) {
    case 1:
        dots_body(n, 1, x, y, lanes);
        break;
    case 2:
        dots_body(n, 2, x, y, lanes);
        break;
    case 3:
        dots_body(n, 3, x, y, lanes);
        break;
    default:
        dots_body(n, 4, x, y, lanes);
        break;
    }
}

/* fresh: b is 0 and y is not read. lanes, if not NULL, take the squares of what is stored. */
BODY void combine_body(int64_t n, int64_t count, const double *a, const float *const *x, int fresh,
                       double b, float *y, double *lanes)
{
    __m256 factor[TOGETHER];
    const __m256 keep = _mm256_set1_ps((float)b);
    __m256d sum[2] = {_mm256_setzero_pd(), _mm256_setzero_pd()};
    for (int64_t k = 0; k < count; k++)
        factor[k] = _mm256_set1_ps((float)a[k]);
    if (lanes) {
        sum[0] = _mm256_loadu_pd(lanes);
        sum[1] = _mm256_loadu_pd(lanes + 4);
    }
    for (int64_t i = 0; i < n; i += ABSA__LANES) {
        for (int64_t k = 0; k < count && i % LINE == 0; k++)
            ask_for_next(x[k] + i);
        __m256 t = _mm256_mul_ps(factor[0], _mm256_loadu_ps(x[0] + i));
        if (!fresh)
            t = _mm256_add_ps(t, _mm256_mul_ps(keep, _mm256_loadu_ps(y + i)));
        for (int64_t k = 1; k < count; k++)
            t = _mm256_add_ps(t, _mm256_mul_ps(factor[k], _mm256_loadu_ps(x[k] + i)));
        _mm256_storeu_ps(y + i, t);
        if (lanes) {
            const __m256d l = _mm256_cvtps_pd(_mm256_castps256_ps128(t));
            const __m256d h = _mm256_cvtps_pd(_mm256_extractf128_ps(t, 1));
            sum[0] = _mm256_add_pd(sum[0], _mm256_mul_pd(l, l));
            sum[1] = _mm256_add_pd(sum[1], _mm256_mul_pd(h, h));
        }
    }
    if (lanes) {
        _mm256_storeu_pd(lanes, sum[0]);
        _mm256_storeu_pd(lanes + 4, sum[1]);
    }
}

ABSA__WIDE static void wide_combine(int64_t n, int64_t count, const double *a,
                                    const float *const *x, double b, float *y, double *lanes)
{
    const int fresh = b == 0.0;
    switch (count) {
    case 1:
        combine_body(n, 1, a, x, fresh, b, y, lanes);
        break;
    case 2:
        combine_body(n, 2, a, x, fresh, b, y, lanes);
        break;
    case 3:
        combine_body(n, 3, a, x, fresh, b, y, lanes);
        break;
    default:
        combine_body(n, 4, a, x, fresh, b, y, lanes);
        break;
    }
}
#endif

void absa__dots_f32(int wide, int64_t n, int64_t count, const float *const *x, const float *y,
                    int64_t lane, double *const *lanes)
{
    int64_t done = 0;
#if ABSA__WIDE_THERE
    if (wide && lane % ABSA__LANES == 0 && n >= ABSA__LANES) {
        done = n - n % ABSA__LANES;
        wide_dots(done, count, x, y, lanes);
    }
#else
    (void)wide;
#endif
    for (int64_t k = 0; k < count && done < n; k++)
        absa__dot_f32(n - done, x[k] + done, y + done, lane + done, lanes[k]);
}

void absa__combine_f32(int wide, int64_t n, int64_t count, const double *a, const float *const *x,
                       double b, float *y, int64_t lane, double *lanes)
{
    int64_t done = 0;
#if ABSA__WIDE_THERE
    if (wide && lane % ABSA__LANES == 0 && n >= ABSA__LANES) {
        done = n - n % ABSA__LANES;
        wide_combine(done, count, a, x, b, y, lanes);
    }
#else
    (void)wide;
#endif
    if (done == n)
        return;
    const float *rest[TOGETHER];
    for (int64_t k = 0; k < count; k++)
        rest[k] = x[k] + done;
    plain_combine(n - done, count, a, rest, b, y + done);
    if (lanes)
        absa__dot_f32(n - done, y + done, y + done, lane + done, lanes);
}
