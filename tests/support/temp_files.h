/* A directory of its own for a test's files, and the bytes of made-up ones. */
#ifndef ABSA_TEST_TEMP_FILES_H
#define ABSA_TEST_TEMP_FILES_H

#include <stddef.h>

/* Makes a fresh directory and returns its path, valid until the next call. */
const char *temp_dir(void);
/* Removes the directory of temp_dir() and the files in it. */
void temp_dir_remove(void);
/* Returns the path of a name in the directory; the last eight answers stay valid. */
const char *temp_path(const char *name);
/* Writes a file into the directory and returns its path, as temp_path() does. */
const char *temp_file(const char *name, const void *data, size_t size);
/* Packs size bytes (at most 65,535) as a gzip file with one stored block; out has room for size +
 * 23 bytes. Returns the length. */
size_t stored_gzip(const void *data, size_t size, unsigned char *out);

#endif
