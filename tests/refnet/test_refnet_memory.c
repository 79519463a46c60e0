/* What a network takes from its context: all of it at creation, as much as was said, and never
 * again; and what happens when there is no more. */
#include "refnet/networks.h"
#include "support/faulty_alloc.h"

static void lenet_options(absa_refnet_options *o)
{
    absa_refnet_options_init(o, sizeof *o);
    o->name = "lenet";
    o->height = o->width = 14;
    o->outputs = 4;
    o->probe_rows = ROWS;
    o->element = ABSA_ELEMENT_F64;
}

Test(refnet_memory, the_workspace_is_what_creation_takes_and_working_takes_nothing)
{
    faulty_alloc f = {0};
    absa_refnet_options o;
    absa_context *ctx = faulty_context(&f);
    absa_refnet *net;
    int64_t bytes = -1;
    lenet_options(&o);
    const int64_t before = f.live_bytes;
    cr_assert_eq(absa_refnet_workspace(ctx, &o, &bytes), ABSA_OK);
    cr_assert_eq(f.live_bytes, before, "asking keeps nothing");
    cr_assert_eq(absa_refnet_create(ctx, &o, &net), ABSA_OK);
    cr_assert_eq(f.live_bytes - before, bytes);

    const int64_t n = absa_refnet_parameter_count(net), calls = f.calls;
    double *theta = vector_of(n, 1), *g = vector_of(n, 1), *x = vector_of(ROWS * 14 * 14, 2), loss;
    double *dx = vector_of(ROWS * 14 * 14, 2), z[ROWS * 4];
    const int32_t labels[ROWS] = {0, 1, 2, 3, 0};
    absa_refnet_evaluation e;
    absa_refnet_evaluation_init(&e, sizeof e);
    cr_assert_eq(absa_refnet_init_parameters(net, 5, theta), ABSA_OK);
    cr_assert_eq(absa_refnet_loss(net, theta, x, labels, ROWS, &loss), ABSA_OK);
    cr_assert_eq(absa_refnet_gradient(net, theta, x, labels, ROWS, g, &loss), ABSA_OK);
    cr_assert_eq(absa_refnet_input_gradient(net, theta, x, labels, ROWS, dx, &loss), ABSA_OK);
    cr_assert_eq(absa_refnet_predict(net, theta, x, ROWS, z), ABSA_OK);
    cr_assert_eq(absa_refnet_evaluate(net, theta, x, labels, ROWS, &e), ABSA_OK);
    cr_assert_eq(absa_refnet_probe(net, theta, x, labels, ROWS, &loss), ABSA_OK);
    cr_assert_eq(absa_refnet_hvp(net, theta, g), ABSA_OK);
    cr_assert_eq(absa_refnet_gnvp(net, theta, g), ABSA_OK);
    cr_assert_eq(f.calls, calls);

    /* The network keeps its context. */
    absa_context_destroy(&ctx);
    cr_assert_eq(absa_refnet_loss(net, theta, x, labels, ROWS, &loss), ABSA_OK);
    absa_refnet_destroy(&net);
    cr_assert_eq(f.live_blocks, 0);
    cr_assert_eq(f.errors, 0);
    double *all[] = {theta, g, x, dx};
    for (int i = 0; i < 4; i++)
        free(all[i]);
}

/* Everything that a network does after its creation. */
static void use(absa_refnet *net, absa_refnet_block *block, int32_t mode)
{
    const int64_t n = absa_refnet_parameter_count(net), inputs = absa_refnet_input_count(net);
    const int64_t outputs = absa_refnet_output_count(net), rows = 11;
    double *theta = vector_of(n, 1), *out = vector_of(n, 2), *x = vector_of(rows * inputs, 3);
    double *dx = vector_of(rows * inputs, 4), *z = vector_of(rows * outputs, 5), loss;
    double *statistics = vector_of(absa_refnet_statistic_count(net) + 1, 6);
    int32_t labels[11] = {0, 1};
    absa_refnet_evaluation e;
    absa_refnet_range r;
    absa_space space;
    int64_t samples;
    absa_refnet_evaluation_init(&e, sizeof e);
    absa_refnet_range_init(&r, sizeof r);
    cr_assert_eq(absa_refnet_init_parameters(net, 5, theta), ABSA_OK);
    cr_assert_eq(absa_refnet_range_at(net, 0, &r), ABSA_OK);
    absa_refnet_space(net, &space, sizeof space);
    cr_assert_eq(absa_refnet_loss(net, theta, x, labels, rows, &loss), ABSA_OK);
    cr_assert_eq(absa_refnet_gradient(net, theta, x, labels, rows, out, &loss), ABSA_OK);
    cr_assert_eq(absa_refnet_track(net, 0.1), ABSA_OK);
    cr_assert_eq(absa_refnet_read_statistics(net, statistics), ABSA_OK);
    cr_assert_eq(absa_refnet_write_statistics(net, statistics), ABSA_OK);
    cr_assert_eq(absa_refnet_set_mode(net, mode), ABSA_OK);
    cr_assert_eq(absa_refnet_input_gradient(net, theta, x, labels, rows, dx, &loss), ABSA_OK);
    cr_assert_eq(absa_refnet_predict(net, theta, x, rows, z), ABSA_OK);
    cr_assert_eq(absa_refnet_evaluate(net, theta, x, labels, rows, &e), ABSA_OK);
    cr_assert_eq(absa_refnet_probe(net, theta, x, labels, rows, &loss), ABSA_OK);
    cr_assert_eq(absa_refnet_hvp_callback(net, theta, out, &samples), ABSA_OK);
    cr_assert_eq(absa_refnet_gnvp_callback(net, theta, out, &samples), ABSA_OK);
    cr_assert_eq(absa_refnet_block_hvp_callback(block, theta, out, &samples), ABSA_OK);
    cr_assert_eq(absa_refnet_block_gnvp_callback(block, theta, out, &samples), ABSA_OK);
    x[0] = NAN;
    cr_assert_eq(absa_refnet_gradient(net, theta, x, labels, rows, out, &loss), ABSA_E_NONFINITE);
    absa_refnet_probe_clear(net);
    double *all[] = {theta, out, x, dx, z, statistics};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

/* 11 rows in pieces of 2, of which 5 rows are kept. */
Test(refnet_memory, networks_of_all_names_take_nothing_while_they_work_in_any_number_of_threads)
{
    static const char *const names[] = {"logreg", "mlp", "lenet", "resnet8", "resnet20"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (int64_t threads = 1; threads <= 3; threads += 2)
            for (int32_t mode = ABSA_REFNET_TRAIN; mode <= ABSA_REFNET_EVALUATE; mode++) {
                faulty_alloc f = {0};
                absa_refnet_options o;
                absa_context *ctx = faulty_context(&f);
                absa_refnet *net;
                absa_block *selection;
                absa_refnet_block *block;
                int64_t bytes;
                lenet_options(&o);
                o.name = names[i];
                o.threads = threads;
                o.chunk_rows = o.ghost_rows = 2;
                const int64_t before = f.live_bytes;
                cr_assert_eq(absa_refnet_workspace(ctx, &o, &bytes), ABSA_OK);
                cr_assert_eq(absa_refnet_create(ctx, &o, &net), ABSA_OK);
                cr_assert_eq(f.live_bytes - before, bytes, "%s", names[i]);
                cr_assert_eq(absa_refnet_layout(net, &selection), ABSA_OK);
                cr_assert_eq(absa_block_select(selection, "last:1"), ABSA_OK);
                cr_assert_eq(absa_refnet_block_create(net, selection, &block), ABSA_OK);
                const int64_t calls = f.calls;
                use(net, block, mode);
                cr_assert_eq(f.calls, calls, "%s in %d threads", names[i], (int)threads);
                absa_refnet_block_destroy(&block);
                absa_block_destroy(&selection);
                absa_refnet_destroy(&net);
                absa_context_destroy(&ctx);
                cr_assert_eq(f.live_blocks, 0);
                cr_assert_eq(f.errors, 0);
            }
}

Test(refnet_memory, any_allocation_may_fail)
{
    absa_refnet_options o;
    int64_t failures = 0;
    lenet_options(&o);
    for (int64_t k = 1;; k++, failures++) {
        faulty_alloc f = {0};
        absa_context *ctx = faulty_context(&f);
        absa_refnet *net = (absa_refnet *)&o;
        f.calls = 0;
        f.fail_at = k;
        const absa_status status = absa_refnet_create(ctx, &o, &net);
        cr_assert(status == ABSA_OK || status == ABSA_E_MEMORY);
        cr_assert_eq(status == ABSA_OK, net != NULL);
        absa_refnet_destroy(&net);
        absa_context_destroy(&ctx);
        cr_assert_eq(f.live_blocks, 0);
        cr_assert_eq(f.errors, 0);
        if (status == ABSA_OK)
            break;
    }
    cr_assert_geq(failures, 6, "creation allocates in several places");
}

/* 2^62 weights a layer: their number is beyond any memory from the first layer on, and beyond 63
 * bits from the third. */
Test(refnet_memory, more_parameters_than_any_memory_holds_are_refused)
{
    absa_refnet_layer layers[6];
    absa_context *ctx;
    cr_assert_eq(absa_context_create(NULL, &ctx), ABSA_OK);
    for (int i = 0; i < 6; i++)
        layers[i] = (absa_refnet_layer){
            .kind = ABSA_REFNET_DENSE, .units = i < 4 ? INT32_MAX : 9, .no_bias = 1};
    for (int64_t count = 1; count <= 6; count++) {
        absa_refnet_options o;
        int64_t bytes = 17;
        absa_refnet_options_init(&o, sizeof o);
        o.channels = INT32_MAX;
        o.chunk_rows = 1;
        o.layers = layers;
        o.layer_count = count;
        cr_assert_eq(absa_refnet_workspace(ctx, &o, &bytes), ABSA_E_MEMORY, "%d layers: %s",
                     (int)count, absa_context_message(ctx));
        cr_assert(strstr(absa_context_message(ctx), "do not fit into any memory"));
        cr_assert_eq(bytes, 17);
    }
    absa_context_destroy(&ctx);
}

/* 2^25 bytes of running statistics and 2^24 weights: a question about them needs none of it. */
Test(refnet_memory, asking_for_the_workspace_takes_memory_for_the_layers_alone)
{
    const absa_refnet_layer layers[] = {{.kind = ABSA_REFNET_BATCH_NORM},
                                        {.kind = ABSA_REFNET_DENSE, .units = 16}};
    faulty_alloc f = {0};
    absa_refnet_options o;
    absa_context *ctx = faulty_context(&f);
    int64_t bytes;
    absa_refnet_options_init(&o, sizeof o);
    o.channels = 1 << 20;
    o.chunk_rows = o.ghost_rows = 1;
    o.layers = layers;
    o.layer_count = 2;
    cr_assert_eq(absa_refnet_workspace(ctx, &o, &bytes), ABSA_OK);
    cr_assert_gt(bytes, 1 << 25);
    cr_assert_lt(f.peak_bytes, 1 << 16);
    absa_context_destroy(&ctx);
    cr_assert_eq(f.live_blocks, 0);
}
