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

double absa__log_sum(int64_t k, double sign, const double *alpha, const double *beta, double x)
{
    double before = 0.0, phi = 1.0, sum = 1.0;
    for (int64_t j = 0; j < k; j++) {
        const double top = (x - sign * alpha[j]) * phi - (j > 0 ? beta[j - 1] : 0.0) * before;
        before = phi;
        /* A zero residual means an invariant subspace: S is infinite but at its eigenvalues. */
        phi = beta[j] > 0.0 ? top / beta[j] : (top == 0.0 ? 0.0 : HUGE_VAL);
        sum += phi * phi;
        if (!(sum < HUGE_VAL))
            return HUGE_VAL;
    }
    return log(sum);
}

/* A search for the root, and a point of it: the distance from theta is unit 2^at. */
typedef struct search {
    double theta, unit, limit;
    absa__log_sum_fn log_sum;
    const void *user;
} search;

typedef struct point {
    double at, excess;
} point;

static double place(const search *s, double at)
{
    return s->theta + s->unit * exp2(at);
}

static point look(const search *s, double at)
{
    return (point){at, s->log_sum(s->user, place(s, at)) - s->limit};
}

/* Where to look next, as a share of the way from a to b, which bracket the root: by inverse
 * quadratic interpolation with c, an earlier point, where that can be trusted, else in the middle
 * (T. R. Chandrupatla, "A new hybrid quadratic/bisection algorithm for finding the zero of a
 * nonlinear function without using derivatives", Adv. Eng. Software 28, 1997). */
static double share_of(point a, point b, point c)
{
    const double xi = (a.at - b.at) / (c.at - b.at);
    const double phi = (a.excess - b.excess) / (c.excess - b.excess);
    if (!(phi * phi < xi && (1.0 - phi) * (1.0 - phi) < 1.0 - xi)) /* infinite ones fail too */
        return 0.5;
    return a.excess / (b.excess - a.excess) * c.excess / (b.excess - c.excess) +
           (c.at - a.at) / (b.at - a.at) * a.excess / (c.excess - a.excess) * b.excess /
               (c.excess - b.excess);
}

/* From a bracket to the root, all but the last of its digits left out to the safe side. log S is
 * next to a straight line over the distance's logarithm, so a few looks are enough. */
static double refine(const search *s, point a, point b)
{
    static const double close = 0x1p-31;
    double share = 0.5;
    for (;;) {
        const point next = look(s, a.at + share * (b.at - a.at));
        point before = a;
        if ((next.excess > 0.0) != (a.excess > 0.0)) {
            before = b;
            b = a;
        }
        a = next;
        const double width = fabs(b.at - a.at);
        if (width <= close)
            return place(s, a.excess > 0.0 ? a.at : b.at);
        const double least = fmin(0.5, 0.5 * close / width);
        share = fmin(fmax(share_of(a, b, before), least), 1.0 - least);
    }
}

double absa__sum_root(double theta, double scale, double limit, absa__log_sum_fn log_sum,
                      const void *user)
{
    const search s = {theta, fmax(0x1p-12 * scale, DBL_MIN), limit, log_sum, user};
    if (log_sum(user, theta) > limit)
        return theta;
    point a = look(&s, 0.0);
    const int within = a.excess > 0.0;
    for (;;) {
        const double at = within ? a.at - 4.0 : a.at + 4.0, x = place(&s, at);
        if (!isfinite(x))
            return HUGE_VAL;
        if (within && x <= theta) /* S is above the limit from the next few numbers on */
            return place(&s, a.at);
        const point b = look(&s, at);
        if ((b.excess > 0.0) != within)
            return refine(&s, b, a);
        a = b;
    }
}

/* What absa__log_sum() takes beside x. */
typedef struct recurrence {
    int64_t k;
    double sign;
    const double *alpha, *beta;
} recurrence;

static double log_sum_of(const void *user, double x)
{
    const recurrence *r = user;
    return absa__log_sum(r->k, r->sign, r->alpha, r->beta, x);
}

double absa__upper_bound(int64_t k, double sign, const double *alpha, const double *beta,
                         double theta, double delta)
{
    const recurrence r = {k, sign, alpha, beta};
    double scale = fabs(theta);
    for (int64_t j = 0; j < k; j++)
        scale = fmax(scale, fmax(fabs(alpha[j]), beta[j]));
    return absa__sum_root(theta, scale, -2.0 * log(delta), log_sum_of, &r);
}
