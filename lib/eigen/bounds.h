/* What the Lanczos coefficients prove: Ritz value, residual, and the probabilistic upper bound. */
#ifndef ABSA_EIGEN_BOUNDS_H
#define ABSA_EIGEN_BOUNDS_H

#include <float.h>
#include <math.h>
#include <stdint.h>

/* Least |<q1, u>| of the start vector with any fixed unit vector u, with probability 1 - eta: the
 * start is (hint + g) / length with g ~ N(0, I/n) independent of hint and u, so <q1, u> has a
 * density of at most sqrt(n / (2 pi)) length. */
double absa__start_delta(double eta, int64_t n, double length);

/* sign -1 in the next two stands for the operator with its sign turned, whose alpha are negated:
 * the lower end of the spectrum is the upper end of that operator's. */

/* log S(x), S(x) = sum phi_j(x)^2, j = 0..k, where phi_0 = 1 and
 * beta_j phi_j = (x - alpha_j) phi_{j-1} - beta_{j-1} phi_{j-2}; alpha and beta have k entries, and
 * beta[k - 1] is the norm of the residual vector. Infinite where S overflows. */
double absa__log_sum(int64_t k, double sign, const double *alpha, const double *beta, double x);

/* The x >= theta where S(x) = 1 / delta^2; theta is the largest eigenvalue of the tridiagonal
 * matrix. With probability 1 - eta (the eta of delta) no eigenvalue of the operator lies above. */
double absa__upper_bound(int64_t k, double sign, const double *alpha, const double *beta,
                         double theta, double delta);

/* The x >= theta from which on log_sum(user, x), which grows there, exceeds limit: never below it,
 * and above it by 2^-31 of x - theta, or by a few roundings of theta, at most. scale: the size of
 * the operator, to begin the search with. HUGE_VAL when no finite number does. */
typedef double (*absa__log_sum_fn)(const void *user, double x);
double absa__sum_root(double theta, double scale, double limit, absa__log_sum_fn log_sum,
                      const void *user);

/* A product of many factors, none of them negative, kept from over- and underflow; begins as
 * {1, 0}. A factor of zero counts as the smallest number, so that there is a logarithm. */
typedef struct absa__product {
    double mantissa;
    int exponent;
} absa__product;

static inline void absa__multiply(absa__product *p, double factor)
{
    int shift;
    p->mantissa = frexp(p->mantissa * fmax(factor, DBL_MIN), &shift);
    p->exponent += shift;
}

static inline double absa__product_log(const absa__product *p)
{
    return log(p->mantissa) + p->exponent * 0.69314718055994530942; /* log 2 */
}

#endif
