/* The consistency meter: how far the products were from those of one symmetric matrix, beyond what
 * rounding explains. Rounding is relative to the operator, not to the value that was asked for,
 * which may lie far below it; and where a vector was made of a small remainder, it is magnified in
 * the vector's direction. */
#include "eigen/eigen_impl.h"

#include <math.h>

/* A meter above this is no measurement any more. */
static const double most_of_differences = 0.2;

/* Units in the last place of the operator's size that a product and a step may be off by. */
static const double units = 8.0;

double absa__size_so_far(const absa_eigen *e)
{
    double size = 0.0;
    for (int64_t i = 0; i < e->steps; i++)
        size = fmax(size, fmax(fabs(e->alpha[i]), e->beta[i]));
    return size;
}

/* What rounding explains of one product. With three vectors, q_j'q_{j-1} beta_{j-1} is a sum of the
 * roundings of all steps, which all may have one sign; a kept basis is cleared of its parts along
 * itself where a remainder is less than a tenth. */
static double explained(const absa_eigen *e, double size)
{
    const double before = e->beta[e->steps - 1];
    double magnified = before > 0.0 ? size / before : HUGE_VAL;
    if (absa__turns(e))
        magnified *= 2.0 * (double)e->steps;
    else
        magnified = fmin(magnified, 10.0);
    return units * absa__element_epsilon(e) * size * (1.0 + magnified);
}

/* What one symmetric matrix would have given: q_{j-1}'Hq_j is beta_{j-1}, and all earlier ones are
 * zero; the first vector behind a restart is coupled to all that were held. */
static double expected(const absa_eigen *e, int64_t i, int64_t kept)
{
    if (e->held > 0 && e->have == e->held)
        return e->arrow[i - e->locked];
    return i == kept - 2 ? e->beta[e->steps - 1] : 0.0;
}

double absa__meter_read(absa_eigen *e, int64_t kept, const double *h)
{
    double off = 0.0;
    /* What a pair that was set aside is coupled by is its residual, of which no more is known. */
    for (int64_t i = e->locked; i < kept - 1; i++) {
        const double d = h[i] - expected(e, i, kept);
        off += d * d;
    }
    off = sqrt(off);
    if (e->steps > 0)
        e->inconsistency =
            fmax(e->inconsistency, off - explained(e, fmax(absa__size_so_far(e), sqrt(h[kept]))));
    return off;
}

void absa__meter_add(absa_eigen *e, double off)
{
    e->inconsistency =
        fmax(e->inconsistency, off - units * absa__element_epsilon(e) * absa__size_so_far(e));
}

void absa__meter_show(absa_eigen *e)
{
    absa_eigen_result *r = &e->now;
    r->inconsistency = r->value != 0.0 ? e->inconsistency / fabs(r->value) : 0.0;
    r->consistent =
        r->inconsistency <= (r->heuristic ? most_of_differences : 0.5 * e->options.tolerance);
}
