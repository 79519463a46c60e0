/* When a run stops. */
#ifndef ABSA_EIGEN_RULES_H
#define ABSA_EIGEN_RULES_H

#include <absa/eigen.h>

/* What the rules look at, the worst over all pairs that are wanted. */
typedef struct absa__shown {
    double gap;      /* how far an eigenvalue that was missed could lie from the values */
    double residual; /* largest residual */
    double size;     /* largest magnitude: what tolerance is relative to */
    double left_out; /* MAGNITUDE: residual of what was left out and may be larger; else 0 */
} absa__shown;

/* What a result shows of its one pair, or two. */
absa__shown absa__shown_of(const absa_eigen_result *r);

/* DECIDE's answer to whether the largest eigenvalue is below the threshold, given the answer so
 * far; closed: equal counts as below. */
int32_t absa__decide(int32_t answer, const absa_eigen_options *options,
                     const absa_eigen_result *now, const absa__shown *shown, double threshold,
                     int32_t closed);

/* Why to stop on what is known, one of enum absa_stop; NONE to go on. change is POWER's relative
 * change of the Rayleigh quotient, decides is 0 when DECIDE has no threshold. Exactness and budgets
 * are the caller's. */
int32_t absa__rule_stops(const absa_eigen_options *options, const absa_eigen_result *now,
                         const absa__shown *shown, double change, int decides);

#endif
