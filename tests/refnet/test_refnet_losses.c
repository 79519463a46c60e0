/* Losses and their derivatives where outputs are large, or a row is as good as settled: what is
 * left of it keeps its digits. The outputs are the weights themselves, of one input that is 1. */
#include "refnet/networks.h"

Test(refnet_losses, losses_of_extreme_outputs_are_exact)
{
    absa_refnet_options o;
    point p;
    const int32_t right = 1, wrong = 0;
    const double theta[] = {800, 0}, x[] = {1, 0, 0, 0, 0};
    const double infinite[] = {HUGE_VAL, 0, 0, 0};
    double loss;
    absa_refnet_layer layer = DENSE(1);
    point_options(&NETWORKS[1], &o);
    o.channels = 1;
    o.layers = &layer;
    point_open(&p, NULL, &o);
    cr_assert_eq(absa_refnet_loss(p.net, theta, x, &right, 1, &loss), ABSA_OK);
    cr_assert_eq(loss, 0.0);
    cr_assert_eq(absa_refnet_loss(p.net, theta, x, &wrong, 1, &loss), ABSA_OK);
    cr_assert_eq(loss, 800.0);
    cr_assert_eq(absa_refnet_loss(p.net, infinite, x, &right, 1, &loss), ABSA_E_NONFINITE);
    cr_assert_eq(absa_refnet_loss(p.net, infinite, x, &wrong, 1, &loss), ABSA_E_NONFINITE);
    point_close(&p);
    o.loss = ABSA_REFNET_SOFTMAX;
    layer.units = 2;
    point_open(&p, NULL, &o);
    const double two[] = {800, -800, 0, 0};
    cr_assert_eq(absa_refnet_loss(p.net, two, x, &right, 1, &loss), ABSA_OK);
    cr_assert_eq(loss, 1600.0);
    cr_assert_eq(absa_refnet_loss(p.net, infinite, x, &right, 1, &loss), ABSA_E_NONFINITE);
    cr_assert_eq(absa_refnet_loss(p.net, infinite, x, &wrong, 1, &loss), ABSA_E_NONFINITE);
    point_close(&p);
}

/* Outputs of a hundred million that are one apart: their loss and its derivatives hang on the
 * distance alone, and a double holds that exactly. */
Test(refnet_losses, losses_of_large_outputs_keep_their_digits)
{
    const network_case c = {"dense", ABSA_REFNET_SOFTMAX, 1, 1, 1, .layers = {DENSE(2)}};
    const double theta[] = {1e8 + 1, 1e8, 0, 0}, x[] = {1};
    absa_refnet_options o;
    point p;
    double loss, g[4];
    point_options(&c, &o);
    point_open(&p, NULL, &o);
    cr_assert_eq(absa_refnet_gradient(p.net, theta, x, p.labels, 1, g, &loss), ABSA_OK);
    cr_assert_float_eq(loss, log1p(exp(-1)), 1e-15);
    cr_assert_float_eq(g[0], -1 / (1 + exp(1)), 1e-15);
    cr_assert_float_eq(g[1], 1 / (1 + exp(1)), 1e-15);
    point_close(&p);
}

static int has_digits(double a, double b)
{
    return fabs(a - b) <= 1e-14 * fabs(b);
}

/* A dense layer's gradient and product by output; the biases have no part in it. */
typedef struct answers {
    double loss, gradient[3], product[3];
} answers;

static answers ask(int32_t loss, int32_t element, int32_t outputs, const double *z, const double *v,
                   int32_t label)
{
    const absa_refnet_layer layer = {.kind = ABSA_REFNET_DENSE, .units = outputs, .no_bias = 1};
    answers a = {0};
    absa_refnet_options o;
    absa_context *ctx;
    absa_refnet *net;
    absa_context_create(NULL, &ctx);
    absa_refnet_options_init(&o, sizeof o);
    o.loss = loss;
    o.element = element;
    o.layers = &layer;
    o.layer_count = 1;
    cr_assert_eq(absa_refnet_create(ctx, &o, &net), ABSA_OK, "%s", absa_context_message(ctx));
    float zf[3], vf[3], gf[3], hf[3];
    const float one_f = 1;
    const double one = 1;
    for (int i = 0; i < outputs; i++) {
        zf[i] = (float)z[i];
        vf[i] = (float)v[i];
    }
    const int single = element == ABSA_ELEMENT_F32;
    const void *theta = single ? (void *)zf : z, *x = single ? (void *)&one_f : &one;
    cr_assert_eq(
        absa_refnet_gradient(net, theta, x, &label, 1, single ? (void *)gf : a.gradient, &a.loss),
        ABSA_OK);
    cr_assert_eq(absa_refnet_probe(net, theta, x, &label, 1, NULL), ABSA_OK);
    cr_assert_eq(
        absa_refnet_hvp(net, single ? (const void *)vf : v, single ? (void *)hf : a.product),
        ABSA_OK);
    for (int i = 0; i < outputs && single; i++) {
        a.gradient[i] = (double)gf[i];
        a.product[i] = (double)hf[i];
    }
    absa_refnet_destroy(&net);
    absa_context_destroy(&ctx);
    return a;
}

/* Of outputs 40, 1, 0, exp(-39) and exp(-40) are all that the first leaves to the others. */
Test(refnet_losses, a_settled_softmax_keeps_the_digits_of_what_is_left)
{
    const double z[] = {40, 1, 0}, v[] = {1000, 1001, 1003};
    const double p = exp(-39), q = exp(-40);
    /* To first order in them, which is exact here: products of them are 1e-17 of one. */
    const double gradient[] = {-(p + q), p, q}, product[] = {-(p + 3 * q), p, 3 * q};
    const answers a = ask(ABSA_REFNET_SOFTMAX, ABSA_ELEMENT_F64, 3, z, v, 0);
    const answers f = ask(ABSA_REFNET_SOFTMAX, ABSA_ELEMENT_F32, 3, z, v, 0);
    cr_assert(has_digits(a.loss, p + q), "%g", a.loss - p - q);
    cr_assert(has_digits(f.loss, p + q));
    for (int i = 0; i < 3; i++) {
        cr_assert(has_digits(a.gradient[i], gradient[i]), "%d: %g", i, a.gradient[i]);
        cr_assert(has_digits(a.product[i], product[i]), "%d: %g", i, a.product[i]);
        cr_assert_float_eq(f.gradient[i], gradient[i], 1e-6 * fabs(gradient[i]), "%d", i);
        cr_assert_float_eq(f.product[i], product[i], 1e-6 * fabs(product[i]), "%d", i);
    }
    /* The wrong label: the largest output has all of the gradient. */
    const answers w = ask(ABSA_REFNET_SOFTMAX, ABSA_ELEMENT_F64, 3, z, v, 2);
    cr_assert_eq(w.loss, 40.0);
    cr_assert_eq(w.gradient[0], 1.0);
    cr_assert_eq(w.gradient[2], -1.0);
}

Test(refnet_losses, a_settled_logistic_output_keeps_the_digits_of_what_is_left)
{
    const double v[] = {2}, q = exp(-40);
    for (int32_t label = 0; label <= 1; label++) {
        const double z[] = {label ? 40.0 : -40.0};
        const answers a = ask(ABSA_REFNET_LOGISTIC, ABSA_ELEMENT_F64, 1, z, v, label);
        const answers f = ask(ABSA_REFNET_LOGISTIC, ABSA_ELEMENT_F32, 1, z, v, label);
        cr_assert(has_digits(a.loss, q), "%g", a.loss);
        cr_assert(has_digits(a.gradient[0], label ? -q : q), "%g", a.gradient[0]);
        cr_assert(has_digits(a.product[0], 2 * q), "%g", a.product[0]);
        cr_assert_float_eq(f.gradient[0], label ? -q : q, 1e-6 * q);
        cr_assert_float_eq(f.product[0], 2 * q, 1e-6 * q);
    }
}
