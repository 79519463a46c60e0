/* Vectors in host memory: sums against long double, updates against plain formulas, pieces. */
#include "linalg/hostvec.h"
#include "base/processor.h"
#include "linalg/kernels.h"

#include <absa/random.h>

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static absa__shape flat(int32_t element, int64_t n)
{
    return (absa__shape){element, n, 0, NULL, 0};
}

static long double reference_dot(int64_t n, const double *x, const double *y)
{
    long double s = 0;
    for (int64_t i = 0; i < n; i++)
        s += (long double)x[i] * (long double)y[i];
    return s;
}

/* Products and sums in double: relative to sum |x y| the error is below (adds in a chain) * eps,
 * and a chain is at most 4096/8 in a block plus log2 of the number of blocks. */
Test(kernels, dots_in_f64_are_as_exact_as_pairwise_sums_are)
{
    const int64_t sizes[] = {1, 7, 8, 9, 4095, 4096, 4097, 100003};
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        const int64_t n = sizes[k];
        double *x = malloc((size_t)n * sizeof *x), *y = malloc((size_t)n * sizeof *y), got, scale;
        absa_random_gaussian_f64(1, 0, 0, n, x);
        absa_random_gaussian_f64(2, 0, 0, n, y);
        const absa__shape s = flat(ABSA_ELEMENT_F64, n);
        const void *xs[] = {x};
        absa__host_dots(&s, 1, xs, y, &got);
        scale = (double)sqrtl(reference_dot(n, x, x) * reference_dot(n, y, y));
        cr_assert_float_eq(got, (double)reference_dot(n, x, y), 540.0 * DBL_EPSILON * scale);
        free(x);
        free(y);
    }
}

/* 2^24 additions of one in single precision stop at 2^24; in double they do not. */
Test(kernels, f32_sums_accumulate_in_double)
{
    const int64_t n = (1 << 24) + 12345;
    float *x = malloc((size_t)n * sizeof *x);
    for (int64_t i = 0; i < n; i++)
        x[i] = 1.0f;
    const absa__shape s = flat(ABSA_ELEMENT_F32, n);
    const void *xs[] = {x};
    double got;
    absa__host_dots(&s, 1, xs, x, &got);
    cr_assert_eq(got, (double)n);
    free(x);
}

Test(kernels, several_dots_at_once_are_the_single_ones)
{
    enum { N = 10007, M = 5 };
    static float x[M][N], y[N];
    const void *xs[M + 1];
    for (int i = 0; i < M; i++) {
        absa_random_gaussian_f32(3, (uint64_t)i, 0, N, x[i]);
        xs[i] = x[i];
    }
    absa_random_gaussian_f32(4, 0, 0, N, y);
    xs[M] = y;
    double together[M + 1], alone;
    const absa__shape s = flat(ABSA_ELEMENT_F32, N);
    absa__host_dots(&s, M + 1, xs, y, together);
    for (int i = 0; i <= M; i++) {
        absa__host_dots(&s, 1, &xs[i], y, &alone);
        cr_assert_eq(alone, together[i]);
    }
}

/* Cuts a copy of x into pieces of the given lengths, each in its own allocation. */
static absa_segment *cut(const double *x, const int64_t *lengths, int64_t count)
{
    absa_segment *s = malloc((size_t)count * sizeof *s);
    for (int64_t i = 0; i < count; i++) {
        s[i].length = lengths[i];
        s[i].data = malloc((size_t)lengths[i] * sizeof *x + 1);
        memcpy(s[i].data, x, (size_t)lengths[i] * sizeof *x);
        x += lengths[i];
    }
    return s;
}

static void drop(absa_segment *s, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        free(s[i].data);
    free(s);
}

Test(kernels, segments_give_the_bits_of_one_piece)
{
    enum { N = 20000, COUNT = 9 };
    const int64_t lengths[COUNT] = {1, 0, 4095, 3, 4100, 0, 7, 11793, 1};
    static double x[N], y[N], back[N];
    absa_random_gaussian_f64(5, 0, 0, N, x);
    absa_random_gaussian_f64(6, 0, 0, N, y);
    absa_segment *sx = cut(x, lengths, COUNT), *sy = cut(y, lengths, COUNT);
    const absa__shape whole = flat(ABSA_ELEMENT_F64, N);
    const absa__shape pieces = {ABSA_ELEMENT_F64, N, 0, lengths, COUNT};
    const void *px = x, *psx = sx;
    double d1, d2, q1, q2;
    absa__host_dots(&whole, 1, &px, y, &d1);
    absa__host_dots(&pieces, 1, &psx, sy, &d2);
    cr_assert_eq(d1, d2);
    const double a = 0.3;
    absa__host_combine(&whole, 1, &a, &px, -1.7, y, &q1);
    absa__host_combine(&pieces, 1, &a, &psx, -1.7, sy, &q2);
    cr_assert_eq(q1, q2);
    absa__host_read(&pieces, sy, 0, N, back);
    cr_assert_eq(memcmp(back, y, sizeof y), 0);
    absa__host_gaussian(&whole, 7, 8, x);
    absa__host_gaussian(&pieces, 7, 8, sx);
    absa__host_read(&pieces, sx, 0, N, back);
    cr_assert_eq(memcmp(back, x, sizeof x), 0);
    absa__host_read(&pieces, sx, 4090, 20, back);
    cr_assert_eq(memcmp(back, x + 4090, 20 * sizeof *x), 0);
    absa__host_write(&pieces, 4090, 20, x, sx);
    absa__host_read(&pieces, sx, 4089, 22, back);
    cr_assert_eq(back[0], x[4089]);
    cr_assert_eq(memcmp(back + 1, x, 20 * sizeof *x), 0);
    cr_assert_eq(back[21], x[4110]);
    drop(sx, COUNT);
    drop(sy, COUNT);
}

/* Each term rounds once: at most (terms + 1) half-ulps of the sum of their sizes. */
Test(kernels, combine_is_the_sum_and_its_square)
{
    enum { N = 9001, M = 4 };
    static float x[M][N], y[N], old[N];
    const double a[M] = {0.5, -1.25, 3.0, 1e-3};
    const double bs[] = {1.0, -0.75, 0.0};
    const void *xs[M];
    for (int i = 0; i < M; i++) {
        absa_random_gaussian_f32(8, (uint64_t)i, 0, N, x[i]);
        xs[i] = x[i];
    }
    const absa__shape s = flat(ABSA_ELEMENT_F32, N);
    for (size_t k = 0; k < 3; k++) {
        absa_random_gaussian_f32(9, 0, 0, N, y);
        memcpy(old, y, sizeof y);
        double square, again;
        absa__host_combine(&s, M, a, xs, bs[k], y, &square);
        for (int i = 0; i < N; i++) {
            double want = bs[k] * (double)old[i], size = fabs(want);
            for (int j = 0; j < M; j++) {
                want += a[j] * (double)x[j][i];
                size += fabs(a[j] * (double)x[j][i]);
            }
            cr_assert_float_eq((double)y[i], want, (M + 1) * (double)FLT_EPSILON * size);
        }
        const void *py = y;
        absa__host_dots(&s, 1, &py, y, &again);
        cr_assert_eq(square, again);
    }
}

Test(kernels, a_factor_of_zero_does_not_read)
{
    enum { N = 5000 };
    static double y[N], x[N];
    const void *px = x;
    const double a = 2.0;
    for (int i = 0; i < N; i++) {
        y[i] = (double)NAN;
        x[i] = i;
    }
    const absa__shape s = flat(ABSA_ELEMENT_F64, N);
    absa__host_combine(&s, 1, &a, &px, 0.0, y, NULL);
    for (int i = 0; i < N; i++)
        cr_assert_eq(y[i], 2.0 * i);
}

Test(kernels, an_empty_vector_has_the_sum_zero)
{
    const absa__shape s = flat(ABSA_ELEMENT_F32, 0);
    float none = 1.0f;
    const void *x = &none;
    double got = 5.0, a = 2.0;
    absa__host_dots(&s, 1, &x, &none, &got);
    cr_assert_eq(got, 0.0);
    absa__host_combine(&s, 1, &a, &x, 1.0, &none, &got);
    cr_assert_eq(none, 1.0f);
}

/* A shard fills its part of the global sequence. */
Test(kernels, a_shard_fills_by_global_index)
{
    enum { N = 300 };
    double whole[N], part[N];
    absa__shape s = flat(ABSA_ELEMENT_F64, N);
    absa__host_gaussian(&s, 1, 1, whole);
    s.first = 101;
    s.n = N - 101;
    absa__host_gaussian(&s, 1, 1, part);
    cr_assert_eq(memcmp(part, whole + 101, (N - 101) * sizeof *part), 0);
}

/* The sums of all ways from the same lanes. */
static void same_dots(int64_t n, int64_t count, const float *const *x, const float *y, int64_t lane)
{
    double sums[3][ABSA__TOGETHER][ABSA__LANES];
    for (int wide = 0; wide < 3; wide++) {
        double *lanes[ABSA__TOGETHER];
        for (int k = 0; k < ABSA__TOGETHER; k++) {
            lanes[k] = sums[wide][k];
            for (int j = 0; j < ABSA__LANES; j++)
                lanes[k][j] = 0.1 * j;
        }
        absa__dots_f32(absa__has_wide() ? wide : 0, n, count, x, y, lane, lanes);
    }
    for (int wide = 1; wide < 3; wide++)
        cr_assert_eq(memcmp(sums[0], sums[wide], sizeof sums[0]), 0, "n %d, %d vectors", (int)n,
                     (int)count);
}

/* Every length around the lanes, every number of vectors, from aligned and from odd lanes. */
Test(kernels, wide_instructions_give_the_bits_of_plain_ones)
{
    enum { N = 70 };
    static float x[ABSA__TOGETHER][N], y[N], out[2][N];
    const float *xs[ABSA__TOGETHER];
    const double a[ABSA__TOGETHER] = {0.7, -1.3, 1e-3, 2.9}, bs[] = {0.0, 1.0, -0.6};
    for (int k = 0; k < ABSA__TOGETHER; k++) {
        absa_random_gaussian_f32(5, (uint64_t)k, 0, N, x[k]);
        xs[k] = x[k];
    }
    absa_random_gaussian_f32(6, 0, 0, N, y);
    for (int64_t n = 0; n <= N; n++)
        for (int64_t count = 1; count <= ABSA__TOGETHER; count++)
            for (int64_t lane = 0; lane < 16; lane += 5) {
                double squares[2][ABSA__LANES];
                same_dots(n, count, xs, y, lane);
                same_dots(n, count, xs, xs[count - 1], lane); /* a square among the products */
                for (int b = 0; b < 3; b++)
                    for (int squared = 0; squared < 2; squared++) {
                        for (int wide = 0; wide < 2; wide++) {
                            memcpy(out[wide], y, sizeof y);
                            for (int j = 0; j < ABSA__LANES; j++)
                                squares[wide][j] = 0.1 * j;
                            absa__combine_f32(wide && absa__has_wide(), n, count, a, xs, bs[b],
                                              out[wide], lane, squared ? squares[wide] : NULL);
                        }
                        cr_assert_eq(memcmp(out[0], out[1], sizeof y), 0, "n %d, %d vectors",
                                     (int)n, (int)count);
                        cr_assert_eq(memcmp(squares[0], squares[1], sizeof squares[0]), 0);
                        double want = 0.0, got = 0.0;
                        for (int64_t i = 0; i < n; i++)
                            want += (double)out[0][i] * (double)out[0][i];
                        for (int j = 0; j < ABSA__LANES; j++)
                            got += squares[0][j] - 0.1 * j;
                        /* A hundred additions in another order. */
                        if (squared)
                            cr_assert_float_eq(got, want, 100 * DBL_EPSILON * (want + 4.0));
                    }
            }
}
