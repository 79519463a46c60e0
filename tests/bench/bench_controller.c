/* What the controller costs a host: cycles of plan, advance and observe against ten empty callbacks
 * of the same run, whose status is looked at as the library looks at it. Every round runs each kind
 * of cycle and the callbacks behind it; prints medians over the rounds, and one line of JSON. */
#include "empty_callback.h"

#include <absa/controller.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 41, CYCLES = 100000 };

/* What one cycle is. */
typedef struct kind {
    const char *name, *key;
    int whole;     /* it completes a window: else it takes one row of it */
    int observe;   /* 0: what is due, at the end of an epoch; 1: a number; 2: a result */
    int64_t every; /* measure_every */
    int micro;     /* the host asks for the micro-batch too */
    absa_controller *c;
    double ns[ROUNDS], ratio[ROUNDS];
} kind;

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double ten_callbacks(const host_table *host)
{
    const double in = 1.0;
    double out = 0.0;
    const double start = seconds();
    for (int i = 0; i < 10 * CYCLES; i++)
        if (host->callback(host->user, &in, &out))
            return -1.0;
    return 1e9 * (seconds() - start) / CYCLES;
}

static absa_status observe(const kind *k, absa_eigen_result *r, const absa_plan *p)
{
    if (k->observe == 2)
        return absa_controller_observe(k->c, r, NULL);
    return k->observe == 1 || p->measure_due ? absa_controller_observe_value(k->c, 1.0, NULL)
                                             : ABSA_OK;
}

static double cycles(const kind *k)
{
    absa_plan p;
    absa_micro m;
    absa_eigen_result r;
    absa_plan_init(&p, sizeof p);
    absa_micro_init(&m, sizeof m);
    absa_eigen_result_init(&r, sizeof r);
    r.value = r.lower = r.upper = 1.0;
    r.converged = r.consistent = 1;
    const double start = seconds();
    for (int i = 0; i < CYCLES; i++) {
        if (absa_controller_plan(k->c, 0, 1, &p))
            return -1.0;
        if (p.epoch_done && absa_controller_end_epoch(k->c))
            return -1.0;
        if (k->micro && absa_controller_micro(k->c, 0, 1, &m))
            return -1.0;
        const int64_t rows = k->micro ? m.global_rows : k->whole ? p.rows - p.rows_done : 1;
        if (absa_controller_advance(k->c, rows) || observe(k, &r, &p))
            return -1.0;
    }
    return 1e9 * (seconds() - start) / CYCLES;
}

/* A training of which the bench sees a small part: 2^40 samples an epoch, two decays far away. */
static absa_controller *make(absa_context *ctx, const kind *k)
{
    absa_controller_options o;
    absa_controller *c;
    absa_controller_options_init(&o, sizeof o);
    o.strategy = ABSA_STRATEGY_ABS;
    o.samples = (int64_t)1 << 40;
    o.epochs = 1000;
    o.batch = 64;
    o.micro_batch = o.batch_max;
    o.measure_every = k->every;
    o.decay_count = 2;
    o.decay[0] = 500;
    o.decay[1] = 900;
    return absa_controller_create(ctx, &o, &c) ? NULL : c;
}

int main(void)
{
    static kind kinds[] = {
        {.name = "in a window: plan, advance, observe", .key = "in_window", .observe = 1},
        {.name = "a window: plan, advance", .key = "window", .whole = 1},
        {.name = "a window: plan, micro, advance", .key = "window_micro", .whole = 1, .micro = 1},
        {.name = "a window: plan, advance, observe",
         .key = "window_observed",
         .whole = 1,
         .observe = 1,
         .every = 64},
        {.name = "a window: the same, an interval",
         .key = "window_interval",
         .whole = 1,
         .observe = 2,
         .every = 64},
    };
    enum { KINDS = sizeof kinds / sizeof kinds[0] };
    static double ten[KINDS * ROUNDS];
    const host_table *host = empty_host();
    absa_context *ctx;
    if (absa_context_create(NULL, &ctx))
        return 1;
    for (int k = 0; k < KINDS; k++)
        if (!(kinds[k].c = make(ctx, &kinds[k]))) {
            fprintf(stderr, "%s\n", absa_context_message(ctx));
            return 1;
        }
    for (int i = 0; i < ROUNDS; i++)
        for (int k = 0; k < KINDS; k++) {
            const double cycle = cycles(&kinds[k]), calls = ten_callbacks(host);
            if (cycle < 0.0 || calls < 0.0) {
                fprintf(stderr, "%s: %s\n", kinds[k].name, absa_context_message(ctx));
                return 1;
            }
            kinds[k].ns[i] = cycle;
            kinds[k].ratio[i] = cycle / calls;
            ten[KINDS * i + k] = calls;
        }
    qsort(ten, KINDS * ROUNDS, sizeof *ten, compare);
    printf("%-36s %10s %8s %8s %8s\n", "one cycle", "median ns", "ratio", "least", "most");
    for (int k = 0; k < KINDS; k++) {
        qsort(kinds[k].ns, ROUNDS, sizeof(double), compare);
        qsort(kinds[k].ratio, ROUNDS, sizeof(double), compare);
        printf("%-36s %10.1f %8.2f %8.2f %8.2f\n", kinds[k].name, kinds[k].ns[ROUNDS / 2],
               kinds[k].ratio[ROUNDS / 2], kinds[k].ratio[0], kinds[k].ratio[ROUNDS - 1]);
    }
    printf("%-36s %10.1f\n", "ten empty callbacks", ten[KINDS * ROUNDS / 2]);
    printf("{\"bench\":\"controller\",\"ten_callbacks_ns\":%.17g,\"limit\":1",
           ten[KINDS * ROUNDS / 2]);
    for (int k = 0; k < KINDS; k++) {
        printf(",\"%s\":%.3f", kinds[k].key, kinds[k].ratio[ROUNDS / 2]);
        absa_controller_destroy(&kinds[k].c);
    }
    printf("}\n");
    absa_context_destroy(&ctx);
    return 0;
}
