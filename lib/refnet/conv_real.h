/* The convolution as a product of matrices over unfolded inputs, a block of output pixels at a time
 * so that the unfolded block stays in the cache. Part of real.h.
 *
 * Unfolded: line (channel, ky, kx) holds, for each output pixel of the block and each row of the
 * chunk, the input element that this weight meets. With rows innermost, whole runs of pixels are
 * contiguous in the input when the stride is 1, and runs of rows always. */

/* A run of output pixels of one image row and the input elements that weight (ky, kx) meets. */
typedef struct run {
    int64_t pixels; /* in the run */
    int64_t before; /* pixels that fall into the padding at the left */
    int64_t inside; /* pixels that meet the image; the rest falls into the right padding */
    int64_t first;  /* input element, without the factor rows, of the first inside pixel */
} run;

static run run_at(const frame *f, int64_t ky, int64_t kx, int64_t pixel, int64_t end)
{
    const absa_refnet_layer *s = &f->layer->spec;
    const int64_t width = f->out->width, oy = pixel / width, ox = pixel % width;
    const int64_t left = end - pixel, pixels = width - ox < left ? width - ox : left;
    const int64_t iy = oy * s->stride - s->padding + ky;
    run r = {pixels, pixels, 0, 0};
    if (iy < 0 || iy >= f->in->height)
        return r;
    const int64_t ix = ox * s->stride - s->padding + kx;
    const int64_t skip = ix < 0 ? (-ix + s->stride - 1) / s->stride : 0;
    const int64_t room = f->in->width - (ix + skip * s->stride);
    const int64_t fits = room > 0 ? (room + s->stride - 1) / s->stride : 0;
    r.before = skip < pixels ? skip : pixels;
    r.inside = fits < pixels - r.before ? fits : pixels - r.before;
    r.first = iy * f->in->width + ix + r.before * s->stride;
    return r;
}

static void unfold(const frame *f, const REAL *x, int64_t begin, int64_t end, REAL *column)
{
    const int64_t size = f->layer->spec.size, stride = f->layer->spec.stride, rows = f->rows;
    const int64_t plane = f->in->height * f->in->width * rows;
    for (int64_t line = 0; line < f->layer->fan_in; line++) {
        const REAL *from = x + line / (size * size) * plane;
        const int64_t ky = line / size % size, kx = line % size;
        for (int64_t pixel = begin; pixel < end;) {
            const run r = run_at(f, ky, kx, pixel, end);
            zero(r.before * rows, column);
            REAL *to = column + r.before * rows;
            const REAL *source = from + r.first * rows;
            if (stride == 1)
                memcpy(to, source, (size_t)(r.inside * rows) * sizeof *to);
            else
                for (int64_t i = 0; i < r.inside; i++)
                    memcpy(to + i * rows, source + i * stride * rows, (size_t)rows * sizeof *to);
            zero((r.pixels - r.before - r.inside) * rows, to + r.inside * rows);
            column += r.pixels * rows;
            pixel += r.pixels;
        }
    }
}

/* dx += the block folded back. */
static void fold(const frame *f, const REAL *column, int64_t begin, int64_t end, REAL *dx)
{
    const int64_t size = f->layer->spec.size, stride = f->layer->spec.stride, rows = f->rows;
    const int64_t plane = f->in->height * f->in->width * rows;
    for (int64_t line = 0; line < f->layer->fan_in; line++) {
        REAL *to = dx + line / (size * size) * plane;
        const int64_t ky = line / size % size, kx = line % size;
        for (int64_t pixel = begin; pixel < end;) {
            const run r = run_at(f, ky, kx, pixel, end);
            const REAL *source = column + r.before * rows;
            if (stride == 1)
                add_to(r.inside * rows, source, to + r.first * rows);
            else
                for (int64_t i = 0; i < r.inside; i++)
                    add_to(rows, source + i * rows, to + (r.first + i * stride) * rows);
            column += r.pixels * rows;
            pixel += r.pixels;
        }
    }
}

/* A 1 * 1 convolution of stride 1 is its own unfolding. */
static int is_pointwise(const frame *f)
{
    const absa_refnet_layer *s = &f->layer->spec;
    return s->size == 1 && s->stride == 1 && s->padding == 0;
}

/* The block of x as a matrix of fan_in lines; *ld is its leading dimension. */
static const REAL *unfolded(const frame *f, const REAL *x, int64_t begin, int64_t end, int64_t *ld)
{
    if (is_pointwise(f)) {
        *ld = f->in->height * f->in->width * f->rows;
        return x + begin * f->rows;
    }
    *ld = (end - begin) * f->rows;
    unfold(f, x, begin, end, f->column);
    return f->column;
}

/* y's block = bias + W x; from is theta or v. */
static void conv_apply(const frame *f, const REAL *from, const REAL *x, int with_bias,
                       int64_t begin, int64_t end, REAL *y)
{
    const absa__net_layer *l = f->layer;
    const int64_t units = l->spec.units, length = (end - begin) * f->rows;
    const int64_t ldy = f->out->height * f->out->width * f->rows;
    REAL *block = y + begin * f->rows;
    int64_t ld;
    const REAL *columns = unfolded(f, x, begin, end, &ld);
    if (with_bias)
        for (int64_t u = 0; u < units; u++)
            fill(length, l->bias < 0 ? 0 : from[l->bias + u], block + u * ldy);
    gemm(PLAIN, PLAIN, units, length, l->fan_in, from + l->weight, l->fan_in, columns, ld, 1, block,
         ldy);
}

/* dtheta += dy x' for the block. */
static void conv_weight_gradient(const frame *f, const REAL *dy, const REAL *x, int64_t begin,
                                 int64_t end)
{
    const absa__net_layer *l = f->layer;
    const int64_t ldy = f->out->height * f->out->width * f->rows;
    int64_t ld;
    const REAL *columns = unfolded(f, x, begin, end, &ld);
    gemm(PLAIN, TRANSPOSED, l->spec.units, l->fan_in, (end - begin) * f->rows, dy + begin * f->rows,
         ldy, columns, ld, 1, f->dtheta + l->weight, l->fan_in);
}

static void conv_bias_gradient(const frame *f, const REAL *dy)
{
    const absa__net_layer *l = f->layer;
    const int64_t plane = f->out->height * f->out->width * f->rows;
    if (l->bias < 0)
        return;
    for (int64_t u = 0; u < l->spec.units; u++)
        f->dtheta[l->bias + u] += sum_of(plane, dy + u * plane);
}

/* dx += W' dy for the block, and V' dy2 unless v is NULL. */
static void conv_input_gradient(const frame *f, const REAL *dy, const REAL *v, const REAL *dy2,
                                int64_t begin, int64_t end, REAL *dx)
{
    const absa__net_layer *l = f->layer;
    const int64_t length = (end - begin) * f->rows, units = l->spec.units;
    const int64_t ldy = f->out->height * f->out->width * f->rows;
    const int direct = is_pointwise(f);
    REAL *columns = direct ? dx + begin * f->rows : f->column;
    const int64_t ld = direct ? ldy : length;
    gemm(TRANSPOSED, PLAIN, l->fan_in, length, units, f->theta + l->weight, l->fan_in,
         dy + begin * f->rows, ldy, direct ? 1 : 0, columns, ld);
    if (v)
        gemm(TRANSPOSED, PLAIN, l->fan_in, length, units, v + l->weight, l->fan_in,
             dy2 + begin * f->rows, ldy, 1, columns, ld);
    if (!direct)
        fold(f, columns, begin, end, dx);
}

static int64_t conv_end(const frame *f, int64_t begin)
{
    const int64_t pixels = f->out->height * f->out->width, end = begin + f->layer->block;
    return end < pixels ? end : pixels;
}

static void conv_forward(const frame *f)
{
    const int64_t pixels = f->out->height * f->out->width;
    for (int64_t at = 0; at < pixels; at = conv_end(f, at))
        conv_apply(f, f->theta, f->x, 1, at, conv_end(f, at), f->y);
}

static void conv_backward(const frame *f)
{
    const int64_t pixels = f->out->height * f->out->width;
    if (f->dx && !f->add)
        zero(f->in->size * f->rows, f->dx);
    if (f->dtheta)
        conv_bias_gradient(f, f->dy);
    for (int64_t at = 0; at < pixels; at = conv_end(f, at)) {
        if (f->dtheta)
            conv_weight_gradient(f, f->dy, f->x, at, conv_end(f, at));
        if (f->dx)
            conv_input_gradient(f, f->dy, NULL, NULL, at, conv_end(f, at), f->dx);
    }
}

static void conv_r_forward(const frame *f)
{
    const int64_t pixels = f->out->height * f->out->width;
    if (f->held)
        zero(f->out->size * f->rows, f->ry);
    for (int64_t at = 0; at < pixels; at = conv_end(f, at)) {
        if (!f->held)
            conv_apply(f, f->v, f->x, 1, at, conv_end(f, at), f->ry);
        if (f->rx)
            conv_apply(f, f->theta, f->rx, 0, at, conv_end(f, at), f->ry);
    }
}

static void conv_r_backward(const frame *f)
{
    const int64_t pixels = f->out->height * f->out->width;
    if (f->rdx && !f->add)
        zero(f->in->size * f->rows, f->rdx);
    if (!f->held)
        conv_bias_gradient(f, f->rdy);
    for (int64_t at = 0; at < pixels; at = conv_end(f, at)) {
        if (!f->held)
            conv_weight_gradient(f, f->rdy, f->x, at, conv_end(f, at));
        if (!f->held && f->rx)
            conv_weight_gradient(f, f->dy, f->rx, at, conv_end(f, at));
        if (f->rdx)
            conv_input_gradient(f, f->rdy, f->held ? NULL : f->v, f->dy, at, conv_end(f, at),
                                f->rdx);
    }
}
