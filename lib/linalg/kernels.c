/* Kernels over short runs of elements. Products are formed in double and summed in eight lanes that
 * belong to the element's index, so that the sum's bits depend neither on how a vector is cut into
 * pieces nor on threads; the updates are elementwise, so a BLAS may do them. */
#include "linalg/kernels.h"

#ifdef ABSA_USE_CBLAS
#include <cblas.h>
#endif

#define REAL       float
#define NAME(name) name##_f32
#define AXPY       cblas_saxpy
#include "linalg/kernels_real.h"
#undef REAL
#undef NAME
#undef AXPY

#define REAL       double
#define NAME(name) name##_f64
#define AXPY       cblas_daxpy
#include "linalg/kernels_real.h"
