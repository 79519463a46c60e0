/* Options by name: a table of an options struct's fields, and reading and writing them as text. */
#ifndef ABSA_BASE_NAMED_OPTIONS_H
#define ABSA_BASE_NAMED_OPTIONS_H

#include <absa/context.h>

/* One field. kind: i an int32_t that names one of choices, or is 0 or 1; l an int64_t; u a
 * uint64_t; d a double; a list of at most most doubles whose count is an int64_t at count. */
typedef struct absa__option {
    const char *name;
    size_t offset;
    char kind;
    const char *choices; /* words by number, with spaces between; NULL but for kind i */
    size_t count;        /* kind a */
    int64_t most;        /* kind a, at most ABSA__OPTION_LIST */
} absa__option;

enum { ABSA__OPTION_LIST = 32 };

typedef struct absa__options {
    const char *owner;    /* "the controller" */
    const char *function; /* "absa_controller_options": functions are this and _set, _get */
    const absa__option *option;
    int32_t count;
} absa__options;

/* The next three are the public functions of the table over one struct, which was read already. set
 * changes fields as text says; get writes one as text that set takes back to the same bits. */
const char *absa__options_name(const absa__options *table, int32_t index);
absa_status absa__options_set(absa_context *ctx, const absa__options *table, void *fields,
                              const char *name, const char *value);
absa_status absa__options_get(absa_context *ctx, const absa__options *table, const void *fields,
                              const char *name, char *buffer, size_t capacity, size_t *size);

/* ABSA_E_INVALID unless every choice is one of its words. */
absa_status absa__options_check_choices(absa_context *ctx, const absa__options *table,
                                        const void *fields);

#endif
