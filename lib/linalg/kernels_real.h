/* The kernels of kernels.h for one element type. Included by kernels.c with REAL, NAME and AXPY
 * defined. */

void NAME(absa__dot)(int64_t n, const REAL *x, const REAL *y, int64_t lane, double *lanes)
{
    int64_t i = 0;
    for (; i < n && (lane + i) % ABSA__LANES != 0; i++)
        lanes[(lane + i) % ABSA__LANES] += (double)x[i] * (double)y[i];
    double sum[ABSA__LANES];
    for (int j = 0; j < ABSA__LANES; j++)
        sum[j] = lanes[j];
    for (; i + ABSA__LANES <= n; i += ABSA__LANES)
        for (int j = 0; j < ABSA__LANES; j++)
            sum[j] += (double)x[i + j] * (double)y[i + j];
    for (int j = 0; i < n; i++, j++)
        sum[j] += (double)x[i] * (double)y[i];
    for (int j = 0; j < ABSA__LANES; j++)
        lanes[j] = sum[j];
}

void NAME(absa__axpby)(int64_t n, double a, const REAL *restrict x, double b, REAL *restrict y)
{
    const REAL ra = (REAL)a, rb = (REAL)b;
    if (b == 0.0) {
        for (int64_t i = 0; i < n; i++)
            y[i] = ra * x[i];
    } else if (b == 1.0) {
#ifdef ABSA_USE_CBLAS
        AXPY((int)n, ra, x, 1, y, 1);
#else
        for (int64_t i = 0; i < n; i++)
            y[i] += ra * x[i];
#endif
    } else {
        for (int64_t i = 0; i < n; i++)
            y[i] = ra * x[i] + rb * y[i];
    }
}
