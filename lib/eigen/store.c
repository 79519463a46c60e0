/* A basis in two bytes an element: the recurrence runs on its three vectors, and the stored ones
 * keep it orthogonal to them. */
#include "eigen/eigen_impl.h"

#include <math.h>

/* A vector that shrank by more than this has most of its new parts from rounding; thrice is enough
 * wherever the store's digits are. */
static const double SHRANK = 0.7;
enum { MOST_TIMES = 3 };

void absa__store_add(absa_eigen *e)
{
    if (e->stored)
        absa__host_store_bf16(&e->space.shape, 1.0 / e->length[1], e->slot[1], e->stored[e->steps]);
}

/* Every element of a stored vector is off by up to 2^-8 of itself, so what is read along it is off
 * by a random sum of that many parts. Taking that away at every step would feed the rounding of the
 * store into the recurrence; so nothing is, until something along one of them stands out, and then
 * all of it, in this step and the next: the recurrence brings back what only one of two neighbours
 * has lost (H. D. Simon, "The Lanczos algorithm with partial reorthogonalization", Math. Comp. 42,
 * 1984). What is left after that is off by the same share of what was there, so where that was most
 * of the vector it is read again. */
absa_status absa__store_clear(absa_eigen *e, double *norm)
{
    const int64_t count = e->stored && e->steps > 1 ? e->steps - 1 : 0;
    double *g = e->work, *square = g + e->sizes.room, left = 0.0;
    const uint16_t *const *x = (const uint16_t *const *)e->stored;
    int again = count > 0;
    for (int times = 0; again && times < MOST_TIMES; times++) {
        const double before = *norm;
        absa__host_dots_bf16(&e->space.shape, count, x, e->slot[2], g, square);
        absa_status status = absa__vector_sum(&e->space, ABSA_OK, g, count);
        status = absa__vector_sum(&e->space, status, square, count);
        for (int64_t i = 0; i < count; i++) {
            /* Evenly spread in +-2^-8 of each term is a standard deviation of that over sqrt(3). */
            const double noise = 0x1p-8 / sqrt(3.0) * sqrt(square[i]);
            if (fabs(g[i]) > 4.0 * noise)
                e->clearing = 2;
            g[i] = -g[i];
        }
        if (status || e->clearing == 0)
            return status;
        absa__host_combine_bf16(&e->space.shape, count, g, x, e->slot[2], &left);
        status = absa__vector_sum(&e->space, status, &left, 1);
        if (status)
            return status;
        *norm = e->length[2] = sqrt(left);
        again = *norm > 0.0 && *norm < SHRANK * before;
    }
    e->clearing -= count > 0;
    return ABSA_OK;
}
