/* A dense symmetric matrix as an operator, and the sub-matrices that blocks of it should be.
 * Included by white-box tests. */
#ifndef ABSA_TEST_DENSE_BLOCKS_H
#define ABSA_TEST_DENSE_BLOCKS_H

#include "linalg/dense.h"

#include <absa/block.h>
#include <absa/random.h>

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { DENSE_N = 30 };

typedef struct dense_host {
    double a[DENSE_N * DENSE_N];
    int64_t calls, fail_at; /* the product that fails, counted from 1; 0: none */
} dense_host;

/* Entries N(0, 1 / n) on and above the diagonal. */
static inline void dense_fill(dense_host *h, uint64_t seed)
{
    memset(h, 0, sizeof *h);
    absa_random_gaussian_f64(seed, 1, 0, (int64_t)DENSE_N * DENSE_N, h->a);
    for (int i = 0; i < DENSE_N; i++)
        for (int j = 0; j <= i; j++)
            h->a[i * DENSE_N + j] = h->a[j * DENSE_N + i] =
                h->a[i * DENSE_N + j] / sqrt((double)DENSE_N);
}

static inline int dense_product(void *user, const void *v, void *hv, int64_t *samples)
{
    dense_host *h = user;
    (void)samples;
    for (int i = 0; i < DENSE_N; i++) {
        double sum = 0;
        for (int j = 0; j < DENSE_N; j++)
            sum += h->a[i * DENSE_N + j] * ((const double *)v)[j];
        ((double *)hv)[i] = sum;
    }
    return ++h->calls == h->fail_at ? 7 : 0;
}

static inline absa_operator *dense_operator(absa_context *ctx, dense_host *h, absa_space *space)
{
    absa_operator *op;
    absa_space_host(space, sizeof *space, ABSA_ELEMENT_F64, DENSE_N);
    cr_assert_eq(absa_operator_from_hvp(ctx, space, dense_product, h, NULL, &op), ABSA_OK);
    return op;
}

/* Writes rows and columns of the selection, row by row; returns how many. */
static inline int64_t dense_sub_matrix(const dense_host *h, const absa_block *block, double *out)
{
    int64_t at[DENSE_N], m = 0;
    for (int64_t i = 0; i < absa_block_piece_count(block); i++) {
        absa_block_range piece;
        cr_assert_eq(absa_block_piece_at(block, i, &piece), ABSA_OK);
        for (int64_t k = 0; k < piece.count; k++)
            at[m++] = piece.first + k;
    }
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < m; j++)
            out[i * m + j] = h->a[at[i] * DENSE_N + at[j]];
    return m;
}

/* The largest eigenvalue of an m x m matrix, by Jacobi's method. */
static inline double dense_top(int64_t m, const double *matrix)
{
    double a[DENSE_N * DENSE_N], z[DENSE_N * DENSE_N], d[DENSE_N];
    memcpy(a, matrix, (size_t)(m * m) * sizeof *a);
    cr_assert_eq(absa__dense_eigen(m, a, d, z), 0);
    return d[m - 1];
}

#endif
