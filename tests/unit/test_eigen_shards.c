/* The estimator over several processes that hold parts of every vector: same steps, same values,
 * and a failure on one of them reaches all. */
#include "support/eigen_runs.h"
#include "support/processes.h"

#include <absa/eigen.h>
#include <absa/random.h>

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 2000 };

typedef struct shared_run {
    const double *values;
    int32_t element;
    int mode;
    absa_eigen_result results[7];
    absa_pair pairs[7][3];
} shared_run;

static void run_shard(process *p)
{
    shared_run *shared = p->user;
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_space s;
    /* Uneven shards; with seven processes the second one is empty. */
    const int64_t cuts[8] = {0, 100, p->count == 7 ? 100 : 700, 900, 1200, 1201, 1700, N};
    absa_space_host(&s, sizeof s, shared->element, 0);
    s.first = cuts[p->rank];
    s.n = (p->rank == p->count - 1 ? N : cuts[p->rank + 1]) - s.first;
    s.n_global = N;
    s.distribution = p->count > 1 ? ABSA_DISTRIBUTION_SHARDED : ABSA_DISTRIBUTION_NONE;
    s.reduce = process_reduce;
    s.reduce_user = p;
    diagonal_host h = {.n = s.n, .element = shared->element, .values = shared->values + s.first};
    absa_eigen_options o = eigen_options(ABSA_RULE_CERTIFIED, ABSA_MEMORY_BASIS);
    (void)eigen_mode(shared->mode, &o);
    absa_operator *op;
    absa_eigen *e;
    absa_eigen_result *r = &shared->results[p->rank];
    absa_eigen_result_init(r, sizeof *r);
    if (absa_operator_from_hvp(ctx, &s, diagonal_hvp, &h, NULL, &op) ||
        absa_eigen_create(ctx, &s, &o, &e) || absa_eigen_run(e, op, NULL, r))
        r->stop = -1;
    for (int64_t i = 0; i < r->pairs && i < 3; i++) {
        absa_pair_init(&shared->pairs[p->rank][i], sizeof(absa_pair));
        (void)absa_eigen_pair(e, i, &shared->pairs[p->rank][i]);
    }
    absa_eigen_destroy(&e);
    absa_operator_destroy(&op);
    absa_context_destroy(&ctx);
}

/* The start vector is the same to the bit, sums differ in their order alone: by n eps in f64, and
 * by what their use as single-precision coefficients rounds them to in f32. */
Test(shards, shards_take_the_same_steps_to_the_same_value)
{
    static double v[N];
    static shared_run one, many;
    outlier_spectrum(N, v);
    one.values = many.values = v;
    for (int mode = 0; mode < EIGEN_MODES; mode++) {
        one.mode = many.mode = mode;
        const int narrow = mode >= EIGEN_MODES_FOREIGN;
        one.element = many.element = narrow ? ABSA_ELEMENT_F32 : ABSA_ELEMENT_F64;
        processes_run(1, run_shard, &one);
        cr_assert_eq(one.results[0].stop, ABSA_STOP_CONVERGED);
        const int counts[] = {2, 3, 7};
        for (int k = 0; k < 3; k++) {
            processes_run(counts[k], run_shard, &many);
            for (int r = 0; r < counts[k]; r++) {
                const absa_eigen_result *got = &many.results[r], *want = &one.results[0];
                cr_assert_eq(got->products, want->products, "mode %d", mode);
                cr_assert_float_eq(got->value, want->value, narrow ? 1e-6 : 1e-12);
                cr_assert_float_eq(got->upper, want->upper, narrow ? 1e-5 : 1e-9);
                cr_assert_eq(got->value, many.results[0].value);
                cr_assert_eq(got->pairs, want->pairs);
                for (int64_t i = 0; i < got->pairs && i < 3; i++) {
                    cr_assert_float_eq(many.pairs[r][i].value, one.pairs[0][i].value,
                                       narrow ? 1e-6 : 1e-10);
                    cr_assert_eq(memcmp(&many.pairs[r][i], &many.pairs[0][i], sizeof(absa_pair)),
                                 0);
                }
            }
        }
    }
}

/* Two processes, with a shard each or every vector whole, whose vectors the library cannot touch;
 * operation number fail_at of process 1 fails. */
enum { PART = 40 };

typedef struct shard {
    process *p;
    int64_t first, calls, fail_at;
} shard;

typedef struct attempt {
    int mode; /* as eigen_mode() counts them; -1: POWER; -2: absa_operator_check() */
    int replicated, sum;
    int64_t fail_at;
    absa_status status[2], again[2];
    int64_t calls;
} attempt;

static int counted(void *user)
{
    shard *s = user;
    return s->p->rank == 1 && ++s->calls == s->fail_at ? 3 : 0;
}

static int t_alloc(void *user, void **out)
{
    (void)user;
    *out = calloc(PART, sizeof(double));
    return *out == NULL;
}

static void t_release(void *user, void *v)
{
    (void)user;
    free(v);
}

static int t_axpby(void *user, double a, const void *x, double b, void *y)
{
    for (int i = 0; i < PART; i++)
        ((double *)y)[i] = a * ((const double *)x)[i] + (b != 0.0 ? b * ((double *)y)[i] : 0.0);
    return counted(user);
}

static int t_dots(void *user, int64_t count, const void *const *x, const void *y, double *out)
{
    for (int64_t k = 0; k < count; k++) {
        out[k] = 0.0;
        for (int i = 0; i < PART; i++)
            out[k] += ((const double *)x[k])[i] * ((const double *)y)[i];
    }
    return counted(user);
}

static int t_gaussian(void *user, uint64_t seed, uint64_t stream, void *y)
{
    const shard *s = user;
    absa_random_gaussian_f64(seed, stream, s->first, PART, y);
    return counted(user);
}

/* A tight bulk below one value: the second step cancels so much that a vector is made anew. */
static int t_hvp(void *user, const void *v, void *hv, int64_t *samples)
{
    const shard *s = user;
    (void)samples;
    for (int i = 0; i < PART; i++) {
        const int64_t at = s->first + i;
        ((double *)hv)[i] = (at == 7 ? 1.0 : 1e-5 * cos((double)at)) * ((const double *)v)[i];
    }
    return counted(user);
}

static void attempt_run(process *p)
{
    attempt *a = p->user;
    shard mine = {p, a->replicated ? 0 : p->rank * PART, 0, 0};
    const absa_vector_ops ops = {.struct_size = sizeof ops,
                                 .alloc = t_alloc,
                                 .release = t_release,
                                 .axpby = t_axpby,
                                 .dots = t_dots,
                                 .gaussian = t_gaussian};
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_space s;
    absa_space_host(&s, sizeof s, ABSA_ELEMENT_F64, PART);
    absa_operator_options with;
    if (a->replicated) {
        process_replicate(p, &s, &with);
    } else {
        s.first = p->rank * PART;
        s.n_global = p->count * PART;
        s.distribution = ABSA_DISTRIBUTION_SHARDED;
        s.reduce = process_reduce;
        s.reduce_user = p;
    }
    s.ops = &ops;
    s.ops_user = &mine;
    absa_eigen_options o = eigen_options(ABSA_RULE_POWER, ABSA_MEMORY_AUTO);
    o.max_products = 9;
    if (a->mode >= 0) {
        (void)eigen_mode(a->mode, &o);
        o.rule = o.multiplicity ? ABSA_RULE_CERTIFIED : ABSA_RULE_FIXED;
        o.max_vectors = o.memory == ABSA_MEMORY_RESTART && o.wanted == 1 ? 4 : 0;
        o.keep_hint = o.memory == ABSA_MEMORY_BASIS || o.memory == ABSA_MEMORY_TWO_PASS;
    }
    absa_operator *part[2], *op;
    absa_eigen *e;
    absa_eigen_result r;
    absa_check_result c;
    absa_eigen_result_init(&r, sizeof r);
    absa_check_result_init(&c, sizeof c);
    for (int k = 0; k < 2; k++)
        absa_operator_from_hvp(ctx, &s, t_hvp, &mine, a->replicated ? &with : NULL, &part[k]);
    absa_operator_sum(ctx, a->sum ? 2 : 1, part, NULL, &op);
    absa_eigen_create(ctx, &s, &o, &e);
    mine.fail_at = a->fail_at;
    a->status[p->rank] =
        a->mode == -2 ? absa_operator_check(op, 0, &c) : absa_eigen_run(e, op, NULL, &r);
    /* The second run starts from the hint that the first one left, where one is kept. */
    a->again[p->rank] =
        a->mode == -2 ? absa_operator_check(op, 0, &c) : absa_eigen_run(e, op, NULL, &r);
    if (p->rank == 1)
        a->calls = mine.calls;
    absa_eigen_destroy(&e);
    absa_operator_destroy(&op);
    for (int k = 0; k < 2; k++)
        absa_operator_destroy(&part[k]);
    absa_context_destroy(&ctx);
}

/* Whatever operation fails, in either of two runs: nobody waits for ever, the other process hears
 * of it, and the run in which nothing fails succeeds. */
static void fail_everywhere(int replicated)
{
    for (int k = -2; k < EIGEN_MODES_FOREIGN; k++) {
        attempt a = {.mode = k, .replicated = replicated, .sum = k <= 0};
        processes_run(2, attempt_run, &a);
        cr_assert(!a.status[0] && !a.status[1] && !a.again[0] && !a.again[1]);
        const int64_t calls = a.calls;
        cr_assert_gt(calls, 10);
        for (a.fail_at = 1; a.fail_at <= calls; a.fail_at++) {
            processes_run(2, attempt_run, &a);
            const int first = a.status[1] != ABSA_OK;
            cr_assert_eq(first ? a.status[1] : a.again[1], ABSA_E_CALLBACK, "mode %d, call %d", k,
                         (int)a.fail_at);
            cr_assert_eq(first ? a.status[0] : a.again[0], ABSA_E_PEER, "mode %d, call %d", k,
                         (int)a.fail_at);
            cr_assert_eq(first ? a.again[0] : a.status[0], ABSA_OK);
        }
    }
}

Test(shards, a_failing_operation_on_one_process_ends_the_run_on_both, .timeout = 120)
{
    fail_everywhere(0);
}

Test(shards, a_failing_operation_on_one_replica_ends_the_run_on_both, .timeout = 120)
{
    fail_everywhere(1);
}
