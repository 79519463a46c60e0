/* Operators made of differences: their products are no exact linear function of the vector, least
 * of all over the kinks of ReLU, so what bounds would prove is only an estimate. How wide it has to
 * be is measured: by the consistency meter, and by taking the value once more with half the step.
 * The factor 3 is a rule of thumb, which the result says by calling itself heuristic. */
#include "eigen/eigen_impl.h"

#include "oper/oper.h"

#include <math.h>

/* What the value changes by with half the step, measured on its vector; infinity without one. */
static absa_status change_of_value(absa_eigen *e, absa_operator *op, double *change)
{
    const int two_pass = e->memory == ABSA_MEMORY_TWO_PASS;
    double square = 0.0, halved = 0.0;
    *change = HUGE_VAL;
    if (e->options.rule == ABSA_RULE_POWER || e->memory == ABSA_MEMORY_VALUE ||
        (two_pass && !e->has_vector))
        return ABSA_OK;
    void *v = e->slot[absa__hint_slot(e)];
    absa_status status = two_pass ? ABSA_OK : absa__ritz_sum(e, 0, 1, v);
    const void *self = v;
    if (!status)
        status = absa__vector_dots(&e->space, 1, &self, v, &square);
    status = absa__vector_sum(&e->space, status, &square, 1);
    status = absa__replica_status(&e->space, status);
    if (status)
        return status;
    e->busy = 1;
    status = absa__operator_halved(op, v, &halved);
    e->busy = 0;
    *change = fabs(halved / square - e->now.value);
    e->now.products++;
    return absa__space_status(&e->space, status);
}

absa_status absa__differences_widen(absa_eigen *e, absa_operator *op)
{
    absa_eigen_result *r = &e->now;
    double change;
    const absa_status status = change_of_value(e, op, &change);
    if (status)
        return status;
    /* A change that is no number says nothing, as none does. */
    const double width =
        isfinite(change) ? 3.0 * r->inconsistency * fabs(r->value) + change : HUGE_VAL;
    r->lower -= width;
    r->upper += width;
    r->other_lower -= width;
    r->other_upper += width;
    r->rest_bound += r->which == ABSA_WHICH_SMALLEST ? -width : width;
    for (int64_t i = 0; i < r->pairs; i++) {
        e->pair[i].lower -= width;
        e->pair[i].upper += width;
    }
    return ABSA_OK;
}
