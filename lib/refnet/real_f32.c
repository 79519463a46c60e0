/* The network's arithmetic in single precision. */
#include "net.h"

#define REAL          float
#define INDEX         int32_t
#define MATH(name)    name##f
#define CBLAS_GEMM    cblas_sgemm
#define FILL_GAUSSIAN absa_random_gaussian_f32
#define DRIVER        ABSA__NET_DRIVER(f32)
#include "real.h"
