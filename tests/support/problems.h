/* Hessians of small networks in training: the operators that the estimator is for. A problem is a
 * network of the reference library on glyph images after some epochs, with a fixed probe batch.
 * Header only, because the library is optional; shared by tests and benchmarks, so a failure ends
 * the program. */
#ifndef ABSA_TEST_PROBLEMS_H
#define ABSA_TEST_PROBLEMS_H

#include <absa/eigen.h>
#include <absa/random.h>
#include <absa/refdata.h>
#include <absa/refnet.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct recipe {
    const char *name;      /* "mlp", "lenet", or a word for layers */
    int32_t activation;    /* of a named network */
    const int64_t *hidden; /* "mlp": two widths; NULL: the default */
    const absa_refnet_layer *layers;
    int64_t layer_count;
    int64_t size; /* pixels along an edge of the glyphs */
    int64_t rows; /* training rows */
    int64_t probe_rows;
    double lr;
} recipe;

typedef struct problem {
    const recipe *recipe;
    absa_context *ctx;
    absa_dataset *data;
    absa_dataset_view view;
    absa_refnet *train; /* single precision */
    absa_refnet *exact; /* double precision, for the truth */
    int64_t n, epoch;
    float *theta, *velocity, *gradient;
    double *exact_theta, *exact_x;
} problem;

static inline void problem_check(const problem *p, absa_status status)
{
    if (!status)
        return;
    fprintf(stderr, "%s: %s\n", p->recipe->name, absa_context_message(p->ctx));
    exit(1);
}

static inline void *problem_array(int64_t count, size_t size)
{
    void *out = calloc((size_t)count, size);
    if (!out)
        exit(1);
    return out;
}

static inline absa_refnet *problem_network(problem *p, int32_t element)
{
    const recipe *r = p->recipe;
    absa_refnet *net;
    absa_refnet_options o;
    absa_refnet_options_init(&o, sizeof o);
    o.name = r->layers ? NULL : r->name;
    o.layers = r->layers;
    o.layer_count = r->layer_count;
    o.hidden = r->hidden;
    o.hidden_count = r->hidden ? 2 : 0;
    o.channels = 1;
    o.height = o.width = r->size;
    o.outputs = r->layers ? 0 : 10;
    if (!r->layers)
        o.activation = r->activation;
    o.element = element;
    o.probe_rows = r->probe_rows;
    problem_check(p, absa_refnet_create(p->ctx, &o, &net));
    return net;
}

/* The network at epoch 0. */
static inline void problem_open(problem *p, const recipe *r)
{
    memset(p, 0, sizeof *p);
    p->recipe = r;
    problem_check(p, absa_context_create(NULL, &p->ctx));
    absa_glyphs_options o;
    absa_glyphs_options_init(&o, sizeof o);
    o.rows = r->rows;
    o.size = r->size;
    problem_check(p, absa_dataset_glyphs(p->ctx, &o, &p->data));
    absa_dataset_view_init(&p->view, sizeof p->view);
    absa_dataset_view_get(p->data, &p->view);
    p->train = problem_network(p, ABSA_ELEMENT_F32);
    p->exact = problem_network(p, ABSA_ELEMENT_F64);
    p->n = absa_refnet_parameter_count(p->train);
    p->theta = problem_array(p->n, sizeof(float));
    p->velocity = problem_array(p->n, sizeof(float));
    p->gradient = problem_array(p->n, sizeof(float));
    p->exact_theta = problem_array(p->n, sizeof(double));
    p->exact_x = problem_array(r->probe_rows * p->view.features, sizeof(double));
    problem_check(p, absa_refnet_init_parameters(p->train, 1, p->theta));
}

static inline void problem_close(problem *p)
{
    free(p->theta);
    free(p->velocity);
    free(p->gradient);
    free(p->exact_theta);
    free(p->exact_x);
    absa_refnet_destroy(&p->train);
    absa_refnet_destroy(&p->exact);
    absa_dataset_destroy(&p->data);
    absa_context_destroy(&p->ctx);
}

/* Trains on to the end of that epoch: batches of 32 in the rows' order, momentum 0.9. The labels
 * follow one another in turn, so every batch has all of them. */
static inline void problem_train(problem *p, int64_t epoch)
{
    for (; p->epoch < epoch; p->epoch++)
        for (int64_t first = 0; first + 32 <= p->view.rows; first += 32) {
            problem_check(p, absa_refnet_gradient(p->train, p->theta,
                                                  p->view.x + first * p->view.features,
                                                  p->view.labels + first, 32, p->gradient, NULL));
            for (int64_t i = 0; i < p->n; i++) {
                p->velocity[i] = 0.9f * p->velocity[i] + p->gradient[i];
                p->theta[i] -= (float)p->recipe->lr * p->velocity[i];
            }
        }
}

/* Fixes the probe, the first rows, in both networks: absa_refnet_hvp_callback() with p->train or
 * p->exact is the Hessian here. */
static inline void problem_probe(problem *p)
{
    const int64_t rows = p->recipe->probe_rows;
    for (int64_t i = 0; i < p->n; i++)
        p->exact_theta[i] = (double)p->theta[i];
    for (int64_t i = 0; i < rows * p->view.features; i++)
        p->exact_x[i] = (double)p->view.x[i];
    problem_check(p, absa_refnet_probe(p->train, p->theta, p->view.x, p->view.labels, rows, NULL));
    problem_check(
        p, absa_refnet_probe(p->exact, p->exact_theta, p->exact_x, p->view.labels, rows, NULL));
}

/* One run of the estimator on the Hessian of one of the networks at its probe. vector: NULL, or
 * room for the eigenvector, in the network's element type. */
static inline absa_eigen_result problem_estimate(const problem *p, absa_refnet *net,
                                                 const absa_eigen_options *o,
                                                 const absa_eigen_args *args, void *vector)
{
    absa_space space;
    absa_operator *op;
    absa_eigen *e;
    absa_eigen_result r;
    absa_eigen_result_init(&r, sizeof r);
    absa_refnet_space(net, &space, sizeof space);
    problem_check(p,
                  absa_operator_from_hvp(p->ctx, &space, absa_refnet_hvp_callback, net, NULL, &op));
    problem_check(p, absa_eigen_create(p->ctx, &space, o, &e));
    problem_check(p, absa_eigen_run(e, op, args, &r));
    if (vector)
        problem_check(p, absa_eigen_vector(e, vector));
    absa_eigen_destroy(&e);
    absa_operator_destroy(&op);
    return r;
}

/* What problem_follow(), as a run's monitor, finds: the first product after which the value was
 * within 1 % of the truth, which no rule can know. 0: none yet. */
typedef struct problem_trace {
    double truth;
    int products, k_star;
} problem_trace;

static inline int problem_follow(void *user, const absa_eigen_result *now, int32_t *stop)
{
    problem_trace *t = user;
    (void)stop;
    t->products++;
    if (!t->k_star && fabs(now->value - t->truth) <= 0.01 * fabs(t->truth))
        t->k_star = t->products;
    return 0;
}

static inline int problem_ascending(const void *a, const void *b)
{
    const int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

/* The median of the values, which are sorted. */
static inline double problem_median(int *v, int count)
{
    qsort(v, (size_t)count, sizeof *v, problem_ascending);
    return 0.5 * (v[(count - 1) / 2] + v[count / 2]);
}

#endif
