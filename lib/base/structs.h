/* The struct_size protocol: how structs that grow cross the border between caller and library. */
#ifndef ABSA_BASE_STRUCTS_H
#define ABSA_BASE_STRUCTS_H

#include <absa/context.h>

/* Fills a caller's struct of size bytes with the library's defaults: the part both know is copied,
 * what only the caller knows is zeroed, and struct_size becomes the caller's size. */
void absa__struct_init(void *out, size_t size, const void *defaults, size_t known);

/* Reads a caller's struct into the library's, whose bytes hold the defaults for fields that the
 * caller does not have yet. Fails with ABSA_E_ABI when struct_size is impossible or a field that
 * only the caller knows is set; name is the struct's. On failure out is unchanged. */
absa_status absa__struct_read(absa_context *ctx, const char *name, const void *in, void *out,
                              size_t known);

/* ABSA_E_ABI unless the caller's struct_size is possible: for several outputs, of which all are
 * written or none. */
absa_status absa__struct_check(absa_context *ctx, const char *name, const void *out);

/* Writes a result to the caller's struct, up to the smaller of the two sizes; the caller's
 * struct_size stays. Fails with ABSA_E_ABI when the caller's struct_size is impossible. */
absa_status absa__struct_write(absa_context *ctx, const char *name, const void *result, void *out,
                               size_t known);

#endif
