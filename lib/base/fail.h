/* Failing and logging with formatted text: how every layer of the library talks to the context. */
#ifndef ABSA_BASE_FAIL_H
#define ABSA_BASE_FAIL_H

#include <absa/context.h>

/* Records the formatted message on the context (NULL is accepted) and returns status. */
absa_status absa__fail(absa_context *ctx, absa_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Formats and logs one line when the level is let through. */
void absa__log(absa_context *ctx, int32_t level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether a line of that level is let through. */
int absa__logs(const absa_context *ctx, int32_t level);

/* To be called before every callback of the host: a message that the host records inside it is
 * then kept behind the library's own. */
void absa__callback_begin(absa_context *ctx);

/* Turns a callback's non-zero code into ABSA_E_CALLBACK; what names the callback in the message. */
absa_status absa__callback_failed(absa_context *ctx, const char *what, int code);

/* What a call of a handle that runs already comes to. */
absa_status absa__busy(absa_context *ctx, const char *function, const char *handle);

/* The context's allocator without a message, for code that has none to give (zeroed, 64-aligned).
 */
void *absa__alloc(absa_context *ctx, int64_t count, size_t size);

/* Host memory for a whole handle, with its message: *out is NULL on failure. */
#define absa__new(ctx, type, out) absa_context_alloc((ctx), 1, sizeof(type), (void **)(out))

#endif
