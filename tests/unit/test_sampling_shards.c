/* Means over probe batches where several processes hold parts of every vector: the same figures on
 * all, and a failure on one of them ends the work on all. */
#include "support/matrices.h"
#include "support/processes.h"

#include <absa/sampling.h>

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { N = 300, BATCHES = 4 };

typedef struct shared {
    double values[BATCHES][N];
    int64_t product_fails_at, select_fails_at; /* on process 1 */
    absa_status run[3], quotients[3], again[3];
    int64_t calls;
    absa_sampling_result of_runs[3], of_quotients[3];
} shared;

typedef struct selector {
    int64_t calls, fail_at;
} selector;

static int select_batch(void *user, int64_t batch)
{
    selector *s = user;
    (void)batch;
    return ++s->calls == s->fail_at ? 4 : 0;
}

static void work(process *p)
{
    shared *s = p->user;
    const int64_t cuts[4] = {0, p->count > 1 ? 90 : N, p->count > 2 ? 90 : N, N};
    const int64_t first = cuts[p->rank];
    const int64_t n = cuts[p->rank + 1] - first;
    absa_context *ctx;
    absa_space space;
    absa_operator *op[BATCHES];
    diagonal_host h[BATCHES];
    absa_eigen *e;
    double v[N], y[N], quotients[BATCHES];
    absa_eigen_result runs[BATCHES];
    selector select = {0, p->rank == 1 ? s->select_fails_at : 0};
    absa_sampling_options o;
    absa_sampling_options_init(&o, sizeof o);
    o.select = select_batch;
    o.select_user = &select;
    absa_context_create(NULL, &ctx);
    absa_space_host(&space, sizeof space, ABSA_ELEMENT_F64, n);
    space.first = first;
    space.n_global = N;
    space.distribution = p->count > 1 ? ABSA_DISTRIBUTION_SHARDED : ABSA_DISTRIBUTION_NONE;
    space.reduce = process_reduce;
    space.reduce_user = p;
    for (int k = 0; k < BATCHES; k++) {
        h[k] = (diagonal_host){.n = n, .element = ABSA_ELEMENT_F64, .values = s->values[k] + first};
        cr_assert_eq(absa_operator_from_hvp(ctx, &space, diagonal_hvp, &h[k], NULL, &op[k]),
                     ABSA_OK);
    }
    if (p->rank == 1 && s->product_fails_at)
        h[2].fail_at = s->product_fails_at;
    const absa_eigen_options eo = eigen_options(ABSA_RULE_RESIDUAL, ABSA_MEMORY_BASIS);
    cr_assert_eq(absa_eigen_create(ctx, &space, &eo, &e), ABSA_OK);
    for (int64_t i = 0; i < n; i++)
        v[i] = 1.0 / (double)(1 + first + i);
    absa_eigen_result_init(&runs[0], sizeof runs[0]);
    absa_sampling_result *r = &s->of_runs[p->rank], *q = &s->of_quotients[p->rank];
    absa_sampling_result_init(r, sizeof *r);
    absa_sampling_result_init(q, sizeof *q);
    s->run[p->rank] = absa_sampling_run(e, BATCHES, op, NULL, &o, runs, NULL, r);
    s->calls = p->rank == 1 ? h[2].calls : s->calls;
    s->quotients[p->rank] =
        absa_sampling_quotients(e, BATCHES, op, NULL, v, y, &o, NULL, quotients, q);
    s->again[p->rank] = absa_sampling_run(e, BATCHES, op, NULL, &o, runs, NULL, r);
    for (int k = 0; k < BATCHES; k++)
        absa_operator_destroy(&op[k]);
    absa_eigen_destroy(&e);
    absa_context_destroy(&ctx);
}

static void fill(shared *s)
{
    memset(s, 0, sizeof *s);
    for (int k = 0; k < BATCHES; k++)
        for (int i = 0; i < N; i++)
            s->values[k][i] = i == 17 ? 2.0 + 0.1 * k : cos(i * (0.01 + 0.001 * k));
}

Test(sampling_shards, every_process_gets_what_one_alone_would)
{
    static shared one, many;
    fill(&one);
    processes_run(1, work, &one);
    cr_assert_eq(one.run[0], ABSA_OK);
    for (int count = 2; count <= 3; count++) {
        fill(&many);
        processes_run(count, work, &many);
        for (int r = 0; r < count; r++) {
            cr_assert(!many.run[r] && !many.quotients[r] && !many.again[r]);
            cr_assert_eq(memcmp(&many.of_runs[r], &many.of_runs[0], sizeof one.of_runs[0]), 0);
            /* Sums of N terms in another order. */
            cr_assert_float_eq(many.of_quotients[r].mean, one.of_quotients[0].mean, 1e-13);
            cr_assert_float_eq(many.of_quotients[r].standard_error,
                               one.of_quotients[0].standard_error, 1e-13);
            cr_assert_float_eq(many.of_runs[r].mean, one.of_runs[0].mean, 1e-12);
        }
    }
}

static void expect_ended(const absa_status *status)
{
    cr_assert_eq(status[1], ABSA_E_CALLBACK);
    cr_assert_eq(status[0], ABSA_E_PEER);
    cr_assert_eq(status[2], ABSA_E_PEER);
}

Test(sampling_shards, a_failure_on_one_process_ends_the_work_on_all, .timeout = 60)
{
    static shared s;
    fill(&s);
    processes_run(3, work, &s);
    const int64_t calls = s.calls;
    cr_assert_gt(calls, 3);
    /* The third batch's products in the run, and then the one for its quotient. */
    for (int64_t k = 1; k <= calls + 1; k++) {
        fill(&s);
        s.product_fails_at = k;
        processes_run(3, work, &s);
        expect_ended(k <= calls ? s.run : s.quotients);
        cr_assert_eq(s.again[0], ABSA_OK, "and what follows works");
    }
    for (int64_t k = 1; k <= 2 * BATCHES; k++) {
        fill(&s);
        s.select_fails_at = k;
        processes_run(3, work, &s);
        expect_ended(k <= BATCHES ? s.run : s.quotients);
        cr_assert_eq(s.again[0], ABSA_OK);
    }
}
