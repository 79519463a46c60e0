/* The row functions of perturb_rows.h for one element type. Included by perturb_rows.c with REAL,
 * NAME, ABS and LARGEST defined. Conditional expressions, not fmin and fmax, so that the loops
 * become vector minima and maxima. */

int64_t NAME(absa__first_bad)(int64_t n, const REAL *x)
{
    int64_t bad = 0;
    for (int64_t i = 0; i < n; i++)
        bad += !(ABS(x[i]) <= LARGEST);
    if (!bad)
        return -1;
    for (int64_t i = 0;; i++)
        if (!(ABS(x[i]) <= LARGEST))
            return i;
}

double NAME(absa__row_largest)(int64_t n, const REAL *g)
{
    REAL most = 0;
    for (int64_t i = 0; i < n; i++)
        most = ABS(g[i]) > most ? ABS(g[i]) : most;
    return (double)most;
}

double NAME(absa__row_length)(int64_t n, const REAL *g, double largest)
{
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++) {
        const double part = (double)g[i] / largest;
        sum += part * part;
    }
    return largest * sqrt(sum);
}

/* The box is stretched to x; a step of zero leaves the bits of x, the sign of -0 included. */
static inline REAL NAME(clipped)(REAL x, REAL step, REAL lo, REAL hi)
{
    const REAL low = x < lo ? x : lo, high = x > hi ? x : hi;
    REAL v = x + step;
    v = v < low ? low : v;
    v = v > high ? high : v;
    return step == 0 ? x : v;
}

static inline void NAME(sign_run)(int64_t n, int64_t gap, const REAL *x, const REAL *g,
                                  absa__reach r, REAL *out)
{
    const REAL epsilon = (REAL)r.epsilon, lo = (REAL)r.lo, hi = (REAL)r.hi;
    for (int64_t i = 0; i < n; i++) {
        const REAL d = g[i * gap];
        const REAL step = d > 0 ? epsilon : d < 0 ? -epsilon : 0;
        out[i * gap] = NAME(clipped)(x[i * gap], step, lo, hi);
    }
}

void NAME(absa__sign)(int64_t n, int64_t gap, const REAL *x, const REAL *g, absa__reach r,
                      REAL *out)
{
    /* The common case with a constant gap is a loop that the compiler turns into vector code. */
    if (gap == 1)
        NAME(sign_run)(n, 1, x, g, r, out);
    else
        NAME(sign_run)(n, gap, x, g, r, out);
}

void NAME(absa__linear)(int64_t n, int64_t gap, const REAL *x, const REAL *g, double factor,
                        absa__reach r, REAL *out)
{
    const REAL lo = (REAL)r.lo, hi = (REAL)r.hi;
    for (int64_t i = 0; i < n; i++)
        out[i * gap] = NAME(clipped)(x[i * gap], (REAL)(factor * (double)g[i * gap]), lo, hi);
}
