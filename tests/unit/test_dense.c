/* The small dense symmetric eigenproblem against its definition. */
#include "linalg/dense.h"
#include "linalg/tridiag.h"

#include <absa/random.h>

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <string.h>

enum { MOST = 63 };

/* Az = zd column by column, z'z = 1, d ascending; rounding of a k x k product is k eps |A|, and
 * Jacobi's own error a small multiple of that (20 leaves room). */
static void check(int64_t k, const double *a, double size)
{
    static double work[MOST * MOST], z[MOST * MOST], d[MOST];
    const double most = 20.0 * (double)k * DBL_EPSILON;
    memcpy(work, a, (size_t)(k * k) * sizeof *a);
    cr_assert_eq(absa__dense_eigen(k, work, d, z), 0);
    for (int64_t l = 0; l < k; l++) {
        cr_assert(l == 0 || d[l - 1] <= d[l]);
        for (int64_t i = 0; i < k; i++) {
            double residual = -d[l] * z[i * k + l], dot = 0.0;
            for (int64_t j = 0; j < k; j++) {
                residual += a[i * k + j] * z[j * k + l];
                dot += z[j * k + i] * z[j * k + l];
            }
            cr_assert_leq(fabs(residual), most * size, "order %d", (int)k);
            cr_assert_float_eq(dot, i == l ? 1.0 : 0.0, most);
        }
    }
}

Test(dense, eigenpairs_fit_their_definition_at_every_order_and_scale)
{
    static double a[MOST * MOST];
    const double scales[] = {1.0, 1e300, 1e-300};
    const int64_t orders[] = {1, 2, 3, 7, 20, MOST};
    for (size_t s = 0; s < sizeof scales / sizeof scales[0]; s++)
        for (size_t o = 0; o < sizeof orders / sizeof orders[0]; o++) {
            const int64_t k = orders[o];
            absa_random_gaussian_f64(1, (uint64_t)k, 0, k * k, a);
            double size = 0.0;
            for (int64_t i = 0; i < k; i++)
                for (int64_t j = 0; j <= i; j++) {
                    a[i * k + j] *= scales[s];
                    a[j * k + i] = a[i * k + j];
                    size += fabs(a[i * k + j]) * (i == j ? 1.0 : 2.0) / (double)k;
                }
            check(k, a, 2.0 * size);
        }
}

Test(dense, equal_and_zero_eigenvalues_are_found_whole)
{
    static double a[MOST * MOST];
    enum { K = 12 };
    check(K, a, 1.0);
    for (int i = 0; i < K * K; i++)
        a[i] = 1.0; /* rank one, eleven zeros */
    check(K, a, K);
    memset(a, 0, sizeof a);
    for (int i = 0; i < K; i++)
        a[i * (K + 1)] = 1.0;
    check(K, a, 1.0);
}

Test(dense, a_tridiagonal_matrix_has_the_eigenvalues_of_the_tridiagonal_solver)
{
    enum { K = 30 };
    static double a[K * K], z[K * K], d[K], diagonal[K], off[K];
    for (int i = 0; i < K; i++) {
        diagonal[i] = a[i * (K + 1)] = cos(i);
        off[i] = 0.1 + fabs(sin(i));
        if (i + 1 < K)
            a[i * K + i + 1] = a[(i + 1) * K + i] = off[i];
    }
    cr_assert_eq(absa__dense_eigen(K, a, d, z), 0);
    cr_assert_eq(absa__tridiag_eigen(K, diagonal, off, NULL, 0), 0);
    for (int i = 0; i < K; i++)
        cr_assert_float_eq(d[i], diagonal[i], 20 * K * DBL_EPSILON);
}

Test(dense, what_is_not_finite_is_refused)
{
    double a[4] = {1.0, (double)NAN, (double)NAN, 1.0}, d[2], z[4];
    cr_assert_eq(absa__dense_eigen(2, a, d, z), -1);
    a[1] = a[2] = (double)INFINITY;
    cr_assert_eq(absa__dense_eigen(2, a, d, z), -1);
}
