/* A validated space and its vectors, wherever they live: the one interface that the layers above
 * use. Every function names the failing operation on the context. */
#ifndef ABSA_LINALG_SPACE_H
#define ABSA_LINALG_SPACE_H

#include "linalg/hostvec.h"

#include <absa/context.h>

typedef struct absa__space {
    absa_context *ctx;
    absa_space given;    /* the host's struct; its pointers lead to the copies below */
    absa_vector_ops ops; /* when given.ops is set */
    int64_t *segments;   /* own copy, or NULL */
    absa__shape shape;
} absa__space;

/* Checks and copies; what names the caller's function in messages. On failure out is closed. */
absa_status absa__space_open(absa_context *ctx, const absa_space *in, absa__space *out);
void absa__space_close(absa__space *s);

/* ABSA_E_INVALID unless vectors of one space can be handed to the other. */
absa_status absa__space_match(const absa__space *a, const absa__space *b);

/* ABSA_E_INVALID on every process unless the processes' sizes fit the declared distribution; one
 * reduction. */
absa_status absa__space_agree(absa__space *s);

/* Bytes of host memory that one vector takes; 0 when ops owns the vectors. */
int64_t absa__space_vector_bytes(const absa_space *given);

absa_status absa__vector_alloc(absa__space *s, void **out);
void absa__vector_release(absa__space *s, void *v);

/* y = a x + b y; b = 0 does not read y. */
absa_status absa__vector_axpby(absa__space *s, double a, const void *x, double b, void *y);

/* y = b y + sum a[i] x[i] for i < count, at least 1; square, if not NULL, gets the *local* y'y of
 * the result. One pass where the vectors' owner can. */
absa_status absa__vector_combine(absa__space *s, int64_t count, const double *a,
                                 const void *const *x, double b, void *y, double *square);

/* Local dots out[i] = x[i]'y. */
absa_status absa__vector_dots(absa__space *s, int64_t count, const void *const *x, const void *y,
                              double *out);

/* Sums local dots over the shards, carrying local, this process's status so far. Every process gets
 * a failure when one failed: its own, or ABSA_E_PEER. Not called out when vectors are not sharded.
 */
absa_status absa__vector_sum(absa__space *s, absa_status local, double *values, int64_t count);

/* The same over all processes, sharded or replicated: for what the host decides on each. */
absa_status absa__space_sum(absa__space *s, absa_status local, double *values, int64_t count);

/* Ends a piece of work that one process may fail in by itself, between two sums: every process
 * learns of it, so that none waits for the others in the next sum. A reduction of nothing but the
 * status. */
absa_status absa__vector_status(absa__space *s, absa_status local); /* when sharded */
absa_status absa__space_status(absa__space *s, absa_status local);  /* sharded or replicated */

/* The same for replicated vectors only: behind work on vectors that sharded processes agree on by
 * the sums in it. */
absa_status absa__replica_status(absa__space *s, absa_status local);

absa_status absa__vector_gaussian(absa__space *s, uint64_t seed, uint64_t stream, void *y);

/* Copies local elements [first, first + count) to or from doubles; ABSA_E_UNSUPPORTED when the
 * host's table cannot. */
absa_status absa__vector_read(absa__space *s, const void *x, int64_t first, int64_t count,
                              double *out);
absa_status absa__vector_write(absa__space *s, int64_t first, int64_t count, const double *in,
                               void *y);

#endif
