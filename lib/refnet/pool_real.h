/* Pooling: the largest element or the mean of each window, and the mean of each channel. All are
 * linear once the forward pass has said which element of a window is the largest, so the passes
 * along v are the plain ones over other vectors. Part of real.h. */

static INDEX *winners(const frame *f)
{
    return (INDEX *)f->aux;
}

/* The input element in the window's first corner; windows are counted as output elements are. */
static int64_t corner_of(const frame *f, int64_t window)
{
    const int64_t stride = f->layer->spec.stride;
    const int64_t ox = window % f->out->width, line = window / f->out->width;
    const int64_t oy = line % f->out->height, channel = line / f->out->height;
    return (channel * f->in->height + oy * stride) * f->in->width + ox * stride;
}

static int64_t tap_of(const frame *f, int64_t corner, int64_t tap)
{
    const int64_t size = f->layer->spec.size;
    return (corner + tap / size * f->in->width + tap % size) * f->rows;
}

static int64_t taps_of(const frame *f)
{
    return (int64_t)f->layer->spec.size * f->layer->spec.size;
}

/* y and its winner against x, the tap's element. A NaN wins and stays. */
static void compete(int64_t rows, const REAL *restrict x, INDEX tap, REAL *restrict y,
                    INDEX *restrict winner)
{
    for (int64_t i = 0; i < rows; i++) {
        const int wins = (x[i] > y[i]) | (x[i] != x[i]);
        y[i] = wins ? x[i] : y[i];
        winner[i] = wins ? tap : winner[i];
    }
}

static void max_pool_forward(const frame *f)
{
    const int64_t rows = f->rows, taps = taps_of(f);
    for (int64_t window = 0; window < f->out->size; window++) {
        const int64_t corner = corner_of(f, window);
        REAL *y = f->y + window * rows;
        INDEX *winner = winners(f) + window * rows;
        memcpy(y, f->x + corner * rows, (size_t)rows * sizeof *y);
        memset(winner, 0, (size_t)rows * sizeof *winner);
        for (int64_t tap = 1; tap < taps; tap++)
            compete(rows, f->x + tap_of(f, corner, tap), (INDEX)tap, y, winner);
    }
}

static void give_winner(int64_t rows, const REAL *restrict dy, const INDEX *restrict winner,
                        INDEX tap, REAL *restrict dx)
{
    for (int64_t i = 0; i < rows; i++)
        dx[i] += winner[i] == tap ? dy[i] : 0;
}

static void put_winner(int64_t rows, const REAL *restrict dy, const INDEX *restrict winner,
                       INDEX tap, REAL *restrict dx)
{
    for (int64_t i = 0; i < rows; i++)
        dx[i] = winner[i] == tap ? dy[i] : 0;
}

/* Windows that cover the input without overlap or rest: each element is written once. */
static int tiles(const frame *f)
{
    const absa_refnet_layer *s = &f->layer->spec;
    return s->stride == s->size && f->out->height * s->size == f->in->height &&
           f->out->width * s->size == f->in->width;
}

static void max_pool_spread(const frame *f, const REAL *dy, REAL *dx)
{
    const int64_t rows = f->rows, taps = taps_of(f);
    if (!dx)
        return;
    const int put = !f->add && tiles(f);
    if (!f->add && !put)
        zero(f->in->size * rows, dx);
    for (int64_t window = 0; window < f->out->size; window++) {
        const int64_t corner = corner_of(f, window);
        for (int64_t tap = 0; tap < taps; tap++)
            (put ? put_winner : give_winner)(rows, dy + window * rows, winners(f) + window * rows,
                                             (INDEX)tap, dx + tap_of(f, corner, tap));
    }
}

static void max_pool_backward(const frame *f)
{
    max_pool_spread(f, f->dy, f->dx);
}

static void take_winner(int64_t rows, const REAL *restrict rx, const INDEX *restrict winner,
                        INDEX tap, REAL *restrict ry)
{
    for (int64_t i = 0; i < rows; i++)
        ry[i] = winner[i] == tap ? rx[i] : ry[i];
}

static void max_pool_r_forward(const frame *f)
{
    const int64_t rows = f->rows, taps = taps_of(f);
    for (int64_t window = 0; window < f->out->size; window++) {
        const int64_t corner = corner_of(f, window);
        REAL *ry = f->ry + window * rows;
        memcpy(ry, f->rx + corner * rows, (size_t)rows * sizeof *ry);
        for (int64_t tap = 1; tap < taps; tap++)
            take_winner(rows, f->rx + tap_of(f, corner, tap), winners(f) + window * rows,
                        (INDEX)tap, ry);
    }
}

static void max_pool_r_backward(const frame *f)
{
    max_pool_spread(f, f->rdy, f->rdx);
}

static void add_share(int64_t rows, REAL share, const REAL *restrict x, REAL *restrict y)
{
    for (int64_t i = 0; i < rows; i++)
        y[i] += share * x[i];
}

static void average_pool_gather(const frame *f, const REAL *x, REAL *y)
{
    const int64_t rows = f->rows, taps = taps_of(f);
    zero(f->out->size * rows, y);
    for (int64_t window = 0; window < f->out->size; window++) {
        const int64_t corner = corner_of(f, window);
        for (int64_t tap = 0; tap < taps; tap++)
            add_share(rows, 1 / (REAL)taps, x + tap_of(f, corner, tap), y + window * rows);
    }
}

static void average_pool_spread(const frame *f, const REAL *dy, REAL *dx)
{
    const int64_t rows = f->rows, taps = taps_of(f);
    if (!dx)
        return;
    if (!f->add)
        zero(f->in->size * rows, dx);
    for (int64_t window = 0; window < f->out->size; window++) {
        const int64_t corner = corner_of(f, window);
        for (int64_t tap = 0; tap < taps; tap++)
            add_share(rows, 1 / (REAL)taps, dy + window * rows, dx + tap_of(f, corner, tap));
    }
}

static void average_pool_forward(const frame *f)
{
    average_pool_gather(f, f->x, f->y);
}

static void average_pool_backward(const frame *f)
{
    average_pool_spread(f, f->dy, f->dx);
}

static void average_pool_r_forward(const frame *f)
{
    average_pool_gather(f, f->rx, f->ry);
}

static void average_pool_r_backward(const frame *f)
{
    average_pool_spread(f, f->rdy, f->rdx);
}

static void global_pool_gather(const frame *f, const REAL *x, REAL *y)
{
    const int64_t rows = f->rows, pixels = f->in->height * f->in->width;
    const REAL share = 1 / (REAL)pixels;
    zero(f->out->size * rows, y);
    for (int64_t c = 0; c < f->in->channels; c++) {
        for (int64_t p = 0; p < pixels; p++)
            add_to(rows, x + (c * pixels + p) * rows, y + c * rows);
        for (int64_t i = 0; i < rows; i++)
            y[c * rows + i] *= share;
    }
}

static void global_pool_spread(const frame *f, const REAL *dy, REAL *dx)
{
    const int64_t rows = f->rows, pixels = f->in->height * f->in->width;
    const REAL share = 1 / (REAL)pixels;
    const int add = f->add;
    for (int64_t p = 0; dx && p < f->in->channels * pixels; p++) {
        const REAL *from = dy + p / pixels * rows;
        REAL *to = dx + p * rows;
        INDEPENDENT
        for (int64_t i = 0; i < rows; i++)
            to[i] = (add ? to[i] : 0) + share * from[i];
    }
}

static void global_pool_forward(const frame *f)
{
    global_pool_gather(f, f->x, f->y);
}

static void global_pool_backward(const frame *f)
{
    global_pool_spread(f, f->dy, f->dx);
}

static void global_pool_r_forward(const frame *f)
{
    global_pool_gather(f, f->rx, f->ry);
}

static void global_pool_r_backward(const frame *f)
{
    global_pool_spread(f, f->rdy, f->rdx);
}
