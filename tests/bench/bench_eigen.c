/* The estimator against ARPACK, both by reverse communication or callback on the same operators.
 *
 * First the time that each spends outside the products, at one size and for as many products,
 * STEPS, where ARPACK fills its basis once and stops; the two sides alternate, and the ratio's
 * median and spread are printed. The limit of both is the memory's speed; bench_roofline measures
 * how near to it we are.
 *
 * Then the products to a tolerance on the spectra of support/spectra.h and on the exact Hessian of
 * a trained lenet, over several starts, and how far from the truth each side's answer is. RESIDUAL
 * is ARPACK's own criterion, with as many vectors; only CHECKED and CERTIFIED say anything about
 * what was missed. Usage: bench_eigen [time [N] | products] */
#include <absa/eigen.h>
#include <absa/random.h>

#include <arpack.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/problems.h"
#include "support/spectra.h"

enum { STEPS = 20, REPEATS = 5, STARTS = 5, SPECTRUM_SIZE = 100000, MOST_PRODUCTS = 1000 };

/* An operator that counts its products and their time, and memory for ARPACK. */
typedef struct work {
    int64_t n;
    int32_t element;
    const void *diagonal; /* or, where NULL, net */
    absa_refnet *net;
    int64_t products;
    double inside, begun, to_first; /* to_first: from begun to the first product */
    void *memory;
    double truth;
    const char *name;
} work;

typedef struct answer {
    double value, upper, outside, start; /* start: of outside, what making a start vector takes */
    int64_t products;
    int converged;
} answer;

static double now(void)
{
    struct timespec t;
    /* The processor's own time: other work on the machine is not measured along. */
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double begin(work *w)
{
    w->to_first = -1.0;
    return w->begun = now();
}

static int product(void *user, const void *x, void *y, int64_t *samples)
{
    work *w = user;
    const double start = now();
    w->products++;
    if (w->to_first < 0.0)
        w->to_first = start - w->begun;
    if (!w->diagonal) {
        if (absa_refnet_hvp(w->net, x, y))
            return 1;
    } else if (w->element == ABSA_ELEMENT_F32) {
        const float *restrict d = w->diagonal, *restrict in = x;
        float *restrict out = y;
        for (int64_t i = 0; i < w->n; i++)
            out[i] = d[i] * in[i];
    } else {
        const double *restrict d = w->diagonal, *restrict in = x;
        double *restrict out = y;
        for (int64_t i = 0; i < w->n; i++)
            out[i] = d[i] * in[i];
    }
    if (samples)
        *samples = 1;
    w->inside += now() - start;
    return 0;
}

#define REAL       float
#define SAUPD      ssaupd_c
#define SEUPD      sseupd_c
#define ARPACK_RUN arpack_f32
#include "arpack_real.h"
#undef REAL
#undef SAUPD
#undef SEUPD
#undef ARPACK_RUN

#define REAL       double
#define SAUPD      dsaupd_c
#define SEUPD      dseupd_c
#define ARPACK_RUN arpack_f64
#include "arpack_real.h"

static answer arpack(work *w, int ncv, double tol)
{
    return w->element == ABSA_ELEMENT_F32 ? arpack_f32(w, ncv, tol) : arpack_f64(w, ncv, tol);
}

static void *take(int64_t count, size_t size)
{
    void *out = calloc((size_t)count, size);
    if (!out) {
        fprintf(stderr, "not enough memory for %lld elements\n", (long long)count);
        exit(1);
    }
    return out;
}

static size_t size_of(const work *w)
{
    return w->element == ABSA_ELEMENT_F32 ? sizeof(float) : sizeof(double);
}

static void take_memory(work *w, int ncv)
{
    w->memory = take((4 + ncv) * w->n + ncv * (ncv + 8), size_of(w));
}

static void need(absa_context *ctx, absa_status status)
{
    if (status) {
        fprintf(stderr, "%s\n", absa_context_message(ctx));
        exit(1);
    }
}

/* An estimator and its operator on a work. */
typedef struct ours {
    absa_context *ctx;
    absa_operator *op;
    absa_eigen *eigen;
} ours;

static ours open_ours(work *w, int32_t rule, int32_t memory, int64_t vectors, double tol)
{
    ours o = {0};
    absa_space space;
    absa_eigen_options options;
    absa_space_host(&space, sizeof space, w->element, w->n);
    absa_eigen_options_init(&options, sizeof options);
    options.rule = rule;
    options.memory = memory;
    options.tolerance = tol;
    options.max_vectors = vectors;
    options.max_products = rule == ABSA_RULE_FIXED ? STEPS : MOST_PRODUCTS;
    need(NULL, absa_context_create(NULL, &o.ctx));
    need(o.ctx, absa_operator_from_hvp(o.ctx, &space, product, w, NULL, &o.op));
    need(o.ctx, absa_eigen_create(o.ctx, &space, &options, &o.eigen));
    return o;
}

static void close_ours(ours *o)
{
    absa_eigen_destroy(&o->eigen);
    absa_operator_destroy(&o->op);
    absa_context_destroy(&o->ctx);
}

static answer run_ours(work *w, ours *o)
{
    absa_eigen_result r;
    absa_eigen_result_init(&r, sizeof r);
    const double before = w->inside, start = begin(w);
    need(o->ctx, absa_eigen_run(o->eigen, o->op, NULL, &r));
    const double outside = now() - start - (w->inside - before);
    return (answer){r.value, r.upper, outside, w->to_first, r.products, r.converged};
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Whole runs, or the steps alone: without making the start vector, on both sides. */
static void print_ratio(const work *w, const char *mode, const answer *us, const answer *peer,
                        int steps)
{
    double ratio[REPEATS], seconds[REPEATS];
    for (int k = 0; k < REPEATS; k++) {
        seconds[k] = us[k].outside - (steps ? us[k].start : 0.0);
        ratio[k] = (peer[k].outside - (steps ? peer[k].start : 0.0)) / seconds[k];
    }
    qsort(seconds, REPEATS, sizeof *seconds, ascending);
    qsort(ratio, REPEATS, sizeof *ratio, ascending);
    const char *type = w->element == ABSA_ELEMENT_F32 ? "f32" : "f64";
    const char *what = steps ? "steps" : "run";
    printf("  %s %-6s %-6s %6.2f  [%.2f, %.2f]\n", type, mode, what, ratio[REPEATS / 2], ratio[0],
           ratio[REPEATS - 1]);
    printf("  {\"bench\": \"eigen\", \"n\": %lld, \"type\": \"%s\", \"memory\": \"%s\", "
           "\"what\": \"%s\", \"arpack_over_ours\": [%.3f, %.3f, %.3f], \"seconds\": %.4f}\n",
           (long long)w->n, type, mode, what, ratio[0], ratio[REPEATS / 2], ratio[REPEATS - 1],
           seconds[REPEATS / 2]);
}

static void compare_time(int32_t element, int64_t n)
{
    work w = {.n = n, .element = element};
    double *values = take(n, sizeof *values);
    answer got[3][REPEATS];
    make_spectrum(SPECTRUM_OUTLIERS, n, values);
    float *narrow = (float *)(void *)values;
    for (int64_t i = 0; i < n && element == ABSA_ELEMENT_F32; i++) {
        const float value = (float)values[i];
        memcpy(narrow + i, &value, sizeof value);
    }
    w.diagonal = values;
    take_memory(&w, STEPS);
    ours value = open_ours(&w, ABSA_RULE_FIXED, ABSA_MEMORY_VALUE, 3, 1e-2);
    ours basis = open_ours(&w, ABSA_RULE_FIXED, ABSA_MEMORY_BASIS, STEPS + 1, 1e-2);
    for (int k = -1; k < REPEATS; k++) {
        /* Loose: the first basis is enough, so there is no restart in its time. */
        const answer a = arpack(&w, STEPS, 0.1);
        const answer b = run_ours(&w, &value), c = run_ours(&w, &basis);
        /* ARPACK spends one product on its start vector. */
        if (a.products != STEPS + 1 || b.products != STEPS || c.products != STEPS) {
            fprintf(stderr, "%lld, %lld and %lld products\n", (long long)a.products,
                    (long long)b.products, (long long)c.products);
            exit(1);
        }
        if (k < 0)
            continue;
        got[0][k] = a;
        got[1][k] = b;
        got[2][k] = c;
    }
    for (int side = 1; side < 3; side++)
        for (int steps = 0; steps < 2; steps++)
            print_ratio(&w, side == 1 ? "VALUE" : "BASIS", got[side], got[0], steps);
    close_ours(&value);
    close_ours(&basis);
    free(w.memory);
    free(values);
}

typedef struct method {
    const char *name;
    int32_t rule, memory;
    int64_t vectors;
} method;

/* ARPACK first; then its criterion with as many vectors, with eight, with three; then what it
 * lacks.
 */
static const method methods[] = {
    {"ARPACK", 0, 0, STEPS},
    {"RESIDUAL, 20", ABSA_RULE_RESIDUAL, ABSA_MEMORY_RESTART, STEPS},
    {"RESIDUAL, 8", ABSA_RULE_RESIDUAL, ABSA_MEMORY_RESTART, 8},
    {"RESIDUAL, 3", ABSA_RULE_RESIDUAL, ABSA_MEMORY_VALUE, 3},
    {"CHECKED, 20", ABSA_RULE_CHECKED, ABSA_MEMORY_RESTART, STEPS},
    {"CERTIFIED, 20", ABSA_RULE_CERTIFIED, ABSA_MEMORY_RESTART, STEPS},
};

enum { METHODS = sizeof methods / sizeof methods[0] };

static void compare_method(work *w, const method *m, double tol)
{
    double products[STARTS], outside[STARTS], worst = 0.0;
    int converged = 1, missed = 0;
    ours o = {0};
    if (m->memory)
        o = open_ours(w, m->rule, m->memory, m->vectors, tol);
    for (int k = 0; k < STARTS; k++) {
        const answer a = m->memory ? run_ours(w, &o) : arpack(w, (int)m->vectors, tol);
        products[k] = (double)a.products;
        outside[k] = a.outside;
        worst = fmax(worst, fabs(a.value - w->truth) / fabs(w->truth));
        converged = converged && a.converged;
        missed += a.upper < w->truth;
    }
    if (m->memory)
        close_ours(&o);
    qsort(products, STARTS, sizeof *products, ascending);
    qsort(outside, STARTS, sizeof *outside, ascending);
    printf("  %-14s %8.0f  %4.0f..%-4.0f %10.1e %10.1f%s\n", m->name, products[STARTS / 2],
           products[0], products[STARTS - 1], worst, 1e3 * outside[STARTS / 2],
           !converged ? "  not converged"
           : missed   ? "  missed"
                      : "");
    printf("  {\"bench\": \"eigen\", \"problem\": \"%s\", \"n\": %lld, \"tolerance\": %g, "
           "\"method\": \"%s\", \"products\": [%g, %g, %g], \"worst_error\": %.3g, "
           "\"outside_ms\": %.3f, \"converged\": %d, \"bounds_missed\": %d}\n",
           w->name, (long long)w->n, tol, m->name, products[0], products[STARTS / 2],
           products[STARTS - 1], worst, 1e3 * outside[STARTS / 2], converged, missed);
}

static void compare_products(work *w)
{
    static const double tolerances[] = {1e-2, 1e-4};
    for (int t = 0; t < 2; t++) {
        printf("\n%s, n = %lld, tolerance %g\n  %-14s %8s  %10s %10s %10s\n", w->name,
               (long long)w->n, tolerances[t], "", "products", "of 5", "error", "ms outside");
        for (int m = 0; m < METHODS; m++)
            compare_method(w, &methods[m], tolerances[t]);
    }
}

static void spectra(void)
{
    double *values = take(SPECTRUM_SIZE, sizeof *values);
    work w = {.n = SPECTRUM_SIZE, .element = ABSA_ELEMENT_F64, .diagonal = values, .truth = 1.0};
    take_memory(&w, STEPS);
    for (int s = 0; s < SPECTRUM_COUNT; s++) {
        make_spectrum(s, w.n, values);
        w.name = spectrum_name(s);
        compare_products(&w);
    }
    free(w.memory);
    free(values);
}

static void hessian(void)
{
    static const recipe lenet = {.name = "lenet",
                                 .activation = ABSA_REFNET_RELU,
                                 .size = 16,
                                 .rows = 2048,
                                 .probe_rows = 64,
                                 .lr = 0.02};
    problem p;
    problem_open(&p, &lenet);
    problem_train(&p, 1);
    problem_probe(&p);
    work w = {.n = p.n, .element = ABSA_ELEMENT_F64, .net = p.exact, .name = "lenet, 1 epoch"};
    take_memory(&w, 60);
    /* The truth from the other side: ARPACK to the last digits, with many vectors. */
    w.truth = arpack(&w, 60, 1e-13).value;
    compare_products(&w);
    free(w.memory);
    problem_close(&p);
}

static void times(int64_t n)
{
    const char *threads = getenv("OPENBLAS_NUM_THREADS");
    printf("ARPACK's time outside %d products over ours, n = %lld, OPENBLAS_NUM_THREADS=%s: median "
           "[least, most] of %d\n",
           STEPS, (long long)n, threads ? threads : "unset", REPEATS);
    compare_time(ABSA_ELEMENT_F32, n);
    compare_time(ABSA_ELEMENT_F64, n);
}

int main(int argc, char **argv)
{
    const char *part = argc > 1 ? argv[1] : "both";
    if (strcmp(part, "products") != 0)
        times(argc > 2 ? atoll(argv[2]) : 10000000);
    if (strcmp(part, "time") == 0)
        return 0;
    printf("\nProducts to a tolerance, the largest error of the value, milliseconds outside the "
           "products; median of %d starts\n",
           STARTS);
    spectra();
    hessian();
    return 0;
}
