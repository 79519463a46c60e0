/* A sparse symmetric matrix by rows, both triangles, and its product. */
#ifndef ABSA_EIG_SPARSE_H
#define ABSA_EIG_SPARSE_H

#include "mtx.h"

typedef struct sparse {
    int64_t n;
    int64_t *start;  /* n + 1: where each row begins */
    int32_t *column; /* ascending in a row */
    void *value;     /* double or float */
    int f32;
    int exponent; /* the matrix is 2^exponent times this one, whose largest entry is next to 1 */
} sparse;

/* Makes the matrix, or returns 0 with *error: not symmetric, a pattern's entry given twice. Entries
 * of one place are summed. The text tells lines for messages. */
int sparse_make(const mtx *m, int f32, const char *text, size_t size, sparse *out,
                mtx_error *error);

/* y = A x; vectors of the matrix's type, sums in double. An absa_hvp_fn. */
int sparse_product(void *matrix, const void *x, void *y, int64_t *samples);

void sparse_free(sparse *s);

#endif
