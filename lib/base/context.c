/* The context: owns the allocator, the logger, the last message and the last callback code, and
 * counts the handles that still need them. It decides nothing about when a call fails; that is the
 * business of the layer that finds the fault. */
#include <absa/context.h>

#include "base/fail.h"
#include "base/structs.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_BYTES = 512, ALIGNMENT = 64 };

struct absa_context {
    absa_context_options options;
    int64_t references;
    int callback_code;
    int host_spoke; /* the host recorded a message since the last callback began */
    char message[MESSAGE_BYTES];
};

static void *default_alloc(void *user, size_t size, size_t align)
{
    void *p = NULL;
    (void)user;
    return posix_memalign(&p, align, size) == 0 ? p : NULL;
}

static void default_release(void *user, void *ptr, size_t size)
{
    (void)user;
    (void)size;
    free(ptr);
}

void absa_context_options_init(absa_context_options *options, size_t size)
{
    absa_context_options o = {0};
    o.log_level = ABSA_LOG_WARNING;
    absa__struct_init(options, size, &o, sizeof o);
}

absa_status absa_context_create(const absa_context_options *options, absa_context **out)
{
    if (!out)
        return ABSA_E_INVALID;
    *out = NULL;
    absa_context_options o;
    absa_context_options_init(&o, sizeof o);
    if (options) {
        absa_status status = absa__struct_read(NULL, "absa_context_options", options, &o, sizeof o);
        if (status)
            return status;
    }
    if (!o.alloc != !o.release || o.log_level < ABSA_LOG_NONE || o.log_level > ABSA_LOG_DEBUG)
        return ABSA_E_INVALID;
    if (!o.alloc) {
        o.alloc = default_alloc;
        o.release = default_release;
    }
    absa_context *ctx = o.alloc(o.alloc_user, sizeof *ctx, ALIGNMENT);
    if (!ctx)
        return ABSA_E_MEMORY;
    memset(ctx, 0, sizeof *ctx);
    ctx->options = o;
    ctx->references = 1;
    *out = ctx;
    return ABSA_OK;
}

absa_context *absa_context_retain(absa_context *context)
{
    if (context)
        context->references++;
    return context;
}

void absa_context_destroy(absa_context **context)
{
    if (!context || !*context)
        return;
    absa_context *ctx = *context;
    *context = NULL;
    if (--ctx->references == 0)
        ctx->options.release(ctx->options.alloc_user, ctx, sizeof *ctx);
}

const char *absa_context_message(const absa_context *context)
{
    return context ? context->message : "";
}

int absa_context_callback_code(const absa_context *context)
{
    return context ? context->callback_code : 0;
}

void *absa__alloc(absa_context *ctx, int64_t count, size_t size)
{
    if (count <= 0 || size == 0 || (uint64_t)count > (uint64_t)PTRDIFF_MAX / size)
        return NULL;
    const size_t bytes = (size_t)count * size;
    void *p = ctx->options.alloc(ctx->options.alloc_user, bytes, ALIGNMENT);
    if (p)
        memset(p, 0, bytes);
    return p;
}

absa_status absa_context_alloc(absa_context *context, int64_t count, size_t size, void **out)
{
    if (!out)
        return absa__fail(context, ABSA_E_INVALID, "absa_context_alloc: out is NULL");
    *out = NULL;
    if (!context)
        return ABSA_E_INVALID;
    if (count < 0 || size == 0)
        return absa__fail(
            context, ABSA_E_INVALID,
            "absa_context_alloc: count %lld and size %zu must not be negative or zero",
            (long long)count, size);
    if (count == 0)
        return ABSA_OK;
    *out = absa__alloc(context, count, size);
    return *out ? ABSA_OK
                : absa__fail(context, ABSA_E_MEMORY, "no memory for %lld elements of %zu bytes",
                             (long long)count, size);
}

void absa_context_release(absa_context *context, void *ptr, int64_t count, size_t size)
{
    if (context && ptr)
        context->options.release(context->options.alloc_user, ptr, (size_t)count * size);
}

absa_status absa__fail(absa_context *ctx, absa_status status, const char *format, ...)
{
    if (!ctx)
        return status;
    va_list args;
    va_start(args, format);
    vsnprintf(ctx->message, sizeof ctx->message, format, args);
    va_end(args);
    return status;
}

absa_status absa_context_fail(absa_context *context, absa_status status, const char *text)
{
    if (context)
        context->host_spoke = 1;
    return absa__fail(context, status, "%s", text ? text : "");
}

void absa__callback_begin(absa_context *ctx)
{
    ctx->host_spoke = 0;
}

absa_status absa__callback_failed(absa_context *ctx, const char *what, int code)
{
    char host[MESSAGE_BYTES];
    ctx->callback_code = code;
    if (!ctx->host_spoke)
        return absa__fail(ctx, ABSA_E_CALLBACK, "the %s callback returned %d", what, code);
    memcpy(host, ctx->message, sizeof host);
    return absa__fail(ctx, ABSA_E_CALLBACK, "the %s callback returned %d: %s", what, code, host);
}

absa_status absa__busy(absa_context *ctx, const char *function, const char *handle)
{
    return absa__fail(ctx, ABSA_E_BUSY,
                      "%s: the %s is running: called from its own callback, or by a second thread",
                      function, handle);
}

void absa_context_log(absa_context *context, int32_t level, const char *text)
{
    if (context && text && level > ABSA_LOG_NONE && absa__logs(context, level))
        context->options.log(context->options.log_user, level, text);
}

int absa__logs(const absa_context *ctx, int32_t level)
{
    return ctx->options.log && level <= ctx->options.log_level;
}

void absa__log(absa_context *ctx, int32_t level, const char *format, ...)
{
    char text[MESSAGE_BYTES];
    if (!absa__logs(ctx, level))
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    absa_context_log(ctx, level, text);
}
