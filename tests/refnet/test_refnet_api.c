/* The reference network from outside: failures and their messages, and its place as a host of
 * libabsa. */
#include "refnet/networks.h"

#include <absa/operator.h>

#include "support/faulty_alloc.h"

typedef struct wrong_option {
    const char *says; /* part of the message */
    absa_refnet_options o;
    absa_refnet_layer layers[3];
} wrong_option;

static const wrong_option WRONG[] = {
    {"no network is named \"vgg\"", {.name = "vgg", .outputs = 2}, {{0}}},
    {"outputs is 0", {.name = "mlp"}, {{0}}},
    {"activation is 99", {.name = "mlp", .outputs = 2, .activation = 99}, {{0}}},
    {"hidden_count is 3", {.name = "mlp", .outputs = 2, .hidden_count = 3}, {{0}}},
    {"larger than its input", {.name = "lenet", .height = 8, .width = 8, .outputs = 2}, {{0}}},
    {"an input of -1", {.name = "mlp", .channels = -1, .outputs = 2}, {{0}}},
    {"element is 7", {.element = 7}, {DENSE(2)}},
    {"loss is 3", {.loss = 3}, {DENSE(2)}},
    {"weight_decay is -1", {.weight_decay = -1}, {DENSE(2)}},
    {"weight_decay is nan", {.weight_decay = NAN}, {DENSE(2)}},
    {"chunk_rows is -2", {.chunk_rows = -2}, {DENSE(2)}},
    {"probe_rows is -2", {.probe_rows = -2}, {DENSE(2)}},
    {"reserved0", {.reserved0 = 1}, {DENSE(2)}},
    {"layer_count, which is 0", {0}, {{0}}},
    {"outputs and hidden", {.outputs = 3}, {DENSE(2)}},
    {"there is no kind 77", {0}, {{.kind = 77}}},
    {"units is 0", {0}, {DENSE(0)}},
    {"units is 3", {0}, {DENSE(2), {.kind = ABSA_REFNET_RELU, .units = 3}}},
    {"size is 0", {0}, {CONV(2, 0)}},
    {"size is 16", {.height = 20, .width = 20}, {POOL(MAX, 16)}},
    {"padding is 3", {0}, {{.kind = ABSA_REFNET_CONV, .units = 1, .size = 3, .padding = 3}}},
    {"stride is -1", {0}, {{.kind = ABSA_REFNET_CONV, .units = 1, .size = 1, .stride = -1}}},
    {"stride is 2", {0}, {{.kind = ABSA_REFNET_DENSE, .units = 1, .stride = 2}}},
    {"no_bias is 2", {0}, {{.kind = ABSA_REFNET_DENSE, .units = 1, .no_bias = 2}}},
    {"units is -3", {0}, {DENSE(-3)}},
    {"size is 2", {0}, {{.kind = ABSA_REFNET_DENSE, .units = 1, .size = 2}}},
    {"padding is 1",
     {.height = 4, .width = 4},
     {{.kind = ABSA_REFNET_MAX_POOL, .size = 2, .padding = 1}}},
    {"padding is -1", {0}, {{.kind = ABSA_REFNET_CONV, .units = 1, .size = 3, .padding = -1}}},
    {"no_bias is 1", {0}, {DENSE(2), {.kind = ABSA_REFNET_RELU, .no_bias = 1}}},
    {"there is no kind -1", {0}, {{.kind = -1}}},
    {"there is no kind 13", {0}, {{.kind = 13}}},
    {"source is 1", {0}, {{.kind = ABSA_REFNET_DENSE, .units = 1, .source = 1}}},
    {"source is -2", {0}, {{.kind = ABSA_REFNET_DENSE, .units = 1, .source = -2}}},
    {"other is 0", {0}, {DENSE(2), ACT(ADD)}},
    {"other is 1", {0}, {DENSE(2), {.kind = ABSA_REFNET_ADD, .other = 1}}},
    {"other is 1, must be 0", {0}, {DENSE(2), {.kind = ABSA_REFNET_RELU, .other = 1}}},
    {"cannot be added", {.channels = 3}, {DENSE(2), {.kind = ABSA_REFNET_ADD, .other = -1}}},
    {"output of layer 1 is not used",
     {0},
     {DENSE(2), {.kind = ABSA_REFNET_DENSE, .units = 2, .source = -1}}},
    {"the last layer has 2", {.loss = ABSA_REFNET_LOGISTIC}, {DENSE(2)}},
    {"more than 2147483647", {.height = 40000, .width = 40000}, {CONV(2, 1)}},
    {"lower chunk_rows", {.channels = 1 << 20, .chunk_rows = 65536}, {DENSE(2)}},
};

Test(refnet_api, a_wrong_network_is_refused_by_name)
{
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        const wrong_option *w = &WRONG[i];
        faulty_alloc f = {0};
        absa_context *ctx = faulty_context(&f);
        absa_refnet *net = (absa_refnet *)&f;
        absa_refnet_options o;
        int64_t bytes = 17;
        absa_refnet_options_init(&o, sizeof o);
        o.name = w->o.name;
        o.channels = w->o.channels ? w->o.channels : o.channels;
        o.height = w->o.height ? w->o.height : o.height;
        o.width = w->o.width ? w->o.width : o.width;
        o.activation = w->o.activation ? w->o.activation : o.activation;
        o.outputs = w->o.outputs;
        o.hidden_count = w->o.hidden_count;
        o.element = w->o.element;
        o.loss = w->o.loss;
        o.weight_decay = w->o.weight_decay;
        o.chunk_rows = w->o.chunk_rows;
        o.probe_rows = w->o.probe_rows;
        o.reserved0 = w->o.reserved0;
        o.layers = o.name ? NULL : w->layers;
        while (!o.name && o.layer_count < 3 && w->layers[o.layer_count].kind)
            o.layer_count++;
        cr_assert_eq(absa_refnet_create(ctx, &o, &net), ABSA_E_INVALID, "%s", w->says);
        cr_assert_null(net);
        cr_assert(strstr(absa_context_message(ctx), w->says), "\"%s\" should say \"%s\"",
                  absa_context_message(ctx), w->says);
        cr_assert_eq(absa_refnet_workspace(ctx, &o, &bytes), ABSA_E_INVALID);
        cr_assert_eq(bytes, 17);
        absa_context_destroy(&ctx);
        cr_assert_eq(f.live_blocks, 0);
        cr_assert_eq(f.errors, 0);
    }
}

/* What the table above cannot hold: pointers beside each other, and wrong values of fields whose
 * zero stands for something. */
Test(refnet_api, lists_and_names_that_contradict_each_other_are_refused)
{
    static const int64_t widths[2] = {5, 0};
    static absa_refnet_layer many[4097];
    const absa_refnet_layer dense = DENSE(2);
    const struct {
        const char *says;
        absa_refnet_options o;
    } cases[] = {
        {"name and layers are both set", {.name = "mlp", .layers = many, .outputs = 2}},
        {"name and layers are both set", {.name = "mlp", .layer_count = 1, .outputs = 2}},
        {"layer_count, which is 4097", {.layers = many, .layer_count = 4097}},
        {"layer_count, which is -1", {.layers = many, .layer_count = -1}},
        {"layer_count, which is 1", {.layer_count = 1}},
        {"outputs and hidden", {.layers = many, .layer_count = 1, .hidden = widths}},
        {"outputs and hidden", {.layers = many, .layer_count = 1, .hidden_count = 1}},
        {"hidden[1] is 0", {.name = "mlp", .outputs = 2, .hidden = widths, .hidden_count = 2}},
        {"hidden_count is 0", {.name = "mlp", .outputs = 2, .hidden = widths}},
        {"hidden_count is 1001",
         {.name = "mlp", .outputs = 2, .hidden = widths, .hidden_count = 1001}},
        {"not for \"lenet\"", {.name = "lenet", .outputs = 2, .hidden = widths, .hidden_count = 2}},
        {"outputs is 2147483648", {.name = "logreg", .outputs = INT64_C(1) << 31}},
        {"ghost_rows is 65537", {.layers = many, .layer_count = 1, .ghost_rows = 65537}},
        {"chunk_rows is 65537", {.layers = many, .layer_count = 1, .chunk_rows = 65537}},
        {"an input of 65536",
         {.layers = many, .layer_count = 1, .channels = 65536, .height = 65536}},
    };
    many[0] = dense;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        absa_context *ctx;
        absa_refnet *net = (absa_refnet *)&many;
        absa_refnet_options o, usual;
        absa_refnet_options_init(&usual, sizeof usual);
        o = cases[i].o;
        o.struct_size = usual.struct_size;
        o.channels = o.channels ? o.channels : 1;
        o.height = o.height ? o.height : 1;
        o.width = 1;
        o.activation = usual.activation;
        cr_assert_eq(absa_context_create(NULL, &ctx), ABSA_OK);
        cr_assert_eq(absa_refnet_create(ctx, &o, &net), ABSA_E_INVALID, "%s", cases[i].says);
        cr_assert_null(net);
        cr_assert(strstr(absa_context_message(ctx), cases[i].says), "\"%s\" should say \"%s\"",
                  absa_context_message(ctx), cases[i].says);
        absa_context_destroy(&ctx);
    }
}

Test(refnet_api, options_from_elsewhere_are_refused)
{
    absa_context *ctx;
    absa_refnet *net;
    absa_refnet_options o = {0};
    struct {
        absa_refnet_options o;
        int64_t newer;
    } grown;
    cr_assert_eq(absa_context_create(NULL, &ctx), ABSA_OK);
    cr_assert_eq(absa_refnet_create(ctx, &o, &net), ABSA_E_ABI);
    absa_refnet_options_init(&grown.o, sizeof grown);
    grown.o.name = "logreg";
    grown.o.outputs = 2;
    cr_assert_eq(absa_refnet_create(ctx, &grown.o, &net), ABSA_OK);
    absa_refnet_destroy(&net);
    grown.newer = 1;
    cr_assert_eq(absa_refnet_create(ctx, &grown.o, &net), ABSA_E_ABI);
    cr_assert_eq(absa_refnet_create(ctx, NULL, &net), ABSA_E_INVALID);
    cr_assert_eq(absa_refnet_create(NULL, &grown.o, &net), ABSA_E_INVALID);
    cr_assert_eq(absa_refnet_create(ctx, &grown.o, NULL), ABSA_E_INVALID);
    absa_context_destroy(&ctx);
}

/* A point of a network with 3 classes in chunks of 2 rows, of which the last is a single one. */
static void open_chunked(point *p)
{
    absa_refnet_options o;
    point_options(&NETWORKS[3], &o);
    o.chunk_rows = 2;
    o.probe_rows = 2;
    point_open(p, NULL, &o);
}

static void says(const point *p, const char *text)
{
    cr_assert(strstr(absa_context_message(p->ctx), text), "\"%s\" should say \"%s\"",
              absa_context_message(p->ctx), text);
}

Test(refnet_api, a_label_out_of_range_is_named_with_its_row)
{
    point p;
    open_chunked(&p);
    double loss = 17, *g = vector_of(p.n, 5), *same = vector_of(p.n, 5);
    for (int side = 0; side < 2; side++) {
        p.labels[3] = 0;
        cr_assert_eq(absa_refnet_probe(p.net, p.theta, p.x, p.y, ROWS, NULL), ABSA_OK);
        p.labels[3] = side ? 3 : -1;
        cr_assert_eq(absa_refnet_gradient(p.net, p.theta, p.x, p.y, ROWS, g, &loss),
                     ABSA_E_INVALID);
        says(&p, side ? "the label of row 3 is 3" : "the label of row 3 is -1");
        cr_assert_eq(absa_refnet_probe(p.net, p.theta, p.x, p.y, ROWS, &loss), ABSA_E_INVALID);
        cr_assert_eq(absa_refnet_hvp(p.net, p.theta, g), ABSA_E_STATE);
    }
    cr_assert_eq(memcmp(g, same, (size_t)p.n * sizeof *g), 0);
    cr_assert_eq(loss, 17.0);
    free(g);
    free(same);
    point_close(&p);
}

/* A NaN must come through every kind of layer, and the answer must be an error, not a number. */
Test(refnet_api, a_nan_in_a_row_is_an_error_that_names_the_row)
{
    for (int i = 0; i < NETWORK_COUNT; i++)
        for (int64_t chunk = 1; chunk <= ROWS; chunk += 2) {
            const int64_t ghost = NETWORKS[i].ghost_rows;
            point p;
            absa_refnet_options o;
            absa_refnet_evaluation e;
            absa_refnet_evaluation_init(&e, sizeof e);
            point_options(&NETWORKS[i], &o);
            o.chunk_rows = ghost ? ghost * chunk : chunk;
            point_open(&p, &NETWORKS[i], &o);
            const int64_t inputs = absa_refnet_input_count(p.net);
            double loss = 17, *g = vector_of(p.n, 5), *same = vector_of(p.n, 5);
            p.x[3 * inputs] = NAN;
            cr_assert_eq(absa_refnet_gradient(p.net, p.theta, p.x, p.y, ROWS, g, &loss),
                         ABSA_E_NONFINITE, "%s", NETWORKS[i].name);
            /* A ghost batch falls ill as a whole. */
            const int first = NETWORKS[i].mode == ABSA_REFNET_EVALUATE || !ghost;
            says(&p, first ? "the loss of row 3 is not finite" : "is not finite");
            cr_assert_eq(memcmp(g, same, (size_t)p.n * sizeof *g), 0);
            cr_assert_eq(absa_refnet_loss(p.net, p.theta, p.x, p.y, ROWS, &loss), ABSA_E_NONFINITE);
            cr_assert_eq(absa_refnet_evaluate(p.net, p.theta, p.x, p.y, ROWS, &e),
                         ABSA_E_NONFINITE);
            cr_assert_eq(e.rows, 0);
            cr_assert_eq(absa_refnet_probe(p.net, p.theta, p.x, p.y, ROWS, &loss),
                         ABSA_E_NONFINITE);
            cr_assert_eq(absa_refnet_hvp(p.net, p.theta, g), ABSA_E_STATE);
            cr_assert_eq(loss, 17.0);
            p.x[3 * inputs] = 0.5;
            cr_assert_eq(absa_refnet_gradient(p.net, p.theta, p.x, p.y, ROWS, g, &loss), ABSA_OK);
            p.theta[p.n - 1] = NAN;
            cr_assert_eq(absa_refnet_loss(p.net, p.theta, p.x, p.y, ROWS, &loss), ABSA_E_NONFINITE);
            free(g);
            free(same);
            point_close(&p);
        }
}

/* Theta'theta overflows while every row's loss is a number: 0, for its label wins by far. */
Test(refnet_api, a_loss_that_overflows_is_an_error_that_leaves_the_outputs)
{
    const network_case c = {"dense", ABSA_REFNET_SOFTMAX, 1, 1, 1, .layers = {DENSE(2)}};
    const double theta[] = {0, 0, 1e200, 0}, x[] = {1};
    absa_refnet_options o;
    absa_refnet_evaluation e;
    point p;
    double g[] = {5, 6, 7, 8}, loss = 17;
    point_options(&c, &o);
    o.weight_decay = 1;
    point_open(&p, NULL, &o);
    cr_assert_eq(absa_refnet_gradient(p.net, theta, x, p.labels, 1, g, &loss), ABSA_E_NONFINITE);
    says(&p, "absa_refnet_gradient: the loss overflows");
    for (int i = 0; i < 4; i++)
        cr_assert_eq(g[i], 5.0 + i, "element %d", i);
    cr_assert_eq(absa_refnet_loss(p.net, theta, x, p.labels, 1, &loss), ABSA_E_NONFINITE);
    cr_assert_eq(absa_refnet_probe(p.net, theta, x, p.labels, 1, &loss), ABSA_E_NONFINITE);
    cr_assert_eq(absa_refnet_hvp(p.net, theta, g), ABSA_E_STATE);
    cr_assert_eq(loss, 17.0);
    /* Weight decay is no part of an evaluation. */
    absa_refnet_evaluation_init(&e, sizeof e);
    cr_assert_eq(absa_refnet_evaluate(p.net, theta, x, p.labels, 1, &e), ABSA_OK, "%s",
                 absa_context_message(p.ctx));
    cr_assert(e.correct == 1 && e.loss_sum == 0.0);
    point_close(&p);
}

Test(refnet_api, a_nan_anywhere_in_a_pooling_window_is_found)
{
    point p;
    absa_refnet_options o;
    const network_case c = {
        "pool", ABSA_REFNET_SQUARED, 1, 3, 3, .layers = {POOL(MAX, 3), DENSE(2)}};
    double loss;
    point_options(&c, &o);
    point_open(&p, NULL, &o);
    for (int i = 0; i < 9; i++) {
        const double was = p.x[i];
        p.x[i] = NAN;
        cr_assert_eq(absa_refnet_loss(p.net, p.theta, p.x, p.y, 1, &loss), ABSA_E_NONFINITE,
                     "element %d", i);
        p.x[i] = was;
    }
    point_close(&p);
}

Test(refnet_api, missing_arguments_are_named)
{
    point p;
    open_chunked(&p);
    double loss, *g = vector_of(p.n, 5);
    absa_refnet_range r;
    absa_refnet_evaluation e = {0};
    absa_refnet_range_init(&r, sizeof r);
    cr_assert_eq(absa_refnet_loss(p.net, NULL, p.x, p.y, ROWS, &loss), ABSA_E_INVALID);
    says(&p, "absa_refnet_loss: theta is NULL");
    cr_assert_eq(absa_refnet_gradient(p.net, p.theta, NULL, p.y, ROWS, g, &loss), ABSA_E_INVALID);
    says(&p, "x is NULL");
    cr_assert_eq(absa_refnet_gradient(p.net, p.theta, p.x, NULL, ROWS, g, &loss), ABSA_E_INVALID);
    says(&p, "y is NULL");
    cr_assert_eq(absa_refnet_gradient(p.net, p.theta, p.x, p.y, ROWS, NULL, &loss), ABSA_E_INVALID);
    says(&p, "the output is NULL");
    cr_assert_eq(absa_refnet_input_gradient(p.net, p.theta, p.x, p.y, 0, g, NULL), ABSA_E_INVALID);
    says(&p, "rows is 0");
    cr_assert_eq(absa_refnet_predict(p.net, p.theta, p.x, -5, g), ABSA_E_INVALID);
    says(&p, "rows is -5");
    cr_assert_eq(absa_refnet_predict(p.net, p.theta, p.x, INT64_MAX, g), ABSA_E_INVALID);
    cr_assert_eq(absa_refnet_evaluate(p.net, p.theta, p.x, p.y, ROWS, &e), ABSA_E_ABI);
    cr_assert_eq(absa_refnet_hvp(p.net, p.theta, g), ABSA_E_STATE);
    says(&p, "call absa_refnet_probe() first");
    cr_assert_eq(absa_refnet_probe(p.net, p.theta, p.x, p.y, ROWS, NULL), ABSA_OK);
    cr_assert_eq(absa_refnet_hvp(p.net, g, g), ABSA_E_INVALID);
    cr_assert_eq(absa_refnet_gnvp(p.net, NULL, g), ABSA_E_INVALID);
    absa_refnet_probe_clear(p.net);
    cr_assert_eq(absa_refnet_gnvp(p.net, p.theta, g), ABSA_E_STATE);
    cr_assert_eq(absa_refnet_range_at(p.net, absa_refnet_range_count(p.net), &r), ABSA_E_INVALID);
    cr_assert_eq(absa_refnet_range_at(p.net, -1, &r), ABSA_E_INVALID);
    cr_assert_eq(absa_refnet_init_parameters(p.net, 1, NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_refnet_loss(NULL, p.theta, p.x, p.y, ROWS, &loss), ABSA_E_INVALID);
    cr_assert_eq(absa_refnet_parameter_count(NULL), 0);
    cr_assert_eq(absa_refnet_element(NULL), -1);
    absa_refnet_probe_clear(NULL);
    absa_refnet_destroy(NULL);
    free(g);
    point_close(&p);
}

Test(refnet_api, an_operator_made_of_the_network_is_its_hessian)
{
    point p;
    open_chunked(&p);
    absa_space space;
    absa_operator *op;
    double *v = vector_of(p.n, 11), *hv = vector_of(p.n, 1), *y = vector_of(p.n, 1);
    absa_refnet_space(p.net, &space, sizeof space);
    cr_assert_eq(space.n, p.n);
    cr_assert_eq(space.element, ABSA_ELEMENT_F64);
    for (int gauss_newton = 0; gauss_newton < 2; gauss_newton++) {
        absa_refnet_probe_clear(p.net);
        cr_assert_eq(absa_operator_from_hvp(p.ctx, &space,
                                            gauss_newton ? absa_refnet_gnvp_callback
                                                         : absa_refnet_hvp_callback,
                                            p.net, NULL, &op),
                     ABSA_OK);
        cr_assert_eq(absa_operator_apply(op, v, y), ABSA_E_CALLBACK);
        says(&p, "there is no probe");
        cr_assert_eq(absa_refnet_probe(p.net, p.theta, p.x, p.y, ROWS, NULL), ABSA_OK);
        cr_assert_eq(absa_operator_apply(op, v, y), ABSA_OK);
        cr_assert_eq(gauss_newton ? absa_refnet_gnvp(p.net, v, hv) : absa_refnet_hvp(p.net, v, hv),
                     ABSA_OK);
        cr_assert_eq(memcmp(y, hv, (size_t)p.n * sizeof *y), 0);
        absa_operator_destroy(&op);
    }
    free(v);
    free(hv);
    free(y);
    point_close(&p);
}

/* At least 64 * 90 weights: the variance of a sample of N normal numbers errs by sqrt(2 / N) = 1.9
 * %, and 5 of these standard deviations are 9.3 %. */
Test(refnet_api, starting_values_have_the_promised_spread)
{
    absa_refnet_options o;
    absa_context *ctx;
    absa_refnet *net;
    static const absa_refnet_layer layers[] = {
        DENSE(120),    ACT(BATCH_NORM), ACT(RELU), DENSE(64),       ACT(GELU), DENSE(120),
        ACT(SOFTPLUS), DENSE(64),       ACT(TANH), ACT(BATCH_NORM), DENSE(90)};
    static const double want[] = {2.0 / 90, 2.0 / 120, 2.0 / 64, 1.0 / 120, 1.0 / 64};
    int weights = 0;
    absa_refnet_range r;
    absa_refnet_options_init(&o, sizeof o);
    absa_refnet_range_init(&r, sizeof r);
    o.layers = layers;
    o.layer_count = sizeof layers / sizeof *layers;
    o.channels = 90;
    cr_assert_eq(absa_context_create(NULL, &ctx), ABSA_OK);
    cr_assert_eq(absa_refnet_create(ctx, &o, &net), ABSA_OK);
    const int64_t n = absa_refnet_parameter_count(net);
    float *theta = malloc((size_t)n * sizeof *theta), *again = malloc((size_t)n * sizeof *again);
    cr_assert_eq(absa_refnet_init_parameters(net, 3, theta), ABSA_OK);
    for (int64_t i = 0; i < absa_refnet_range_count(net); i++) {
        cr_assert_eq(absa_refnet_range_at(net, i, &r), ABSA_OK);
        double square = 0;
        for (int64_t j = r.range.first; j < r.range.first + r.range.count; j++)
            square += (double)theta[j] * (double)theta[j];
        square /= (double)r.range.count;
        if (r.role != ABSA_REFNET_WEIGHT) {
            cr_assert_eq(square, r.role == ABSA_REFNET_GAIN ? 1.0 : 0.0, "%s", r.range.name);
            continue;
        }
        cr_assert_float_eq(square, want[weights], 0.093 * want[weights], "%s", r.range.name);
        weights++;
    }
    cr_assert_eq(weights, 5);
    cr_assert_eq(absa_refnet_init_parameters(net, 3, again), ABSA_OK);
    cr_assert_eq(memcmp(theta, again, (size_t)n * sizeof *theta), 0);
    cr_assert_eq(absa_refnet_init_parameters(net, 4, again), ABSA_OK);
    cr_assert_neq(memcmp(theta, again, (size_t)n * sizeof *theta), 0);
    free(theta);
    free(again);
    absa_refnet_destroy(&net);
    absa_context_destroy(&ctx);
}
