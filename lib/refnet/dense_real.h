/* The dense layer, y = W x + b, for a chunk: Y (units * rows) = W (units * inputs) X (inputs *
 * rows). Part of real.h. */

/* y = the bias that from, theta or v, holds. */
static void dense_bias(const frame *f, const REAL *from, REAL *y)
{
    const int64_t units = f->layer->spec.units, rows = f->rows;
    if (f->layer->bias < 0)
        zero(units * rows, y);
    else
        for (int64_t u = 0; u < units; u++)
            fill(rows, from[f->layer->bias + u], y + u * rows);
}

static void dense_bias_gradient(const frame *f, const REAL *dy)
{
    const absa__net_layer *l = f->layer;
    if (l->bias < 0)
        return;
    for (int64_t u = 0; u < l->spec.units; u++)
        f->dtheta[l->bias + u] += sum_of(f->rows, dy + u * f->rows);
}

static void dense_forward(const frame *f)
{
    const absa__net_layer *l = f->layer;
    const int64_t units = l->spec.units, inputs = l->fan_in, rows = f->rows;
    dense_bias(f, f->theta, f->y);
    gemm(PLAIN, PLAIN, units, rows, inputs, f->theta + l->weight, inputs, f->x, rows, 1, f->y,
         rows);
}

static void dense_backward(const frame *f)
{
    const absa__net_layer *l = f->layer;
    const int64_t units = l->spec.units, inputs = l->fan_in, rows = f->rows;
    if (f->dtheta) {
        gemm(PLAIN, TRANSPOSED, units, inputs, rows, f->dy, rows, f->x, rows, 1,
             f->dtheta + l->weight, inputs);
        dense_bias_gradient(f, f->dy);
    }
    if (f->dx)
        gemm(TRANSPOSED, PLAIN, inputs, rows, units, f->theta + l->weight, inputs, f->dy, rows,
             f->add ? 1 : 0, f->dx, rows);
}

static void dense_r_forward(const frame *f)
{
    const absa__net_layer *l = f->layer;
    const int64_t units = l->spec.units, inputs = l->fan_in, rows = f->rows;
    if (!f->held) {
        dense_bias(f, f->v, f->ry);
        gemm(PLAIN, PLAIN, units, rows, inputs, f->v + l->weight, inputs, f->x, rows, 1, f->ry,
             rows);
    }
    if (f->rx)
        gemm(PLAIN, PLAIN, units, rows, inputs, f->theta + l->weight, inputs, f->rx, rows,
             f->held ? 0 : 1, f->ry, rows);
}

static void dense_r_backward(const frame *f)
{
    const absa__net_layer *l = f->layer;
    const int64_t units = l->spec.units, inputs = l->fan_in, rows = f->rows;
    if (!f->held) {
        gemm(PLAIN, TRANSPOSED, units, inputs, rows, f->rdy, rows, f->x, rows, 1,
             f->dtheta + l->weight, inputs);
        dense_bias_gradient(f, f->rdy);
    }
    if (!f->held && f->rx)
        gemm(PLAIN, TRANSPOSED, units, inputs, rows, f->dy, rows, f->rx, rows, 1,
             f->dtheta + l->weight, inputs);
    if (f->rdx)
        gemm(TRANSPOSED, PLAIN, inputs, rows, units, f->theta + l->weight, inputs, f->rdy, rows,
             f->add ? 1 : 0, f->rdx, rows);
    if (!f->held && f->rdx)
        gemm(TRANSPOSED, PLAIN, inputs, rows, units, f->v + l->weight, inputs, f->dy, rows, 1,
             f->rdx, rows);
}
