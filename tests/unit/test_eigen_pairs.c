/* Several eigenvalues of one run: which pairs, in what order, with what interval and vector. */
#include "support/eigen_runs.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>

enum { N = 900 };

/* Distinct outliers at both ends over a bulk in [-0.3, 0.3]. */
static const double top[] = {1.0, 0.9, 0.78, 0.7, 0.6, 0.52};
static const double low[] = {-0.95, -0.8, -0.66, -0.55};
enum { TOP = sizeof top / sizeof top[0], LOW = sizeof low / sizeof low[0] };

static void outliers(double *v)
{
    for (int i = 0; i < N; i++)
        v[i] = 0.3 * cos(i * 0.0123);
    for (int i = 0; i < TOP; i++)
        v[10 + 7 * i] = top[i];
    for (int i = 0; i < LOW; i++)
        v[500 + 3 * i] = low[i];
}

static void start(eigen_run *x, int32_t element, int64_t n, const double *v,
                  const absa_eigen_options *o)
{
    eigen_run_open(x, element, n, v, o);
    eigen_run_go(x, NULL);
}

static absa_eigen_options several(int64_t wanted, int32_t which, int32_t memory)
{
    absa_eigen_options o = eigen_options(ABSA_RULE_CERTIFIED, memory);
    o.wanted = wanted;
    o.which = which;
    o.max_products = 400;
    o.tolerance = 1e-3;
    return o;
}

/* The pair's value within tolerance of the truth, which its interval holds; tolerance is relative
 * to the largest magnitude, 1 here. */
static void expect(const eigen_run *x, int64_t i, double truth, int from_below)
{
    const absa_pair *p = &x->pair[i];
    cr_assert_float_eq(p->value, truth, 1e-3, "pair %d: %g, not %g", (int)i, p->value, truth);
    cr_assert(p->lower <= truth && truth <= p->upper, "pair %d: %.17g in [%.17g, %.17g]", (int)i,
              truth, p->lower, p->upper);
    cr_assert_leq(p->upper - p->lower, 2.1e-3);
    cr_assert_eq(p->from_below, from_below);
    cr_assert_eq(p->cluster, i, "pair %d stands alone", (int)i);
    cr_assert_eq(p->fresh, 0);
}

static void outlier_pairs(int32_t element, int32_t memory)
{
    static double v[N];
    eigen_run x;
    outliers(v);
    for (int32_t which = ABSA_WHICH_LARGEST; which <= ABSA_WHICH_BOTH; which++) {
        absa_eigen_options o = several(4, which, memory);
        start(&x, element, N, v, &o);
        cr_assert(x.r.converged && x.r.consistent);
        cr_assert_eq(x.r.pairs, which == ABSA_WHICH_BOTH ? 8 : 4);
        cr_assert_eq(x.r.memory, memory);
        cr_assert_float_eq(x.r.eta, (which >= ABSA_WHICH_MAGNITUDE ? 8 : 4) * 0.01, 1e-15);
        cr_assert_eq(x.r.value, x.pair[0].value);
        const double largest[] = {1.0, -0.95, 0.9, -0.8};
        for (int i = 0; i < 4; i++) {
            if (which == ABSA_WHICH_MAGNITUDE)
                expect(&x, i, largest[i], largest[i] < 0.0);
            else if (which == ABSA_WHICH_SMALLEST)
                expect(&x, i, low[i], 1);
            else
                expect(&x, i, top[i], 0);
            if (which == ABSA_WHICH_BOTH)
                expect(&x, 4 + i, low[i], 1);
        }
        eigen_run_close(&x);
    }
}

Test(eigen_pairs, the_outermost_of_each_end_come_in_order_with_their_intervals)
{
    for (int32_t element = 0; element < 2; element++) {
        outlier_pairs(element, ABSA_MEMORY_BASIS);
        outlier_pairs(element, ABSA_MEMORY_RESTART);
    }
}

/* Hv - theta v has the residual's norm, and different vectors are orthogonal. */
Test(eigen_pairs, vectors_have_the_residuals_that_are_stated_and_are_orthonormal)
{
    static double v[N], u[5][N];
    eigen_run x;
    outliers(v);
    for (int32_t memory = ABSA_MEMORY_BASIS; memory <= ABSA_MEMORY_RESTART; memory++) {
        absa_eigen_options o = several(5, ABSA_WHICH_LARGEST, memory);
        o.rule = ABSA_RULE_RESIDUAL;
        start(&x, ABSA_ELEMENT_F64, N, v, &o);
        cr_assert_eq(x.r.pairs, 5);
        for (int i = 0; i < 5; i++) {
            cr_assert_eq(absa_eigen_pair_vector(x.e, i, u[i]), ABSA_OK);
            double residual = 0.0;
            for (int k = 0; k < N; k++) {
                const double d = (v[k] - x.pair[i].value) * u[i][k];
                residual += d * d;
            }
            /* Hundreds of roundings of eps each. */
            cr_assert_float_eq(sqrt(residual), x.pair[i].residual, 1e-11);
            cr_assert_leq(x.pair[i].residual, 1e-3);
            for (int j = 0; j <= i; j++) {
                double dot = 0.0;
                for (int k = 0; k < N; k++)
                    dot += u[i][k] * u[j][k];
                cr_assert_float_eq(dot, i == j, 1e-11);
            }
        }
        cr_assert_eq(absa_eigen_pair_vector(x.e, 5, u[0]), ABSA_E_INVALID);
        cr_assert_eq(absa_eigen_pair_vector(x.e, -1, u[0]), ABSA_E_INVALID);
        absa_pair p;
        absa_pair_init(&p, sizeof p);
        cr_assert_eq(absa_eigen_pair(x.e, 5, &p), ABSA_E_INVALID);
        eigen_run_close(&x);
    }
}

/* A pair and a triple nearer than the tolerance, a pair further apart: one interval for what counts
 * as one, none of the true eigenvalues outside of all intervals. */
Test(eigen_pairs, clusters_are_missed_by_no_interval)
{
    static double v[N];
    const double close[] = {1.0, 0.99999, 0.9, 0.88, 0.8, 0.79999, 0.79998, 0.7};
    for (int i = 0; i < N; i++)
        v[i] = 0.5 * cos(i * 0.0123);
    for (size_t i = 0; i < sizeof close / sizeof close[0]; i++)
        v[100 + i] = close[i];
    for (int32_t memory = ABSA_MEMORY_BASIS; memory <= ABSA_MEMORY_RESTART; memory++)
        for (uint64_t seed = 0; seed < 20; seed++) {
            eigen_run x;
            absa_eigen_options o = several(5, ABSA_WHICH_LARGEST, memory);
            o.seed = seed;
            o.eta = 1e-4;
            start(&x, ABSA_ELEMENT_F64, N, v, &o);
            cr_assert(x.r.converged);
            /* 20 seeds, two memories, five bounds at 1e-4: a miss is a matter of 2 in 100 over all
             * seeds, and these are fixed. */
            for (int i = 0; i < 5; i++) {
                int held = 0;
                for (int64_t j = 0; j < x.r.pairs; j++)
                    held = held || (x.pair[j].lower <= close[i] && close[i] <= x.pair[j].upper);
                cr_assert(held, "seed %d: %g lies in no interval", (int)seed, close[i]);
            }
            for (int64_t i = 1; i < x.r.pairs; i++) {
                const absa_pair *p = &x.pair[i - 1], *q = &x.pair[i];
                cr_assert_gt(p->value, q->value);
                if (q->cluster == i)
                    cr_assert_gt(p->lower, q->upper, "seed %d: intervals are the same or apart",
                                 (int)seed);
                else
                    cr_assert(p->lower == q->lower && p->upper == q->upper);
            }
            eigen_run_close(&x);
        }
}

/* Rounding finds repeated eigenvalues once more in a long run; they must not stand in for others.
 * Long after convergence the few vectors of a restarted basis can be full of copies; then a wanted
 * value may be lost from it, but not from the intervals. */
Test(eigen_pairs, an_eigenvalue_that_repeats_is_one_pair_however_long_the_run)
{
    static double v[N];
    for (int i = 0; i < N; i++)
        v[i] = 0.3 * cos(i * 0.0123);
    for (int i = 0; i < 8; i++)
        v[20 + i] = i < 3 ? 1.0 : i < 5 ? 0.8 : 0.5;
    const double distinct[] = {1.0, 0.8, 0.5};
    for (int32_t element = 0; element < 2; element++)
        for (int64_t products = 40; products <= 200; products += 20)
            for (int32_t memory = ABSA_MEMORY_BASIS; memory <= ABSA_MEMORY_RESTART; memory++) {
                eigen_run x;
                absa_eigen_options o = several(3, ABSA_WHICH_LARGEST, memory);
                o.rule = ABSA_RULE_FIXED;
                o.max_products = products;
                start(&x, element, N, v, &o);
                cr_assert_eq(x.r.products, products);
                cr_assert(x.r.pairs == 3 || (memory == ABSA_MEMORY_RESTART && products > 60));
                for (int64_t i = 0; i < x.r.pairs; i++) {
                    int held = 0;
                    for (int64_t j = 0; j < x.r.pairs; j++)
                        held = held ||
                               (x.pair[j].lower <= distinct[i] && distinct[i] <= x.pair[j].upper);
                    cr_assert(held, "%d products: %g lies in no interval", (int)products,
                              distinct[i]);
                    if (memory == ABSA_MEMORY_BASIS || products <= 60)
                        cr_assert_float_eq(x.pair[i].value, distinct[i], 1e-3,
                                           "%d products: pair %d is %g, not %g", (int)products,
                                           (int)i, x.pair[i].value, distinct[i]);
                }
                eigen_run_close(&x);
            }
}

Test(eigen_pairs, operators_with_fewer_eigenvalues_give_what_they_have)
{
    const double few[] = {2.0, 2.0, -1.0, 2.0, -1.0, 0.5};
    const double truth[] = {2.0, 0.5, -1.0};
    for (int32_t memory = ABSA_MEMORY_BASIS; memory <= ABSA_MEMORY_RESTART; memory++)
        for (int64_t wanted = 1; wanted <= 6; wanted++) {
            eigen_run x;
            absa_eigen_options o = several(wanted, ABSA_WHICH_LARGEST, memory);
            o.tolerance = 1e-9;
            start(&x, ABSA_ELEMENT_F64, 6, few, &o);
            cr_assert(x.r.converged);
            cr_assert_eq(x.r.products, 3, "three distinct eigenvalues, no more to see");
            cr_assert_eq(x.r.pairs, wanted < 3 ? wanted : 3);
            for (int64_t i = 0; i < x.r.pairs; i++)
                cr_assert_float_eq(x.pair[i].value, truth[i], 100 * DBL_EPSILON);
            eigen_run_close(&x);
        }
}

/* With wanted = 1 a pair is what the result states. */
Test(eigen_pairs, one_wanted_pair_is_the_result)
{
    static double v[N];
    outliers(v);
    for (int32_t memory = ABSA_MEMORY_VALUE; memory <= ABSA_MEMORY_RESTART; memory++)
        for (int32_t which = 0; which <= ABSA_WHICH_BOTH; which++) {
            eigen_run x;
            absa_eigen_options o = several(1, which, memory);
            start(&x, ABSA_ELEMENT_F32, N, v, &o);
            cr_assert_eq(x.r.pairs, which == ABSA_WHICH_BOTH ? 2 : 1);
            cr_assert_eq(x.pair[0].value, x.r.value);
            cr_assert_eq(x.pair[0].lower, x.r.lower);
            cr_assert_eq(x.pair[0].upper, x.r.upper);
            cr_assert_eq(x.pair[0].residual, x.r.residual);
            if (which == ABSA_WHICH_BOTH) {
                cr_assert_eq(x.pair[1].value, x.r.other_value);
                cr_assert_eq(x.pair[1].lower, x.r.other_lower);
                cr_assert_eq(x.pair[1].upper, x.r.other_upper);
            }
            eigen_run_close(&x);
        }
}

Test(eigen_pairs, the_next_run_starts_from_the_sum_of_the_pairs)
{
    static double v[N];
    outliers(v);
    for (int32_t memory = ABSA_MEMORY_BASIS; memory <= ABSA_MEMORY_RESTART; memory++) {
        int64_t cold = 0, warm = 0;
        for (uint64_t seed = 0; seed < 10; seed++) {
            eigen_run x;
            absa_eigen_options o = several(3, ABSA_WHICH_LARGEST, memory);
            o.keep_hint = 1;
            o.seed = seed;
            o.rule = ABSA_RULE_RESIDUAL;
            o.tolerance = 1e-2;
            start(&x, ABSA_ELEMENT_F32, N, v, &o);
            cold += x.r.products;
            cr_assert_eq(absa_eigen_run(x.e, x.op, NULL, &x.r), ABSA_OK);
            warm += x.r.products;
            eigen_run_close(&x);
        }
        cr_assert_lt(warm, cold, "%d beside %d", (int)warm, (int)cold);
    }
}
