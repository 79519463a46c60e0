/* What the certificate excludes between Ritz values, against the sum of squares itself. */
#include "eigen/exclusion.h"
#include "linalg/tridiag.h"

#include <absa/random.h>

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <string.h>

enum { K = 12, GRID = 400 };

typedef struct problem {
    double alpha[K], beta[K], value[K], residual[K];
} problem;

/* A random Jacobi matrix; far, if not 0, sets its corner apart, so that one value converges. */
static absa__view make(problem *p, uint64_t seed, double sign, double far, double log_limit)
{
    double work[K], row[K] = {0};
    absa_random_gaussian_f64(seed, 1, 0, K, p->alpha);
    absa_random_uniform(seed, 2, 0, K, p->beta);
    p->alpha[1] += far;
    double log_beta = 0.0;
    for (int i = 0; i < K; i++) {
        p->beta[i] = 0.1 + p->beta[i];
        log_beta += log(p->beta[i]);
    }
    memcpy(p->value, p->alpha, sizeof p->value);
    memcpy(work, p->beta, sizeof work);
    row[K - 1] = 1.0;
    cr_assert_eq(absa__tridiag_eigen(K, p->value, work, row, 1), 0);
    for (int i = 0; i < K; i++)
        p->residual[i] = p->beta[K - 1] * fabs(row[i]);
    return (absa__view){.sign = sign,
                        .count = K,
                        .value = p->value,
                        .residual = p->residual,
                        .log_beta = log_beta,
                        .log_limit = log_limit};
}

/* log S(x) by the recurrence of its definition. */
static double log_sum(const problem *p, double x)
{
    double before = 0.0, phi = 1.0, sum = 1.0;
    for (int j = 0; j < K; j++) {
        const double next =
            ((x - p->alpha[j]) * phi - (j ? p->beta[j - 1] : 0.0) * before) / p->beta[j];
        before = phi;
        phi = next;
        sum += phi * phi;
    }
    return log(sum);
}

/* Both ends of the interval come from bisections that stop at 2^-30 of the gap. */
Test(exclusion, everything_between_the_ends_exceeds_the_limit)
{
    int found = 0;
    for (uint64_t seed = 0; seed < 60; seed++)
        for (int turn = 0; turn < 2; turn++) {
            problem p;
            const double sign = turn ? -1.0 : 1.0, limit = 2.0 + 10.0 * (double)(seed % 3);
            const absa__view v = make(&p, seed, sign, seed % 2 ? 6.0 : 0.0, limit);
            for (int64_t i = 0; i + 1 < K; i++) {
                double from, to;
                if (!absa__excluded_between(&v, i, &from, &to))
                    continue;
                found++;
                cr_assert(absa__view_value(&v, i + 1) < from && from <= to &&
                          to < absa__view_value(&v, i));
                for (int g = 0; g <= GRID; g++) {
                    const double x = from + (to - from) * g / GRID;
                    cr_assert_geq(log_sum(&p, sign * x), limit - 1e-9, "seed %d, gap %d", (int)seed,
                                  (int)i);
                }
            }
        }
    cr_assert_geq(found, 500);
}

/* The bound that is log-concave is less than S: here, where next to no Ritz value has converged, an
 * eighth of what S excludes is given away; more than a fifth would be a mistake. */
Test(exclusion, little_that_exceeds_the_limit_is_left_out)
{
    double lost = 0.0, whole = 0.0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        problem p;
        const double limit = 12.0;
        const absa__view v = make(&p, seed, 1.0, 6.0, limit);
        for (int64_t i = 0; i + 1 < K; i++) {
            const double below = absa__view_value(&v, i + 1), above = absa__view_value(&v, i);
            double from = above, to = above;
            (void)absa__excluded_between(&v, i, &from, &to);
            for (int g = 1; g < GRID; g++) {
                const double x = below + (above - below) * g / GRID;
                if (log_sum(&p, x) <= limit)
                    continue;
                whole += (above - below) / GRID;
                lost += x < from || x > to ? (above - below) / GRID : 0.0;
            }
        }
    }
    cr_assert_gt(whole, 50.0);
    cr_assert_lt(lost, 0.2 * whole, "%g of %g", lost, whole);
}

Test(exclusion, the_place_of_a_ritz_value_is_excluded_when_the_start_is_blind_to_it)
{
    for (uint64_t seed = 0; seed < 40; seed++) {
        problem p;
        absa__view v = make(&p, seed, 1.0, 0.0, 0.0);
        for (int64_t i = 0; i < K; i++) {
            const double x = absa__view_value(&v, i), sum = log_sum(&p, x);
            v.log_limit = sum - 1e-6;
            cr_assert(absa__excluded_around(&v, i, x, x));
            v.log_limit = sum + 1e-6;
            cr_assert_not(absa__excluded_around(&v, i, x, x));
        }
    }
}

/* A root that a restart threw away, between two Ritz values: S vanishes to first order around it,
 * so no interval may reach over it. */
Test(exclusion, no_interval_reaches_over_a_root)
{
    for (uint64_t seed = 0; seed < 40; seed++) {
        problem p;
        absa__view v = make(&p, seed, 1.0, 0.0, 4.0);
        for (int64_t i = 0; i + 1 < K; i++) {
            const double below = absa__view_value(&v, i + 1), above = absa__view_value(&v, i);
            const double root = below + 0.4 * (above - below);
            double from, to;
            v.roots = 1;
            v.root = &root;
            if (absa__excluded_between(&v, i, &from, &to))
                cr_assert(from > root || to < root);
        }
    }
}

Test(exclusion, scales_of_any_size_give_the_same_intervals)
{
    for (int exponent = -100; exponent <= 100; exponent += 100) {
        problem p, scaled;
        const absa__view v = make(&p, 3, 1.0, 6.0, 12.0);
        absa__view w = make(&scaled, 3, 1.0, 6.0, 12.0);
        for (int i = 0; i < K; i++) {
            scaled.value[i] = ldexp(p.value[i], exponent);
            scaled.residual[i] = ldexp(p.residual[i], exponent);
        }
        w.log_beta = v.log_beta + K * exponent * log(2.0);
        for (int64_t i = 0; i + 1 < K; i++) {
            double a[2] = {0}, b[2] = {0};
            const int found = absa__excluded_between(&v, i, &a[0], &a[1]);
            cr_assert_eq(absa__excluded_between(&w, i, &b[0], &b[1]), found);
            /* The sum of the logarithms of beta moves by 1e-13 or so. */
            for (int j = 0; found && j < 2; j++)
                cr_assert_float_eq(ldexp(b[j], -exponent), a[j], 1e-7);
        }
    }
}
