/* Several probe batches of a network that has learnt a little: what their means say of one batch
 * and of all of them, with exact products and with differences of gradients. */
#include "networks.h"

#include <absa/refdata.h>
#include <absa/sampling.h>

enum { EDGE = 12, INPUTS = EDGE * EDGE, BATCHES = 8, ROWS_IN_ALL = 640 };

/* Batches of unequal sizes. */
static const int64_t sizes[BATCHES] = {40, 120, 80, 80, 60, 100, 90, 70};

typedef struct setting setting;

typedef struct batch {
    setting *s;
    const float *x;
    const int32_t *labels;
    int64_t rows;
} batch;

struct setting {
    absa_context *ctx;
    absa_dataset *data;
    absa_refnet *net;
    absa_space space;
    float *theta, *v, *work;
    int64_t n;
    batch part[BATCHES], whole;
    double weights[BATCHES];
    absa_operator *op[BATCHES], *sum, *all;
    absa_eigen *eigen;
};

static int hvp(void *user, const void *v, void *hv, int64_t *samples)
{
    const batch *b = user;
    const int code =
        absa_refnet_probe(b->s->net, b->s->theta, b->x, b->labels, b->rows, NULL) ? 1 : 0;
    return code ? code : absa_refnet_hvp_callback(b->s->net, v, hv, samples);
}

static int gradient(void *user, const void *theta, void *g, int64_t *samples)
{
    const batch *b = user;
    *samples = b->rows;
    return absa_refnet_gradient(b->s->net, theta, b->x, b->labels, b->rows, g, NULL);
}

/* A tanh network after a hundred steps of gradient descent on glyphs. */
static void open_network(setting *s)
{
    const absa_refnet_layer layers[] = {DENSE(16), ACT(TANH), DENSE(10)};
    absa_glyphs_options g;
    absa_dataset_view view;
    absa_refnet_options o;
    absa_glyphs_options_init(&g, sizeof g);
    g.rows = ROWS_IN_ALL;
    g.size = EDGE;
    absa_dataset_view_init(&view, sizeof view);
    cr_assert_eq(absa_context_create(NULL, &s->ctx), ABSA_OK);
    cr_assert_eq(absa_dataset_glyphs(s->ctx, &g, &s->data), ABSA_OK);
    cr_assert_eq(absa_dataset_view_get(s->data, &view), ABSA_OK);
    absa_refnet_options_init(&o, sizeof o);
    o.layers = layers;
    o.layer_count = 3;
    o.channels = INPUTS;
    o.height = o.width = 1;
    o.probe_rows = ROWS_IN_ALL;
    cr_assert_eq(absa_refnet_create(s->ctx, &o, &s->net), ABSA_OK, "%s",
                 absa_context_message(s->ctx));
    s->n = absa_refnet_parameter_count(s->net);
    absa_refnet_space(s->net, &s->space, sizeof s->space);
    const size_t bytes = (size_t)s->n * sizeof(float);
    s->theta = malloc(bytes);
    s->v = malloc(bytes);
    s->work = malloc(bytes);
    s->whole = (batch){s, view.x, view.labels, ROWS_IN_ALL};
    int64_t first = 0;
    for (int k = 0; k < BATCHES; k++) {
        s->part[k] = (batch){s, view.x + first * INPUTS, view.labels + first, sizes[k]};
        s->weights[k] = (double)sizes[k];
        first += sizes[k];
    }
    cr_assert_eq(first, ROWS_IN_ALL);
    cr_assert_eq(absa_refnet_init_parameters(s->net, 1, s->theta), ABSA_OK);
    for (int step = 0; step < 100; step++) {
        int64_t samples;
        cr_assert_eq(gradient(&s->whole, s->theta, s->work, &samples), 0);
        for (int64_t i = 0; i < s->n; i++)
            s->theta[i] -= 0.1F * s->work[i];
    }
}

static absa_operator *operator_of(setting *s, batch *b, int differences)
{
    absa_operator *op = NULL;
    const absa_status status =
        differences
            ? absa_operator_from_gradient(s->ctx, &s->space, s->theta, gradient, b, NULL, NULL, &op)
            : absa_operator_from_hvp(s->ctx, &s->space, hvp, b, NULL, &op);
    cr_assert_eq(status, ABSA_OK);
    return op;
}

static void open_operators(setting *s, int differences)
{
    absa_eigen_options o;
    for (int k = 0; k < BATCHES; k++)
        s->op[k] = operator_of(s, &s->part[k], differences);
    s->all = operator_of(s, &s->whole, differences);
    cr_assert_eq(absa_operator_sum(s->ctx, BATCHES, s->op, s->weights, &s->sum), ABSA_OK);
    absa_eigen_options_init(&o, sizeof o);
    o.rule = ABSA_RULE_CERTIFIED;
    o.memory = ABSA_MEMORY_BASIS;
    o.tolerance = 1e-3;
    o.max_products = 40;
    cr_assert_eq(absa_eigen_create(s->ctx, &s->space, &o, &s->eigen), ABSA_OK);
}

static void close_operators(setting *s)
{
    absa_eigen_destroy(&s->eigen);
    absa_operator_destroy(&s->sum);
    absa_operator_destroy(&s->all);
    for (int k = 0; k < BATCHES; k++)
        absa_operator_destroy(&s->op[k]);
}

static void close_network(setting *s)
{
    free(s->theta);
    free(s->v);
    free(s->work);
    absa_refnet_destroy(&s->net);
    absa_dataset_destroy(&s->data);
    absa_context_destroy(&s->ctx);
}

typedef struct answers {
    absa_eigen_result sum, all, runs[BATCHES], mean;
    absa_sampling_result of_runs, of_quotients;
    double quotients[BATCHES];
} answers;

static void ask(setting *s, answers *a)
{
    absa_eigen_result_init(&a->sum, sizeof a->sum);
    absa_eigen_result_init(&a->all, sizeof a->all);
    absa_eigen_result_init(&a->mean, sizeof a->mean);
    absa_eigen_result_init(&a->runs[0], sizeof a->runs[0]);
    absa_sampling_result_init(&a->of_runs, sizeof a->of_runs);
    absa_sampling_result_init(&a->of_quotients, sizeof a->of_quotients);
    cr_assert_eq(absa_eigen_run(s->eigen, s->all, NULL, &a->all), ABSA_OK);
    cr_assert_eq(absa_eigen_run(s->eigen, s->sum, NULL, &a->sum), ABSA_OK, "%s",
                 absa_context_message(s->ctx));
    cr_assert_eq(absa_eigen_vector(s->eigen, s->v), ABSA_OK);
    cr_assert_eq(absa_sampling_quotients(s->eigen, BATCHES, s->op, s->weights, s->v, s->work, NULL,
                                         &a->sum, a->quotients, &a->of_quotients),
                 ABSA_OK);
    cr_assert_eq(absa_sampling_run(s->eigen, BATCHES, s->op, s->weights, NULL, a->runs, &a->mean,
                                   &a->of_runs),
                 ABSA_OK);
}

/* Single precision: a product sums 640 rows of 10 outputs behind 144 inputs, and differs by about
 * the square root of so many roundings, a few 1e-6 of the largest eigenvalue. */
static const double rounding = 2e-5;

Test(refnet_sampling, batches_of_a_network_agree_with_its_whole_data)
{
    static setting s;
    static answers a;
    open_network(&s);
    open_operators(&s, 0);
    ask(&s, &a);
    const double lambda = a.all.value;
    cr_assert(a.all.converged && a.sum.converged && a.mean.converged && !a.mean.heuristic);
    cr_assert_gt(lambda, 0.0);
    /* The mean loss is the mean of the batches', weighted by rows; so is its Hessian. Both values
     * are certified to 1e-3 from below. */
    cr_assert_float_eq(a.sum.value, lambda, 1e-3 * lambda);
    cr_assert_float_eq(a.of_quotients.mean, a.sum.value, rounding * lambda, "%.8g, %.8g",
                       a.of_quotients.mean, a.sum.value);
    /* No eigenvalue of a batch is below its quotient along any vector, but for what the run has not
     * found of it. */
    for (int k = 0; k < BATCHES; k++)
        cr_assert_leq(a.quotients[k], a.runs[k].upper * (1.0 + rounding));
    cr_assert_geq(a.mean.upper, a.of_quotients.mean);
    cr_assert_gt(a.of_runs.mean, a.sum.value, "the largest eigenvalue is convex");
    /* Batches of 40 to 120 images differ by more than the solver's tolerance: what this is for. */
    cr_assert_gt(a.of_quotients.standard_error, 2e-3 * lambda);
    cr_assert(a.of_quotients.lower < lambda && lambda < a.of_quotients.upper);
    close_operators(&s);
    close_network(&s);
}

Test(refnet_sampling, differences_of_gradients_give_the_same_figures)
{
    static setting s;
    static answers exact, near;
    open_network(&s);
    const size_t bytes = (size_t)s.n * sizeof(float);
    float *before = malloc(bytes);
    memcpy(before, s.theta, bytes);
    open_operators(&s, 0);
    ask(&s, &exact);
    close_operators(&s);
    open_operators(&s, 1);
    ask(&s, &near);
    close_operators(&s);
    cr_assert_eq(memcmp(before, s.theta, bytes), 0, "theta is as it was");
    cr_assert(near.mean.heuristic && near.sum.heuristic);
    /* A central difference misses a smooth network's product by h^2 / 6 = 4e-5 of the third
     * derivative along v, h being 2.5e-3 |theta| = 0.015; of a unit vector's product that is a part
     * of the order of ten times as much. */
    const double error = 1e-3 * exact.all.value;
    for (int k = 0; k < BATCHES; k++)
        cr_assert_float_eq(near.quotients[k], exact.quotients[k], error, "%d: %g, %g", k,
                           near.quotients[k], exact.quotients[k]);
    cr_assert_float_eq(near.of_quotients.standard_error, exact.of_quotients.standard_error, error);
    cr_assert_float_eq(near.of_runs.mean, exact.of_runs.mean, 2.0 * error);
    cr_assert_leq(near.of_runs.lower, exact.of_runs.lower + error, "bounds are widened");
    free(before);
    close_network(&s);
}
