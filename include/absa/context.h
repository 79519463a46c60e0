/** @file
 * The context: allocator, logger, the last error message and the last callback code.
 *
 * Every handle is made from a context and holds a reference on it, so handles and context may be
 * destroyed in any order. One context is used by one thread at a time; different contexts are
 * independent, and the library has no other mutable state.
 */
#ifndef ABSA_CONTEXT_H
#define ABSA_CONTEXT_H

#include <absa/status.h>

ABSA_BEGIN_DECLS

/** The context handle. */
typedef struct absa_context absa_context;

/**
 * Allocate @p size bytes aligned to @p align (a power of two, at most 64); NULL when there are
 * none.
 *
 * @param user   absa_context_options::alloc_user
 * @param size   bytes, at least 1
 * @param align  alignment in bytes
 */
typedef void *(*absa_alloc_fn)(void *user, size_t size, size_t align);

/**
 * Release what absa_alloc_fn returned; @p size is the size it was asked for.
 *
 * @param user  absa_context_options::alloc_user
 * @param ptr   never NULL
 * @param size  bytes
 */
typedef void (*absa_release_fn)(void *user, void *ptr, size_t size);

/** How serious a log line is; a larger number is chattier. */
enum absa_log_level {
    /** Nothing is logged. */
    ABSA_LOG_NONE = 0,
    /** The result of a call cannot be trusted, though the call succeeded. */
    ABSA_LOG_WARNING = 1,
    /** A fact worth a line in a training log. */
    ABSA_LOG_INFO = 2,
    /** Every step. */
    ABSA_LOG_DEBUG = 3
};

/**
 * Take one log line.
 *
 * @param user   absa_context_options::log_user
 * @param level  one of enum absa_log_level
 * @param text   one line without a line break, valid during the call
 *
 * Must not call into the library.
 */
typedef void (*absa_log_fn)(void *user, int32_t level, const char *text);

/** What absa_context_create() takes. Fill with absa_context_options_init(), then change fields. */
typedef struct absa_context_options {
    size_t struct_size;      /**< sizeof(absa_context_options) */
    absa_alloc_fn alloc;     /**< NULL: the C library's allocator; set both or neither */
    absa_release_fn release; /**< see alloc */
    void *alloc_user;        /**< handed to alloc and release; outlives the last handle */
    absa_log_fn log;         /**< NULL: nothing is logged */
    void *log_user;          /**< handed to log; outlives the last handle */
    int32_t log_level;       /**< most detailed level that reaches log; ABSA_LOG_WARNING */
    int32_t reserved0;       /**< 0 */
} absa_context_options;

/**
 * Fill @p options with the defaults: C allocator, no logger.
 *
 * @param options  struct of the caller
 * @param size     sizeof *options as the caller was compiled
 *
 * Threads: any. Since 0.1.
 */
ABSA_API void absa_context_options_init(absa_context_options *options, size_t size);

/**
 * Create a context.
 *
 * @param options  copied; NULL for the defaults
 * @param[out] out the context, or NULL on failure; the caller destroys it
 * @retval ABSA_E_INVALID  @p out is NULL, or only one of alloc and release is set
 * @retval ABSA_E_ABI      options were not filled by absa_context_options_init()
 * @retval ABSA_E_MEMORY   the allocator returned NULL
 *
 * There is no message on failure, for there is no context to hold it. Since 0.1.
 */
ABSA_API absa_status absa_context_create(const absa_context_options *options, absa_context **out);

/**
 * Drop the caller's reference and set the pointer to NULL; NULL and a pointer to NULL are accepted.
 *
 * The memory goes when the last handle made from the context is destroyed as well. Since 0.1.
 */
ABSA_API void absa_context_destroy(absa_context **context);

/**
 * Return the message of the last failure: which argument, which value, what to do about it.
 *
 * @param context  NULL gives ""
 * @return never NULL; valid until the next call that uses the context. It keeps its text when
 *         later calls succeed. Since 0.1.
 */
ABSA_API const char *absa_context_message(const absa_context *context);

/**
 * Return what the callback returned that ended the last call with ABSA_E_CALLBACK; 0 before one.
 *
 * Since 0.1.
 */
ABSA_API int absa_context_callback_code(const absa_context *context);

/** @name For libraries built on this one
 * What a second library or a vector table needs to share the context's allocator, message and
 * lifetime. libabsa-refnet is written with these.
 * @{ */

/**
 * Add a reference: a handle of another library keeps the context alive until it calls
 * absa_context_destroy() on its own copy of the pointer.
 *
 * @return @p context. Since 0.1.
 */
ABSA_API absa_context *absa_context_retain(absa_context *context);

/**
 * Allocate count * size zeroed bytes, aligned to 64, from the context's allocator.
 *
 * @param context  the context
 * @param count    elements, 0 or more
 * @param size     bytes of an element, at least 1
 * @param[out] out the memory; NULL when count is 0 and on failure
 * @retval ABSA_E_MEMORY  no memory, or count * size overflows; the message says how much
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_context_alloc(absa_context *context, int64_t count, size_t size,
                                        void **out);

/**
 * Release memory of absa_context_alloc(); @p count and @p size as they were. NULL is accepted.
 *
 * Since 0.1.
 */
ABSA_API void absa_context_release(absa_context *context, void *ptr, int64_t count, size_t size);

/**
 * Record a message and return @p status, so that a failure is one line: return
 * absa_context_fail(ctx, ABSA_E_INVALID, text).
 *
 * @param context  NULL is accepted and records nothing
 * @param status   what to return
 * @param text     copied; cut after 511 bytes
 *
 * A host may call it inside a callback before it returns non-zero; its text is then kept behind
 * the library's own. Since 0.1.
 */
ABSA_API absa_status absa_context_fail(absa_context *context, absa_status status, const char *text);

/**
 * Send one line to the context's logger when its level is let through.
 *
 * @param context  NULL is accepted and logs nothing
 * @param level    one of enum absa_log_level
 * @param text     one line. Since 0.1.
 */
ABSA_API void absa_context_log(absa_context *context, int32_t level, const char *text);

/** @} */

ABSA_END_DECLS

#endif
