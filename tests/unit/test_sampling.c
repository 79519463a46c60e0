/* Means over probe batches: the figures against sums done by hand, the runs against runs one by
 * one, the quotients against the matrix of all batches together, and every way to fail. */
#include "support/faulty_alloc.h"
#include "support/matrices.h"

#include <absa/random.h>
#include <absa/sampling.h>

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <string.h>

enum { N = 24, BATCHES = 6, ROWS = 40 };

/* H_k = X'X / ROWS for rows X of batch k, with unequal scales: a simple largest eigenvalue near 9.
 */
typedef struct host {
    double x[BATCHES][ROWS][N];
    int64_t current; /* batch of the next product */
    int negative;    /* -H in place of H */
    int64_t calls, fail_at, nan_at;
    int64_t selected, select_fails_at;
    absa_eigen *busy; /* run from inside select */
    absa_operator *busy_op;
    absa_status busy_status;
} host;

typedef struct part {
    host *h;
    int64_t first, count; /* the batches it covers; count 0: the current one */
} part;

static int part_hvp(void *user, const void *v, void *hv, int64_t *samples)
{
    const part *p = user;
    host *h = p->h;
    const double *in = v;
    double *out = hv;
    const int64_t first = p->count ? p->first : h->current, count = p->count ? p->count : 1;
    if (++h->calls == h->fail_at)
        return 5;
    memset(out, 0, N * sizeof(double));
    for (int64_t k = first; k < first + count; k++)
        for (int i = 0; i < ROWS; i++) {
            double dot = h->calls == h->nan_at ? (double)NAN : 0.0;
            for (int j = 0; j < N; j++)
                dot += h->x[k][i][j] * in[j];
            for (int j = 0; j < N; j++)
                out[j] += dot * h->x[k][i][j] / (double)(count * ROWS);
        }
    for (int j = 0; j < N && h->negative; j++)
        out[j] = -out[j];
    *samples = count * ROWS;
    return 0;
}

static int select_batch(void *user, int64_t batch)
{
    host *h = user;
    cr_assert_eq(batch, h->selected);
    h->selected++;
    h->current = batch;
    if (h->busy) {
        absa_eigen_result r;
        absa_eigen_result_init(&r, sizeof r);
        h->busy_status = absa_eigen_run(h->busy, h->busy_op, NULL, &r);
    }
    return h->selected == h->select_fails_at ? 9 : 0;
}

typedef struct bench {
    host h;
    faulty_alloc memory;
    part parts[BATCHES], pooled, current;
    absa_context *ctx;
    absa_operator *op[BATCHES], *all, *now;
    absa_eigen *eigen;
    absa_eigen_result runs[BATCHES], mean;
    absa_sampling_result result;
} bench;

static absa_operator *operator_of(bench *b, part *p)
{
    absa_space s;
    absa_operator *op = NULL;
    absa_space_host(&s, sizeof s, ABSA_ELEMENT_F64, N);
    cr_assert_eq(absa_operator_from_hvp(b->ctx, &s, part_hvp, p, NULL, &op), ABSA_OK);
    return op;
}

static bench *set_up(const absa_eigen_options *o)
{
    static bench b;
    absa_space s;
    memset(&b, 0, sizeof b);
    b.ctx = faulty_context(&b.memory);
    absa_random_gaussian_f64(5, 0, 0, BATCHES * ROWS * N, &b.h.x[0][0][0]);
    for (int i = 0; i < BATCHES * ROWS; i++)
        (&b.h.x[0][0][0])[i * N] *= 3.0;
    for (int k = 0; k < BATCHES; k++) {
        b.parts[k] = (part){&b.h, k, 1};
        b.op[k] = operator_of(&b, &b.parts[k]);
    }
    b.pooled = (part){&b.h, 0, BATCHES};
    b.current = (part){&b.h, 0, 0};
    b.all = operator_of(&b, &b.pooled);
    b.now = operator_of(&b, &b.current);
    absa_space_host(&s, sizeof s, ABSA_ELEMENT_F64, N);
    cr_assert_eq(absa_eigen_create(b.ctx, &s, o, &b.eigen), ABSA_OK);
    absa_eigen_result_init(&b.runs[0], sizeof b.runs[0]);
    absa_eigen_result_init(&b.mean, sizeof b.mean);
    absa_sampling_result_init(&b.result, sizeof b.result);
    return &b;
}

static void tear_down(bench *b)
{
    for (int k = 0; k < BATCHES; k++)
        absa_operator_destroy(&b->op[k]);
    absa_operator_destroy(&b->all);
    absa_operator_destroy(&b->now);
    absa_eigen_destroy(&b->eigen);
    absa_context_destroy(&b->ctx);
    cr_assert_eq(b->memory.live_blocks, 0);
    cr_assert_eq(b->memory.errors, 0);
}

static absa_sampling_result of_values(int64_t count, const double *values, const double *weights)
{
    absa_sampling_result r;
    absa_sampling_result_init(&r, sizeof r);
    cr_assert_eq(absa_sampling_from_values(NULL, count, values, weights, 0.95, &r), ABSA_OK);
    return r;
}

Test(sampling, four_values_give_the_mean_and_interval_of_a_textbook)
{
    const double x[4] = {1.0, 2.0, 3.0, 4.0};
    const absa_sampling_result r = of_values(4, x, NULL);
    cr_assert_eq(r.batches, 4);
    cr_assert_eq(r.mean, 2.5);
    cr_assert_float_eq(r.deviation, sqrt(5.0 / 3.0), 4 * DBL_EPSILON);
    cr_assert_float_eq(r.standard_error, sqrt(5.0 / 12.0), 4 * DBL_EPSILON);
    /* The printed tables' t for 3 degrees of freedom, to their last digit. */
    cr_assert_float_eq(r.quantile, 3.182, 5e-4);
    cr_assert_float_eq(r.lower, 2.5 - r.quantile * r.standard_error, 8 * DBL_EPSILON);
    cr_assert_float_eq(r.upper, 2.5 + r.quantile * r.standard_error, 8 * DBL_EPSILON);
    cr_assert_eq(r.confidence, 0.95);
}

Test(sampling, weights_count_in_the_mean_and_in_its_error)
{
    /* Weights 3/4 and 1/4, deviations -3/4 and 9/4: sum w d^2 = 27/16, sum (w d)^2 = 81/128, and
     * m / (m - 1) is 2. All is exact in binary but the square roots. */
    const double x[2] = {1.0, 4.0}, w[2] = {3.0, 1.0};
    const absa_sampling_result r = of_values(2, x, w);
    cr_assert_eq(r.mean, 1.75);
    cr_assert_float_eq(r.deviation, sqrt(27.0 / 8.0), 4 * DBL_EPSILON);
    cr_assert_float_eq(r.standard_error, sqrt(81.0 / 64.0), 4 * DBL_EPSILON);
    const double same[2] = {0.7, 0.7};
    const absa_sampling_result equal = of_values(2, x, same), none = of_values(2, x, NULL);
    cr_assert_eq(memcmp(&equal, &none, sizeof none), 0);
}

Test(sampling, scales_do_not_matter)
{
    const double x[5] = {1.0, 2.5, -3.0, 0.25, 8.0}, w[5] = {1.0, 2.0, 3.0, 4.0, 5.0};
    const absa_sampling_result plain = of_values(5, x, w);
    for (int e = -1000; e <= 1000; e += 250) {
        double y[5], v[5];
        for (int i = 0; i < 5; i++) {
            y[i] = ldexp(x[i], e);
            v[i] = ldexp(w[i], -e);
        }
        const absa_sampling_result r = of_values(5, y, v);
        cr_assert_eq(r.mean, ldexp(plain.mean, e), "2^%d", e);
        cr_assert_eq(r.deviation, ldexp(plain.deviation, e));
        cr_assert_eq(r.standard_error, ldexp(plain.standard_error, e));
        cr_assert_eq(r.upper, ldexp(plain.upper, e));
    }
    const double nothing[3] = {0.0, 0.0, 0.0};
    cr_assert_eq(of_values(3, nothing, NULL).upper, 0.0);
}

Test(sampling, impossible_arguments_are_refused_and_outputs_kept)
{
    const double x[3] = {1.0, 2.0, (double)NAN}, w[2] = {1.0, 0.0}, u[2] = {1.0, HUGE_VAL};
    const double levels[] = {0.0, 1.0, -0.5, 0.9999999, (double)NAN};
    absa_sampling_result r, before, unprepared;
    absa_sampling_result_init(&r, sizeof r);
    r.mean = 77.0;
    before = r;
    memset(&unprepared, 0, sizeof unprepared);
    cr_assert_eq(absa_sampling_from_values(NULL, 2, NULL, NULL, 0.95, &r), ABSA_E_INVALID);
    cr_assert_eq(absa_sampling_from_values(NULL, 2, x, NULL, 0.95, NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_sampling_from_values(NULL, 1, x, NULL, 0.95, &r), ABSA_E_INVALID);
    cr_assert_eq(absa_sampling_from_values(NULL, -4, x, NULL, 0.95, &r), ABSA_E_INVALID);
    cr_assert_eq(absa_sampling_from_values(NULL, 2, x, w, 0.95, &r), ABSA_E_INVALID);
    cr_assert_eq(absa_sampling_from_values(NULL, 2, x, u, 0.95, &r), ABSA_E_INVALID);
    cr_assert_eq(absa_sampling_from_values(NULL, 3, x, NULL, 0.95, &r), ABSA_E_NONFINITE);
    cr_assert_eq(absa_sampling_from_values(NULL, 2, x, NULL, 0.95, &unprepared), ABSA_E_ABI);
    for (int i = 0; i < 5; i++)
        cr_assert_eq(absa_sampling_from_values(NULL, 2, x, NULL, levels[i], &r), ABSA_E_INVALID);
    cr_assert_eq(memcmp(&r, &before, sizeof r), 0);
}

/* Two runs that differ in every field that is gathered. */
static void two_runs(absa_eigen_result r[2])
{
    for (int i = 0; i < 2; i++) {
        absa_eigen_result_init(&r[i], sizeof r[i]);
        r[i].value = 2.0 + 2.0 * i;
        r[i].lower = 1.0 + 2.0 * i;
        r[i].upper = 4.0 + 3.0 * i;
        r[i].eta = 0.01 * (i + 1);
        r[i].residual = i ? 0.25 : 0.5;
        r[i].inconsistency = i ? 0.5 : 0.125;
        r[i].other_value = (double)NAN;
        r[i].other_upper = HUGE_VAL;
        r[i].stop = i ? ABSA_STOP_CONVERGED : ABSA_STOP_BUDGET;
        r[i].converged = i;
        r[i].consistent = 1;
        r[i].heuristic = 1 - i;
        r[i].products = 10 + i;
        r[i].peak_vectors = 8 - i;
        r[i].stream = 40 + (uint64_t)i;
    }
}

Test(sampling, runs_are_gathered_into_one_result)
{
    absa_eigen_result r[2], mean;
    absa_sampling_result s;
    two_runs(r);
    absa_eigen_result_init(&mean, sizeof mean);
    absa_sampling_result_init(&s, sizeof s);
    cr_assert_eq(absa_sampling_from_results(NULL, 2, r, NULL, 0.9, &mean, &s), ABSA_OK);
    cr_assert_eq(mean.value, 3.0);
    cr_assert_eq(mean.lower, 2.0);
    cr_assert_eq(mean.upper, 5.5);
    cr_assert_float_eq(mean.eta, 0.03, DBL_EPSILON);
    cr_assert_eq(mean.residual, 0.5);
    cr_assert_eq(mean.inconsistency, 0.5);
    cr_assert(isnan(mean.other_value));
    cr_assert_eq(mean.other_upper, HUGE_VAL);
    cr_assert_eq(mean.stop, ABSA_STOP_BUDGET);
    cr_assert_eq(mean.converged, 0);
    cr_assert_eq(mean.consistent, 1);
    cr_assert_eq(mean.heuristic, 1);
    cr_assert_eq(mean.products, 21);
    cr_assert_eq(mean.peak_vectors, 8);
    cr_assert_eq(mean.stream, 41);
    /* Two values a distance of 2 apart: an error of 1, widened beyond the mean bounds. */
    cr_assert_eq(s.standard_error, 1.0);
    cr_assert_eq(s.lower, 2.0 - s.quantile);
    cr_assert_eq(s.upper, 5.5 + s.quantile);
    r[0].consistent = 0;
    r[0].eta = r[1].eta = 0.75;
    r[1].upper = HUGE_VAL;
    cr_assert_eq(absa_sampling_from_results(NULL, 2, r, NULL, 0.9, &mean, &s), ABSA_OK);
    cr_assert_eq(mean.consistent, 0);
    cr_assert_eq(mean.eta, 1.0);
    cr_assert_eq(s.upper, HUGE_VAL);
    cr_assert_eq(absa_sampling_from_results(NULL, 2, r, NULL, 0.9, NULL, &s), ABSA_OK);
}

Test(sampling, runs_that_do_not_go_together_are_refused_and_outputs_kept)
{
    absa_eigen_result r[2], mean, kept;
    absa_sampling_result s, before;
    absa_eigen_result_init(&mean, sizeof mean);
    absa_sampling_result_init(&s, sizeof s);
    s.mean = 77.0;
    before = s;
    kept = mean;
    two_runs(r);
    r[1].which = ABSA_WHICH_SMALLEST;
    cr_assert_eq(absa_sampling_from_results(NULL, 2, r, NULL, 0.9, &mean, &s), ABSA_E_INVALID);
    two_runs(r);
    r[0].answer = ABSA_ANSWER_NOT_BELOW;
    cr_assert_eq(absa_sampling_from_results(NULL, 2, r, NULL, 0.9, &mean, &s), ABSA_E_INVALID);
    two_runs(r);
    r[1].value = (double)NAN;
    cr_assert_eq(absa_sampling_from_results(NULL, 2, r, NULL, 0.9, &mean, &s), ABSA_E_NONFINITE);
    two_runs(r);
    r[0].upper = (double)NAN;
    cr_assert_eq(absa_sampling_from_results(NULL, 2, r, NULL, 0.9, &mean, &s), ABSA_E_NONFINITE);
    two_runs(r);
    r[1].struct_size -= 8;
    cr_assert_eq(absa_sampling_from_results(NULL, 2, r, NULL, 0.9, &mean, &s), ABSA_E_ABI);
    const size_t sizes[] = {0, 8, 64, sizeof r[0] - 4, SIZE_MAX};
    for (int i = 0; i < 5; i++) {
        two_runs(r);
        r[0].struct_size = sizes[i];
        cr_assert_eq(absa_sampling_from_results(NULL, 2, r, NULL, 0.9, &mean, &s), ABSA_E_ABI);
    }
    two_runs(r);
    cr_assert_eq(absa_sampling_from_results(NULL, 1, r, NULL, 0.9, &mean, &s), ABSA_E_INVALID);
    cr_assert_eq(absa_sampling_from_results(NULL, 2, r, NULL, 2.0, &mean, &s), ABSA_E_INVALID);
    mean.struct_size = kept.struct_size = 0;
    cr_assert_eq(absa_sampling_from_results(NULL, 2, r, NULL, 0.9, &mean, &s), ABSA_E_ABI);
    cr_assert_eq(memcmp(&s, &before, sizeof s), 0);
    cr_assert_eq(memcmp(&mean, &kept, sizeof mean), 0);
}

Test(sampling, callers_of_an_older_release_have_shorter_results)
{
    enum { OLD = offsetof(absa_eigen_result, rest_bound) };
    _Alignas(double) unsigned char old[2 * OLD];
    absa_eigen_result r[2];
    absa_sampling_result s;
    absa_sampling_result_init(&s, sizeof s);
    two_runs(r);
    for (int i = 0; i < 2; i++) {
        r[i].struct_size = OLD;
        memcpy(old + i * OLD, &r[i], OLD);
    }
    cr_assert_eq(
        absa_sampling_from_results(NULL, 2, (absa_eigen_result *)(void *)old, NULL, 0.9, NULL, &s),
        ABSA_OK);
    cr_assert_eq(s.mean, 3.0);
}

Test(sampling, a_run_over_batches_is_the_runs_one_by_one)
{
    const absa_eigen_options o = eigen_options(ABSA_RULE_CERTIFIED, ABSA_MEMORY_BASIS);
    bench *b = set_up(&o);
    double values[BATCHES];
    int64_t products = 0;
    const int64_t allocations = b->memory.calls;
    cr_assert_eq(
        absa_sampling_run(b->eigen, BATCHES, b->op, NULL, NULL, b->runs, &b->mean, &b->result),
        ABSA_OK, "%s", absa_context_message(b->ctx));
    cr_assert_eq(b->result.batches, BATCHES);
    cr_assert_eq(b->mean.products, b->h.calls);
    cr_assert_eq(b->memory.calls, allocations, "nothing is allocated");
    for (int k = 0; k < BATCHES; k++) {
        absa_eigen_args args;
        absa_eigen_result alone;
        absa_eigen_args_init(&args, sizeof args);
        absa_eigen_result_init(&alone, sizeof alone);
        args.stream = (uint64_t)k;
        cr_assert_eq(absa_eigen_run(b->eigen, b->op[k], &args, &alone), ABSA_OK);
        cr_assert_eq(memcmp(&alone, &b->runs[k], sizeof alone), 0, "batch %d", k);
        values[k] = alone.value;
        products += alone.products;
    }
    const absa_sampling_result direct = of_values(BATCHES, values, NULL);
    cr_assert_eq(b->mean.products, products);
    cr_assert_eq(b->result.mean, direct.mean);
    cr_assert_eq(b->result.standard_error, direct.standard_error);
    /* The solver's part of the interval: a tolerance of 1 % at most, on the upper side. */
    cr_assert_geq(b->result.upper, direct.upper);
    cr_assert_leq(b->result.upper, direct.upper + 0.01 * direct.mean);
    tear_down(b);
}

Test(sampling, one_operator_serves_all_batches_when_the_host_selects)
{
    absa_eigen_options o = eigen_options(ABSA_RULE_CERTIFIED, ABSA_MEMORY_BASIS);
    bench *b = set_up(&o);
    absa_operator *const same[BATCHES] = {b->now, b->now, b->now, b->now, b->now, b->now};
    absa_eigen_result many[BATCHES];
    absa_sampling_result apart;
    absa_sampling_options s;
    absa_sampling_options_init(&s, sizeof s);
    absa_eigen_result_init(&many[0], sizeof many[0]);
    absa_sampling_result_init(&apart, sizeof apart);
    cr_assert_eq(absa_sampling_run(b->eigen, BATCHES, b->op, NULL, NULL, many, NULL, &apart),
                 ABSA_OK);
    absa_eigen_destroy(&b->eigen);
    absa_space space;
    absa_space_host(&space, sizeof space, ABSA_ELEMENT_F64, N);
    cr_assert_eq(absa_eigen_create(b->ctx, &space, &o, &b->eigen), ABSA_OK);
    s.select = select_batch;
    s.select_user = &b->h;
    b->h.busy = b->eigen;
    b->h.busy_op = b->now;
    cr_assert_eq(
        absa_sampling_run(b->eigen, BATCHES, same, NULL, &s, b->runs, &b->mean, &b->result),
        ABSA_OK);
    cr_assert_eq(b->h.selected, BATCHES);
    cr_assert_eq(b->h.busy_status, ABSA_E_BUSY, "the estimator is in use while it asks");
    cr_assert_eq(memcmp(&apart, &b->result, sizeof apart), 0);
    tear_down(b);
}

Test(sampling, a_target_ends_the_batches_when_the_interval_is_narrow_enough)
{
    const absa_eigen_options o = eigen_options(ABSA_RULE_RESIDUAL, ABSA_MEMORY_BASIS);
    bench *b = set_up(&o);
    absa_operator *const same[BATCHES] = {b->op[0], b->op[0], b->op[0],
                                          b->op[0], b->op[0], b->op[0]};
    absa_sampling_options s;
    absa_sampling_options_init(&s, sizeof s);
    s.target = 0.05;
    cr_assert_eq(
        absa_sampling_run(b->eigen, BATCHES, same, NULL, &s, b->runs, &b->mean, &b->result),
        ABSA_OK);
    cr_assert_eq(b->result.batches, 4, "batches that agree: no more than the least number");
    s.least = 2;
    cr_assert_eq(
        absa_sampling_run(b->eigen, BATCHES, same, NULL, &s, b->runs, &b->mean, &b->result),
        ABSA_OK);
    cr_assert_eq(b->result.batches, 2);
    /* Real batches differ by far more than a thousandth. */
    s.target = 1e-3;
    cr_assert_eq(
        absa_sampling_run(b->eigen, BATCHES, b->op, NULL, &s, b->runs, &b->mean, &b->result),
        ABSA_OK);
    cr_assert_eq(b->result.batches, BATCHES);
    tear_down(b);
}

Test(sampling, a_target_is_a_part_of_the_magnitude)
{
    const absa_eigen_options o = eigen_options(ABSA_RULE_RESIDUAL, ABSA_MEMORY_BASIS);
    bench *b = set_up(&o);
    absa_operator *const same[BATCHES] = {b->op[0], b->op[0], b->op[0],
                                          b->op[0], b->op[0], b->op[0]};
    double v[N] = {1.0}, work[N], values[BATCHES];
    absa_sampling_options s;
    absa_sampling_options_init(&s, sizeof s);
    s.target = 0.05;
    b->h.negative = 1;
    cr_assert_eq(absa_sampling_quotients(b->eigen, BATCHES, same, NULL, v, work, &s, NULL, values,
                                         &b->result),
                 ABSA_OK);
    cr_assert_lt(b->result.mean, 0.0);
    cr_assert_eq(b->result.batches, 4);
    tear_down(b);
}

Test(sampling, quotients_along_the_eigenvector_of_all_batches_have_its_eigenvalue_as_mean)
{
    const absa_eigen_options o = eigen_options(ABSA_RULE_CERTIFIED, ABSA_MEMORY_BASIS);
    bench *b = set_up(&o);
    double v[N], work[N], values[BATCHES], x2 = 0.0;
    absa_eigen_result r;
    absa_eigen_result_init(&r, sizeof r);
    cr_assert_eq(absa_eigen_run(b->eigen, b->all, NULL, &r), ABSA_OK);
    cr_assert_eq(absa_eigen_vector(b->eigen, v), ABSA_OK);
    /* The length of v is not looked at. */
    for (int j = 0; j < N; j++)
        v[j] *= 1e-3;
    b->h.calls = 0;
    const int64_t allocations = b->memory.calls;
    cr_assert_eq(absa_sampling_quotients(b->eigen, BATCHES, b->op, NULL, v, work, NULL, &r, values,
                                         &b->result),
                 ABSA_OK);
    cr_assert_eq(b->memory.calls, allocations, "nothing is allocated");
    cr_assert_eq(b->h.calls, BATCHES, "a product a batch");
    /* Sums of N and of BATCHES ROWS terms, and the vector's own rounding. */
    const double rounding = (BATCHES * ROWS + N) * DBL_EPSILON * r.value;
    cr_assert_float_eq(b->result.mean, r.value, rounding);
    for (int k = 0; k < BATCHES; k++) {
        double sum = 0.0, vv = 0.0;
        for (int j = 0; j < N; j++)
            vv += v[j] * v[j];
        for (int i = 0; i < ROWS; i++) {
            double dot = 0.0;
            for (int j = 0; j < N; j++)
                dot += b->h.x[k][i][j] * v[j];
            sum += dot * dot / ROWS;
        }
        cr_assert_float_eq(values[k], sum / vv, rounding);
        x2 += (values[k] - r.value) * (values[k] - r.value);
    }
    const double error = sqrt(x2 / (BATCHES * (BATCHES - 1)));
    cr_assert_float_eq(b->result.standard_error, error, rounding);
    cr_assert_float_eq(b->result.lower, r.lower - b->result.quantile * error, 10 * rounding);
    cr_assert_float_eq(b->result.upper, r.upper + b->result.quantile * error, 10 * rounding);
    /* The largest eigenvalue is convex: single batches have larger ones in the mean. */
    cr_assert_eq(
        absa_sampling_run(b->eigen, BATCHES, b->op, NULL, NULL, b->runs, &b->mean, &b->result),
        ABSA_OK);
    cr_assert_gt(b->mean.value, r.value);
    tear_down(b);
}

Test(sampling, quotients_and_runs_refuse_what_cannot_be)
{
    const absa_eigen_options o = eigen_options(ABSA_RULE_RESIDUAL, ABSA_MEMORY_BASIS);
    bench *b = set_up(&o);
    double v[N] = {1.0}, zero[N] = {0.0}, work[N], values[BATCHES];
    absa_sampling_options s;
    absa_eigen *e = b->eigen;
    absa_sampling_result *out = &b->result;
    absa_operator *holes[BATCHES] = {b->op[0], NULL};
    absa_sampling_options_init(&s, sizeof s);
#define QUOTIENTS(count, parts, v, work, options, run, values, out)                                \
    absa_sampling_quotients(e, count, parts, NULL, v, work, options, run, values, out)
#define RUN(count, parts, options, runs, out)                                                      \
    absa_sampling_run(e, count, parts, NULL, options, runs, &b->mean, out)
    cr_assert_eq(QUOTIENTS(2, NULL, v, work, &s, NULL, values, out), ABSA_E_INVALID);
    cr_assert_eq(QUOTIENTS(2, b->op, NULL, work, &s, NULL, values, out), ABSA_E_INVALID);
    cr_assert_eq(QUOTIENTS(2, b->op, v, NULL, &s, NULL, values, out), ABSA_E_INVALID);
    cr_assert_eq(QUOTIENTS(2, b->op, v, v, &s, NULL, values, out), ABSA_E_INVALID);
    cr_assert_eq(QUOTIENTS(2, b->op, v, work, &s, NULL, NULL, out), ABSA_E_INVALID);
    cr_assert_eq(QUOTIENTS(2, b->op, v, work, &s, NULL, values, NULL), ABSA_E_INVALID);
    cr_assert_eq(QUOTIENTS(2, b->op, zero, work, &s, NULL, values, out), ABSA_E_INVALID);
    cr_assert_eq(QUOTIENTS(1, b->op, v, work, &s, NULL, values, out), ABSA_E_INVALID);
    cr_assert_eq(QUOTIENTS(2, holes, v, work, &s, NULL, values, out), ABSA_E_INVALID);
    cr_assert_eq(RUN(2, NULL, &s, b->runs, out), ABSA_E_INVALID);
    cr_assert_eq(RUN(2, b->op, &s, NULL, out), ABSA_E_INVALID);
    cr_assert_eq(RUN(2, b->op, &s, b->runs, NULL), ABSA_E_INVALID);
    cr_assert_eq(RUN(1, b->op, &s, b->runs, out), ABSA_E_INVALID);
    cr_assert_eq(RUN(2, holes, &s, b->runs, out), ABSA_E_INVALID);
    s.least = 1;
    cr_assert_eq(RUN(2, b->op, &s, b->runs, out), ABSA_E_INVALID);
    s.least = 2;
    s.target = -1.0;
    cr_assert_eq(RUN(2, b->op, &s, b->runs, out), ABSA_E_INVALID);
    s.target = (double)NAN;
    cr_assert_eq(QUOTIENTS(2, b->op, v, work, &s, NULL, values, out), ABSA_E_INVALID);
    s.target = 0.0;
    s.confidence = 1.0;
    cr_assert_eq(RUN(2, b->op, &s, b->runs, out), ABSA_E_INVALID);
    s.confidence = 0.9;
    s.struct_size = 0;
    cr_assert_eq(RUN(2, b->op, &s, b->runs, out), ABSA_E_ABI);
    b->runs[0].struct_size = 8;
    cr_assert_eq(RUN(2, b->op, NULL, b->runs, out), ABSA_E_ABI);
    cr_assert_eq(QUOTIENTS(2, b->op, v, work, NULL, b->runs, values, out), ABSA_E_ABI);
    v[3] = (double)NAN;
    cr_assert_eq(QUOTIENTS(2, b->op, v, work, NULL, NULL, values, out), ABSA_E_NONFINITE);
    cr_assert_eq(b->h.calls, 0, "all that was seen before a product was asked for");
    cr_assert_eq(absa_sampling_run(NULL, 2, b->op, NULL, NULL, b->runs, NULL, out), ABSA_E_INVALID);
    cr_assert_eq(out->batches, 0, "never written");
    tear_down(b);
}

Test(sampling, a_failure_in_any_call_leaves_outputs_and_a_usable_estimator)
{
    const absa_eigen_options o = eigen_options(ABSA_RULE_RESIDUAL, ABSA_MEMORY_BASIS);
    bench *b = set_up(&o);
    double v[N] = {1.0}, work[N], values[BATCHES];
    absa_sampling_options s;
    absa_sampling_options_init(&s, sizeof s);
    s.select = select_batch;
    s.select_user = &b->h;
    cr_assert_eq(absa_sampling_run(b->eigen, 3, b->op, NULL, NULL, b->runs, &b->mean, &b->result),
                 ABSA_OK);
    const int64_t calls = b->h.calls;
    cr_assert_gt(calls, 9);
    absa_sampling_result_init(&b->result, sizeof b->result);
    for (int64_t k = 1; k <= calls; k++) {
        b->h.calls = 0;
        b->h.fail_at = k;
        /* Streams of their own, and so not always the same number of calls. */
        const absa_status status =
            absa_sampling_run(b->eigen, 3, b->op, NULL, NULL, b->runs, NULL, &b->result);
        cr_assert(status == ABSA_E_CALLBACK || b->h.calls < k, "call %d", (int)k);
        if (status)
            cr_assert_eq(absa_context_callback_code(b->ctx), 5);
    }
    absa_sampling_result_init(&b->result, sizeof b->result);
    for (int64_t k = 1; k <= 3; k++) {
        b->h.calls = b->h.selected = 0;
        b->h.fail_at = k;
        cr_assert_eq(absa_sampling_quotients(b->eigen, 3, b->op, NULL, v, work, NULL, NULL, values,
                                             &b->result),
                     ABSA_E_CALLBACK);
        b->h.fail_at = 0;
        b->h.select_fails_at = k;
        cr_assert_eq(absa_sampling_run(b->eigen, 3, b->op, NULL, &s, b->runs, NULL, &b->result),
                     ABSA_E_CALLBACK);
        cr_assert_eq(absa_context_callback_code(b->ctx), 9);
        b->h.selected = 0;
        cr_assert_eq(absa_sampling_quotients(b->eigen, 3, b->op, NULL, v, work, &s, NULL, values,
                                             &b->result),
                     ABSA_E_CALLBACK);
        b->h.calls = b->h.select_fails_at = 0;
        b->h.nan_at = k;
        cr_assert_eq(absa_sampling_quotients(b->eigen, 3, b->op, NULL, v, work, NULL, NULL, values,
                                             &b->result),
                     ABSA_E_NONFINITE);
        b->h.nan_at = 0;
    }
    cr_assert_eq(b->result.batches, 0, "no failure writes a result");
    cr_assert_eq(absa_sampling_run(b->eigen, 3, b->op, NULL, NULL, b->runs, NULL, &b->result),
                 ABSA_OK);
    tear_down(b);
}
