/** @file
 * Visibility, deprecation and C++ linkage. Every public header includes this one.
 */
#ifndef ABSA_EXPORT_H
#define ABSA_EXPORT_H

#include <stddef.h>
#include <stdint.h>

/** Marks a function as part of the ABI of libabsa or libabsa-refnet. */
#if defined(__GNUC__) || defined(__clang__)
#define ABSA_API __attribute__((visibility("default")))
#else
#define ABSA_API
#endif

/** Marks a function that a later ABI removes; @p text names what to call instead. */
#if defined(__GNUC__) || defined(__clang__)
#define ABSA_DEPRECATED(text) __attribute__((deprecated(text)))
#else
#define ABSA_DEPRECATED(text)
#endif

/** Opens and closes the C declarations of a header that C++ may include. */
#ifdef __cplusplus
#define ABSA_BEGIN_DECLS extern "C" {
#define ABSA_END_DECLS   }
#else
#define ABSA_BEGIN_DECLS
#define ABSA_END_DECLS
#endif

#endif
