/* Eigenvalues layer by layer against whole Hessians of small networks: every entry is computed, and
 * LAPACK finds the eigenvalues of the diagonal blocks. */
#include "refnet/networks.h"

#include <absa/block.h>

#include <float.h>

/* LAPACK's symmetric eigenproblem, as OpenBLAS has it. */
extern void dsyev_(const char *job, const char *triangle, const int *n, double *a, const int *lda,
                   double *w, double *work, const int *lwork, int *info, size_t job_length,
                   size_t triangle_length);

enum { MOST_LAYERS = 12 };

static double *whole_hessian(const point *p)
{
    double *a = calloc((size_t)(p->n * p->n), sizeof *a), *unit = calloc((size_t)p->n, sizeof *a);
    for (int64_t i = 0; i < p->n; i++) {
        unit[i] = 1;
        cr_assert_eq(absa_refnet_hvp(p->net, unit, a + i * p->n), ABSA_OK);
        unit[i] = 0;
    }
    free(unit);
    return a;
}

/* The largest eigenvalue of rows and columns [first, first + count). */
static double top_of(const double *hessian, int64_t n, int64_t first, int64_t count)
{
    const int m = (int)count, room = 40 * m;
    int info = 0;
    double *a = malloc((size_t)(count * count) * sizeof *a), *w = malloc((size_t)m * sizeof *w);
    double *work = malloc((size_t)room * sizeof *work);
    for (int64_t i = 0; i < count; i++)
        memcpy(a + i * count, hessian + (first + i) * n + first, (size_t)count * sizeof *a);
    dsyev_("N", "U", &m, a, &m, w, work, &room, &info, 1, 1);
    cr_assert_eq(info, 0);
    const double top = w[m - 1];
    free(a);
    free(w);
    free(work);
    return top;
}

static absa_eigen_options exact_options(void)
{
    absa_eigen_options o;
    absa_eigen_options_init(&o, sizeof o);
    o.rule = ABSA_RULE_CERTIFIED;
    o.memory = ABSA_MEMORY_BASIS;
    o.max_products = 400;
    o.tolerance = 1e-6;
    o.eta = 1e-9; /* some hundred runs of it */
    return o;
}

static void measure(const char *name, point *p)
{
    absa_block_range layers[MOST_LAYERS + 1];
    absa_eigen_result results[MOST_LAYERS + 1];
    const absa_eigen_options o = exact_options();
    absa_block *layout;
    absa_space space;
    absa_operator *op;
    double *hessian = whole_hessian(p);
    cr_assert_eq(absa_refnet_layout(p->net, &layout), ABSA_OK);
    const int64_t count = absa_block_layer_count(layout);
    cr_assert_leq(count, MOST_LAYERS);
    for (int64_t i = 0; i < count; i++)
        cr_assert_eq(absa_block_layer_at(layout, i, &layers[i]), ABSA_OK);
    layers[count] = (absa_block_range){.first = 0, .count = p->n};
    absa_refnet_space(p->net, &space, sizeof space);
    cr_assert_eq(
        absa_operator_from_hvp(p->ctx, &space, absa_refnet_hvp_callback, p->net, NULL, &op),
        ABSA_OK);
    cr_assert_eq(absa_block_eigenvalues(op, layers, count + 1, &o, 0, results, sizeof *results),
                 ABSA_OK, "%s: %s", name, absa_context_message(p->ctx));
    const double scale = norm_of(p->n * p->n, hessian);
    for (int64_t i = 0; i <= count; i++) {
        const double top = top_of(hessian, p->n, layers[i].first, layers[i].count);
        /* Rounding of a few hundred products of size |H|, and the tolerance of the rule. */
        const double rounding = 1e3 * DBL_EPSILON * scale;
        cr_assert(results[i].converged, "%s: layer %d", name, (int)i);
        cr_assert_float_eq(results[i].value, top, 1e-6 * fabs(top) + rounding, "%s: layer %d: %g",
                           name, (int)i, top);
        cr_assert_leq(results[i].lower, top + rounding, "%s", name);
        cr_assert_geq(results[i].upper, top - rounding, "%s", name);
        /* Interlacing. */
        cr_assert_leq(results[i].value, results[count].upper + rounding, "%s", name);
    }
    absa_operator_destroy(&op);
    absa_block_destroy(&layout);
    free(hessian);
}

Test(refnet_layers, have_the_eigenvalues_of_the_diagonal_blocks)
{
    for (int i = 0; i < NETWORK_COUNT; i++) {
        absa_refnet_options o;
        point p;
        point_options(&NETWORKS[i], &o);
        o.probe_rows = ROWS;
        o.weight_decay = 0.01;
        point_open(&p, &NETWORKS[i], &o);
        cr_assert_eq(absa_refnet_probe(p.net, p.theta, p.x, p.y, ROWS, NULL), ABSA_OK);
        measure(NETWORKS[i].name, &p);
        point_close(&p);
    }
}
