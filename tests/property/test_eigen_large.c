/* Sums over 10^8 elements in single precision, where accumulating in single precision is off in the
 * fourth digit. Takes 1.2 GB and some seconds, so it belongs to the plain build. */
#include "linalg/hostvec.h"
#include "support/matrices.h"

#include <absa/eigen.h>
#include <absa/random.h>

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int64_t n = 100000000;

static double square_of(const float *x)
{
    const absa__shape shape = {.element = ABSA_ELEMENT_F32, .n = n};
    const void *v = x;
    double square;
    absa__host_dots(&shape, 1, &v, x, &square);
    return square;
}

Test(eigen_large, the_norm_of_a_hundred_million_elements_is_right_to_a_billionth)
{
    float *x = malloc((size_t)n * sizeof *x);
    cr_assert_not_null(x);
    /* Squares of 1 to 1000: whole numbers below 2^53, so the sum has no rounding of its own. */
    long double want = 0.0L;
    for (int64_t i = 0; i < n; i++)
        x[i] = (float)(1 + i % 1000);
    want = (long double)n / 1000 * (1000.0L * 1001.0L * 2001.0L / 6.0L);
    cr_assert_float_eq(sqrt(square_of(x) / (double)want), 1.0, 1e-9);
    /* One large element among small ones, each of which is lost beside it in single precision. */
    for (int64_t i = 0; i < n; i++)
        x[i] = 1e-4f;
    x[n / 2] = 1.0f;
    want = (long double)(n - 1) * (1e-4f * (long double)1e-4f) + 1.0L;
    cr_assert_float_eq(sqrt(square_of(x) / (double)want), 1.0, 1e-9);
    /* What a start vector holds, against a sum in long double. */
    absa_random_gaussian_f32(1, 0, 0, n, x);
    want = 0.0L;
    for (int64_t i = 0; i < n; i++)
        want += (long double)x[i] * x[i];
    cr_assert_float_eq(sqrt(square_of(x) / (double)want), 1.0, 1e-9);
    free(x);
}

static int identity(void *user, const void *v, void *hv, int64_t *samples)
{
    (void)user;
    (void)samples;
    memcpy(hv, v, (size_t)n * sizeof(float));
    return 0;
}

/* The value is the square of the start vector as stored: its elements are rounded by 2^-24 of
 * themselves, independently, which moves their sum by 2^-24 / sqrt(n) only. */
Test(eigen_large, the_identity_of_that_size_has_the_eigenvalue_one)
{
    absa_context *ctx;
    absa_space space;
    absa_operator *op;
    absa_eigen *e;
    const absa_eigen_options o = eigen_options(ABSA_RULE_CERTIFIED, ABSA_MEMORY_VALUE);
    absa_eigen_result r;
    absa_eigen_result_init(&r, sizeof r);
    cr_assert_eq(absa_context_create(NULL, &ctx), ABSA_OK);
    absa_space_host(&space, sizeof space, ABSA_ELEMENT_F32, n);
    cr_assert_eq(absa_operator_from_hvp(ctx, &space, identity, NULL, NULL, &op), ABSA_OK);
    cr_assert_eq(absa_eigen_create(ctx, &space, &o, &e), ABSA_OK, "%s", absa_context_message(ctx));
    cr_assert_eq(absa_eigen_run(e, op, NULL, &r), ABSA_OK, "%s", absa_context_message(ctx));
    cr_assert_eq(r.stop, ABSA_STOP_EXACT);
    cr_assert_float_eq(r.value, 1.0, 1e-9);
    absa_eigen_destroy(&e);
    absa_operator_destroy(&op);
    absa_context_destroy(&ctx);
}
