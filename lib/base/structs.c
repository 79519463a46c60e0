/* The struct_size protocol. A struct's first member is its size as the caller was compiled; structs
 * only grow at their end, so the common prefix is always understood by both sides. */
#include "base/structs.h"

#include "base/fail.h"

#include <string.h>

/* No struct of the library comes near this; a larger size is an uninitialised one. */
enum { LARGEST = 65536 };

static size_t size_of(const void *s)
{
    size_t size;
    memcpy(&size, s, sizeof size);
    return size;
}

void absa__struct_init(void *out, size_t size, const void *defaults, size_t known)
{
    if (!out || size < sizeof size)
        return;
    memset(out, 0, size);
    memcpy(out, defaults, size < known ? size : known);
    memcpy(out, &size, sizeof size);
}

static absa_status check(absa_context *ctx, const char *name, size_t size)
{
    if (size > sizeof size && size <= LARGEST)
        return ABSA_OK;
    return absa__fail(ctx, ABSA_E_ABI,
                      "%s: struct_size is %zu; fill the struct with its _init function first", name,
                      size);
}

absa_status absa__struct_check(absa_context *ctx, const char *name, const void *out)
{
    return check(ctx, name, size_of(out));
}

absa_status absa__struct_read(absa_context *ctx, const char *name, const void *in, void *out,
                              size_t known)
{
    const size_t size = size_of(in);
    absa_status status = check(ctx, name, size);
    if (status)
        return status;
    const unsigned char *bytes = in;
    for (size_t i = known; i < size; i++)
        if (bytes[i] != 0)
            return absa__fail(ctx, ABSA_E_ABI,
                              "%s: byte %zu is set, but this library knows %zu bytes only; the "
                              "caller was built for a newer one",
                              name, i, known);
    memcpy(out, in, size < known ? size : known);
    memcpy(out, &known, sizeof known);
    return ABSA_OK;
}

absa_status absa__struct_write(absa_context *ctx, const char *name, const void *result, void *out,
                               size_t known)
{
    const size_t size = size_of(out);
    absa_status status = check(ctx, name, size);
    if (status)
        return status;
    memcpy(out, result, size < known ? size : known);
    memcpy(out, &size, sizeof size);
    return ABSA_OK;
}
