/* The symmetric tridiagonal eigenproblem of the Lanczos recurrence. */
#ifndef ABSA_LINALG_TRIDIAG_H
#define ABSA_LINALG_TRIDIAG_H

#include <stdint.h>

/* Computes the eigenvalues of the symmetric tridiagonal matrix of order k with diagonal d[0..k-1]
 * and off-diagonal e[0..k-2]; e has k elements, the last is workspace. On return d holds the
 * eigenvalues, ascending, and e is destroyed.
 *
 * z is rows x k, row-major, or NULL: it is multiplied from the right by the eigenvectors, so that a
 * start with row i of the identity gives component i of every eigenvector (rows = k and the
 * identity give the eigenvectors as columns).
 *
 * Returns 0, or -1 when an entry is not finite (the iteration always converges otherwise). */
int absa__tridiag_eigen(int64_t k, double *d, double *e, double *z, int64_t rows);

#endif
