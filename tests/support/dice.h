/* Reproducible random choices for property tests. */
#ifndef ABSA_TEST_DICE_H
#define ABSA_TEST_DICE_H

#include <absa/random.h>

typedef struct dice {
    uint64_t seed;
    int64_t at;
} dice;

/* In [0, 1). */
static inline double roll(dice *d)
{
    double u;
    absa_random_uniform(d->seed, 1, d->at++, 1, &u);
    return u;
}

static inline int64_t pick(dice *d, int64_t from, int64_t to)
{
    return from + (int64_t)(roll(d) * 0.999999 * (double)(to - from + 1));
}

#endif
