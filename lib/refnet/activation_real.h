/* Functions of one element: ReLU, tanh, softplus, GELU. The first three take their derivatives from
 * y alone, so that they may work in place; GELU needs x. ReLU needs no delta either (its second
 * derivative is 0), so its deltas may be in place as well. Part of real.h.
 *
 * With s = f'(x): ry = s rx, dx = s dy, rdx = s rdy + dy f''(x) rx, where f''(x) rx is written in
 * terms of y and ry where x is gone: -2 y ry for tanh, exp(-y) ry for softplus. */

static int64_t elements(const frame *f)
{
    return f->in->size * f->rows;
}

static REAL gelu_cdf(REAL x)
{
    return (REAL)0.5 * MATH(erfc)(-x * (REAL)0.70710678118654752440);
}

static REAL gelu_pdf(REAL x)
{
    return (REAL)0.39894228040143267794 * MATH(exp)((REAL)-0.5 * x * x);
}

/* Not max(x, 0): a NaN must come through. */
static REAL relu_of(REAL x)
{
    return x < 0 ? 0 : x;
}

static REAL softplus_of(REAL x)
{
    return relu_of(x) + MATH(log1p)(MATH(exp)(-MATH(fabs)(x)));
}

/* The derivative; takes y, GELU's takes x. */
static REAL relu_slope(REAL y)
{
    return y > 0 ? 1 : 0;
}

static REAL tanh_slope(REAL y)
{
    return 1 - y * y;
}

static REAL softplus_slope(REAL y)
{
    return -MATH(expm1)(-y);
}

static REAL gelu_slope(REAL x)
{
    return gelu_cdf(x) + x * gelu_pdf(x);
}

/* The derivative of the slope along v; takes y and ry, GELU's takes x and rx. */
static REAL relu_bend(REAL y, REAL ry)
{
    (void)y;
    (void)ry;
    return 0;
}

static REAL tanh_bend(REAL y, REAL ry)
{
    return -2 * y * ry;
}

static REAL softplus_bend(REAL y, REAL ry)
{
    return MATH(exp)(-y) * ry;
}

static REAL gelu_bend(REAL x, REAL rx)
{
    return gelu_pdf(x) * (2 - x * x) * rx;
}

static REAL gelu_of(REAL x)
{
    return x * gelu_cdf(x);
}

/* The four passes of one function. at and r_at name what its slope and bend take. */
#define ACTIVATION(name, value, at, r_at)                                                          \
    static void name##_forward(const frame *f)                                                     \
    {                                                                                              \
        const REAL *x = f->x;                                                                      \
        REAL *y = f->y;                                                                            \
        const int64_t n = elements(f);                                                             \
        INDEPENDENT                                                                                \
        for (int64_t i = 0; i < n; i++)                                                            \
            y[i] = value(x[i]);                                                                    \
    }                                                                                              \
    static void name##_backward(const frame *f)                                                    \
    {                                                                                              \
        const REAL *z = f->at, *dy = f->dy;                                                        \
        REAL *dx = f->dx;                                                                          \
        const int64_t n = dx ? elements(f) : 0;                                                    \
        const int add = f->add;                                                                    \
        INDEPENDENT                                                                                \
        for (int64_t i = 0; i < n; i++)                                                            \
            dx[i] = (add ? dx[i] : 0) + name##_slope(z[i]) * dy[i];                                \
    }                                                                                              \
    static void name##_r_forward(const frame *f)                                                   \
    {                                                                                              \
        const REAL *z = f->at, *rx = f->rx;                                                        \
        REAL *ry = f->ry;                                                                          \
        const int64_t n = elements(f);                                                             \
        INDEPENDENT                                                                                \
        for (int64_t i = 0; i < n; i++)                                                            \
            ry[i] = name##_slope(z[i]) * rx[i];                                                    \
    }                                                                                              \
    static void name##_r_backward(const frame *f)                                                  \
    {                                                                                              \
        const REAL *z = f->at, *rz = f->r_at, *dy = f->dy, *rdy = f->rdy;                          \
        REAL *rdx = f->rdx;                                                                        \
        const int64_t n = rdx ? elements(f) : 0;                                                   \
        const int add = f->add;                                                                    \
        INDEPENDENT                                                                                \
        for (int64_t i = 0; i < n; i++)                                                            \
            rdx[i] = (add ? rdx[i] : 0) + name##_slope(z[i]) * rdy[i] +                            \
                     name##_bend(z[i], rz[i]) * dy[i];                                             \
    }

ACTIVATION(relu, relu_of, y, ry)
ACTIVATION(tanh, MATH(tanh), y, ry)
ACTIVATION(softplus, softplus_of, y, ry)
ACTIVATION(gelu, gelu_of, x, rx)
#undef ACTIVATION
