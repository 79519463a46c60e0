/* One run of the estimator on a diagonal operator, with its pairs, kept open for more questions. */
#ifndef ABSA_TEST_EIGEN_RUNS_H
#define ABSA_TEST_EIGEN_RUNS_H

#include "support/matrices.h"

enum { EIGEN_RUN_PAIRS = 80 };

/* Every way to keep what a run needs: changes memory and, with it, wanted, multiplicity or store.
 * Returns the mode's name, NULL behind the last. The last one is for floats in host memory. */
const char *eigen_mode(int index, absa_eigen_options *o);
enum { EIGEN_MODES = 9, EIGEN_MODES_FOREIGN = 8 };

typedef struct eigen_run {
    absa_context *ctx;
    absa_space space;
    absa_operator *op;
    absa_eigen *e;
    diagonal_host h;
    absa_eigen_result r;
    absa_pair pair[EIGEN_RUN_PAIRS];
} eigen_run;

/* Makes the estimator, fails the test when it cannot. */
void eigen_run_open(eigen_run *x, int32_t element, int64_t n, const double *values,
                    const absa_eigen_options *o);
/* Runs, checks that every product is counted, and reads the pairs; args may be NULL. */
void eigen_run_go(eigen_run *x, const absa_eigen_args *args);
void eigen_run_close(eigen_run *x);

/* |H u - theta u| of pair i's vector u as the library gives it; *norm, if not NULL, gets |u|. */
double eigen_run_residual(eigen_run *x, int64_t i, double *norm);

#endif
