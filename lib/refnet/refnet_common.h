/* What every file of libabsa-refnet shares: messages with details, checked sizes, and the
 * struct_size protocol. A host sees libabsa from outside, so these are its own, made of public
 * functions only. */
#ifndef ABSA_REFNET_COMMON_H
#define ABSA_REFNET_COMMON_H

#include <absa/context.h>

/* Records the formatted message on the context (NULL is accepted) and returns status. */
absa_status absa__net_fail(absa_context *ctx, absa_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Fills a caller's struct of size bytes with the library's defaults: the part both know is copied,
 * what only the caller knows is zeroed, and struct_size becomes the caller's size. */
void absa__net_struct_init(void *out, size_t size, const void *defaults, size_t known);

/* Reads a caller's struct into the library's, whose bytes hold the defaults for fields that the
 * caller does not have yet. Fails with ABSA_E_ABI when struct_size is impossible or a field that
 * only the caller knows is set; name is the struct's. On failure out is unchanged. */
absa_status absa__net_struct_read(absa_context *ctx, const char *name, const void *in, void *out,
                                  size_t known);

/* Writes a result to the caller's struct, up to the smaller of the two sizes; the caller's
 * struct_size stays. Fails with ABSA_E_ABI when the caller's struct_size is impossible. */
absa_status absa__net_struct_write(absa_context *ctx, const char *name, const void *result,
                                   void *out, size_t known);

#endif
