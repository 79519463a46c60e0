/* The tridiagonal eigensolver against spectra that are known in closed form. */
#include "linalg/tridiag.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

static const double PI = 3.14159265358979323846;

/* Backward error of QL: a small multiple of k * eps * |T|; 10 is generous and far below any gap. */
static double bound(int64_t k, double norm)
{
    return 10.0 * (double)k * DBL_EPSILON * norm;
}

static void second_difference(int64_t k, double scale, double *d, double *e)
{
    for (int64_t i = 0; i < k; i++) {
        d[i] = 2.0 * scale;
        e[i] = -1.0 * scale;
    }
}

/* Eigenvalues 2 - 2 cos(j pi / (k + 1)), j = 1..k. */
Test(tridiag, the_second_difference_matrix_at_any_scale)
{
    const double scales[] = {1.0, 1e-30, 1e30, 1e-300, 1e300};
    for (size_t s = 0; s < 5; s++)
        for (int64_t k = 1; k <= 200; k += 1 + k / 3) {
            double d[200], e[200];
            second_difference(k, scales[s], d, e);
            cr_assert_eq(absa__tridiag_eigen(k, d, e, NULL, 0), 0);
            for (int64_t j = 1; j <= k; j++) {
                const double want = 2.0 - 2.0 * cos((double)j * PI / (double)(k + 1));
                cr_assert_float_eq(d[j - 1] / scales[s], want, bound(k, 4.0));
            }
        }
}

Test(tridiag, eigenvectors_are_orthonormal_and_satisfy_the_equation)
{
    enum { K = 40 };
    double d[K], e[K], a[K], b[K], z[K * K] = {0};
    srand(3);
    for (int i = 0; i < K; i++) {
        a[i] = d[i] = (double)rand() / RAND_MAX - 0.5;
        b[i] = e[i] = (double)rand() / RAND_MAX;
        z[i * K + i] = 1.0;
    }
    cr_assert_eq(absa__tridiag_eigen(K, d, e, z, K), 0);
    for (int j = 0; j < K; j++) {
        if (j > 0)
            cr_assert(d[j - 1] <= d[j]);
        for (int i = 0; i < K; i++) {
            double y = a[i] * z[i * K + j] - d[j] * z[i * K + j];
            if (i > 0)
                y += b[i - 1] * z[(i - 1) * K + j];
            if (i < K - 1)
                y += b[i] * z[(i + 1) * K + j];
            cr_assert_float_eq(y, 0.0, bound(K, 2.5));
        }
        for (int l = 0; l <= j; l++) {
            double s = 0;
            for (int i = 0; i < K; i++)
                s += z[i * K + j] * z[i * K + l];
            cr_assert_float_eq(s, l == j ? 1.0 : 0.0, bound(K, 1.0));
        }
    }
}

Test(tridiag, one_row_of_the_eigenvectors_is_that_row_of_all)
{
    enum { K = 25 };
    double d[K], e[K], d2[K], e2[K], z[K * K] = {0}, row[K] = {0};
    second_difference(K, 1.0, d, e);
    second_difference(K, 1.0, d2, e2);
    for (int i = 0; i < K; i++)
        z[i * K + i] = 1.0;
    row[K - 1] = 1.0;
    absa__tridiag_eigen(K, d, e, z, K);
    absa__tridiag_eigen(K, d2, e2, row, 1);
    for (int j = 0; j < K; j++)
        cr_assert_eq(row[j], z[(K - 1) * K + j]);
}

Test(tridiag, zero_blocks_and_splits_are_no_obstacle)
{
    double d[6] = {3, 0, 0, 0, 0, -1}, e[6] = {0, 1e-40, 1e-320, 0, 0, 7};
    cr_assert_eq(absa__tridiag_eigen(6, d, e, NULL, 0), 0);
    const double want[6] = {-1, 0, 0, 0, 0, 3};
    for (int i = 0; i < 6; i++)
        cr_assert_float_eq(d[i], want[i], 1e-30);
    double zero[3] = {0, 0, 0}, none[3] = {0, 0, 0};
    cr_assert_eq(absa__tridiag_eigen(3, zero, none, NULL, 0), 0);
    cr_assert_eq(zero[1], 0.0);
    /* Golub-Kahan form: eigenvalues +-1, the diagonal all zero. */
    double gk[2] = {0, 0}, off[2] = {1, 0};
    cr_assert_eq(absa__tridiag_eigen(2, gk, off, NULL, 0), 0);
    cr_assert_float_eq(gk[0], -1.0, 1e-15);
    cr_assert_float_eq(gk[1], 1.0, 1e-15);
}

/* Wilkinson's W21+: the two largest agree to more than 14 digits (10.746194182903...). */
Test(tridiag, wilkinsons_matrix_keeps_its_close_pair)
{
    double d[21], e[21];
    for (int i = 0; i < 21; i++) {
        d[i] = fabs(10.0 - i);
        e[i] = 1.0;
    }
    cr_assert_eq(absa__tridiag_eigen(21, d, e, NULL, 0), 0);
    cr_assert_float_eq(d[20], 10.746194182903393, bound(21, 12.0));
    cr_assert_float_eq(d[19], 10.746194182903322, bound(21, 12.0));
}

Test(tridiag, numbers_that_are_not_finite_are_refused)
{
    double d[2] = {1, (double)NAN}, e[2] = {1, 0};
    cr_assert_eq(absa__tridiag_eigen(2, d, e, NULL, 0), -1);
    double d2[2] = {1, 2}, e2[2] = {(double)INFINITY, 0};
    cr_assert_eq(absa__tridiag_eigen(2, d2, e2, NULL, 0), -1);
}
