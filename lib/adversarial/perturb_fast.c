/* The fast path: one sign step of F32 or F64 rows, where nothing but the box can cut it. Everything
 * else is perturb_blocks.c's, which gives the same bits for these, too. */
#include "adversarial/perturb_rows.h"

#include <math.h>

#define REAL  float
#define BITS  int32_t
#define ROW   row_f32
#define FROM  from_f32
#define MOVE  move_f32
#define REACH absa__reach_f32
#include "adversarial/fast_real.h"
#define REAL  double
#define BITS  int64_t
#define ROW   row_f64
#define FROM  from_f64
#define MOVE  move_f64
#define REACH absa__reach_f64
#include "adversarial/fast_real.h"

int absa__fast_fits(const absa__perturb_plan *plan)
{
    const absa_perturb_options *o = &plan->o;
    return o->step == ABSA_STEP_SIGN && fabs(plan->factor) <= 1.0 && !o->mask &&
           o->element == o->g_element &&
           (o->element == ABSA_INPUT_F32 || o->element == ABSA_INPUT_F64);
}

absa__seen absa__fast_row(const absa__perturb_plan *plan, const absa__row *row, absa__reach *reach,
                          absa__reach_fast *fast)
{
    return plan->o.element == ABSA_INPUT_F32 ? row_f32(plan, row, reach, &fast->f32)
                                             : row_f64(plan, row, reach, &fast->f64);
}
