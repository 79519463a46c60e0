/* What the Lanczos coefficients prove: Ritz value, residual, and the probabilistic upper bound. */
#ifndef ABSA_EIGEN_BOUNDS_H
#define ABSA_EIGEN_BOUNDS_H

#include <stdint.h>

/* Least |<q1, u>| of the start vector with any fixed unit vector u, with probability 1 - eta: the
 * start is (hint + g) / length with g ~ N(0, I/n) independent of hint and u, so <q1, u> has a
 * density of at most sqrt(n / (2 pi)) length. */
double absa__start_delta(double eta, int64_t n, double length);

/* sign -1 in the next two stands for the operator with its sign turned, whose alpha are negated:
 * the lower end of the spectrum is the upper end of that operator's. */

/* 1 when S(x) = sum phi_j(x)^2, j = 0..k, exceeds limit, where phi_0 = 1 and
 * beta_j phi_j = (x - alpha_j) phi_{j-1} - beta_{j-1} phi_{j-2}; alpha and beta have k entries, and
 * beta[k - 1] is the norm of the residual vector. */
int absa__sum_exceeds(int64_t k, double sign, const double *alpha, const double *beta, double x,
                      double limit);

/* The x >= theta where S(x) = 1 / delta^2; theta is the largest eigenvalue of the tridiagonal
 * matrix. With probability 1 - eta (the eta of delta) no eigenvalue of the operator lies above. */
double absa__upper_bound(int64_t k, double sign, const double *alpha, const double *beta,
                         double theta, double delta);

#endif
