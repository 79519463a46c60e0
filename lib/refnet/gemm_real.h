/* Products of matrices and short sums, row-major. Part of real.h. */

enum { PLAIN = 0, TRANSPOSED = 1 };

/* c = op(a) op(b) + beta c, c being m * n and the inner dimension k; beta is 0 or 1. */
static void gemm(int ta, int tb, int64_t m, int64_t n, int64_t k, const REAL *a, int64_t lda,
                 const REAL *b, int64_t ldb, REAL beta, REAL *c, int64_t ldc)
{
#ifdef ABSA_USE_CBLAS
    CBLAS_GEMM(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans,
               (int)m, (int)n, (int)k, 1, a, (int)lda, b, (int)ldb, beta, c, (int)ldc);
#else
    enum { LANES = 8 };
    for (int64_t i = 0; i < m; i++) {
        REAL *row = c + i * ldc;
        if (beta == 0)
            memset(row, 0, (size_t)n * sizeof *row);
        if (!tb) {
            for (int64_t p = 0; p < k; p++) {
                const REAL s = ta ? a[p * lda + i] : a[i * lda + p];
                const REAL *restrict bp = b + p * ldb;
                INDEPENDENT
                for (int64_t j = 0; j < n; j++)
                    row[j] += s * bp[j];
            }
            continue;
        }
        for (int64_t j = 0; j < n; j++) {
            const REAL *bp = b + j * ldb;
            REAL lanes[LANES] = {0};
            int64_t p = 0;
            for (; !ta && p + LANES <= k; p += LANES)
                for (int l = 0; l < LANES; l++)
                    lanes[l] += a[i * lda + p + l] * bp[p + l];
            for (; p < k; p++)
                lanes[0] += (ta ? a[p * lda + i] : a[i * lda + p]) * bp[p];
            REAL sum = 0;
            for (int l = 0; l < LANES; l++)
                sum += lanes[l];
            row[j] += sum;
        }
    }
#endif
}

/* Sum of n elements, in lanes so that it vectorises and errors stay small. */
static REAL sum_of(int64_t n, const REAL *x)
{
    enum { LANES = 16 };
    REAL lanes[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++)
            lanes[l] += x[i + l];
    double sum = 0;
    for (; i < n; i++)
        sum += (double)x[i];
    for (int l = 0; l < LANES; l++)
        sum += (double)lanes[l];
    return (REAL)sum;
}

static void fill(int64_t n, REAL value, REAL *y)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = value;
}

static void zero(int64_t n, REAL *y)
{
    memset(y, 0, (size_t)n * sizeof *y);
}

static void add_to(int64_t n, const REAL *x, REAL *y)
{
    INDEPENDENT
    for (int64_t i = 0; i < n; i++)
        y[i] += x[i];
}

/* b = a transposed: a is rows * columns with leading dimension columns, b the reverse. */
static void transpose(int64_t rows, int64_t columns, const REAL *restrict a, REAL *restrict b)
{
    enum { TILE = 16 };
    for (int64_t i0 = 0; i0 < rows; i0 += TILE)
        for (int64_t j0 = 0; j0 < columns; j0 += TILE) {
            const int64_t i1 = i0 + TILE < rows ? i0 + TILE : rows;
            const int64_t j1 = j0 + TILE < columns ? j0 + TILE : columns;
            for (int64_t j = j0; j < j1; j++)
                for (int64_t i = i0; i < i1; i++)
                    b[j * rows + i] = a[i * columns + j];
        }
}
