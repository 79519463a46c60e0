/* What the run would take on several processes, by the model of absa/cost.h and the times that this
 * process measured. */
#ifndef TRAIN_PREDICT_H
#define TRAIN_PREDICT_H

#include "log.h"

/* Seconds spent and what was done in them, by all processes that worked on the run. */
typedef struct timing {
    double gradient, attack, step, measure;
    int64_t rows, attacked, updates, measurements, products;
} timing;

/* Reads --predict, --latency and --bandwidth. */
int predict_resolve(const char *const *text, config *c);
/* Prints one row a process count and logs the same; nothing when none was asked for. */
int predict_show(absa_context *ctx, const config *c, const timing *t, int64_t parameters,
                 run_log *log);

#endif
