/* The estimator when things go wrong: arguments, callbacks, allocations, vector tables. */
#include "support/eigen_runs.h"
#include "support/faulty_alloc.h"

#include <absa/eigen.h>
#include <absa/random.h>

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 500 };

static void spectrum(double *v)
{
    for (int i = 0; i < N; i++)
        v[i] = cos(i * 0.1) * 0.5;
    v[2] = 1.0;
}

Test(eigen_faults, options_out_of_range_are_refused_by_name)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_space space;
    absa_eigen_options o;
    absa_eigen *e;
    absa_space_host(&space, sizeof space, ABSA_ELEMENT_F32, N);
#define REFUSE(change, word)                                                                       \
    do {                                                                                           \
        absa_eigen_options_init(&o, sizeof o);                                                     \
        change;                                                                                    \
        e = (absa_eigen *)&o;                                                                      \
        cr_assert_eq(absa_eigen_create(ctx, &space, &o, &e), ABSA_E_INVALID, #change);             \
        cr_assert_null(e);                                                                         \
        cr_assert_not_null(strstr(absa_context_message(ctx), word), "%s",                          \
                           absa_context_message(ctx));                                             \
        cr_assert_eq(absa_eigen_memory(&space, &o, NULL, NULL), ABSA_E_INVALID);                   \
    } while (0)
    REFUSE(o.rule = 77, "rule");
    REFUSE(o.rule = -1, "rule");
    REFUSE(o.which = 4, "which");
    REFUSE(o.which = -1, "which");
    REFUSE((o.rule = ABSA_RULE_DECIDE, o.which = ABSA_WHICH_BOTH), "which");
    REFUSE(o.memory = 9, "memory");
    REFUSE(o.max_products = 0, "max_products");
    REFUSE(o.max_products = 1001, "max_products");
    REFUSE(o.max_vectors = 2, "max_vectors");
    REFUSE(o.tolerance = 0.0, "tolerance");
    REFUSE(o.tolerance = (double)NAN, "tolerance");
    REFUSE(o.eta = 0.6, "eta");
    REFUSE(o.eta = 0.0, "eta");
    REFUSE((o.memory = ABSA_MEMORY_VALUE, o.keep_hint = 1), "keep_hint");
    REFUSE((o.memory = ABSA_MEMORY_RESTART, o.max_vectors = 3), "RESTART");
    REFUSE((o.memory = ABSA_MEMORY_RESTART, o.rule = ABSA_RULE_POWER), "POWER");
    REFUSE(o.keep_hint = 2, "keep_hint");
    REFUSE((o.memory = ABSA_MEMORY_BASIS, o.rule = ABSA_RULE_POWER), "POWER");
    REFUSE((o.memory = ABSA_MEMORY_BASIS, o.max_vectors = 10), "max_vectors");
    REFUSE((o.memory = ABSA_MEMORY_TWO_PASS, o.max_vectors = 3), "TWO_PASS");
    REFUSE((o.memory = ABSA_MEMORY_TWO_PASS, o.rule = ABSA_RULE_POWER), "POWER");
    REFUSE((o.memory = ABSA_MEMORY_TWO_PASS, o.wanted = 2), "wanted");
    REFUSE((o.memory = ABSA_MEMORY_VALUE, o.wanted = 2), "wanted");
    REFUSE((o.max_vectors = 3, o.wanted = 2), "wanted");
    REFUSE((o.rule = ABSA_RULE_POWER, o.wanted = 2), "wanted");
    REFUSE((o.rule = ABSA_RULE_DECIDE, o.wanted = 2), "wanted");
    REFUSE(o.wanted = -1, "wanted");
    REFUSE(o.wanted = 33, "wanted");
    REFUSE((o.wanted = 5, o.max_vectors = 7), "max_vectors");
    REFUSE((o.wanted = 5, o.which = ABSA_WHICH_BOTH, o.max_vectors = 12), "max_vectors");
    REFUSE(o.multiplicity = -1, "multiplicity");
    REFUSE(o.multiplicity = 33, "multiplicity");
    REFUSE((o.multiplicity = 1, o.max_vectors = 5), "max_vectors");
    REFUSE((o.multiplicity = 1, o.memory = ABSA_MEMORY_VALUE), "multiplicity");
    REFUSE((o.multiplicity = 1, o.memory = ABSA_MEMORY_TWO_PASS), "multiplicity");
    REFUSE((o.multiplicity = 1, o.rule = ABSA_RULE_FIXED), "multiplicity");
    REFUSE((o.multiplicity = 1, o.rule = ABSA_RULE_DECIDE), "multiplicity");
    REFUSE((o.multiplicity = 1, o.which = ABSA_WHICH_BOTH), "multiplicity");
    REFUSE((o.multiplicity = 1, o.store = ABSA_STORE_BF16), "multiplicity");
    REFUSE((o.store = ABSA_STORE_BF16, o.memory = ABSA_MEMORY_RESTART), "BF16");
    REFUSE(o.store = 2, "store");
    cr_assert_eq(absa_eigen_create(ctx, NULL, NULL, &e), ABSA_E_INVALID);
    cr_assert_eq(absa_eigen_create(ctx, &space, NULL, NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_eigen_create(NULL, &space, NULL, &e), ABSA_E_INVALID);
    absa_context_destroy(&ctx);
}

Test(eigen_faults, a_hint_must_be_a_direction_of_its_own_stream)
{
    static double v[N], hint[N];
    spectrum(v);
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    diagonal_host h = {.n = N, .element = ABSA_ELEMENT_F64, .values = v};
    absa_space space;
    absa_operator *op = diagonal_operator(ctx, &h, &space);
    absa_eigen *e;
    absa_eigen_args a;
    absa_eigen_result r;
    absa_eigen_result_init(&r, sizeof r);
    cr_assert_eq(absa_eigen_create(ctx, &space, NULL, &e), ABSA_OK);
    absa_eigen_args_init(&a, sizeof a);
    a.hint = hint;
    cr_assert_eq(absa_eigen_run(e, op, &a, &r), ABSA_E_INVALID);
    cr_assert_not_null(strstr(absa_context_message(ctx), "stream"));
    a.stream = 1;
    cr_assert_eq(absa_eigen_run(e, op, &a, &r), ABSA_E_INVALID);
    cr_assert_not_null(strstr(absa_context_message(ctx), "zero vector"));
    hint[3] = (double)NAN;
    cr_assert_eq(absa_eigen_run(e, op, &a, &r), ABSA_E_NONFINITE);
    a.hint_weight = -1.0;
    cr_assert_eq(absa_eigen_run(e, op, &a, &r), ABSA_E_INVALID);
    a.hint_weight = 1.0;
    a.threshold = (double)INFINITY;
    cr_assert_eq(absa_eigen_run(e, op, &a, &r), ABSA_E_INVALID);
    a.threshold = 1.0;
    a.threshold_closed = 2;
    cr_assert_eq(absa_eigen_run(e, op, &a, &r), ABSA_E_INVALID);
    a.threshold_closed = 0;
    a.hint_weight = 0.0;
    cr_assert_eq(absa_eigen_run(e, op, &a, &r), ABSA_OK, "weight 0 leaves the hint alone");
    cr_assert_eq(absa_eigen_run(e, NULL, &a, &r), ABSA_E_INVALID);
    cr_assert_eq(absa_eigen_run(e, op, &a, NULL), ABSA_E_INVALID);
    r.struct_size = 0;
    cr_assert_eq(absa_eigen_run(e, op, &a, &r), ABSA_E_ABI);
    absa_eigen_destroy(&e);
    absa_operator_destroy(&op);
    absa_context_destroy(&ctx);
}

/* A hint that is refused costs nothing: the vector of the last run stays, and so does an open run.
 */
Test(eigen_faults, a_refused_hint_loses_neither_the_vector_nor_an_open_run)
{
    static double v[N], before[N], after[N], hint[N];
    spectrum(v);
    hint[3] = (double)NAN;
    for (int32_t memory = ABSA_MEMORY_BASIS; memory <= ABSA_MEMORY_TWO_PASS; memory++) {
        eigen_run x;
        absa_eigen_options o = eigen_options(ABSA_RULE_CHECKED, memory);
        absa_eigen_args a;
        absa_eigen_result r;
        const void *in;
        void *out;
        o.keep_hint = 1;
        absa_eigen_result_init(&r, sizeof r);
        eigen_run_open(&x, ABSA_ELEMENT_F64, N, v, &o);
        eigen_run_go(&x, NULL);
        cr_assert_eq(absa_eigen_vector(x.e, before), ABSA_OK);
        absa_eigen_args_init(&a, sizeof a);
        a.stream = 7;
        a.hint = hint;
        cr_assert_eq(absa_eigen_run(x.e, x.op, &a, &r), ABSA_E_NONFINITE);
        cr_assert_eq(absa_eigen_vector(x.e, after), ABSA_OK, "memory %d", (int)memory);
        cr_assert_eq(memcmp(before, after, sizeof before), 0);
        cr_assert_eq(absa_eigen_best(x.e, &r), ABSA_OK);
        cr_assert_eq(memcmp(&r, &x.r, sizeof r), 0);
        cr_assert_eq(absa_eigen_start(x.e, NULL), ABSA_OK);
        cr_assert_eq(absa_eigen_start(x.e, &a), ABSA_E_NONFINITE);
        cr_assert_eq(absa_eigen_next(x.e, &in, &out), ABSA_OK, "memory %d", (int)memory);
        cr_assert_eq(absa_eigen_continue(x.e, x.op, &r), ABSA_OK);
        cr_assert(r.converged && r.stream == 1);
        eigen_run_close(&x);
    }
}

Test(eigen_faults, an_operator_of_another_space_is_refused)
{
    static double v[N];
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    diagonal_host h = {.n = N - 1, .element = ABSA_ELEMENT_F64, .values = v};
    absa_space other, space;
    absa_operator *op = diagonal_operator(ctx, &h, &other);
    absa_eigen *e;
    absa_eigen_result r;
    absa_eigen_result_init(&r, sizeof r);
    absa_space_host(&space, sizeof space, ABSA_ELEMENT_F64, N);
    cr_assert_eq(absa_eigen_create(ctx, &space, NULL, &e), ABSA_OK);
    cr_assert_eq(absa_eigen_run(e, op, NULL, &r), ABSA_E_INVALID);
    cr_assert_not_null(strstr(absa_context_message(ctx), " n"));
    absa_eigen_destroy(&e);
    absa_operator_destroy(&op);
    absa_context_destroy(&ctx);
}

/* Stops at the k-th product for every k: the result is untouched and the handle goes on. */
Test(eigen_faults, a_failing_product_loses_nothing)
{
    static double v[N];
    spectrum(v);
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    diagonal_host h = {.n = N, .element = ABSA_ELEMENT_F32, .values = v};
    absa_space space;
    absa_operator *op = diagonal_operator(ctx, &h, &space);
    absa_eigen *e;
    absa_eigen_args a;
    absa_eigen_result clean, r, mark, best;
    absa_eigen_result_init(&clean, sizeof clean);
    absa_eigen_result_init(&best, sizeof best);
    absa_eigen_args_init(&a, sizeof a);
    cr_assert_eq(absa_eigen_create(ctx, &space, NULL, &e), ABSA_OK);
    cr_assert_eq(absa_eigen_best(e, &best), ABSA_E_STATE);
    cr_assert_eq(absa_eigen_run(e, op, &a, &clean), ABSA_OK);
    for (int64_t k = 1; k <= clean.products; k++)
        for (int nan = 0; nan < 2; nan++) {
            memset(&r, 0x5A, sizeof r);
            r.struct_size = sizeof r;
            mark = r;
            h.calls = 0;
            h.fail_at = nan ? 0 : k;
            h.nan_at = nan ? k : 0;
            cr_assert_eq(absa_eigen_run(e, op, &a, &r), nan ? ABSA_E_NONFINITE : ABSA_E_CALLBACK);
            cr_assert_eq(memcmp(&r, &mark, sizeof r), 0);
            if (nan) {
                char words[40];
                snprintf(words, sizeof words, "product %d holds", (int)k);
                cr_assert_not_null(strstr(absa_context_message(ctx), words));
            } else {
                cr_assert_eq(absa_context_callback_code(ctx), 7);
            }
            if (k > 1) {
                cr_assert_eq(absa_eigen_best(e, &best), ABSA_OK);
                cr_assert_eq(best.products, k - 1);
            }
            h.fail_at = h.nan_at = 0;
            absa_eigen_result_init(&r, sizeof r);
            cr_assert_eq(absa_eigen_run(e, op, &a, &r), ABSA_OK);
            cr_assert_eq(memcmp(&r, &clean, sizeof r), 0, "a failure leaves no trace");
        }
    absa_eigen_destroy(&e);
    absa_operator_destroy(&op);
    absa_context_destroy(&ctx);
}

Test(eigen_faults, every_failing_allocation_is_reported_and_runs_allocate_nothing)
{
    static double v[N];
    spectrum(v);
    for (int mode = 0; mode < EIGEN_MODES; mode++) {
        int done = 0;
        for (int64_t k = 1; !done; k++) {
            faulty_alloc f = {0};
            absa_context *ctx = faulty_context(&f);
            diagonal_host h = {.n = N, .element = ABSA_ELEMENT_F32, .values = v};
            absa_space space;
            absa_operator *op = diagonal_operator(ctx, &h, &space);
            absa_eigen_options o;
            absa_eigen *e;
            absa_eigen_options_init(&o, sizeof o);
            const char *name = eigen_mode(mode, &o);
            o.max_products = 20;
            const int64_t before = f.live_bytes;
            f.fail_at = f.calls + k;
            const absa_status status = absa_eigen_create(ctx, &space, &o, &e);
            done = f.calls < f.fail_at;
            cr_assert_eq(status, done ? ABSA_OK : ABSA_E_MEMORY, "%s", name);
            cr_assert_eq(e == NULL, !done);
            if (done) {
                int64_t vectors, bytes;
                cr_assert_eq(absa_eigen_memory(&space, &o, &vectors, &bytes), ABSA_OK);
                /* 4 and 2 for each of several pairs, and one for each that is set aside; 20 stored
                 * ones are 10. */
                const int64_t want[EIGEN_MODES] = {3, 21, 8, 4, 21, 10, 21, 13, 13};
                cr_assert_eq(vectors, want[mode], "%s: %d", name, (int)vectors);
                cr_assert_eq(bytes, f.live_bytes - before, "what was asked beforehand is taken");
                const int64_t calls = f.calls;
                absa_eigen_result r;
                absa_eigen_result_init(&r, sizeof r);
                f.fail_at = 0;
                cr_assert_eq(absa_eigen_run(e, op, NULL, &r), ABSA_OK);
                cr_assert_eq(f.calls, calls);
                cr_assert_eq(r.peak_vectors, vectors);
            }
            /* The order of destruction is free. */
            absa_context_destroy(&ctx);
            absa_operator_destroy(&op);
            absa_eigen_destroy(&e);
            cr_assert_eq(f.live_blocks, 0);
            cr_assert_eq(f.errors, 0);
        }
    }
}

typedef struct watcher {
    int64_t calls, stop_at, fail_at;
    absa_eigen *self;
    absa_operator *op;
} watcher;

static int watch(void *user, const absa_eigen_result *now, int32_t *stop)
{
    watcher *w = user;
    w->calls++;
    cr_assert_eq(now->products, w->calls);
    cr_assert_eq(now->stop, ABSA_STOP_NONE);
    absa_eigen_result r;
    absa_eigen_result_init(&r, sizeof r);
    cr_assert_eq(absa_eigen_run(w->self, w->op, NULL, &r), ABSA_E_BUSY);
    cr_assert_eq(absa_eigen_start(w->self, NULL), ABSA_E_BUSY);
    if (w->calls == w->stop_at)
        *stop = 1;
    return w->calls == w->fail_at ? 5 : 0;
}

Test(eigen_faults, the_monitor_stops_or_fails_the_run)
{
    static double v[N];
    spectrum(v);
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    diagonal_host h = {.n = N, .element = ABSA_ELEMENT_F32, .values = v};
    absa_space space;
    watcher w = {.stop_at = 3, .op = diagonal_operator(ctx, &h, &space)};
    absa_eigen_options o;
    absa_eigen_result r;
    absa_eigen_result_init(&r, sizeof r);
    absa_eigen_options_init(&o, sizeof o);
    o.monitor = watch;
    o.monitor_user = &w;
    cr_assert_eq(absa_eigen_create(ctx, &space, &o, &w.self), ABSA_OK);
    cr_assert_eq(absa_eigen_run(w.self, w.op, NULL, &r), ABSA_OK);
    cr_assert_eq(r.stop, ABSA_STOP_MONITOR);
    cr_assert_not(r.converged);
    cr_assert_eq(r.products, 3);
    w.calls = w.stop_at = 0;
    w.fail_at = 2;
    cr_assert_eq(absa_eigen_run(w.self, w.op, NULL, &r), ABSA_E_CALLBACK);
    cr_assert_eq(absa_context_callback_code(ctx), 5);
    cr_assert_eq(r.products, 3, "the result of the failed run is not written");
    absa_eigen_destroy(&w.self);
    absa_operator_destroy(&w.op);
    absa_context_destroy(&ctx);
}

/* A table whose vectors are handles: the library can only use the operations. Fresh vectors are
 * NaN, so whatever is read before it is written shows. */
typedef struct table_host {
    int64_t live, peak, calls, fail_at;
} table_host;

typedef struct handle {
    double data[N];
} handle;

static int count_call(table_host *t)
{
    return ++t->calls == t->fail_at ? 3 : 0;
}

static int t_alloc(void *user, void **out)
{
    table_host *t = user;
    handle *v = malloc(sizeof *v);
    for (int i = 0; i < N; i++)
        v->data[i] = (double)NAN;
    if (++t->live > t->peak)
        t->peak = t->live;
    *out = v;
    return 0;
}

static void t_release(void *user, void *v)
{
    ((table_host *)user)->live--;
    free(v);
}

static int t_axpby(void *user, double a, const void *x, double b, void *y)
{
    handle *to = y;
    for (int i = 0; i < N; i++)
        to->data[i] = a * ((const handle *)x)->data[i] + (b != 0.0 ? b * to->data[i] : 0.0);
    return count_call(user);
}

static int t_dots(void *user, int64_t count, const void *const *x, const void *y, double *out)
{
    cr_assert_leq(count, 64);
    for (int64_t k = 0; k < count; k++) {
        out[k] = 0.0;
        for (int i = 0; i < N; i++)
            out[k] += ((const handle *)x[k])->data[i] * ((const handle *)y)->data[i];
    }
    return count_call(user);
}

static int t_gaussian(void *user, uint64_t seed, uint64_t stream, void *y)
{
    absa_random_gaussian_f64(seed, stream, 0, N, ((handle *)y)->data);
    return count_call(user);
}

static double values[N];

static int t_hvp(void *user, const void *v, void *hv, int64_t *samples)
{
    (void)samples;
    for (int i = 0; i < N; i++)
        ((handle *)hv)->data[i] = values[i] * ((const handle *)v)->data[i];
    return count_call(user);
}

Test(eigen_faults, a_foreign_vector_table_gives_the_same_numbers_and_may_fail_anywhere)
{
    spectrum(values);
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    diagonal_host h = {.n = N, .element = ABSA_ELEMENT_F64, .values = values};
    absa_space space;
    for (int mode = 0; mode < EIGEN_MODES_FOREIGN; mode++) {
        absa_operator *op = diagonal_operator(ctx, &h, &space);
        absa_eigen_options o;
        absa_eigen *e;
        absa_eigen_args a;
        absa_eigen_result want, got;
        absa_eigen_result_init(&want, sizeof want);
        absa_eigen_result_init(&got, sizeof got);
        absa_eigen_args_init(&a, sizeof a);
        absa_eigen_options_init(&o, sizeof o);
        const char *name = eigen_mode(mode, &o);
        o.max_products = 25;
        cr_assert_eq(absa_eigen_create(ctx, &space, &o, &e), ABSA_OK);
        cr_assert_eq(absa_eigen_run(e, op, NULL, &want), ABSA_OK);
        absa_eigen_destroy(&e);
        absa_operator_destroy(&op);
        table_host t = {0};
        const absa_vector_ops ops = {.struct_size = sizeof ops,
                                     .alloc = t_alloc,
                                     .release = t_release,
                                     .axpby = t_axpby,
                                     .dots = t_dots,
                                     .gaussian = t_gaussian};
        space.ops = &ops;
        space.ops_user = &t;
        cr_assert_eq(absa_operator_from_hvp(ctx, &space, t_hvp, &t, NULL, &op), ABSA_OK);
        cr_assert_eq(absa_eigen_create(ctx, &space, &o, &e), ABSA_OK);
        cr_assert_eq(absa_eigen_run(e, op, &a, &got), ABSA_OK, "%s", absa_context_message(ctx));
        cr_assert_eq(got.products, want.products, "%s", name);
        cr_assert_float_eq(got.value, want.value, 1e-12);
        const int64_t peaks[EIGEN_MODES_FOREIGN] = {3, 26, 8, 4, 26, 10, 26, 13};
        cr_assert_eq(t.peak, peaks[mode], "%s: %d", name, (int)t.peak);
        cr_assert_eq(got.peak_vectors, t.peak);
        const int64_t calls = t.calls;
        for (int64_t k = 1; k <= calls; k++) {
            t.calls = 0;
            t.fail_at = k;
            cr_assert_eq(absa_eigen_run(e, op, &a, &got), ABSA_E_CALLBACK, "%s, call %d", name,
                         (int)k);
            cr_assert_eq(absa_context_callback_code(ctx), 3);
        }
        t.fail_at = 0;
        cr_assert_eq(absa_eigen_run(e, op, &a, &got), ABSA_OK);
        absa_eigen_destroy(&e);
        absa_operator_destroy(&op);
        cr_assert_eq(t.live, 0);
    }
    absa_context_destroy(&ctx);
}

static int t_read(void *user, const void *x, int64_t first, int64_t count, double *out)
{
    memcpy(out, ((const handle *)x)->data + first, (size_t)count * sizeof *out);
    return count_call(user);
}

static int t_write(void *user, int64_t first, int64_t count, const double *in, void *y)
{
    memcpy(((handle *)y)->data + first, in, (size_t)count * sizeof *in);
    return count_call(user);
}

Test(eigen_faults, saving_foreign_vectors_needs_read_and_write_which_may_fail)
{
    spectrum(values);
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    table_host t = {0};
    absa_vector_ops ops = {.struct_size = sizeof ops,
                           .alloc = t_alloc,
                           .release = t_release,
                           .axpby = t_axpby,
                           .dots = t_dots,
                           .gaussian = t_gaussian};
    absa_space space;
    absa_space_host(&space, sizeof space, ABSA_ELEMENT_F64, N);
    space.ops = &ops;
    space.ops_user = &t;
    absa_eigen *e[2];
    absa_operator *op;
    absa_eigen_result want, got;
    absa_eigen_result_init(&want, sizeof want);
    absa_eigen_result_init(&got, sizeof got);
    static char bytes[20 * N * sizeof(double)];
    size_t size = 0;
    for (int able = 0; able < 2; able++) {
        ops.read = able ? t_read : NULL;
        ops.write = able ? t_write : NULL;
        cr_assert_eq(absa_operator_from_hvp(ctx, &space, t_hvp, &t, NULL, &op), ABSA_OK);
        for (int i = 0; i < 2; i++)
            cr_assert_eq(absa_eigen_create(ctx, &space, NULL, &e[i]), ABSA_OK);
        cr_assert_eq(absa_eigen_run(e[0], op, NULL, &want), ABSA_OK);
        cr_assert_eq(absa_eigen_start(e[0], NULL), ABSA_OK);
        if (!able) {
            cr_assert_eq(absa_eigen_save(e[0], 1, bytes, sizeof bytes, &size), ABSA_E_UNSUPPORTED);
            cr_assert_eq(absa_eigen_save(e[0], 0, bytes, sizeof bytes, &size), ABSA_OK);
            cr_assert_eq(absa_eigen_load(e[1], bytes, size), ABSA_OK);
        } else {
            t.calls = 0;
            t.fail_at = 1;
            cr_assert_eq(absa_eigen_save(e[0], 1, bytes, sizeof bytes, &size), ABSA_E_CALLBACK);
            t.fail_at = 0;
            cr_assert_eq(absa_eigen_save(e[0], 1, bytes, sizeof bytes, &size), ABSA_OK);
            t.calls = 0;
            t.fail_at = 1;
            cr_assert_eq(absa_eigen_load(e[1], bytes, size), ABSA_E_CALLBACK);
            t.fail_at = 0;
            cr_assert_eq(absa_eigen_continue(e[1], op, &got), ABSA_E_STATE);
            cr_assert_eq(absa_eigen_load(e[1], bytes, size), ABSA_OK);
            cr_assert_eq(absa_eigen_continue(e[0], op, &want), ABSA_OK);
            cr_assert_eq(absa_eigen_continue(e[1], op, &got), ABSA_OK);
            cr_assert_eq(memcmp(&want, &got, sizeof got), 0);
        }
        for (int i = 0; i < 2; i++)
            absa_eigen_destroy(&e[i]);
        absa_operator_destroy(&op);
    }
    cr_assert_eq(t.live, 0);
    absa_context_destroy(&ctx);
}
