/* What a product in some of the parameters costs beside a gradient over the same rows. Each row
 * alternates, several times, gradients with products of one block, and prints medians and quarters
 * of the products' times over the gradients', which are the peer. The probe is kept whole, as a run
 * of many products at one point keeps it. The limit of a block is the share of the gradient's work
 * that lies in its layers and behind them. */
#include <absa/block.h>
#include <absa/random.h>
#include <absa/refnet.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Present where BLAS is OpenBLAS. */
extern void openblas_set_num_threads(int threads) __attribute__((weak));

enum { ROWS = 256, REPEATS = 9 };

typedef struct bench {
    absa_context *ctx;
    absa_refnet *net;
    int64_t n;
    float *theta, *x, *gradient, *v, *hv;
    int32_t labels[ROWS];
} bench;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void need(const bench *b, absa_status status)
{
    if (!status)
        return;
    fprintf(stderr, "%s\n", absa_context_message(b->ctx));
    exit(1);
}

static float *floats(int64_t count)
{
    float *out = malloc((size_t)count * sizeof *out);
    if (!out)
        exit(1);
    absa_random_gaussian_f32(1, (uint64_t)count, 0, count, out);
    return out;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double gradient_time(bench *b)
{
    const double start = now();
    need(b, absa_refnet_gradient(b->net, b->theta, b->x, b->labels, ROWS, b->gradient, NULL));
    return now() - start;
}

static double product_time(bench *b, absa_refnet_block *block, int gauss_newton)
{
    const double start = now();
    need(b, gauss_newton ? absa_refnet_block_gnvp(block, b->v, b->hv)
                         : absa_refnet_block_hvp(block, b->v, b->hv));
    return now() - start;
}

static void row(bench *b, const char *model, const char *text)
{
    absa_block *selection;
    absa_refnet_block *block;
    double ratios[2][REPEATS];
    need(b, absa_refnet_layout(b->net, &selection));
    need(b, absa_block_select(selection, text));
    need(b, absa_refnet_block_create(b->net, selection, &block));
    product_time(b, block, 0);
    for (int r = 0; r < REPEATS; r++) {
        const double unit = gradient_time(b);
        ratios[0][r] = product_time(b, block, 0) / unit;
        ratios[1][r] = product_time(b, block, 1) / unit;
    }
    for (int k = 0; k < 2; k++) {
        double *v = ratios[k];
        qsort(v, REPEATS, sizeof *v, ascending);
        printf("  %-8s %-8s %-13s %6lld of %lld  %5.3f  [%.3f, %.3f]\n", model, text,
               k ? "Gauss-Newton" : "Hessian", (long long)absa_block_count(selection),
               (long long)b->n, v[REPEATS / 2], v[REPEATS / 4], v[REPEATS - 1 - REPEATS / 4]);
        printf(
            "  {\"bench\": \"blocks\", \"model\": \"%s\", \"block\": \"%s\", \"matrix\": \"%s\", "
            "\"ratio\": %.4f}\n",
            model, text, k ? "gauss-newton" : "hessian", v[REPEATS / 2]);
    }
    absa_refnet_block_destroy(&block);
    absa_block_destroy(&selection);
}

static void model(absa_context *ctx, const char *name, int64_t side)
{
    static const char *const texts[] = {"last:1", "last:2", "share:0.5", "conv1.*", "full"};
    bench b = {.ctx = ctx};
    absa_refnet_options o;
    absa_refnet_options_init(&o, sizeof o);
    o.name = name;
    o.channels = 3;
    o.height = o.width = side;
    o.outputs = 10;
    o.probe_rows = ROWS;
    need(&b, absa_refnet_create(ctx, &o, &b.net));
    b.n = absa_refnet_parameter_count(b.net);
    b.theta = floats(b.n);
    b.gradient = floats(b.n);
    b.v = floats(b.n);
    b.hv = floats(b.n);
    b.x = floats(ROWS * 3 * side * side);
    for (int i = 0; i < ROWS; i++)
        b.labels[i] = i % 10;
    need(&b, absa_refnet_init_parameters(b.net, 1, b.theta));
    need(&b, absa_refnet_set_mode(b.net, ABSA_REFNET_EVALUATE));
    need(&b, absa_refnet_probe(b.net, b.theta, b.x, b.labels, ROWS, NULL));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        row(&b, name, texts[i]);
    absa_refnet_destroy(&b.net);
    free(b.theta);
    free(b.gradient);
    free(b.v);
    free(b.hv);
    free(b.x);
}

int main(void)
{
    absa_context *ctx;
    if (absa_context_create(NULL, &ctx) != ABSA_OK)
        return 1;
    if (openblas_set_num_threads)
        openblas_set_num_threads(1);
    printf("products of blocks over gradients, %d rows, one thread\n", ROWS);
    printf("  model    block    matrix        parameters        ratio  quarters\n");
    model(ctx, "resnet8", 32);
    model(ctx, "lenet", 32);
    absa_context_destroy(&ctx);
    return 0;
}
