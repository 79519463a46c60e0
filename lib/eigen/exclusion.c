/* The certificate between Ritz values. With m Ritz values theta_l, residuals r_l and the last
 * polynomial phi = prod (x - theta_l) prod (x - root) / prod beta, the sum of squares is
 *
 *     S(x) = phi(x)^2 (1 + sum_l r_l^2 / (x - theta_l)^2),
 *
 * where roots are the Ritz values that restarts threw away. Between two neighbours S need not have
 * one peak only, so a bisection on S could step over a place that is not excluded. This can't
 * happen to a lower bound of S that is log-concave: with c the least that 1 and the terms of all
 * other Ritz values come to between the neighbours, and P = phi / (x - theta_i),
 *
 *     S(x) >= P(x)^2 (c (x - theta_i)^2 + r_i^2).
 *
 * log |P| is concave wherever P has no root, and the logarithm of the bracket is where
 * |x - theta_i| >= r_i / sqrt(c). So what is above the limit there is one interval, and bisection
 * finds its ends. Nothing is lost by leaving out the part next to theta_i: S does not reach the
 * limit there unless theta_i itself is excluded. */
#include "eigen/exclusion.h"

#include "eigen/bounds.h"

#include <float.h>
#include <math.h>

enum { PEAK_STEPS = 40, EDGE_STEPS = 30 };

static int64_t index_of(const absa__view *v, int64_t i)
{
    return v->sign > 0.0 ? v->count - 1 - i : i;
}

double absa__view_value(const absa__view *v, int64_t i)
{
    return v->sign * v->value[index_of(v, i)];
}

double absa__view_residual(const absa__view *v, int64_t i)
{
    return v->residual[index_of(v, i)];
}

/* log |phi(x)| without the factors of Ritz value i; -1 leaves out none. */
static double log_phi(const absa__view *v, double x, int64_t i)
{
    const int64_t skip = i < 0 ? -1 : index_of(v, i);
    absa__product p = {1.0, 0};
    for (int64_t l = 0; l < v->count; l++)
        if (l != skip)
            absa__multiply(&p, fabs(x - v->sign * v->value[l]));
    for (int64_t l = 0; l < v->roots; l++)
        absa__multiply(&p, fabs(x - v->sign * v->root[l]));
    return absa__product_log(&p) - v->log_beta;
}

/* Sign of the slope of log |phi| at x: positive to the left of its peak. */
static double slope(const absa__view *v, double x)
{
    double sum = 0.0;
    for (int64_t l = 0; l < v->count; l++)
        sum += 1.0 / (x - v->sign * v->value[l]);
    for (int64_t l = 0; l < v->roots; l++)
        sum += 1.0 / (x - v->sign * v->root[l]);
    return sum;
}

/* One side: the log-concave bound of S that Ritz value i gives. */
typedef struct side {
    const absa__view *v;
    int64_t i;
    double theta, residual, least;
} side;

static int exceeds(const side *s, double x)
{
    const double bracket = hypot(sqrt(s->least) * (x - s->theta), s->residual);
    return 2.0 * (log(bracket) + log_phi(s->v, x, s->i)) > s->v->log_limit;
}

/* How near to its Ritz value the bound is still log-concave. */
static double reach(const side *s)
{
    return s->residual / sqrt(s->least);
}

/* Where the bound, which exceeds the limit at inside, stops doing so on the way to limit_at. */
static double edge(const side *s, double inside, double limit_at)
{
    if (exceeds(s, limit_at))
        return limit_at;
    double out = limit_at;
    for (int step = 0; step < EDGE_STEPS; step++) {
        const double middle = out + 0.5 * (inside - out);
        if (exceeds(s, middle))
            inside = middle;
        else
            out = middle;
    }
    return inside;
}

/* The least that 1 and the terms of all Ritz values but i and i + 1 come to between those two. */
static double least_sum(const absa__view *v, int64_t i, double below, double above)
{
    double sum = 1.0;
    for (int64_t l = 0; l < v->count; l++) {
        if (l == i || l == i + 1)
            continue;
        const double t = absa__view_value(v, l), r = absa__view_residual(v, l);
        const double far = fmax(fabs(below - t), fabs(above - t));
        sum += far > 0.0 ? r / far * (r / far) : 0.0;
    }
    return sum;
}

/* The widest part of (below, above) without a root, and not next to one. Roots lie there only when
 * restarts threw away what is wanted after all, or copies of it: an eigenvalue is within rounding
 * of such a root, and S is known there no better than the root is. */
static void free_of_roots(const absa__view *v, double *below, double *above)
{
    double from = *below, widest = 0.0;
    const double end = *above;
    while (from < end) {
        double next = end, behind = end;
        for (int64_t l = 0; l < v->roots; l++) {
            const double r = v->sign * v->root[l];
            if (r + v->margin > from && r - v->margin < next) {
                next = r - v->margin;
                behind = r + v->margin;
            }
        }
        if (next - from > widest) {
            widest = next - from;
            *below = from;
            *above = next;
        }
        from = behind;
    }
    if (widest == 0.0)
        *above = *below;
}

int absa__excluded_between(const absa__view *v, int64_t i, double *from, double *to)
{
    const double above = absa__view_value(v, i), below = absa__view_value(v, i + 1);
    const double least = least_sum(v, i, below, above);
    const side up = {v, i, above, absa__view_residual(v, i), least};
    const side down = {v, i + 1, below, absa__view_residual(v, i + 1), least};
    double low = below, high = above;
    free_of_roots(v, &low, &high);
    low = fmax(low, below + reach(&down));
    high = fmin(high, above - reach(&up));
    const double left = low, right = high;
    /* Towards the peak of phi; any point that both sides exclude joins their intervals. */
    for (int step = 0; step < PEAK_STEPS && low < high; step++) {
        const double x = low + 0.5 * (high - low);
        if (exceeds(&up, x) && exceeds(&down, x)) {
            *from = edge(&down, x, left);
            *to = edge(&up, x, right);
            return 1;
        }
        if (slope(v, x) > 0.0)
            low = x;
        else
            high = x;
    }
    return 0;
}

int absa__excluded_around(const absa__view *v, int64_t i, double from, double to)
{
    const double log_residual = 2.0 * log(fmax(absa__view_residual(v, i), DBL_MIN));
    for (int64_t l = 0; from < to && l < v->roots; l++) {
        const double r = v->sign * v->root[l];
        if (r + v->margin > from && r - v->margin < to)
            return 0;
    }
    return log_residual + 2.0 * log_phi(v, from, i) > v->log_limit &&
           log_residual + 2.0 * log_phi(v, to, i) > v->log_limit;
}
