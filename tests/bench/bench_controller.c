/* What the controller costs a host: one plan-micro-advance-observe cycle against ten empty
 * callbacks of the same run. Prints a table and one line of JSON: medians and spreads of
 * alternating repeats. */
#include <absa/controller.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { REPEATS = 21, CYCLES = 200000 };

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int nothing(void *user)
{
    ++*(int64_t *)user;
    return 0;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double callbacks(void)
{
    int (*volatile callback)(void *) = nothing;
    int64_t count = 0;
    const double start = seconds();
    for (int i = 0; i < 10 * CYCLES; i++)
        callback(&count);
    return (seconds() - start) / CYCLES;
}

static double cycles(absa_controller *c)
{
    absa_plan p = {.struct_size = sizeof p};
    const double start = seconds();
    for (int i = 0; i < CYCLES; i++) {
        absa_controller_plan(c, 0, 1, &p);
        if (p.epoch_done)
            absa_controller_end_epoch(c);
        absa_controller_advance(c, 1);
        absa_controller_observe_value(c, 1.0, NULL);
    }
    return (seconds() - start) / CYCLES;
}

int main(void)
{
    absa_context *ctx;
    absa_controller *c;
    absa_controller_options o;
    double cycle[REPEATS], ten[REPEATS];
    absa_controller_options_init(&o, sizeof o);
    o.strategy = ABSA_STRATEGY_ABS;
    o.samples = (int64_t)1 << 40;
    o.epochs = 1000;
    o.batch = 64;
    o.decay_count = 2;
    o.decay[0] = 500;
    o.decay[1] = 900;
    if (absa_context_create(NULL, &ctx) || absa_controller_create(ctx, &o, &c)) {
        fprintf(stderr, "%s\n", absa_context_message(ctx));
        return 1;
    }
    for (int i = 0; i < REPEATS; i++) {
        cycle[i] = cycles(c);
        ten[i] = callbacks();
    }
    qsort(cycle, REPEATS, sizeof *cycle, compare);
    qsort(ten, REPEATS, sizeof *ten, compare);
    const double ratio = cycle[REPEATS / 2] / ten[REPEATS / 2];
    printf("%-32s %10s %10s %10s\n", "controller", "median ns", "least", "most");
    printf("%-32s %10.1f %10.1f %10.1f\n", "plan, advance, observe", 1e9 * cycle[REPEATS / 2],
           1e9 * cycle[0], 1e9 * cycle[REPEATS - 1]);
    printf("%-32s %10.1f %10.1f %10.1f\n", "ten empty callbacks", 1e9 * ten[REPEATS / 2],
           1e9 * ten[0], 1e9 * ten[REPEATS - 1]);
    printf("{\"bench\":\"controller\",\"cycle_ns\":%.17g,\"ten_callbacks_ns\":%.17g,\"ratio\":%.3f,"
           "\"limit\":1}\n",
           1e9 * cycle[REPEATS / 2], 1e9 * ten[REPEATS / 2], ratio);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
    return 0;
}
