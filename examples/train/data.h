/* The data of a run: a training part and a test part. */
#ifndef TRAIN_DATA_H
#define TRAIN_DATA_H

#include "config.h"

#include <absa/refdata.h>

typedef struct run_data {
    absa_dataset *train, *test;
    absa_dataset_view train_view, test_view;
    double *mean, *std; /* per channel: what the inputs were normalised with; else 0 and 1 */
    uint32_t crc;       /* of every value and label: a checkpoint knows its data by it */
} run_data;

int data_load(absa_context *ctx, const config *c, run_data *d);
void data_release(run_data *d);

#endif
