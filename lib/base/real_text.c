/* Real numbers from command lines and configurations. People write an epsilon as 8/255, so a
 * fraction is a number here wherever one is read from text. The C library's functions use the
 * decimal point of the host's locale, which may be a comma; text of this library never does. */
#include "base/real_text.h"

#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The longest number and the longest decimal point that are understood. */
enum { LONGEST = 128, POINT = 8 };

/* Writes text, with point in place of the first "from", to copy; returns where in it that is, or
 * its end. */
static size_t translate(const char *text, size_t length, const char *from, const char *point,
                        char *copy)
{
    size_t at = 0;
    while (at < length && strncmp(text + at, from, strlen(from)) != 0)
        at++;
    memcpy(copy, text, at);
    if (at == length) {
        copy[at] = '\0';
        return at;
    }
    const size_t behind = at + strlen(from), width = strlen(point);
    memcpy(copy + at, point, width);
    memcpy(copy + at + width, text + behind, length - behind);
    copy[at + width + length - behind] = '\0';
    return at;
}

/* The host's decimal point. */
static const char *decimal_point(void)
{
    const char *point = localeconv()->decimal_point;
    return *point && strlen(point) <= POINT ? point : ".";
}

/* strtod() passes over white space, which would make "8/ 255" a number. */
static const char *read_decimal(const char *text, double *out)
{
    char copy[LONGEST + POINT + 1], *end;
    const char *point = decimal_point();
    const size_t length = strcspn(text, ",/ "), width = strlen(point);
    if (isspace((unsigned char)*text) || length > LONGEST)
        return NULL;
    const size_t at = translate(text, length, ".", point, copy);
    *out = strtod(copy, &end);
    const size_t used = (size_t)(end - copy);
    if (used == 0 || !isfinite(*out))
        return NULL;
    return text + (used > at ? used - width + 1 : used);
}

const char *absa__read_real(const char *text, double *out)
{
    double number, divisor;
    const char *end = read_decimal(text, &number);
    if (end && *end == '/') {
        end = read_decimal(end + 1, &divisor);
        if (!end)
            return NULL;
        number /= divisor;
        if (!isfinite(number)) /* by 0, for one */
            return NULL;
    }
    if (end)
        *out = number;
    return end;
}

int absa__parse_real(const char *text, double *out)
{
    double number;
    const char *end = absa__read_real(text, &number);
    if (!end || *end)
        return 0;
    *out = number;
    return 1;
}

size_t absa__write_real(double x, char text[ABSA__REAL_TEXT])
{
    char raw[ABSA__REAL_TEXT];
    const int length = snprintf(raw, sizeof raw, "%.17g", x);
    translate(raw, (size_t)length, decimal_point(), ".", text);
    return strlen(text);
}
