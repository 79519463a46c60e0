/* What the estimator needs of an operator beside its public functions. */
#ifndef ABSA_OPER_OPER_H
#define ABSA_OPER_OPER_H

#include "linalg/space.h"

#include <absa/operator.h>

/* The operator's space. */
const absa__space *absa__operator_space(const absa_operator *op);

#endif
