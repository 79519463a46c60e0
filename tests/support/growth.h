/* What a random batch_ratio has to be. */
#ifndef ABSA_TEST_GROWTH_H
#define ABSA_TEST_GROWTH_H

#include <absa/controller.h>

/* The one that is set, or a larger one that takes every batch to a larger one: by two whole steps,
 * of which rounding down takes less than two. */
static inline double enough(const absa_controller_options *o)
{
    const double least = o->growth == ABSA_GROWTH_ACCUMULATION
                             ? 2.0
                             : 1.0 + 2.0 * (double)o->batch_multiple / (double)o->batch;
    return o->batch_ratio > least ? o->batch_ratio : least;
}

#endif
