/* A network whose batches are shared by threads: nothing is touched by two of them at once, and the
 * bits do not hang on which of them is faster. Several such networks work at the same time, each on
 * a context of its own. A plain program, for Criterion cannot run under ThreadSanitizer. */
#include <absa/random.h>
#include <absa/refnet.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 70, HOSTS = 3, RUNS = 5, INPUTS = 64 };

typedef struct answers {
    absa_status status;
    double loss;
    float *gradient, *input, *hv, *gv;
    double statistics[1024];
} answers;

static void keep(answers *a, absa_status status)
{
    if (a->status == ABSA_OK)
        a->status = status;
}

static void work_with(absa_refnet *net, answers *a)
{
    static const uint64_t seed = 5;
    const int64_t n = absa_refnet_parameter_count(net);
    float *theta = calloc((size_t)n, sizeof *theta), *v = calloc((size_t)n, sizeof *v);
    float *x = calloc(ROWS * INPUTS, sizeof *x);
    int32_t labels[ROWS];
    a->gradient = calloc((size_t)n, sizeof *a->gradient);
    a->hv = calloc((size_t)n, sizeof *a->hv);
    a->gv = calloc((size_t)n, sizeof *a->gv);
    a->input = calloc(ROWS * INPUTS, sizeof *a->input);
    for (int i = 0; i < ROWS; i++)
        labels[i] = i % 4;
    absa_random_gaussian_f32(seed, 1, 0, n, v);
    absa_random_gaussian_f32(seed, 2, 0, ROWS * INPUTS, x);
    keep(a, absa_refnet_init_parameters(net, seed, theta));
    keep(a, absa_refnet_gradient(net, theta, x, labels, ROWS, a->gradient, &a->loss));
    keep(a, absa_refnet_track(net, 0.5));
    keep(a, absa_refnet_read_statistics(net, a->statistics));
    keep(a, absa_refnet_input_gradient(net, theta, x, labels, ROWS, a->input, NULL));
    keep(a, absa_refnet_probe(net, theta, x, labels, ROWS, NULL));
    keep(a, absa_refnet_hvp(net, v, a->hv));
    keep(a, absa_refnet_gnvp(net, v, a->gv));
    free(theta);
    free(v);
    free(x);
}

/* A part of the probe is kept, the rest computed again. */
static void *host(void *user)
{
    answers *a = user;
    absa_context *ctx = NULL;
    absa_refnet *net = NULL;
    absa_refnet_options o;
    absa_refnet_options_init(&o, sizeof o);
    o.name = "resnet8";
    o.channels = 1;
    o.height = o.width = 8;
    o.outputs = 4;
    o.ghost_rows = 4;
    o.chunk_rows = 8;
    o.probe_rows = ROWS / 2;
    o.threads = 3;
    a->status = absa_context_create(NULL, &ctx);
    if (a->status == ABSA_OK)
        a->status = absa_refnet_create(ctx, &o, &net);
    if (a->status == ABSA_OK && absa_refnet_statistic_count(net) > 1024)
        a->status = ABSA_E_STATE;
    if (a->status == ABSA_OK)
        work_with(net, a);
    absa_refnet_destroy(&net);
    absa_context_destroy(&ctx);
    return NULL;
}

static int same(const answers *a, const answers *b, int64_t n)
{
    const size_t size = (size_t)n * sizeof(float);
    return a->status == ABSA_OK && b->status == ABSA_OK && a->loss == b->loss &&
           memcmp(a->gradient, b->gradient, size) == 0 && memcmp(a->hv, b->hv, size) == 0 &&
           memcmp(a->gv, b->gv, size) == 0 &&
           memcmp(a->input, b->input, ROWS * INPUTS * sizeof(float)) == 0 &&
           memcmp(a->statistics, b->statistics, sizeof a->statistics) == 0;
}

static void forget(answers *a)
{
    free(a->gradient);
    free(a->input);
    free(a->hv);
    free(a->gv);
    memset(a, 0, sizeof *a);
}

/* resnet8's parameters, so that the vectors can be compared without a network. */
static int64_t parameters(void)
{
    const int64_t first = 16 * 9 + 32, one = 2 * (16 * 16 * 9 + 32);
    const int64_t two = 16 * 32 + 64 + 16 * 32 * 9 + 64 + 32 * 32 * 9 + 64;
    const int64_t three = 32 * 64 + 128 + 32 * 64 * 9 + 128 + 64 * 64 * 9 + 128;
    return first + one + two + three + 64 * 4 + 4;
}

int main(void)
{
    static answers alone, all[HOSTS];
    pthread_t threads[HOSTS];
    int bad = 0;

    host(&alone);
    printf("TAP version 13\n1..%d\n", RUNS);
    for (int run = 0; run < RUNS; run++) {
        int good = 1;
        for (int t = 0; t < HOSTS; t++)
            if (pthread_create(&threads[t], NULL, host, &all[t]) != 0)
                return 1;
        for (int t = 0; t < HOSTS; t++) {
            pthread_join(threads[t], NULL);
            good &= same(&alone, &all[t], parameters());
            forget(&all[t]);
        }
        bad += !good;
        printf("%s %d - networks that share batches among threads give the bits of one\n",
               good ? "ok" : "not ok", run + 1);
    }
    forget(&alone);
    return bad > 0;
}
