/* First and second derivatives of every kind of layer against central differences, and the laws
 * that Hessians and Gauss-Newton matrices obey, all in double precision.
 *
 * Differences are the five-point ones, with step h = 1e-5: they err by h^4 / 30 = 3e-22 times the
 * fifth derivative, which normalisation by a ghost batch of two rows makes large, and by 1.5 eps /
 * h = 3e-11 times the function's size; both are far below the 1e-7 asked for. The points are far
 * from the kinks of ReLU and max pooling compared with the step: were one crossed, the difference
 * would be off by far more than 1e-7. */
#include "refnet/networks.h"

static const double STEP = 1e-5, TOLERANCE = 1e-7;

/* A derivative is the sum of WEIGHTS[k] f(x + STEPS[k] STEP) / STEP. */
enum { POINTS = 4 };
static const double STEPS[POINTS] = {-2, -1, 1, 2};
static const double WEIGHTS[POINTS] = {1.0 / 12, -8.0 / 12, 8.0 / 12, -1.0 / 12};

/* Runs a check on every network: work in one chunk, with weight decay. */
static void each(void (*check)(const network_case *c, point *p), double weight_decay)
{
    for (int i = 0; i < NETWORK_COUNT; i++) {
        point p;
        absa_refnet_options o;
        point_options(&NETWORKS[i], &o);
        o.weight_decay = weight_decay;
        o.probe_rows = ROWS;
        point_open(&p, &NETWORKS[i], &o);
        check(&NETWORKS[i], &p);
        point_close(&p);
    }
}

static double loss_at(point *p)
{
    double loss = 0;
    cr_assert_eq(absa_refnet_loss(p->net, p->theta, p->x, p->y, ROWS, &loss), ABSA_OK);
    return loss;
}

/* The difference of the loss in one coordinate. */
static double slope_at(point *p, double *coordinate)
{
    const double at = *coordinate;
    double sum = 0;
    for (int k = 0; k < POINTS; k++) {
        *coordinate = at + STEPS[k] * STEP;
        sum += WEIGHTS[k] * loss_at(p);
    }
    *coordinate = at;
    return sum / STEP;
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
    cr_assert_eq(loss, loss_at(p));
    for (int64_t i = 0; i < p->n; i++) {
        d[i] = slope_at(p, &p->theta[i]);
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
    cr_assert_eq(loss, loss_at(p));
    for (int64_t i = 0; i < size; i++) {
        /* The mean's derivative, times the rows: the derivative of the row's own loss. */
        d[i] = ROWS * slope_at(p, &p->x[i]);
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
    double *g = vector_of(p->n, 1), *d = calloc((size_t)p->n, sizeof *d);
    probe(p);
    cr_assert_eq(absa_refnet_hvp(p->net, v, hv), ABSA_OK);
    for (int k = 0; k < POINTS; k++) {
        step_to(p->n, p->theta, STEPS[k] * STEP, v, theta);
        cr_assert_eq(absa_refnet_gradient(p->net, theta, p->x, p->y, ROWS, g, NULL), ABSA_OK);
        step_to(p->n, d, WEIGHTS[k] / STEP, g, d);
    }
    cr_assert_lt(distance(p->n, hv, d), TOLERANCE, "%s: %g", c->name, distance(p->n, hv, d));
    double *all[] = {v, theta, hv, g, d};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
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

/* jv = the derivative of all outputs along v. */
static void outputs_along(const point *p, const double *v, double *jv)
{
    const int64_t size = ROWS * absa_refnet_output_count(p->net);
    double *theta = vector_of(p->n, 1), *z = vector_of(size, 1);
    memset(jv, 0, (size_t)size * sizeof *jv);
    for (int k = 0; k < POINTS; k++) {
        step_to(p->n, p->theta, STEPS[k] * STEP, v, theta);
        cr_assert_eq(absa_refnet_predict(p->net, theta, p->x, ROWS, z), ABSA_OK);
        step_to(size, jv, WEIGHTS[k] / STEP, z, jv);
    }
    free(theta);
    free(z);
}

/* G v = mean of J' L J v, from its definition: J v by differences of the outputs, J' by differences
 * along every coordinate. */
static void gauss_newton_is_its_definition(const network_case *c, point *p)
{
    const int64_t outputs = absa_refnet_output_count(p->net), size = ROWS * outputs;
    double *v = vector_of(p->n, 11), *gv = vector_of(p->n, 1), *want = vector_of(p->n, 1);
    double *jv = calloc((size_t)size, sizeof *jv), *ji = calloc((size_t)size, sizeof *ji);
    double *z = vector_of(size, 1), *basis = calloc((size_t)p->n, sizeof *basis);
    probe(p);
    cr_assert_eq(absa_refnet_gnvp(p->net, v, gv), ABSA_OK);
    absa_refnet_predict(p->net, p->theta, p->x, ROWS, z);
    outputs_along(p, v, jv);
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
    for (int64_t i = 0; i < p->n; i++) {
        basis[i] = 1;
        outputs_along(p, basis, ji);
        basis[i] = 0;
        want[i] = 0.3 * v[i] + dot_of(size, ji, jv) / ROWS;
    }
    cr_assert_lt(distance(p->n, gv, want), TOLERANCE, "%s: %g", c->name, distance(p->n, gv, want));
    double *all[] = {v, gv, want, jv, ji, z, basis};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

Test(refnet_derivatives, the_gauss_newton_product_is_its_definition)
{
    each(gauss_newton_is_its_definition, 0.3);
}

/* Networks by name are too large for a difference in every coordinate: the gradient is compared in
 * random directions, the product as a whole. */
static void by_name_is_the_difference(const char *name, int32_t activation)
{
    const network_case none = {.name = name, .mode = ABSA_REFNET_TRAIN};
    absa_refnet_options o;
    point p;
    absa_refnet_options_init(&o, sizeof o);
    o.element = ABSA_ELEMENT_F64;
    o.name = name;
    o.channels = 2;
    o.height = o.width = 12;
    o.outputs = 3;
    o.activation = activation;
    o.ghost_rows = 3;
    o.chunk_rows = 3;
    o.probe_rows = 3;
    point_open(&p, &none, &o);
    cr_assert_eq(absa_refnet_init_parameters(p.net, 8, p.theta), ABSA_OK);
    double *theta = vector_of(p.n, 1), *g = vector_of(p.n, 1), sum = 0;
    memcpy(theta, p.theta, (size_t)p.n * sizeof *theta);
    cr_assert_eq(absa_refnet_gradient(p.net, p.theta, p.x, p.y, ROWS, g, NULL), ABSA_OK);
    for (uint64_t seed = 51; seed < 54; seed++) {
        double *u = vector_of(p.n, seed), size = norm_of(p.n, u);
        sum = 0;
        for (int k = 0; k < POINTS; k++) {
            step_to(p.n, theta, STEPS[k] * STEP / size, u, p.theta);
            sum += WEIGHTS[k] * loss_at(&p) / STEP;
        }
        memcpy(p.theta, theta, (size_t)p.n * sizeof *theta);
        cr_assert_float_eq(sum, dot_of(p.n, u, g) / size, TOLERANCE * norm_of(p.n, g), "%s", name);
        free(u);
    }
    product_is_the_difference(&none, &p);
    is_symmetric(&none, &p, absa_refnet_hvp);
    is_symmetric(&none, &p, absa_refnet_gnvp);
    free(theta);
    free(g);
    point_close(&p);
}

Test(refnet_derivatives, networks_by_name_obey_the_same_differences)
{
    by_name_is_the_difference("logreg", ABSA_REFNET_TANH);
    by_name_is_the_difference("mlp", ABSA_REFNET_SOFTPLUS);
    by_name_is_the_difference("lenet", ABSA_REFNET_TANH);
    by_name_is_the_difference("resnet8", ABSA_REFNET_TANH);
    by_name_is_the_difference("resnet20", ABSA_REFNET_GELU);
}
