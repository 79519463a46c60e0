/* Blocks when things go wrong, the eigenvalues of several blocks, and vectors that the library
 * cannot touch. */
#include "support/dense_blocks.h"
#include "support/faulty_alloc.h"
#include "support/processes.h"

#include <float.h>
#include <stdlib.h>

/* A table over calloc'ed doubles; from call fail_at on (0: never) one operation fails. */
typedef struct table {
    dense_host dense;
    int64_t calls, fail_at;
} table;

static int counted(void *user)
{
    table *t = user;
    return ++t->calls == t->fail_at ? 5 : 0;
}

static int t_alloc(void *user, void **out)
{
    (void)user;
    *out = malloc(DENSE_N * sizeof(double));
    for (int i = 0; *out && i < DENSE_N; i++)
        ((double *)*out)[i] = (double)NAN;
    return *out == NULL;
}

static void t_release(void *user, void *v)
{
    (void)user;
    free(v);
}

static int t_axpby(void *user, double a, const void *x, double b, void *y)
{
    for (int i = 0; i < DENSE_N; i++)
        ((double *)y)[i] = a * ((const double *)x)[i] + (b != 0.0 ? b * ((double *)y)[i] : 0.0);
    return counted(user);
}

static int t_dots(void *user, int64_t count, const void *const *x, const void *y, double *out)
{
    for (int64_t k = 0; k < count; k++) {
        out[k] = 0;
        for (int i = 0; i < DENSE_N; i++)
            out[k] += ((const double *)x[k])[i] * ((const double *)y)[i];
    }
    return counted(user);
}

static int t_gaussian(void *user, uint64_t seed, uint64_t stream, void *y)
{
    absa_random_gaussian_f64(seed, stream, 0, DENSE_N, y);
    return counted(user);
}

static int t_read(void *user, const void *x, int64_t first, int64_t count, double *out)
{
    memcpy(out, (const double *)x + first, (size_t)count * sizeof *out);
    return counted(user);
}

static int t_write(void *user, int64_t first, int64_t count, const double *in, void *y)
{
    memcpy((double *)y + first, in, (size_t)count * sizeof *in);
    return counted(user);
}

static int t_product(void *user, const void *v, void *hv, int64_t *samples)
{
    table *t = user;
    dense_product(&t->dense, v, hv, samples);
    return counted(user);
}

static absa_vector_ops table_ops(void)
{
    return (absa_vector_ops){.struct_size = sizeof(absa_vector_ops),
                             .alloc = t_alloc,
                             .release = t_release,
                             .axpby = t_axpby,
                             .dots = t_dots,
                             .gaussian = t_gaussian,
                             .read = t_read,
                             .write = t_write};
}

static void table_space(absa_space *space, const absa_vector_ops *ops, table *t)
{
    absa_space_host(space, sizeof *space, ABSA_ELEMENT_F64, DENSE_N);
    space->ops = ops;
    space->ops_user = t;
}

static absa_block *select(absa_context *ctx, const char *text)
{
    absa_block *b;
    cr_assert_eq(absa_block_create(ctx, DENSE_N, NULL, 0, &b), ABSA_OK);
    cr_assert_eq(absa_block_select(b, text), ABSA_OK);
    return b;
}

static absa_context *context(void)
{
    absa_context *ctx;
    cr_assert_eq(absa_context_create(NULL, &ctx), ABSA_OK);
    return ctx;
}

Test(block_faults, a_vector_table_needs_read_and_write_and_then_serves)
{
    static table t;
    dense_fill(&t.dense, 1);
    absa_context *ctx = context();
    absa_block *b = select(ctx, "range:2+3,range:11+8");
    double sub[DENSE_N * DENSE_N];
    const int64_t m = dense_sub_matrix(&t.dense, b, sub);
    for (int missing = 0; missing < 3; missing++) {
        absa_vector_ops ops = table_ops();
        absa_space space, small;
        absa_operator *whole, *part = NULL;
        ops.read = missing == 1 ? NULL : ops.read;
        ops.write = missing == 2 ? NULL : ops.write;
        table_space(&space, &ops, &t);
        cr_assert_eq(absa_operator_from_hvp(ctx, &space, t_product, &t, NULL, &whole), ABSA_OK);
        const absa_status status = absa_operator_from_block(whole, b, &part);
        if (missing) {
            cr_assert_eq(status, ABSA_E_UNSUPPORTED);
            cr_assert_null(part);
            cr_assert_not_null(
                strstr(absa_context_message(ctx), missing == 1 ? "no read" : "no write"));
        } else {
            double x[DENSE_N] = {0}, y[DENSE_N];
            cr_assert_eq(status, ABSA_OK);
            cr_assert_eq(absa_block_space(b, &space, &small, sizeof small), ABSA_OK);
            cr_assert(!small.ops && small.n == m);
            for (int64_t j = 0; j < m; j++) {
                memset(x, 0, sizeof x);
                x[j] = 1;
                cr_assert_eq(absa_operator_apply(part, x, y), ABSA_OK);
                for (int64_t i = 0; i < m; i++)
                    cr_assert_eq(y[i], sub[i * m + j]);
            }
        }
        absa_operator_destroy(&part);
        absa_operator_destroy(&whole);
    }
    absa_block_destroy(&b);
    absa_context_destroy(&ctx);
}

Test(block_faults, expanding_and_gathering_say_what_the_table_lacks)
{
    static table t;
    absa_context *ctx = context();
    absa_block *b = select(ctx, "range:2+3");
    absa_vector_ops ops = table_ops();
    absa_space space;
    double whole[DENSE_N], part[3] = {1, 2, 3};
    table_space(&space, &ops, &t);
    for (int i = 0; i < DENSE_N; i++)
        whole[i] = (double)NAN;
    cr_assert_eq(absa_block_expand(b, &space, part, whole), ABSA_OK);
    for (int i = 0; i < DENSE_N; i++)
        cr_assert_eq(whole[i], i >= 2 && i < 5 ? i - 1.0 : 0.0);
    cr_assert_eq(absa_block_gather(b, &space, whole, part), ABSA_OK);
    cr_assert(part[0] == 1 && part[1] == 2 && part[2] == 3);
    for (t.fail_at = 1; t.fail_at <= 2; t.fail_at++) { /* the zeros, the elements */
        t.calls = 0;
        cr_assert_eq(absa_block_expand(b, &space, part, whole), ABSA_E_CALLBACK);
        cr_assert_eq(absa_context_callback_code(ctx), 5);
    }
    t.fail_at = t.calls + 1;
    cr_assert_eq(absa_block_gather(b, &space, whole, part), ABSA_E_CALLBACK);
    ops.read = NULL;
    cr_assert_eq(absa_block_gather(b, &space, whole, part), ABSA_E_UNSUPPORTED);
    ops.write = NULL;
    cr_assert_eq(absa_block_expand(b, &space, part, whole), ABSA_E_UNSUPPORTED);
    cr_assert_not_null(strstr(absa_context_message(ctx), "write"));
    absa_block_destroy(&b);
    absa_context_destroy(&ctx);
}

/* A run over a block of a table's vectors; returns its status. */
static absa_status run_table(absa_context *ctx, table *t, absa_eigen_result *r)
{
    const absa_vector_ops ops = table_ops();
    const absa_block_range ranges[] = {{NULL, 3, 4, 0}, {NULL, 9, 20, 0}};
    absa_space space;
    absa_operator *whole;
    table_space(&space, &ops, t);
    absa_status status = absa_operator_from_hvp(ctx, &space, t_product, t, NULL, &whole);
    if (!status)
        status = absa_block_eigenvalues(whole, ranges, 2, NULL, 0, r, sizeof *r);
    absa_operator_destroy(&whole);
    return status;
}

Test(block_faults, every_failing_operation_of_a_table_is_reported_and_leaks_nothing)
{
    static table t;
    int64_t all = 0;
    dense_fill(&t.dense, 2);
    for (t.fail_at = 0; t.fail_at <= all; t.fail_at++) {
        faulty_alloc f = {0};
        absa_context *ctx = faulty_context(&f);
        absa_eigen_result r[2];
        t.calls = 0;
        const absa_status status = run_table(ctx, &t, r);
        cr_assert_eq(status, t.fail_at ? ABSA_E_CALLBACK : ABSA_OK, "operation %d: %s",
                     (int)t.fail_at, absa_context_message(ctx));
        all = t.fail_at ? all : t.calls;
        cr_assert(!t.fail_at || absa_context_callback_code(ctx) == 5);
        absa_context_destroy(&ctx);
        cr_assert_eq(f.live_blocks, 0);
    }
    cr_assert_gt(all, 20);
}

/* Each process applies the block of a replicated table; operation number *user of process 1 fails.
 */
static void apply_replicated(process *p)
{
    const int64_t fail_at = *(const int64_t *)p->user;
    table t = {.fail_at = 0};
    absa_context *ctx = context();
    absa_block *b = select(ctx, "range:2+3,range:11+8");
    const absa_vector_ops ops = table_ops();
    absa_operator_options o;
    absa_space space;
    absa_operator *whole, *part;
    const double x[DENSE_N] = {1};
    double y[DENSE_N];
    dense_fill(&t.dense, 5);
    table_space(&space, &ops, &t);
    process_replicate(p, &space, &o);
    cr_assert_eq(absa_operator_from_hvp(ctx, &space, t_product, &t, &o, &whole), ABSA_OK);
    cr_assert_eq(absa_operator_from_block(whole, b, &part), ABSA_OK);
    t.calls = 0;
    t.fail_at = p->rank == 1 ? fail_at : 0;
    const absa_status status = absa_operator_apply(part, x, y);
    if (!fail_at) {
        cr_assert_eq(status, ABSA_OK);
        cr_assert_eq(t.calls, 6, "two writes, a product, its scaling, two reads");
    } else {
        cr_assert_eq(status, p->rank == 1 ? ABSA_E_CALLBACK : ABSA_E_PEER, "operation %d: %s",
                     (int)fail_at, absa_context_message(ctx));
    }
    absa_operator_destroy(&part);
    absa_operator_destroy(&whole);
    absa_block_destroy(&b);
    absa_context_destroy(&ctx);
}

Test(block_faults, no_process_waits_for_one_whose_table_failed, .timeout = 60)
{
    for (int64_t fail_at = 0; fail_at <= 6; fail_at++)
        processes_run(2, apply_replicated, &fail_at);
}

Test(block_faults, every_failing_allocation_is_reported_and_leaks_nothing)
{
    static dense_host h;
    const absa_block_range ranges[] = {{NULL, 3, 4, 0}, {NULL, 9, 20, 0}};
    int failed = 1;
    dense_fill(&h, 3);
    for (int64_t k = 2; failed; k++) {
        faulty_alloc f = {.fail_at = k};
        absa_context *ctx = faulty_context(&f);
        absa_space space;
        absa_operator *whole;
        absa_eigen_result r[2];
        absa_space_host(&space, sizeof space, ABSA_ELEMENT_F64, DENSE_N);
        absa_status status = absa_operator_from_hvp(ctx, &space, dense_product, &h, NULL, &whole);
        if (!status)
            status = absa_block_eigenvalues(whole, ranges, 2, NULL, 0, r, sizeof *r);
        failed = f.calls >= k;
        cr_assert_eq(status, failed ? ABSA_E_MEMORY : ABSA_OK, "allocation %d", (int)k);
        if (!failed)
            cr_assert_gt(k, 20);
        absa_operator_destroy(&whole);
        absa_context_destroy(&ctx);
        cr_assert_eq(f.live_blocks, 0, "allocation %d", (int)k);
        cr_assert_eq(f.errors, 0);
    }
}

Test(block_faults, wrong_arguments_are_refused)
{
    static dense_host h;
    absa_context *ctx = context();
    absa_space space, small, other;
    absa_operator *whole = dense_operator(ctx, &h, &space), *part = whole;
    absa_block *b, *nothing;
    double v[DENSE_N] = {0}, w[DENSE_N];
    cr_assert_eq(absa_block_create(ctx, DENSE_N, NULL, 0, &nothing), ABSA_OK);
    cr_assert_eq(absa_operator_from_block(whole, nothing, &part), ABSA_E_STATE);
    cr_assert_null(part);
    cr_assert_eq(absa_block_space(nothing, &space, &small, sizeof small), ABSA_E_STATE);
    cr_assert_eq(absa_block_expand(nothing, &space, v, w), ABSA_E_STATE);
    cr_assert_eq(absa_block_gather(nothing, &space, v, w), ABSA_E_STATE);
    b = select(ctx, "range:1+2");
    cr_assert_eq(absa_operator_from_block(NULL, b, &part), ABSA_E_INVALID);
    cr_assert_eq(absa_operator_from_block(whole, NULL, &part), ABSA_E_INVALID);
    cr_assert_eq(absa_operator_from_block(whole, b, NULL), ABSA_E_INVALID);
    absa_space_host(&other, sizeof other, ABSA_ELEMENT_F64, DENSE_N - 1);
    cr_assert_eq(absa_block_space(b, &other, &small, sizeof small), ABSA_E_INVALID);
    cr_assert_not_null(strstr(absa_context_message(ctx), "n_global 29"));
    cr_assert_eq(absa_block_space(b, NULL, &small, sizeof small), ABSA_E_INVALID);
    cr_assert_eq(absa_block_space(b, &space, NULL, sizeof small), ABSA_E_INVALID);
    cr_assert_eq(absa_block_space(NULL, &space, &small, sizeof small), ABSA_E_INVALID);
    cr_assert_eq(absa_block_expand(b, &space, NULL, w), ABSA_E_INVALID);
    cr_assert_eq(absa_block_expand(b, &space, v, NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_block_expand(NULL, &space, v, w), ABSA_E_INVALID);
    cr_assert_eq(absa_block_expand(b, &other, v, w), ABSA_E_INVALID);
    cr_assert_eq(absa_block_gather(b, &space, NULL, w), ABSA_E_INVALID);
    cr_assert_eq(absa_block_gather(b, &space, v, NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_block_gather(NULL, &space, v, w), ABSA_E_INVALID);
    const absa_block_range good = {NULL, 0, 2, 0}, bad = {NULL, 29, 2, 0};
    absa_eigen_result r[2];
    cr_assert_eq(absa_block_eigenvalues(NULL, &good, 1, NULL, 0, r, sizeof *r), ABSA_E_INVALID);
    cr_assert_eq(absa_block_eigenvalues(whole, NULL, 1, NULL, 0, r, sizeof *r), ABSA_E_INVALID);
    cr_assert_eq(absa_block_eigenvalues(whole, &good, 0, NULL, 0, r, sizeof *r), ABSA_E_INVALID);
    cr_assert_eq(absa_block_eigenvalues(whole, &good, 1, NULL, 0, NULL, sizeof *r), ABSA_E_INVALID);
    cr_assert_eq(absa_block_eigenvalues(whole, &good, 1, NULL, 0, r, 0), ABSA_E_ABI);
    cr_assert_eq(absa_block_eigenvalues(whole, &bad, 1, NULL, 0, r, sizeof *r), ABSA_E_INVALID);
    cr_assert_not_null(strstr(absa_context_message(ctx), "block 0: "));
    cr_assert_not_null(strstr(absa_context_message(ctx), "30 parameters"));
    absa_operator_destroy(&whole);
    absa_block_destroy(&b);
    absa_block_destroy(&nothing);
    absa_context_destroy(&ctx);
}

Test(block_faults, a_failing_product_names_its_block_and_keeps_the_results_before)
{
    static dense_host h;
    const absa_block_range ranges[] = {{NULL, 3, 1, 0}, {NULL, 9, 1, 0}, {NULL, 12, 4, 0}};
    dense_fill(&h, 4);
    h.fail_at = 2;
    absa_context *ctx = context();
    absa_space space;
    absa_operator *whole = dense_operator(ctx, &h, &space);
    absa_eigen_result r[3];
    cr_assert_eq(absa_block_eigenvalues(whole, ranges, 3, NULL, 0, r, sizeof *r), ABSA_E_CALLBACK);
    cr_assert_eq(absa_context_callback_code(ctx), 7);
    cr_assert_not_null(strstr(absa_context_message(ctx), "block 1: "));
    cr_assert_eq(r[0].products, 1);
    /* One product of a 1 x 1 matrix gives it but for the rounding of a norm and a division. */
    cr_assert_float_eq(r[0].value, h.a[3 * DENSE_N + 3], 8 * DBL_EPSILON);
    h.fail_at = 0;
    cr_assert_eq(absa_block_eigenvalues(whole, ranges, 3, NULL, 0, r, sizeof *r), ABSA_OK);
    absa_operator_destroy(&whole);
    absa_context_destroy(&ctx);
}

static int calls_itself(void *user, const void *v, void *hv, int64_t *samples)
{
    (void)samples;
    memcpy(hv, v, DENSE_N * sizeof(double));
    return absa_operator_apply(*(absa_operator **)user, v, hv);
}

Test(block_faults, re_entry_is_busy)
{
    absa_context *ctx = context();
    absa_space space;
    absa_operator *whole, *part;
    absa_block *b = select(ctx, "range:4+2");
    const double x[2] = {1};
    double y[2];
    absa_space_host(&space, sizeof space, ABSA_ELEMENT_F64, DENSE_N);
    cr_assert_eq(absa_operator_from_hvp(ctx, &space, calls_itself, &part, NULL, &whole), ABSA_OK);
    cr_assert_eq(absa_operator_from_block(whole, b, &part), ABSA_OK);
    cr_assert_eq(absa_operator_apply(part, x, y), ABSA_E_CALLBACK);
    cr_assert_eq(absa_context_callback_code(ctx), ABSA_E_BUSY);
    absa_operator_destroy(&part);
    absa_operator_destroy(&whole);
    absa_block_destroy(&b);
    absa_context_destroy(&ctx);
}

/* Values with intervals, block by block, against a dense eigensolver; and interlacing: no block's
 * top is above the whole's, nor above that of a block that holds it. */
Test(block_faults, eigenvalues_of_blocks_equal_dense_ones_and_interlace)
{
    enum { BLOCKS = 6 };
    static const absa_block_range ranges[BLOCKS] = {{NULL, 0, 7, 0},  {NULL, 7, 1, 0},
                                                    {NULL, 8, 22, 0}, {NULL, 10, 12, 0},
                                                    {NULL, 10, 3, 0}, {NULL, 0, 30, 0}};
    static dense_host h;
    for (uint64_t seed = 0; seed < 40; seed++) {
        absa_context *ctx = context();
        absa_space space;
        absa_eigen_result r[BLOCKS];
        absa_eigen_options o;
        double top[BLOCKS];
        dense_fill(&h, 100 + seed);
        absa_operator *whole = dense_operator(ctx, &h, &space);
        absa_eigen_options_init(&o, sizeof o);
        o.rule = ABSA_RULE_CERTIFIED;
        o.memory = ABSA_MEMORY_BASIS;
        o.tolerance = 1e-8;
        o.eta = 1e-9; /* 240 runs of it */
        cr_assert_eq(absa_block_eigenvalues(whole, ranges, BLOCKS, &o, 7, r, sizeof *r), ABSA_OK,
                     "%s", absa_context_message(ctx));
        for (int i = 0; i < BLOCKS; i++) {
            double sub[DENSE_N * DENSE_N];
            absa_block *b;
            cr_assert_eq(absa_block_create(ctx, DENSE_N, NULL, 0, &b), ABSA_OK);
            cr_assert_eq(absa_block_select_range(b, ranges[i].first, ranges[i].count), ABSA_OK);
            const int64_t m = dense_sub_matrix(&h, b, sub);
            top[i] = dense_top(m, sub);
            /* Either solver rounds some 30 x 30 terms of size 1. */
            const double rounding = 1e3 * DBL_EPSILON;
            cr_assert(r[i].converged, "block %d of seed %d", i, (int)seed);
            cr_assert_float_eq(r[i].value, top[i], 1e-8 * fabs(top[i]) + rounding);
            cr_assert_leq(r[i].lower, top[i] + rounding);
            cr_assert_geq(r[i].upper, top[i] - rounding);
            cr_assert_leq(r[i].lower, r[BLOCKS - 1].upper + rounding);
            cr_assert_leq(r[i].products, m);
            cr_assert_eq(r[i].stream, 7 + (uint64_t)i);
            absa_block_destroy(&b);
        }
        cr_assert_leq(r[4].value, r[3].value + 1e-6);
        cr_assert_leq(r[3].value, r[2].value + 1e-6);
        absa_operator_destroy(&whole);
        absa_context_destroy(&ctx);
    }
}
