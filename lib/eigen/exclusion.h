/* Where, between Ritz values, the certificate leaves no room for an eigenvalue. */
#ifndef ABSA_EIGEN_EXCLUSION_H
#define ABSA_EIGEN_EXCLUSION_H

#include <stdint.h>

/* The recurrence as the certificate sees it, on the axis turned by sign: there, Ritz value i is
 * sign value[k - 1 - i] for sign 1 and sign value[i] for sign -1, so that they fall with i. */
typedef struct absa__view {
    double sign;
    int64_t count; /* Ritz values */
    const double *value;
    const double *residual;
    int64_t roots; /* Ritz values that restarts threw away */
    const double *root;
    double log_beta;  /* sum of the logarithms of all beta */
    double log_limit; /* of 1 / delta^2 */
    double margin;    /* rounding of a root */
} absa__view;

/* Ritz value i from the top, and its residual. */
double absa__view_value(const absa__view *v, int64_t i);
double absa__view_residual(const absa__view *v, int64_t i);

/* Looks between Ritz values i + 1 and i for an interval [*from, *to] in which S exceeds the limit.
 * Returns 0 when none is found. */
int absa__excluded_between(const absa__view *v, int64_t i, double *from, double *to);

/* 1 when all of [from, to], which holds Ritz value i and no other, is excluded. */
int absa__excluded_around(const absa__view *v, int64_t i, double from, double to);

#endif
