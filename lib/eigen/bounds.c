/* The certificate. If u is the top eigenvector and lambda its value, <q_{j+1}, u> = <q_1, u>
 * phi_j(lambda), and the q are orthonormal, so Bessel's inequality gives <q_1, u>^2 S(lambda) <= 1.
 * The start is random, so |<q_1, u>| >= delta but for a chance of eta: then S(lambda) <= 1/delta^2,
 * at every step at once. S grows to the right of the largest Ritz value, so the bound is one root.
 *
 * After J. L. M. van Dorsselaer, M. E. Hochstenbach, H. A. van der Vorst, "Computing probabilistic
 * bounds for extreme eigenvalues of symmetric matrices with the Lanczos method", SIAM J. Matrix
 * Anal. Appl. 22 (2000), who bound by the last phi alone; the sum over all of them is stronger. */
#include "eigen/bounds.h"

#include <float.h>
#include <math.h>

static const double PI = 3.14159265358979323846;

double absa__start_delta(double eta, int64_t n, double length)
{
    return eta * sqrt(PI / (2.0 * (double)n)) / length;
}

int absa__sum_exceeds(int64_t k, double sign, const double *alpha, const double *beta, double x,
                      double limit)
{
    double before = 0.0, phi = 1.0, sum = 1.0;
    for (int64_t j = 0; j < k; j++) {
        const double top = (x - sign * alpha[j]) * phi - (j > 0 ? beta[j - 1] : 0.0) * before;
        before = phi;
        /* A zero residual means an invariant subspace: S is infinite but at its eigenvalues. */
        phi = beta[j] > 0.0 ? top / beta[j] : (top == 0.0 ? 0.0 : HUGE_VAL);
        sum += phi * phi;
        /* Stopping at the limit also keeps phi from overflowing: limit is far below DBL_MAX. */
        if (!(sum <= limit))
            return 1;
    }
    return 0;
}

double absa__upper_bound(int64_t k, double sign, const double *alpha, const double *beta,
                         double theta, double delta)
{
    const double limit = 1.0 / (delta * delta);
    if (absa__sum_exceeds(k, sign, alpha, beta, theta, limit))
        return theta;
    double scale = fabs(theta);
    for (int64_t j = 0; j < k; j++)
        scale = fmax(scale, fmax(fabs(alpha[j]), beta[j]));
    double step = fmax(scale * DBL_EPSILON, DBL_MIN);
    while (!absa__sum_exceeds(k, sign, alpha, beta, theta + step, limit)) {
        step *= 2.0;
        if (!isfinite(theta + step))
            return HUGE_VAL;
    }
    double low = theta, high = theta + step;
    for (;;) {
        const double middle = low + 0.5 * (high - low);
        if (middle <= low || middle >= high || high - low <= 1e-12 * (high - theta))
            return high;
        if (absa__sum_exceeds(k, sign, alpha, beta, middle, limit))
            high = middle;
        else
            low = middle;
    }
}
