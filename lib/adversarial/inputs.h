/* The six element types of inputs: sizes, ranges, conversion to and from double, and checks. */
#ifndef ABSA_ADVERSARIAL_INPUTS_H
#define ABSA_ADVERSARIAL_INPUTS_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of an element. type is one of enum absa_input, not SAME. */
size_t absa__input_size(int32_t type);

/* Smallest and largest finite number of the type. */
void absa__input_range(int32_t type, double *least, double *most);

/* Index of the first NaN or infinity of n elements; -1 when there is none. */
int64_t absa__input_first_bad(int32_t type, int64_t n, const void *x);

/* Elements [first, first + n) of a row as doubles. */
void absa__input_load(int32_t type, const void *row, int64_t first, int64_t n, double *out);

/* The result of a block, still in double, and what bounds it. */
typedef struct absa__results {
    const double *value; /* within low and high */
    const double *x;     /* the clean input */
    const double *low;
    const double *high;
    const double *ball; /* epsilon, or NULL where there is no ball */
} absa__results;

/* Stores n results at element first of a row: rounded to nearest, for types other than F32 and F64
 * to the nearest value inside low, high and ball. Where the value is x, the bits of x_row are kept.
 * Answers 1 when a value differs from x. row may be x_row. */
int absa__input_store(int32_t type, const absa__results *results, int64_t first, int64_t n,
                      const void *x_row, void *row);

#endif
