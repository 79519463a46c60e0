/* Saving and loading an estimator: mid-run, between runs, damaged, foreign, forged. */
#include "base/bytes.h"
#include "support/eigen_runs.h"

#include <absa/eigen.h>

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 700, MOST = 90 };

typedef struct fixture {
    absa_context *ctx;
    absa_space space;
    absa_operator *op;
    diagonal_host h;
    double values[N];
} fixture;

static void set_up(fixture *f, int32_t element)
{
    memset(f, 0, sizeof *f);
    absa_context_create(NULL, &f->ctx);
    for (int i = 0; i < N; i++)
        f->values[i] = 0.7 * cos(i * 0.03);
    f->values[9] = 1.0;
    f->values[20] = f->values[21] = 0.92;
    f->values[30] = 0.84;
    f->h = (diagonal_host){.n = N, .element = element, .values = f->values};
    f->op = diagonal_operator(f->ctx, &f->h, &f->space);
}

static void tear_down(fixture *f)
{
    absa_operator_destroy(&f->op);
    absa_context_destroy(&f->ctx);
}

/* mode as eigen_mode() counts them. */
static absa_eigen *make(fixture *f, int mode, int32_t rule)
{
    absa_eigen_options o;
    absa_eigen *e;
    absa_eigen_options_init(&o, sizeof o);
    (void)eigen_mode(mode, &o);
    o.rule = rule;
    o.max_products = MOST;
    o.tolerance = rule == ABSA_RULE_POWER ? 1e-4 : o.wanted > 1 ? 1e-2 : 1e-3;
    o.keep_hint = o.memory != ABSA_MEMORY_VALUE;
    cr_assert_eq(absa_eigen_create(f->ctx, &f->space, &o, &e), ABSA_OK, "%s",
                 absa_context_message(f->ctx));
    return e;
}

static void *save(absa_eigen *e, int32_t vectors, size_t *size)
{
    cr_assert_eq(absa_eigen_save(e, vectors, NULL, 0, size), ABSA_OK);
    void *bytes = malloc(*size);
    cr_assert_eq(absa_eigen_save(e, vectors, bytes, *size, size), ABSA_OK);
    return bytes;
}

static void product(fixture *f, absa_eigen *e, const void *x, void *y)
{
    cr_assert_eq(absa_operator_apply(f->op, x, y), ABSA_OK);
    cr_assert_eq(absa_eigen_put(e), ABSA_OK);
}

/* The same pair, and, where one is kept, the same vector. */
static void same_pair(fixture *f, absa_eigen *a, absa_eigen *b, int64_t i)
{
    static double u[N], w[N];
    absa_pair p, q;
    absa_pair_init(&p, sizeof p);
    absa_pair_init(&q, sizeof q);
    cr_assert_eq(absa_eigen_pair(a, i, &p), ABSA_OK);
    cr_assert_eq(absa_eigen_pair(b, i, &q), ABSA_OK);
    cr_assert_eq(memcmp(&p, &q, sizeof p), 0, "pair %d", (int)i);
    const absa_status status = absa_eigen_pair_vector(a, i, u);
    cr_assert_eq(absa_eigen_pair_vector(b, i, w), status);
    const size_t each = f->h.element == ABSA_ELEMENT_F64 ? sizeof(double) : sizeof(float);
    if (status == ABSA_OK)
        cr_assert_eq(memcmp(u, w, N * each), 0, "vector %d", (int)i);
}

/* At every product, in every mode: saved into one handle and loaded into another, the run ends with
 * the same bits. Half of the saves are made after the product was asked for. */
Test(eigen_save, a_run_that_was_saved_goes_on_to_the_same_bits)
{
    fixture f;
    for (int32_t element = 0; element < 2; element++)
        for (int mode = -1; mode < EIGEN_MODES - (element == ABSA_ELEMENT_F64); mode++) {
            set_up(&f, element);
            /* Before all modes, POWER, which has VALUE's. */
            const int32_t rule = mode < 0 ? ABSA_RULE_POWER : ABSA_RULE_CERTIFIED;
            absa_eigen *e = make(&f, mode < 0 ? 0 : mode, rule);
            absa_eigen *ref = make(&f, mode < 0 ? 0 : mode, rule);
            absa_eigen_result whole, r;
            absa_eigen_result_init(&whole, sizeof whole);
            absa_eigen_result_init(&r, sizeof r);
            absa_eigen_args a;
            absa_eigen_args_init(&a, sizeof a);
            a.hint_weight = 0.0;
            cr_assert_eq(absa_eigen_run(ref, f.op, &a, &whole), ABSA_OK);
            cr_assert_eq(whole.stop, ABSA_STOP_CONVERGED, "mode %d", mode);
            cr_assert_geq(whole.products, 8);
            cr_assert_eq(absa_eigen_start(e, &a), ABSA_OK);
            const void *x;
            void *y;
            for (int64_t k = 0; absa_eigen_next(e, &x, &y) == ABSA_OK && x; k++) {
                size_t size;
                absa_eigen *other = make(&f, mode < 0 ? 0 : mode, rule);
                void *bytes = save(e, 1, &size);
                if (k % 2)
                    cr_assert_eq(absa_eigen_next(e, &x, &y), ABSA_OK);
                cr_assert_eq(absa_eigen_load(other, bytes, size), ABSA_OK,
                             "mode %d, product %d: %s", mode, (int)k, absa_context_message(f.ctx));
                cr_assert_eq(absa_eigen_continue(other, f.op, &r), ABSA_OK, "%s",
                             absa_context_message(f.ctx));
                cr_assert_eq(memcmp(&r, &whole, sizeof r), 0, "mode %d, product %d", mode, (int)k);
                for (int64_t i = 0; i < r.pairs; i++)
                    same_pair(&f, ref, other, i);
                free(bytes);
                absa_eigen_destroy(&other);
                product(&f, e, x, y);
            }
            cr_assert_eq(absa_eigen_continue(e, f.op, &r), ABSA_E_STATE);
            /* And once it has ended: result, pairs and vectors. */
            size_t size;
            absa_eigen *other = make(&f, mode < 0 ? 0 : mode, rule);
            void *bytes = save(ref, 1, &size);
            cr_assert_eq(absa_eigen_load(other, bytes, size), ABSA_OK);
            for (int64_t i = 0; i < whole.pairs; i++)
                same_pair(&f, ref, other, i);
            free(bytes);
            absa_eigen_destroy(&other);
            absa_eigen_destroy(&ref);
            absa_eigen_destroy(&e);
            tear_down(&f);
        }
}

Test(eigen_save, the_hint_and_the_streams_used_outlive_the_process)
{
    fixture f;
    set_up(&f, ABSA_ELEMENT_F32);
    for (int mode = 1; mode < EIGEN_MODES; mode++) {
        absa_eigen *e = make(&f, mode, ABSA_RULE_RESIDUAL);
        absa_eigen *with = make(&f, mode, ABSA_RULE_RESIDUAL);
        absa_eigen *without = make(&f, mode, ABSA_RULE_RESIDUAL);
        absa_eigen_result r, want, got, cold;
        absa_eigen_result_init(&r, sizeof r);
        absa_eigen_result_init(&want, sizeof want);
        absa_eigen_result_init(&got, sizeof got);
        absa_eigen_result_init(&cold, sizeof cold);
        size_t size, less;
        void *bytes = save(e, 1, &size);
        cr_assert_eq(absa_eigen_load(with, bytes, size), ABSA_OK, "before any run");
        cr_assert_eq(absa_eigen_best(with, &r), ABSA_E_STATE);
        free(bytes);
        cr_assert_eq(absa_eigen_run(e, f.op, NULL, &r), ABSA_OK);
        bytes = save(e, 1, &size);
        cr_assert_eq(absa_eigen_load(with, bytes, size), ABSA_OK);
        free(bytes);
        bytes = save(e, 0, &less);
        cr_assert_lt(less, 2000u, "no vectors");
        cr_assert_eq(absa_eigen_load(without, bytes, less), ABSA_OK);
        free(bytes);
        static float u[N], w[N];
        cr_assert_eq(absa_eigen_vector(e, u), ABSA_OK);
        cr_assert_eq(absa_eigen_vector(with, w), ABSA_OK);
        cr_assert_eq(memcmp(u, w, sizeof u), 0);
        cr_assert_eq(absa_eigen_vector(without, w), ABSA_E_STATE);
        cr_assert_eq(absa_eigen_best(without, &got), ABSA_OK);
        cr_assert_eq(memcmp(&got, &r, sizeof r), 0, "the last result is kept");
        cr_assert_eq(absa_eigen_run(e, f.op, NULL, &want), ABSA_OK);
        cr_assert_eq(absa_eigen_run(with, f.op, NULL, &got), ABSA_OK);
        cr_assert_eq(absa_eigen_run(without, f.op, NULL, &cold), ABSA_OK);
        cr_assert_eq(memcmp(&got, &want, sizeof got), 0);
        cr_assert_eq(got.stream, 1u);
        cr_assert_eq(cold.stream, 1u);
        cr_assert_leq(got.products, cold.products, "mode %d", mode);
        absa_eigen_destroy(&e);
        absa_eigen_destroy(&with);
        absa_eigen_destroy(&without);
    }
    tear_down(&f);
}

/* Loads into e, which is in the middle of a run, and shows that the failure changed nothing: its
 * own bytes are the same. */
static void refuse(fixture *f, absa_eigen *e, const void *bytes, size_t size, absa_status want)
{
    size_t before_size, after_size;
    void *before = save(e, 1, &before_size);
    cr_assert_eq(absa_eigen_load(e, bytes, size), want, "%s", absa_context_message(f->ctx));
    void *after = save(e, 1, &after_size);
    cr_assert_eq(before_size, after_size);
    cr_assert_eq(memcmp(before, after, before_size), 0);
    free(before);
    free(after);
}

static void seal(unsigned char *bytes, size_t size)
{
    absa__writer w = {bytes + size - 4, 4, 0};
    absa__put_u32(&w, absa__crc32(0, bytes, size - 4));
}

static absa_eigen *half_way(fixture *f, int mode)
{
    absa_eigen *e = make(f, mode, ABSA_RULE_CERTIFIED);
    const void *x;
    void *y;
    cr_assert_eq(absa_eigen_start(e, NULL), ABSA_OK);
    for (int k = 0; k < 9; k++) {
        cr_assert_eq(absa_eigen_next(e, &x, &y), ABSA_OK);
        product(f, e, x, y);
    }
    return e;
}

Test(eigen_save, damaged_foreign_and_newer_bytes_are_refused_and_change_nothing)
{
    fixture f;
    set_up(&f, ABSA_ELEMENT_F32);
    absa_eigen *e = half_way(&f, 2);
    size_t size;
    unsigned char *bytes = save(e, 1, &size);
    refuse(&f, e, bytes, 0, ABSA_E_FORMAT);
    refuse(&f, e, bytes, 5, ABSA_E_FORMAT);
    refuse(&f, e, bytes, 20, ABSA_E_FORMAT);
    refuse(&f, e, bytes, size - 1, ABSA_E_FORMAT);
    for (size_t at = 0; at < size; at += at < 700 ? 1 : 997) {
        bytes[at] ^= 0x10;
        const absa_status want = at >= 8 && at < 12 ? ABSA_E_VERSION : ABSA_E_FORMAT;
        refuse(&f, e, bytes, size, want);
        bytes[at] ^= 0x10;
    }
    cr_assert_eq(absa_eigen_load(e, NULL, 0), ABSA_E_INVALID);
    absa_eigen *other = half_way(&f, 1);
    refuse(&f, other, bytes, size, ABSA_E_MISMATCH);
    cr_assert_not_null(strstr(absa_context_message(f.ctx), "memory"));
    free(bytes);
    absa_eigen_destroy(&other);
    absa_eigen_destroy(&e);
    tear_down(&f);
}

/* Forged numbers behind a right checksum: each is refused, or harmless, never a crash (the
 * sanitizers watch). The eight bytes of every field in turn become -1, NaN and 7. */
Test(eigen_save, forged_numbers_are_refused_or_harmless)
{
    const uint64_t forged[] = {UINT64_MAX, 0x7FF8000000000000u, 7u};
    fixture f;
    set_up(&f, ABSA_ELEMENT_F32);
    for (int mode = 0; mode < EIGEN_MODES; mode++)
        for (int done = 0; done < 2; done++) {
            absa_eigen *e = half_way(&f, mode);
            absa_eigen_result r;
            absa_eigen_result_init(&r, sizeof r);
            if (done)
                cr_assert_eq(absa_eigen_continue(e, f.op, &r), ABSA_OK);
            size_t size;
            unsigned char *bytes = save(e, 1, &size);
            int64_t refused = 0;
            const size_t head = 8 + 4 + 8 + 4;
            const size_t numbers = size < 760 ? size - 12 : 760;
            for (size_t at = head; at<numbers; at += mode> 2 ? 12 : 4)
                for (size_t k = 0; k < sizeof forged / sizeof forged[0]; k++) {
                    /* All three for the plain modes, one in turn for the others: time. */
                    if (mode > 2 && k != at / 4 % 3)
                        continue;
                    unsigned char *copy = malloc(size);
                    memcpy(copy, bytes, size);
                    absa__writer w = {copy + at, 8, 0};
                    absa__put_u64(&w, forged[k]);
                    seal(copy, size);
                    absa_eigen *victim = make(&f, mode, ABSA_RULE_CERTIFIED);
                    if (absa_eigen_load(victim, copy, size)) {
                        refused++;
                    } else {
                        static float u[N];
                        const absa_status status = absa_eigen_continue(victim, f.op, &r);
                        cr_assert(status == ABSA_OK || status == ABSA_E_STATE ||
                                  status == ABSA_E_NONFINITE);
                        (void)absa_eigen_vector(victim, u);
                        /* A forged hint can be NaN: that run fails, the next one is cold. */
                        if (absa_eigen_run(victim, f.op, NULL, &r))
                            cr_assert_eq(absa_eigen_run(victim, f.op, NULL, &r), ABSA_OK, "%s",
                                         absa_context_message(f.ctx));
                    }
                    absa_eigen_destroy(&victim);
                    free(copy);
                }
            cr_assert_gt(refused, mode > 2 ? 11 : 100);
            free(bytes);
            absa_eigen_destroy(&e);
        }
    tear_down(&f);
}

typedef struct busy {
    absa_eigen *e;
    int asked;
} busy;

static int ask(void *user, const absa_eigen_result *now, int32_t *stop)
{
    busy *b = user;
    char byte = 0;
    size_t size;
    (void)now;
    *stop = 1;
    cr_assert_eq(absa_eigen_save(b->e, 1, NULL, 0, &size), ABSA_E_BUSY);
    cr_assert_eq(absa_eigen_load(b->e, &byte, 1), ABSA_E_BUSY);
    cr_assert_eq(absa_eigen_continue(b->e, NULL, NULL), ABSA_E_BUSY);
    b->asked++;
    return 0;
}

Test(eigen_save, a_small_buffer_learns_its_need_and_callbacks_may_not_save)
{
    fixture f;
    set_up(&f, ABSA_ELEMENT_F64);
    absa_eigen *e = half_way(&f, 0);
    size_t size = 0, need = 0;
    unsigned char *bytes = save(e, 1, &size);
    bytes[0] = 77;
    cr_assert_eq(absa_eigen_save(e, 1, bytes, size - 1, &need), ABSA_E_SPACE);
    cr_assert_eq(need, size);
    cr_assert_eq(bytes[0], 77, "nothing was written");
    /* Two vectors in f64, and numbers. */
    cr_assert(size > 2 * N * sizeof(double) && size < 2 * N * sizeof(double) + 1000);
    cr_assert_eq(absa_eigen_save(e, 2, bytes, size, &need), ABSA_E_INVALID);
    cr_assert_eq(absa_eigen_save(e, 1, bytes, size, NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_eigen_save(NULL, 1, bytes, size, &need), ABSA_E_INVALID);
    cr_assert_eq(absa_eigen_load(NULL, bytes, size), ABSA_E_INVALID);
    free(bytes);
    absa_eigen_destroy(&e);
    busy b = {0};
    absa_eigen_options o;
    absa_eigen_result r;
    absa_eigen_result_init(&r, sizeof r);
    absa_eigen_options_init(&o, sizeof o);
    o.monitor = ask;
    o.monitor_user = &b;
    cr_assert_eq(absa_eigen_create(f.ctx, &f.space, &o, &b.e), ABSA_OK);
    cr_assert_eq(absa_eigen_run(b.e, f.op, NULL, &r), ABSA_OK);
    cr_assert_eq(b.asked, 1);
    absa_eigen_destroy(&b.e);
    tear_down(&f);
}
