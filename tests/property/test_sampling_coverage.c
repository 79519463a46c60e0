/* How often intervals over probe batches hold the truth, against how often they should, over many
 * drawings of the data; and that the two questions of absa/sampling.h have different answers. */
#include "support/matrices.h"

#include <absa/random.h>
#include <absa/sampling.h>

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

/* Half the width of the 99.9 % band of a share of so many trials. */
static double band(double share, double trials)
{
    return 3.29 * sqrt(share * (1.0 - share) / trials);
}

Test(sampling_coverage, intervals_of_normal_figures_hold_their_mean_as_often_as_they_say)
{
    enum { TRIALS = 4000, MOST = 12 };
    const int64_t counts[] = {2, 3, 5, 12};
    const double levels[] = {0.5, 0.9, 0.99};
    for (int c = 0; c < 4; c++)
        for (int l = 0; l < 3; l++) {
            int held = 0;
            for (uint64_t t = 0; t < TRIALS; t++) {
                double x[MOST];
                absa_sampling_result r;
                absa_sampling_result_init(&r, sizeof r);
                absa_random_gaussian_f64(11, t, 0, counts[c], x);
                cr_assert_eq(absa_sampling_from_values(NULL, counts[c], x, NULL, levels[l], &r),
                             ABSA_OK);
                held += r.lower <= 0.0 && 0.0 <= r.upper;
            }
            cr_assert_float_eq((double)held / TRIALS, levels[l], band(levels[l], TRIALS),
                               "%d of %d at %g from %d batches", held, TRIALS, levels[l],
                               (int)counts[c]);
        }
}

/* Data x ~ N(0, diag(scale)): the Hessian of all that could be drawn is diag(scale). */
enum { N = 6, MOST_ROWS = 2400 };
static const double scale[N] = {4.0, 1.0, 0.8, 0.6, 0.4, 0.2};

typedef struct batch {
    const double *x;
    int64_t rows;
} batch;

static int batch_hvp(void *user, const void *v, void *hv, int64_t *samples)
{
    const batch *b = user;
    const double *in = v;
    double *out = hv;
    memset(out, 0, N * sizeof(double));
    for (int64_t i = 0; i < b->rows; i++) {
        const double *x = b->x + i * N;
        double dot = 0.0;
        for (int j = 0; j < N; j++)
            dot += x[j] * in[j];
        for (int j = 0; j < N; j++)
            out[j] += dot * x[j] / (double)b->rows;
    }
    *samples = b->rows;
    return 0;
}

/* What share of drawings of batches x rows has 4 in the interval, by runs and by quotients; errors
 * is the mean distance of the runs' mean from 4, in standard errors. */
static void cover(int64_t batches, int64_t rows, int trials, double *runs_held,
                  double *quotients_held, double *errors)
{
    enum { MOST_BATCHES = 60 };
    static double x[MOST_ROWS * N];
    absa_context *ctx;
    absa_space space;
    absa_operator *part[MOST_BATCHES], *all;
    batch b[MOST_BATCHES], pooled = {x, batches * rows};
    absa_eigen *e;
    /* Six dimensions: the basis is whole after six products, and the value exact. */
    const absa_eigen_options o = eigen_options(ABSA_RULE_RESIDUAL, ABSA_MEMORY_BASIS);
    absa_eigen_options small = o;
    small.max_products = N;
    small.tolerance = 1e-9;
    absa_context_create(NULL, &ctx);
    absa_space_host(&space, sizeof space, ABSA_ELEMENT_F64, N);
    for (int64_t k = 0; k < batches; k++) {
        b[k] = (batch){x + k * rows * N, rows};
        cr_assert_eq(absa_operator_from_hvp(ctx, &space, batch_hvp, &b[k], NULL, &part[k]),
                     ABSA_OK);
    }
    cr_assert_eq(absa_operator_from_hvp(ctx, &space, batch_hvp, &pooled, NULL, &all), ABSA_OK);
    cr_assert_eq(absa_eigen_create(ctx, &space, &small, &e), ABSA_OK);
    int held[2] = {0, 0};
    *errors = 0.0;
    for (int t = 0; t < trials; t++) {
        absa_eigen_result r, runs[MOST_BATCHES];
        absa_sampling_result s;
        double v[N], work[N], values[MOST_BATCHES];
        absa_eigen_result_init(&r, sizeof r);
        absa_eigen_result_init(&runs[0], sizeof runs[0]);
        absa_sampling_result_init(&s, sizeof s);
        absa_random_gaussian_f64(12, (uint64_t)t, 0, batches * rows * N, x);
        for (int64_t i = 0; i < batches * rows * N; i++)
            x[i] *= sqrt(scale[i % N]);
        cr_assert_eq(absa_eigen_run(e, all, NULL, &r), ABSA_OK);
        cr_assert_eq(absa_eigen_vector(e, v), ABSA_OK);
        cr_assert_eq(
            absa_sampling_quotients(e, batches, part, NULL, v, work, NULL, NULL, values, &s),
            ABSA_OK);
        held[1] += s.lower <= scale[0] && scale[0] <= s.upper;
        cr_assert_eq(absa_sampling_run(e, batches, part, NULL, NULL, runs, NULL, &s), ABSA_OK);
        /* Without the bounds' upper part: it would hide what is asked. */
        const double half = s.quantile * s.standard_error;
        held[0] += fabs(s.mean - scale[0]) <= half;
        *errors += (s.mean - scale[0]) / s.standard_error / trials;
    }
    *runs_held = (double)held[0] / trials;
    *quotients_held = (double)held[1] / trials;
    for (int64_t k = 0; k < batches; k++)
        absa_operator_destroy(&part[k]);
    absa_operator_destroy(&all);
    absa_eigen_destroy(&e);
    absa_context_destroy(&ctx);
}

Test(sampling_coverage, quotients_hold_the_eigenvalue_of_all_data_as_often_as_they_say)
{
    enum { TRIALS = 400 };
    double runs, quotients, errors;
    /* Bias of second order: sum lambda mu / (lambda - mu) / 2400 = 0.0015, beside an error of
     * 4 sqrt(2 / 2400) = 0.115. */
    cover(12, 200, TRIALS, &runs, &quotients, &errors);
    cr_assert_float_eq(quotients, 0.95, band(0.95, TRIALS) + 0.005, "%g", quotients);
}

Test(sampling_coverage, small_batches_have_larger_eigenvalues_than_all_data)
{
    enum { TRIALS = 200 };
    double runs, quotients, errors;
    /* sum lambda mu / (lambda - mu) = 3.69 over 20 rows is a bias of 0.18 to first order, and the
     * error of the mean of 60 batches is 4 sqrt(2 / 20) / sqrt(60) = 0.163: a shift of 1.1 errors,
     * from which the mean of 200 trials differs by 1 / sqrt(200) = 0.07. An interval of +-2 errors
     * around that holds the truth in 4 of 5 trials. */
    cover(60, 20, TRIALS, &runs, &quotients, &errors);
    cr_assert_gt(errors, 0.8, "%g", errors);
    cr_assert_lt(runs, 0.9, "%g", runs);
    cr_assert_float_eq(quotients, 0.95, band(0.95, TRIALS) + 0.02, "%g", quotients);
}
