/* Thick restart from inside: its basis, its certificate, its price, its vector. */
#include "eigen/eigen_impl.h"
#include "support/matrices.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>

enum { N = 1000 };

static absa_eigen_options restarting(int64_t vectors, int32_t which)
{
    absa_eigen_options o;
    absa_eigen_options_init(&o, sizeof o);
    o.memory = ABSA_MEMORY_RESTART;
    o.max_vectors = vectors;
    o.which = which;
    return o;
}

/* Both ends stand out, the upper one as a pair three per cent apart. */
static void pairs(double *v)
{
    for (int i = 0; i < N; i++)
        v[i] = 0.6 * cos(i * 0.01);
    v[3] = 1.0;
    v[4] = 0.97;
    v[5] = -0.9;
}

typedef struct sums {
    absa_eigen *e;
    int at; /* the eigenvalue's index */
    double sign, truth, first;
    int64_t checked;
} sums;

/* For a diagonal operator <q, u_i> is element i of q, so the sum that the certificate needs can be
 * read from the basis itself: S(lambda_i) = sum_j (q_j[i] / q_1[i])^2, residual vector included.
 * The polynomial's logarithm moves by eps / gap when a root moves by eps; gaps to the truth are
 * above 1e-9 here, so 60 roots give less than 1e-5. */
static int compare(void *user, const absa_eigen_result *now, int32_t *stop)
{
    sums *c = user;
    const absa_eigen *e = c->e;
    (void)stop;
    if (now->products == 1)
        c->first = ((const double *)e->slot[0])[c->at] / e->length[0];
    if (fabs(now->value - c->truth) < 1e-9)
        return 0;
    double sum = 0.0;
    for (int64_t j = 0; j <= e->have; j++) {
        const double q = ((const double *)e->slot[j])[c->at] / e->length[j];
        sum += q / c->first * q / c->first;
    }
    const double got = absa__restart_log_sum(e, c->sign, c->sign * c->truth);
    cr_assert_float_eq(got, log(sum), 1e-5, "product %d: %.12g, not %.12g", (int)now->products, got,
                       log(sum));
    c->checked++;
    return 0;
}

Test(restart, the_certificate_equals_the_sum_over_the_basis_itself)
{
    static double v[N];
    pairs(v);
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (int64_t vectors = 4; vectors <= 9; vectors++)
        for (int end = 0; end < 2; end++) {
            absa_eigen_options o =
                restarting(vectors, end ? ABSA_WHICH_SMALLEST : ABSA_WHICH_LARGEST);
            sums c = {.at = end ? 5 : 3, .sign = end ? -1.0 : 1.0, .truth = end ? -0.9 : 1.0};
            diagonal_host h = {.n = N, .element = ABSA_ELEMENT_F64, .values = v};
            absa_space space;
            absa_operator *op = diagonal_operator(ctx, &h, &space);
            absa_eigen_result r;
            absa_eigen_result_init(&r, sizeof r);
            o.rule = ABSA_RULE_FIXED;
            o.max_products = 60;
            o.monitor = compare;
            o.monitor_user = &c;
            cr_assert_eq(absa_eigen_create(ctx, &space, &o, &c.e), ABSA_OK);
            cr_assert_eq(absa_eigen_run(c.e, op, NULL, &r), ABSA_OK);
            cr_assert_geq(c.checked, 15, "%d products in use", (int)c.checked);
            absa_eigen_destroy(&c.e);
            absa_operator_destroy(&op);
        }
    absa_context_destroy(&ctx);
}

/* The basis stays orthonormal through restarts: to a few eps of the element type, times its size.
 */
Test(restart, the_basis_stays_orthonormal)
{
    static double v[N];
    pairs(v);
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    diagonal_host h = {.n = N, .element = ABSA_ELEMENT_F32, .values = v};
    absa_space space;
    absa_operator *op = diagonal_operator(ctx, &h, &space);
    absa_eigen_options o = restarting(8, ABSA_WHICH_BOTH);
    absa_eigen *e;
    o.rule = ABSA_RULE_FIXED;
    o.max_products = 101;
    cr_assert_eq(absa_eigen_create(ctx, &space, &o, &e), ABSA_OK);
    absa_eigen_result r;
    absa_eigen_result_init(&r, sizeof r);
    cr_assert_eq(absa_eigen_run(e, op, NULL, &r), ABSA_OK);
    cr_assert(r.consistent, "inconsistency %g", r.inconsistency);
    /* 101 products are 24 restarts; f32 rounding of each moves the values by a few eps. */
    cr_assert_float_eq(r.value, 1.0, 30 * 24 * (double)FLT_EPSILON);
    cr_assert_float_eq(r.other_value, -0.9, 30 * 24 * (double)FLT_EPSILON);
    for (int64_t i = 0; i <= e->have; i++)
        for (int64_t j = 0; j <= i; j++) {
            double dot = 0.0;
            for (int k = 0; k < N; k++)
                dot +=
                    (double)((const float *)e->slot[i])[k] * (double)((const float *)e->slot[j])[k];
            cr_assert_float_eq(dot / (e->length[i] * e->length[j]), i == j ? 1.0 : 0.0,
                               100 * (double)FLT_EPSILON, "%d, %d: %g", (int)i, (int)j, dot);
        }
    absa_eigen_destroy(&e);
    absa_operator_destroy(&op);
    absa_context_destroy(&ctx);
}

Test(restart, eight_vectors_cost_at_most_a_fifth_more_products_than_all)
{
    static double v[N];
    pairs(v);
    for (int32_t which = ABSA_WHICH_LARGEST; which <= ABSA_WHICH_SMALLEST; which++) {
        int64_t all = 0, eight = 0;
        for (uint64_t seed = 0; seed < 20; seed++) {
            absa_eigen_options o = restarting(8, which);
            o.seed = seed;
            const absa_eigen_result r = run_diagonal(ABSA_ELEMENT_F64, N, v, &o, NULL, NULL);
            cr_assert(r.converged && r.consistent);
            eight += r.products;
            o.memory = ABSA_MEMORY_BASIS;
            o.max_vectors = 0;
            all += run_diagonal(ABSA_ELEMENT_F64, N, v, &o, NULL, NULL).products;
        }
        cr_assert_leq(eight, all + all / 5, "%d beside %d", (int)eight, (int)all);
        cr_assert_geq(eight, all, "less than the whole Krylov space gives is impossible");
    }
}

Test(restart, its_vector_is_an_eigenvector_with_the_residual_it_states)
{
    static double v[N], u[N];
    pairs(v);
    for (int64_t vectors = 4; vectors <= 12; vectors += 4)
        for (int32_t which = ABSA_WHICH_LARGEST; which <= ABSA_WHICH_BOTH; which++) {
            absa_eigen_options o = restarting(vectors, which);
            o.rule = ABSA_RULE_RESIDUAL;
            o.tolerance = 1e-3;
            o.max_products = 300;
            const absa_eigen_result r = run_diagonal(ABSA_ELEMENT_F64, N, v, &o, NULL, u);
            cr_assert(r.converged);
            double norm = 0.0, residual = 0.0;
            for (int i = 0; i < N; i++) {
                norm += u[i] * u[i];
                residual += (v[i] - r.value) * (v[i] - r.value) * u[i] * u[i];
            }
            /* Hundreds of products and restarts at eps each. */
            cr_assert_float_eq(norm, 1.0, 1e-12);
            cr_assert_float_eq(sqrt(residual), r.residual, 1e-11);
        }
}

Test(restart, the_default_is_eight_vectors_and_the_whole_basis_where_it_fits)
{
    absa_space space;
    absa_eigen_options o;
    int64_t vectors;
    const struct {
        int64_t products, most, want;
    } cases[] = {{60, 0, 8}, {7, 0, 8},    {4, 0, 5},    {60, 3, 3},
                 {60, 4, 4}, {60, 61, 61}, {60, 60, 60}, {1000, 100, 64}};
    absa_space_host(&space, sizeof space, ABSA_ELEMENT_F32, N);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        absa_eigen_options_init(&o, sizeof o);
        o.max_products = cases[i].products;
        o.max_vectors = cases[i].most;
        cr_assert_eq(absa_eigen_memory(&space, &o, &vectors, NULL), ABSA_OK);
        cr_assert_eq(vectors, cases[i].want, "case %zu: %d", i, (int)vectors);
    }
}
