/* The passes over a whole network, and over the chunks of a batch. Part of real.h.
 *
 * The arena: slots (values, deltas, notes of one chunk; slot 0 for passing work, the others for
 * the probe), then R-values and R-deltas of one chunk, the unfolding buffer, a gradient in the
 * making and the probe's theta. */

typedef struct slot {
    REAL *values, *deltas, *aux;
} slot;

static int64_t slot_size(const absa_refnet *net)
{
    return (net->values + net->deltas + net->aux) * net->chunk;
}

static slot slot_at(const absa_refnet *net, int64_t index)
{
    REAL *base = (REAL *)net->arena + index * slot_size(net);
    slot s = {base, base + net->values * net->chunk,
              base + (net->values + net->deltas) * net->chunk};
    return s;
}

/* Values and deltas of the derivative along v. Its node 0 stays zero: the input does not move. */
static slot r_slot(const absa_refnet *net)
{
    return slot_at(net, 1 + net->kept);
}

static REAL *column_of(const absa_refnet *net)
{
    const slot r = r_slot(net);
    return r.values + (net->values + net->deltas) * net->chunk;
}

static REAL *making_of(const absa_refnet *net)
{
    return column_of(net) + net->column;
}

static REAL *probe_theta(const absa_refnet *net)
{
    return making_of(net) + net->n;
}

static REAL *value_of(const absa_refnet *net, slot s, int64_t node)
{
    return s.values + net->nodes[node].value * net->chunk;
}

static REAL *delta_of(const absa_refnet *net, slot s, int64_t node)
{
    return s.deltas + net->nodes[node].delta * net->chunk;
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

/* Saves these layers the work with a derivative that is zero. */
static int skips_still_input(const absa__net_layer *layer)
{
    return layer->spec.kind == ABSA_REFNET_DENSE || layer->spec.kind == ABSA_REFNET_CONV;
}

/* What layer l sees of the chunk in slot s. */
static frame frame_of(const absa_refnet *net, slot s, const REAL *theta, int64_t l, int64_t rows)
{
    const absa__net_layer *layer = &net->layers[l];
    frame f = {.layer = layer, .in = &net->nodes[layer->in], .out = &net->nodes[l], .rows = rows};
    f.theta = theta;
    f.x = value_of(net, s, layer->in);
    f.x_other = layer->other < 0 ? NULL : value_of(net, s, layer->other);
    f.y = value_of(net, s, l);
    f.aux = s.aux + layer->aux * net->chunk;
    f.column = column_of(net);
    f.training = net->pass_mode == ABSA_REFNET_TRAIN;
    f.ghost_rows = net->options.ghost_rows;
    f.statistics = net->statistics + layer->statistics;
    return f;
}

static void add_r_values(const absa_refnet *net, frame *f, int64_t l, const REAL *v)
{
    const slot r = r_slot(net);
    const int still = net->nodes[f->layer->in].value_root == 0;
    f->v = v;
    f->rx = skips_still_input(f->layer) && still ? NULL : value_of(net, r, f->layer->in);
    f->rx_other = f->layer->other < 0 ? NULL : value_of(net, r, f->layer->other);
    f->ry = value_of(net, r, l);
}

/* Where the derivative in a node goes, and whether something is there already. A layer that works
 * in place overwrites. NULL for the input unless it is wanted. */
static REAL *target(absa_refnet *net, slot s, int64_t node, int64_t layer, int want_input, int *add)
{
    const int32_t root = net->nodes[node].delta_root;
    if (root == 0 && !want_input)
        return NULL;
    *add = net->written[root] && root != net->nodes[layer].delta_root;
    net->written[root] = 1;
    return delta_of(net, s, node);
}

static void forward(const absa_refnet *net, slot s, const REAL *theta, const REAL *x, int64_t rows)
{
    transpose(rows, net->nodes[0].size, x, value_of(net, s, 0));
    for (int64_t l = 1; l <= net->layer_count; l++) {
        const frame f = frame_of(net, s, theta, l, rows);
        passes_of(f.layer)->forward(&f);
    }
}

/* Reads values and notes of s; deltas are those of d, whose last node holds the loss's. */
static void backward(absa_refnet *net, slot s, slot d, const REAL *theta, int64_t rows,
                     int want_input, REAL *dtheta)
{
    memset(net->written, 0, (size_t)net->layer_count + 1);
    for (int64_t l = net->layer_count; l > 0; l--) {
        frame f = frame_of(net, s, theta, l, rows);
        f.dtheta = dtheta;
        f.dy = delta_of(net, d, l);
        f.dx = target(net, d, f.layer->in, l, want_input, &f.add);
        if (f.layer->other >= 0)
            f.dx_other = target(net, d, f.layer->other, l, want_input, &f.add_other);
        passes_of(f.layer)->backward(&f);
    }
}

static void r_forward(const absa_refnet *net, slot s, const REAL *theta, const REAL *v,
                      int64_t rows)
{
    for (int64_t l = 1; l <= net->layer_count; l++) {
        frame f = frame_of(net, s, theta, l, rows);
        add_r_values(net, &f, l, v);
        passes_of(f.layer)->r_forward(&f);
    }
}

static void r_backward(absa_refnet *net, slot s, const REAL *theta, const REAL *v, int64_t rows,
                       REAL *hv)
{
    const slot r = r_slot(net);
    memset(net->written, 0, (size_t)net->layer_count + 1);
    for (int64_t l = net->layer_count; l > 0; l--) {
        frame f = frame_of(net, s, theta, l, rows);
        add_r_values(net, &f, l, v);
        f.dtheta = hv;
        f.dy = delta_of(net, s, l);
        f.rdy = delta_of(net, r, l);
        f.rdx = target(net, r, f.layer->in, l, 0, &f.add);
        if (f.layer->other >= 0)
            f.rdx_other = target(net, r, f.layer->other, l, 0, &f.add_other);
        passes_of(f.layer)->r_backward(&f);
    }
}

/* Forward, loss and, where wanted, the loss's delta of rows [first, first + rows). */
static void forward_loss(const absa_refnet *net, slot s, const REAL *theta, const REAL *x,
                         const void *y, int64_t first, int64_t rows, int want_delta,
                         absa__net_sums *sums)
{
    const int64_t last = net->layer_count;
    forward(net, s, theta, x + first * net->nodes[0].size, rows);
    loss_forward(net, value_of(net, s, last), y, first, rows,
                 want_delta ? delta_of(net, s, last) : NULL, s.aux, sums);
}

static int64_t chunk_rows(const absa_refnet *net, int64_t first, int64_t rows)
{
    return rows - first < net->chunk ? rows - first : net->chunk;
}

static void evaluate(absa_refnet *net, const void *theta, const void *x, const void *y,
                     int64_t rows, void *outputs, absa__net_sums *sums)
{
    const slot s = slot_at(net, 0);
    const int64_t count = net->nodes[net->layer_count].size;
    for (int64_t at = 0; at < rows; at += net->chunk) {
        const int64_t part = chunk_rows(net, at, rows);
        if (sums)
            forward_loss(net, s, theta, x, y, at, part, 0, sums);
        else
            forward(net, s, theta, (const REAL *)x + at * net->nodes[0].size, part);
        if (outputs)
            transpose(count, part, value_of(net, s, net->layer_count),
                      (REAL *)outputs + at * count);
    }
}

/* Adds the chunk's statistics to those of the call, for absa_refnet_track(). */
static void collect(const absa_refnet *net, slot s, const REAL *theta, int64_t rows)
{
    double *last = net->statistics + net->statistic_count;
    for (int64_t l = 1; l <= net->layer_count; l++) {
        const frame f = frame_of(net, s, theta, l, rows);
        if (f.layer->spec.kind == ABSA_REFNET_BATCH_NORM)
            norm_collect(&f, last + f.layer->statistics);
    }
}

/* out = making / rows + weight_decay * at. */
static void finish(const absa_refnet *net, int64_t rows, const REAL *making, const REAL *at,
                   REAL *out)
{
    const REAL scale = (REAL)(1 / (double)rows), decay = (REAL)net->options.weight_decay;
    INDEPENDENT
    for (int64_t i = 0; i < net->n; i++)
        out[i] = scale * making[i] + decay * at[i];
}

static void gradient(absa_refnet *net, const void *theta, const void *x, const void *y,
                     int64_t rows, void *out, absa__net_sums *sums)
{
    const slot s = slot_at(net, 0);
    REAL *making = making_of(net);
    zero(net->n, making);
    for (int64_t at = 0; at < rows && sums->bad_row < 0; at += net->chunk) {
        const int64_t part = chunk_rows(net, at, rows);
        forward_loss(net, s, theta, x, y, at, part, 1, sums);
        collect(net, s, theta, part);
        backward(net, s, s, theta, part, 0, making);
    }
    if (sums->bad_row < 0)
        finish(net, rows, making, theta, out);
}

static void input_gradient(absa_refnet *net, const void *theta, const void *x, const void *y,
                           int64_t rows, void *out, absa__net_sums *sums)
{
    const slot s = slot_at(net, 0);
    const int64_t count = net->nodes[0].size;
    for (int64_t at = 0; at < rows && sums->bad_row < 0; at += net->chunk) {
        const int64_t part = chunk_rows(net, at, rows);
        forward_loss(net, s, theta, x, y, at, part, 1, sums);
        if (!out || sums->bad_row >= 0)
            continue;
        backward(net, s, s, theta, part, 1, NULL);
        transpose(count, part, delta_of(net, s, 0), (REAL *)out + at * count);
    }
}

static void probe(absa_refnet *net, const void *theta, const void *x, const void *y, int64_t rows,
                  absa__net_sums *sums)
{
    memcpy(probe_theta(net), theta, (size_t)net->n * sizeof(REAL));
    for (int64_t at = 0; at < rows && sums->bad_row < 0; at += net->chunk) {
        const int64_t part = chunk_rows(net, at, rows), index = at / net->chunk;
        const int keep = index < net->kept;
        const slot s = slot_at(net, keep ? 1 + index : 0);
        forward_loss(net, s, theta, x, y, at, part, keep, sums);
        if (keep)
            backward(net, s, s, theta, part, 0, NULL);
    }
}

static void product(absa_refnet *net, int gauss_newton, const void *v, void *out)
{
    const slot r = r_slot(net);
    const REAL *theta = probe_theta(net);
    const int64_t last = net->layer_count, rows = net->probe_rows;
    zero(net->n, out);
    for (int64_t at = 0; at < rows; at += net->chunk) {
        const int64_t part = chunk_rows(net, at, rows), index = at / net->chunk;
        const int kept = index < net->kept;
        const slot s = slot_at(net, kept ? 1 + index : 0);
        if (!kept) {
            absa__net_sums ignored = {0, 0, -1};
            forward_loss(net, s, theta, net->probe_x, net->probe_y, at, part, 1, &ignored);
            if (!gauss_newton)
                backward(net, s, s, theta, part, 0, NULL);
        }
        r_forward(net, s, theta, v, part);
        loss_hessian(net, s.aux, value_of(net, r, last), part, delta_of(net, r, last));
        if (gauss_newton)
            backward(net, s, r, theta, part, 0, out);
        else
            r_backward(net, s, theta, v, part, out);
    }
    finish(net, rows, out, v, out);
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

const absa__net_driver DRIVER = {evaluate, gradient, input_gradient, probe,
                                 product,  square,   fill_normal};
