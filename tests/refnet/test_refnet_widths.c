/* The arithmetic compiled for wider vectors against the plain one, function by function: the bits
 * are the same, so a result does not hang on the processor but through BLAS. White-box: a network
 * works with the widest that its processor has, and only here with the others. */
#include "refnet/net.h"

#include "refnet/networks.h"

enum { MANY = 45 }; /* rows: more than the widest vectors take, and no multiple of any */

#ifdef ABSA__NET_WIDE
extern const absa__net_driver absa__net_driver_f32_avx2, absa__net_driver_f64_avx2;
extern const absa__net_driver absa__net_driver_f32_avx512, absa__net_driver_f64_avx512;
#endif

/* The k-th driver of a type beside the plain one that this processor can run; NULL: no more. */
static const absa__net_driver *wide_driver(int k, int single)
{
#ifdef ABSA__NET_WIDE
    __builtin_cpu_init();
    if (k == 0 && __builtin_cpu_supports("avx2"))
        return single ? &absa__net_driver_f32_avx2 : &absa__net_driver_f64_avx2;
    if (k == 1 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        return single ? &absa__net_driver_f32_avx512 : &absa__net_driver_f64_avx512;
#endif
    (void)k;
    (void)single;
    return NULL;
}

typedef struct sample {
    absa_context *ctx;
    absa_refnet *net;
    absa_refnet_block *block;
    int64_t n, inputs, outputs;
    size_t size; /* of an element */
    void *theta, *x, *v, *targets;
    int32_t labels[MANY];
} sample;

static void *numbers(int64_t count, size_t size, uint64_t seed)
{
    void *out = calloc((size_t)count, size);
    if (size == sizeof(float))
        absa_random_gaussian_f32(seed, 1, 0, count, out);
    else
        absa_random_gaussian_f64(seed, 1, 0, count, out);
    return out;
}

static void open_sample(sample *s, const network_case *c, int32_t element)
{
    absa_refnet_options o;
    absa_block *last;
    point_options(c, &o);
    o.element = element;
    o.weight_decay = 0.1;
    o.probe_rows = 30; /* the last piece is computed again */
    o.chunk_rows = o.ghost_rows ? 5 * o.ghost_rows : 20;
    cr_assert_eq(absa_context_create(NULL, &s->ctx), ABSA_OK);
    cr_assert_eq(absa_refnet_create(s->ctx, &o, &s->net), ABSA_OK, "%s",
                 absa_context_message(s->ctx));
    cr_assert_eq(absa_refnet_layout(s->net, &last), ABSA_OK);
    cr_assert_eq(absa_block_select(last, "last:1"), ABSA_OK);
    cr_assert_eq(absa_refnet_block_create(s->net, last, &s->block), ABSA_OK);
    absa_block_destroy(&last);
    s->size = element == ABSA_ELEMENT_F32 ? sizeof(float) : sizeof(double);
    s->n = absa_refnet_parameter_count(s->net);
    s->inputs = absa_refnet_input_count(s->net);
    s->outputs = absa_refnet_output_count(s->net);
    s->theta = numbers(s->n, s->size, 1);
    s->x = numbers(MANY * s->inputs, s->size, 2);
    s->v = numbers(s->n, s->size, 3);
    s->targets = numbers(MANY * s->outputs, s->size, 4);
    const int32_t classes = c->loss == ABSA_REFNET_LOGISTIC ? 2 : (int32_t)s->outputs;
    for (int32_t i = 0; i < MANY; i++)
        s->labels[i] = i % classes;
    s->net->pass_mode = s->net->probe_mode = c->mode;
}

static void close_sample(sample *s)
{
    void *all[] = {s->theta, s->x, s->v, s->targets};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    absa_refnet_block_destroy(&s->block);
    absa_refnet_destroy(&s->net);
    absa_context_destroy(&s->ctx);
}

enum { OUTPUTS, GRADIENT, INPUT, PRODUCT, GAUSS_NEWTON, BLOCK, STATISTICS, NUMBERS, PARTS };

static const char *const PART_NAMES[PARTS] = {
    "outputs", "gradient",   "input gradient", "product", "Gauss-Newton product",
    "block",   "statistics", "losses"};

/* All that a driver computes; each part is the caller's to free. */
typedef struct answers {
    size_t bytes[PARTS];
    void *part[PARTS];
} answers;

static answers ask(sample *s, const absa__net_driver *d, int32_t loss)
{
    absa_refnet *net = s->net;
    const void *y = loss == ABSA_REFNET_SQUARED ? s->targets : (const void *)s->labels;
    const int64_t counts[PARTS] = {
        MANY * s->outputs, s->n, MANY * s->inputs, s->n, s->n, absa_refnet_block_count(s->block)};
    absa__net_sums sums[4] = {{.bad_row = -1}, {.bad_row = -1}, {.bad_row = -1}, {.bad_row = -1}};
    answers a;
    for (int k = 0; k < STATISTICS; k++) {
        a.bytes[k] = (size_t)counts[k] * s->size;
        a.part[k] = calloc(1, a.bytes[k]);
    }
    d->evaluate(net, s->theta, s->x, y, MANY, a.part[OUTPUTS], &sums[0]);
    d->gradient(net, s->theta, s->x, y, MANY, a.part[GRADIENT], &sums[1]);
    a.bytes[STATISTICS] = (size_t)net->statistic_count * sizeof(double);
    a.part[STATISTICS] = calloc(1, a.bytes[STATISTICS] + 1);
    if (net->statistic_count)
        memcpy(a.part[STATISTICS], net->statistics + net->statistic_count, a.bytes[STATISTICS]);
    d->input_gradient(net, s->theta, s->x, y, MANY, a.part[INPUT], &sums[2]);
    d->probe(net, s->theta, s->x, y, MANY, &sums[3]);
    net->probe_x = s->x;
    net->probe_y = y;
    net->probe_rows = MANY;
    d->product(net, 0, s->v, a.part[PRODUCT]);
    d->product(net, 1, s->v, a.part[GAUSS_NEWTON]);
    d->block_product(s->block, 0, s->v, a.part[BLOCK]);
    double *found = calloc(9, sizeof *found);
    for (int k = 0; k < 4; k++) {
        cr_assert_eq(sums[k].bad_row, -1);
        found[2 * k] = sums[k].loss;
        found[2 * k + 1] = (double)sums[k].correct;
    }
    found[8] = d->square(s->n, s->theta);
    a.part[NUMBERS] = found;
    a.bytes[NUMBERS] = 9 * sizeof *found;
    return a;
}

static void forget(answers *a)
{
    for (int k = 0; k < PARTS; k++)
        free(a->part[k]);
}

static void compare_all(int32_t element)
{
    const int single = element == ABSA_ELEMENT_F32;
    const absa__net_driver *plain = single ? &absa__net_driver_f32 : &absa__net_driver_f64;
    for (int i = 0; i < NETWORK_COUNT; i++)
        for (int k = 0; wide_driver(k, single); k++) {
            const int32_t loss = NETWORKS[i].loss;
            sample s;
            open_sample(&s, &NETWORKS[i], element);
            answers want = ask(&s, plain, loss), got = ask(&s, wide_driver(k, single), loss);
            for (int part = 0; part < PARTS; part++)
                cr_assert_eq(memcmp(got.part[part], want.part[part], want.bytes[part]), 0,
                             "%s, driver %d: %s", NETWORKS[i].name, k, PART_NAMES[part]);
            forget(&want);
            forget(&got);
            close_sample(&s);
        }
}

Test(refnet_widths, of_vectors_change_no_bit_in_single_precision)
{
    compare_all(ABSA_ELEMENT_F32);
}

Test(refnet_widths, of_vectors_change_no_bit_in_double_precision)
{
    compare_all(ABSA_ELEMENT_F64);
}
