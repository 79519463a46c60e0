/* The training loop. */
#ifndef TRAIN_LOOP_H
#define TRAIN_LOOP_H

#include "config.h"
#include "data.h"
#include "options.h"

/* Trains; returns the program's exit status. Options are needed for checkpoints. */
int train(absa_context *ctx, options *o);

#endif
