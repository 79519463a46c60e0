/** @file
 * The release and the ABI number, at compile time and at run time.
 */
#ifndef ABSA_VERSION_H
#define ABSA_VERSION_H

#include <absa/export.h>

ABSA_BEGIN_DECLS

/** Release of the headers: grows with new features. */
#define ABSA_VERSION_MAJOR 0
/** See ABSA_VERSION_MAJOR. */
#define ABSA_VERSION_MINOR 1
/** See ABSA_VERSION_MAJOR. */
#define ABSA_VERSION_PATCH 0
/** The release as text. */
#define ABSA_VERSION_STRING "0.1.0"
/** ABI number: the soname's. Programs built against one number run with every release of that
 * number. */
#define ABSA_ABI_VERSION 0

/**
 * Return the release of the library that is loaded, as major * 1000000 + minor * 1000 + patch.
 *
 * Threads: any. Since 0.1.
 */
ABSA_API int32_t absa_version(void);

/**
 * Return the release of the library that is loaded as text, for example "0.1.0".
 *
 * The string is static. Threads: any. Since 0.1.
 */
ABSA_API const char *absa_version_string(void);

/**
 * Return the ABI number of the library that is loaded.
 *
 * A binding that loads the library at run time compares it with ABSA_ABI_VERSION of the headers
 * it was written for and refuses another number. Threads: any. Since 0.1.
 */
ABSA_API int32_t absa_abi_version(void);

ABSA_END_DECLS

#endif
