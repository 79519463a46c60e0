/* Long runs: rounding adds up over hundreds of steps, and neither bound may give way to it. */
#include "support/matrices.h"
#include "support/spectra.h"

#include <criterion/criterion.h>
#include <math.h>

enum { N = 3000, SEEDS = 5, MODES = 4 };

/* Two bytes an element hold out for fewer steps than four or eight, and not against remainders that
 * are small beside 2^-8. */
static const struct {
    int32_t memory, store;
    int64_t steps;
} modes[MODES] = {{ABSA_MEMORY_VALUE, 0, 200},
                  {ABSA_MEMORY_BASIS, 0, 200},
                  {ABSA_MEMORY_RESTART, 0, 200},
                  {ABSA_MEMORY_BASIS, ABSA_STORE_BF16, 150}};

typedef struct watch {
    double truth;
    int n;
    const char *spectrum;
    absa_eigen_options o;
    int32_t element;
} watch;

static int look(void *user, const absa_eigen_result *now, int32_t *stop)
{
    const watch *w = user;
    (void)stop;
    cr_assert(now->lower <= w->truth && w->truth <= now->upper,
              "%s, n %d, f%d, memory %d, seed %d, product %d: [%.17g, %.17g] without %.17g",
              w->spectrum, w->n, w->element ? 64 : 32, (int)w->o.memory, (int)w->o.seed,
              (int)now->products, now->lower, now->upper, w->truth);
    cr_assert(now->consistent, "%s, n %d, f%d, memory %d, product %d: inconsistency %g",
              w->spectrum, w->n, w->element ? 64 : 32, (int)w->o.memory, (int)now->products,
              now->inconsistency);
    return 0;
}

/* Every step of every run; eta is so small that the start misses in none of them. */
static void watch_spectrum(const char *name, int n, const double *values, uint64_t seeds)
{
    watch w = {.spectrum = name, .n = n};
    for (w.element = 0; w.element < 2; w.element++) {
        w.truth = -HUGE_VAL;
        for (int i = 0; i < n; i++)
            w.truth = fmax(w.truth, w.element ? values[i] : (double)(float)values[i]);
        for (int mode = 0; mode < (w.element || n < N ? MODES - 1 : MODES); mode++)
            for (uint64_t seed = 0; seed < seeds; seed++) {
                w.o = eigen_options(ABSA_RULE_FIXED, modes[mode].memory);
                w.o.store = modes[mode].store;
                w.o.max_products = n < N ? 60 : modes[mode].steps;
                w.o.eta = 1e-6;
                w.o.seed = seed;
                w.o.monitor = look;
                w.o.monitor_user = &w;
                (void)run_diagonal(w.element, n, values, &w.o, NULL, NULL);
            }
    }
}

Test(eigen_rounding, no_bound_gives_way_on_any_shape_of_spectrum)
{
    static double values[N];
    for (int s = 0; s < SPECTRUM_COUNT; s++) {
        make_spectrum(s, N, values);
        watch_spectrum(spectrum_name(s), N, values, 1);
    }
}

/* A bulk of next to nothing under a few large values asks most of the orthogonality: what the basis
 * has lost comes back times the ratio of the two. */
Test(eigen_rounding, no_bound_gives_way_far_below_the_largest_value)
{
    static double values[N];
    for (int i = 0; i < N; i++)
        values[i] = i < 6 ? 5.0 / (i + 1) : 0.5 / (i - 4.0);
    watch_spectrum("six and a power law", N, values, SEEDS);
    for (int i = 0; i < N; i++)
        values[i] = i == 3 ? 10.0 : cos(i);
    watch_spectrum("one far out", N, values, SEEDS);
}

/* Few unknowns, and a bulk that is next to nothing beside the largest magnitude: remainders shrink
 * to the rounding of the product, and steps go on being made of it. */
Test(eigen_rounding, no_bound_gives_way_where_remainders_are_made_of_rounding)
{
    static double values[200];
    static const int sizes[] = {2, 11, 55, 145};
    static const double shifts[] = {0.0, 0.19, 5.08, -1.203258164089877};
    for (int s = 0; s < 4; s++)
        for (int shift = 0; shift < 4; shift++) {
            const int n = sizes[s];
            for (int i = 0; i < n; i++)
                values[i] = pow(10.0, -8.0 * (i + 0.5) / n) + shifts[shift];
            watch_spectrum("eight decades", n, values, SEEDS);
            for (int decade = 1; decade <= 8; decade++) {
                for (int i = 0; i < n; i++)
                    values[i] = (i == 0) + 3.6 * pow(10.0, -decade) * cos(i * 0.3) + shifts[shift];
                watch_spectrum("one and a small bulk", n, values, SEEDS);
            }
        }
}
