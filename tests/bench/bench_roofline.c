/* How near the estimator's own work comes to the memory's speed. Timed is what happens between two
 * products, absa_eigen_put() as a whole, in single precision, one thread. A step with three vectors
 * must move 28 n bytes (three vectors read for the sums, three read and one written for the next
 * vector), step j with the basis 4 n (2 j + 3). The roof is measured in turn with it: a loop that
 * reads three arrays and writes one. The ratio is the bytes that must move over the time, beside
 * the roof's; the target is 0.7. Both times are the thread's own, without what other programs take
 * of the processor. Usage: bench_roofline [LARGEST-N [SMALLEST-N]] */
#include <absa/eigen.h>
#include <absa/random.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { REPEATS = 7 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static float *array(int64_t n)
{
    float *v = malloc((size_t)n * sizeof *v);
    if (!v)
        exit(1);
    absa_random_gaussian_f32(1, 0, 0, n, v);
    return v;
}

static void roof_loop(int64_t n, float s, const float *restrict a, const float *restrict b,
                      const float *restrict c, float *restrict d)
{
    for (int64_t i = 0; i < n; i++)
        d[i] = a[i] + s * (b[i] + c[i]);
}

static void product(int64_t n, const float *restrict d, const float *restrict x, float *restrict y)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = d[i] * x[i];
}

static void check(absa_context *ctx, absa_status status)
{
    if (!status)
        return;
    fprintf(stderr, "%s\n", absa_context_message(ctx));
    exit(1);
}

/* Bytes per second of the steps of one run. */
static double speed(absa_context *ctx, absa_eigen *eigen, int64_t n, const float *d, int basis)
{
    const void *x;
    void *y;
    double time = 0.0, bytes = 0.0;
    check(ctx, absa_eigen_start(eigen, NULL));
    for (int64_t j = 1;; j++) {
        check(ctx, absa_eigen_next(eigen, &x, &y));
        if (!x)
            break;
        product(n, d, x, y);
        const double start = now();
        check(ctx, absa_eigen_put(eigen));
        /* The first steps with three vectors have one fewer to read. */
        if (j > 1) {
            time += now() - start;
            bytes += basis ? 4.0 * (double)n * (2.0 * (double)j + 3.0) : 28.0 * (double)n;
        }
    }
    return bytes / time;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void row(absa_context *ctx, int64_t n, int basis, int64_t products)
{
    float *arrays[4], *d = array(n);
    double ratio[REPEATS], roof[REPEATS];
    absa_space space;
    absa_eigen *eigen;
    absa_eigen_options o;
    absa_eigen_options_init(&o, sizeof o);
    o.rule = ABSA_RULE_FIXED;
    o.max_products = products;
    o.memory = basis ? ABSA_MEMORY_BASIS : ABSA_MEMORY_VALUE;
    absa_space_host(&space, sizeof space, ABSA_ELEMENT_F32, n);
    check(ctx, absa_eigen_create(ctx, &space, &o, &eigen));
    for (int i = 0; i < 4; i++)
        arrays[i] = array(n);
    (void)speed(ctx, eigen, n, d, basis);
    const int loops = n < 1000000 ? 200 : 3;
    for (int r = 0; r < REPEATS; r++) {
        const double start = now();
        for (int k = 0; k < loops; k++)
            roof_loop(n, 0.5f, arrays[k % 4], arrays[(k + 1) % 4], arrays[(k + 2) % 4],
                      arrays[(k + 3) % 4]);
        roof[r] = 16.0 * (double)n * loops / (now() - start);
        ratio[r] = speed(ctx, eigen, n, d, basis) / roof[r];
    }
    qsort(ratio, REPEATS, sizeof *ratio, ascending);
    qsort(roof, REPEATS, sizeof *roof, ascending);
    printf("%-6s %10lld %9lld %9.1f GB/s %7.2f  [%.2f, %.2f]\n", basis ? "BASIS" : "VALUE",
           (long long)n, (long long)products, roof[REPEATS / 2] / 1e9, ratio[REPEATS / 2],
           ratio[REPEATS / 4], ratio[REPEATS - 1 - REPEATS / 4]);
    printf("  {\"bench\": \"roofline\", \"memory\": \"%s\", \"n\": %lld, \"roof\": %.2f, "
           "\"ratio\": %.3f}\n",
           basis ? "BASIS" : "VALUE", (long long)n, roof[REPEATS / 2] / 1e9, ratio[REPEATS / 2]);
    fflush(stdout);
    for (int i = 0; i < 4; i++)
        free(arrays[i]);
    free(d);
    absa_eigen_destroy(&eigen);
}

int main(int argc, char **argv)
{
    const int64_t largest = argc > 1 ? strtoll(argv[1], NULL, 10) : 100000000;
    const int64_t smallest = argc > 2 ? strtoll(argv[2], NULL, 10) : 100000;
    absa_context *ctx = NULL;
    if (smallest < 1 || absa_context_create(NULL, &ctx))
        return 1;
    printf("%-6s %10s %9s %14s %7s  [quartiles of %d]\n", "memory", "n", "products", "roof",
           "ratio", REPEATS);
    for (int64_t n = smallest; n <= largest; n *= 10)
        for (int basis = 0; basis < 2; basis++)
            row(ctx, n, basis, n >= 100000000 ? 6 : 20);
    absa_context_destroy(&ctx);
    return 0;
}
