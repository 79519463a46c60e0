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
    double (*cycles)(absa_controller *c);
    int64_t every; /* measure_every */
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

/* What is measured: nothing but at the end of an epoch, a number, or a result. */
enum observed { WHEN_DUE, NUMBER, RESULT };

static inline absa_status observe(absa_controller *c, enum observed what, absa_eigen_result *r,
                                  const absa_plan *p)
{
    if (what == RESULT)
        return absa_controller_observe(c, r, NULL);
    return what == NUMBER || p->measure_due ? absa_controller_observe_value(c, 1.0, NULL) : ABSA_OK;
}

/* A host's loop; each kind of cycle is this one with constants, so that only the library's time
 * tells them apart. */
static inline double loop(absa_controller *c, int whole, int micro, enum observed what)
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
        if (absa_controller_plan(c, 0, 1, &p))
            return -1.0;
        if (p.epoch_done && absa_controller_end_epoch(c))
            return -1.0;
        if (micro && absa_controller_micro(c, 0, 1, &m))
            return -1.0;
        const int64_t rows = micro ? m.global_rows : whole ? p.rows - p.rows_done : 1;
        if (absa_controller_advance(c, rows) || observe(c, what, &r, &p))
            return -1.0;
    }
    return 1e9 * (seconds() - start) / CYCLES;
}

static double in_window(absa_controller *c)
{
    return loop(c, 0, 0, NUMBER);
}

static double window(absa_controller *c)
{
    return loop(c, 1, 0, WHEN_DUE);
}

static double window_micro(absa_controller *c)
{
    return loop(c, 1, 1, WHEN_DUE);
}

static double window_observed(absa_controller *c)
{
    return loop(c, 1, 0, NUMBER);
}

static double window_interval(absa_controller *c)
{
    return loop(c, 1, 0, RESULT);
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
        {"in a window: plan, advance, observe", "in_window", in_window, .every = 0},
        {"a window: plan, advance", "window", window, .every = 0},
        {"a window: plan, micro, advance", "window_micro", window_micro, .every = 0},
        {"a window: plan, advance, observe", "window_observed", window_observed, .every = 64},
        {"a window: the same, an interval", "window_interval", window_interval, .every = 64},
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
            const double cycle = kinds[k].cycles(kinds[k].c), calls = ten_callbacks(host);
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
    printf("{\"bench\":\"controller\",\"ten_callbacks_ns\":%.17g,\"limit_of_in_window\":1",
           ten[KINDS * ROUNDS / 2]);
    for (int k = 0; k < KINDS; k++) {
        printf(",\"%s\":%.3f", kinds[k].key, kinds[k].ratio[ROUNDS / 2]);
        absa_controller_destroy(&kinds[k].c);
    }
    printf("}\n");
    absa_context_destroy(&ctx);
    return 0;
}
