/* The passes over a whole network for one piece of a batch, and where its numbers lie. Part of
 * real.h.
 *
 * The arena: what the pieces of the probe keep, the probe's theta, and for each thread the same for
 * a passing piece, R-values and R-deltas, the unfolding buffer and a gradient in the making. */

/* Values, deltas and notes of a piece of this many rows. */
typedef struct slot {
    REAL *values, *deltas, *aux;
    int64_t rows;
} slot;

/* What one thread has for itself. */
typedef struct work {
    const absa_refnet *net;
    REAL *pass, *r; /* memory of the passing piece, and of derivatives along v */
    REAL *column, *making;
    const int8_t *how; /* per node: how it moves along v */
    int8_t *written;   /* per node: a pass backward has put something there */
    double *last;      /* sums of batch normalisation's statistics */
} work;

static slot slot_in(const absa_refnet *net, REAL *memory, int64_t rows)
{
    const slot s = {memory, memory + net->values * rows,
                    memory + (net->values + net->deltas) * rows, rows};
    return s;
}

/* Where the piece that begins with this row of the probe is kept. */
static REAL *kept_memory(const absa_refnet *net, int64_t first)
{
    return (REAL *)net->arena + first * (net->values + net->deltas + net->aux);
}

static REAL *probe_theta(const absa_refnet *net)
{
    return (REAL *)net->arena + net->kept_count;
}

static work work_of(const absa_refnet *net, int64_t thread)
{
    work w = {.net = net};
    w.pass = probe_theta(net) + net->theta_count + thread * net->work_count;
    w.r = w.pass + net->pass_count;
    w.column = w.r + net->r_count;
    w.making = w.column + net->column;
    w.how = net->how;
    w.written = net->written + thread * (net->layer_count + 1);
    if (net->statistics) /* NULL without batch normalisation, and then no place in it */
        w.last = net->statistics + (1 + thread) * net->statistic_count;
    return w;
}

static REAL *value_of(const absa_refnet *net, slot s, int64_t node)
{
    return s.values + net->nodes[node].value * s.rows;
}

static REAL *delta_of(const absa_refnet *net, slot s, int64_t node)
{
    return s.deltas + net->nodes[node].delta * s.rows;
}

/* The passes of one kind of layer. */
typedef struct passes {
    void (*forward)(const frame *f);
    void (*backward)(const frame *f);
    void (*r_forward)(const frame *f);
    void (*r_backward)(const frame *f);
} passes;

#define PASSES(name)                                                                               \
    {                                                                                              \
        name##_forward, name##_backward, name##_r_forward, name##_r_backward                       \
    }

static const passes *passes_of(const absa__net_layer *layer)
{
    static const passes table[] = {
        [ABSA_REFNET_DENSE] = PASSES(dense),
        [ABSA_REFNET_CONV] = PASSES(conv),
        [ABSA_REFNET_RELU] = PASSES(relu),
        [ABSA_REFNET_TANH] = PASSES(tanh),
        [ABSA_REFNET_SOFTPLUS] = PASSES(softplus),
        [ABSA_REFNET_GELU] = PASSES(gelu),
        [ABSA_REFNET_MAX_POOL] = PASSES(max_pool),
        [ABSA_REFNET_AVERAGE_POOL] = PASSES(average_pool),
        [ABSA_REFNET_GLOBAL_POOL] = PASSES(global_pool),
        [ABSA_REFNET_FLATTEN] = {flatten_pass, flatten_pass, flatten_pass, flatten_pass},
        [ABSA_REFNET_ADD] = PASSES(add),
        [ABSA_REFNET_BATCH_NORM] = PASSES(norm),
    };
    return &table[layer->spec.kind];
}
#undef PASSES

/* What layer l sees of the piece in slot s. */
static frame frame_of(const work *w, slot s, const REAL *theta, int64_t l)
{
    const absa_refnet *net = w->net;
    const absa__net_layer *layer = &net->layers[l];
    frame f = {.layer = layer, .in = &net->nodes[layer->in], .out = &net->nodes[l], .rows = s.rows};
    f.theta = theta;
    f.x = value_of(net, s, layer->in);
    f.x_other = layer->other < 0 ? NULL : value_of(net, s, layer->other);
    f.y = value_of(net, s, l);
    f.aux = s.aux + layer->aux * s.rows;
    f.column = w->column;
    f.training = net->pass_mode == ABSA_REFNET_TRAIN;
    f.ghost_rows = net->options.ghost_rows;
    f.statistics = net->statistics ? net->statistics + layer->statistics : NULL;
    return f;
}

static int moves(const work *w, int64_t node)
{
    return w->how[node] >= ABSA__NET_MOVES;
}

static void add_r_values(const work *w, frame *f, int64_t l, const REAL *v)
{
    const absa_refnet *net = w->net;
    const slot r = slot_in(net, w->r, f->rows);
    const int left_out = absa__net_skips_still_input(f->layer) && !moves(w, f->layer->in);
    f->v = v;
    f->held = w->how[l] != ABSA__NET_MOVES_ITSELF;
    f->rx = left_out ? NULL : value_of(net, r, f->layer->in);
    f->rx_other = f->layer->other < 0 ? NULL : value_of(net, r, f->layer->other);
    f->ry = value_of(net, r, l);
}

/* Where the derivative in a node goes, and whether something is there already. A layer that works
 * in place overwrites. NULL for nodes that do not move, unless the input's is wanted. */
static REAL *target(const work *w, slot s, int64_t node, int64_t layer, int want_input, int *add)
{
    const absa_refnet *net = w->net;
    const int32_t root = net->nodes[node].delta_root;
    if (!want_input && !moves(w, node))
        return NULL;
    *add = w->written[root] && root != net->nodes[layer].delta_root;
    w->written[root] = 1;
    return delta_of(net, s, node);
}

static void forward(const work *w, slot s, const REAL *theta, const REAL *x)
{
    transpose(s.rows, w->net->nodes[0].size, x, value_of(w->net, s, 0));
    for (int64_t l = 1; l <= w->net->layer_count; l++) {
        const frame f = frame_of(w, s, theta, l);
        passes_of(f.layer)->forward(&f);
    }
}

/* Reads values and notes of s; deltas are those of d, whose last node holds the loss's. */
static void backward(const work *w, slot s, slot d, const REAL *theta, int want_input, REAL *dtheta)
{
    memset(w->written, 0, (size_t)w->net->layer_count + 1);
    for (int64_t l = w->net->layer_count; l > 0; l--) {
        if (!want_input && !moves(w, l))
            continue;
        frame f = frame_of(w, s, theta, l);
        f.dtheta = w->how[l] == ABSA__NET_MOVES_ITSELF ? dtheta : NULL;
        f.dy = delta_of(w->net, d, l);
        f.dx = target(w, d, f.layer->in, l, want_input, &f.add);
        if (f.layer->other >= 0)
            f.dx_other = target(w, d, f.layer->other, l, want_input, &f.add_other);
        passes_of(f.layer)->backward(&f);
    }
}

/* Derivatives along v that are zero, where somebody reads them. */
static void clear_still(const work *w, int64_t rows)
{
    const slot r = slot_in(w->net, w->r, rows);
    for (int64_t i = 0; i <= w->net->layer_count; i++)
        if (w->how[i] == ABSA__NET_STILL_READ)
            zero(w->net->nodes[i].size * rows, value_of(w->net, r, i));
}

static void r_forward(const work *w, slot s, const REAL *theta, const REAL *v)
{
    for (int64_t l = 1; l <= w->net->layer_count; l++) {
        if (!moves(w, l))
            continue;
        frame f = frame_of(w, s, theta, l);
        add_r_values(w, &f, l, v);
        passes_of(f.layer)->r_forward(&f);
    }
}

static void r_backward(const work *w, slot s, const REAL *theta, const REAL *v, REAL *hv)
{
    const slot r = slot_in(w->net, w->r, s.rows);
    memset(w->written, 0, (size_t)w->net->layer_count + 1);
    for (int64_t l = w->net->layer_count; l > 0; l--) {
        if (!moves(w, l))
            continue;
        frame f = frame_of(w, s, theta, l);
        add_r_values(w, &f, l, v);
        f.dtheta = hv;
        f.dy = delta_of(w->net, s, l);
        f.rdy = delta_of(w->net, r, l);
        f.rdx = target(w, r, f.layer->in, l, 0, &f.add);
        if (f.layer->other >= 0)
            f.rdx_other = target(w, r, f.layer->other, l, 0, &f.add_other);
        passes_of(f.layer)->r_backward(&f);
    }
}

/* Forward, loss and, where wanted, the loss's delta of the rows from `first` of a batch. */
static void forward_loss(const work *w, slot s, const REAL *theta, const REAL *x, const void *y,
                         int64_t first, int want_delta, absa__net_sums *sums)
{
    const absa_refnet *net = w->net;
    const int64_t last = net->layer_count;
    forward(w, s, theta, x + first * net->nodes[0].size);
    loss_forward(net, value_of(net, s, last), y, first, s.rows,
                 want_delta ? delta_of(net, s, last) : NULL, s.aux, sums);
}

/* Adds the piece's statistics to those of the call, for absa_refnet_track(). */
static void collect(const work *w, slot s, const REAL *theta)
{
    for (int64_t l = 1; l <= w->net->layer_count; l++) {
        const frame f = frame_of(w, s, theta, l);
        if (f.layer->spec.kind == ABSA_REFNET_BATCH_NORM)
            norm_collect(&f, w->last + f.layer->statistics);
    }
}
