/* When a run stops. */
#ifndef ABSA_EIGEN_RULES_H
#define ABSA_EIGEN_RULES_H

#include <absa/eigen.h>

/* Whether the rule of options fires on what is known; change is POWER's relative change of the
 * Rayleigh quotient. Exactness and budgets are the caller's. */
int absa__rule_fires(const absa_eigen_options *options, const absa_eigen_result *now,
                     double change);

#endif
