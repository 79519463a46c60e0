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

/* Reach tables as the fast path reads them. */
typedef struct absa__reach_f32 {
    float step[ABSA__BLOCK], lo[ABSA__BLOCK], hi[ABSA__BLOCK];
} absa__reach_f32;

typedef struct absa__reach_f64 {
    double step[ABSA__BLOCK], lo[ABSA__BLOCK], hi[ABSA__BLOCK];
} absa__reach_f64;

typedef union absa__reach_fast {
    absa__reach_f32 f32;
    absa__reach_f64 f64;
} absa__reach_fast;

/* Whether absa__fast_row() does these options: single sign steps that the ball cannot cut. */
int absa__fast_fits(const absa__perturb_plan *plan);

/* absa__step_row() for them, in one vectorised loop, with the same bits. */
absa__seen absa__fast_row(const absa__perturb_plan *plan, const absa__row *row, absa__reach *reach,
                          absa__reach_fast *fast);

/* The two words of Philox keyed by (seed, purpose, update, id), see absa_perturb_start(). */
enum absa__purpose { ABSA__PURPOSE_SELECT = 1, ABSA__PURPOSE_START = 2, ABSA__PURPOSE_COUNT = 3 };
typedef struct absa__key {
    uint64_t high, low;
} absa__key;
/* The seed of a purpose, computed once for many samples. */
uint64_t absa__purpose_seed(uint64_t seed, int purpose);
absa__key absa__sample_key(uint64_t purpose_seed, int64_t update, int64_t id);

#endif
