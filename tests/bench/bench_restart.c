/* What a restarted basis costs in products, over spectra from easy to hard: CERTIFIED runs with 4
 * to 24 vectors, as multiples of what the whole basis takes. The product is a diagonal; nothing is
 * timed, so the table is the same on every machine but for rounding. A ! marks runs that 1000
 * products did not end. */
#include <absa/eigen.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 10000, SEEDS = 5, SPECTRA = 7, SIZES = 9 };

static const char *const names[SPECTRA] = {"outliers",   "3 % gap",   "1 % cluster", "indefinite",
                                           "semicircle", "power law", "log-uniform"};
static const int64_t sizes[SIZES] = {0, 4, 5, 6, 8, 10, 12, 16, 24};

/* The x where a semicircle on [-1, 1] has the part t of its area to the left. */
static double semicircle(double t)
{
    const double pi = acos(-1.0);
    double low = -1.0, high = 1.0;
    for (int k = 0; k < 60; k++) {
        const double x = 0.5 * (low + high);
        if (0.5 + (x * sqrt(1.0 - x * x) + asin(x)) / pi < t)
            low = x;
        else
            high = x;
    }
    return 0.5 * (low + high);
}

static void fill(int spectrum, double *v)
{
    const double edge = spectrum == 1 || spectrum == 2 ? 0.6 : 0.3;
    for (int i = 0; i < N; i++) {
        const double t = (i + 0.5) / N;
        v[i] = spectrum == 4   ? semicircle(t)
               : spectrum == 5 ? 1.0 / (i + 1.0)
               : spectrum == 6 ? pow(10.0, -6.0 * t)
                               : edge * cos(i * 0.01);
    }
    static const double outer[4][3] = {
        {1.0, 0.8, -0.7}, {1.0, 0.97, 0.6}, {1.0, 0.995, 0.99}, {1.0, -0.98, 0.3}};
    for (int i = 0; spectrum < 4 && i < 3; i++)
        v[3 + i] = outer[spectrum][i];
}

static int product(void *user, const void *x, void *y, int64_t *samples)
{
    const double *v = user, *from = x;
    double *to = y;
    (void)samples;
    for (int i = 0; i < N; i++)
        to[i] = v[i] * from[i];
    return 0;
}

/* Products of all seeds; *open counts runs that did not converge. */
static int64_t count(double *v, int64_t vectors, double tolerance, int64_t wanted, int *open)
{
    int64_t sum = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        absa_context *ctx;
        absa_space space;
        absa_operator *op;
        absa_eigen *e;
        absa_eigen_options o;
        absa_eigen_result r;
        absa_eigen_options_init(&o, sizeof o);
        absa_eigen_result_init(&r, sizeof r);
        o.rule = ABSA_RULE_CERTIFIED;
        o.memory = vectors ? ABSA_MEMORY_RESTART : ABSA_MEMORY_BASIS;
        o.max_vectors = vectors;
        o.max_products = vectors ? 1000 : 400;
        o.tolerance = tolerance;
        o.wanted = wanted;
        o.seed = seed;
        absa_space_host(&space, sizeof space, ABSA_ELEMENT_F64, N);
        if (absa_context_create(NULL, &ctx) ||
            absa_operator_from_hvp(ctx, &space, product, v, NULL, &op) ||
            absa_eigen_create(ctx, &space, &o, &e) || absa_eigen_run(e, op, NULL, &r)) {
            fprintf(stderr, "bench_restart: %s\n", absa_context_message(ctx));
            exit(1);
        }
        sum += r.products;
        *open += !r.converged;
        absa_eigen_destroy(&e);
        absa_operator_destroy(&op);
        absa_context_destroy(&ctx);
    }
    return sum;
}

static void table(double tolerance, int64_t wanted)
{
    static double v[N];
    printf("\nwanted %d, tolerance %g\n%-12s%10s", (int)wanted, tolerance, "", "all");
    for (int k = 1; k < SIZES; k++)
        printf("%8d", (int)sizes[k]);
    puts("  vectors");
    for (int s = 0; s < SPECTRA; s++) {
        double all = 0.0;
        fill(s, v);
        printf("%-12s", names[s]);
        for (int k = 0; k < SIZES; k++) {
            int open = 0;
            if (wanted > 1 && sizes[k] > 0 && sizes[k] < wanted + 3) {
                printf("%8s", "-");
                continue;
            }
            const double products = (double)count(v, sizes[k], tolerance, wanted, &open) / SEEDS;
            if (k == 0)
                printf("%10.1f", all = products);
            else
                printf("%7.2f%s", products / all, open ? "!" : " ");
        }
        puts("");
    }
}

int main(void)
{
    puts("Products of CERTIFIED with a restarted basis, beside the whole one");
    table(1e-2, 1);
    table(1e-3, 1);
    table(1e-2, 4);
    return 0;
}
