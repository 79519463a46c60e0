/* Small networks that together use every kind of layer in every way that has code of its own, with
 * a batch and a point for each. Included by the test programs of this folder. */
#ifndef ABSA_TEST_NETWORKS_H
#define ABSA_TEST_NETWORKS_H

#include <absa/random.h>
#include <absa/refnet.h>

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DENSE(u)                                                                                   \
    {                                                                                              \
        .kind = ABSA_REFNET_DENSE, .units = (u)                                                    \
    }
#define CONV(u, s)                                                                                 \
    {                                                                                              \
        .kind = ABSA_REFNET_CONV, .units = (u), .size = (s)                                        \
    }
#define ACT(k)                                                                                     \
    {                                                                                              \
        .kind = ABSA_REFNET_##k                                                                    \
    }
#define POOL(k, s)                                                                                 \
    {                                                                                              \
        .kind = ABSA_REFNET_##k##_POOL, .size = (s)                                                \
    }
#define MAX_TEST_LAYERS 12
#define ROWS            5

typedef struct network_case {
    const char *name;
    int32_t loss;
    int32_t channels, height, width;
    absa_refnet_layer layers[MAX_TEST_LAYERS];
    int32_t ghost_rows, mode; /* for batch normalisation */
} network_case;

static const network_case NETWORKS[] = {
    {"softmax regression", ABSA_REFNET_SOFTMAX, 5, 1, 1, .layers = {DENSE(4)}},
    {"logistic regression", ABSA_REFNET_LOGISTIC, 5, 1, 1, .layers = {DENSE(1)}},
    {"linear least squares", ABSA_REFNET_SQUARED, 5, 1, 1, .layers = {DENSE(3)}},
    {"tanh", ABSA_REFNET_SOFTMAX, 4, 1, 1,
     .layers = {DENSE(6), ACT(TANH), DENSE(5), ACT(TANH), DENSE(3)}},
    {"softplus", ABSA_REFNET_SQUARED, 4, 1, 1, .layers = {DENSE(6), ACT(SOFTPLUS), DENSE(2)}},
    {"gelu", ABSA_REFNET_LOGISTIC, 4, 1, 1,
     .layers = {DENSE(6), ACT(GELU), DENSE(5), ACT(GELU), DENSE(1)}},
    {"relu", ABSA_REFNET_SOFTMAX, 4, 1, 1,
     .layers = {DENSE(7), ACT(RELU), DENSE(5), ACT(RELU), DENSE(3)}},
    {"an activation at each end", ABSA_REFNET_SQUARED, 4, 1, 1,
     .layers = {ACT(TANH), DENSE(3), ACT(TANH)}},
    {"activations in a row", ABSA_REFNET_SOFTMAX, 4, 1, 1,
     .layers = {DENSE(5), ACT(TANH), ACT(SOFTPLUS), ACT(GELU), ACT(RELU), DENSE(3)}},
    {"convolution", ABSA_REFNET_SOFTMAX, 2, 5, 4, .layers = {CONV(3, 3), ACT(TANH), DENSE(3)}},
    {"padded convolution with strides", ABSA_REFNET_SOFTMAX, 2, 6, 5,
     .layers = {{.kind = ABSA_REFNET_CONV, .units = 3, .size = 3, .stride = 2, .padding = 1},
                ACT(SOFTPLUS),
                {.kind = ABSA_REFNET_CONV, .units = 2, .size = 5, .stride = 1, .padding = 4},
                ACT(TANH),
                DENSE(3)}},
    {"large strides", ABSA_REFNET_SQUARED, 2, 7, 8,
     .layers = {{.kind = ABSA_REFNET_CONV, .units = 3, .size = 3, .stride = 1, .padding = 2},
                ACT(TANH),
                {.kind = ABSA_REFNET_CONV,
                 .units = 2,
                 .size = 2,
                 .stride = 3,
                 .padding = 1,
                 .no_bias = 1},
                ACT(TANH),
                {.kind = ABSA_REFNET_DENSE, .units = 2, .no_bias = 1}}},
    {"pointwise convolution", ABSA_REFNET_SOFTMAX, 3, 4, 3,
     .layers = {CONV(4, 1),
                ACT(GELU),
                CONV(3, 1),
                ACT(TANH),
                {.kind = ABSA_REFNET_CONV, .units = 3, .size = 1, .stride = 2},
                ACT(TANH),
                DENSE(3)}},
    {"max pool", ABSA_REFNET_SOFTMAX, 2, 6, 7,
     .layers = {CONV(3, 3), ACT(TANH), POOL(MAX, 2), ACT(FLATTEN), DENSE(4), ACT(TANH), DENSE(3)}},
    {"overlapping max pool", ABSA_REFNET_SOFTMAX, 2, 6, 6,
     .layers = {CONV(3, 2),
                {.kind = ABSA_REFNET_MAX_POOL, .size = 3, .stride = 1},
                ACT(TANH),
                {.kind = ABSA_REFNET_MAX_POOL, .size = 2, .stride = 1},
                DENSE(3)}},
    {"average pool", ABSA_REFNET_SOFTMAX, 2, 7, 6,
     .layers = {CONV(3, 2),
                ACT(TANH),
                POOL(AVERAGE, 2),
                ACT(SOFTPLUS),
                {.kind = ABSA_REFNET_AVERAGE_POOL, .size = 2, .stride = 1},
                DENSE(3)}},
    {"pools of the input", ABSA_REFNET_SQUARED, 2, 4, 4,
     .layers = {POOL(MAX, 2), POOL(AVERAGE, 2), ACT(FLATTEN), DENSE(3), ACT(TANH), DENSE(2)}},
    {"global pool", ABSA_REFNET_SOFTMAX, 2, 5, 5,
     .layers = {CONV(4, 3), ACT(TANH), ACT(GLOBAL_POOL), DENSE(3)}},
    {"residual block", ABSA_REFNET_SOFTMAX, 2, 5, 5,
     .layers = {CONV(3, 3),
                ACT(TANH),
                {.kind = ABSA_REFNET_CONV, .units = 3, .size = 3, .padding = 1},
                ACT(RELU),
                {.kind = ABSA_REFNET_CONV, .units = 3, .size = 3, .padding = 1},
                {.kind = ABSA_REFNET_ADD, .other = 2},
                ACT(RELU),
                ACT(GLOBAL_POOL),
                DENSE(3)}},
    {"projected shortcut", ABSA_REFNET_SOFTMAX, 2, 5, 6,
     .layers =
         {CONV(3, 2),
          ACT(RELU),
          {.kind = ABSA_REFNET_CONV, .units = 4, .size = 1, .stride = 2},
          {.kind = ABSA_REFNET_CONV, .units = 4, .size = 3, .stride = 2, .padding = 1, .source = 2},
          ACT(SOFTPLUS),
          {.kind = ABSA_REFNET_CONV, .units = 4, .size = 3, .padding = 1},
          {.kind = ABSA_REFNET_ADD, .other = 3},
          ACT(TANH),
          DENSE(3)}},
    {"shortcuts around everything", ABSA_REFNET_SQUARED, 4, 1, 1,
     .layers = {DENSE(4),
                ACT(TANH),
                {.kind = ABSA_REFNET_ADD, .other = -1},
                ACT(GELU),
                {.kind = ABSA_REFNET_ADD, .other = 3},
                {.kind = ABSA_REFNET_SOFTPLUS, .source = 1},
                {.kind = ABSA_REFNET_ADD, .source = 5, .other = 6},
                ACT(TANH),
                {.kind = ABSA_REFNET_AVERAGE_POOL, .size = 1},
                {.kind = ABSA_REFNET_ADD, .source = -1, .other = 9},
                {.kind = ABSA_REFNET_GLOBAL_POOL},
                DENSE(2)}},
    {"batch norm of vectors", ABSA_REFNET_SOFTMAX, 4, 1, 1,
     .layers = {DENSE(6), ACT(BATCH_NORM), ACT(TANH), DENSE(3)}, .ghost_rows = 3,
     .mode = ABSA_REFNET_TRAIN},
    {"batch norm of images", ABSA_REFNET_SOFTMAX, 2, 5, 4,
     .layers = {ACT(BATCH_NORM), CONV(3, 3), ACT(BATCH_NORM), ACT(RELU), CONV(3, 1),
                ACT(BATCH_NORM), ACT(SOFTPLUS), DENSE(3)},
     .ghost_rows = 2, .mode = ABSA_REFNET_TRAIN},
    {"batch norm over all rows", ABSA_REFNET_SQUARED, 2, 4, 4,
     .layers = {CONV(3, 2), ACT(BATCH_NORM), ACT(GELU), ACT(GLOBAL_POOL), DENSE(2)},
     .ghost_rows = ROWS, .mode = ABSA_REFNET_TRAIN},
    {"running batch norm", ABSA_REFNET_SOFTMAX, 2, 5, 4,
     .layers = {ACT(BATCH_NORM), CONV(3, 3), ACT(BATCH_NORM), ACT(TANH), DENSE(3)}, .ghost_rows = 2,
     .mode = ABSA_REFNET_EVALUATE},
    {"normalised residual block", ABSA_REFNET_SOFTMAX, 2, 5, 6,
     .layers = {CONV(3, 3),
                ACT(BATCH_NORM),
                ACT(RELU),
                {.kind = ABSA_REFNET_CONV, .units = 4, .size = 1, .stride = 2, .no_bias = 1},
                ACT(BATCH_NORM),
                {.kind = ABSA_REFNET_CONV,
                 .units = 4,
                 .size = 3,
                 .stride = 2,
                 .padding = 1,
                 .source = 3,
                 .no_bias = 1},
                ACT(BATCH_NORM),
                {.kind = ABSA_REFNET_ADD, .other = 5},
                ACT(RELU),
                ACT(GLOBAL_POOL),
                DENSE(3)},
     .ghost_rows = 2, .mode = ABSA_REFNET_TRAIN},
    /* Backward, the convolution comes first each time, and what it left must be added to. */
    {"pools and normalisation beside convolutions", ABSA_REFNET_SOFTMAX, 2, 6, 6,
     .layers = {CONV(3, 3),
                ACT(TANH),
                POOL(MAX, 2),
                {.kind = ABSA_REFNET_CONV, .units = 3, .size = 2, .stride = 2, .source = 2},
                {.kind = ABSA_REFNET_ADD, .other = 3},
                ACT(BATCH_NORM),
                {.kind = ABSA_REFNET_CONV, .units = 3, .size = 1, .source = 5},
                {.kind = ABSA_REFNET_ADD, .other = 6},
                ACT(GLOBAL_POOL),
                {.kind = ABSA_REFNET_CONV, .units = 3, .size = 2, .source = 8},
                {.kind = ABSA_REFNET_ADD, .other = 9},
                DENSE(3)},
     .ghost_rows = 2, .mode = ABSA_REFNET_TRAIN},
};

enum { NETWORK_COUNT = sizeof NETWORKS / sizeof *NETWORKS };

/* A network of doubles at a point, with a batch of ROWS rows. */
typedef struct point {
    absa_context *ctx;
    absa_refnet *net;
    int64_t n;
    double *theta, *x;
    int32_t labels[ROWS];
    double targets[ROWS * 8];
    double *statistics; /* the running ones */
    const void *y;
} point;

static inline double *vector_of(int64_t n, uint64_t seed)
{
    double *v = malloc((size_t)n * sizeof *v);
    absa_random_gaussian_f64(seed, 7, 0, n, v);
    return v;
}

static inline void point_options(const network_case *c, absa_refnet_options *o)
{
    absa_refnet_options_init(o, sizeof *o);
    o->element = ABSA_ELEMENT_F64;
    o->loss = c->loss;
    o->channels = c->channels;
    o->height = c->height;
    o->width = c->width;
    o->layers = c->layers;
    o->ghost_rows = c->ghost_rows;
    while (o->layer_count < MAX_TEST_LAYERS && c->layers[o->layer_count].kind != 0)
        o->layer_count++;
}

/* Opens a point of the network that o describes, in the mode of c, which may be NULL; its data
 * depend on the shapes only. */
static inline void point_open(point *p, const network_case *c, const absa_refnet_options *o)
{
    cr_assert_eq(absa_context_create(NULL, &p->ctx), ABSA_OK);
    cr_assert_eq(absa_refnet_create(p->ctx, o, &p->net), ABSA_OK, "%s",
                 absa_context_message(p->ctx));
    p->n = absa_refnet_parameter_count(p->net);
    p->theta = vector_of(p->n, 1);
    p->x = vector_of(ROWS * absa_refnet_input_count(p->net), 2);
    const int64_t outputs = absa_refnet_output_count(p->net);
    const int64_t classes = o->loss == ABSA_REFNET_LOGISTIC ? 2 : outputs;
    for (int64_t i = 0; i < p->n; i++)
        p->theta[i] *= 0.4;
    for (int32_t i = 0; i < ROWS; i++)
        p->labels[i] = i % (int32_t)classes;
    absa_random_gaussian_f64(3, 7, 0, ROWS * 8, p->targets);
    const int64_t count = absa_refnet_statistic_count(p->net);
    p->statistics = calloc((size_t)count + 1, sizeof *p->statistics);
    for (int64_t i = 0; i < count; i++)
        p->statistics[i] = i % 2 ? 0.5 + 0.1 * (double)i : 0.3 - 0.05 * (double)i;
    cr_assert_eq(absa_refnet_write_statistics(p->net, p->statistics), ABSA_OK);
    cr_assert_eq(absa_refnet_set_mode(p->net, c ? c->mode : ABSA_REFNET_TRAIN), ABSA_OK);
    p->y = o->loss == ABSA_REFNET_SQUARED ? (const void *)p->targets : (const void *)p->labels;
}

static inline void point_close(point *p)
{
    free(p->theta);
    free(p->x);
    free(p->statistics);
    absa_refnet_destroy(&p->net);
    absa_context_destroy(&p->ctx);
}

static inline double norm_of(int64_t n, const double *x)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += x[i] * x[i];
    return sqrt(sum);
}

static inline double dot_of(int64_t n, const double *x, const double *y)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += x[i] * y[i];
    return sum;
}

/* |x - y| / |y|, or |x| when y is zero. */
static inline double distance(int64_t n, const double *x, const double *y)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (x[i] - y[i]) * (x[i] - y[i]);
    const double size = norm_of(n, y);
    return size > 0 ? sqrt(sum) / size : norm_of(n, x);
}

/* out = theta + h v */
static inline void step_to(int64_t n, const double *theta, double h, const double *v, double *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = theta[i] + h * v[i];
}

#endif
