/* A real number as text: decimal, or a fraction of two such numbers. */
#ifndef ABSA_BASE_REAL_TEXT_H
#define ABSA_BASE_REAL_TEXT_H

/* Reads the number that text begins with, "0.03" or "8/255", and returns where it ends; NULL when
 * there is none: white space before or inside, a part that is missing or not finite, a divisor of
 * 0, a quotient that is not finite. What follows the number is for the caller to judge. */
const char *absa__read_real(const char *text, double *out);

/* Whether the whole text is such a number. */
int absa__parse_real(const char *text, double *out);

#endif
