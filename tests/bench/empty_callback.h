/* A host's callback that does nothing, in a file of its own, so that no compiler sees through it:
 * what calling out costs by itself. */
#ifndef ABSA_BENCH_EMPTY_CALLBACK_H
#define ABSA_BENCH_EMPTY_CALLBACK_H

#include <stdint.h>

typedef struct host_table {
    int (*callback)(void *user, const double *in, double *out);
    void *user;
} host_table;

/* The table with the empty callback, as a host would lend it. */
const host_table *empty_host(void);

#endif
