/* The host's side of training: the network, its parameters, SGD with momentum, evaluation, and the
 * measurement of the top eigenvalue. Nothing here knows of batches that grow. */
#ifndef TRAIN_HOST_H
#define TRAIN_HOST_H

#include "attack.h"
#include "measured.h"
#include "predict.h"

#include <absa/refnet.h>

typedef struct host {
    absa_context *ctx;
    const config *c;
    const run_data *d;
    absa_refnet *net;
    measured measured;
    absa_eigen *eigen;
    int64_t n; /* parameters */
    float *theta, *velocity;
    float *window;      /* weighted gradients of the open window */
    float *gradient;    /* of one micro-batch */
    double *statistics; /* of batch normalisation, for checkpoints */
    int64_t statistic_count;
    int64_t micro_rows;
    float *x;   /* of one micro-batch */
    float *row; /* room for one row */
    attack attack;
    int32_t *labels;
    int64_t *order;      /* the epoch's order of the training rows */
    int64_t order_epoch; /* -1: none yet */
    int64_t probe_rows;
    float *probe_x;
    int32_t *probe_labels;
    int probe_drawn;
    float *hint; /* last eigenvector, when it is kept */
    int has_hint;
    uint64_t hint_stream;
    timing timing;
} host;

int host_create(absa_context *ctx, const config *c, const run_data *d, int64_t micro_rows, host *h);
void host_release(host *h);

/* Adds the weighted gradient of a micro-batch to the window, some of its rows as adversarial
 * inputs. */
int host_gradient(host *h, const absa_plan *plan, const absa_micro *m);
/* velocity = momentum * velocity + window; theta -= lr * velocity; window = 0. */
void host_step(host *h, double lr, double velocity_factor);
/* Measures the top eigenvalue; `number` counts measurements from 0. The plan's threshold lets the
 * estimator stop as soon as the controller's question is answered. */
int host_measure(host *h, int64_t number, const absa_plan *plan, absa_eigen_result *result);
/* Time of a product over that of a gradient of as many rows, as this process saw them; NaN before
 * there are both. */
double host_product_cost(const host *h);
/* The eigenvalue, or NaN when the estimator found only that it is not below the threshold. */
double host_value(const absa_eigen_result *result);
/* Mean loss without the weight-decay term, and the share of rows that are right. */
int host_evaluate(host *h, const absa_dataset_view *view, double *loss, double *accuracy);

#endif
