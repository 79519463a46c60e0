/* Batch normalisation per channel: y = gain x^ + shift with x^ = (x - mean) scale, scale = 1 /
 * sqrt(variance + epsilon) (Ioffe, Szegedy 2015). In training, mean and variance are those of the
 * ghost batch a row belongs to (Hoffer, Hubara, Soudry 2017); in evaluation they are constants.
 * Part of real.h.
 *
 * In training, with <a> the mean over channel and ghost batch and P a = a - <a> - x^ <x^ a>:
 *   dx   = scale gain P dy
 *   rx^  = scale P rx,   the scale's own derivative is -scale^2 <x^ rx>
 *   rdx  = scale [(rgain - gain scale <x^ rx>) P dy + gain (P rdy - rx^ <x^ dy> - x^ <rx^ dy>)]
 * In evaluation P is the identity and all means are absent. */

/* What the forward passes note for each channel of each ghost batch. */
enum { NOTE_MEAN, NOTE_SCALE, NOTE_VARIANCE, NOTE_R_MEAN, NOTE_R_DOT };

/* One channel of one ghost batch: runs of elements, stride apart. */
typedef struct group {
    int64_t channel, first, runs, length, stride;
    REAL *note;
    REAL mean, scale, share; /* share: 1 / elements in training, 0 in evaluation */
} group;

static int64_t ghost_rows(const frame *f)
{
    const int64_t ghost = f->training ? f->ghost_rows : f->rows;
    return ghost < f->rows ? ghost : f->rows;
}

static int64_t group_count(const frame *f)
{
    const int64_t ghost = ghost_rows(f);
    return (f->rows + ghost - 1) / ghost * f->in->channels;
}

static group group_at(const frame *f, int64_t index)
{
    const int64_t pixels = f->in->height * f->in->width, ghost = ghost_rows(f);
    const int64_t row = index / f->in->channels * ghost;
    const int64_t rows = f->rows - row < ghost ? f->rows - row : ghost;
    group g = {.channel = index % f->in->channels, .runs = pixels, .length = rows};
    g.first = g.channel * pixels * f->rows + row;
    g.stride = f->rows;
    if (rows == f->rows) {
        g.runs = 1;
        g.length = pixels * rows;
    }
    g.note = f->aux + index * ABSA__NET_NOTES;
    g.mean = g.note[NOTE_MEAN];
    g.scale = g.note[NOTE_SCALE];
    g.share = f->training ? 1 / (REAL)(pixels * rows) : 0;
    return g;
}

static REAL group_mean(const group *g, const REAL *x)
{
    REAL sum = 0;
    for (int64_t r = 0; g->share > 0 && r < g->runs; r++)
        sum += sum_of(g->length, x + g->first + r * g->stride);
    return sum * g->share;
}

/* Sum of a x^ over the group. */
static REAL group_dot(const group *g, const REAL *x, const REAL *a)
{
    enum { LANES = 16 };
    REAL lanes[LANES] = {0};
    double sum = 0;
    for (int64_t r = 0; r < g->runs; r++) {
        const REAL *xr = x + g->first + r * g->stride, *ar = a + g->first + r * g->stride;
        int64_t i = 0;
        for (; i + LANES <= g->length; i += LANES)
            for (int l = 0; l < LANES; l++)
                lanes[l] += (xr[i + l] - g->mean) * ar[i + l];
        for (; i < g->length; i++)
            sum += (double)((xr[i] - g->mean) * ar[i]);
    }
    for (int l = 0; l < LANES; l++)
        sum += (double)lanes[l];
    return (REAL)(sum * (double)g->scale);
}

static REAL group_variance(const group *g, const REAL *x)
{
    enum { LANES = 16 };
    REAL lanes[LANES] = {0};
    double sum = 0;
    for (int64_t r = 0; r < g->runs; r++) {
        const REAL *xr = x + g->first + r * g->stride;
        int64_t i = 0;
        for (; i + LANES <= g->length; i += LANES)
            for (int l = 0; l < LANES; l++)
                lanes[l] += (xr[i + l] - g->mean) * (xr[i + l] - g->mean);
        for (; i < g->length; i++)
            sum += (double)((xr[i] - g->mean) * (xr[i] - g->mean));
    }
    for (int l = 0; l < LANES; l++)
        sum += (double)lanes[l];
    return (REAL)(sum * (double)g->share);
}

static void norm_forward(const frame *f)
{
    for (int64_t k = 0; k < group_count(f); k++) {
        group g = group_at(f, k);
        REAL variance;
        if (f->training) {
            g.mean = group_mean(&g, f->x);
            variance = group_variance(&g, f->x);
        } else {
            g.mean = (REAL)f->statistics[2 * g.channel];
            variance = (REAL)f->statistics[2 * g.channel + 1];
        }
        g.scale = 1 / MATH(sqrt)(variance + (REAL)ABSA__NET_EPSILON);
        g.note[NOTE_MEAN] = g.mean;
        g.note[NOTE_SCALE] = g.scale;
        g.note[NOTE_VARIANCE] = variance;
        const REAL slope = f->theta[f->layer->weight + g.channel] * g.scale;
        const REAL shift = f->theta[f->layer->bias + g.channel] - slope * g.mean;
        for (int64_t r = 0; r < g.runs; r++) {
            const REAL *restrict x = f->x + g.first + r * g.stride;
            REAL *restrict y = f->y + g.first + r * g.stride;
            for (int64_t i = 0; i < g.length; i++)
                y[i] = slope * x[i] + shift;
        }
    }
}

static void norm_backward(const frame *f)
{
    const absa__net_layer *l = f->layer;
    for (int64_t k = 0; k < group_count(f); k++) {
        const group g = group_at(f, k);
        const REAL dot = group_dot(&g, f->x, f->dy), mean = group_mean(&g, f->dy);
        if (f->dtheta) {
            f->dtheta[l->weight + g.channel] += dot;
            for (int64_t r = 0; r < g.runs; r++)
                f->dtheta[l->bias + g.channel] += sum_of(g.length, f->dy + g.first + r * g.stride);
        }
        if (!f->dx)
            continue;
        const REAL factor = f->theta[l->weight + g.channel] * g.scale;
        const REAL slope = dot * g.share * g.scale;
        const int add = f->add;
        for (int64_t r = 0; r < g.runs; r++) {
            const int64_t at = g.first + r * g.stride;
            const REAL *x = f->x + at, *dy = f->dy + at;
            REAL *dx = f->dx + at;
            INDEPENDENT
            for (int64_t i = 0; i < g.length; i++)
                dx[i] = (add ? dx[i] : 0) + factor * (dy[i] - mean - slope * (x[i] - g.mean));
        }
    }
}

static void norm_r_forward(const frame *f)
{
    const absa__net_layer *l = f->layer;
    for (int64_t k = 0; k < group_count(f); k++) {
        const group g = group_at(f, k);
        const REAL mean = group_mean(&g, f->rx);
        const REAL dot = group_dot(&g, f->x, f->rx) * g.share;
        g.note[NOTE_R_MEAN] = mean;
        g.note[NOTE_R_DOT] = dot;
        const REAL factor = f->theta[l->weight + g.channel] * g.scale;
        const REAL gain = f->v[l->weight + g.channel], shift = f->v[l->bias + g.channel];
        const REAL slope = g.scale * (gain - factor * dot);
        for (int64_t r = 0; r < g.runs; r++) {
            const int64_t at = g.first + r * g.stride;
            const REAL *x = f->x + at, *rx = f->rx + at;
            REAL *ry = f->ry + at;
            INDEPENDENT
            for (int64_t i = 0; i < g.length; i++)
                ry[i] = factor * (rx[i] - mean) + slope * (x[i] - g.mean) + shift;
        }
    }
}

static void norm_r_backward(const frame *f)
{
    const absa__net_layer *l = f->layer;
    for (int64_t k = 0; k < group_count(f); k++) {
        const group g = group_at(f, k);
        const REAL rx_mean = g.note[NOTE_R_MEAN], rx_dot = g.note[NOTE_R_DOT];
        const REAL gain = f->theta[l->weight + g.channel], r_gain = f->v[l->weight + g.channel];
        /* x^ as the input of sums whose other factor is rx: rx^ = scale (rx - <rx> - x^ <x^ rx>).
         */
        group by_rx = g;
        by_rx.mean = rx_mean;
        const REAL dot = group_dot(&g, f->x, f->dy), r_dot = group_dot(&g, f->x, f->rdy);
        const REAL rx_hat_dy = group_dot(&by_rx, f->rx, f->dy) - g.scale * rx_dot * dot;
        f->dtheta[l->weight + g.channel] += r_dot + rx_hat_dy;
        for (int64_t r = 0; r < g.runs; r++)
            f->dtheta[l->bias + g.channel] += sum_of(g.length, f->rdy + g.first + r * g.stride);
        if (!f->rdx)
            continue;
        const REAL mean = group_mean(&g, f->dy), r_mean = group_mean(&g, f->rdy);
        const REAL a = g.scale * (r_gain - gain * g.scale * rx_dot), b = g.scale * gain;
        /* Coefficients of x^ and rx - <rx>, the latter through rx^. */
        const REAL c = -g.scale * (a * dot + b * (r_dot + rx_hat_dy)) * g.share;
        const REAL d = -b * g.scale * dot * g.share;
        const REAL on_x = c - d * g.scale * rx_dot;
        const int add = f->add;
        for (int64_t r = 0; r < g.runs; r++) {
            const int64_t at = g.first + r * g.stride;
            const REAL *x = f->x + at, *dy = f->dy + at, *rx = f->rx + at, *rdy = f->rdy + at;
            REAL *rdx = f->rdx + at;
            INDEPENDENT
            for (int64_t i = 0; i < g.length; i++)
                rdx[i] = (add ? rdx[i] : 0) + a * (dy[i] - mean) + b * (rdy[i] - r_mean) +
                         on_x * (x[i] - g.mean) + d * (rx[i] - rx_mean);
        }
    }
}

/* Adds the statistics of the chunk's ghost batches, weighted by rows, to last, which is laid out as
 * statistics are. The variance is made the unbiased one, as running variances are. */
static void norm_collect(const frame *f, double *last)
{
    for (int64_t k = 0; k < group_count(f); k++) {
        const group g = group_at(f, k);
        const int64_t elements = g.runs * g.length;
        const int64_t rows = elements / (f->in->height * f->in->width);
        const double unbiased = elements > 1 ? (double)elements / (double)(elements - 1) : 1;
        last[2 * g.channel] += (double)rows * (double)g.note[NOTE_MEAN];
        last[2 * g.channel + 1] += (double)rows * unbiased * (double)g.note[NOTE_VARIANCE];
    }
}
