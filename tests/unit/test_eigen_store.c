/* A basis in bfloat16: half the memory; values and bounds as before, vectors to three digits. */
#include "eigen/eigen_impl.h"
#include "support/eigen_runs.h"

#include <absa/random.h>

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 800 };

static absa_eigen_options stored(int32_t rule)
{
    absa_eigen_options o = eigen_options(rule, ABSA_MEMORY_BASIS);
    o.store = ABSA_STORE_BF16;
    o.max_products = 150;
    return o;
}

/* Rounding to nearest, ties to even, as the upper half of a float's bits. */
Test(eigen_store, numbers_are_rounded_to_the_nearest_of_eight_bits)
{
    const float in[] = {1.0F, 1.00390625F, 1.01171875F, 1.00390637F, -3.140625F, 0.0F, 65280.0F};
    const float want[] = {1.0F, 1.0F, 1.015625F, 1.0078125F, -3.140625F, 0.0F, 65280.0F};
    enum { COUNT = sizeof in / sizeof in[0] };
    const absa__shape shape = {ABSA_ELEMENT_F32, COUNT, 0, NULL, 0};
    uint16_t half[COUNT];
    float back[COUNT] = {0};
    absa__host_store_bf16(&shape, 1.0, in, half);
    const uint16_t *const list[] = {half};
    const double one = 1.0;
    double square;
    absa__host_combine_bf16(&shape, 1, &one, list, back, &square);
    double sum = 0.0;
    for (int i = 0; i < COUNT; i++) {
        cr_assert_eq(back[i], want[i], "%.9g is %.9g", (double)in[i], (double)back[i]);
        sum += (double)want[i] * (double)want[i];
    }
    cr_assert_eq(square, sum);
}

/* Over sizes around blocks and lanes, whole and in segments: every element once. */
Test(eigen_store, dots_and_sums_are_those_of_the_rounded_elements)
{
    enum { MOST = 9000 };
    static float x[MOST], y[MOST], z[MOST];
    static uint16_t half[MOST];
    const int64_t sizes[] = {1, 7, 8, 9, 4095, 4096, 4097, MOST};
    absa_random_gaussian_f32(1, 1, 0, MOST, x);
    absa_random_gaussian_f32(1, 2, 0, MOST, y);
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        const int64_t n = sizes[s], lengths[] = {n / 3, 0, n - n / 3};
        const absa_segment parts[] = {{y, n / 3}, {NULL, 0}, {y + n / 3, n - n / 3}};
        const absa__shape whole = {ABSA_ELEMENT_F32, n, 0, NULL, 0};
        const absa__shape pieces = {ABSA_ELEMENT_F32, n, 0, lengths, 3};
        absa__host_store_bf16(&whole, 0.5, x, half);
        const uint16_t *const list[] = {half};
        double dot, same, squares, want = 0.0, size = 0.0, want_squares = 0.0;
        memset(z, 0, sizeof z);
        const double one = 1.0;
        absa__host_combine_bf16(&whole, 1, &one, list, z, NULL);
        for (int64_t i = 0; i < n; i++) {
            cr_assert_leq(fabs((double)z[i] - 0.5 * (double)x[i]),
                          0x1p-8 * 0.5 * fabs((double)x[i]));
            want += (double)z[i] * (double)y[i];
            size += fabs((double)z[i] * (double)y[i]);
            want_squares += pow((double)z[i] * (double)y[i], 2.0);
        }
        absa__host_dots_bf16(&pieces, 1, list, parts, &same, &squares);
        absa__host_dots_bf16(&whole, 1, list, y, &dot, &squares);
        cr_assert_float_eq(squares, want_squares, 1e-15 * (double)n * want_squares);
        cr_assert_float_eq(dot, want, 1e-15 * (double)n * size);
        cr_assert_eq(dot, same, "segments change no bit");
    }
}

/* The basis itself: the last vectors against all stored ones. Each is off by 2^-9 of itself at
 * most, what is less than 2^-9 along them is left there, and a few such leftovers add up. */
static int watch(void *user, const absa_eigen_result *now, int32_t *stop)
{
    const absa_eigen *e = *(absa_eigen **)user;
    double g[200], squares[200];
    (void)stop;
    if (now->products < 3)
        return 0;
    absa__host_dots_bf16(&e->space.shape, e->steps, (const uint16_t *const *)e->stored, e->slot[1],
                         g, squares);
    for (int64_t i = 0; i + 1 < e->steps; i++)
        cr_assert_leq(fabs(g[i]) / e->length[1], 0x1p-8, "product %d: %g along vector %d",
                      (int)now->products, g[i] / e->length[1], (int)i);
    return 0;
}

Test(eigen_store, the_basis_stays_orthogonal_to_the_rounding_of_the_store)
{
    static double v[N];
    outlier_spectrum(N, v);
    eigen_run x;
    absa_eigen_options o = stored(ABSA_RULE_FIXED);
    o.monitor = watch;
    o.monitor_user = &x.e;
    eigen_run_open(&x, ABSA_ELEMENT_F32, N, v, &o);
    eigen_run_go(&x, NULL);
    cr_assert(x.r.consistent);
    /* 150 products without orthogonalisation give ghosts of 1; here every value is there once. */
    for (int64_t i = 1; i < x.e->ritz_count; i++)
        cr_assert_gt(x.e->ritz[i] - x.e->ritz[i - 1], 1e-6);
    cr_assert_float_eq(x.r.value, 1.0, 20 * (double)FLT_EPSILON);
    eigen_run_close(&x);
}

Test(eigen_store, values_take_the_products_of_a_full_store_and_vectors_lose_digits)
{
    static double v[N];
    outlier_spectrum(N, v);
    for (int64_t wanted = 1; wanted <= 3; wanted += 2)
        for (int32_t which = ABSA_WHICH_LARGEST; which <= ABSA_WHICH_BOTH; which++) {
            eigen_run x;
            absa_eigen_options o = stored(ABSA_RULE_CERTIFIED);
            o.which = which;
            o.wanted = wanted;
            o.tolerance = 1e-3;
            eigen_run_open(&x, ABSA_ELEMENT_F32, N, v, &o);
            eigen_run_go(&x, NULL);
            cr_assert(x.r.converged && x.r.consistent);
            cr_assert_eq(x.r.peak_vectors, 3 + 75);
            o.store = ABSA_STORE_FULL;
            const absa_eigen_result full = run_diagonal(ABSA_ELEMENT_F32, N, v, &o, NULL, NULL);
            cr_assert_leq(llabs(x.r.products - full.products), 1);
            cr_assert_float_eq(x.r.value, full.value, 1e-5);
            for (int64_t i = 0; i < x.r.pairs; i++) {
                double norm;
                const double residual = eigen_run_residual(&x, i, &norm);
                /* Elements are off by 2^-8 of themselves, so the vector is, and H has norm 1. */
                cr_assert_leq(residual, x.pair[i].residual + 0x1p-8);
                cr_assert_float_eq(norm, 1.0, 0x1p-8);
            }
            eigen_run_close(&x);
        }
}

Test(eigen_store, its_vector_is_a_good_hint)
{
    static double v[N];
    outlier_spectrum(N, v);
    int64_t cold = 0, warm = 0;
    for (uint64_t seed = 0; seed < 10; seed++) {
        eigen_run x;
        absa_eigen_options o = stored(ABSA_RULE_RESIDUAL);
        o.keep_hint = 1;
        o.seed = seed;
        eigen_run_open(&x, ABSA_ELEMENT_F32, N, v, &o);
        eigen_run_go(&x, NULL);
        cold += x.r.products;
        eigen_run_go(&x, NULL);
        warm += x.r.products;
        eigen_run_close(&x);
    }
    cr_assert_lt(warm, cold);
}

Test(eigen_store, what_it_cannot_serve_is_refused)
{
    absa_context *ctx;
    absa_space space;
    absa_eigen *e;
    absa_context_create(NULL, &ctx);
    absa_space_host(&space, sizeof space, ABSA_ELEMENT_F64, N);
    absa_eigen_options o = stored(ABSA_RULE_CHECKED);
    cr_assert_eq(absa_eigen_create(ctx, &space, &o, &e), ABSA_E_INVALID);
    cr_assert_not_null(strstr(absa_context_message(ctx), "F32"));
    cr_assert_eq(absa_eigen_memory(&space, &o, NULL, NULL), ABSA_E_INVALID);
    space.element = ABSA_ELEMENT_F32;
    for (int32_t memory = ABSA_MEMORY_VALUE; memory <= ABSA_MEMORY_TWO_PASS; memory++) {
        o.memory = memory;
        cr_assert_eq(absa_eigen_create(ctx, &space, &o, &e),
                     memory == ABSA_MEMORY_BASIS ? ABSA_OK : ABSA_E_INVALID);
        absa_eigen_destroy(&e);
    }
    /* AUTO takes the basis that was asked to be stored; half of the bytes, but for three vectors.
     */
    int64_t bytes, full, vectors;
    o.memory = ABSA_MEMORY_AUTO;
    o.max_vectors = 78;
    cr_assert_eq(absa_eigen_memory(&space, &o, &vectors, &bytes), ABSA_OK);
    cr_assert_eq(vectors, 78);
    o.store = ABSA_STORE_FULL;
    o.memory = ABSA_MEMORY_BASIS;
    o.max_vectors = 0;
    cr_assert_eq(absa_eigen_memory(&space, &o, NULL, &full), ABSA_OK);
    cr_assert_float_eq((double)(full - bytes), (151 - 3 - 75) * 4.0 * N, 16.0 * 151);
    absa_context_destroy(&ctx);
}
