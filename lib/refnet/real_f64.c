/* The network's arithmetic in double precision. */
#include "net.h"

#define REAL          double
#define INDEX         int64_t
#define MATH(name)    name
#define CBLAS_GEMM    cblas_dgemm
#define FILL_GAUSSIAN absa_random_gaussian_f64
#define DRIVER        ABSA__NET_DRIVER(f64)
#include "real.h"
