/** @file
 * Numbered status codes and their texts. Numbers are frozen at release and never reused.
 */
#ifndef ABSA_STATUS_H
#define ABSA_STATUS_H

#include <absa/export.h>

ABSA_BEGIN_DECLS

/** What a function answers: ABSA_OK (0) or one of the negative ABSA_E_ codes. */
typedef int absa_status;

/** The codes an @ref absa_status takes. The message on the context says which argument and why. */
enum absa_status_code {
    /** All went well. */
    ABSA_OK = 0,
    /** An argument is outside its range; the message names it, its value and the range. */
    ABSA_E_INVALID = -1,
    /** A struct's struct_size or an unknown field in its tail does not fit this library: the caller
     * was built against newer headers, or did not call the struct's _init function. */
    ABSA_E_ABI = -2,
    /** The allocator returned NULL, or a size would overflow. Nothing was changed. */
    ABSA_E_MEMORY = -3,
    /** A callback of the host returned non-zero; see absa_context_callback_code(). */
    ABSA_E_CALLBACK = -4,
    /** A NaN or an infinity appeared where a finite number is needed; the message says where. */
    ABSA_E_NONFINITE = -5,
    /** The handle is in use further up the call stack (a callback called back into it). */
    ABSA_E_BUSY = -6,
    /** The call does not fit the state the handle is in; the message says what must come first. */
    ABSA_E_STATE = -7,
    /** What was asked for needs an optional operation or a mode that is not there; named in the
     * message. */
    ABSA_E_UNSUPPORTED = -8,
    /** Another process failed, or the processes disagree; every process gets a failure. */
    ABSA_E_PEER = -9,
    /** Saved data is truncated, damaged or not of this kind. Nothing was changed. */
    ABSA_E_FORMAT = -10,
    /** Saved data was written by a newer release in a format this one cannot read. */
    ABSA_E_VERSION = -11,
    /** Saved data belongs to other options; the message names the fields that differ. */
    ABSA_E_MISMATCH = -12,
    /** The caller's buffer is too small; the needed size was returned. */
    ABSA_E_SPACE = -13,
    /** A file cannot be opened, read or written; the message names it. */
    ABSA_E_IO = -14
};

/**
 * Return the code's name, for example "ABSA_E_INVALID"; "ABSA_E_?" for an unknown number.
 *
 * @param status  any number
 * @return a static string, never NULL. Threads: any. Since 0.1.
 */
ABSA_API const char *absa_status_name(absa_status status);

/**
 * Return one plain sentence for the code, without the details that are on the context.
 *
 * @param status  any number
 * @return a static string, never NULL. Threads: any. Since 0.1.
 */
ABSA_API const char *absa_status_text(absa_status status);

ABSA_END_DECLS

#endif
