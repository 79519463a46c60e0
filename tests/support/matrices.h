/* Small symmetric operators with a known spectrum, in host memory. */
#ifndef ABSA_TEST_MATRICES_H
#define ABSA_TEST_MATRICES_H

#include <absa/eigen.h>

/* A diagonal operator; every product adds one to calls. From call change_at on, counted from 1 (0:
 * never), the product is scaled by 1 + change; at call fail_at it returns 7, at nan_at it gives
 * NaN. */
typedef struct diagonal_host {
    int64_t n;
    int32_t element;
    const double *values;
    int64_t calls, change_at, fail_at, nan_at;
    double change;
} diagonal_host;

int diagonal_hvp(void *user, const void *v, void *hv, int64_t *samples);

absa_operator *diagonal_operator(absa_context *ctx, diagonal_host *h, absa_space *space);

/* The default options with this rule and memory. */
absa_eigen_options eigen_options(int32_t rule, int32_t memory);

/* Runs once on the diagonal with these values and returns the result; vector, if not NULL, gets the
 * eigenvector. A failure fails the test. */
absa_eigen_result run_diagonal(int32_t element, int64_t n, const double *values,
                               const absa_eigen_options *o, const absa_eigen_args *args,
                               void *vector);

/* Outliers over a bulk, both ends present: the usual look of a network's Hessian. */
void outlier_spectrum(int64_t n, double *values);

#endif
