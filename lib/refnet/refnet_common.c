/* Messages with details and the struct_size protocol, from public functions of libabsa. A struct's
 * first member is its size as the caller was compiled; structs only grow at their end, so the
 * common prefix is always understood by both sides. */
#include "refnet_common.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* No struct of the library comes near this; a larger size is an uninitialised one. */
enum { LARGEST_STRUCT = 65536, MESSAGE_BYTES = 512 };

absa_status absa__net_fail(absa_context *ctx, absa_status status, const char *format, ...)
{
    char text[MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return absa_context_fail(ctx, status, text);
}

void absa__net_struct_init(void *out, size_t size, const void *defaults, size_t known)
{
    if (!out || size < sizeof size)
        return;
    memset(out, 0, size);
    memcpy(out, defaults, size < known ? size : known);
    memcpy(out, &size, sizeof size);
}

static absa_status check(absa_context *ctx, const char *name, const void *s, size_t *size)
{
    memcpy(size, s, sizeof *size);
    if (*size > sizeof *size && *size <= LARGEST_STRUCT)
        return ABSA_OK;
    return absa__net_fail(ctx, ABSA_E_ABI,
                          "%s: struct_size is %zu; fill the struct with its _init function first",
                          name, *size);
}

absa_status absa__net_struct_read(absa_context *ctx, const char *name, const void *in, void *out,
                                  size_t known)
{
    size_t size;
    absa_status status = check(ctx, name, in, &size);
    if (status)
        return status;
    const unsigned char *bytes = in;
    for (size_t i = known; i < size; i++)
        if (bytes[i] != 0)
            return absa__net_fail(ctx, ABSA_E_ABI,
                                  "%s: byte %zu is set, but this library knows %zu bytes only; the "
                                  "caller was built for a newer one",
                                  name, i, known);
    memcpy(out, in, size < known ? size : known);
    memcpy(out, &known, sizeof known);
    return ABSA_OK;
}

absa_status absa__net_struct_write(absa_context *ctx, const char *name, const void *result,
                                   void *out, size_t known)
{
    size_t size;
    absa_status status = check(ctx, name, out, &size);
    if (status)
        return status;
    memcpy(out, result, size < known ? size : known);
    memcpy(out, &size, sizeof size);
    return ABSA_OK;
}
