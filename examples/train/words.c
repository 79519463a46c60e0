#include "words.h"

#include "say.h"

#include <absa/controller.h>

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
    absa_controller_options any;
    absa_controller_options_init(&any, sizeof any);
    /* What a number is, is the library's to say, for these options as for its own. */
    if (absa_controller_options_set(NULL, &any, "lr", text) || !(any.lr >= least) ||
        !(any.lr < below))
        return refuse("%s is '%s', must be a number or a fraction from %g, below %g", name, text,
                      least, below);
    *out = any.lr;
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
