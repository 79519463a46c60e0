/* What the estimator needs of an operator beside its public functions. */
#ifndef ABSA_OPER_OPER_H
#define ABSA_OPER_OPER_H

#include "linalg/space.h"

#include <absa/operator.h>

/* The operator's space. */
const absa__space *absa__operator_space(const absa_operator *op);

/* To be called where a run begins. */
void absa__operator_begin(absa_operator *op);

/* Whether products are differences, so that they are no exact linear function of x. */
int absa__operator_differences(const absa_operator *op);

/* Has differences take their steps times factor, until it is called with 1 again. */
void absa__operator_stride(absa_operator *op, double factor);

#endif
