/* Options by name. What a table says of a struct is used for command lines, logs and bindings; what
 * ranges a field has is left to the struct's owner. */
#include "base/named_options.h"

#include "base/fail.h"
#include "base/real_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for one number as text, and a comma. */
enum { NUMBER = 26 };

const char *absa__options_name(const absa__options *table, int32_t index)
{
    return index >= 0 && index < table->count ? table->option[index].name : NULL;
}

static int parse_int(const char *text, int64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return end != text && *end == '\0' && errno == 0;
}

static int parse_unsigned(const char *text, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    /* strtoull takes a sign and wraps it. */
    return end != text && *end == '\0' && errno == 0 && !strchr(text, '-');
}

/* The position of word in a list of words; -1 when it is not there. */
static int64_t position(const char *list, const char *word)
{
    const size_t length = strlen(word);
    for (int64_t i = 0; length > 0; i++) {
        const size_t here = strcspn(list, " ");
        if (here == length && memcmp(list, word, length) == 0)
            return i;
        if (list[here] == '\0')
            break;
        list += here + 1;
    }
    return -1;
}

static int parse_list(const char *text, int64_t most, double *points, int64_t *count)
{
    int64_t n = 0;
    while (*text) {
        const char *end = n < most ? absa__read_real(text, &points[n]) : NULL;
        if (!end || (*end != ',' && *end != '\0') || (*end == ',' && end[1] == '\0'))
            return 0;
        n++;
        text = *end == ',' ? end + 1 : end;
    }
    *count = n;
    return 1;
}

static int set_list(char *fields, const absa__option *option, const char *value)
{
    double points[ABSA__OPTION_LIST] = {0};
    int64_t count;
    if (!parse_list(value, option->most, points, &count))
        return 0;
    memcpy(fields + option->offset, points, (size_t)option->most * sizeof *points);
    memcpy(fields + option->count, &count, sizeof count);
    return 1;
}

static int set_field(char *fields, const absa__option *option, const char *value)
{
    char *field = fields + option->offset;
    int64_t number;
    uint64_t large;
    double real;
    switch (option->kind) {
    case 'a':
        return set_list(fields, option, value);
    case 'u':
        if (!parse_unsigned(value, &large))
            return 0;
        memcpy(field, &large, sizeof large);
        return 1;
    case 'd':
        if (!absa__parse_real(value, &real))
            return 0;
        memcpy(field, &real, sizeof real);
        return 1;
    case 'l':
        if (!parse_int(value, &number))
            return 0;
        memcpy(field, &number, sizeof number);
        return 1;
    default:
        number = position(option->choices, value);
        if (number < 0 && !parse_int(value, &number))
            return 0;
        const int32_t choice = (int32_t)number;
        if (choice != number)
            return 0;
        memcpy(field, &choice, sizeof choice);
        return 1;
    }
}

static const absa__option *find_option(absa_context *ctx, const absa__options *table,
                                       const char *name)
{
    for (int32_t i = 0; name && i < table->count; i++)
        if (strcmp(table->option[i].name, name) == 0)
            return &table->option[i];
    absa__fail(ctx, ABSA_E_INVALID, "%s has no option '%s'", table->owner, name ? name : "NULL");
    return NULL;
}

static size_t format_list(const char *fields, const absa__option *option, char *text, size_t room)
{
    int64_t count;
    size_t used = 0;
    memcpy(&count, fields + option->count, sizeof count);
    text[0] = '\0';
    for (int64_t i = 0; i < count && i < option->most; i++) {
        double real;
        memcpy(&real, fields + option->offset + (size_t)i * sizeof real, sizeof real);
        char number[ABSA__REAL_TEXT];
        absa__write_real(real, number);
        used += (size_t)snprintf(text + used, room - used, "%s%s", i ? "," : "", number);
    }
    return used;
}

static size_t format_choice(int32_t choice, const char *word, char *text, size_t room)
{
    for (int32_t i = 0; i < choice && *word; i++) {
        word += strcspn(word, " ");
        word += *word == ' ';
    }
    if (choice < 0 || !*word)
        return (size_t)snprintf(text, room, "%" PRId32, choice);
    return (size_t)snprintf(text, room, "%.*s", (int)strcspn(word, " "), word);
}

/* One field as text; returns its length. */
static size_t format_field(const char *fields, const absa__option *option, char *text, size_t room)
{
    const char *field = fields + option->offset;
    int64_t whole;
    uint64_t large;
    int32_t choice;
    double real;
    switch (option->kind) {
    case 'a':
        return format_list(fields, option, text, room);
    case 'd':
        memcpy(&real, field, sizeof real);
        return absa__write_real(real, text);
    case 'l':
        memcpy(&whole, field, sizeof whole);
        return (size_t)snprintf(text, room, "%" PRId64, whole);
    case 'u':
        memcpy(&large, field, sizeof large);
        return (size_t)snprintf(text, room, "%" PRIu64, large);
    default:
        memcpy(&choice, field, sizeof choice);
        return format_choice(choice, option->choices, text, room);
    }
}

absa_status absa__options_get(absa_context *ctx, const absa__options *table, const void *fields,
                              const char *name, char *buffer, size_t capacity, size_t *size)
{
    char text[ABSA__OPTION_LIST * NUMBER];
    if (!size)
        return absa__fail(ctx, ABSA_E_INVALID, "%s_get: size is NULL", table->function);
    const absa__option *option = find_option(ctx, table, name);
    if (!option)
        return ABSA_E_INVALID;
    *size = format_field(fields, option, text, sizeof text) + 1;
    if (!buffer)
        return ABSA_OK;
    if (capacity < *size)
        return absa__fail(ctx, ABSA_E_SPACE, "%s_get: %zu bytes needed, %zu given", table->function,
                          *size, capacity);
    memcpy(buffer, text, *size);
    return ABSA_OK;
}

static const char *right_form(char kind)
{
    switch (kind) {
    case 'i':
        return "one of: ";
    case 'd':
        return "a number or a fraction such as 8/255";
    case 'u':
        return "a whole number, 0 or more";
    default:
        return "a whole number";
    }
}

absa_status absa__options_set(absa_context *ctx, const absa__options *table, void *fields,
                              const char *name, const char *value)
{
    if (!name || !value)
        return absa__fail(ctx, ABSA_E_INVALID, "%s_set: %s is NULL", table->function,
                          name ? "value" : "name");
    const absa__option *option = find_option(ctx, table, name);
    if (!option)
        return ABSA_E_INVALID;
    if (set_field(fields, option, value))
        return ABSA_OK;
    if (option->kind == 'a')
        return absa__fail(ctx, ABSA_E_INVALID,
                          "%s: '%s' is not a list of at most %d numbers with commas between", name,
                          value, (int)option->most);
    return absa__fail(ctx, ABSA_E_INVALID, "%s: '%s' is not %s%s", name, value,
                      right_form(option->kind), option->choices ? option->choices : "");
}

absa_status absa__options_check_choices(absa_context *ctx, const absa__options *table,
                                        const void *fields)
{
    for (int32_t i = 0; i < table->count; i++) {
        const absa__option *option = &table->option[i];
        if (option->kind != 'i')
            continue;
        int32_t choice, count = 1;
        memcpy(&choice, (const char *)fields + option->offset, sizeof choice);
        for (const char *p = option->choices; *p; p++)
            count += *p == ' ';
        if (choice < 0 || choice >= count)
            return absa__fail(ctx, ABSA_E_INVALID, "%s: %s is %d, must be 0 to %d", table->function,
                              option->name, (int)choice, (int)count - 1);
    }
    return ABSA_OK;
}
