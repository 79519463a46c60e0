/* What the public functions ask for, over the pieces of a batch, which threads share. Part of
 * real.h.
 *
 * A batch is cut into pieces of equal size, each thread takes a run of them, and what the threads
 * have summed is added in their order: which thread is first changes no bit. */

/* A call that is running. Fields that a kind of call does not use are not set. */
typedef struct call {
    absa_refnet *net;
    const REAL *theta, *x, *v;
    const void *y;
    REAL *out;
    const REAL *at;    /* what weight decay pulls at: theta, or v */
    const int8_t *how; /* products: how the nodes move, */
    int64_t begin;     /* and the first parameter of a layer that does */
    int64_t rows, piece;
    int gauss_newton, counts; /* counts: y is known, and sums are wanted */
    absa__net_sums sums[ABSA__NET_MOST_THREADS];
} call;

static call call_of(absa_refnet *net, const void *theta, const void *x, const void *y, int64_t rows)
{
    call c = {.net = net, .theta = theta, .x = x, .y = y, .rows = rows};
    c.piece = absa__net_piece(net, rows);
    for (int64_t t = 0; t < net->threads; t++)
        c.sums[t].bad_row = -1;
    return c;
}

/* The rows [*begin, return value) of a thread. */
static int64_t rows_of_thread(const call *c, int64_t thread, int64_t *begin)
{
    const int64_t pieces = (c->rows + c->piece - 1) / c->piece;
    const int64_t end = pieces * (thread + 1) / c->net->threads * c->piece;
    *begin = pieces * thread / c->net->threads * c->piece;
    return end < c->rows ? end : c->rows;
}

static int64_t piece_at(const call *c, int64_t at)
{
    return c->rows - at < c->piece ? c->rows - at : c->piece;
}

/* The memory for the piece that begins with row at of the probe; *kept: it stays. */
static slot probe_slot(const call *c, const work *w, int64_t at, int *kept)
{
    const int64_t part = piece_at(c, at);
    *kept = at + part <= c->net->kept;
    return slot_in(c->net, *kept ? kept_memory(c->net, at) : w->pass, part);
}

/* Adds up what the threads have found. The first thread with a bad row has the first of them. */
static void add_sums(const call *c, absa__net_sums *sums)
{
    for (int64_t t = 0; t < c->net->threads; t++) {
        sums->loss += c->sums[t].loss;
        sums->correct += c->sums[t].correct;
        if (sums->bad_row < 0)
            sums->bad_row = c->sums[t].bad_row;
    }
}

static void evaluate_part(void *user, int64_t thread)
{
    call *c = user;
    const absa_refnet *net = c->net;
    const work w = work_of(net, thread);
    const int64_t count = net->nodes[net->layer_count].size;
    int64_t at;
    for (const int64_t end = rows_of_thread(c, thread, &at); at < end; at += c->piece) {
        const slot s = slot_in(net, w.pass, piece_at(c, at));
        if (c->counts)
            forward_loss(&w, s, c->theta, c->x, c->y, at, 0, &c->sums[thread]);
        else
            forward(&w, s, c->theta, c->x + at * net->nodes[0].size);
        if (c->out)
            transpose(count, s.rows, value_of(net, s, net->layer_count), c->out + at * count);
    }
}

static void evaluate(absa_refnet *net, const void *theta, const void *x, const void *y,
                     int64_t rows, void *outputs, absa__net_sums *sums)
{
    call c = call_of(net, theta, x, y, rows);
    c.out = outputs;
    c.counts = sums != NULL;
    absa__net_pool_run(net->pool, evaluate_part, &c);
    if (sums)
        add_sums(&c, sums);
}

/* out = (sum of what the threads have made) / rows + weight_decay * at, a stretch for each thread.
 */
static void finish_part(void *user, int64_t thread)
{
    const call *c = user;
    const absa_refnet *net = c->net;
    const REAL scale = (REAL)(1 / (double)c->rows), decay = (REAL)net->options.weight_decay;
    const int64_t begin = net->n * thread / net->threads,
                  end = net->n * (thread + 1) / net->threads;
    REAL *sum = work_of(net, 0).making;
    for (int64_t t = 1; t < net->threads; t++)
        add_to(end - begin, work_of(net, t).making + begin, sum + begin);
    REAL *out = c->out;
    const REAL *at = c->at;
    INDEPENDENT
    for (int64_t i = begin; i < end; i++)
        out[i] = scale * sum[i] + decay * at[i];
}

static void finish(call *c, const REAL *at, void *out)
{
    c->at = at;
    c->out = out;
    absa__net_pool_run(c->net->pool, finish_part, c);
}

static void gradient_part(void *user, int64_t thread)
{
    call *c = user;
    const work w = work_of(c->net, thread);
    absa__net_sums *sums = &c->sums[thread];
    int64_t at;
    zero(c->net->n, w.making);
    if (c->net->statistic_count > 0)
        memset(w.last, 0, (size_t)c->net->statistic_count * sizeof *w.last);
    for (const int64_t end = rows_of_thread(c, thread, &at); at < end; at += c->piece) {
        const slot s = slot_in(c->net, w.pass, piece_at(c, at));
        forward_loss(&w, s, c->theta, c->x, c->y, at, 1, sums);
        if (sums->bad_row >= 0)
            return;
        collect(&w, s, c->theta);
        backward(&w, s, s, c->theta, 0, w.making);
    }
}

static void gradient(absa_refnet *net, const void *theta, const void *x, const void *y,
                     int64_t rows, void *out, absa__net_sums *sums)
{
    call c = call_of(net, theta, x, y, rows);
    absa__net_pool_run(net->pool, gradient_part, &c);
    add_sums(&c, sums);
    if (sums->bad_row >= 0 || !isfinite(absa__net_loss(sums, rows)))
        return;
    finish(&c, theta, out);
    double *last = work_of(net, 0).last;
    for (int64_t i = net->statistic_count; i < net->threads * net->statistic_count; i++)
        last[i % net->statistic_count] += last[i];
}

static void input_gradient_part(void *user, int64_t thread)
{
    call *c = user;
    const work w = work_of(c->net, thread);
    const int64_t count = c->net->nodes[0].size;
    absa__net_sums *sums = &c->sums[thread];
    int64_t at;
    for (const int64_t end = rows_of_thread(c, thread, &at); at < end; at += c->piece) {
        const slot s = slot_in(c->net, w.pass, piece_at(c, at));
        forward_loss(&w, s, c->theta, c->x, c->y, at, 1, sums);
        if (sums->bad_row >= 0)
            return;
        backward(&w, s, s, c->theta, 1, NULL);
        transpose(count, s.rows, delta_of(c->net, s, 0), c->out + at * count);
    }
}

static void input_gradient(absa_refnet *net, const void *theta, const void *x, const void *y,
                           int64_t rows, void *out, absa__net_sums *sums)
{
    call c = call_of(net, theta, x, y, rows);
    c.out = out;
    absa__net_pool_run(net->pool, input_gradient_part, &c);
    add_sums(&c, sums);
}

static void probe_part(void *user, int64_t thread)
{
    call *c = user;
    const work w = work_of(c->net, thread);
    absa__net_sums *sums = &c->sums[thread];
    int64_t at;
    for (const int64_t end = rows_of_thread(c, thread, &at); at < end; at += c->piece) {
        int keep;
        const slot s = probe_slot(c, &w, at, &keep);
        forward_loss(&w, s, c->theta, c->x, c->y, at, keep, sums);
        if (sums->bad_row >= 0)
            return;
        if (keep)
            backward(&w, s, s, c->theta, 0, NULL);
    }
}

static void probe(absa_refnet *net, const void *theta, const void *x, const void *y, int64_t rows,
                  absa__net_sums *sums)
{
    memcpy(probe_theta(net), theta, (size_t)net->n * sizeof(REAL));
    call c = call_of(net, probe_theta(net), x, y, rows);
    absa__net_pool_run(net->pool, probe_part, &c);
    add_sums(&c, sums);
}

static void product_part(void *user, int64_t thread)
{
    call *c = user;
    const absa_refnet *net = c->net;
    work w = work_of(net, thread);
    const int64_t last = net->layer_count;
    int64_t at;
    w.how = c->how;
    zero(net->n - c->begin, w.making + c->begin);
    for (const int64_t end = rows_of_thread(c, thread, &at); at < end; at += c->piece) {
        int kept;
        const slot s = probe_slot(c, &w, at, &kept), r = slot_in(net, w.r, s.rows);
        if (!kept) {
            absa__net_sums ignored = {.bad_row = -1};
            forward_loss(&w, s, c->theta, c->x, c->y, at, 1, &ignored);
            if (!c->gauss_newton)
                backward(&w, s, s, c->theta, 0, NULL);
        }
        clear_still(&w, s.rows);
        r_forward(&w, s, c->theta, c->v);
        loss_hessian(net, s.aux, value_of(net, r, last), s.rows, delta_of(net, r, last));
        if (c->gauss_newton)
            backward(&w, s, r, c->theta, 0, w.making);
        else
            r_backward(&w, s, c->theta, c->v, w.making);
    }
}

static void product(absa_refnet *net, int gauss_newton, const void *v, void *out)
{
    call c = call_of(net, probe_theta(net), net->probe_x, net->probe_y, net->probe_rows);
    c.v = v;
    c.how = net->how;
    c.gauss_newton = gauss_newton;
    absa__net_pool_run(net->pool, product_part, &c);
    finish(&c, v, out);
}

static void block_product(absa_refnet_block *block, int gauss_newton, const void *v, void *out)
{
    absa_refnet *net = block->net;
    call c = call_of(net, probe_theta(net), net->probe_x, net->probe_y, net->probe_rows);
    const REAL scale = (REAL)(1 / (double)c.rows), decay = (REAL)net->options.weight_decay;
    const REAL *from = v;
    REAL *to = out, *whole = block->v;
    for (int64_t i = 0; i < block->run_count; from += block->runs[i++].count)
        memcpy(whole + block->runs[i].first, from, (size_t)block->runs[i].count * sizeof *whole);
    c.v = whole;
    c.how = block->how;
    c.begin = block->begin;
    c.gauss_newton = gauss_newton;
    absa__net_pool_run(net->pool, product_part, &c);
    for (int64_t i = 0; i < block->run_count; to += block->runs[i++].count) {
        const int64_t first = block->runs[i].first, count = block->runs[i].count;
        REAL *sum = work_of(net, 0).making + first;
        for (int64_t t = 1; t < net->threads; t++)
            add_to(count, work_of(net, t).making + first, sum);
        for (int64_t k = 0; k < count; k++)
            to[k] = scale * sum[k] + decay * whole[first + k];
    }
}

static double square(int64_t n, const void *theta)
{
    enum { LANES = 8 };
    const REAL *x = theta;
    double lanes[LANES] = {0}, sum = 0;
    for (int64_t i = 0; i < n; i++)
        lanes[i % LANES] += (double)x[i] * (double)x[i];
    for (int l = 0; l < LANES; l++)
        sum += lanes[l];
    return sum;
}

static void fill_normal(uint64_t seed, uint64_t stream, double deviation, int64_t count, void *out,
                        int64_t first)
{
    REAL *to = (REAL *)out + first;
    FILL_GAUSSIAN(seed, stream, 0, count, to);
    for (int64_t i = 0; i < count; i++)
        to[i] = (REAL)((double)to[i] * deviation);
}

const absa__net_driver DRIVER = {evaluate, gradient,      input_gradient, probe,
                                 product,  block_product, square,         fill_normal};
