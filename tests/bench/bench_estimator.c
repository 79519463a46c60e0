/* What the estimator costs beside the products it asks for. Each row alternates, several times,
 * runs of the library with bare loops of the same products and with a power iteration written by
 * hand on CBLAS (the peer, which proves nothing), all of PRODUCTS products, and prints medians and
 * spreads of the ratios to the bare products. The product, y = d x element by element, moves three
 * vectors, so the memory's speed is the limit of everything here; a real Hessian-vector product
 * costs far more per element. The copy's speed in the same run is printed for that reason. */
#include <absa/eigen.h>
#include <absa/random.h>

#ifdef ABSA_USE_CBLAS
#include <cblas.h>
#endif
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PRODUCTS = 20, REPEATS = 9 };

typedef struct host {
    int64_t n;
    float *d;
} host;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int product(void *user, const void *v, void *hv, int64_t *samples)
{
    const host *h = user;
    const float *restrict x = v;
    float *restrict y = hv;
    (void)samples;
    for (int64_t i = 0; i < h->n; i++)
        y[i] = h->d[i] * x[i];
    return 0;
}

static double bare(host *h, float *x, float *y)
{
    const double start = now();
    for (int k = 0; k < PRODUCTS; k++)
        product(h, k % 2 ? y : x, k % 2 ? x : y, NULL);
    return now() - start;
}

static double by_hand(host *h, float *x, float *y)
{
    const double start = now();
    for (int k = 0; k < PRODUCTS; k++) {
        product(h, x, y, NULL);
#ifdef ABSA_USE_CBLAS
        const float norm = cblas_snrm2((int)h->n, y, 1);
        cblas_sscal((int)h->n, 1.0f / norm, y, 1);
#else
        double square = 0;
        for (int64_t i = 0; i < h->n; i++)
            square += (double)y[i] * y[i];
        for (int64_t i = 0; i < h->n; i++)
            y[i] = (float)(y[i] / sqrt(square));
#endif
        float *t = x;
        x = y;
        y = t;
    }
    return now() - start;
}

static double library(absa_eigen *eigen, absa_operator *op)
{
    absa_eigen_result r;
    absa_eigen_result_init(&r, sizeof r);
    const double start = now();
    if (absa_eigen_run(eigen, op, NULL, &r) != ABSA_OK || r.products != PRODUCTS)
        exit(1);
    return now() - start;
}

static double copy_speed(const host *h, float *x)
{
    const size_t bytes = (size_t)h->n * sizeof *x;
    const double start = now();
    for (int k = 0; k < PRODUCTS; k++)
        memcpy(x, h->d, bytes);
    return 2.0 * (double)bytes * PRODUCTS / (now() - start);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median, and the quarters around it. */
static void summarise(double *v, double out[3])
{
    qsort(v, REPEATS, sizeof *v, ascending);
    out[0] = v[REPEATS / 2];
    out[1] = v[REPEATS / 4];
    out[2] = v[REPEATS - 1 - REPEATS / 4];
}

static void row(absa_context *ctx, int64_t n)
{
    static const char *const names[] = {"VALUE", "BASIS", "power by hand"};
    host h = {n, malloc((size_t)n * sizeof(float))};
    float *x = malloc((size_t)n * sizeof *x), *y = malloc((size_t)n * sizeof *y);
    double ratios[3][REPEATS], speed[REPEATS], s[3];
    absa_space space;
    absa_operator *op = NULL;
    absa_eigen *eigens[2] = {NULL, NULL};
    if (!h.d || !x || !y)
        exit(1);
    absa_random_gaussian_f32(1, 0, 0, n, h.d);
    absa_random_gaussian_f32(1, 1, 0, n, x);
    absa_space_host(&space, sizeof space, ABSA_ELEMENT_F32, n);
    if (absa_operator_from_hvp(ctx, &space, product, &h, NULL, &op) != ABSA_OK)
        exit(1);
    for (int mode = 0; mode < 2; mode++) {
        absa_eigen_options o;
        absa_eigen_options_init(&o, sizeof o);
        o.rule = ABSA_RULE_FIXED;
        o.max_products = PRODUCTS;
        o.memory = mode ? ABSA_MEMORY_BASIS : ABSA_MEMORY_VALUE;
        o.max_vectors = PRODUCTS + 3;
        if (absa_eigen_create(ctx, &space, &o, &eigens[mode]) != ABSA_OK) {
            fprintf(stderr, "%s\n", absa_context_message(ctx));
            exit(1);
        }
        library(eigens[mode], op);
    }
    for (int r = 0; r < REPEATS; r++) {
        const double unit = bare(&h, x, y);
        absa_random_gaussian_f32(1, 1, 0, n, x);
        ratios[0][r] = library(eigens[0], op) / unit;
        ratios[1][r] = library(eigens[1], op) / unit;
        ratios[2][r] = by_hand(&h, x, y) / unit;
        speed[r] = copy_speed(&h, x) / 1e9;
    }
    summarise(speed, s);
    printf("n = %lld, copies at %.1f GB/s\n", (long long)n, s[0]);
    for (int i = 0; i < 3; i++) {
        summarise(ratios[i], s);
        printf("  %-14s %6.2f  [%.2f, %.2f]\n", names[i], s[0], s[1], s[2]);
        printf("  {\"bench\": \"estimator\", \"n\": %lld, \"what\": \"%s\", \"ratio\": %.3f, "
               "\"low\": %.3f, \"high\": %.3f}\n",
               (long long)n, names[i], s[0], s[1], s[2]);
    }
    absa_eigen_destroy(&eigens[0]);
    absa_eigen_destroy(&eigens[1]);
    absa_operator_destroy(&op);
    free(h.d);
    free(x);
    free(y);
}

int main(void)
{
    absa_context *ctx = NULL;
    if (absa_context_create(NULL, &ctx) != ABSA_OK)
        return 1;
    printf("time of %d products inside a run over the time of the products alone, f32: median "
           "[quartiles] of %d\n",
           PRODUCTS, REPEATS);
    row(ctx, 10000);
    row(ctx, 1000000);
    row(ctx, 10000000);
    absa_context_destroy(&ctx);
    return 0;
}
