/* Threads that each do the same work, on contexts of their own, come to what one alone comes to. */
#ifndef ABSA_TEST_ALIKE_H
#define ABSA_TEST_ALIKE_H

#include <stddef.h>

enum { ALIKE_THREADS = 6 };

/* Does work on the first of ALIKE_THREADS + 1 jobs of size bytes, then on the others in as many
 * threads, which begin at once. Prints a TAP line for each of these: whether same(first, it), and
 * what that proves. Returns what main() does. */
int alike_run(void (*work)(void *job), void *jobs, size_t size,
              int (*same)(const void *alone, const void *job), const char *what);

#endif
