/* Outputs and losses against the definition of every layer, written down here row by row and
 * element by element in the order a reader of the definition would. Differences of the loss would
 * not notice a network that computes something else consistently; this does. */
#include "refnet/networks.h"

enum { MAX_ELEMENTS = 512 };

typedef struct image {
    int64_t c, h, w;
    double at[MAX_ELEMENTS];
} image;

static double pixel(const image *x, int64_t c, int64_t y, int64_t column)
{
    const int inside = y >= 0 && y < x->h && column >= 0 && column < x->w;
    return inside ? x->at[(c * x->h + y) * x->w + column] : 0;
}

/* The range of theta that belongs to a layer and role; NULL when there is none. */
static const double *range_of(const point *p, int layer, int32_t role)
{
    absa_refnet_range r;
    absa_refnet_range_init(&r, sizeof r);
    for (int64_t i = 0; i < absa_refnet_range_count(p->net); i++) {
        cr_assert_eq(absa_refnet_range_at(p->net, i, &r), ABSA_OK);
        if (r.layer == layer && r.role == role)
            return p->theta + r.range.first;
    }
    return NULL;
}

static void weigh(const point *p, int number, const absa_refnet_layer *l, const image *x, image *y)
{
    const double *w = range_of(p, number, ABSA_REFNET_WEIGHT);
    const double *b = range_of(p, number, ABSA_REFNET_BIAS);
    const int dense = l->kind == ABSA_REFNET_DENSE;
    const int64_t step = l->stride ? l->stride : 1;
    const int64_t kh = dense ? x->h : l->size, kw = dense ? x->w : l->size;
    cr_assert_eq(b == NULL, l->no_bias);
    y->c = l->units;
    y->h = (x->h + 2 * l->padding - kh) / step + 1;
    y->w = (x->w + 2 * l->padding - kw) / step + 1;
    double *out = y->at;
    for (int64_t u = 0; u < y->c; u++)
        for (int64_t oy = 0; oy < y->h; oy++)
            for (int64_t ox = 0; ox < y->w; ox++, out++) {
                *out = b ? b[u] : 0;
                for (int64_t c = 0; c < x->c; c++)
                    for (int64_t i = 0; i < kh; i++)
                        for (int64_t j = 0; j < kw; j++)
                            *out +=
                                w[((u * x->c + c) * kh + i) * kw + j] *
                                pixel(x, c, oy * step - l->padding + i, ox * step - l->padding + j);
            }
}

static void pool(const absa_refnet_layer *l, const image *x, image *y)
{
    const int whole = l->kind == ABSA_REFNET_GLOBAL_POOL;
    const int64_t kh = whole ? x->h : l->size, kw = whole ? x->w : l->size;
    const int64_t step = l->stride ? l->stride : whole ? 1 : l->size;
    y->c = x->c;
    y->h = (x->h - kh) / step + 1;
    y->w = (x->w - kw) / step + 1;
    double *out = y->at;
    for (int64_t c = 0; c < y->c; c++)
        for (int64_t oy = 0; oy < y->h; oy++)
            for (int64_t ox = 0; ox < y->w; ox++, out++) {
                double largest = -INFINITY, sum = 0;
                for (int64_t i = 0; i < kh; i++)
                    for (int64_t j = 0; j < kw; j++) {
                        const double v = pixel(x, c, oy * step + i, ox * step + j);
                        largest = fmax(largest, v);
                        sum += v;
                    }
                *out = l->kind == ABSA_REFNET_MAX_POOL ? largest : sum / (double)(kh * kw);
            }
}

static double activate(int32_t kind, double x)
{
    if (kind == ABSA_REFNET_RELU)
        return fmax(x, 0);
    if (kind == ABSA_REFNET_TANH)
        return tanh(x);
    if (kind == ABSA_REFNET_SOFTPLUS)
        return log(1 + exp(x));
    return x * 0.5 * (1 + erf(x / sqrt(2.0)));
}

static void layer_of(const point *p, int number, const absa_refnet_layer *l, const image *x,
                     const image *other, image *y)
{
    const int64_t size = x->c * x->h * x->w;
    *y = *x;
    if (l->kind == ABSA_REFNET_DENSE || l->kind == ABSA_REFNET_CONV) {
        weigh(p, number, l, x, y);
    } else if (l->kind == ABSA_REFNET_MAX_POOL || l->kind == ABSA_REFNET_AVERAGE_POOL ||
               l->kind == ABSA_REFNET_GLOBAL_POOL) {
        pool(l, x, y);
    } else if (l->kind == ABSA_REFNET_FLATTEN) {
        y->c = size;
        y->h = y->w = 1;
    } else {
        for (int64_t i = 0; i < size; i++)
            y->at[i] =
                l->kind == ABSA_REFNET_ADD ? x->at[i] + other->at[i] : activate(l->kind, x->at[i]);
    }
}

/* Normalises channel c of rows [first, end) in place, by the rows' own statistics or the running
 * ones.
 */
static void normalise_channel(const point *p, const network_case *c, int number, int64_t channel,
                              int64_t statistic, image *rows, int64_t first, int64_t end)
{
    const int64_t pixels = rows->h * rows->w;
    double mean = p->statistics[statistic], variance = p->statistics[statistic + 1];
    if (c->mode == ABSA_REFNET_TRAIN) {
        mean = variance = 0;
        for (int64_t r = first; r < end; r++)
            for (int64_t i = 0; i < pixels; i++)
                mean += rows[r].at[channel * pixels + i] / (double)(pixels * (end - first));
        for (int64_t r = first; r < end; r++)
            for (int64_t i = 0; i < pixels; i++)
                variance += pow(rows[r].at[channel * pixels + i] - mean, 2) /
                            (double)(pixels * (end - first));
    }
    const double gain = range_of(p, number, ABSA_REFNET_GAIN)[channel];
    const double shift = range_of(p, number, ABSA_REFNET_SHIFT)[channel];
    for (int64_t r = first; r < end; r++)
        for (int64_t i = 0; i < pixels; i++) {
            double *at = &rows[r].at[channel * pixels + i];
            *at = gain * (*at - mean) / sqrt(variance + 1e-5) + shift;
        }
}

/* statistic: where the layer's running statistics start. */
static void normalise(const point *p, const network_case *c, int number, int64_t statistic,
                      image *rows)
{
    for (int64_t channel = 0; channel < rows->c; channel++)
        for (int64_t first = 0; first < ROWS; first += c->ghost_rows) {
            const int64_t end = first + c->ghost_rows < ROWS ? first + c->ghost_rows : ROWS;
            normalise_channel(p, c, number, channel, statistic + 2 * channel, rows, first, end);
        }
}

static int node_of(int32_t source, int number)
{
    return source > 0 ? source : source == 0 ? number - 1 : 0;
}

/* The outputs of all rows, by definition; returns how many a row has. */
static int64_t rows_by_definition(const network_case *c, const point *p, double *outputs)
{
    static image nodes[MAX_TEST_LAYERS + 1][ROWS];
    const int64_t inputs = (int64_t)c->channels * c->height * c->width;
    int last = 0;
    int64_t statistic = 0;
    for (int64_t r = 0; r < ROWS; r++) {
        nodes[0][r].c = c->channels;
        nodes[0][r].h = c->height;
        nodes[0][r].w = c->width;
        memcpy(nodes[0][r].at, p->x + r * inputs, (size_t)inputs * sizeof *p->x);
    }
    for (int i = 1; i <= MAX_TEST_LAYERS && c->layers[i - 1].kind; last = i++) {
        const absa_refnet_layer *l = &c->layers[i - 1];
        const image *in = nodes[node_of(l->source, i)], *other = nodes[node_of(l->other, i)];
        for (int64_t r = 0; r < ROWS && l->kind != ABSA_REFNET_BATCH_NORM; r++)
            layer_of(p, i, l, &in[r], &other[r], &nodes[i][r]);
        if (l->kind == ABSA_REFNET_BATCH_NORM) {
            memcpy(nodes[i], in, sizeof nodes[i]);
            normalise(p, c, i, statistic, nodes[i]);
            statistic += 2 * in->c;
        }
    }
    const int64_t count = nodes[last][0].c * nodes[last][0].h * nodes[last][0].w;
    for (int64_t r = 0; r < ROWS; r++)
        memcpy(outputs + r * count, nodes[last][r].at, (size_t)count * sizeof *outputs);
    return count;
}

static double loss_by_definition(const network_case *c, const point *p, int64_t row, int64_t count,
                                 const double *z)
{
    double sum = 0;
    if (c->loss == ABSA_REFNET_LOGISTIC) {
        const double probability = 1 / (1 + exp(-z[0]));
        return -log(p->labels[row] ? probability : 1 - probability);
    }
    for (int64_t o = 0; o < count; o++)
        sum += c->loss == ABSA_REFNET_SOFTMAX ? exp(z[o])
                                              : pow(z[o] - p->targets[row * count + o], 2) / 2;
    return c->loss == ABSA_REFNET_SOFTMAX ? -log(exp(z[p->labels[row]]) / sum) : sum;
}

static int wins(const network_case *c, const point *p, int64_t row, int64_t count, const double *z)
{
    int64_t best = 0;
    if (c->loss == ABSA_REFNET_SQUARED)
        return 0;
    if (c->loss == ABSA_REFNET_LOGISTIC)
        return (z[0] > 0) == p->labels[row];
    for (int64_t o = 1; o < count; o++)
        best = z[o] > z[best] ? o : best;
    return best == p->labels[row];
}

/* No sum has more than MAX_ELEMENTS terms, and no more than MAX_TEST_LAYERS follow each other. */
static const double TOLERANCE = MAX_ELEMENTS * MAX_TEST_LAYERS * 2.3e-16;

Test(refnet_forward, outputs_and_losses_are_their_definitions)
{
    for (int i = 0; i < NETWORK_COUNT; i++) {
        const network_case *c = &NETWORKS[i];
        point p;
        absa_refnet_options o;
        double z[ROWS * 8], all[ROWS * 8], sum = 0, loss, square;
        int64_t correct = 0;
        absa_refnet_evaluation e;
        point_options(c, &o);
        o.weight_decay = 0.25;
        point_open(&p, c, &o);
        const int64_t count = rows_by_definition(c, &p, all);
        cr_assert_eq(count, absa_refnet_output_count(p.net));
        cr_assert_eq(absa_refnet_predict(p.net, p.theta, p.x, ROWS, z), ABSA_OK);
        for (int64_t r = 0; r < ROWS; r++) {
            const double *want = all + r * count;
            cr_assert_lt(distance(count, z + r * count, want), TOLERANCE, "%s", c->name);
            sum += loss_by_definition(c, &p, r, count, want);
            correct += wins(c, &p, r, count, want);
        }
        absa_refnet_evaluation_init(&e, sizeof e);
        cr_assert_eq(absa_refnet_evaluate(p.net, p.theta, p.x, p.y, ROWS, &e), ABSA_OK);
        cr_assert_float_eq(e.loss_sum, sum, TOLERANCE * sum, "%s", c->name);
        cr_assert_eq(e.correct, correct, "%s", c->name);
        cr_assert_eq(e.rows, ROWS);
        cr_assert_eq(absa_refnet_loss(p.net, p.theta, p.x, p.y, ROWS, &loss), ABSA_OK);
        square = 0.25 / 2 * dot_of(p.n, p.theta, p.theta);
        cr_assert_float_eq(loss, sum / ROWS + square, TOLERANCE * (sum + square), "%s", c->name);
        point_close(&p);
    }
}

/* Nine equal elements under one window of 3 x 3, and under four of 2 x 2 that overlap: the
 * derivative goes to the corner of each. */
Test(refnet_forward, of_equal_elements_in_a_window_the_first_counts)
{
    static const struct {
        int32_t size, stride;
        int winners[9];
    } cases[] = {{3, 3, {1}}, {2, 1, {1, 1, 0, 1, 1}}};
    for (int k = 0; k < 2; k++) {
        network_case c = {"pool", ABSA_REFNET_SQUARED, 1, 3, 3, .layers = {POOL(MAX, 3), DENSE(2)}};
        absa_refnet_options o;
        point p;
        double gradient[9];
        c.layers[0].size = cases[k].size;
        c.layers[0].stride = cases[k].stride;
        point_options(&c, &o);
        point_open(&p, NULL, &o);
        for (int i = 0; i < 9; i++)
            p.x[i] = 0.25;
        cr_assert_eq(absa_refnet_input_gradient(p.net, p.theta, p.x, p.y, 1, gradient, NULL),
                     ABSA_OK);
        for (int i = 0; i < 9; i++)
            cr_assert_eq(gradient[i] != 0, cases[k].winners[i], "case %d, element %d", k, i);
        point_close(&p);
    }
}

Test(refnet_forward, of_equal_outputs_the_first_wins)
{
    const network_case c = {"dense", ABSA_REFNET_SOFTMAX, 2, 1, 1, .layers = {DENSE(3)}};
    absa_refnet_options o;
    absa_refnet_evaluation e;
    point p;
    point_options(&c, &o);
    point_open(&p, NULL, &o);
    memset(p.theta, 0, (size_t)p.n * sizeof *p.theta);
    for (int32_t label = 0; label < 3; label++) {
        absa_refnet_evaluation_init(&e, sizeof e);
        cr_assert_eq(absa_refnet_evaluate(p.net, p.theta, p.x, &label, 1, &e), ABSA_OK);
        cr_assert_eq(e.correct, label == 0, "label %d", label);
    }
    point_close(&p);
}

Test(refnet_forward, a_logistic_output_of_zero_says_no)
{
    const network_case c = {"dense", ABSA_REFNET_LOGISTIC, 2, 1, 1, .layers = {DENSE(1)}};
    absa_refnet_options o;
    absa_refnet_evaluation e;
    point p;
    point_options(&c, &o);
    point_open(&p, NULL, &o);
    memset(p.theta, 0, (size_t)p.n * sizeof *p.theta);
    for (int32_t label = 0; label < 2; label++) {
        absa_refnet_evaluation_init(&e, sizeof e);
        cr_assert_eq(absa_refnet_evaluate(p.net, p.theta, p.x, &label, 1, &e), ABSA_OK);
        cr_assert_eq(e.correct, label == 0, "label %d", label);
    }
    point_close(&p);
}

static void names_are(const char *name, int64_t channels, int64_t side, const char *const *want,
                      int64_t n)
{
    absa_context *ctx;
    absa_refnet *net;
    absa_refnet_options o;
    absa_refnet_range r;
    cr_assert_eq(absa_context_create(NULL, &ctx), ABSA_OK);
    absa_refnet_options_init(&o, sizeof o);
    o.name = name;
    o.channels = channels;
    o.height = o.width = side;
    o.outputs = 10;
    cr_assert_eq(absa_refnet_create(ctx, &o, &net), ABSA_OK, "%s", absa_context_message(ctx));
    absa_refnet_range_init(&r, sizeof r);
    int64_t first = 0, i = 0;
    for (; want[i]; i++) {
        cr_assert_eq(absa_refnet_range_at(net, i, &r), ABSA_OK);
        cr_assert_str_eq(r.range.name, want[i]);
        cr_assert_eq(r.range.first, first, "%s starts where the one before ends", r.range.name);
        cr_assert_eq(r.range.count, r.shape[0] * r.shape[1] * r.shape[2] * r.shape[3]);
        first += r.range.count;
    }
    cr_assert_eq(absa_refnet_range_count(net), i);
    cr_assert_eq(absa_refnet_parameter_count(net), first);
    cr_assert_eq(first, n, "%s has %lld parameters", name, (long long)first);
    absa_refnet_destroy(&net);
    absa_context_destroy(&ctx);
}

/* Parameters counted by hand: LeNet-5 on 28 x 28 has 61,706 in every textbook. */
/* He et al. count 0.27 million for ResNet-20; the projections add 16 * 32 + 2 * 32 + 32 * 64 + 2 *
 * 64 weights to the 269,722 of the variant without. */
Test(refnet_forward, residual_networks_have_the_parameters_of_the_paper)
{
    const char *const names[] = {"resnet8", "resnet20"};
    const int64_t blocks[] = {1, 3};
    for (int i = 0; i < 2; i++) {
        absa_context *ctx;
        absa_refnet *net;
        absa_refnet_options o;
        absa_refnet_options_init(&o, sizeof o);
        o.name = names[i];
        o.channels = 3;
        o.height = o.width = 32;
        o.outputs = 10;
        o.chunk_rows = 32;
        cr_assert_eq(absa_context_create(NULL, &ctx), ABSA_OK);
        cr_assert_eq(absa_refnet_create(ctx, &o, &net), ABSA_OK, "%s", absa_context_message(ctx));
        int64_t n = 27 * 16 + 32 + 650 + (512 + 64) + (2048 + 128);
        for (int64_t c = 16; c <= 64; c *= 2) {
            const int64_t before = c == 16 ? 16 : c / 2;
            n += 9 * before * c + 9 * c * c + 4 * c;
            n += (blocks[i] - 1) * (18 * c * c + 4 * c);
        }
        cr_assert_eq(absa_refnet_parameter_count(net), n);
        if (i == 1)
            cr_assert_eq(n, 269722 + 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64);
        absa_refnet_destroy(&net);
        absa_context_destroy(&ctx);
    }
}

Test(refnet_forward, networks_by_name_have_the_layers_they_promise)
{
    const char *const logreg[] = {"dense1.weight", "dense1.bias", NULL};
    const char *const mlp[] = {
        "dense1.weight", "dense1.bias", "dense2.weight", "dense2.bias", "dense3.weight",
        "dense3.bias",   NULL};
    const char *const lenet[] = {"conv1.weight",
                                 "conv1.bias",
                                 "conv2.weight",
                                 "conv2.bias",
                                 "dense1.weight",
                                 "dense1.bias",
                                 "dense2.weight",
                                 "dense2.bias",
                                 "dense3.weight",
                                 "dense3.bias",
                                 NULL};
    names_are("logreg", 1, 28, logreg, 7850);
    names_are("mlp", 1, 28, mlp, 785 * 256 + 257 * 128 + 129 * 10);
    names_are("lenet", 1, 28, lenet, 61706);
    names_are("lenet", 3, 32, lenet, 6 * 76 + 16 * 151 + 120 * (16 * 36 + 1) + 84 * 121 + 10 * 85);
    names_are("lenet", 1, 12, lenet, 6 * 26 + 16 * 151 + 120 * 17 + 84 * 121 + 10 * 85);
}
