/* What fuzz targets share: the entry point that libFuzzer and replay.c call, a context that says
 * when something leaked, and a reader that turns bytes into choices. */
#ifndef ABSA_TEST_FUZZ_H
#define ABSA_TEST_FUZZ_H

#include "support/faulty_alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process, which libFuzzer and meson report, when a promise does not hold. */
#define FUZZ_CHECK(promise)                                                                        \
    do {                                                                                           \
        if (!(promise)) {                                                                          \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #promise);                  \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* Takes size bytes off the input; zeros once it is spent. */
static inline void fuzz_take(const uint8_t **data, size_t *left, void *out, size_t size)
{
    const size_t n = *left < size ? *left : size;
    memset(out, 0, size);
    if (n > 0)
        memcpy(out, *data, n);
    *data += n;
    *left -= n;
}

/* Everything that the context gave must have come back. */
static inline void fuzz_finish(faulty_alloc *f, absa_context *ctx)
{
    absa_context_destroy(&ctx);
    FUZZ_CHECK(f->live_blocks == 0 && f->errors == 0);
}

#endif
