/* The reference network by itself: what a Hessian and a Gauss-Newton product cost in gradients, and
 * how much of the speed of large matrix products in our BLAS, measured in the same run, a gradient
 * reaches (counting multiplications of matrix products alone). The three take turns; figures are
 * medians. peers_refnet.py measures the same against PyTorch. */
#include <absa/random.h>
#include <absa/refnet.h>

#ifdef ABSA_USE_CBLAS
#include <cblas.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TURNS = 5, ORDER = 1024 };

/* Multiplications of a row's forward pass, and those of the layer that reads the input, for which
 * no gradient goes on. */
static const struct {
    const char *name;
    int64_t channels, side;
    double macs, first;
} networks[] = {
    {"mlp", 1, 28, 784 * 256 + 256 * 128 + 128 * 10, 784 * 256},
    {"lenet", 1, 28, 784 * 6 * 25 + 100 * 16 * 150 + 400 * 120 + 120 * 84 + 84 * 10, 784 * 6 * 25},
    {"resnet8", 3, 32,
     1024 * 16 * 27 + 1024 * 2 * 16 * 144 + 256 * 32 * (16 + 144 + 288) +
         64 * 64 * (32 + 288 + 576) + 64 * 10,
     1024 * 16 * 27},
};

typedef struct host {
    absa_refnet *net;
    float *theta, *v, *x, *out;
    int32_t *labels;
    int64_t rows;
} host;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v)
{
    qsort(v, TURNS, sizeof *v, ascending);
    return v[TURNS / 2];
}

/* Flops a second of one thread. */
static double peak(void)
{
    double best = 0;
#ifdef ABSA_USE_CBLAS
    float *m = calloc(3 * ORDER * ORDER, sizeof *m);
    for (int turn = 0; m && turn <= TURNS; turn++) {
        const double begin = now();
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, ORDER, ORDER, ORDER, 1, m, ORDER,
                    m + ORDER * ORDER, ORDER, 1, m + 2 * ORDER * ORDER, ORDER);
        const double speed = 2.0 * ORDER * ORDER * ORDER / (now() - begin);
        best = speed > best ? speed : best;
    }
    free(m);
#endif
    return best;
}

static absa_status work(host *h, int kind)
{
    if (kind == 0)
        return absa_refnet_gradient(h->net, h->theta, h->x, h->labels, h->rows, h->out, NULL);
    return kind == 1 ? absa_refnet_hvp(h->net, h->v, h->out)
                     : absa_refnet_gnvp(h->net, h->v, h->out);
}

static absa_status measure(host *h, double seconds[3])
{
    double times[3][TURNS];
    absa_status status = ABSA_OK;
    for (int turn = -1; turn < TURNS && !status; turn++)
        for (int kind = 0; kind < 3 && !status; kind++) {
            const double begin = now();
            status = work(h, kind);
            times[kind][turn < 0 ? 0 : turn] = now() - begin;
        }
    for (int kind = 0; kind < 3 && !status; kind++)
        seconds[kind] = median(times[kind]);
    return status;
}

static absa_status line(absa_context *ctx, size_t which, int64_t rows, int64_t threads)
{
    absa_refnet_options o;
    int64_t bytes = 0;
    double seconds[3] = {1, 1, 1};
    host h = {.rows = rows};
    absa_refnet_options_init(&o, sizeof o);
    o.name = networks[which].name;
    o.channels = networks[which].channels;
    o.height = o.width = networks[which].side;
    o.outputs = 10;
    o.probe_rows = rows;
    o.threads = threads;
    absa_status status = absa_refnet_workspace(ctx, &o, &bytes);
    if (!status)
        status = absa_refnet_create(ctx, &o, &h.net);
    const int64_t n = absa_refnet_parameter_count(h.net);
    const int64_t inputs = absa_refnet_input_count(h.net) * rows;
    h.theta = calloc((size_t)n + 1, sizeof *h.theta);
    h.v = calloc((size_t)n + 1, sizeof *h.v);
    h.out = calloc((size_t)n + 1, sizeof *h.out);
    h.x = calloc((size_t)inputs + 1, sizeof *h.x);
    h.labels = calloc((size_t)rows, sizeof *h.labels);
    if (!status && (!h.theta || !h.v || !h.out || !h.x || !h.labels))
        status = ABSA_E_MEMORY;
    if (!status)
        status = absa_refnet_init_parameters(h.net, 1, h.theta);
    if (!status) {
        absa_random_gaussian_f32(1, 1 << 20, 0, n, h.v);
        absa_random_gaussian_f32(2, 1 << 20, 0, inputs, h.x);
        status = absa_refnet_probe(h.net, h.theta, h.x, h.labels, rows, NULL);
    }
    if (!status)
        status = measure(&h, seconds);
    const double flops = 2 * (double)rows * (3 * networks[which].macs - networks[which].first);
    const double top = peak() * (double)threads;
    const double hvp = seconds[1] / seconds[0], gnvp = seconds[2] / seconds[0];
    const double share = top > 0 ? flops / seconds[0] / top : 0;
    if (!status)
        printf("%-8s %5lld %7lld %13.2f %13.2f %13.2f %12.1f\n"
               "  {\"bench\": \"refnet\", \"network\": \"%s\", \"batch\": %lld, \"threads\": %lld, "
               "\"hvp\": %.3f, \"gnvp\": %.3f, \"share\": %.3f, \"bytes\": %lld}\n",
               networks[which].name, (long long)rows, (long long)threads, hvp, gnvp, share,
               (double)bytes * 1e-6, networks[which].name, (long long)rows, (long long)threads, hvp,
               gnvp, share, (long long)bytes);
    free(h.theta);
    free(h.v);
    free(h.out);
    free(h.x);
    free(h.labels);
    absa_refnet_destroy(&h.net);
    return status;
}

int main(void)
{
    static const int64_t batches[] = {64, 256, 1024};
    absa_context *ctx;
    absa_status status = absa_context_create(NULL, &ctx);
    printf("network  batch threads  hvp/gradient gnvp/gradient share of peak workspace/MB\n");
    for (int64_t threads = 1; threads <= 2 && !status; threads++)
        for (size_t k = 0; k < sizeof networks / sizeof *networks && !status; k++)
            for (int b = 0; b < 3 && !status; b++)
                status = line(ctx, k, batches[b], threads);
    if (status)
        fprintf(stderr, "%s\n", absa_context_message(ctx));
    absa_context_destroy(&ctx);
    return status != ABSA_OK;
}
