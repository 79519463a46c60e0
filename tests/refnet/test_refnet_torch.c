/* Loss, gradients and products against the values that PyTorch computed in double precision, for
 * every kind of layer and every network by name. tests/peers/make_refnet_values.py wrote them;
 * tests/peers/check_refnet.py compares them with PyTorch again where it is installed. The inputs
 * are hashed numbers that both sides compute.
 *
 * Of each derivative d the file holds |d|, products with hashed vectors whose elements are below 1
 * in size (so that an error e of d changes them by at most sqrt(n) |e|, by about |e| when it is
 * noise), and chosen elements. */
#include <absa/refnet.h>

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LAYERS = 16, PRODUCTS = 4, ELEMENTS = 12, STORED = 1 + PRODUCTS + ELEMENTS };

typedef struct stored {
    char name[64], named[16];
    absa_refnet_options options;
    absa_refnet_layer layers[MOST_LAYERS];
    int64_t rows;
    int32_t mode;
    double loss, gradient[STORED], input[STORED], hvp[STORED], gnvp[STORED];
} stored;

/* How a network is run: the values must not depend on it. */
typedef struct manner {
    int32_t element;
    int64_t chunk_ghosts; /* chunk_rows in ghost batches; 0: as the network chooses */
    int keep;             /* the probe is kept between products */
    double tolerance;     /* relative to the norm of what is compared */
    double at_kinks;      /* the same, for networks with ReLU or max pooling */
} manner;

static double unit(uint64_t seed, int64_t i)
{
    uint64_t z = (uint64_t)(i + 1) * 0x9E3779B97F4A7C15u + seed * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 29) * 0x94D049BB133111EBu;
    z ^= z >> 32;
    return (double)(z >> 11) * 0x1p-52 - 1;
}

static void read_values(char *text, double *out)
{
    for (int k = 0; k < STORED; k++) {
        char *end;
        out[k] = strtod(text, &end);
        cr_assert_neq(end, text, "the file ends early");
        text = end;
    }
}

static void read_options(const char *text, stored *s)
{
    long long c, h, w, rows, ghost;
    cr_assert_eq(sscanf(text, "%d %lld %lld %lld %lld %lf %lld %d", &s->options.loss, &c, &h, &w,
                        &rows, &s->options.weight_decay, &ghost, &s->mode),
                 8);
    s->options.channels = c;
    s->options.height = h;
    s->options.width = w;
    s->options.ghost_rows = ghost;
    s->rows = rows;
}

static void read_layer(const char *text, stored *s)
{
    cr_assert_lt(s->options.layer_count, MOST_LAYERS);
    absa_refnet_layer *l = &s->layers[s->options.layer_count++];
    cr_assert_eq(sscanf(text, "%d %d %d %d %d %d %d %d", &l->kind, &l->units, &l->size, &l->stride,
                        &l->padding, &l->no_bias, &l->source, &l->other),
                 8);
}

static void read_named(const char *text, stored *s)
{
    long long outputs;
    cr_assert_eq(sscanf(text, "%15s %lld %d", s->named, &outputs, &s->options.activation), 3);
    s->options.outputs = outputs;
}

/* Reads up to the values of gnvp, which come last. Returns 0 at the end of the file. */
static int read_network(FILE *file, stored *s)
{
    char line[1024];
    memset(s, 0, sizeof *s);
    absa_refnet_options_init(&s->options, sizeof s->options);
    while (fgets(line, sizeof line, file)) {
        char *rest = strchr(line, ' ');
        cr_assert_neq(rest, NULL);
        if (sscanf(line, "network %63s", s->name) == 1)
            continue;
        if (strncmp(line, "options", 7) == 0)
            read_options(rest, s);
        else if (strncmp(line, "layer", 5) == 0)
            read_layer(rest, s);
        else if (strncmp(line, "named", 5) == 0)
            read_named(rest, s);
        else if (strncmp(line, "value loss", 10) == 0)
            s->loss = strtod(line + 10, NULL);
        else if (strncmp(line, "value gradient", 14) == 0)
            read_values(line + 14, s->gradient);
        else if (strncmp(line, "value input", 11) == 0)
            read_values(line + 11, s->input);
        else if (strncmp(line, "value hvp", 9) == 0)
            read_values(line + 9, s->hvp);
        else if (strncmp(line, "value gnvp", 10) == 0) {
            read_values(line + 10, s->gnvp);
            return 1;
        } else {
            cr_assert_eq(line[0], '#', "%s", line);
        }
    }
    return 0;
}

static size_t size_of(int32_t element)
{
    return element == ABSA_ELEMENT_F32 ? sizeof(float) : sizeof(double);
}

static void put(int32_t element, void *out, int64_t i, double value)
{
    if (element == ABSA_ELEMENT_F32)
        ((float *)out)[i] = (float)value;
    else
        ((double *)out)[i] = value;
}

static double get(int32_t element, const void *x, int64_t i)
{
    return element == ABSA_ELEMENT_F32 ? (double)((const float *)x)[i] : ((const double *)x)[i];
}

static void *hashed(int32_t element, uint64_t seed, int64_t count)
{
    void *x = malloc((size_t)count * size_of(element));
    for (int64_t i = 0; i < count; i++)
        put(element, x, i, unit(seed, i));
    return x;
}

/* Weights of the usual size, gains about 1. */
static void *parameters(const absa_refnet *net, int32_t element)
{
    void *theta = hashed(element, 1, absa_refnet_parameter_count(net));
    for (int64_t k = 0; k < absa_refnet_range_count(net); k++) {
        absa_refnet_range r;
        absa_refnet_range_init(&r, sizeof r);
        cr_assert_eq(absa_refnet_range_at(net, k, &r), ABSA_OK);
        const double fan_in = (double)(r.range.count / r.shape[0]);
        const double scale = r.role == ABSA_REFNET_WEIGHT ? sqrt(6 / fan_in) : 0.25;
        for (int64_t i = r.range.first; i < r.range.first + r.range.count; i++)
            put(element, theta, i, unit(1, i) * scale + (r.role == ABSA_REFNET_GAIN));
    }
    return theta;
}

static void *answers(const stored *s, const absa_refnet *net, int32_t element)
{
    const int64_t outputs = absa_refnet_output_count(net);
    if (s->options.loss == ABSA_REFNET_SQUARED)
        return hashed(element, 5, s->rows * outputs);
    const int64_t classes = s->options.loss == ABSA_REFNET_LOGISTIC ? 2 : outputs;
    int32_t *labels = malloc((size_t)s->rows * sizeof *labels);
    for (int64_t i = 0; i < s->rows; i++)
        labels[i] = (int32_t)((unit(4, i) + 1) / 2 * (double)classes);
    return labels;
}

static void give_statistics(absa_refnet *net, int32_t mode)
{
    const int64_t count = absa_refnet_statistic_count(net);
    double *statistics = malloc((size_t)(count + 1) * sizeof *statistics);
    for (int64_t i = 0; i < count; i++)
        statistics[i] = unit(6, i) / 4 + (i % 2 ? 1 : 0);
    cr_assert_eq(absa_refnet_write_statistics(net, statistics), ABSA_OK);
    cr_assert_eq(absa_refnet_set_mode(net, mode), ABSA_OK);
    free(statistics);
}

static double tolerance(const stored *s, const manner *m)
{
    int kinks = s->named[0] && (s->options.activation == ABSA_REFNET_RELU || s->named[0] == 'l');
    for (int64_t i = 0; i < s->options.layer_count; i++)
        kinks |= s->layers[i].kind == ABSA_REFNET_RELU || s->layers[i].kind == ABSA_REFNET_MAX_POOL;
    return kinks ? m->at_kinks : m->tolerance;
}

static void compare(const stored *s, const manner *m, const char *what, const double *expected,
                    const void *found, int64_t count)
{
    const double limit = tolerance(s, m) * expected[0];
    double sums[1 + PRODUCTS] = {0};
    for (int64_t i = 0; i < count; i++) {
        const double x = get(m->element, found, i);
        sums[0] += x * x;
        for (int k = 0; k < PRODUCTS; k++)
            sums[1 + k] += x * unit(10 + (uint64_t)k, i);
    }
    sums[0] = sqrt(sums[0]);
    for (int k = 0; k < STORED; k++) {
        const int64_t at = (count - 1) * (k - PRODUCTS - 1) / (ELEMENTS - 1);
        const double x = k <= PRODUCTS ? sums[k] : get(m->element, found, at);
        cr_assert_lt(fabs(x - expected[k]), limit,
                     "%s, element type %d, chunk %lld, %s: stored value %d is %.17g, found %.17g, "
                     "norm %.3g",
                     s->name, m->element, (long long)m->chunk_ghosts, what, k, expected[k], x,
                     expected[0]);
    }
}

static void check_network(const stored *s, const manner *m)
{
    absa_context *ctx;
    absa_refnet *net;
    absa_refnet_options o = s->options;
    o.name = s->named[0] ? s->named : NULL;
    o.layers = s->named[0] ? NULL : s->layers;
    o.element = m->element;
    o.chunk_rows = m->chunk_ghosts * o.ghost_rows;
    o.probe_rows = m->keep ? s->rows : 0;
    cr_assert_eq(absa_context_create(NULL, &ctx), ABSA_OK);
    cr_assert_eq(absa_refnet_create(ctx, &o, &net), ABSA_OK, "%s", absa_context_message(ctx));
    give_statistics(net, s->mode);

    const int64_t n = absa_refnet_parameter_count(net);
    const int64_t inputs = s->rows * absa_refnet_input_count(net);
    void *theta = parameters(net, m->element), *x = hashed(m->element, 2, inputs);
    void *v = hashed(m->element, 3, n), *y = answers(s, net, m->element);
    void *out = hashed(m->element, 7, n > inputs ? n : inputs);
    double loss;
    cr_assert_eq(absa_refnet_gradient(net, theta, x, y, s->rows, out, &loss), ABSA_OK);
    cr_assert_float_eq(loss, s->loss, tolerance(s, m) * s->loss, "%s: loss %.17g", s->name, loss);
    compare(s, m, "gradient", s->gradient, out, n);
    cr_assert_eq(absa_refnet_input_gradient(net, theta, x, y, s->rows, out, NULL), ABSA_OK);
    compare(s, m, "input gradient", s->input, out, inputs);
    cr_assert_eq(absa_refnet_probe(net, theta, x, y, s->rows, NULL), ABSA_OK);
    cr_assert_eq(absa_refnet_hvp(net, v, out), ABSA_OK);
    compare(s, m, "Hessian product", s->hvp, out, n);
    cr_assert_eq(absa_refnet_gnvp(net, v, out), ABSA_OK);
    compare(s, m, "Gauss-Newton product", s->gnvp, out, n);

    void *all[] = {theta, x, v, y, out};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    absa_refnet_destroy(&net);
    absa_context_destroy(&ctx);
}

static void check_file(const manner *m)
{
    char path[4096];
    const char *source = getenv("ABSA_TEST_SOURCE");
    stored *s = malloc(sizeof *s);
    int networks = 0;
    cr_assert_neq(source, NULL, "ABSA_TEST_SOURCE says where the stored values are");
    snprintf(path, sizeof path, "%s/refnet/torch_values.txt", source);
    FILE *file = fopen(path, "r");
    cr_assert_neq(file, NULL, "%s cannot be read", path);
    for (; read_network(file, s); networks++)
        check_network(s, m);
    fclose(file);
    free(s);
    /* 25 kinds of layers in some setting, 12 networks by name: a file cut short must not pass. */
    cr_assert_geq(networks, 46);
}

/* Sums of some 1e5 products at most, through 20 layers each of which may enlarge an error a few
 * times: 1e-10 is 5e5 eps. A wrong term is off by 1e-3 and more. */
Test(refnet_torch, values_are_those_of_pytorch)
{
    const manner m = {ABSA_ELEMENT_F64, 0, 1, 1e-10, 1e-10};
    check_file(&m);
}

Test(refnet_torch, values_are_those_of_pytorch_when_nothing_is_kept_and_chunks_are_small)
{
    const manner m = {ABSA_ELEMENT_F64, 1, 0, 1e-10, 1e-10};
    check_file(&m);
}

/* Errors of mixed signs stay far below the bound of 5e5 eps = 0.03: 1e-4 is 1000 eps. Rounding to
 * single precision can take one of the 1e6 inputs of ReLU or max pooling over a kink, which moves
 * that row's share of a derivative. */
Test(refnet_torch, values_in_single_precision_are_those_of_pytorch_in_double)
{
    const manner m = {ABSA_ELEMENT_F32, 0, 1, 1e-4, 1e-2};
    check_file(&m);
}
