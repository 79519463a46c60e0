/* What is saved of an estimator: the fields, and what stands behind them. */
#ifndef ABSA_EIGEN_EIGEN_STATE_H
#define ABSA_EIGEN_EIGEN_STATE_H

#include "eigen/eigen_impl.h"

enum {
    ABSA__FORMAT = 1,
    ABSA__MAGIC_BYTES = 8,
    ABSA__CHUNK = 2048,     /* elements of a vector that are read or written at a time */
    ABSA__PAIR_NUMBERS = 8, /* numbers of eight bytes that a pair is */
    ABSA__IDENTITY = 17,
    ABSA__STATE = 52
};

extern const char absa__magic[ABSA__MAGIC_BYTES + 1];

/* l: int64_t, u: uint64_t, i: int32_t, n: int, d: double. */
typedef struct absa__field {
    const char *name;
    size_t offset;
    char kind;
} absa__field;

/* What saved bytes must share with the handle they are loaded into, and the run's numbers. */
extern const absa__field absa__identity[ABSA__IDENTITY];
extern const absa__field absa__state[ABSA__STATE];

/* Whether the state needs the vector of a slot. */
int absa__needs_slot(const absa_eigen *e, int64_t i);

/* What stands behind the fields, in elements of its kind. */
typedef struct absa__tail {
    int64_t coefficients, restart, components, slots, stored;
} absa__tail;

absa__tail absa__tail_of(const absa_eigen *e);
uint64_t absa__tail_bytes(const absa_eigen *e);

/* Bytes of an element of the space. */
size_t absa__state_element(const absa_eigen *e);

#endif
