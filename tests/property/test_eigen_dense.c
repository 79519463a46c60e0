/* The estimator's interval on dense matrices, against a dense eigensolver; and what a similarity
 * transform and a shift must not change. */
#include "linalg/dense.h"

#include <absa/eigen.h>
#include <absa/random.h>

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <string.h>

enum { MOST = 60 };

typedef struct dense_host {
    int64_t n;
    double a[MOST * MOST];
} dense_host;

static int multiply(void *user, const void *v, void *hv, int64_t *samples)
{
    const dense_host *h = user;
    (void)samples;
    for (int64_t i = 0; i < h->n; i++) {
        double sum = 0.0;
        for (int64_t j = 0; j < h->n; j++)
            sum += h->a[i * h->n + j] * ((const double *)v)[j];
        ((double *)hv)[i] = sum;
    }
    return 0;
}

/* Entries N(0, 1 / n) above the diagonal: a semicircle, the hardest ends of all; spike adds a rank
 * one part, the look of a network's Hessian. */
static void fill(dense_host *h, int64_t n, uint64_t seed, double spike)
{
    static double u[MOST];
    h->n = n;
    absa_random_gaussian_f64(seed, 1, 0, n * n, h->a);
    absa_random_gaussian_f64(seed, 2, 0, n, u);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++) {
            const double x = h->a[i * n + j] / sqrt((double)n) + spike * u[i] * u[j] / (double)n;
            h->a[i * n + j] = h->a[j * n + i] = x;
        }
}

/* The extreme eigenvalues by Jacobi's method on the whole matrix. */
static void truth_of(const dense_host *h, double *low, double *top)
{
    static double a[MOST * MOST], z[MOST * MOST], d[MOST];
    memcpy(a, h->a, (size_t)(h->n * h->n) * sizeof *a);
    cr_assert_eq(absa__dense_eigen(h->n, a, d, z), 0);
    *low = d[0];
    *top = d[h->n - 1];
}

static absa_eigen_result run(dense_host *h, const absa_eigen_options *o)
{
    absa_context *ctx;
    absa_space space;
    absa_operator *op;
    absa_eigen *e;
    absa_eigen_result r;
    absa_eigen_result_init(&r, sizeof r);
    absa_context_create(NULL, &ctx);
    absa_space_host(&space, sizeof space, ABSA_ELEMENT_F64, h->n);
    cr_assert_eq(absa_operator_from_hvp(ctx, &space, multiply, h, NULL, &op), ABSA_OK);
    cr_assert_eq(absa_eigen_create(ctx, &space, o, &e), ABSA_OK, "%s", absa_context_message(ctx));
    cr_assert_eq(absa_eigen_run(e, op, NULL, &r), ABSA_OK, "%s", absa_context_message(ctx));
    absa_eigen_destroy(&e);
    absa_operator_destroy(&op);
    absa_context_destroy(&ctx);
    return r;
}

/* 40 matrices of every size, each in three modes, both ends: 1,440 bounds at eta = 1e-5 fail once
 * in 70 times over all choices of seeds, and the seeds are fixed. */
Test(eigen_dense, intervals_enclose_what_a_dense_solver_finds)
{
    static dense_host h;
    const int64_t sizes[] = {2, 3, 5, 12, 30, MOST};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (uint64_t seed = 0; seed < 40; seed++) {
            double low, top;
            fill(&h, sizes[s], seed, seed % 2 ? 4.0 : 0.0);
            truth_of(&h, &low, &top);
            for (int32_t memory = ABSA_MEMORY_VALUE; memory <= ABSA_MEMORY_RESTART; memory++) {
                absa_eigen_options o;
                absa_eigen_options_init(&o, sizeof o);
                o.rule = ABSA_RULE_CERTIFIED;
                o.which = ABSA_WHICH_BOTH;
                o.memory = memory;
                o.eta = 1e-5;
                o.seed = seed;
                o.max_products = 400;
                const absa_eigen_result r = run(&h, &o);
                cr_assert(r.converged, "n = %d, memory %d, seed %d", (int)sizes[s], (int)memory,
                          (int)seed);
                /* The dense solver's own error is n eps |A|, and |A| below 10 here. */
                const double own = 10.0 * (double)h.n * DBL_EPSILON;
                cr_assert(r.lower <= top + own && top - own <= r.upper,
                          "n = %d, memory %d: %.17g in %.17g..%.17g", (int)sizes[s], (int)memory,
                          top, r.lower, r.upper);
                cr_assert(r.other_lower <= low + own && low - own <= r.other_upper,
                          "n = %d, memory %d: %.17g in %.17g..%.17g", (int)sizes[s], (int)memory,
                          low, r.other_lower, r.other_upper);
                const double most = 0.01 * fmax(fabs(r.value), fabs(r.other_value));
                cr_assert_leq(top - r.value, most);
                cr_assert_leq(r.other_value - low, most);
            }
        }
}

/* A + cI has the same Krylov spaces: value, lower and upper move by c, and nothing else does. */
Test(eigen_dense, a_shift_moves_the_interval_and_nothing_else)
{
    static dense_host h;
    for (int32_t memory = ABSA_MEMORY_VALUE; memory <= ABSA_MEMORY_RESTART; memory++) {
        absa_eigen_options o;
        absa_eigen_options_init(&o, sizeof o);
        o.rule = ABSA_RULE_FIXED;
        o.memory = memory;
        o.max_products = 9;
        fill(&h, MOST, 3, 4.0);
        const absa_eigen_result plain = run(&h, &o);
        for (int i = 0; i < MOST; i++)
            h.a[i * (MOST + 1)] += 2.5;
        const absa_eigen_result moved = run(&h, &o);
        /* Nine steps of eps each, amplified by the root of S, whose slope is steep: 1e-9 is ample
         * beside the interval's width, which is above 1e-4 here. */
        cr_assert_float_eq(moved.value - 2.5, plain.value, 1e-9);
        cr_assert_float_eq(moved.upper - 2.5, plain.upper, 1e-9);
        cr_assert_float_eq(moved.residual, plain.residual, 1e-9);
        cr_assert_gt(plain.upper - plain.lower, 1e-4);
    }
}
