/* What each epoch came to: the rows of the table and the points of the picture. */
#ifndef TRAIN_HISTORY_H
#define TRAIN_HISTORY_H

#include <stdint.h>

typedef struct history_row {
    int64_t epoch; /* counted from 1 */
    int64_t batch;
    double lr;
    double gamma;
    double loss;
    double accuracy; /* in [0, 1] */
    double value;    /* eigenvalue; NaN when none was measured */
    double lower, upper;
    /* Accuracy on the rows that are attacked, clean and under attack; NaN: not measured. */
    double robust_clean, robust_fgsm, robust_pgd;
    int64_t products; /* Hessian-vector products since the beginning */
} history_row;

typedef struct history {
    history_row *rows; /* room for one row an epoch */
    int64_t count;
    int64_t printed; /* rows on the table already */
} history;

#endif
