/* Real numbers from command lines and configurations. People write an epsilon as 8/255, so a
 * fraction is a number here wherever one is read from text. */
#include "base/real_text.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>

/* strtod() passes over white space, which would make "8/ 255" a number. */
static const char *read_decimal(const char *text, double *out)
{
    char *end;
    if (isspace((unsigned char)*text))
        return NULL;
    *out = strtod(text, &end);
    return end != text && isfinite(*out) ? end : NULL;
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
