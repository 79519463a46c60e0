/* Any bytes as a network, layer by layer, and as a selection of its parameters: refused in words,
 * or a network that takes the memory it said, nothing afterwards, and keeps the laws of its
 * products. Arrays have their exact size, so that tools see an access beyond. */
#include "fuzz.h"

#include <absa/random.h>
#include <absa/refnet.h>

#include <math.h>

enum { MOST_LAYERS = 12, MOST_ROWS = 9, MOST_TEXT = 24 };

enum { MOST_BYTES = 4 << 20 /* of a network that is worked with */ };

/* What of the input becomes options; layers and the text follow. */
typedef struct choices {
    int8_t channels, height, width, loss, element, decay, chunk_rows, probe_rows, ghost_rows;
    int8_t threads, mode, rows, layers, text;
    uint8_t seed;
} choices;

typedef struct arrays {
    int64_t n, inputs, outputs, m;
    size_t size; /* of an element */
    void *theta, *x, *y, *u, *v, *hu, *hv, *part, *block, *dx, *z;
} arrays;

/* Small numbers are themselves; the two ends stand for numbers that overflow. */
static int64_t wild(int8_t v)
{
    return v == INT8_MAX ? INT32_MAX : v == INT8_MIN ? INT64_MIN : v;
}

static int32_t wild32(int8_t v)
{
    return v == INT8_MAX ? INT32_MAX : v == INT8_MIN ? INT32_MIN : v;
}

static void take_layers(const uint8_t **data, size_t *size, int64_t count, absa_refnet_layer *out)
{
    for (int64_t i = 0; i < count; i++) {
        int8_t v[8];
        fuzz_take(data, size, v, sizeof v);
        out[i] = (absa_refnet_layer){v[0],         wild32(v[1]), wild32(v[2]), wild32(v[3]),
                                     wild32(v[4]), v[5],         wild32(v[6]), wild32(v[7])};
    }
}

static void *numbers(const arrays *a, uint64_t stream, int64_t count, double scale)
{
    void *out = malloc((size_t)count * a->size + !count);
    FUZZ_CHECK(out);
    if (a->size == sizeof(float))
        absa_random_gaussian_f32(1, stream, 0, count, out);
    else
        absa_random_gaussian_f64(1, stream, 0, count, out);
    for (int64_t i = 0; i < count; i++)
        if (a->size == sizeof(float))
            ((float *)out)[i] *= (float)scale;
        else
            ((double *)out)[i] *= scale;
    return out;
}

static double element(const arrays *a, const void *x, int64_t i)
{
    return a->size == sizeof(float) ? (double)((const float *)x)[i] : ((const double *)x)[i];
}

static double dot(const arrays *a, const void *x, const void *y, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += element(a, x, i) * element(a, y, i);
    return sum;
}

static void open_arrays(arrays *a, const absa_refnet *net, int32_t loss, int64_t rows)
{
    a->size = absa_refnet_element(net) == ABSA_ELEMENT_F32 ? sizeof(float) : sizeof(double);
    a->n = absa_refnet_parameter_count(net);
    a->inputs = rows * absa_refnet_input_count(net);
    a->outputs = rows * absa_refnet_output_count(net);
    a->theta = numbers(a, 1, a->n, 0.3);
    a->x = numbers(a, 2, a->inputs, 1);
    a->u = numbers(a, 3, a->n, 1);
    a->v = numbers(a, 4, a->n, 1);
    a->hu = numbers(a, 5, a->n, 1);
    a->hv = numbers(a, 6, a->n, 1);
    a->dx = numbers(a, 7, a->inputs, 1);
    a->z = numbers(a, 8, a->outputs, 1);
    if (loss == ABSA_REFNET_SQUARED) {
        a->y = numbers(a, 9, a->outputs, 1);
        return;
    }
    int32_t *labels = malloc((size_t)rows * sizeof *labels);
    FUZZ_CHECK(labels);
    const int64_t classes = loss == ABSA_REFNET_LOGISTIC ? 2 : a->outputs / rows;
    for (int64_t i = 0; i < rows; i++)
        labels[i] = (int32_t)(i % classes);
    a->y = labels;
}

static void close_arrays(arrays *a)
{
    void *all[] = {a->theta, a->x, a->y, a->u, a->v, a->hu, a->hv, a->part, a->block, a->dx, a->z};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

/* A block's product is that of the whole vector with zeros outside. */
static void check_block(const arrays *a, absa_refnet *net, const absa_block *selection)
{
    absa_space space;
    const double tolerance = a->size == sizeof(float) ? 1e-2 : 1e-8;
    absa_refnet_space(net, &space, sizeof space);
    FUZZ_CHECK(absa_block_expand(selection, &space, a->part, a->u) == ABSA_OK);
    FUZZ_CHECK(absa_refnet_hvp(net, a->u, a->hu) == ABSA_OK);
    const double scale = sqrt(dot(a, a->hu, a->hu, a->n));
    FUZZ_CHECK(absa_block_gather(selection, &space, a->hu, a->part) == ABSA_OK);
    for (int64_t i = 0; i < a->m && isfinite(scale); i++)
        FUZZ_CHECK(fabs(element(a, a->part, i) - element(a, a->block, i)) <=
                   tolerance * scale + 1e-30);
}

static void use(absa_refnet *net, arrays *a, absa_refnet_block *block, const absa_block *selection,
                int64_t rows)
{
    double loss = 0;
    absa_refnet_evaluation e;
    absa_refnet_evaluation_init(&e, sizeof e);
    const absa_status status = absa_refnet_gradient(net, a->theta, a->x, a->y, rows, a->hu, &loss);
    FUZZ_CHECK(status == ABSA_OK || status == ABSA_E_NONFINITE);
    absa_refnet_track(net, 0.5);
    absa_refnet_evaluate(net, a->theta, a->x, a->y, rows, &e);
    absa_refnet_input_gradient(net, a->theta, a->x, a->y, rows, a->dx, NULL);
    FUZZ_CHECK(absa_refnet_predict(net, a->theta, a->x, rows, a->z) == ABSA_OK);
    if (absa_refnet_probe(net, a->theta, a->x, a->y, rows, &loss))
        return;
    FUZZ_CHECK(absa_refnet_gnvp(net, a->u, a->hu) == ABSA_OK);
    const double curvature = dot(a, a->u, a->hu, a->n);
    const double most = sqrt(dot(a, a->u, a->u, a->n) * dot(a, a->hu, a->hu, a->n));
    const double rounding = a->size == sizeof(float) ? 1e-3 : 1e-8;
    FUZZ_CHECK(!isfinite(most) || curvature >= -rounding * most);
    FUZZ_CHECK(absa_refnet_hvp(net, a->u, a->hu) == ABSA_OK);
    FUZZ_CHECK(absa_refnet_hvp(net, a->v, a->hv) == ABSA_OK);
    const double left = dot(a, a->u, a->hv, a->n), right = dot(a, a->v, a->hu, a->n);
    const double size = sqrt(dot(a, a->u, a->u, a->n) * dot(a, a->hv, a->hv, a->n)) +
                        sqrt(dot(a, a->v, a->v, a->n) * dot(a, a->hu, a->hu, a->n));
    FUZZ_CHECK(!isfinite(size) || fabs(left - right) <= 10 * rounding * size);
    if (block) {
        FUZZ_CHECK(absa_refnet_block_hvp(block, a->part, a->block) == ABSA_OK);
        check_block(a, net, selection);
    }
}

static void check_ranges(const absa_refnet *net)
{
    int64_t at = 0;
    for (int64_t i = 0; i < absa_refnet_range_count(net); i++) {
        absa_refnet_range r;
        absa_refnet_range_init(&r, sizeof r);
        FUZZ_CHECK(absa_refnet_range_at(net, i, &r) == ABSA_OK);
        FUZZ_CHECK(r.range.first == at && r.range.count > 0 && *r.range.name);
        at += r.range.count;
    }
    FUZZ_CHECK(at == absa_refnet_parameter_count(net));
}

static void work(faulty_alloc *f, absa_context *ctx, absa_refnet *net, const choices *c,
                 int32_t loss, const char *text)
{
    arrays a = {0};
    absa_block *selection = NULL;
    absa_refnet_block *block = NULL;
    const int64_t rows = 1 + (c->rows & 0x7F) % MOST_ROWS;
    check_ranges(net);
    open_arrays(&a, net, loss, rows);
    if (a.n > 0) {
        FUZZ_CHECK(absa_refnet_layout(net, &selection) == ABSA_OK);
        if (absa_block_select(selection, text) == ABSA_OK) {
            FUZZ_CHECK(absa_refnet_block_create(net, selection, &block) == ABSA_OK);
            a.m = absa_refnet_block_count(block);
            FUZZ_CHECK(a.m > 0 && a.m <= a.n);
            a.part = numbers(&a, 10, a.m, 1);
            a.block = numbers(&a, 11, a.m, 1);
        } else {
            FUZZ_CHECK(*absa_context_message(ctx));
        }
    }
    absa_refnet_set_mode(net, c->mode & 1);
    const int64_t calls = f->calls;
    /* Expanding and gathering are the one thing here that takes memory, for a while. */
    use(net, &a, NULL, NULL, rows);
    FUZZ_CHECK(f->calls == calls);
    if (block)
        use(net, &a, block, selection, rows);
    absa_refnet_block_destroy(&block);
    absa_block_destroy(&selection);
    close_arrays(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    faulty_alloc f = {0};
    absa_context *ctx = faulty_context(&f);
    absa_refnet *net = NULL;
    absa_refnet_options o;
    choices c;
    int64_t bytes = -1;
    char text[MOST_TEXT + 1] = {0};
    fuzz_take(&data, &size, &c, sizeof c);
    absa_refnet_options_init(&o, sizeof o);
    o.channels = wild(c.channels);
    o.height = wild(c.height);
    o.width = wild(c.width);
    o.loss = c.loss;
    o.element = c.element;
    o.weight_decay = c.decay == INT8_MIN ? (double)NAN : c.decay / 8.0;
    o.chunk_rows = wild(c.chunk_rows);
    o.probe_rows = wild(c.probe_rows);
    o.ghost_rows = wild(c.ghost_rows);
    o.threads = c.threads > 3 ? 1 : c.threads;
    o.layer_count = c.layers > MOST_LAYERS ? MOST_LAYERS : c.layers;
    absa_refnet_layer layers[MOST_LAYERS];
    take_layers(&data, &size, o.layer_count, layers);
    o.layers = layers;
    fuzz_take(&data, &size, text, (size_t)(c.text < 0 ? 0 : c.text % (MOST_TEXT + 1)));
    const absa_status status = absa_refnet_workspace(ctx, &o, &bytes);
    /* A question about a network of any size finds memory: only the layers take it. */
    FUZZ_CHECK(status == ABSA_OK || status == ABSA_E_INVALID ||
               (status == ABSA_E_MEMORY && strstr(absa_context_message(ctx), "any memory")));
    FUZZ_CHECK(status == ABSA_OK ? bytes > 0 : bytes == -1 && *absa_context_message(ctx));
    if (status == ABSA_OK && bytes <= MOST_BYTES) {
        const int64_t before = f.live_bytes;
        FUZZ_CHECK(absa_refnet_create(ctx, &o, &net) == ABSA_OK);
        FUZZ_CHECK(f.live_bytes - before == bytes);
        work(&f, ctx, net, &c, o.loss, text);
    }
    absa_refnet_destroy(&net);
    fuzz_finish(&f, ctx);
    return 0;
}
