/* What all kinds of operators share: the handle, and how a kind is made. */
#ifndef ABSA_OPER_KINDS_H
#define ABSA_OPER_KINDS_H

#include "oper/oper.h"

struct absa_operator {
    absa_context *ctx;
    absa__space space;
    absa_operator_options options;
    /* Computes y = H x before the convention and the sum over processes are applied, and counts
     * products. samples holds the preset on entry; the kind checks what its callbacks covered. */
    absa_status (*product)(absa_operator *op, const void *x, void *y, int64_t *samples);
    /* A run of products at one theta begins (1) or ends (0): what is kept between them is
     * forgotten. May be NULL. */
    void (*run)(absa_operator *op, int open);
    /* Products that are differences: v'Hv over all processes with half the step, so that the step's
     * worth can be told; op is busy meanwhile. NULL: products are exact. */
    absa_status (*halved)(absa_operator *op, const void *v, double *value);
    void (*close)(absa_operator *op); /* NULL: nothing but what is named here */
    void *state;                      /* the kind's own, of state_size bytes, zero at first */
    size_t state_size;
    void *user;
    double covered; /* samples of the last product, over all processes */
    int64_t products;
    int busy;
};

/* Makes an operator without a product: checks space and options (NULL: the defaults). */
absa_status absa__operator_new(absa_context *ctx, const absa_space *space,
                               const absa_operator_options *options, size_t state_size,
                               absa_operator **out);

/* The same in the space of another operator, which does the summing over processes itself. */
absa_status absa__operator_around(absa_context *ctx, const absa_operator *base, size_t state_size,
                                  absa_operator **out);

/* The value over all processes of what each has a part of: a share of the vector, or of the samples
 * in the operator's convention. */
absa_status absa__operator_gather(absa_operator *op, absa_status status, double part,
                                  int64_t samples, double *value);

/* Turns a sample count that the callback what gave into a status. */
absa_status absa__operator_samples(absa_operator *op, const char *what, int64_t samples);

#endif
