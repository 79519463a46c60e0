/* An allocator that counts, checks and fails on demand: tests hang a context on it. */
#ifndef ABSA_TEST_FAULTY_ALLOC_H
#define ABSA_TEST_FAULTY_ALLOC_H

#include <absa/operator.h>

typedef struct faulty_alloc {
    int64_t calls;       /* allocations asked for */
    int64_t fail_at;     /* number of the allocation that fails, counted from 1; 0: none */
    int64_t live_blocks; /* not yet released */
    int64_t live_bytes;
    int64_t peak_bytes;
    int64_t errors; /* releases with a wrong size, or misaligned requests */
} faulty_alloc;

/* Makes a context whose memory comes from f; NULL when that very allocation was to fail. */
absa_context *faulty_context(faulty_alloc *f);

/* Has create() make an operator with its k-th allocation failing, for all k from the first until it
 * succeeds. Returns 0 when each failure was ABSA_E_MEMORY with *op NULL, some allocation failed,
 * and nothing leaked; else the k that went wrong. */
int64_t faulty_operators(absa_status (*create)(absa_context *ctx, void *user, absa_operator **op),
                         void *user);

#endif
