/* Quantiles of Student's t. For whole degrees of freedom the distribution is a finite sum
 * (M. Abramowitz, I. A. Stegun, "Handbook of Mathematical Functions", 26.7.3 and 26.7.4), which
 * needs no gamma function; where the sum gets long, the expansion around the normal distribution
 * (26.7.5) is exact to rounding. No globals, as lgamma has one. */
#include "base/student.h"

#include <math.h>

/* Beyond this many degrees of freedom the fifth term of the expansion, which is left out, is below
 * 1e-9 of the first: it is about (x^2 / 4f)^5, x being at most 4.9. */
enum { SUMMED = 1000 };

static const double PI = 3.14159265358979323846;

/* P(|T| <= t). */
static double within(int64_t f, double t)
{
    const double length = hypot(sqrt((double)f), t);
    const double sine = t / length, cosine = sqrt((double)f) / length;
    double term = f % 2 ? cosine : 1.0, sum = f % 2 && f == 1 ? 0.0 : term;
    for (int64_t k = f % 2 ? 3 : 2; k <= f - 2; k += 2) {
        term *= cosine * cosine * (double)(k - 1) / (double)k;
        sum += term;
    }
    return f % 2 ? 2.0 / PI * (atan2(t, sqrt((double)f)) + sine * sum) : sine * sum;
}

/* P(|X| <= x) of a normal X. */
static double normal_within(double x)
{
    return erf(x * sqrt(0.5));
}

/* The point where a rising function of t reaches confidence: halves until the doubles run out. */
static double solve(int64_t f, double confidence)
{
    double low = 0.0, high = 1.0;
    while ((f ? within(f, high) : normal_within(high)) < confidence)
        high *= 2.0;
    for (;;) {
        const double middle = 0.5 * (low + high);
        if (middle <= low || middle >= high)
            return high;
        if ((f ? within(f, middle) : normal_within(middle)) < confidence)
            low = middle;
        else
            high = middle;
    }
}

double absa__student_quantile(int64_t freedom, double confidence)
{
    if (freedom <= SUMMED)
        return solve(freedom, confidence);
    const double x = solve(0, confidence), y = x * x, f = (double)freedom;
    const double g1 = x * (y + 1.0) / 4.0;
    const double g2 = x * ((5.0 * y + 16.0) * y + 3.0) / 96.0;
    const double g3 = x * (((3.0 * y + 19.0) * y + 17.0) * y - 15.0) / 384.0;
    const double g4 = x * ((((79.0 * y + 776.0) * y + 1482.0) * y - 1920.0) * y - 945.0) / 92160.0;
    return x + (g1 + (g2 + (g3 + g4 / f) / f) / f) / f;
}
