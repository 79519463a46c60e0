/* Every block carries its size in front, so that a release with another size is seen. Fresh memory
 * is filled with a pattern that no test value resembles. */
#include "support/faulty_alloc.h"

#include <stdlib.h>
#include <string.h>

enum { HEADER = 64 };

static void *counted_alloc(void *user, size_t size, size_t align)
{
    faulty_alloc *f = user;
    void *base = NULL;
    if (++f->calls == f->fail_at)
        return NULL;
    if (align == 0 || align > HEADER || (align & (align - 1)) || size == 0)
        f->errors++;
    if (posix_memalign(&base, HEADER, size + HEADER) != 0)
        return NULL;
    memcpy(base, &size, sizeof size);
    memset((char *)base + HEADER, 0xCB, size);
    f->live_blocks++;
    f->live_bytes += (int64_t)size;
    if (f->live_bytes > f->peak_bytes)
        f->peak_bytes = f->live_bytes;
    return (char *)base + HEADER;
}

static void counted_release(void *user, void *ptr, size_t size)
{
    faulty_alloc *f = user;
    char *base = (char *)ptr - HEADER;
    size_t asked;
    memcpy(&asked, base, sizeof asked);
    if (asked != size)
        f->errors++;
    f->live_blocks--;
    f->live_bytes -= (int64_t)asked;
    free(base);
}

absa_context *faulty_context(faulty_alloc *f)
{
    absa_context_options o;
    absa_context *ctx;
    absa_context_options_init(&o, sizeof o);
    o.alloc = counted_alloc;
    o.release = counted_release;
    o.alloc_user = f;
    absa_context_create(&o, &ctx);
    return ctx;
}

int64_t faulty_operators(absa_status (*create)(absa_context *ctx, void *user, absa_operator **op),
                         void *user)
{
    for (int64_t k = 1;; k++) {
        faulty_alloc f = {0};
        absa_context *ctx = faulty_context(&f);
        absa_operator *op = (absa_operator *)&f;
        f.fail_at = f.calls + k;
        const absa_status status = create(ctx, user, &op);
        const int right = status == ABSA_OK ? op && k > 1 : status == ABSA_E_MEMORY && !op;
        if (status == ABSA_OK)
            absa_operator_destroy(&op);
        absa_context_destroy(&ctx);
        if (!right || f.live_blocks || f.errors)
            return k;
        if (status == ABSA_OK)
            return 0;
    }
}
