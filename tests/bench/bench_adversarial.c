/* Perturbing F32 rows against a copy of the same bytes. FGSM reads x and g and writes out, 12 bytes
 * an element; the copy moves as many: it reads 6 and writes 6. Both sides alternate in one run; the
 * answer is the ratio of their speeds, its median and spread. The limit is memory bandwidth, so the
 * arrays are larger than any cache. */
#define _POSIX_C_SOURCE 200809L
#include <absa/adversarial.h>
#include <absa/random.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROWS = 4096, CHANNELS = 3, ROW = CHANNELS * 32 * 32, REPEATS = 15 };

static const size_t ELEMENTS = (size_t)ROWS * ROW;

static double now(void)
{
    struct timespec t;
    /* The processor's own time: other work on the machine is not measured along. */
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The other peer: the same three streams, with as little work between them as can be. */
static void add(const float *restrict x, const float *restrict g, float *restrict out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = x[i] + g[i];
}

typedef struct bench {
    float *x, *g, *out;
    double epsilon[CHANNELS], lo[CHANNELS], hi[CHANNELS];
} bench;

enum kind { SCALAR, CHANNEL, PIXEL, IN_PLACE, KINDS };

static const char *const names[KINDS] = {"scalar clip", "per-channel clip, NCHW",
                                         "per-channel clip, NHWC", "scalar clip, in place"};

static void perturb(bench *b, int kind)
{
    absa_perturb_options o;
    absa_perturb_options_init(&o, sizeof o);
    o.row_size = ROW;
    o.lo = 0.0;
    o.hi = 1.0;
    o.channels = CHANNELS;
    if (kind == CHANNEL || kind == PIXEL) {
        o.layout = kind == PIXEL ? ABSA_LAYOUT_CHANNELS_LAST : ABSA_LAYOUT_CHANNELS_FIRST;
        o.channel_epsilon = b->epsilon;
        o.channel_lo = b->lo;
        o.channel_hi = b->hi;
    }
    if (absa_perturb(&o, ROWS, b->x, b->g, kind == IN_PLACE ? b->x : b->out, NULL) != ABSA_OK)
        exit(EXIT_FAILURE);
}

/* Seconds of one pass. */
static double seconds(bench *b, int side, int kind)
{
    const double start = now();
    if (side == 0)
        perturb(b, kind);
    else if (side == 1)
        add(b->x, b->g, b->out, ELEMENTS);
    else
        memcpy(b->out, b->g, (ELEMENTS + ELEMENTS / 2) * sizeof(float));
    return now() - start;
}

static void measure(bench *b, int kind)
{
    double ratio[2][REPEATS], gbytes[REPEATS];
    for (int side = 0; side < 3; side++)
        (void)seconds(b, side, kind);
    for (int k = 0; k < REPEATS; k++) {
        const double ours = seconds(b, 0, kind);
        ratio[0][k] = seconds(b, 1, kind) / ours;
        ratio[1][k] = seconds(b, 2, kind) / ours;
        gbytes[k] = 12e-9 * (double)ELEMENTS / ours;
    }
    for (int peer = 0; peer < 2; peer++)
        qsort(ratio[peer], REPEATS, sizeof(double), by_value);
    qsort(gbytes, REPEATS, sizeof(double), by_value);
    printf("%-24s %6.2f  %.2f .. %.2f %8.2f  %.2f .. %.2f %9.1f\n", names[kind],
           ratio[0][REPEATS / 2], ratio[0][0], ratio[0][REPEATS - 1], ratio[1][REPEATS / 2],
           ratio[1][0], ratio[1][REPEATS - 1], gbytes[REPEATS / 2]);
    printf("{\"bench\": \"adversarial\", \"case\": \"%s\", \"rows\": %d, \"row_size\": %d, "
           "\"repeats\": %d, \"ratio_to_sum\": [%.4f, %.4f, %.4f], "
           "\"ratio_to_memcpy\": [%.4f, %.4f, %.4f], \"gigabytes_per_second\": %.3f}\n",
           names[kind], ROWS, ROW, REPEATS, ratio[0][0], ratio[0][REPEATS / 2],
           ratio[0][REPEATS - 1], ratio[1][0], ratio[1][REPEATS / 2], ratio[1][REPEATS - 1],
           gbytes[REPEATS / 2]);
}

int main(void)
{
    bench b = {.epsilon = {0.02, 0.03, 0.04}, .lo = {0.1, 0.0, 0.05}, .hi = {0.9, 1.0, 0.95}};
    b.x = malloc(ELEMENTS * sizeof(float));
    b.g = malloc((ELEMENTS + ELEMENTS / 2) * sizeof(float));
    b.out = malloc((ELEMENTS + ELEMENTS / 2) * sizeof(float));
    if (!b.x || !b.g || !b.out)
        return EXIT_FAILURE;
    double u[ROW];
    for (size_t i = 0; i < ELEMENTS + ELEMENTS / 2; i++) {
        if (i % ROW == 0)
            absa_random_uniform(1, 0, (int64_t)(i % (ROW * 64)), ROW, u);
        if (i < ELEMENTS)
            b.x[i] = (float)u[i % ROW];
        b.g[i] = (float)(u[(i + 1) % ROW] - 0.5);
        b.out[i] = 0.0f;
    }
    printf("FGSM on %d rows of %d F32 elements: speed against others that move the same bytes.\n"
           "%-24s %24s %24s\n%-24s %6s  %-12s %8s  %-12s %9s\n",
           ROWS, ROW, "", "out = x + g", "memcpy", "", "median", "least..most", "median",
           "least..most", "GB/s");
    for (int kind = 0; kind < KINDS; kind++)
        measure(&b, kind);
    free(b.x);
    free(b.g);
    free(b.out);
    return EXIT_SUCCESS;
}
