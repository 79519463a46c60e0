/* The run as JSON lines, each flushed when it is written. */
#ifndef TRAIN_LOG_H
#define TRAIN_LOG_H

#include "config.h"
#include "data.h"
#include "history.h"

#include <absa/cost.h>

#include <stdio.h>

typedef struct run_log {
    FILE *file; /* NULL: no log was asked for */
    const char *path;
} run_log;

typedef struct totals {
    int64_t updates, samples, products, measurements, batch;
    double lr, loss, accuracy, robust_clean, robust_fgsm, robust_pgd, seconds;
    double product_cost; /* a product over a gradient of as many rows */
} totals;

/* Opens a new file, or goes on behind the old lines when a run is resumed. */
int log_open(run_log *log, const char *path, int resumed);
int log_start(run_log *log, const config *c, const run_data *d, int64_t parameters,
              int64_t block_parameters, int64_t probe, int64_t resumed_at);
int log_measurement(run_log *log, const absa_decision *decision, const absa_eigen_result *result);
int log_epoch(run_log *log, const history_row *row, int64_t updates, int64_t samples);
/* Behind the epoch that plan has ended with. */
int log_collapse(run_log *log, const absa_plan *plan);
int log_prediction(run_log *log, int64_t processes, const absa_cost_result *r, double speed_up);
int log_final(run_log *log, const totals *t);
/* Says when the file could not be written to its end. */
int log_close(run_log *log);

#endif
