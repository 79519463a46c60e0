/* A real number as text: decimal, or a fraction of two such numbers, the same in every locale. */
#ifndef ABSA_BASE_REAL_TEXT_H
#define ABSA_BASE_REAL_TEXT_H

#include <stddef.h>

/* Reads the number that text begins with, "0.03" or "8/255", and returns where it ends; NULL when
 * there is none: white space before or inside, a part that is missing or not finite, a divisor of
 * 0, a quotient that is not finite. What follows the number is for the caller to judge. */
const char *absa__read_real(const char *text, double *out);

/* Whether the whole text is such a number. */
int absa__parse_real(const char *text, double *out);

/* Room for a number as absa__write_real() writes it. */
enum { ABSA__REAL_TEXT = 32 };

/* Writes 17 significant digits, which are read back to the same bits; returns their length. */
size_t absa__write_real(double x, char text[ABSA__REAL_TEXT]);

#endif
