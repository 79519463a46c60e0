/* The estimator on spectra that are known: values, intervals, rules, hints, edges. */
#include "support/faulty_alloc.h"
#include "support/matrices.h"

#include <absa/eigen.h>
#include <absa/random.h>

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <string.h>

enum { N = 2000 };

Test(eigen, every_rule_and_memory_encloses_the_truth)
{
    static double v[N];
    outlier_spectrum(N, v);
    for (int32_t element = 0; element < 2; element++)
        for (int32_t rule = ABSA_RULE_CHECKED; rule <= ABSA_RULE_FIXED; rule++)
            for (int32_t memory = ABSA_MEMORY_VALUE; memory <= ABSA_MEMORY_RESTART; memory++) {
                absa_eigen_options o = eigen_options(rule, memory);
                o.max_products = 30;
                const absa_eigen_result r = run_diagonal(element, N, v, &o, NULL, NULL);
                cr_assert(r.lower <= 1.0 && 1.0 <= r.upper);
                cr_assert_float_eq(r.value, 1.0, 0.01);
                cr_assert(r.converged && r.consistent);
                cr_assert_eq(r.stop, ABSA_STOP_CONVERGED);
                if (rule == ABSA_RULE_CERTIFIED)
                    cr_assert(r.upper - r.value <= 0.01 * r.value);
                if (rule == ABSA_RULE_FIXED)
                    cr_assert_eq(r.products, 30);
            }
}

/* Where all eigenvalues are far from zero, what rounding leaves of the basis in a vector comes back
 * times alpha / beta at every step: 2.4^60 here if nothing were done about it. */
Test(eigen, a_spectrum_far_from_zero_keeps_the_basis_orthogonal)
{
    static double v[N];
    const double shifts[3] = {0.5, 1.0, 3.0};
    for (int shift = 0; shift < 3; shift++) {
        for (int i = 0; i < N; i++)
            v[i] = shifts[shift] + (double)i / (N - 1);
        for (int32_t element = 0; element < 2; element++)
            for (int32_t memory = ABSA_MEMORY_BASIS; memory <= ABSA_MEMORY_RESTART; memory++) {
                absa_eigen_options o = eigen_options(ABSA_RULE_FIXED, memory);
                o.max_products = 60;
                o.max_vectors = memory == ABSA_MEMORY_RESTART ? 40 : 61;
                o.tolerance = element == ABSA_ELEMENT_F32 ? 1e-3 : 1e-6;
                const absa_eigen_result r = run_diagonal(element, N, v, &o, NULL, NULL);
                const double top = v[N - 1];
                cr_assert(r.consistent, "inconsistency %g", r.inconsistency);
                cr_assert(r.lower <= top && top <= r.upper, "%g not in [%.17g, %.17g]", top,
                          r.lower, r.upper);
                cr_assert_float_eq(r.value, top, 2 * r.residual);
                cr_assert_leq(r.residual, 1e-2);
            }
    }
}

/* With eta = 1/2 every other start has less than delta along the eigenvector, and its Ritz value
 * passes the bound sooner or later. That must not pass for convergence: an interval as narrow as
 * the tolerance belongs to a residual r with r^2 of that size (times the spread of the eigenvalues,
 * 1.7, and what S takes off, below 60). */
Test(eigen, an_unlucky_start_does_not_close_the_interval_around_any_value)
{
    static double v[N];
    outlier_spectrum(N, v);
    for (int32_t memory = ABSA_MEMORY_VALUE; memory <= ABSA_MEMORY_RESTART; memory++)
        for (uint64_t seed = 0; seed < 100; seed++) {
            absa_eigen_options o = eigen_options(ABSA_RULE_CERTIFIED, memory);
            o.eta = 0.5;
            o.tolerance = 1e-6;
            o.seed = seed;
            o.max_products = 61;
            o.max_vectors = 62;
            const absa_eigen_result r = run_diagonal(ABSA_ELEMENT_F64, N, v, &o, NULL, NULL);
            cr_assert(r.converged);
            cr_assert_leq(r.residual, 1e-2, "seed %d: residual %g", (int)seed, r.residual);
        }
}

/* f32 with three vectors takes the same steps as f64 with the whole basis, up to one. */
Test(eigen, single_precision_costs_no_products)
{
    static double v[N];
    outlier_spectrum(N, v);
    for (uint64_t seed = 0; seed < 20; seed++) {
        absa_eigen_options cheap = eigen_options(ABSA_RULE_CERTIFIED, ABSA_MEMORY_VALUE);
        absa_eigen_options full = eigen_options(ABSA_RULE_CERTIFIED, ABSA_MEMORY_BASIS);
        cheap.seed = full.seed = seed;
        const absa_eigen_result a = run_diagonal(ABSA_ELEMENT_F32, N, v, &cheap, NULL, NULL);
        const absa_eigen_result b = run_diagonal(ABSA_ELEMENT_F64, N, v, &full, NULL, NULL);
        cr_assert(llabs((long long)(a.products - b.products)) <= 1);
        cr_assert_float_eq(a.value, b.value, 1e-4);
    }
}

typedef struct miss_count {
    int run; /* this run's bound was below the truth at some step */
} miss_count;

static int note_miss(void *user, const absa_eigen_result *now, int32_t *stop)
{
    (void)stop;
    if (now->upper < 1.0)
        ((miss_count *)user)->run = 1;
    return 0;
}

/* P(a miss at any step) <= eta, and close to it where the value converges: over 2,000 seeds the
 * misses lie within the binomial's 99.9 % band, 3.29 sigma, and one more for its discreteness. A
 * bound that is missed far less often than promised would be too weak by some factor; half is
 * asked. */
Test(eigen, the_upper_bound_misses_as_often_as_promised)
{
    enum { SMALL = 300, SEEDS = 2000 };
    static double v[SMALL];
    for (int i = 0; i < SMALL; i++)
        v[i] = 0.5 * cos(i * 0.1);
    v[0] = 1.0;
    const double etas[2] = {0.1, 0.01};
    for (int32_t memory = ABSA_MEMORY_VALUE; memory <= ABSA_MEMORY_RESTART; memory++)
        for (int k = 0; k < 2; k++) {
            int misses = 0;
            for (uint64_t seed = 0; seed < SEEDS; seed++) {
                miss_count count = {0};
                absa_eigen_options o = eigen_options(ABSA_RULE_FIXED, memory);
                o.max_products = 16;
                o.eta = etas[k];
                o.seed = seed;
                o.monitor = note_miss;
                o.monitor_user = &count;
                (void)run_diagonal(ABSA_ELEMENT_F32, SMALL, v, &o, NULL, NULL);
                misses += count.run;
            }
            const double mean = SEEDS * etas[k], band = 3.29 * sqrt(mean * (1 - etas[k])) + 1;
            cr_assert_leq((double)misses, mean + band, "%d misses, %g promised", misses, mean);
            cr_assert_geq((double)misses, 0.5 * mean - band, "%d misses", misses);
        }
}

Test(eigen, a_hint_at_the_second_eigenvector_does_not_hide_the_first)
{
    static double v[N], hint[N];
    outlier_spectrum(N, v);
    hint[1] = -5.0;
    for (uint64_t seed = 0; seed < 50; seed++) {
        absa_eigen_options o = eigen_options(ABSA_RULE_CERTIFIED, ABSA_MEMORY_VALUE);
        absa_eigen_args a;
        absa_eigen_args_init(&a, sizeof a);
        a.hint = hint;
        a.stream = 1;
        a.hint_weight = 10.0;
        o.seed = seed;
        const absa_eigen_result r = run_diagonal(ABSA_ELEMENT_F64, N, v, &o, &a, NULL);
        cr_assert_float_eq(r.value, 1.0, 0.01);
    }
}

Test(eigen, a_good_hint_saves_products)
{
    static double v[N], hint[N];
    outlier_spectrum(N, v);
    absa_random_gaussian_f64(99, 0, 0, N, hint);
    for (int i = 0; i < N; i++)
        hint[i] *= 0.3 / sqrt(N);
    hint[0] += 1.0;
    int64_t cold = 0, warm = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        absa_eigen_options o = eigen_options(ABSA_RULE_RESIDUAL, ABSA_MEMORY_VALUE);
        absa_eigen_args a;
        absa_eigen_args_init(&a, sizeof a);
        a.stream = 1;
        o.seed = seed;
        cold += run_diagonal(ABSA_ELEMENT_F64, N, v, &o, &a, NULL).products;
        a.hint = hint;
        warm += run_diagonal(ABSA_ELEMENT_F64, N, v, &o, &a, NULL).products;
    }
    cr_assert_lt(warm, cold);
}

Test(eigen, the_kept_vector_is_an_eigenvector_and_the_next_hint)
{
    static double v[N], u[N];
    outlier_spectrum(N, v);
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    diagonal_host h = {.n = N, .element = ABSA_ELEMENT_F64, .values = v};
    absa_space space;
    absa_operator *op = diagonal_operator(ctx, &h, &space);
    absa_eigen_options o = eigen_options(ABSA_RULE_RESIDUAL, ABSA_MEMORY_BASIS);
    absa_eigen_args a;
    absa_eigen *e;
    absa_eigen_result r, again;
    absa_eigen_result_init(&r, sizeof r);
    absa_eigen_result_init(&again, sizeof again);
    absa_eigen_args_init(&a, sizeof a);
    o.keep_hint = 1;
    cr_assert_eq(absa_eigen_create(ctx, &space, &o, &e), ABSA_OK);
    cr_assert_eq(absa_eigen_vector(e, u), ABSA_E_STATE);
    cr_assert_eq(absa_eigen_run(e, op, NULL, &r), ABSA_OK);
    cr_assert_eq(absa_eigen_vector(e, u), ABSA_OK);
    double norm = 0, residual = 0;
    for (int i = 0; i < N; i++) {
        norm += u[i] * u[i];
        residual += (v[i] - r.value) * (v[i] - r.value) * u[i] * u[i];
    }
    cr_assert_float_eq(norm, 1.0, 1e-12);
    cr_assert_float_eq(sqrt(residual), r.residual, 1e-10);
    cr_assert_eq(absa_eigen_run(e, op, &a, &again), ABSA_E_INVALID,
                 "stream 0 made the hint; using it again would void the bound");
    cr_assert_eq(absa_eigen_run(e, op, NULL, &again), ABSA_OK);
    cr_assert_eq(again.stream, 1u);
    cr_assert_lt(again.products, r.products);
    cr_assert_float_eq(again.value, 1.0, 1e-3);
    absa_eigen_destroy(&e);
    absa_operator_destroy(&op);
    absa_context_destroy(&ctx);
}

/* Identity, zero, rank one, and the smallest sizes: exact subspaces, not failures. */
Test(eigen, invariant_subspaces_are_exact_answers)
{
    static double one[N], zero[N], rank[N];
    for (int i = 0; i < N; i++)
        one[i] = 1.0;
    rank[7] = 3.0;
    const struct {
        const double *values;
        int64_t n;
        double top;
        int64_t most;
    } cases[] = {{one, N, 1.0, 1}, {zero, N, 0.0, 1},     {rank, N, 3.0, 2},
                 {one, 1, 1.0, 1}, {rank + 6, 2, 3.0, 2}, {rank + 5, 3, 3.0, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int32_t memory = ABSA_MEMORY_VALUE; memory <= ABSA_MEMORY_RESTART; memory++)
            for (int32_t element = 0; element < 2; element++) {
                absa_eigen_options o = eigen_options(ABSA_RULE_CERTIFIED, memory);
                const absa_eigen_result r =
                    run_diagonal(element, cases[i].n, cases[i].values, &o, NULL, NULL);
                const double eps = element ? DBL_EPSILON : (double)FLT_EPSILON;
                cr_assert_float_eq(r.value, cases[i].top, 20 * eps * (cases[i].top + eps));
                cr_assert(r.converged, "case %zu", i);
                cr_assert_leq(r.products, cases[i].most + (element ? 0 : 1), "case %zu", i);
            }
}

Test(eigen, the_scale_of_the_operator_changes_nothing)
{
    static double v[N], w[N];
    outlier_spectrum(N, v);
    absa_eigen_options o = eigen_options(ABSA_RULE_CERTIFIED, ABSA_MEMORY_VALUE);
    const absa_eigen_result plain = run_diagonal(ABSA_ELEMENT_F32, N, v, &o, NULL, NULL);
    const double scales[2] = {0x1p-100, 0x1p100}; /* about 1e-30 and 1e30 */
    for (int s = 0; s < 2; s++) {
        for (int i = 0; i < N; i++)
            w[i] = v[i] * scales[s];
        const absa_eigen_result r = run_diagonal(ABSA_ELEMENT_F32, N, w, &o, NULL, NULL);
        cr_assert_eq(r.products, plain.products);
        cr_assert_float_eq(r.value / scales[s], plain.value, 1e-5);
    }
}

Test(eigen, power_iteration_gives_the_largest_magnitude_with_its_sign)
{
    static double v[N];
    for (int i = 0; i < N; i++)
        v[i] = 0.1 * cos(i);
    v[3] = -1.0;
    v[4] = 0.5;
    absa_eigen_options o = eigen_options(ABSA_RULE_POWER, ABSA_MEMORY_AUTO);
    o.tolerance = 1e-4;
    const absa_eigen_result r = run_diagonal(ABSA_ELEMENT_F64, N, v, &o, NULL, NULL);
    cr_assert_float_eq(r.value, -1.0, 1e-3);
    cr_assert(r.lower == -HUGE_VAL && -1.0 <= r.upper && r.upper < -0.99);
    cr_assert(r.converged);
    for (int i = 0; i < N; i++)
        v[i] = -v[i];
    const absa_eigen_result turned = run_diagonal(ABSA_ELEMENT_F64, N, v, &o, NULL, NULL);
    cr_assert(0.99 < turned.lower && turned.lower <= 1.0 && turned.upper == HUGE_VAL);
    o.max_products = 3;
    o.tolerance = 1e-12;
    const absa_eigen_result cut = run_diagonal(ABSA_ELEMENT_F64, N, v, &o, NULL, NULL);
    cr_assert_not(cut.converged);
    cr_assert_eq(cut.stop, ABSA_STOP_BUDGET);
    cr_assert_eq(cut.products, 3);
}

Test(eigen, a_spent_budget_is_a_result)
{
    static double v[N];
    outlier_spectrum(N, v);
    absa_eigen_options o = eigen_options(ABSA_RULE_CERTIFIED, ABSA_MEMORY_VALUE);
    o.max_products = 3;
    const absa_eigen_result r = run_diagonal(ABSA_ELEMENT_F64, N, v, &o, NULL, NULL);
    cr_assert_eq(r.stop, ABSA_STOP_BUDGET);
    cr_assert_not(r.converged);
    cr_assert(r.lower <= 1.0 && 1.0 <= r.upper);
}

Test(eigen, a_changing_operator_is_noticed_and_a_fixed_one_never_is)
{
    static double v[N];
    outlier_spectrum(N, v);
    for (int32_t memory = ABSA_MEMORY_VALUE; memory <= ABSA_MEMORY_RESTART; memory++) {
        for (uint64_t seed = 0; seed < 100; seed++) {
            absa_eigen_options o = eigen_options(ABSA_RULE_FIXED, memory);
            o.max_products = 12;
            o.seed = seed;
            const absa_eigen_result r = run_diagonal(ABSA_ELEMENT_F32, N, v, &o, NULL, NULL);
            cr_assert(r.consistent, "inconsistency %g", r.inconsistency);
        }
        absa_context *ctx;
        absa_context_create(NULL, &ctx);
        diagonal_host h = {.n = N, .values = v, .change_at = 5, .change = 0.2};
        absa_space space;
        absa_operator *op = diagonal_operator(ctx, &h, &space);
        absa_eigen_options o = eigen_options(ABSA_RULE_FIXED, memory);
        absa_eigen *e;
        absa_eigen_result r;
        absa_eigen_result_init(&r, sizeof r);
        o.max_products = 12;
        absa_eigen_create(ctx, &space, &o, &e);
        cr_assert_eq(absa_eigen_run(e, op, NULL, &r), ABSA_OK);
        cr_assert_not(r.consistent);
        absa_eigen_destroy(&e);
        absa_operator_destroy(&op);
        absa_context_destroy(&ctx);
    }
}

Test(eigen, two_runs_interleaved_are_the_runs_alone)
{
    static double v[N];
    outlier_spectrum(N, v);
    absa_eigen_options o = eigen_options(ABSA_RULE_CERTIFIED, ABSA_MEMORY_VALUE);
    absa_eigen_result alone[2], r;
    o.seed = 1;
    alone[0] = run_diagonal(ABSA_ELEMENT_F64, N, v, &o, NULL, NULL);
    o.seed = 2;
    alone[1] = run_diagonal(ABSA_ELEMENT_F64, N, v, &o, NULL, NULL);
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_space space;
    absa_eigen *e[2];
    absa_space_host(&space, sizeof space, ABSA_ELEMENT_F64, N);
    for (int i = 0; i < 2; i++) {
        o.seed = (uint64_t)i + 1;
        cr_assert_eq(absa_eigen_create(ctx, &space, &o, &e[i]), ABSA_OK);
        const void *x;
        void *y;
        cr_assert_eq(absa_eigen_next(e[i], &x, &y), ABSA_E_STATE);
        cr_assert_eq(absa_eigen_start(e[i], NULL), ABSA_OK);
    }
    for (int open = 2; open > 0;) {
        open = 0;
        for (int i = 0; i < 2; i++) {
            const void *x;
            void *y;
            cr_assert_eq(absa_eigen_next(e[i], &x, &y), ABSA_OK);
            if (!x)
                continue;
            open++;
            for (int j = 0; j < N; j++)
                ((double *)y)[j] = v[j] * ((const double *)x)[j];
            cr_assert_eq(absa_eigen_put(e[i]), ABSA_OK);
        }
    }
    for (int i = 0; i < 2; i++) {
        absa_eigen_result_init(&r, sizeof r);
        cr_assert_eq(absa_eigen_best(e[i], &r), ABSA_OK);
        cr_assert_eq(memcmp(&r, &alone[i], sizeof r), 0);
        cr_assert_eq(absa_eigen_put(e[i]), ABSA_E_STATE);
        absa_eigen_destroy(&e[i]);
    }
    absa_context_destroy(&ctx);
}
