/* The small dense symmetric eigenproblem: the projection of an operator on a restarted basis. */
#ifndef ABSA_LINALG_DENSE_H
#define ABSA_LINALG_DENSE_H

#include <stdint.h>

/* Computes all eigenvalues and eigenvectors of the symmetric k x k matrix a, row-major, of which
 * both triangles are given. On return d holds the eigenvalues, ascending, column l of z (k x k,
 * row-major) the unit eigenvector of d[l], and a is destroyed.
 *
 * Returns 0, or -1 when an entry is not finite (the iteration always converges otherwise). */
int absa__dense_eigen(int64_t k, double *a, double *d, double *z);

#endif
