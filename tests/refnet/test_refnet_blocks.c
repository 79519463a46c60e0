/* Products in some of the parameters: they are the rows and columns of the whole products, for
 * every kind of network, layer, range and odd run of elements. */
#include "refnet/networks.h"
#include "support/faulty_alloc.h"

#include <absa/block.h>
#include <absa/eigen.h>
#include <absa/operator.h>

#include <float.h>
#include <stdio.h>

static absa_block *layout_of(const point *p)
{
    absa_block *b;
    cr_assert_eq(absa_refnet_layout(p->net, &b), ABSA_OK, "%s", absa_context_message(p->ctx));
    cr_assert_eq(absa_block_parameter_count(b), p->n);
    return b;
}

/* Compares products of the selection with whole ones, after a whole product has left its
 * derivatives everywhere. The same sums are made but for terms that are zero, by whatever order
 * BLAS takes. */
static void compare(const char *name, const point *p, const absa_block *selection, uint64_t seed)
{
    absa_refnet_block *b;
    absa_space space;
    absa_refnet_space(p->net, &space, sizeof space);
    cr_assert_eq(absa_refnet_block_create(p->net, selection, &b), ABSA_OK, "%s",
                 absa_context_message(p->ctx));
    const int64_t m = absa_refnet_block_count(b);
    cr_assert_eq(m, absa_block_count(selection));
    double *v = vector_of(p->n, 50 + seed), *part = vector_of(m, 60 + seed);
    double *whole = malloc((size_t)p->n * sizeof *whole), *want = malloc((size_t)m * sizeof *want);
    double *got = malloc((size_t)m * sizeof *got);
    for (int gauss_newton = 0; gauss_newton < 2; gauss_newton++) {
        absa_status (*all)(absa_refnet *, const void *, void *) =
            gauss_newton ? absa_refnet_gnvp : absa_refnet_hvp;
        cr_assert_eq(absa_block_expand(selection, &space, part, v), ABSA_OK);
        cr_assert_eq(all(p->net, v, whole), ABSA_OK);
        cr_assert_eq(absa_block_gather(selection, &space, whole, want), ABSA_OK);
        const double scale = norm_of(p->n, whole);
        absa_random_gaussian_f64(70 + seed, 7, 0, p->n, v);
        cr_assert_eq(all(p->net, v, whole), ABSA_OK);
        for (int64_t i = 0; i < m; i++)
            got[i] = (double)NAN;
        cr_assert_eq(gauss_newton ? absa_refnet_block_gnvp(b, part, got)
                                  : absa_refnet_block_hvp(b, part, got),
                     ABSA_OK);
        for (int64_t i = 0; i < m; i++)
            cr_assert_float_eq(got[i], want[i], 200 * DBL_EPSILON * scale, "%s: element %d of %d",
                               name, (int)i, (int)m);
    }
    absa_refnet_block_destroy(&b);
    cr_assert_null(b);
    free(v);
    free(part);
    free(whole);
    free(want);
    free(got);
}

static void select_and_compare(const char *name, const point *p, const char *text, uint64_t seed)
{
    absa_block *selection = layout_of(p);
    cr_assert_eq(absa_block_select(selection, text), ABSA_OK, "%s: %s", name,
                 absa_context_message(p->ctx));
    compare(name, p, selection, seed);
    absa_block_destroy(&selection);
}

static void try_selections(const char *name, const point *p)
{
    char text[100];
    absa_block *layout = layout_of(p);
    const int64_t layers = absa_block_layer_count(layout);
    absa_block_destroy(&layout);
    for (int64_t k = 1; k <= layers; k++) {
        snprintf(text, sizeof text, "last:%d", (int)k);
        select_and_compare(name, p, text, (uint64_t)k);
    }
    for (int64_t i = 0; i < absa_refnet_range_count(p->net); i++) {
        absa_refnet_range r;
        absa_refnet_range_init(&r, sizeof r);
        cr_assert_eq(absa_refnet_range_at(p->net, i, &r), ABSA_OK);
        select_and_compare(name, p, r.range.name, 100);
        /* Its last element, and the first of what follows. */
        snprintf(text, sizeof text, "range:%d+%d", (int)(r.range.first + r.range.count - 1),
                 r.range.first + r.range.count < p->n ? 2 : 1);
        select_and_compare(name, p, text, 200);
    }
    snprintf(text, sizeof text, "range:0+1,range:%d+1", (int)(p->n - 1));
    select_and_compare(name, p, text, 300);
    select_and_compare(name, p, "full", 400);
}

Test(refnet_blocks, are_rows_and_columns_of_the_whole_products)
{
    for (int i = 0; i < NETWORK_COUNT; i++)
        for (int kept = 0; kept < 2; kept++) {
            absa_refnet_options o;
            point p;
            point_options(&NETWORKS[i], &o);
            o.weight_decay = 0.3;
            o.probe_rows = kept ? ROWS : 0;
            point_open(&p, &NETWORKS[i], &o);
            cr_assert_eq(absa_refnet_probe(p.net, p.theta, p.x, p.y, ROWS, NULL), ABSA_OK);
            try_selections(NETWORKS[i].name, &p);
            point_close(&p);
        }
}

Test(refnet_blocks, chunks_and_threads_make_the_same_products)
{
    for (int i = 0; i < NETWORK_COUNT; i += 3) {
        absa_refnet_options o;
        point p;
        point_options(&NETWORKS[i], &o);
        o.threads = 2;
        o.chunk_rows = o.ghost_rows ? o.ghost_rows : 2;
        o.probe_rows = 3;
        point_open(&p, &NETWORKS[i], &o);
        cr_assert_eq(absa_refnet_probe(p.net, p.theta, p.x, p.y, ROWS, NULL), ABSA_OK);
        try_selections(NETWORKS[i].name, &p);
        point_close(&p);
    }
}

static void open_resnet8(point *p, int32_t element)
{
    absa_refnet_options o;
    absa_refnet_options_init(&o, sizeof o);
    o.name = "resnet8";
    o.channels = 3;
    o.height = o.width = 8;
    o.outputs = 8;
    o.element = element;
    o.ghost_rows = 3;
    o.probe_rows = ROWS;
    point_open(p, NULL, &o);
}

/* The names of what a text selects, from the ranges that lie in it whole. */
static void expect_names(const point *p, const char *text, const char *const *names, int count)
{
    absa_block *b = layout_of(p);
    absa_block_range piece;
    int found = 0;
    cr_assert_eq(absa_block_select(b, text), ABSA_OK);
    for (int64_t i = 0; i < absa_refnet_range_count(p->net); i++) {
        absa_refnet_range r;
        absa_refnet_range_init(&r, sizeof r);
        cr_assert_eq(absa_refnet_range_at(p->net, i, &r), ABSA_OK);
        int inside = 0;
        for (int64_t k = 0; k < absa_block_piece_count(b); k++) {
            cr_assert_eq(absa_block_piece_at(b, k, &piece), ABSA_OK);
            inside |= piece.first <= r.range.first &&
                      r.range.first + r.range.count <= piece.first + piece.count;
        }
        if (!inside)
            continue;
        cr_assert_lt(found, count, "%s holds %s", text, r.range.name);
        cr_assert_str_eq(r.range.name, names[found++]);
    }
    cr_assert_eq(found, count);
    absa_block_destroy(&b);
}

Test(refnet_blocks, last_layers_of_resnet8_are_convolutions_with_their_batch_norm)
{
    static const char *const two[] = {"conv9.weight", "norm9.gain", "norm9.shift", "dense1.weight",
                                      "dense1.bias"};
    static const char *const four[] = {
        "conv7.weight", "norm7.gain", "norm7.shift", "conv8.weight",  "norm8.gain", "norm8.shift",
        "conv9.weight", "norm9.gain", "norm9.shift", "dense1.weight", "dense1.bias"};
    point p;
    open_resnet8(&p, ABSA_ELEMENT_F64);
    absa_block *b = layout_of(&p);
    cr_assert_eq(absa_block_layer_count(b), 10);
    cr_assert_eq(absa_block_select(b, "last:2"), ABSA_OK);
    cr_assert_eq(absa_block_count(b), 64 * 64 * 9 + 2 * 64 + 8 * 64 + 8);
    absa_block_destroy(&b);
    expect_names(&p, "last:2", two, 5);
    /* The shortcut, conv7, stands before its block's main path. */
    expect_names(&p, "last:4", four, 11);
    cr_assert_eq(absa_refnet_probe(p.net, p.theta, p.x, p.y, ROWS, NULL), ABSA_OK);
    try_selections("resnet8", &p);
    cr_assert_eq(absa_refnet_set_mode(p.net, ABSA_REFNET_EVALUATE), ABSA_OK);
    cr_assert_eq(absa_refnet_probe(p.net, p.theta, p.x, p.y, ROWS, NULL), ABSA_OK);
    select_and_compare("resnet8 in evaluation", &p, "last:2", 1);
    select_and_compare("resnet8 in evaluation", &p, "conv7.*", 2);
    point_close(&p);
}

Test(refnet_blocks, a_batch_norm_that_follows_no_weights_is_a_layer_of_its_own)
{
    static const network_case c = {"norms",
                                   ABSA_REFNET_SOFTMAX,
                                   4,
                                   1,
                                   1,
                                   .layers = {ACT(BATCH_NORM), DENSE(5), ACT(BATCH_NORM), ACT(TANH),
                                              ACT(BATCH_NORM), DENSE(3)},
                                   .ghost_rows = 3};
    static const int64_t want[] = {1, 1, 2, 2, 2, 2, 3, 3, 4, 4};
    absa_refnet_options o;
    point p;
    point_options(&c, &o);
    point_open(&p, &c, &o);
    cr_assert_eq(absa_refnet_range_count(p.net), 10);
    for (int64_t i = 0; i < 10; i++) {
        absa_refnet_range r;
        absa_refnet_range_init(&r, sizeof r);
        cr_assert_eq(absa_refnet_range_at(p.net, i, &r), ABSA_OK);
        cr_assert_eq(r.range.layer, want[i], "%s", r.range.name);
    }
    point_close(&p);
}

/* The restricted operator of any host and the network's own take the same steps. */
Test(refnet_blocks, the_cheap_way_and_the_general_one_give_the_same_eigenvalue)
{
    point p;
    absa_space space, small;
    absa_operator *whole, *ops[2];
    absa_refnet_block *b;
    absa_eigen_result r[2];
    open_resnet8(&p, ABSA_ELEMENT_F64);
    absa_block *selection = layout_of(&p);
    cr_assert_eq(absa_block_select(selection, "last:2"), ABSA_OK);
    cr_assert_eq(absa_refnet_probe(p.net, p.theta, p.x, p.y, ROWS, NULL), ABSA_OK);
    absa_refnet_space(p.net, &space, sizeof space);
    cr_assert_eq(absa_block_space(selection, &space, &small, sizeof small), ABSA_OK);
    cr_assert_eq(absa_refnet_block_create(p.net, selection, &b), ABSA_OK);
    cr_assert_eq(
        absa_operator_from_hvp(p.ctx, &space, absa_refnet_hvp_callback, p.net, NULL, &whole),
        ABSA_OK);
    cr_assert_eq(absa_operator_from_block(whole, selection, &ops[0]), ABSA_OK);
    cr_assert_eq(
        absa_operator_from_hvp(p.ctx, &small, absa_refnet_block_hvp_callback, b, NULL, &ops[1]),
        ABSA_OK);
    for (int i = 0; i < 2; i++) {
        absa_eigen *e;
        absa_eigen_result_init(&r[i], sizeof r[i]);
        cr_assert_eq(absa_eigen_create(p.ctx, &small, NULL, &e), ABSA_OK);
        cr_assert_eq(absa_eigen_run(e, ops[i], NULL, &r[i]), ABSA_OK);
        cr_assert(r[i].converged);
        absa_eigen_destroy(&e);
        absa_operator_destroy(&ops[i]);
    }
    cr_assert_eq(r[0].products, r[1].products);
    cr_assert_float_eq(r[0].value, r[1].value, 1e-10 * r[0].value);
    absa_operator_destroy(&whole);
    absa_refnet_block_destroy(&b);
    absa_block_destroy(&selection);
    point_close(&p);
}

Test(refnet_blocks, gauss_newton_blocks_through_the_callback_report_the_probes_rows)
{
    absa_refnet_options o;
    absa_refnet_block *b;
    point p;
    int64_t samples = 0;
    point_options(&NETWORKS[3], &o);
    point_open(&p, &NETWORKS[3], &o);
    absa_block *selection = layout_of(&p);
    cr_assert_eq(absa_block_select(selection, "last:1"), ABSA_OK);
    cr_assert_eq(absa_refnet_block_create(p.net, selection, &b), ABSA_OK);
    const int64_t m = absa_refnet_block_count(b);
    double *v = vector_of(m, 1), *a = vector_of(m, 2), *c = vector_of(m, 3);
    cr_assert_eq(absa_refnet_block_hvp_callback(b, v, a, &samples), ABSA_E_STATE, "no probe");
    cr_assert_eq(absa_refnet_probe(p.net, p.theta, p.x, p.y, ROWS, NULL), ABSA_OK);
    cr_assert_eq(absa_refnet_block_gnvp_callback(b, v, a, &samples), ABSA_OK);
    cr_assert_eq(samples, ROWS);
    cr_assert_eq(absa_refnet_block_gnvp(b, v, c), ABSA_OK);
    cr_assert_eq(memcmp(a, c, (size_t)m * sizeof *a), 0);
    cr_assert_eq(absa_refnet_block_hvp_callback(b, v, a, &samples), ABSA_OK);
    /* The last layer of a network is linear, so both matrices are the same there. */
    cr_assert_leq(distance(m, a, c), 1e-13);
    free(v);
    free(a);
    free(c);
    absa_refnet_block_destroy(&b);
    absa_block_destroy(&selection);
    point_close(&p);
}

Test(refnet_blocks, single_precision_agrees_with_double)
{
    point p, q;
    float *single, *v, *hv, *x;
    open_resnet8(&p, ABSA_ELEMENT_F64);
    absa_refnet_options o;
    absa_refnet_options_init(&o, sizeof o);
    o.name = "resnet8";
    o.channels = 3;
    o.height = o.width = 8;
    o.outputs = 8;
    o.ghost_rows = 3;
    cr_assert_eq(absa_refnet_create(p.ctx, &o, &q.net), ABSA_OK);
    const int64_t inputs = ROWS * absa_refnet_input_count(p.net);
    absa_block *selection = layout_of(&p);
    cr_assert_eq(absa_block_select(selection, "last:3"), ABSA_OK);
    absa_refnet_block *b[2];
    cr_assert_eq(absa_refnet_block_create(p.net, selection, &b[0]), ABSA_OK);
    cr_assert_eq(absa_refnet_block_create(q.net, selection, &b[1]), ABSA_OK);
    const int64_t m = absa_refnet_block_count(b[0]);
    double *dv = vector_of(m, 5), *want = vector_of(m, 6), *got = vector_of(m, 7);
    single = malloc((size_t)p.n * sizeof *single);
    x = malloc((size_t)inputs * sizeof *x);
    v = malloc((size_t)m * sizeof *v);
    hv = malloc((size_t)m * sizeof *hv);
    for (int64_t i = 0; i < p.n; i++)
        single[i] = (float)p.theta[i];
    for (int64_t i = 0; i < inputs; i++)
        x[i] = (float)p.x[i];
    for (int64_t i = 0; i < m; i++)
        v[i] = (float)dv[i];
    cr_assert_eq(absa_refnet_probe(p.net, p.theta, p.x, p.y, ROWS, NULL), ABSA_OK);
    cr_assert_eq(absa_refnet_probe(q.net, single, x, p.y, ROWS, NULL), ABSA_OK);
    cr_assert_eq(absa_refnet_block_hvp(b[0], dv, want), ABSA_OK);
    cr_assert_eq(absa_refnet_block_hvp(b[1], v, hv), ABSA_OK);
    for (int64_t i = 0; i < m; i++)
        got[i] = (double)hv[i];
    /* Some thirty layers, each rounding sums of up to 576 terms, and batch norms of few values. */
    cr_assert_leq(distance(m, got, want), 3e-3);
    for (int i = 0; i < 2; i++)
        absa_refnet_block_destroy(&b[i]);
    absa_block_destroy(&selection);
    absa_refnet_destroy(&q.net);
    free(single);
    free(x);
    free(v);
    free(hv);
    free(dv);
    free(want);
    free(got);
    point_close(&p);
}

Test(refnet_blocks, wrong_arguments_are_refused)
{
    absa_refnet_options o;
    absa_refnet_block *b;
    absa_block *selection, *other, *none;
    point p;
    double v[100] = {0}, w[100];
    point_options(&NETWORKS[0], &o);
    point_open(&p, &NETWORKS[0], &o);
    selection = none = layout_of(&p);
    cr_assert_eq(absa_refnet_layout(NULL, &none), ABSA_E_INVALID);
    cr_assert_null(none);
    cr_assert_eq(absa_refnet_layout(p.net, NULL), ABSA_E_INVALID);
    b = (absa_refnet_block *)&o;
    cr_assert_eq(absa_refnet_block_create(p.net, selection, &b), ABSA_E_STATE);
    cr_assert_null(b);
    cr_assert_eq(absa_block_create(p.ctx, p.n + 1, NULL, 0, &other), ABSA_OK);
    cr_assert_eq(absa_block_select(other, "full"), ABSA_OK);
    cr_assert_eq(absa_refnet_block_create(p.net, other, &b), ABSA_E_INVALID);
    cr_assert_not_null(strstr(absa_context_message(p.ctx), "25 parameters"));
    cr_assert_eq(absa_block_select(selection, "full"), ABSA_OK);
    cr_assert_eq(absa_refnet_block_create(NULL, selection, &b), ABSA_E_INVALID);
    cr_assert_eq(absa_refnet_block_create(p.net, NULL, &b), ABSA_E_INVALID);
    cr_assert_eq(absa_refnet_block_create(p.net, selection, NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_refnet_block_create(p.net, selection, &b), ABSA_OK);
    cr_assert_eq(absa_refnet_block_hvp(b, v, w), ABSA_E_STATE);
    cr_assert_eq(absa_refnet_probe(p.net, p.theta, p.x, p.y, ROWS, NULL), ABSA_OK);
    cr_assert_eq(absa_refnet_block_hvp(b, v, v), ABSA_E_INVALID);
    cr_assert_eq(absa_refnet_block_hvp(b, NULL, w), ABSA_E_INVALID);
    cr_assert_eq(absa_refnet_block_gnvp(b, v, NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_refnet_block_hvp(NULL, v, w), ABSA_E_INVALID);
    cr_assert_eq(absa_refnet_block_count(NULL), 0);
    absa_refnet_block_destroy(&b);
    absa_refnet_block_destroy(&b);
    absa_refnet_block_destroy(NULL);
    absa_block_destroy(&selection);
    absa_block_destroy(&other);
    point_close(&p);
}

Test(refnet_blocks, a_network_without_parameters_has_no_layout)
{
    const absa_refnet_layer relu = {.kind = ABSA_REFNET_RELU};
    absa_refnet_options o;
    absa_context *ctx;
    absa_refnet *net;
    absa_block *selection;
    absa_context_create(NULL, &ctx);
    absa_refnet_options_init(&o, sizeof o);
    o.channels = 2;
    o.layers = &relu;
    o.layer_count = 1;
    cr_assert_eq(absa_refnet_create(ctx, &o, &net), ABSA_OK, "%s", absa_context_message(ctx));
    cr_assert_eq(absa_refnet_layout(net, &selection), ABSA_E_INVALID);
    cr_assert_null(selection);
    cr_assert_str_eq(absa_context_message(ctx),
                     "absa_refnet_layout: the network has no parameters");
    absa_refnet_destroy(&net);
    absa_context_destroy(&ctx);
}

Test(refnet_blocks, every_failing_allocation_is_reported_and_leaks_nothing)
{
    int done = 0, failed = 0;
    for (int64_t k = 1; !done; k++) {
        faulty_alloc f = {0};
        absa_context *ctx = faulty_context(&f);
        absa_refnet_options o;
        absa_refnet *net;
        absa_block *selection = NULL;
        absa_refnet_block *b = NULL;
        point_options(&NETWORKS[3], &o);
        cr_assert_eq(absa_refnet_create(ctx, &o, &net), ABSA_OK);
        f.fail_at = f.calls + k;
        absa_status status = absa_refnet_layout(net, &selection);
        cr_assert_eq(selection == NULL, status != ABSA_OK);
        if (!status)
            status = absa_block_select(selection, "last:1,dense1.bias");
        if (!status)
            status = absa_refnet_block_create(net, selection, &b);
        cr_assert_eq(b == NULL, status != ABSA_OK);
        cr_assert(status == ABSA_OK || status == ABSA_E_MEMORY);
        done = status == ABSA_OK;
        failed += !done;
        absa_refnet_block_destroy(&b);
        absa_block_destroy(&selection);
        absa_refnet_destroy(&net);
        absa_context_destroy(&ctx);
        cr_assert_eq(f.live_blocks, 0);
        cr_assert_eq(f.errors, 0);
    }
    cr_assert_gt(failed, 8);
}
