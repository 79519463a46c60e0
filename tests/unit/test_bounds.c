/* The certificate's pure functions against direct formulas. */
#include "eigen/bounds.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdint.h>

/* For the 1 x 1 recurrence S(x) = 1 + ((x - a) / b)^2, so the root is a + b sqrt(1/d^2 - 1). */
Test(bounds, one_step_has_the_closed_form)
{
    const double alpha[1] = {3.0}, beta[1] = {0.25}, delta = 1e-3;
    const double want = 3.0 + 0.25 * sqrt(1e6 - 1.0);
    cr_assert_float_eq(absa__upper_bound(1, 1.0, alpha, beta, 3.0, delta), want, 1e-9 * want);
    cr_assert_float_eq(absa__log_sum(1, 1.0, alpha, beta, want), log(1e6), 1e-12);
}

/* Chebyshev: alpha = 0, beta = 1/2 but for the first, sqrt(1/2): phi_j = sqrt(2) T_j for j >= 1. */
Test(bounds, the_sum_is_that_of_the_orthonormal_polynomials)
{
    enum { K = 12 };
    double alpha[K] = {0}, beta[K];
    for (int j = 0; j < K; j++)
        beta[j] = j == 0 ? sqrt(0.5) : 0.5;
    for (double x = 1.0; x < 1.5; x += 0.1) {
        double sum = 1.0;
        for (int j = 1; j <= K; j++) {
            const double t = cosh(j * acosh(x));
            sum += 2.0 * t * t;
        }
        /* The recurrence loses a few eps a step, growing with its own terms only. */
        cr_assert_float_eq(absa__log_sum(K, 1.0, alpha, beta, x), log(sum), 1e-12);
    }
}

Test(bounds, scaling_the_operator_scales_the_bound)
{
    const double alpha[3] = {0.3, -0.1, 0.2}, beta[3] = {0.5, 0.4, 0.3}, theta = 0.75;
    const double plain = absa__upper_bound(3, 1.0, alpha, beta, theta, 1e-4);
    for (int e = -900; e <= 900; e += 300) {
        double a[3], b[3];
        for (int i = 0; i < 3; i++) {
            a[i] = ldexp(alpha[i], e);
            b[i] = ldexp(beta[i], e);
        }
        const double got = absa__upper_bound(3, 1.0, a, b, ldexp(theta, e), 1e-4);
        cr_assert_float_eq(ldexp(got, -e), plain, 1e-11 * plain);
    }
}

Test(bounds, an_invariant_subspace_has_no_room_above)
{
    const double alpha[2] = {1.0, 2.0}, beta[2] = {0.5, 0.0};
    const double theta = 1.5 + sqrt(0.5);
    cr_assert_float_eq(absa__upper_bound(2, 1.0, alpha, beta, theta, 1e-6), theta, 1e-12);
}

/* A unit vector's component in direction u is below delta with probability eta at most. */
Test(bounds, delta_shrinks_with_eta_n_and_the_hints_weight)
{
    const double d = absa__start_delta(0.01, 10000, 1.0);
    cr_assert_float_eq(d, 0.01 * sqrt(3.14159265358979 / 20000.0), 1e-15);
    cr_assert_float_eq(absa__start_delta(0.001, 10000, 1.0), d / 10, 1e-16);
    cr_assert_float_eq(absa__start_delta(0.01, 1000000, 1.0), d / 10, 1e-16);
    cr_assert_float_eq(absa__start_delta(0.01, 10000, 2.0), d / 2, 1e-16);
}

/* log S of a straight line over log(x - theta), with a bend, and infinite from wall on. */
typedef struct line {
    double theta, gap, power, wall;
    int looks;
} line;

static double line_at(const void *user, double x)
{
    line *l = (line *)(uintptr_t)user;
    const double away = (x - l->theta) / l->gap;
    l->looks++;
    return x >= l->wall ? HUGE_VAL : l->power * log1p(away) + 2.0 * log(hypot(1.0, away));
}

Test(bounds, the_root_is_met_from_above_in_a_few_looks)
{
    int most = 0;
    for (double gap = 1e-13; gap < 1e7; gap *= 10.0)
        for (double power = 0.5; power < 60.0; power *= 3.0)
            for (double limit = 0.01; limit < 60.0; limit *= 7.0)
                for (int walled = 0; walled < 2; walled++) {
                    line l = {-0.5, gap, power, HUGE_VAL, 0};
                    const double root = absa__sum_root(l.theta, 1.0, limit, line_at, &l);
                    if (walled) /* right behind the root, and just before it */
                        l.wall = l.theta + (limit < 1.0 ? 1.001 : 0.5) * (root - l.theta);
                    l.looks = 0;
                    const double got = absa__sum_root(l.theta, 1.0, limit, line_at, &l);
                    most = l.looks > most ? l.looks : most;
                    cr_assert_gt(line_at(&l, got), limit);
                    /* The sum's last digits, and theta's own rounding. */
                    const double under = got - 0x1p-30 * (got - l.theta) - 4.0 * DBL_EPSILON;
                    cr_assert(under <= l.theta || line_at(&l, under) <= limit, "gap %g", gap);
                }
    /* Two looks for each halving of a bracket from 1 to 16, and 14 to find it. */
    cr_assert_leq(most, 2 * 33 + 14, "%d", most);
}

Test(bounds, a_sum_that_never_exceeds_has_no_root)
{
    line l = {0.0, 1.0, 0.0, HUGE_VAL, 0};
    cr_assert_eq(absa__sum_root(0.0, 0.0, HUGE_VAL, line_at, &l), HUGE_VAL);
    cr_assert_eq(absa__sum_root(1.0, 0.0, 2000.0, line_at, &l), HUGE_VAL);
    l.wall = -1.0; /* already at theta */
    cr_assert_eq(absa__sum_root(0.0, 1.0, 1.0, line_at, &l), 0.0);
}
