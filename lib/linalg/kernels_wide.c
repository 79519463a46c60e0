/* Single-precision kernels over several vectors at once, with 256-bit instructions where the
 * processor has them. They give the same bits as the plain ones: a product of two floats is exact
 * in double, so fusing it with the addition rounds no less, every lane adds its products in the
 * same order, and updates round after every term. What is gained is that a piece of y is read once
 * for four vectors, and that sums of four vectors do not wait for each other. */
#include "linalg/kernels.h"

#include "base/processor.h"

#if ABSA__WIDE_THERE
#include <immintrin.h>
/* The number of vectors, and whether to ask ahead, are constants in each copy of a body. */
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
/* Asks for the same place in the vectors' next block. Beyond an array it is a hint without effect;
 * integers, because a pointer must not leave its array even for that. */
BODY void ask_for_next(int64_t count, const float *const *x, int64_t i)
{
    for (int64_t k = 0; k < count; k++)
        _mm_prefetch((const char *)((uintptr_t)(x[k] + i) + ABSA__BLOCK * sizeof **x), _MM_HINT_T1);
}

BODY __m256d lower(__m256 x)
{
    return _mm256_cvtps_pd(_mm256_castps256_ps128(x));
}

BODY __m256d upper(__m256 x)
{
    return _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1));
}

/* One run of lanes of the sums. */
BODY void dots_lanes(int64_t i, int64_t count, int self, const float *const *x, const float *y,
                     __m256d (*sum)[2])
{
    const __m256d low = _mm256_cvtps_pd(_mm_loadu_ps(y + i));
    const __m256d high = _mm256_cvtps_pd(_mm_loadu_ps(y + i + 4));
    for (int64_t k = 0; k < count; k++) {
        const int same = self && k == count - 1;
        const __m256d l = same ? low : _mm256_cvtps_pd(_mm_loadu_ps(x[k] + i));
        const __m256d h = same ? high : _mm256_cvtps_pd(_mm_loadu_ps(x[k] + i + 4));
        sum[k][0] = _mm256_fmadd_pd(l, low, sum[k][0]);
        sum[k][1] = _mm256_fmadd_pd(h, high, sum[k][1]);
    }
}

/* n is a multiple of the lanes here and below. self: the last of x is y. */
BODY void dots_body(int ahead, int64_t n, int64_t count, int self, const float *const *given,
                    const float *y, double *const *lanes)
{
    __m256d sum[TOGETHER][2];
    const float *x[TOGETHER];
    int64_t i = 0;
    for (int64_t k = 0; k < count; k++) {
        x[k] = given[k];
        sum[k][0] = _mm256_loadu_pd(lanes[k]);
        sum[k][1] = _mm256_loadu_pd(lanes[k] + 4);
    }
    for (; i + LINE <= n; i += LINE) {
        if (ahead)
            ask_for_next(count, x, i);
        dots_lanes(i, count, self, x, y, sum);
        dots_lanes(i + ABSA__LANES, count, self, x, y, sum);
    }
    if (i < n)
        dots_lanes(i, count, self, x, y, sum);
    for (int64_t k = 0; k < count; k++) {
        _mm256_storeu_pd(lanes[k], sum[k][0]);
        _mm256_storeu_pd(lanes[k] + 4, sum[k][1]);
    }
}

BODY void dots_of(int ahead, int64_t n, int64_t count, const float *const *x, const float *y,
                  double *const *lanes)
{
    if (x[count - 1] == y)
        dots_body(ahead, n, count, 1, x, y, lanes);
    else
        dots_body(ahead, n, count, 0, x, y, lanes);
}

BODY void wide_dots(int ahead, int64_t n, int64_t count, const float *const *x, const float *y,
                    double *const *lanes)
{
    switch (count) {
    case 1:
        dots_of(ahead, n, 1, x, y, lanes);
        break;
    case 2:
        dots_of(ahead, n, 2, x, y, lanes);
        break;
    case 3:
        dots_of(ahead, n, 3, x, y, lanes);
        break;
    default:
        dots_of(ahead, n, 4, x, y, lanes);
        break;
    }
}

ABSA__WIDE static void dots_near(int64_t n, int64_t count, const float *const *x, const float *y,
                                 double *const *lanes)
{
    wide_dots(0, n, count, x, y, lanes);
}

ABSA__WIDE static void dots_far(int64_t n, int64_t count, const float *const *x, const float *y,
                                double *const *lanes)
{
    wide_dots(1, n, count, x, y, lanes);
}

/* What combine_body() has in registers. */
typedef struct terms {
    __m256 factor[TOGETHER], keep;
    const float *x[TOGETHER];
    __m256d sum[2];
} terms;

/* One run of lanes of the new vector, and its squares. */
BODY void combine_lanes(int64_t i, int64_t count, int fresh, int squares, terms *t, float *y)
{
    __m256 v = _mm256_mul_ps(t->factor[0], _mm256_loadu_ps(t->x[0] + i));
    if (!fresh)
        v = _mm256_add_ps(v, _mm256_mul_ps(t->keep, _mm256_loadu_ps(y + i)));
    for (int64_t k = 1; k < count; k++)
        v = _mm256_add_ps(v, _mm256_mul_ps(t->factor[k], _mm256_loadu_ps(t->x[k] + i)));
    _mm256_storeu_ps(y + i, v);
    if (squares) {
        const __m256d l = lower(v), h = upper(v);
        t->sum[0] = _mm256_fmadd_pd(l, l, t->sum[0]);
        t->sum[1] = _mm256_fmadd_pd(h, h, t->sum[1]);
    }
}

/* fresh: b is 0 and y is not read. squares: lanes take the squares of what is stored. */
BODY void combine_body(int ahead, int64_t n, int64_t count, int fresh, int squares, const double *a,
                       const float *const *x, double b, float *y, double *lanes)
{
    terms t;
    int64_t i = 0;
    t.keep = _mm256_set1_ps((float)b);
    for (int64_t k = 0; k < count; k++) {
        t.factor[k] = _mm256_set1_ps((float)a[k]);
        t.x[k] = x[k];
    }
    t.sum[0] = squares ? _mm256_loadu_pd(lanes) : _mm256_setzero_pd();
    t.sum[1] = squares ? _mm256_loadu_pd(lanes + 4) : _mm256_setzero_pd();
    for (; i + LINE <= n; i += LINE) {
        if (ahead)
            ask_for_next(count, t.x, i);
        combine_lanes(i, count, fresh, squares, &t, y);
        combine_lanes(i + ABSA__LANES, count, fresh, squares, &t, y);
    }
    if (i < n)
        combine_lanes(i, count, fresh, squares, &t, y);
    if (squares) {
        _mm256_storeu_pd(lanes, t.sum[0]);
        _mm256_storeu_pd(lanes + 4, t.sum[1]);
    }
}

BODY void combine_of(int ahead, int64_t n, int64_t count, const double *a, const float *const *x,
                     double b, float *y, double *lanes)
{
    if (b == 0.0 && lanes)
        combine_body(ahead, n, count, 1, 1, a, x, b, y, lanes);
    else if (b == 0.0)
        combine_body(ahead, n, count, 1, 0, a, x, b, y, lanes);
    else if (lanes)
        combine_body(ahead, n, count, 0, 1, a, x, b, y, lanes);
    else
        combine_body(ahead, n, count, 0, 0, a, x, b, y, lanes);
}

BODY void wide_combine(int ahead, int64_t n, int64_t count, const double *a, const float *const *x,
                       double b, float *y, double *lanes)
{
    switch (count) {
    case 1:
        combine_of(ahead, n, 1, a, x, b, y, lanes);
        break;
    case 2:
        combine_of(ahead, n, 2, a, x, b, y, lanes);
        break;
    case 3:
        combine_of(ahead, n, 3, a, x, b, y, lanes);
        break;
    default:
        combine_of(ahead, n, 4, a, x, b, y, lanes);
        break;
    }
}

ABSA__WIDE static void combine_near(int64_t n, int64_t count, const double *a,
                                    const float *const *x, double b, float *y, double *lanes)
{
    wide_combine(0, n, count, a, x, b, y, lanes);
}

ABSA__WIDE static void combine_far(int64_t n, int64_t count, const double *a, const float *const *x,
                                   double b, float *y, double *lanes)
{
    wide_combine(1, n, count, a, x, b, y, lanes);
}
#endif

void absa__dots_f32(int wide, int64_t n, int64_t count, const float *const *x, const float *y,
                    int64_t lane, double *const *lanes)
{
    int64_t done = 0;
#if ABSA__WIDE_THERE
    if (wide && lane % ABSA__LANES == 0 && n >= ABSA__LANES) {
        done = n - n % ABSA__LANES;
        (wide > 1 ? dots_far : dots_near)(done, count, x, y, lanes);
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
        (wide > 1 ? combine_far : combine_near)(done, count, a, x, b, y, lanes);
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
