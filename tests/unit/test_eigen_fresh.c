/* Multiplicity: fresh starts find what one start vector cannot see, and bound what is left. */
#include "support/eigen_runs.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>

enum { N = 600 };

static absa_eigen_options counting(int64_t wanted, int64_t starts, int32_t memory)
{
    absa_eigen_options o = eigen_options(ABSA_RULE_CERTIFIED, memory);
    o.wanted = wanted;
    o.multiplicity = starts;
    o.max_products = 300;
    return o;
}

/* 1 three times, 0.8 twice, 0.7 once, over a bulk that ends at 0.3. */
static void repeating(double *v, double sign)
{
    const double outer[] = {1.0, 1.0, 1.0, 0.8, 0.8, 0.7};
    for (int i = 0; i < N; i++)
        v[i] = 0.3 * cos(i * 0.017);
    for (int i = 0; i < 6; i++)
        v[40 + i] = sign * outer[i];
}

static void check_count(int32_t element, int32_t memory, int64_t wanted, int low)
{
    static double v[N];
    const double truth[] = {1.0, 1.0, 1.0, 0.8, 0.8, 0.7};
    const double sign = low ? -1.0 : 1.0;
    repeating(v, sign);
    eigen_run x;
    absa_eigen_options o = counting(wanted, 8, memory);
    o.which = low ? ABSA_WHICH_SMALLEST : ABSA_WHICH_LARGEST;
    eigen_run_open(&x, element, N, v, &o);
    eigen_run_go(&x, NULL);
    cr_assert(x.r.converged && x.r.consistent);
    cr_assert_geq(x.r.pairs, wanted);
    cr_assert_float_eq(x.r.eta, 0.01 * (double)(wanted + x.r.starts - 1), 1e-15);
    /* The wanted ones with their repetitions, to the tolerance of 1e-2. */
    for (int64_t i = 0; i < wanted; i++)
        cr_assert_float_eq(sign * x.pair[i].value, truth[i], 1e-2, "wanted %d, pair %d: %g",
                           (int)wanted, (int)i, x.pair[i].value);
    int64_t fresh = 0;
    for (int64_t i = 0; i < x.r.pairs; i++) {
        const absa_pair *p = &x.pair[i];
        fresh += p->fresh > 0;
        cr_assert_eq(p->from_below, low);
        double norm;
        cr_assert_leq(eigen_run_residual(&x, i, &norm), p->residual + 1e-5);
        cr_assert_float_eq(norm, 1.0, 1e-5);
        if (p->fresh)
            cr_assert_lt(p->cluster, i, "it repeats another");
    }
    /* The pairs that one start sees are distinct; all copies of what was wanted came from fresh
     * ones, and the last start found nothing more. */
    cr_assert_eq(fresh, x.r.starts - 2);
    cr_assert_leq(sign * x.r.rest_bound, sign * x.pair[wanted - 1].value + 1e-9);
    int64_t above = 0;
    for (int i = 0; i < N; i++)
        above += sign * v[i] > sign * x.r.rest_bound;
    cr_assert_leq(above, x.r.pairs, "no more eigenvalues above the bound than pairs");
    eigen_run_close(&x);
}

Test(eigen_fresh, repeated_eigenvalues_are_counted_as_often_as_they_repeat)
{
    for (int32_t element = 0; element < 2; element++)
        for (int32_t memory = ABSA_MEMORY_BASIS; memory <= ABSA_MEMORY_RESTART; memory++)
            for (int64_t wanted = 1; wanted <= 3; wanted++)
                for (int low = 0; low < 2; low++)
                    check_count(element, memory, wanted, low);
}

Test(eigen_fresh, a_simple_eigenvalue_costs_a_few_more_products)
{
    static double v[N];
    outlier_spectrum(N, v);
    for (int32_t memory = ABSA_MEMORY_BASIS; memory <= ABSA_MEMORY_RESTART; memory++) {
        eigen_run x;
        absa_eigen_options o = counting(1, 4, memory);
        eigen_run_open(&x, ABSA_ELEMENT_F64, N, v, &o);
        eigen_run_go(&x, NULL);
        const int64_t counted = x.r.products;
        cr_assert_eq(x.r.pairs, 1);
        cr_assert_eq(x.r.starts, 2);
        cr_assert(x.r.rest_bound >= 0.8 && x.r.rest_bound <= x.r.value, "%g", x.r.rest_bound);
        eigen_run_close(&x);
        o.multiplicity = 0;
        const absa_eigen_result r = run_diagonal(ABSA_ELEMENT_F64, N, v, &o, NULL, NULL);
        cr_assert_gt(counted, r.products);
        cr_assert_leq(counted, 2 * r.products);
        cr_assert_eq(r.starts, 1);
        cr_assert(isnan(r.rest_bound));
    }
}

/* Every vector is an eigenvector: as many pairs as starts, until the space is used up. */
Test(eigen_fresh, the_identity_repeats_as_often_as_there_are_starts_or_elements)
{
    const double ones[] = {1, 1, 1, 1, 1};
    for (int32_t memory = ABSA_MEMORY_BASIS; memory <= ABSA_MEMORY_RESTART; memory++)
        for (int64_t n = 1; n <= 5; n++)
            for (int64_t starts = 1; starts <= 6; starts++) {
                eigen_run x;
                absa_eigen_options o = counting(1, starts, memory);
                eigen_run_open(&x, ABSA_ELEMENT_F64, n, ones, &o);
                eigen_run_go(&x, NULL);
                const int64_t want = starts + 1 < n ? starts + 1 : n;
                cr_assert_eq(x.r.pairs, want, "n = %d, %d starts: %d pairs", (int)n, (int)starts,
                             (int)x.r.pairs);
                cr_assert_eq(x.r.stop, ABSA_STOP_EXACT);
                cr_assert_eq(x.r.products, want);
                for (int64_t i = 0; i < want; i++)
                    cr_assert_float_eq(x.pair[i].value, 1.0, 20 * DBL_EPSILON);
                if (want == n && starts + 1 > n)
                    cr_assert_eq(x.r.rest_bound, -HUGE_VAL, "nothing is left");
                eigen_run_close(&x);
            }
}

/* 300 seeds, eta 0.05: the bound on the rest of 1, 1, 0.9, 0.9 behind one pair is wrong when a
 * second eigenvalue near 1 lies above it. Binomial, mean 15, four standard deviations are 15. */
Test(eigen_fresh, the_bound_on_what_is_left_holds_as_often_as_it_says)
{
    static double v[N];
    for (int i = 0; i < N; i++)
        v[i] = 0.4 * cos(i * 0.017);
    v[3] = v[4] = 1.0;
    v[5] = v[6] = 0.9;
    for (int32_t memory = ABSA_MEMORY_BASIS; memory <= ABSA_MEMORY_RESTART; memory++) {
        int wrong = 0, tight = 0;
        for (uint64_t seed = 0; seed < 300; seed++) {
            eigen_run x;
            absa_eigen_options o = counting(1, 3, memory);
            o.seed = seed;
            o.eta = 0.05;
            eigen_run_open(&x, ABSA_ELEMENT_F32, N, v, &o);
            eigen_run_go(&x, NULL);
            int64_t above = 0;
            for (int i = 0; i < N; i++)
                above += v[i] > x.r.rest_bound;
            wrong += above > x.r.pairs;
            tight += x.r.pairs == 2 && x.r.rest_bound < 1.0;
            eigen_run_close(&x);
        }
        cr_assert_leq(wrong, 30);
        cr_assert_geq(tight, 250, "the bound says something: %d", tight);
    }
}

Test(eigen_fresh, the_budget_covers_fresh_starts_too)
{
    static double v[N];
    repeating(v, 1.0);
    for (int32_t memory = ABSA_MEMORY_BASIS; memory <= ABSA_MEMORY_RESTART; memory++) {
        eigen_run x;
        absa_eigen_options o = counting(2, 8, memory);
        eigen_run_open(&x, ABSA_ELEMENT_F64, N, v, &o);
        eigen_run_go(&x, NULL);
        const int64_t whole = x.r.products;
        eigen_run_close(&x);
        for (int64_t most = 1; most < whole; most++) {
            o.max_products = most;
            eigen_run_open(&x, ABSA_ELEMENT_F64, N, v, &o);
            eigen_run_go(&x, NULL);
            cr_assert_eq(x.r.products, most);
            cr_assert_eq(x.r.stop, ABSA_STOP_BUDGET);
            cr_assert_not(x.r.converged);
            for (int64_t i = 0; i < x.r.pairs; i++)
                (void)eigen_run_residual(&x, i, NULL);
            eigen_run_close(&x);
        }
    }
}

Test(eigen_fresh, the_next_run_takes_its_hint_from_what_was_set_aside)
{
    static double v[N];
    repeating(v, 1.0);
    for (int32_t memory = ABSA_MEMORY_BASIS; memory <= ABSA_MEMORY_RESTART; memory++) {
        int64_t cold = 0, warm = 0;
        for (uint64_t seed = 0; seed < 10; seed++) {
            eigen_run x;
            absa_eigen_options o = counting(1, 4, memory);
            o.keep_hint = 1;
            o.rule = ABSA_RULE_RESIDUAL;
            o.seed = seed;
            eigen_run_open(&x, ABSA_ELEMENT_F64, N, v, &o);
            eigen_run_go(&x, NULL);
            const int64_t pairs = x.r.pairs;
            cold += x.r.products;
            eigen_run_go(&x, NULL);
            warm += x.r.products;
            cr_assert_eq(x.r.pairs, pairs);
            absa_eigen_args a;
            absa_eigen_args_init(&a, sizeof a);
            a.stream = UINT64_C(1) << 58;
            cr_assert_eq(absa_eigen_run(x.e, x.op, &a, &x.r), ABSA_E_INVALID,
                         "a fresh start's stream");
            eigen_run_close(&x);
        }
        cr_assert_lt(warm, cold, "%d beside %d", (int)warm, (int)cold);
    }
}

static int stop_at(void *user, const absa_eigen_result *now, int32_t *stop)
{
    *stop = now->products == *(const int64_t *)user;
    return 0;
}

Test(eigen_fresh, a_monitor_stops_any_start_and_the_pairs_so_far_stay)
{
    static double v[N];
    repeating(v, 1.0);
    for (int32_t memory = ABSA_MEMORY_BASIS; memory <= ABSA_MEMORY_RESTART; memory++) {
        int64_t at = 1000;
        eigen_run x;
        absa_eigen_options o = counting(2, 8, memory);
        o.monitor = stop_at;
        o.monitor_user = &at;
        eigen_run_open(&x, ABSA_ELEMENT_F64, N, v, &o);
        eigen_run_go(&x, NULL);
        const int64_t whole = x.r.products;
        for (at = 1; at < whole; at++) {
            absa_eigen_args a;
            absa_eigen_args_init(&a, sizeof a);
            eigen_run_go(&x, &a);
            cr_assert_eq(x.r.products, at);
            cr_assert_eq(x.r.stop, ABSA_STOP_MONITOR);
            cr_assert_not(x.r.converged);
            for (int64_t i = 0; i < x.r.pairs; i++)
                (void)eigen_run_residual(&x, i, NULL);
        }
        eigen_run_close(&x);
    }
}
