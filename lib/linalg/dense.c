/* Cyclic Jacobi rotations (Golub and Van Loan, section 8.5). Orders are at most the number of
 * vectors a restarted run may hold, so simplicity and the accuracy of small components count for
 * more than speed. */
#include "linalg/dense.h"

#include <float.h>
#include <math.h>

enum { MOST_SWEEPS = 60 };

/* Zeroes a[p][q] by a rotation of rows and columns p and q, and turns z's columns with them. */
static void rotate(int64_t k, double *a, double *z, int64_t p, int64_t q)
{
    const double off = a[p * k + q];
    const double theta = (a[q * k + q] - a[p * k + p]) / (2.0 * off);
    const double t = copysign(1.0, theta) / (fabs(theta) + hypot(theta, 1.0));
    const double c = 1.0 / sqrt(t * t + 1.0), s = t * c;
    a[p * k + p] -= t * off;
    a[q * k + q] += t * off;
    a[p * k + q] = a[q * k + p] = 0.0;
    for (int64_t i = 0; i < k; i++) {
        const double zp = z[i * k + p], zq = z[i * k + q];
        z[i * k + p] = c * zp - s * zq;
        z[i * k + q] = s * zp + c * zq;
        if (i == p || i == q)
            continue;
        const double ap = a[i * k + p], aq = a[i * k + q];
        a[i * k + p] = a[p * k + i] = c * ap - s * aq;
        a[i * k + q] = a[q * k + i] = s * ap + c * aq;
    }
}

/* Returns how many entries off the diagonal were worth a rotation. */
static int64_t sweep(int64_t k, double *a, double *z)
{
    int64_t rotations = 0;
    for (int64_t p = 0; p < k - 1; p++)
        for (int64_t q = p + 1; q < k; q++) {
            /* The matrix is scaled to entries of at most 1. Beside its own diagonal entries an
             * entry of eps moves nothing; without them one of eps^2 does not. */
            const double size = sqrt(fabs(a[p * k + p])) * sqrt(fabs(a[q * k + q]));
            if (fabs(a[p * k + q]) <= DBL_EPSILON * fmax(0.1 * size, DBL_EPSILON))
                continue;
            rotate(k, a, z, p, q);
            rotations++;
        }
    return rotations;
}

static void sort_ascending(int64_t k, double *d, double *z)
{
    for (int64_t i = 1; i < k; i++)
        for (int64_t j = i; j > 0 && d[j] < d[j - 1]; j--) {
            const double t = d[j];
            d[j] = d[j - 1];
            d[j - 1] = t;
            for (int64_t r = 0; r < k; r++) {
                const double u = z[r * k + j];
                z[r * k + j] = z[r * k + j - 1];
                z[r * k + j - 1] = u;
            }
        }
}

int absa__dense_eigen(int64_t k, double *a, double *d, double *z)
{
    double largest = 0.0;
    for (int64_t i = 0; i < k * k; i++) {
        if (!isfinite(a[i]))
            return -1;
        largest = fmax(largest, fabs(a[i]));
    }
    /* A power of two brings any scale near 1 without rounding, so that nothing over- or underflows.
     */
    int exponent = 0;
    if (largest > 0.0)
        (void)frexp(largest, &exponent);
    for (int64_t i = 0; i < k * k; i++) {
        a[i] = ldexp(a[i], -exponent);
        z[i] = i % (k + 1) == 0 ? 1.0 : 0.0;
    }
    /* Convergence is quadratic: six to ten sweeps. What is left after the limit is rounding. */
    for (int sweeps = 0; sweeps < MOST_SWEEPS && sweep(k, a, z) > 0; sweeps++) {
    }
    for (int64_t i = 0; i < k; i++)
        d[i] = ldexp(a[i * k + i], exponent);
    sort_ascending(k, d, z);
    return 0;
}
