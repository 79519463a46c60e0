/* What the estimator needs of an operator beside its public functions. */
#ifndef ABSA_OPER_OPER_H
#define ABSA_OPER_OPER_H

#include "linalg/space.h"

#include <absa/operator.h>

/* The operator's space. */
const absa__space *absa__operator_space(const absa_operator *op);

/* To be called where a run of products at one theta begins (1) and ends (0). */
void absa__operator_run(absa_operator *op, int open);

/* Whether products are differences, so that they are no exact linear function of x. */
int absa__operator_differences(const absa_operator *op);

/* v'Hv over all processes, taken with half the step; costs about a product. For operators of
 * differences only; all processes call it together. */
absa_status absa__operator_halved(absa_operator *op, const void *v, double *value);

#endif
