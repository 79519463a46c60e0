/* The reference network as a host that has gradients only: how near differences come to its exact
 * products, smooth and over kinks. */
#include "networks.h"

#include <absa/eigen.h>

enum { PROBE = 64, INPUTS = 20 };

typedef struct host {
    absa_refnet *net;
    float x[PROBE * INPUTS];
    int32_t labels[PROBE];
} host;

static int gradient(void *user, const void *theta, void *g, int64_t *samples)
{
    const host *h = user;
    *samples = PROBE;
    return absa_refnet_gradient(h->net, theta, h->x, h->labels, PROBE, g, NULL);
}

/* A network of two hidden layers at random weights, and its exact top eigenvalue. */
typedef struct setting {
    absa_context *ctx;
    host h;
    absa_space space;
    float *theta, *before;
    int64_t n;
    double exact;
} setting;

static absa_eigen_result top(setting *s, absa_operator *op)
{
    absa_eigen_options o;
    absa_eigen *e;
    absa_eigen_result r;
    absa_eigen_options_init(&o, sizeof o);
    absa_eigen_result_init(&r, sizeof r);
    o.rule = ABSA_RULE_CERTIFIED;
    o.max_products = 60;
    cr_assert_eq(absa_eigen_create(s->ctx, &s->space, &o, &e), ABSA_OK);
    cr_assert_eq(absa_eigen_run(e, op, NULL, &r), ABSA_OK, "%s", absa_context_message(s->ctx));
    absa_eigen_destroy(&e);
    return r;
}

static void open_setting(setting *s, int32_t kind)
{
    const absa_refnet_layer layers[] = {
        DENSE(24), {.kind = kind}, DENSE(16), {.kind = kind}, DENSE(5)};
    absa_refnet_options o;
    absa_operator *op;
    absa_context_create(NULL, &s->ctx);
    absa_refnet_options_init(&o, sizeof o);
    o.layers = layers;
    o.layer_count = 5;
    o.channels = INPUTS;
    o.height = o.width = 1;
    o.probe_rows = PROBE;
    cr_assert_eq(absa_refnet_create(s->ctx, &o, &s->h.net), ABSA_OK, "%s",
                 absa_context_message(s->ctx));
    s->n = absa_refnet_parameter_count(s->h.net);
    absa_refnet_space(s->h.net, &s->space, sizeof s->space);
    s->theta = malloc((size_t)s->n * sizeof(float));
    s->before = malloc((size_t)s->n * sizeof(float));
    absa_random_gaussian_f32(3, 0, 0, PROBE * INPUTS, s->h.x);
    for (int i = 0; i < PROBE; i++)
        s->h.labels[i] = i % 5;
    cr_assert_eq(absa_refnet_init_parameters(s->h.net, 1, s->theta), ABSA_OK);
    memcpy(s->before, s->theta, (size_t)s->n * sizeof(float));
    cr_assert_eq(absa_refnet_probe(s->h.net, s->theta, s->h.x, s->h.labels, PROBE, NULL), ABSA_OK);
    cr_assert_eq(
        absa_operator_from_hvp(s->ctx, &s->space, absa_refnet_hvp_callback, s->h.net, NULL, &op),
        ABSA_OK);
    const absa_eigen_result r = top(s, op);
    cr_assert(r.converged && !r.heuristic);
    s->exact = r.value;
    absa_operator_destroy(&op);
}

static absa_eigen_result by_differences(setting *s, double step)
{
    absa_difference_options d;
    absa_operator *op;
    absa_difference_options_init(&d, sizeof d);
    if (step > 0.0)
        d.step = step;
    cr_assert_eq(
        absa_operator_from_gradient(s->ctx, &s->space, s->theta, gradient, &s->h, &d, NULL, &op),
        ABSA_OK);
    const absa_eigen_result r = top(s, op);
    cr_assert_eq(memcmp(s->theta, s->before, (size_t)s->n * sizeof(float)), 0);
    absa_operator_destroy(&op);
    return r;
}

static void close_setting(setting *s)
{
    free(s->theta);
    free(s->before);
    absa_refnet_destroy(&s->h.net);
    absa_context_destroy(&s->ctx);
}

/* The interval is as wide as half the step changes the value; the truth is a third of that change
 * away in a smooth network, whose differences miss by the square of the step. */
Test(differences, a_smooth_network_gives_the_exact_value_within_its_interval)
{
    setting s;
    open_setting(&s, ABSA_REFNET_TANH);
    const absa_eigen_result r = by_differences(&s, 0.0);
    cr_assert(r.heuristic && r.consistent && r.converged);
    cr_assert_float_eq(r.value, s.exact, 1e-3 * s.exact, "%g, exact %g", r.value, s.exact);
    cr_assert(r.lower <= s.exact && s.exact <= r.upper, "[%g, %g], exact %g", r.lower, r.upper,
              s.exact);
    close_setting(&s);
}

/* Over kinks a small step meets few of them and an error as large as rounding; what matters is that
 * the result says so: void, or an interval that the truth is in. */
Test(differences, kinks_never_pass_for_knowledge)
{
    setting s;
    open_setting(&s, ABSA_REFNET_RELU);
    for (double step = 1e-5; step < 0.3; step *= 4.0) {
        const absa_eigen_result r = by_differences(&s, step);
        cr_assert(r.heuristic);
        cr_assert(!r.consistent || (r.lower <= s.exact && s.exact <= r.upper),
                  "step %g: [%g, %g], exact %g", step, r.lower, r.upper, s.exact);
    }
    close_setting(&s);
}
