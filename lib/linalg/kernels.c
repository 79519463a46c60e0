/* Kernels over short runs of elements. Products are formed in double and summed in eight lanes that
 * belong to the element's index, so that the sum's bits depend neither on how a vector is cut into
 * pieces nor on threads; the updates are elementwise, so a BLAS may do them. */
#include "linalg/kernels.h"

#include <string.h>

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

static float widen(uint16_t x)
{
    const uint32_t bits = (uint32_t)x << 16;
    float out;
    memcpy(&out, &bits, sizeof out);
    return out;
}

void absa__dot_bf16(int64_t n, const uint16_t *x, const float *y, int64_t lane, double *lanes,
                    double *squares)
{
    double sum[ABSA__LANES], square[ABSA__LANES] = {0.0};
    for (int j = 0; j < ABSA__LANES; j++)
        sum[j] = lanes[j];
    int64_t i = 0;
    for (; i < n && (lane + i) % ABSA__LANES != 0; i++) {
        const double t = (double)widen(x[i]) * (double)y[i];
        sum[(lane + i) % ABSA__LANES] += t;
        square[(lane + i) % ABSA__LANES] += t * t;
    }
    for (; i + ABSA__LANES <= n; i += ABSA__LANES)
        for (int j = 0; j < ABSA__LANES; j++) {
            const double t = (double)widen(x[i + j]) * (double)y[i + j];
            sum[j] += t;
            square[j] += t * t;
        }
    for (int j = 0; i < n; i++, j++) {
        const double t = (double)widen(x[i]) * (double)y[i];
        sum[j] += t;
        square[j] += t * t;
    }
    for (int j = 0; j < ABSA__LANES; j++) {
        lanes[j] = sum[j];
        *squares += square[j];
    }
}

void absa__axpy_bf16(int64_t n, double a, const uint16_t *restrict x, float *restrict y)
{
    const float ra = (float)a;
    for (int64_t i = 0; i < n; i++)
        y[i] += ra * widen(x[i]);
}

void absa__store_bf16(int64_t n, double a, const float *restrict x, uint16_t *restrict y)
{
    const float ra = (float)a;
    for (int64_t i = 0; i < n; i++) {
        const float v = ra * x[i];
        uint32_t bits;
        memcpy(&bits, &v, sizeof bits);
        /* A NaN would round to an infinity; products are checked before they get here. */
        y[i] = (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
    }
}
