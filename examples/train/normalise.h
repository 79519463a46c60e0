/* Inputs as the network is fed with: pixels of [0, 1], or less each channel's mean and over its
 * standard deviation, both of the training rows. */
#ifndef TRAIN_NORMALISE_H
#define TRAIN_NORMALISE_H

#include "data.h"

/* Computes mean and std; with wanted 0 they are those of pixels left as they are, 0 and 1. Replaces
 * both parts by normalised ones otherwise. */
int normalise_data(absa_context *ctx, int wanted, run_data *d);

#endif
