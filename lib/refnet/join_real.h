/* Layers that only move elements: the sum of two outputs, and flattening, whose output shares its
 * input's memory. Part of real.h. */

static void flatten_pass(const frame *f)
{
    (void)f;
}

static void sum_two(int64_t n, const REAL *a, const REAL *b, REAL *y)
{
    INDEPENDENT
    for (int64_t i = 0; i < n; i++)
        y[i] = a[i] + b[i];
}

static void pass_on(int64_t n, const REAL *dy, REAL *dx, int add)
{
    if (dx && add)
        add_to(n, dy, dx);
    else if (dx)
        memcpy(dx, dy, (size_t)n * sizeof *dx);
}

static void add_forward(const frame *f)
{
    sum_two(f->out->size * f->rows, f->x, f->x_other, f->y);
}

static void add_backward(const frame *f)
{
    pass_on(f->out->size * f->rows, f->dy, f->dx, f->add);
    pass_on(f->out->size * f->rows, f->dy, f->dx_other, f->add_other);
}

static void add_r_forward(const frame *f)
{
    sum_two(f->out->size * f->rows, f->rx, f->rx_other, f->ry);
}

static void add_r_backward(const frame *f)
{
    pass_on(f->out->size * f->rows, f->rdy, f->rdx, f->add);
    pass_on(f->out->size * f->rows, f->rdy, f->rdx_other, f->add_other);
}
