/* How many products each rule takes on seven spectra. The ceilings are what Chebyshev polynomials
 * prove (support/chebyshev.c) for n = 1000, tolerance 1 % and eta = 1 %: no start but one in a
 * thousand may need more. Below them, a textbook Lanczos with everything recomputed from whole
 * vectors says what the count is exactly. */
#include "linalg/dense.h"
#include "support/chebyshev.h"
#include "support/matrices.h"
#include "support/spectra.h"

#include <absa/eigen.h>
#include <absa/random.h>

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 1000, SEEDS = 20, MOST = 120, RULES = 3 };

static const int32_t rules[RULES] = {ABSA_RULE_RESIDUAL, ABSA_RULE_CHECKED, ABSA_RULE_CERTIFIED};
static const double PI = 3.14159265358979323846;

/* |g| of the random part lies in 1 +- 0.1 but for a chance of 1e-5, four deviations of
 * 1 / sqrt(2 n). */
static const double longest = 1.1;

static ceiling_problem problem_of(const double *v, double reach, double length)
{
    return (ceiling_problem){.n = N,
                             .values = v,
                             .reach = reach,
                             .delta = 1e-2 * sqrt(PI / (2.0 * N)) / length,
                             .tolerance = 1e-2};
}

static int64_t products(int32_t element, const double *v, int32_t rule, int32_t memory,
                        uint64_t seed, const absa_eigen_args *a)
{
    absa_eigen_options o = eigen_options(rule, memory);
    o.max_products = 400;
    o.seed = seed;
    const absa_eigen_result r = run_diagonal(element, N, v, &o, a, NULL);
    cr_assert(r.converged && r.consistent);
    return r.products;
}

/* RESIDUAL, CHECKED, CERTIFIED. */
static const int stored[SPECTRUM_COUNT][RULES] = {
    [SPECTRUM_OUTLIERS] = {14, 14, 13},     [SPECTRUM_GAP] = {50, 50, 43},
    [SPECTRUM_CLUSTER] = {25, 25, 24},      [SPECTRUM_INDEFINITE] = {11, 11, 10},
    [SPECTRUM_SEMICIRCLE] = {109, 109, 96}, [SPECTRUM_POWER_LAW] = {9, 9, 8},
    [SPECTRUM_LOG_UNIFORM] = {55, 55, 51},
};

Test(eigen_ceilings, no_rule_takes_more_products_than_theory_allows)
{
    static double v[N];
    for (int s = 0; s < SPECTRUM_COUNT; s++) {
        make_spectrum(s, N, v);
        /* 1e-3 in the place of eta: the start that one in a thousand has less than. */
        const ceiling_problem p = problem_of(v, 1e-3 * sqrt(PI / (2.0 * N)) / longest, longest);
        for (int r = 0; r < RULES; r++) {
            cr_assert_leq((int)ceiling_products(&p, rules[r], 200), stored[s][r], "%s, rule %d",
                          spectrum_name(s), (int)rules[r]);
            int64_t most = 0;
            for (uint64_t seed = 0; seed < SEEDS; seed++)
                for (int full = 0; full < 2; full++) {
                    const int64_t k =
                        products(full ? ABSA_ELEMENT_F64 : ABSA_ELEMENT_F32, v, rules[r],
                                 full ? ABSA_MEMORY_BASIS : ABSA_MEMORY_VALUE, seed, NULL);
                    most = k > most ? k : most;
                }
            cr_assert_leq(most, stored[s][r], "%s, rule %d: %d products", spectrum_name(s),
                          (int)rules[r], (int)most);
        }
    }
}

/* What the first k at which each rule fires is, by the definitions. */
typedef struct textbook {
    double q[MOST + 1][N], alpha[MOST], beta[MOST];
} textbook;

static double dot(const double *x, const double *y)
{
    long double sum = 0.0L;
    for (int i = 0; i < N; i++)
        sum += (long double)x[i] * y[i];
    return (double)sum;
}

static void scale(double *x, double by)
{
    for (int i = 0; i < N; i++)
        x[i] *= by;
}

/* q[k + 1] from q[0..k], reorthogonalised twice. */
static void extend(textbook *t, const double *v, int k)
{
    double *next = t->q[k + 1];
    for (int i = 0; i < N; i++)
        next[i] = v[i] * t->q[k][i];
    t->alpha[k] = dot(next, t->q[k]);
    for (int twice = 0; twice < 2; twice++)
        for (int j = 0; j <= k; j++) {
            const double h = dot(next, t->q[j]);
            for (int i = 0; i < N; i++)
                next[i] -= h * t->q[j][i];
        }
    t->beta[k] = sqrt(dot(next, next));
    scale(next, 1.0 / t->beta[k]);
}

/* The largest Ritz value of k + 1 steps and its residual from whole vectors. */
static void ritz_pair(const textbook *t, const double *v, int k, double *theta, double *residual)
{
    static double a[MOST * MOST], z[MOST * MOST], d[MOST], x[N];
    const int m = k + 1;
    memset(a, 0, sizeof a);
    memset(x, 0, sizeof x);
    for (int i = 0; i < m; i++) {
        a[i * m + i] = t->alpha[i];
        if (i + 1 < m)
            a[i * m + i + 1] = a[(i + 1) * m + i] = t->beta[i];
    }
    cr_assert_eq(absa__dense_eigen(m, a, d, z), 0);
    for (int j = 0; j < m; j++)
        for (int i = 0; i < N; i++)
            x[i] += z[j * m + m - 1] * t->q[j][i];
    *theta = d[m - 1];
    for (int i = 0; i < N; i++)
        x[i] *= v[i] - *theta;
    *residual = sqrt(dot(x, x));
}

/* Sum of squares of the orthonormal polynomials of degree 0 to k + 1 at x. */
static double sum_of_squares(const textbook *t, int k, double x)
{
    long double before = 0.0L, phi = 1.0L, sum = 1.0L;
    for (int j = 0; j <= k; j++) {
        const long double next =
            ((x - t->alpha[j]) * phi - (j > 0 ? t->beta[j - 1] : 0.0) * before) / t->beta[j];
        before = phi;
        phi = next;
        sum += phi * phi;
    }
    return (double)sum;
}

static void textbook_counts(const double *v, uint64_t seed, int counts[RULES])
{
    static textbook t;
    double upper = HUGE_VAL;
    absa_random_gaussian_f64(seed, 0, 0, N, t.q[0]);
    const double norm = sqrt(dot(t.q[0], t.q[0]));
    scale(t.q[0], 1.0 / norm);
    const double delta = 1e-2 * sqrt(PI / (2.0 * N)) / (norm / sqrt(N));
    for (int r = 0; r < RULES; r++)
        counts[r] = 0;
    for (int k = 0; k + 1 < MOST && (!counts[0] || !counts[1] || !counts[2]); k++) {
        double theta, residual;
        extend(&t, v, k);
        ritz_pair(&t, v, k, &theta, &residual);
        double low = theta, high = theta + 10.0;
        for (int i = 0; i < 80; i++) {
            const double x = 0.5 * (low + high);
            if (sum_of_squares(&t, k, x) > 1.0 / (delta * delta))
                high = x;
            else
                low = x;
        }
        upper = fmin(upper, high);
        const double margin = 1e-2 * fabs(theta);
        const int fires[RULES] = {residual <= margin,
                                  residual <= margin && upper - theta <= 5.0 * margin,
                                  upper - theta <= margin};
        for (int r = 0; r < RULES; r++)
            if (!counts[r] && fires[r])
                counts[r] = k + 1;
    }
}

/* Rounding may move what lies on the edge of firing by one step. */
Test(eigen_ceilings, single_precision_with_three_vectors_takes_the_textbooks_steps)
{
    static double v[N];
    for (int s = 0; s < SPECTRUM_COUNT; s++)
        for (uint64_t seed = 0; seed < 2; seed++) {
            int counts[RULES];
            make_spectrum(s, N, v);
            textbook_counts(v, seed, counts);
            for (int r = 0; r < RULES; r++) {
                cr_assert_gt(counts[r], 0);
                const int64_t full =
                    products(ABSA_ELEMENT_F64, v, rules[r], ABSA_MEMORY_BASIS, seed, NULL);
                const int64_t three =
                    products(ABSA_ELEMENT_F32, v, rules[r], ABSA_MEMORY_VALUE, seed, NULL);
                cr_assert_eq(full, counts[r], "%s, rule %d, seed %d: %d, textbook %d",
                             spectrum_name(s), (int)rules[r], (int)seed, (int)full, counts[r]);
                cr_assert_leq(llabs((long long)(three - counts[r])), 1,
                              "%s, rule %d, seed %d: %d, textbook %d", spectrum_name(s),
                              (int)rules[r], (int)seed, (int)three, counts[r]);
            }
        }
}

/* The previous eigenvector moved by half its length in a random direction, as long as the random
 * part. Along the top eigenvector it has 1 / sqrt(1.25), the random part has four of its deviations
 * 1 / sqrt(n) at most, and both together are no longer than 1.58. */
static void moved_hint(double *hint)
{
    absa_random_gaussian_f64(99, 0, 0, N, hint);
    const double norm = sqrt(dot(hint, hint));
    scale(hint, 0.5 / norm);
    hint[0] += 1.0;
}

static const int stored_warm[SPECTRUM_COUNT][RULES] = {
    [SPECTRUM_OUTLIERS] = {9, 11, 12},     [SPECTRUM_GAP] = {21, 23, 35},
    [SPECTRUM_CLUSTER] = {20, 20, 22},     [SPECTRUM_INDEFINITE] = {6, 8, 9},
    [SPECTRUM_SEMICIRCLE] = {50, 50, 64},  [SPECTRUM_POWER_LAW] = {5, 8, 8},
    [SPECTRUM_LOG_UNIFORM] = {27, 27, 41},
};

/* The certificate knows nothing of the hint's worth, so only RESIDUAL becomes cheaper everywhere.
 */
Test(eigen_ceilings, a_warm_start_takes_no_more_products_than_theory_allows)
{
    static double v[N], hint[N];
    absa_eigen_args a;
    absa_eigen_args_init(&a, sizeof a);
    a.stream = 1;
    a.hint = hint;
    moved_hint(hint);
    for (int s = 0; s < SPECTRUM_COUNT; s++) {
        make_spectrum(s, N, v);
        const double reach = (1.0 / sqrt(1.25) - 4.0 / sqrt(N)) / 1.58;
        const ceiling_problem p = problem_of(v, reach, 1.58);
        for (int r = 0; r < RULES; r++) {
            int64_t most = 0, warm = 0, cold = 0;
            cr_assert_leq((int)ceiling_products(&p, rules[r], 200), stored_warm[s][r],
                          "%s, rule %d", spectrum_name(s), (int)rules[r]);
            for (uint64_t seed = 0; seed < SEEDS; seed++) {
                const int64_t k =
                    products(ABSA_ELEMENT_F64, v, rules[r], ABSA_MEMORY_BASIS, seed, &a);
                most = k > most ? k : most;
                warm += k;
                cold += products(ABSA_ELEMENT_F64, v, rules[r], ABSA_MEMORY_BASIS, seed, NULL);
            }
            cr_assert_leq(most, stored_warm[s][r], "%s, rule %d: %d products", spectrum_name(s),
                          (int)rules[r], (int)most);
            if (rules[r] == ABSA_RULE_RESIDUAL)
                cr_assert_lt(warm, cold, "%s: %d warm, %d cold", spectrum_name(s), (int)warm,
                             (int)cold);
        }
    }
}

Test(eigen_ceilings, the_operators_scale_changes_no_count)
{
    static double v[N], w[N];
    for (int s = 0; s < SPECTRUM_COUNT; s++) {
        make_spectrum(s, N, v);
        for (int32_t memory = ABSA_MEMORY_VALUE; memory <= ABSA_MEMORY_RESTART; memory++)
            for (int32_t element = 0; element < 2; element++)
                for (int r = 0; r < RULES; r++) {
                    const int64_t plain = products(element, v, rules[r], memory, 3, NULL);
                    for (int sign = -1; sign <= 1; sign += 2) {
                        for (int i = 0; i < N; i++)
                            w[i] = ldexp(v[i], 100 * sign); /* about 1e+-30, and exact */
                        cr_assert_eq(products(element, w, rules[r], memory, 3, NULL), plain,
                                     "%s, memory %d, f%d, rule %d, sign %d", spectrum_name(s),
                                     (int)memory, element ? 64 : 32, (int)rules[r], sign);
                    }
                }
    }
}
