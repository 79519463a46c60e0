/* What a value on the command line may be. Each refuses anything else by the option's name. */
#ifndef TRAIN_WORDS_H
#define TRAIN_WORDS_H

#include <stdint.h>

/* Finds a word in a list; -1 when it is not there. */
int find(const char *word, const char *const *list, int count);
int whole(const char *name, const char *text, int64_t least, int64_t most, int64_t *out);
int real(const char *name, const char *text, double least, double below, double *out);
/* The word's place in the list. */
int choice(const char *name, const char *text, const char *const *list, int count, int *out);

#endif
