/* The meter of the operator's consistency: it must see every operator that is not one symmetric
 * matrix, and never mistake rounding for that. */
#include "support/matrices.h"
#include "support/spectra.h"

#include <absa/eigen.h>
#include <absa/random.h>

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { N = 1000, RUNS = 1000 };

/* A log that counts warnings. */
static void count_warnings(void *user, int32_t level, const char *text)
{
    (void)text;
    if (level == ABSA_LOG_WARNING)
        ++*(int *)user;
}

/* Wrong in one way or another; calls counts the products. */
typedef struct wrong_host {
    int fault;
    double size;
    double values[N];
    uint64_t calls;
} wrong_host;

enum fault {
    FAULT_NONE = 0,
    FAULT_NEW_BATCH = 1, /* another diagonal in every product, size beside the true one */
    FAULT_DROPOUT = 2,   /* a share of size of the elements is dropped, others each time */
    FAULT_SKEW = 3,      /* an antisymmetric part */
    FAULT_KINK = 4,      /* a slope that hangs on the sign of an element */
    FAULT_COUNT = 5
};

static int wrong_hvp(void *user, const void *v, void *hv, int64_t *samples)
{
    wrong_host *h = user;
    const float *x = v;
    float *y = hv;
    static double noise[N];
    (void)samples;
    absa_random_gaussian_f64(12345, h->calls++, 0, N, noise);
    for (int i = 0; i < N; i++) {
        double slope = h->values[i], other = 0.0;
        if (h->fault == FAULT_NEW_BATCH)
            slope *= 1.0 + h->size * noise[i];
        /* The normal quantile of 0.9: a tenth is dropped, and what is left makes up for it. */
        if (h->fault == FAULT_DROPOUT)
            slope *= noise[i] > 1.2816 ? 0.0 : 1.0 / 0.9;
        if (h->fault == FAULT_SKEW)
            other = (i % 2 ? h->size : -h->size) * (double)x[i ^ 1];
        if (h->fault == FAULT_KINK && x[i] > 0.0f)
            slope *= 1.0 + h->size;
        y[i] = (float)(slope * (double)x[i] + other);
    }
    return 0;
}

static absa_eigen_result run_wrong(wrong_host *h, int32_t memory, uint64_t seed, int *warnings)
{
    absa_context_options co;
    absa_context *ctx;
    absa_space space;
    absa_operator *op;
    absa_eigen *e;
    absa_eigen_options o = eigen_options(ABSA_RULE_CERTIFIED, memory);
    absa_eigen_result r;
    absa_eigen_result_init(&r, sizeof r);
    absa_context_options_init(&co, sizeof co);
    co.log = count_warnings;
    co.log_user = warnings;
    cr_assert_eq(absa_context_create(&co, &ctx), ABSA_OK);
    absa_space_host(&space, sizeof space, ABSA_ELEMENT_F32, N);
    o.seed = seed;
    h->calls = seed * 1000;
    cr_assert_eq(absa_operator_from_hvp(ctx, &space, wrong_hvp, h, NULL, &op), ABSA_OK);
    cr_assert_eq(absa_eigen_create(ctx, &space, &o, &e), ABSA_OK);
    cr_assert_eq(absa_eigen_run(e, op, NULL, &r), ABSA_OK, "%s", absa_context_message(ctx));
    absa_eigen_destroy(&e);
    absa_operator_destroy(&op);
    absa_context_destroy(&ctx);
    return r;
}

/* 1,000 runs in single precision over all spectra and memory modes, to the end of their rule. */
Test(eigen_consistency, one_matrix_in_single_precision_is_never_suspected)
{
    static wrong_host h;
    double worst = 0.0;
    for (uint64_t run = 0; run < RUNS; run++) {
        int warnings = 0;
        make_spectrum((int)(run % SPECTRUM_COUNT), N, h.values);
        const int32_t memory = ABSA_MEMORY_VALUE + (int32_t)(run / SPECTRUM_COUNT % 3);
        const absa_eigen_result r = run_wrong(&h, memory, run, &warnings);
        worst = fmax(worst, r.inconsistency);
        cr_assert(r.consistent && warnings == 0, "run %d, %s, memory %d: inconsistency %g",
                  (int)run, spectrum_name((int)(run % SPECTRUM_COUNT)), (int)memory,
                  r.inconsistency);
    }
    /* Rounding is a few eps of the largest eigenvalue a step and grows with the steps; 1e-4 leaves
     * it 1,000 eps, and a factor of 50 to the least that is suspected, tolerance / 2. */
    cr_assert_lt(worst, 1e-4);
}

/* A value far below the operator's size: rounding is relative to the latter. And a bulk that is
 * next to nothing beside the largest eigenvalue, whose small remainders magnify rounding. */
Test(eigen_consistency, rounding_beside_a_small_value_is_not_suspected)
{
    static double v[N];
    for (int32_t element = 0; element < 2; element++)
        for (int32_t memory = ABSA_MEMORY_VALUE; memory <= ABSA_MEMORY_TWO_PASS; memory++)
            for (int32_t which = 0; which < 2; which++)
                for (int decade = 1; decade <= 8; decade++) {
                    const double small = pow(10.0, -decade);
                    absa_eigen_options o = eigen_options(ABSA_RULE_FIXED, memory);
                    o.which = which;
                    o.max_products = 40;
                    o.seed = (uint64_t)decade;
                    o.tolerance = element == ABSA_ELEMENT_F64 ? 1e-6 : 1e-3;
                    for (int i = 0; i < N; i++)
                        v[i] = i == 0 ? 1.0 : small * (1.01 + cos(i * 0.3));
                    const absa_eigen_result r = run_diagonal(element, N, v, &o, NULL, NULL);
                    cr_assert(r.consistent, "f%d, memory %d, which %d, bulk %g: inconsistency %g",
                              element ? 64 : 32, (int)memory, (int)which, small, r.inconsistency);
                }
}

Test(eigen_consistency, an_operator_that_is_no_matrix_is_suspected_in_every_run)
{
    static wrong_host h;
    static const double sizes[FAULT_COUNT] = {0.0, 0.2, 0.1, 0.05, 0.1};
    make_spectrum(SPECTRUM_OUTLIERS, N, h.values);
    for (h.fault = FAULT_NEW_BATCH; h.fault < FAULT_COUNT; h.fault++)
        for (int32_t memory = ABSA_MEMORY_VALUE; memory <= ABSA_MEMORY_RESTART; memory++)
            for (uint64_t seed = 0; seed < 50; seed++) {
                int warnings = 0;
                h.size = sizes[h.fault];
                const absa_eigen_result r = run_wrong(&h, memory, seed, &warnings);
                cr_assert(!r.consistent && warnings == 1,
                          "fault %d, memory %d, seed %d: inconsistency %g, %d warnings", h.fault,
                          (int)memory, (int)seed, r.inconsistency, warnings);
            }
}
