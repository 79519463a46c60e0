/* Power iteration as the paper runs it, for comparison: the Rayleigh quotient of the last product's
 * input, stopped when it changes little. It finds the eigenvalue of largest magnitude, with its
 * sign, and proves nothing about what it missed. */
#include "eigen/eigen_impl.h"

#include <math.h>

absa_status absa__power_step(absa_eigen *e, absa_status status, double *change, int *exact)
{
    /* slot[0] is q_{j-1}, slot[1] is q_j, slot[2] is y = H q_j: power iteration has no lengths. */
    const int known = e->steps > 0;
    const int64_t first = known ? 0 : 1, count = known ? 3 : 2;
    double h[3];
    if (!status)
        status = absa__vector_dots(&e->space, count, (const void *const *)e->slot + first,
                                   e->slot[2], h);
    status = absa__vector_sum(&e->space, status, h, count);
    if (status)
        return status;
    const double square = h[count - 1], rayleigh = h[count - 2], norm = sqrt(square);
    status = absa__check_product(e, 1, square);
    if (status)
        return status;
    absa_eigen_result *r = &e->now;
    /* q_j is H q_{j-1} / |H q_{j-1}|, so q_{j-1}'H q_j is that norm again. */
    if (known)
        absa__meter_add(e, fabs(h[0] - e->beta[e->steps - 1]));
    *change = known ? fabs(rayleigh - r->value) / fabs(rayleigh) : HUGE_VAL;
    if (known && rayleigh == r->value)
        *change = 0.0;
    r->value = rayleigh;
    /* An eigenvalue at least as far out on the quotient's side: all that is certain. */
    const double rounding = fmax(8.0 * absa__element_epsilon(e) * norm, e->floor);
    r->lower = rayleigh < 0.0 ? -HUGE_VAL : rayleigh - rounding;
    r->upper = rayleigh < 0.0 ? rayleigh + rounding : HUGE_VAL;
    r->residual = sqrt(fmax(square - rayleigh * rayleigh, 0.0));
    absa__meter_show(e);
    e->alpha[e->steps] = rayleigh;
    e->beta[e->steps] = norm;
    e->steps++;
    e->open = e->floor > 0.0;
    *exact = norm == 0.0 || e->open;
    if (*exact)
        return ABSA_OK;
    /* The next input: y scaled into the slot of q_{j-1}, which is not needed again. */
    status = absa__vector_axpby(&e->space, 1.0 / norm, e->slot[2], 0.0, e->slot[0]);
    status = absa__vector_status(&e->space, status);
    void *used = e->slot[0];
    e->slot[0] = e->slot[1];
    e->slot[1] = used;
    return status;
}
