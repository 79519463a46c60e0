/* Quantiles of Student's t distribution, for confidence intervals of means. */
#ifndef ABSA_BASE_STUDENT_H
#define ABSA_BASE_STUDENT_H

#include <stdint.h>

/* The t >= 0 with P(|T| <= t) = confidence, T having this many degrees of freedom, at least 1;
 * confidence in (0, 0.999999]. Right to about 10 digits. */
double absa__student_quantile(int64_t freedom, double confidence);

#endif
