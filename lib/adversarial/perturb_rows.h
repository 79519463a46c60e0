/* What is done with one row that has been checked. */
#ifndef ABSA_ADVERSARIAL_PERTURB_ROWS_H
#define ABSA_ADVERSARIAL_PERTURB_ROWS_H

#include "adversarial/perturb_plan.h"

/* One row of a call. */
typedef struct absa__row {
    const void *x;
    const void *g;     /* NULL in a start */
    const void *point; /* x itself in a single step, out in several */
    void *out;
    const uint8_t *mask; /* or NULL */
    double scale;        /* of epsilon */
    int64_t id;          /* of the sample */
} absa__row;

/* One step, any options. */
absa__seen absa__step_row(const absa__perturb_plan *plan, const absa__row *row, absa__reach *reach);

/* The random start, any options. */
absa__seen absa__start_row(const absa__perturb_plan *plan, const absa__row *row,
                           absa__reach *reach);

/* The arrays of a call. */
typedef struct absa__batch {
    int64_t rows;
    const unsigned char *x;
    const unsigned char *g; /* NULL: a start */
    int several;            /* the point is out, not x */
    unsigned char *out;
} absa__batch;

/* Row number at of the batch. */
absa__row absa__row_at(const absa__perturb_plan *plan, const absa__batch *b, int64_t at);

/* First row from at on that is selected; rows when there is none. */
int64_t absa__next_selected(const absa__perturb_plan *plan, const absa__batch *b, int64_t at);

/* The same, but the rows before it are copied and counted as done. */
int64_t absa__next_row(const absa__perturb_plan *plan, const absa__batch *b, int64_t at,
                       absa_perturb_result *r);

/* Looks for a NaN or infinity; ABSA_E_NONFINITE when r says where it is. */
absa_status absa__find_bad(const absa__perturb_plan *plan, const absa__row *row, int64_t at,
                           absa_perturb_result *r);

/* Whether absa__fast_walk() does this call: single sign steps that the ball cannot cut. */
int absa__fast_fits(const absa__perturb_plan *plan, const absa__batch *b);

/* All rows of such a call in vectorised loops, with the bits of absa__step_row(). */
absa_status absa__fast_walk(const absa__perturb_plan *plan, const absa__batch *b,
                            absa_perturb_result *r);

/* The two words of Philox keyed by (seed, purpose, update, id), see absa_perturb_start(). */
enum absa__purpose { ABSA__PURPOSE_SELECT = 1, ABSA__PURPOSE_START = 2, ABSA__PURPOSE_COUNT = 3 };
typedef struct absa__key {
    uint64_t high, low;
} absa__key;
/* The seed of a purpose, computed once for many samples. */
uint64_t absa__purpose_seed(uint64_t seed, int purpose);
absa__key absa__sample_key(uint64_t purpose_seed, int64_t update, int64_t id);

#endif
