/* The stop rules, one line each: pure functions of what a step has shown. */
#include "eigen/rules.h"

#include <math.h>

int absa__rule_fires(const absa_eigen_options *options, const absa_eigen_result *now, double change)
{
    const double margin = options->tolerance * fabs(now->value);
    switch (options->rule) {
    case ABSA_RULE_RESIDUAL:
        return now->residual <= margin;
    case ABSA_RULE_CHECKED:
        return now->residual <= margin && now->upper - now->value <= 5.0 * margin;
    case ABSA_RULE_CERTIFIED:
        return now->upper - now->value <= margin;
    case ABSA_RULE_POWER:
        return change < options->tolerance;
    default: /* FIXED */
        return now->products == options->max_products;
    }
}
