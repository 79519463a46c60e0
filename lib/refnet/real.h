/* The network's arithmetic for one element type. Included by real_f32.c and real_f64.c with REAL,
 * INDEX (an integer as wide), MATH, CBLAS_GEMM, FILL_GAUSSIAN and DRIVER defined; everything inside
 * is static but the driver.
 *
 * Each kind of layer has four passes over one chunk of rows:
 *   forward     y from x
 *   backward    dx from dy, and dtheta += what the layer's parameters get
 *   r_forward   ry, the derivative of y along v, from rx (Pearlmutter's R-operator)
 *   r_backward  rdx, the derivative of dx along v, and dtheta += that of the parameters' gradient
 */
#include <absa/random.h>

#ifdef ABSA_USE_CBLAS
#include <cblas.h>
#endif
#include <math.h>
#include <string.h>

/* In front of a loop whose iterations touch only elements of their own, so that in-place use (x
 * being y) does not keep the compiler from vectorising it. */
#if defined(__clang__)
/* Loops that call the C library's functions cannot be vectorised, and need not be. */
#pragma clang diagnostic ignored "-Wpass-failed"
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define INDEPENDENT _Pragma("GCC ivdep")
#else
#define INDEPENDENT
#endif

/* What a layer sees of one chunk. Pointers that a pass does not need may hold anything. */
typedef struct frame {
    const absa__net_layer *layer;
    const absa__net_node *in, *out;
    int64_t rows;
    const REAL *theta, *v; /* whole vectors */
    REAL *dtheta;          /* NULL: not wanted */
    const REAL *x, *x_other;
    REAL *y, *aux;
    REAL *dx, *dx_other; /* NULL: not wanted */
    const REAL *dy;
    const REAL *rx, *rx_other; /* rx NULL: zero, for layers with parameters */
    REAL *ry;
    REAL *rdx, *rdx_other; /* NULL: not wanted */
    const REAL *rdy;
    int held;           /* the layer's parameters do not move: v is zero there, dtheta not wanted */
    int add, add_other; /* dx (rdx) is added to instead of overwritten */
    REAL *column;
    /* For batch normalisation. */
    int training;
    int64_t ghost_rows;
    const double *statistics;
} frame;

#include "gemm_real.h"

#include "dense_real.h"

#include "conv_real.h"

#include "activation_real.h"

#include "pool_real.h"

#include "join_real.h"

#include "norm_real.h"

#include "loss_real.h"

#include "pass_real.h"

#include "drive_real.h"
