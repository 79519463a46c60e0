/* How many products Lanczos may take at most on a known spectrum: what Chebyshev polynomials prove,
 * for any start that has enough of the top eigenvector. */
#ifndef ABSA_TEST_CHEBYSHEV_H
#define ABSA_TEST_CHEBYSHEV_H

#include <stdint.h>

typedef struct ceiling_problem {
    int64_t n;
    const double *values; /* all eigenvalues, descending, the first positive */
    double reach;         /* the start's component along the top eigenvector is at least this */
    double delta;         /* as the certificate assumes it */
    double tolerance;
} ceiling_problem;

/* The largest eigenvalue less the largest Ritz value after k products is at most this. */
double ceiling_error(const ceiling_problem *p, int64_t k);

/* The upper bound after k products is at most this. */
double ceiling_upper(const ceiling_problem *p, int64_t k);

/* First k at which RESIDUAL (one of enum absa_rule), CHECKED or CERTIFIED must have stopped; most
 * when none does before. */
int64_t ceiling_products(const ceiling_problem *p, int32_t rule, int64_t most);

#endif
