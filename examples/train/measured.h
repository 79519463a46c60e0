/* What is measured: the Hessian of all parameters or of a block of them, and the time its products
 * take. */
#ifndef TRAIN_MEASURED_H
#define TRAIN_MEASURED_H

#include "config.h"

#include <absa/refnet.h>

typedef struct measured {
    absa_refnet *net;
    absa_refnet_block *block; /* NULL: all parameters */
    absa_operator *op;
    absa_space space;
    int64_t count;  /* parameters measured on */
    double seconds; /* in products of this process, */
    double rows;    /* and the rows they were over, products times probe rows */
} measured;

/* Reads --block. */
int measured_create(absa_context *ctx, const config *c, absa_refnet *net, measured *m);
void measured_release(measured *m);

#endif
