/* First and second derivatives of every kind of layer against central differences, and the laws
 * that Hessians and Gauss-Newton matrices obey, all in double precision.
 *
 * The step is 1e-5: a central difference of a smooth function then errs by h^2 = 1e-10 times its
 * third derivative and by eps / h = 2e-11 times its size, both far below the 1e-7 asked for. The
 * points are far from the kinks of ReLU and max pooling compared with the step: were one crossed,
 * the difference would be off by far more than 1e-7. */
#include "refnet/networks.h"

static const double STEP = 1e-5, TOLERANCE = 1e-7;

/* Runs a check on every network: work in one chunk, with weight decay. */
static void each(void (*check)(const network_case *c, point *p), double weight_decay)
{
    for (int i = 0; i < NETWORK_COUNT; i++) {
        point p;
        absa_refnet_options o;
        point_options(&NETWORKS[i], &o);
        o.weight_decay = weight_decay;
        o.probe_rows = ROWS;
        point_open(&p, &o);
        check(&NETWORKS[i], &p);
        point_close(&p);
    }
}

static double loss_at(point *p, const double *theta, const double *x)
{
    double loss = 0;
    cr_assert_eq(absa_refnet_loss(p->net, theta, x, p->y, ROWS, &loss), ABSA_OK);
    return loss;
}

static void probe(point *p)
{
    cr_assert_eq(absa_refnet_probe(p->net, p->theta, p->x, p->y, ROWS, NULL), ABSA_OK);
}

static void gradient_is_the_difference(const network_case *c, point *p)
{
    double *g = malloc((size_t)p->n * sizeof *g), *d = malloc((size_t)p->n * sizeof *d);
    double loss;
    cr_assert_eq(absa_refnet_gradient(p->net, p->theta, p->x, p->y, ROWS, g, &loss), ABSA_OK);
    cr_assert_eq(loss, loss_at(p, p->theta, p->x));
    for (int64_t i = 0; i < p->n; i++) {
        const double at = p->theta[i];
        p->theta[i] = at + STEP;
        const double above = loss_at(p, p->theta, p->x);
        p->theta[i] = at - STEP;
        d[i] = (above - loss_at(p, p->theta, p->x)) / (2 * STEP);
        p->theta[i] = at;
    }
    cr_assert_lt(distance(p->n, g, d), TOLERANCE, "%s: %g", c->name, distance(p->n, g, d));
    free(g);
    free(d);
}

Test(refnet_derivatives, the_gradient_is_what_differences_of_the_loss_are)
{
    each(gradient_is_the_difference, 0.3);
}

static void input_gradient_is_the_difference(const network_case *c, point *p)
{
    const int64_t inputs = absa_refnet_input_count(p->net), size = ROWS * inputs;
    double *g = malloc((size_t)size * sizeof *g), *d = malloc((size_t)size * sizeof *d), loss;
    cr_assert_eq(absa_refnet_input_gradient(p->net, p->theta, p->x, p->y, ROWS, g, &loss), ABSA_OK);
    cr_assert_eq(loss, loss_at(p, p->theta, p->x));
    for (int64_t i = 0; i < size; i++) {
        const double at = p->x[i];
        p->x[i] = at + STEP;
        const double above = loss_at(p, p->theta, p->x);
        p->x[i] = at - STEP;
        /* The mean's derivative, times the rows: the derivative of the row's own loss. */
        d[i] = ROWS * (above - loss_at(p, p->theta, p->x)) / (2 * STEP);
        p->x[i] = at;
    }
    cr_assert_lt(distance(size, g, d), TOLERANCE, "%s: %g", c->name, distance(size, g, d));
    free(g);
    free(d);
}

Test(refnet_derivatives, the_input_gradient_is_that_of_each_row_alone)
{
    each(input_gradient_is_the_difference, 0.3);
}

static void product_is_the_difference(const network_case *c, point *p)
{
    double *v = vector_of(p->n, 11), *theta = vector_of(p->n, 1), *hv = vector_of(p->n, 1);
    double *above = vector_of(p->n, 1), *below = vector_of(p->n, 1);
    probe(p);
    cr_assert_eq(absa_refnet_hvp(p->net, v, hv), ABSA_OK);
    step_to(p->n, p->theta, STEP, v, theta);
    cr_assert_eq(absa_refnet_gradient(p->net, theta, p->x, p->y, ROWS, above, NULL), ABSA_OK);
    step_to(p->n, p->theta, -STEP, v, theta);
    cr_assert_eq(absa_refnet_gradient(p->net, theta, p->x, p->y, ROWS, below, NULL), ABSA_OK);
    for (int64_t i = 0; i < p->n; i++)
        above[i] = (above[i] - below[i]) / (2 * STEP);
    cr_assert_lt(distance(p->n, hv, above), TOLERANCE, "%s: %g", c->name,
                 distance(p->n, hv, above));
    free(v);
    free(theta);
    free(hv);
    free(above);
    free(below);
}

Test(refnet_derivatives, the_product_is_what_differences_of_the_gradient_are)
{
    each(product_is_the_difference, 0.3);
}

typedef absa_status (*product_fn)(absa_refnet *net, const void *v, void *hv);

/* Both sides are sums of at most n * ROWS rounded products of factors of moderate size: 1e-12 of
 * the size of the terms leaves room for thousands of roundings. */
static void is_symmetric(const network_case *c, point *p, product_fn product)
{
    double *u = vector_of(p->n, 21), *v = vector_of(p->n, 22);
    double *hu = vector_of(p->n, 1), *hv = vector_of(p->n, 1);
    probe(p);
    cr_assert_eq(product(p->net, u, hu), ABSA_OK);
    cr_assert_eq(product(p->net, v, hv), ABSA_OK);
    const double size = norm_of(p->n, u) * norm_of(p->n, hv);
    cr_assert_lt(fabs(dot_of(p->n, u, hv) - dot_of(p->n, v, hu)), 1e-12 * size, "%s", c->name);
    free(u);
    free(v);
    free(hu);
    free(hv);
}

static void both_are_symmetric(const network_case *c, point *p)
{
    is_symmetric(c, p, absa_refnet_hvp);
    is_symmetric(c, p, absa_refnet_gnvp);
}

Test(refnet_derivatives, hessian_and_gauss_newton_matrix_are_symmetric)
{
    each(both_are_symmetric, 0);
}

static void is_linear(const network_case *c, point *p)
{
    double *u = vector_of(p->n, 21), *v = vector_of(p->n, 22), *w = vector_of(p->n, 1);
    double *hu = vector_of(p->n, 1), *hv = vector_of(p->n, 1), *hw = vector_of(p->n, 1);
    probe(p);
    step_to(p->n, u, -2.5, v, w);
    cr_assert_eq(absa_refnet_hvp(p->net, u, hu), ABSA_OK);
    cr_assert_eq(absa_refnet_hvp(p->net, v, hv), ABSA_OK);
    cr_assert_eq(absa_refnet_hvp(p->net, w, hw), ABSA_OK);
    step_to(p->n, hu, -2.5, hv, hu);
    cr_assert_lt(distance(p->n, hw, hu), 1e-12, "%s", c->name);
    free(u);
    free(v);
    free(w);
    free(hu);
    free(hv);
    free(hw);
}

Test(refnet_derivatives, the_product_is_linear)
{
    each(is_linear, 0.3);
}

static void is_not_negative(const network_case *c, point *p)
{
    double *g = vector_of(p->n, 1);
    probe(p);
    for (uint64_t seed = 31; seed < 41; seed++) {
        double *v = vector_of(p->n, seed);
        cr_assert_eq(absa_refnet_gnvp(p->net, v, g), ABSA_OK);
        cr_assert_geq(dot_of(p->n, v, g), -1e-14 * norm_of(p->n, v) * norm_of(p->n, g), "%s",
                      c->name);
        free(v);
    }
    free(g);
}

Test(refnet_derivatives, the_gauss_newton_matrix_has_no_negative_curvature)
{
    each(is_not_negative, 0);
}

static void is_the_hessian_when_linear(const network_case *c, point *p)
{
    double *v = vector_of(p->n, 11), *hv = vector_of(p->n, 1), *gv = vector_of(p->n, 1);
    const int linear = c->layers[0].kind == ABSA_REFNET_DENSE && c->layers[1].kind == 0;
    probe(p);
    cr_assert_eq(absa_refnet_hvp(p->net, v, hv), ABSA_OK);
    cr_assert_eq(absa_refnet_gnvp(p->net, v, gv), ABSA_OK);
    if (linear)
        cr_assert_lt(distance(p->n, gv, hv), 1e-14, "%s", c->name);
    else
        cr_assert_gt(distance(p->n, gv, hv), 1e-6, "%s: the two products differ", c->name);
    free(v);
    free(hv);
    free(gv);
}

Test(refnet_derivatives, the_gauss_newton_matrix_is_the_hessian_of_a_linear_model_only)
{
    each(is_the_hessian_when_linear, 0.3);
}

/* G v = mean of J' L J v, from its definition: J v by central differences of the outputs, J' by
 * differences along every coordinate. */
static void gauss_newton_is_its_definition(const network_case *c, point *p)
{
    const int64_t outputs = absa_refnet_output_count(p->net), size = ROWS * outputs;
    double *v = vector_of(p->n, 11), *gv = vector_of(p->n, 1), *want = vector_of(p->n, 1);
    double *jv = vector_of(size, 1), *a = vector_of(size, 1), *b = vector_of(size, 1);
    double *z = vector_of(size, 1), *theta = vector_of(p->n, 1);
    probe(p);
    cr_assert_eq(absa_refnet_gnvp(p->net, v, gv), ABSA_OK);
    absa_refnet_predict(p->net, p->theta, p->x, ROWS, z);
    step_to(p->n, p->theta, STEP, v, theta);
    absa_refnet_predict(p->net, theta, p->x, ROWS, a);
    step_to(p->n, p->theta, -STEP, v, theta);
    absa_refnet_predict(p->net, theta, p->x, ROWS, b);
    for (int64_t i = 0; i < size; i++)
        jv[i] = (a[i] - b[i]) / (2 * STEP);
    for (int64_t r = 0; r < ROWS; r++) {
        double *row = jv + r * outputs, *zr = z + r * outputs, sum = 0, mean = 0;
        for (int64_t o = 0; o < outputs; o++)
            sum += exp(zr[o]);
        for (int64_t o = 0; o < outputs; o++)
            mean += exp(zr[o]) / sum * row[o];
        for (int64_t o = 0; o < outputs; o++)
            if (c->loss == ABSA_REFNET_SOFTMAX)
                row[o] = exp(zr[o]) / sum * (row[o] - mean);
            else if (c->loss == ABSA_REFNET_LOGISTIC)
                row[o] *= exp(zr[o]) / ((1 + exp(zr[o])) * (1 + exp(zr[o])));
    }
    memcpy(theta, p->theta, (size_t)p->n * sizeof *theta);
    for (int64_t i = 0; i < p->n; i++) {
        theta[i] = p->theta[i] + STEP;
        absa_refnet_predict(p->net, theta, p->x, ROWS, a);
        theta[i] = p->theta[i] - STEP;
        absa_refnet_predict(p->net, theta, p->x, ROWS, b);
        theta[i] = p->theta[i];
        want[i] = 0.3 * v[i];
        for (int64_t j = 0; j < size; j++)
            want[i] += (a[j] - b[j]) / (2 * STEP) * jv[j] / ROWS;
    }
    cr_assert_lt(distance(p->n, gv, want), TOLERANCE, "%s: %g", c->name, distance(p->n, gv, want));
    double *all[] = {v, gv, want, jv, a, b, z, theta};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

Test(refnet_derivatives, the_gauss_newton_product_is_its_definition)
{
    each(gauss_newton_is_its_definition, 0.3);
}
