#include "support/eigen_runs.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *eigen_mode(int index, absa_eigen_options *o)
{
    static const struct {
        const char *name;
        int32_t memory, store;
        int64_t wanted, multiplicity;
    } modes[EIGEN_MODES] = {
        {"value", ABSA_MEMORY_VALUE, 0, 1, 0},
        {"basis", ABSA_MEMORY_BASIS, 0, 1, 0},
        {"restart", ABSA_MEMORY_RESTART, 0, 1, 0},
        {"two passes", ABSA_MEMORY_TWO_PASS, 0, 1, 0},
        {"basis, three", ABSA_MEMORY_BASIS, 0, 3, 0},
        {"restart, three", ABSA_MEMORY_RESTART, 0, 3, 0},
        {"basis, counted", ABSA_MEMORY_BASIS, 0, 2, 3},
        {"restart, counted", ABSA_MEMORY_RESTART, 0, 2, 3},
        {"bf16", ABSA_MEMORY_BASIS, ABSA_STORE_BF16, 1, 0},
    };
    if (index < 0 || index >= EIGEN_MODES)
        return NULL;
    o->memory = modes[index].memory;
    o->store = modes[index].store;
    o->wanted = modes[index].wanted;
    o->multiplicity = modes[index].multiplicity;
    return modes[index].name;
}

void eigen_run_open(eigen_run *x, int32_t element, int64_t n, const double *values,
                    const absa_eigen_options *o)
{
    memset(x, 0, sizeof *x);
    absa_context_create(NULL, &x->ctx);
    x->h = (diagonal_host){.n = n, .element = element, .values = values};
    x->op = diagonal_operator(x->ctx, &x->h, &x->space);
    absa_eigen_result_init(&x->r, sizeof x->r);
    cr_assert_eq(absa_eigen_create(x->ctx, &x->space, o, &x->e), ABSA_OK, "%s",
                 absa_context_message(x->ctx));
}

void eigen_run_go(eigen_run *x, const absa_eigen_args *args)
{
    const int64_t before = x->h.calls;
    cr_assert_eq(absa_eigen_run(x->e, x->op, args, &x->r), ABSA_OK, "%s",
                 absa_context_message(x->ctx));
    cr_assert_eq(x->r.products, x->h.calls - before, "every product is counted");
    cr_assert_leq(x->r.pairs, EIGEN_RUN_PAIRS);
    for (int64_t i = 0; i < x->r.pairs; i++) {
        absa_pair_init(&x->pair[i], sizeof x->pair[i]);
        cr_assert_eq(absa_eigen_pair(x->e, i, &x->pair[i]), ABSA_OK);
    }
}

void eigen_run_close(eigen_run *x)
{
    absa_eigen_destroy(&x->e);
    absa_operator_destroy(&x->op);
    absa_context_destroy(&x->ctx);
}

double eigen_run_residual(eigen_run *x, int64_t i, double *norm)
{
    const int64_t n = x->h.n;
    const int wide = x->h.element == ABSA_ELEMENT_F64;
    void *u = calloc((size_t)n, sizeof(double));
    double residual = 0.0, square = 0.0;
    cr_assert_eq(absa_eigen_pair_vector(x->e, i, u), ABSA_OK, "%s", absa_context_message(x->ctx));
    for (int64_t k = 0; k < n; k++) {
        const double e = wide ? ((double *)u)[k] : (double)((float *)u)[k];
        const double d = (x->h.values[k] - x->pair[i].value) * e;
        residual += d * d;
        square += e * e;
    }
    free(u);
    if (norm)
        *norm = sqrt(square);
    return sqrt(residual);
}
