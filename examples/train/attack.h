/* Adversarial inputs: which rows of a window are perturbed and how, and how the network stands up
 * to attacks on the test set. Sizes are in pixels of [0, 1], whatever the network is fed with. */
#ifndef TRAIN_ATTACK_H
#define TRAIN_ATTACK_H

#include "data.h"

#include <absa/adversarial.h>
#include <absa/refnet.h>

typedef struct attack {
    const config *c;
    const run_data *d;
    absa_refnet *net;
    int64_t room;              /* rows that the arrays below hold */
    float *point, *gradient;   /* rows * features */
    uint8_t *selected;         /* one byte a row */
    int64_t *ids;              /* place of each row in its window */
    double *epsilon, *lo, *hi; /* per channel, in the network's units */
    absa_selection selection;  /* of the window whose rows were chosen last */
    int64_t selection_rows;    /* of that window */
    const float *theta;        /* of the call under way */
    const int32_t *labels;
    double *losses[3];  /* of the rows of the measurement: clean, under one step, under several */
    absa_status status; /* of the gradient of the call under way */
    absa_context *ctx;
} attack;

/* How many rows of test data stood up to the two attacks, as shares; NaN when none were attacked.
 */
typedef struct robustness {
    double clean, fgsm, pgd;
    int collapsed; /* several steps raise the loss as one does not any more; 0 unless asked */
} robustness;

int attack_create(absa_context *ctx, const config *c, const run_data *d, absa_refnet *net,
                  int64_t micro_rows, attack *a);
void attack_release(attack *a);

/* Perturbs rows of a micro-batch in place. first_in_window is its first row's place in the
 * window; prefix says how many of its first rows the controller wants; plan the rest. */
int attack_rows(attack *a, const absa_plan *plan, int64_t first_in_window, int64_t rows,
                int64_t prefix, const float *theta, float *x, int32_t *labels);

/* Accuracy on the first c->robust_rows test rows under FGSM and PGD of ten steps at the training
 * size; when asked to watch, whether these tell of a collapse. */
int attack_measure(attack *a, const float *theta, int watch, robustness *out);

#endif
