/* Ritz vectors: wanted once a run, not once a step, so their components are solved for when they
 * are asked for, and no matrix of them is kept. */
#include "eigen/eigen_impl.h"

#include "linalg/tridiag.h"

#include <string.h>

/* Component j of all Ritz vectors; valid until the next call. */
static const double *row_of(absa_eigen *e, int64_t j)
{
    if (e->memory == ABSA_MEMORY_RESTART)
        return absa__restart_row(e, j);
    const int64_t k = e->ritz_count, room = e->sizes.room;
    double *d = e->work, *off = d + room, *row = off + room;
    memcpy(d, e->alpha, (size_t)k * sizeof *d);
    memcpy(off, e->beta, (size_t)k * sizeof *off);
    memset(row, 0, (size_t)k * sizeof *row);
    row[j] = 1.0;
    (void)absa__tridiag_eigen(k, d, off, row, 1);
    return row;
}

void absa__ritz_components(absa_eigen *e, int64_t count, const int64_t *column, double *out)
{
    for (int64_t j = 0; j < e->ritz_count; j++) {
        const double *row = row_of(e, j);
        for (int64_t i = 0; i < count; i++)
            out[j * count + i] = row[column[i]];
    }
}

void absa__ritz_combination(absa_eigen *e, int64_t first, int64_t count, double *out)
{
    for (int64_t j = 0; j < e->ritz_count; j++) {
        const double *row = row_of(e, j);
        out[j] = 0.0;
        for (int64_t i = first; i < first + count; i++)
            out[j] += row[e->pair[i].column];
    }
}

/* The same of pairs that were set aside: their vectors are slots. */
static absa_status sum_slots(absa_eigen *e, int64_t first, int64_t count, void *out)
{
    double *a = e->work;
    memset(a, 0, (size_t)e->locked * sizeof *a);
    for (int64_t i = first; i < first + count; i++)
        a[e->pair[i].slot] = 1.0 / e->length[e->pair[i].slot];
    return absa__vector_combine(&e->space, e->locked, a, (const void *const *)e->slot, 0.0, out,
                                NULL);
}

/* The same of stored vectors; its length is off by what rounding took of them. */
static absa_status sum_stored(absa_eigen *e, int64_t k, const double *a, void *out)
{
    const absa_status status = absa__vector_axpby(&e->space, 0.0, e->slot[1], 0.0, out);
    if (!status)
        absa__host_combine_bf16(&e->space.shape, k, a, (const uint16_t *const *)e->stored, out,
                                NULL);
    return status;
}

absa_status absa__ritz_sum(absa_eigen *e, int64_t first, int64_t count, void *out)
{
    double *a = e->work + 3 * e->sizes.room;
    const int64_t k = e->ritz_count;
    if (e->memory == ABSA_MEMORY_TWO_PASS)
        return absa__vector_axpby(&e->space, 1.0 / e->length[3], e->slot[3], 0.0, out);
    if (e->locked > 0)
        return sum_slots(e, first, count, out);
    absa__ritz_combination(e, first, count, a);
    if (e->stored)
        return sum_stored(e, k, a, out);
    for (int64_t j = 0; j < k; j++)
        a[j] /= e->length[j];
    return absa__vector_combine(&e->space, k, a, (const void *const *)e->slot, 0.0, out, NULL);
}
