/* Perturbing one row. What a row is, and which numbers hold for which element, is perturb.c's. */
#include "adversarial/perturb_rows.h"

#include <float.h>
#include <math.h>

#define REAL       float
#define NAME(name) name##_f32
#define ABS        fabsf
#define LARGEST    FLT_MAX
#include "adversarial/perturb_real.h"
#undef REAL
#undef NAME
#undef ABS
#undef LARGEST

#define REAL       double
#define NAME(name) name##_f64
#define ABS        fabs
#define LARGEST    DBL_MAX
#include "adversarial/perturb_real.h"
