/* TWO_PASS: the eigenvector from four vectors, and an honest count of what it costs. */
#include "support/eigen_runs.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <string.h>

enum { N = 700 };

static absa_eigen_options two_pass(int32_t rule)
{
    absa_eigen_options o = eigen_options(rule, ABSA_MEMORY_TWO_PASS);
    o.max_products = 120;
    return o;
}

/* The first pass is VALUE's to the bit; the second gives the vector of the residual it stated. */
Test(eigen_two_pass, the_value_is_that_of_three_vectors_and_the_vector_has_its_residual)
{
    static double v[N];
    outlier_spectrum(N, v);
    for (int32_t element = 0; element < 2; element++)
        for (int32_t rule = ABSA_RULE_CHECKED; rule <= ABSA_RULE_CERTIFIED; rule++)
            for (int32_t which = ABSA_WHICH_LARGEST; which <= ABSA_WHICH_BOTH; which++) {
                eigen_run x;
                absa_eigen_options o = two_pass(rule);
                o.which = which;
                o.tolerance = 1e-3;
                eigen_run_open(&x, element, N, v, &o);
                eigen_run_go(&x, NULL);
                o.memory = ABSA_MEMORY_VALUE;
                const absa_eigen_result one = run_diagonal(element, N, v, &o, NULL, NULL);
                cr_assert(x.r.converged && x.r.consistent);
                cr_assert_eq(x.r.products, 2 * one.products - 1);
                cr_assert_eq(x.r.value, one.value);
                cr_assert_eq(x.r.upper, one.upper);
                cr_assert_eq(x.r.residual, one.residual);
                cr_assert_eq(x.r.memory, ABSA_MEMORY_TWO_PASS);
                cr_assert_eq(x.r.peak_vectors, 4);
                double norm;
                const double residual = eigen_run_residual(&x, 0, &norm);
                /* Some twenty products and updates, each good to eps, of an operator of size 1. */
                const double few = 100.0 * (element ? DBL_EPSILON : (double)FLT_EPSILON);
                cr_assert_float_eq(norm, 1.0, few);
                cr_assert_float_eq(residual, x.r.residual, few);
                eigen_run_close(&x);
            }
}

Test(eigen_two_pass, hints_of_either_kind_serve_both_passes)
{
    static double v[N], u[N];
    outlier_spectrum(N, v);
    eigen_run x;
    absa_eigen_options o = two_pass(ABSA_RULE_RESIDUAL);
    o.keep_hint = 1;
    eigen_run_open(&x, ABSA_ELEMENT_F64, N, v, &o);
    eigen_run_go(&x, NULL);
    const int64_t cold = x.r.products;
    cr_assert_eq(absa_eigen_vector(x.e, u), ABSA_OK);
    eigen_run_go(&x, NULL);
    cr_assert_lt(x.r.products, cold, "the kept vector");
    cr_assert_float_eq(eigen_run_residual(&x, 0, NULL), x.r.residual, 1e-13);
    absa_eigen_args a;
    absa_eigen_args_init(&a, sizeof a);
    a.hint = u;
    a.hint_stream = 0;
    a.stream = 7;
    const void *in;
    void *out;
    /* The hint is borrowed for the call of start alone, also when it is needed once more. */
    cr_assert_eq(absa_eigen_start(x.e, &a), ABSA_OK);
    memset(u, 0, sizeof u);
    while (absa_eigen_next(x.e, &in, &out) == ABSA_OK && in) {
        cr_assert_eq(absa_operator_apply(x.op, in, out), ABSA_OK);
        cr_assert_eq(absa_eigen_put(x.e), ABSA_OK);
    }
    cr_assert_eq(absa_eigen_best(x.e, &x.r), ABSA_OK);
    cr_assert_lt(x.r.products, cold, "a hint of the caller's");
    cr_assert_eq(absa_eigen_pair(x.e, 0, &x.pair[0]), ABSA_OK);
    cr_assert_float_eq(eigen_run_residual(&x, 0, NULL), x.r.residual, 1e-13);
    eigen_run_close(&x);
}

Test(eigen_two_pass, the_budget_covers_both_passes)
{
    static double v[N];
    outlier_spectrum(N, v);
    for (int64_t most = 1; most <= 12; most++) {
        eigen_run x;
        absa_eigen_options o = two_pass(most % 2 ? ABSA_RULE_FIXED : ABSA_RULE_CERTIFIED);
        o.tolerance = 1e-9;
        o.max_products = most;
        eigen_run_open(&x, ABSA_ELEMENT_F64, N, v, &o);
        eigen_run_go(&x, NULL);
        cr_assert_eq(x.r.products, 2 * ((most + 1) / 2) - 1);
        cr_assert_eq(x.r.stop, most % 2 ? ABSA_STOP_CONVERGED : ABSA_STOP_BUDGET);
        double norm;
        cr_assert_float_eq(eigen_run_residual(&x, 0, &norm), x.r.residual, 1e-13);
        cr_assert_float_eq(norm, 1.0, 1e-14);
        eigen_run_close(&x);
    }
}

/* Identity, zero and one element end after one product, which leaves nothing for a second pass. */
Test(eigen_two_pass, operators_that_are_solved_at_once_have_their_vector_too)
{
    for (int zero = 0; zero < 2; zero++)
        for (int64_t n = 1; n <= 3; n++) {
            const double v[] = {1.0 - zero, 1.0 - zero, 1.0 - zero};
            eigen_run x;
            const absa_eigen_options o = two_pass(ABSA_RULE_CHECKED);
            eigen_run_open(&x, ABSA_ELEMENT_F64, n, v, &o);
            eigen_run_go(&x, NULL);
            cr_assert_eq(x.r.stop, ABSA_STOP_EXACT);
            cr_assert_eq(x.r.products, 1);
            double norm;
            cr_assert_leq(eigen_run_residual(&x, 0, &norm), 10 * DBL_EPSILON);
            cr_assert_float_eq(norm, 1.0, 10 * DBL_EPSILON);
            eigen_run_close(&x);
        }
}

/* An operator that changes between the passes: the coefficients of the first are not the second's.
 */
Test(eigen_two_pass, a_change_between_the_passes_is_noticed)
{
    static double v[N];
    outlier_spectrum(N, v);
    eigen_run x;
    const absa_eigen_options o = two_pass(ABSA_RULE_CERTIFIED);
    eigen_run_open(&x, ABSA_ELEMENT_F64, N, v, &o);
    eigen_run_go(&x, NULL);
    cr_assert(x.r.consistent);
    const int64_t first = (x.r.products + 1) / 2;
    x.h.change_at = x.h.calls + first + 1;
    x.h.change = 0.02;
    absa_eigen_args a;
    absa_eigen_args_init(&a, sizeof a);
    eigen_run_go(&x, &a);
    cr_assert_eq(x.r.products, 2 * first - 1);
    cr_assert_not(x.r.consistent, "inconsistency %g", x.r.inconsistency);
    /* The whole operator grew by 2 %, and so did its Rayleigh quotient. */
    cr_assert_float_eq(x.r.inconsistency, 0.02, 0.01);
    eigen_run_close(&x);
}

static int stop_at(void *user, const absa_eigen_result *now, int32_t *stop)
{
    *stop = now->products == *(const int64_t *)user;
    return 0;
}

Test(eigen_two_pass, a_monitor_that_stops_leaves_the_value_and_no_vector)
{
    static double v[N], u[N];
    outlier_spectrum(N, v);
    int64_t at = 1000;
    eigen_run x;
    absa_eigen_options o = two_pass(ABSA_RULE_CERTIFIED);
    o.monitor = stop_at;
    o.monitor_user = &at;
    o.keep_hint = 1;
    eigen_run_open(&x, ABSA_ELEMENT_F64, N, v, &o);
    eigen_run_go(&x, NULL);
    const absa_eigen_result whole = x.r;
    for (at = 1; at < whole.products; at++) {
        absa_eigen_args a;
        absa_eigen_args_init(&a, sizeof a);
        a.hint_weight = 0.0;
        eigen_run_go(&x, &a);
        cr_assert_eq(x.r.products, at);
        cr_assert_eq(x.r.stop, ABSA_STOP_MONITOR);
        cr_assert_eq(x.r.converged, at >= (whole.products + 1) / 2, "product %d", (int)at);
        cr_assert_eq(absa_eigen_vector(x.e, u), ABSA_E_STATE);
        eigen_run_go(&x, NULL);
        cr_assert_eq(x.r.stop, ABSA_STOP_MONITOR, "there is no vector to take as a hint");
    }
    eigen_run_close(&x);
}
