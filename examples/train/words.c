#include "words.h"

#include "say.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int find(const char *word, const char *const *list, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(word, list[i]) == 0)
            return i;
    return -1;
}

int whole(const char *name, const char *text, int64_t least, int64_t most, int64_t *out)
{
    char *end;
    errno = 0;
    const long long value = strtoll(text, &end, 10);
    if (end == text || *end || errno || value < least || value > most)
        return refuse("%s is '%s', must be a whole number from %lld to %lld", name, text,
                      (long long)least, (long long)most);
    *out = value;
    return DONE;
}

int real(const char *name, const char *text, double least, double below, double *out)
{
    char *end;
    const double value = strtod(text, &end);
    if (end == text || *end || !(value >= least) || !(value < below))
        return refuse("%s is '%s', must be a number from %g, below %g", name, text, least, below);
    *out = value;
    return DONE;
}

int choice(const char *name, const char *text, const char *const *list, int count, int *out)
{
    char known[160] = "";
    *out = find(text, list, count);
    if (*out >= 0)
        return DONE;
    for (int i = 0; i < count; i++) {
        strncat(known, i ? ", " : "", sizeof known - strlen(known) - 1);
        strncat(known, list[i], sizeof known - strlen(known) - 1);
    }
    return refuse("%s is '%s', must be one of %s", name, text, known);
}
