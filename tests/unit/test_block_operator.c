/* The operator of a block against the sub-matrix of a dense one: in every kind of host memory, over
 * processes, and through vector tables. */
#include "support/dense_blocks.h"
#include "support/processes.h"

#include <absa/random.h>

#include <float.h>
#include <stdlib.h>
#include <string.h>

static absa_context *context(void)
{
    absa_context *ctx;
    cr_assert_eq(absa_context_create(NULL, &ctx), ABSA_OK);
    return ctx;
}

static absa_block *select(absa_context *ctx, const char *text)
{
    absa_block *b;
    cr_assert_eq(absa_block_create(ctx, DENSE_N, NULL, 0, &b), ABSA_OK);
    cr_assert_eq(absa_block_select(b, text), ABSA_OK, "%s", absa_context_message(ctx));
    return b;
}

static const char *const SELECTIONS[] = {"range:3+5", "range:0+1", "range:29+1",
                                         "range:2+3,range:7+1,range:20+9", "full"};
enum { SELECTION_COUNT = sizeof SELECTIONS / sizeof *SELECTIONS };

Test(block_operator, equals_the_sub_matrix_bit_by_bit)
{
    dense_host h;
    dense_fill(&h, 1);
    absa_context *ctx = context();
    absa_space space;
    absa_operator *whole = dense_operator(ctx, &h, &space), *part;
    for (int k = 0; k < SELECTION_COUNT; k++) {
        absa_block *b = select(ctx, SELECTIONS[k]);
        double sub[DENSE_N * DENSE_N];
        const int64_t m = dense_sub_matrix(&h, b, sub);
        cr_assert_eq(absa_operator_from_block(whole, b, &part), ABSA_OK);
        absa_block_destroy(&b);
        for (int64_t j = 0; j < m; j++) {
            /* A unit vector: every other term of the products is an exact zero. */
            double x[DENSE_N] = {0}, y[DENSE_N];
            x[j] = 1;
            cr_assert_eq(absa_operator_apply(part, x, y), ABSA_OK);
            for (int64_t i = 0; i < m; i++)
                cr_assert_eq(y[i], sub[i * m + j]);
        }
        cr_assert_eq(absa_operator_products(part), m);
        absa_operator_destroy(&part);
    }
    absa_operator_destroy(&whole);
    absa_context_destroy(&ctx);
}

typedef struct single_host {
    dense_host *dense;
    int segments; /* vectors are lists of segments */
} single_host;

static float *flat_of(const single_host *h, const void *v, float *room)
{
    const absa_segment *list = v;
    if (!h->segments) {
        memcpy(room, v, DENSE_N * sizeof *room);
        return room;
    }
    for (int64_t i = 0, at = 0; at < DENSE_N; at += list[i++].length)
        if (list[i].length)
            memcpy(room + at, list[i].data, (size_t)list[i].length * sizeof *room);
    return room;
}

static int single_product(void *user, const void *v, void *hv, int64_t *samples)
{
    const single_host *h = user;
    float x[DENSE_N], y[DENSE_N];
    (void)samples;
    flat_of(h, v, x);
    for (int i = 0; i < DENSE_N; i++) {
        double sum = 0;
        for (int j = 0; j < DENSE_N; j++)
            sum += h->dense->a[i * DENSE_N + j] * (double)x[j];
        y[i] = (float)sum;
    }
    const absa_segment *list = hv;
    if (!h->segments)
        memcpy(hv, y, sizeof y);
    else
        for (int64_t i = 0, at = 0; at < DENSE_N; at += list[i++].length)
            if (list[i].length)
                memcpy(list[i].data, y + at, (size_t)list[i].length * sizeof *y);
    return 0;
}

Test(block_operator, reaches_single_precision_vectors_whole_and_in_segments)
{
    static const int64_t lengths[] = {0, 4, 1, 0, 0, 15, 10, 0};
    dense_host dense;
    dense_fill(&dense, 2);
    for (int k = 0; k < 2 * SELECTION_COUNT; k++) {
        absa_context *ctx = context();
        single_host h = {&dense, k % 2};
        absa_block *b = select(ctx, SELECTIONS[k / 2]);
        absa_space space, small;
        absa_operator *whole, *part;
        double sub[DENSE_N * DENSE_N];
        float x[DENSE_N], y[DENSE_N];
        const int64_t m = dense_sub_matrix(&dense, b, sub);
        absa_space_host(&space, sizeof space, ABSA_ELEMENT_F32, DENSE_N);
        space.segments = h.segments ? lengths : NULL;
        space.segment_count = h.segments ? 8 : 0;
        cr_assert_eq(absa_operator_from_hvp(ctx, &space, single_product, &h, NULL, &whole),
                     ABSA_OK);
        cr_assert_eq(absa_operator_from_block(whole, b, &part), ABSA_OK, "%s",
                     absa_context_message(ctx));
        cr_assert_eq(absa_block_space(b, &space, &small, sizeof small), ABSA_OK);
        cr_assert(small.n == m && small.element == ABSA_ELEMENT_F32 && !small.segments);
        for (int64_t j = 0; j < m; j++) {
            memset(x, 0, sizeof x);
            x[j] = 1;
            cr_assert_eq(absa_operator_apply(part, x, y), ABSA_OK);
            for (int64_t i = 0; i < m; i++)
                cr_assert_eq(y[i], (float)sub[i * m + j]);
        }
        absa_operator_destroy(&part);
        absa_operator_destroy(&whole);
        absa_block_destroy(&b);
        absa_context_destroy(&ctx);
    }
}

Test(block_operator, expanding_pads_with_zeros_and_gathering_undoes_it)
{
    static const int64_t lengths[] = {3, 0, 27};
    absa_context *ctx = context();
    absa_block *b = select(ctx, "range:2+3,range:7+1,range:20+9");
    const int64_t at[] = {2, 3, 4, 7, 20, 21, 22, 23, 24, 25, 26, 27, 28};
    for (int segmented = 0; segmented < 2; segmented++) {
        double part[13], again[13], whole[DENSE_N];
        absa_segment list[] = {{whole, 3}, {NULL, 0}, {whole + 3, 27}};
        void *v = segmented ? (void *)list : (void *)whole;
        absa_space space;
        absa_space_host(&space, sizeof space, ABSA_ELEMENT_F64, DENSE_N);
        space.segments = segmented ? lengths : NULL;
        space.segment_count = segmented ? 3 : 0;
        for (int i = 0; i < 13; i++)
            part[i] = i + 1;
        for (int i = 0; i < DENSE_N; i++)
            whole[i] = __builtin_nan("");
        cr_assert_eq(absa_block_expand(b, &space, part, v), ABSA_OK);
        for (int i = 0, k = 0; i < DENSE_N; i++)
            cr_assert_eq(whole[i], k < 13 && at[k] == i ? part[k++] : 0.0);
        cr_assert_eq(absa_block_gather(b, &space, v, again), ABSA_OK);
        cr_assert_eq(memcmp(part, again, sizeof part), 0);
    }
    absa_block_destroy(&b);
    absa_context_destroy(&ctx);
}

/* Were the block padded with zeros instead, a negative definite one would show a top of 0. */
Test(block_operator, a_negative_definite_block_has_no_eigenvalue_zero)
{
    dense_host h;
    dense_fill(&h, 3);
    for (int i = 0; i < DENSE_N; i++)
        h.a[i * DENSE_N + i] -= 10;
    absa_context *ctx = context();
    absa_space space;
    absa_operator *whole = dense_operator(ctx, &h, &space);
    const absa_block_range range = {NULL, 4, 6, 0};
    absa_eigen_result r;
    double sub[DENSE_N * DENSE_N];
    absa_block *b = select(ctx, "range:4+6");
    const int64_t m = dense_sub_matrix(&h, b, sub);
    const double top = dense_top(m, sub);
    cr_assert_lt(top, -1);
    absa_eigen_options o;
    absa_eigen_options_init(&o, sizeof o);
    o.rule = ABSA_RULE_FIXED;
    o.max_products = m;
    cr_assert_eq(absa_block_eigenvalues(whole, &range, 1, &o, 0, &r, sizeof r), ABSA_OK, "%s",
                 absa_context_message(ctx));
    /* All m products of a small block: the value is exact up to the rounding of m steps. */
    cr_assert_float_eq(r.value, top, 1e3 * DBL_EPSILON * 12);
    absa_block_destroy(&b);
    absa_operator_destroy(&whole);
    absa_context_destroy(&ctx);
}

/* A part of the dense host's rows. The "product" of a shard needs the whole x: it is summed from
 * the shards here, as a host with sharded parameters does in its own way. */
typedef struct shard_host {
    dense_host *dense;
    process *p;
    int64_t first, n;
    int fails;
} shard_host;

static int shard_product(void *user, const void *v, void *hv, int64_t *samples)
{
    const shard_host *h = user;
    double x[DENSE_N] = {0};
    (void)samples;
    memcpy(x + h->first, v, (size_t)h->n * sizeof *x);
    process_reduce(h->p, x, DENSE_N);
    for (int64_t i = 0; i < h->n; i++) {
        double sum = 0;
        for (int64_t j = 0; j < DENSE_N; j++)
            sum += h->dense->a[(h->first + i) * DENSE_N + j] * x[j];
        ((double *)hv)[i] = sum;
    }
    return h->fails;
}

typedef struct shard_run {
    dense_host dense;
    const char *selection;
    absa_eigen_result result[7];
    absa_status status[7];
    int64_t local[7];
    int failing;
} shard_run;

static void run_shard(process *p)
{
    static const int64_t cuts[8] = {0, 4, 4, 11, 12, 21, 27, DENSE_N};
    shard_run *run = p->user;
    absa_context *ctx = context();
    absa_block *b = select(ctx, run->selection);
    shard_host h = {.dense = &run->dense, .p = p, .fails = p->rank == run->failing};
    absa_space space, small;
    absa_operator *whole, *part;
    absa_eigen *e;
    absa_eigen_options o;
    h.first = cuts[p->rank];
    h.n = (p->rank == p->count - 1 ? DENSE_N : cuts[p->rank + 1]) - h.first;
    absa_space_host(&space, sizeof space, ABSA_ELEMENT_F64, h.n);
    space.n_global = DENSE_N;
    space.first = h.first;
    space.distribution = ABSA_DISTRIBUTION_SHARDED;
    space.reduce = process_reduce;
    space.reduce_user = p;
    absa_eigen_options_init(&o, sizeof o);
    o.rule = ABSA_RULE_CERTIFIED;
    o.tolerance = 1e-9;
    o.memory = ABSA_MEMORY_BASIS;
    absa_eigen_result_init(&run->result[p->rank], sizeof *run->result);
    run->status[p->rank] = absa_operator_from_hvp(ctx, &space, shard_product, &h, NULL, &whole);
    cr_assert_eq(absa_operator_from_block(whole, b, &part), ABSA_OK, "%s",
                 absa_context_message(ctx));
    cr_assert_eq(absa_block_space(b, &space, &small, sizeof small), ABSA_OK);
    run->local[p->rank] = small.n;
    cr_assert_eq(small.n_global, absa_block_count(b));
    /* Start vectors are made by global index: the block's own. */
    int64_t before = 0;
    for (int64_t i = 0; i < absa_block_piece_count(b); i++) {
        absa_block_range piece;
        cr_assert_eq(absa_block_piece_at(b, i, &piece), ABSA_OK);
        for (int64_t k = piece.first; k < piece.first + piece.count && k < h.first; k++)
            before++;
    }
    cr_assert_eq(small.first, before);
    cr_assert_eq(absa_eigen_create(ctx, &small, &o, &e), ABSA_OK, "%s", absa_context_message(ctx));
    run->status[p->rank] = absa_eigen_run(e, part, NULL, &run->result[p->rank]);
    absa_eigen_destroy(&e);
    absa_operator_destroy(&part);
    absa_operator_destroy(&whole);
    absa_block_destroy(&b);
    absa_context_destroy(&ctx);
}

/* Shards with nothing selected, and one with nothing at all, take part all the same. */
Test(block_operator, ranges_are_global_indices_of_sharded_vectors)
{
    static shard_run one, many;
    dense_fill(&one.dense, 4);
    one.failing = many.failing = -1;
    many.dense = one.dense;
    one.selection = many.selection = "range:2+5,range:13+4,range:25+1";
    absa_context *ctx = context();
    absa_block *b = select(ctx, one.selection);
    double sub[DENSE_N * DENSE_N];
    const int64_t m = dense_sub_matrix(&one.dense, b, sub);
    const double top = dense_top(m, sub);
    absa_block_destroy(&b);
    absa_context_destroy(&ctx);
    processes_run(1, run_shard, &one);
    cr_assert_eq(one.status[0], ABSA_OK);
    cr_assert_float_eq(one.result[0].value, top, 1e-9 * fabs(top));
    const int counts[] = {2, 3, 7};
    for (int k = 0; k < 3; k++) {
        processes_run(counts[k], run_shard, &many);
        int64_t sum = 0;
        for (int r = 0; r < counts[k]; r++) {
            cr_assert_eq(many.status[r], ABSA_OK);
            sum += many.local[r];
            /* The same start vector whatever the shards: the sums are ordered otherwise. */
            cr_assert_eq(many.result[r].products, one.result[0].products);
            cr_assert_float_eq(many.result[r].value, one.result[0].value, 1e-12);
        }
        cr_assert_eq(sum, m);
    }
    const int64_t expected[7] = {2, 0, 3, 0, 4, 1, 0};
    cr_assert_eq(memcmp(many.local, expected, sizeof expected), 0);
}

Test(block_operator, a_failing_shard_fails_all)
{
    static shard_run run;
    dense_fill(&run.dense, 4);
    run.selection = "range:2+5,range:13+4";
    for (run.failing = 0; run.failing < 3; run.failing++) {
        processes_run(3, run_shard, &run);
        for (int r = 0; r < 3; r++)
            cr_assert_eq(run.status[r], r == run.failing ? ABSA_E_CALLBACK : ABSA_E_PEER);
    }
}

static int weighted(void *user, const void *v, void *hv, int64_t *samples)
{
    const shard_host *h = user;
    dense_product(h->dense, v, hv, samples);
    for (int i = 0; i < DENSE_N; i++)
        ((double *)hv)[i] *= h->p->rank + 1;
    *samples = h->p->rank + 1;
    return 0;
}

/* Process r covers r + 1 samples of (r + 1) A: their mean is (1 + 4 + 9) / 6 A. */
static void run_replicated(process *p)
{
    shard_run *run = p->user;
    absa_context *ctx = context();
    absa_block *b = select(ctx, run->selection);
    shard_host h = {.dense = &run->dense, .p = p};
    absa_space space, small;
    absa_operator_options o;
    absa_operator *whole, *part;
    double sub[DENSE_N * DENSE_N], x[DENSE_N] = {0}, y[DENSE_N];
    const int64_t m = dense_sub_matrix(&run->dense, b, sub);
    absa_space_host(&space, sizeof space, ABSA_ELEMENT_F64, DENSE_N);
    process_replicate(p, &space, &o);
    cr_assert_eq(absa_operator_from_hvp(ctx, &space, weighted, &h, &o, &whole), ABSA_OK);
    cr_assert_eq(absa_operator_from_block(whole, b, &part), ABSA_OK);
    cr_assert_eq(absa_block_space(b, &space, &small, sizeof small), ABSA_OK);
    cr_assert(small.n == m && small.n_global == m && small.first == 0 &&
              small.distribution == ABSA_DISTRIBUTION_REPLICATED && small.reduce_user == p);
    x[1] = 1;
    cr_assert_eq(absa_operator_apply(part, x, y), ABSA_OK);
    for (int64_t i = 0; i < m; i++) /* a few roundings */
        cr_assert_float_eq(y[i], sub[i * m + 1] * 14 / 6, 8 * DBL_EPSILON * fabs(sub[i * m + 1]));
    absa_operator_destroy(&part);
    absa_operator_destroy(&whole);
    absa_block_destroy(&b);
    absa_context_destroy(&ctx);
}

Test(block_operator, replicated_products_are_summed_by_the_whole_operator)
{
    static shard_run run;
    dense_fill(&run.dense, 5);
    run.selection = "range:2+5,range:13+4";
    processes_run(3, run_replicated, &run);
}

static int of_part(void *user, const void *v, void *hv, int64_t *samples)
{
    const double *sub = user;
    (void)samples;
    for (int i = 0; i < 7; i++) {
        ((double *)hv)[i] = 0;
        for (int j = 0; j < 7; j++)
            ((double *)hv)[i] += sub[i * 7 + j] * ((const double *)v)[j];
    }
    return 0;
}

/* The cheap way: the host's own product of dimension m, on the same space. */
Test(block_operator, a_hosts_own_block_product_takes_the_same_steps)
{
    dense_host h;
    dense_fill(&h, 6);
    absa_context *ctx = context();
    absa_space space, small;
    absa_operator *whole = dense_operator(ctx, &h, &space), *ops[2];
    absa_block *b = select(ctx, "range:2+4,range:13+3");
    double sub[DENSE_N * DENSE_N];
    cr_assert_eq(dense_sub_matrix(&h, b, sub), 7);
    cr_assert_eq(absa_block_space(b, &space, &small, sizeof small), ABSA_OK);
    cr_assert_eq(absa_operator_from_block(whole, b, &ops[0]), ABSA_OK);
    cr_assert_eq(absa_operator_from_hvp(ctx, &small, of_part, sub, NULL, &ops[1]), ABSA_OK);
    absa_eigen_result r[2];
    for (int i = 0; i < 2; i++) {
        absa_eigen *e;
        absa_eigen_result_init(&r[i], sizeof r[i]);
        cr_assert_eq(absa_eigen_create(ctx, &small, NULL, &e), ABSA_OK);
        cr_assert_eq(absa_eigen_run(e, ops[i], NULL, &r[i]), ABSA_OK);
        absa_eigen_destroy(&e);
        absa_operator_destroy(&ops[i]);
    }
    cr_assert_eq(r[0].products, r[1].products);
    cr_assert_float_eq(r[0].value, r[1].value, 1e-13);
    cr_assert_float_eq(r[0].value, dense_top(7, sub), 1e-2 * fabs(r[0].value));
    absa_operator_destroy(&whole);
    absa_block_destroy(&b);
    absa_context_destroy(&ctx);
}
