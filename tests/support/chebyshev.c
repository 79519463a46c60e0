/* Three inequalities, all of them for polynomials p of our choice, here products of factors that
 * vanish at some outermost eigenvalues with a Chebyshev polynomial of the interval of all others.
 *
 * After k products the Ritz value is at least the Rayleigh quotient of p(A) q1 for every p of
 * degree k - 1 (Saad, "Numerical Methods for Large Eigenvalue Problems", section 6.6). Eigenvalues
 * above a cut may also be left to the polynomial's mercy: they pull the quotient down by no more
 * than their distance from the top (Kuczynski and Wozniakowski, SIAM J. Matrix Anal. Appl. 13,
 * 1992).
 *
 * S(x), the sum of squares of the orthonormal polynomials of degree 0 to k, is the largest p(x)^2
 * of all p of degree k with |p(A) q1| = 1, so it is at least p(x)^2 / max p(eigenvalues)^2.
 *
 * A unit vector v with Rayleigh quotient theta has |A v - theta v|^2 <= (top - theta)(top - low):
 * split the sum over eigenvalues at theta, and use that the parts on both sides of it balance. */
#include "support/chebyshev.h"

#include <absa/eigen.h>

#include <math.h>

enum { MOST_ZEROS = 6, CUTS = 200 };

/* log T_m(t), t >= 1. */
static double log_chebyshev(int64_t m, double t)
{
    const double a = (double)m * acosh(fmax(t, 1.0));
    return a + log1p(exp(-2.0 * a)) - log(2.0);
}

/* Where x lies when [low, high] is stretched to [-1, 1]. */
static double stretched(double x, double low, double high)
{
    return high > low ? (2.0 * x - low - high) / (high - low) : HUGE_VAL;
}

/* log of prod |x - z| over zeros at values[from..from+top-1] and the last `bottom` values. */
static double log_factors(const ceiling_problem *p, double x, int64_t from, int64_t top,
                          int64_t bottom)
{
    double sum = 0.0;
    for (int64_t i = 0; i < top; i++)
        sum += log(fabs(x - p->values[from + i]));
    for (int64_t i = 0; i < bottom; i++)
        sum += log(fabs(x - p->values[p->n - 1 - i]));
    return sum;
}

/* The largest of log_factors over the eigenvalues that are no zeros, from `first` on. */
static double most_factors(const ceiling_problem *p, int64_t first, int64_t from, int64_t top,
                           int64_t bottom)
{
    double most = -HUGE_VAL;
    for (int64_t i = first; i < p->n - bottom; i++)
        most = fmax(most, log_factors(p, p->values[i], from, top, bottom));
    return most;
}

double ceiling_error(const ceiling_problem *p, int64_t k)
{
    const double *v = p->values, spread = v[0] - v[p->n - 1];
    double best = spread;
    for (int64_t top = 0; top < MOST_ZEROS; top++)
        for (int64_t bottom = 0; bottom < 3; bottom++) {
            const int64_t m = k - 1 - top - bottom;
            if (m < 0 || v[1 + top] >= v[0])
                continue;
            const double grown =
                log_chebyshev(m, stretched(v[0], v[p->n - 1 - bottom], v[1 + top]));
            const double tail = most_factors(p, 1 + top, 1, top, bottom) -
                                log_factors(p, v[0], 1, top, bottom) - grown - log(p->reach);
            best = fmin(best, spread * exp(2.0 * tail));
        }
    for (int64_t i = 1; i <= CUTS; i++) {
        const double cut = v[0] - spread * (double)i / CUTS * 0.5;
        const double grown = log_chebyshev(k - 1, stretched(v[0], v[p->n - 1], cut));
        best = fmin(best, v[0] - cut + spread * exp(-2.0 * (grown + log(p->reach))));
    }
    return best;
}

double ceiling_upper(const ceiling_problem *p, int64_t k)
{
    const double *v = p->values, spread = v[0] - v[p->n - 1];
    double best = HUGE_VAL;
    for (int64_t top = 0; top < MOST_ZEROS; top++)
        for (int64_t bottom = 0; bottom < 3; bottom++) {
            const int64_t m = k - top - bottom;
            if (m < 0)
                continue;
            const double most = most_factors(p, top, 0, top, bottom);
            double low = v[0], high = v[0] + 1e6 * spread;
            for (int i = 0; i < 100; i++) {
                const double x = 0.5 * (low + high);
                const double s = log_factors(p, x, 0, top, bottom) - most +
                                 log_chebyshev(m, stretched(x, v[p->n - 1 - bottom], v[top]));
                if (s >= -log(p->delta))
                    high = x;
                else
                    low = x;
            }
            best = fmin(best, high);
        }
    return best;
}

int64_t ceiling_products(const ceiling_problem *p, int32_t rule, int64_t most)
{
    const double spread = p->values[0] - p->values[p->n - 1];
    for (int64_t k = 1; k < most; k++) {
        const double error = ceiling_error(p, k), theta = p->values[0] - error;
        const double margin = p->tolerance * theta;
        if (theta <= 0.0)
            continue;
        const int residual = error * spread <= margin * margin;
        if (rule == ABSA_RULE_RESIDUAL && residual)
            return k;
        if (rule == ABSA_RULE_RESIDUAL || (rule == ABSA_RULE_CHECKED && !residual))
            continue;
        if (ceiling_upper(p, k) - theta <= (rule == ABSA_RULE_CHECKED ? 5.0 : 1.0) * margin)
            return k;
    }
    return most;
}
