/* Implicit QL with Wilkinson's shift (Parlett, "The Symmetric Eigenvalue Problem", chapter 8; Golub
 * and Van Loan, section 8.3). Orders are small here (at most the number of products), so all
 * eigenvalues are computed anew after every product. */
#include "linalg/tridiag.h"

#include <float.h>
#include <math.h>

enum { MOST_SWEEPS = 60 };

/* First index m >= l whose off-diagonal e[m] is negligible beside its neighbours. */
static int64_t split_after(int64_t l, int64_t k, const double *d, const double *e)
{
    int64_t m = l;
    while (m < k - 1 && fabs(e[m]) > DBL_EPSILON * 0.5 * (fabs(d[m]) + fabs(d[m + 1])))
        m++;
    return m;
}

static void rotate_columns(int64_t k, double *z, int64_t rows, int64_t i, double c, double s)
{
    for (int64_t r = 0; r < rows; r++) {
        double *row = z + r * k;
        const double f = row[i + 1];
        row[i + 1] = s * row[i] + c * f;
        row[i] = c * row[i] - s * f;
    }
}

/* The length of (a, b). Entries are near 1 or far above the square root of the smallest number (see
 * absa__tridiag_eigen), so squares neither overflow nor, where they matter, underflow; hypot()
 * would make three quarters of a sweep's time. */
static double length_of(double a, double b)
{
    return sqrt(a * a + b * b);
}

/* One QL sweep over the unreduced block l..m. */
static void sweep(int64_t l, int64_t m, int64_t k, double *d, double *e, double *z, int64_t rows)
{
    double g = (d[l + 1] - d[l]) / (2.0 * e[l]);
    double r = length_of(g, 1.0);
    g = d[m] - d[l] + e[l] / (g + copysign(r, g));
    double s = 1.0, c = 1.0, p = 0.0;
    for (int64_t i = m - 1; i >= l; i--) {
        const double f = s * e[i], b = c * e[i];
        r = length_of(f, g);
        e[i + 1] = r;
        if (r == 0.0) { /* the block splits here: go on with the smaller ones */
            d[i + 1] -= p;
            e[m] = 0.0;
            return;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        r = (d[i] - g) * s + 2.0 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
        rotate_columns(k, z, z ? rows : 0, i, c, s);
    }
    d[l] -= p;
    e[l] = g;
    e[m] = 0.0;
}

static void sort_ascending(int64_t k, double *d, double *z, int64_t rows)
{
    for (int64_t i = 1; i < k; i++)
        for (int64_t j = i; j > 0 && d[j] < d[j - 1]; j--) {
            const double t = d[j];
            d[j] = d[j - 1];
            d[j - 1] = t;
            for (int64_t r = 0; z && r < rows; r++) {
                const double u = z[r * k + j];
                z[r * k + j] = z[r * k + j - 1];
                z[r * k + j - 1] = u;
            }
        }
}

int absa__tridiag_eigen(int64_t k, double *d, double *e, double *z, int64_t rows)
{
    double largest = 0.0;
    for (int64_t i = 0; i < k; i++) {
        if (!isfinite(d[i]) || (i < k - 1 && !isfinite(e[i])))
            return -1;
        largest = fmax(largest, fmax(fabs(d[i]), i < k - 1 ? fabs(e[i]) : 0.0));
    }
    if (largest == 0.0)
        return 0;
    /* A power of two brings any scale near 1 without rounding, so that nothing over- or underflows.
     */
    int exponent;
    (void)frexp(largest, &exponent);
    for (int64_t i = 0; i < k; i++) {
        d[i] = ldexp(d[i], -exponent);
        e[i] = i < k - 1 ? ldexp(e[i], -exponent) : 0.0;
        /* What is this far below the largest entry cannot move an eigenvalue; without this a block
         * of zeros on the diagonal would never split. */
        if (fabs(e[i]) < DBL_EPSILON * DBL_EPSILON)
            e[i] = 0.0;
    }
    for (int64_t l = 0; l < k; l++) {
        int64_t m;
        int sweeps = 0;
        while ((m = split_after(l, k, d, e)) != l) {
            if (sweeps++ == MOST_SWEEPS)
                return -1;
            sweep(l, m, k, d, e, z, rows);
        }
    }
    for (int64_t i = 0; i < k; i++)
        d[i] = ldexp(d[i], exponent);
    sort_ascending(k, d, z, rows);
    return 0;
}
