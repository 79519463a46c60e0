/* A checked call: what the options mean, ready to be walked row by row. */
#ifndef ABSA_ADVERSARIAL_PERTURB_PLAN_H
#define ABSA_ADVERSARIAL_PERTURB_PLAN_H

#include <absa/adversarial.h>

/* Elements that are worked on at once: their tables fit the first level cache. */
enum { ABSA__BLOCK = 256 };

/* How epsilon, lo and hi vary over a row. */
enum absa__shape {
    ABSA__SHAPE_CONSTANT, /* not at all */
    ABSA__SHAPE_RUNS,     /* constant over runs of row_size / channels elements */
    ABSA__SHAPE_PATTERN,  /* with a period of channels, which fits into a block */
    ABSA__SHAPE_ELEMENTS  /* anyhow */
};

typedef struct absa__perturb_plan {
    absa_perturb_options o; /* strides and g_element filled in */
    int shape;
    int ball;      /* results stay within epsilon of x */
    size_t size;   /* bytes of an element of x, point and out */
    size_t g_size; /* of g */
    double most;   /* largest epsilon of the options */
    double factor; /* of a step's epsilon: direction, step_ratio and for RAW grad_scale */
} absa__perturb_plan;

/* Reads and checks the options for a call with these rows. */
absa_status absa__perturb_plan_make(const absa_perturb_options *options, int64_t rows,
                                    absa__perturb_plan *plan);

/* Epsilon (row_scale included, rounded for F32), lo and hi of the elements of one piece of a row;
 * lo and hi are numbers of the element type's range. */
typedef struct absa__reach {
    int64_t key;    /* which piece it holds; -1: none */
    int64_t filled; /* elements */
    double scale;   /* row_scale that epsilon holds */
    double epsilon[ABSA__BLOCK], lo[ABSA__BLOCK], hi[ABSA__BLOCK];
} absa__reach;

/* Length of the piece of a row that begins at element first, at most ABSA__BLOCK. */
int64_t absa__piece(const absa__perturb_plan *plan, int64_t first);

/* Makes reach hold the piece; answers 1 when that changed it. */
int absa__reach_fill(const absa__perturb_plan *plan, int64_t first, int64_t length, double scale,
                     absa__reach *reach);

/* What a row showed. */
typedef struct absa__seen {
    int moved;   /* a value differs from x */
    int nonzero; /* an element that may move has a gradient other than 0 */
} absa__seen;

#endif
