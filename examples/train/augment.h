/* Random crops and flips of training images. */
#ifndef TRAIN_AUGMENT_H
#define TRAIN_AUGMENT_H

#include "data.h"

enum augment_kind { AUGMENT_NONE, AUGMENT_CROP_FLIP };

/* Refuses data whose rows are no images. */
int augment_check(int kind, const run_data *d);

/* Changes the rows of x, which are these samples of the training part, as this epoch has them: each
 * is moved by up to 4 pixels in both directions, with black coming in, and mirrored left to right
 * or not. scratch has room for one row. */
void augment_rows(int kind, uint64_t seed, int64_t epoch, const run_data *d, const int64_t *samples,
                  int64_t rows, float *x, float *scratch);

#endif
