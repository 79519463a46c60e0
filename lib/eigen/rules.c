/* The stop rules: pure functions of what a step has shown. */
#include "eigen/rules.h"

#include <math.h>

/* How far an eigenvalue that was missed could lie beyond the value. */
static double outer_gap(const absa_eigen_result *r)
{
    const int top = !(r->value < r->other_value);
    const double most = top ? r->upper : r->other_upper, least = top ? r->other_lower : r->lower;
    switch (r->which) {
    case ABSA_WHICH_SMALLEST:
        return r->value - r->lower;
    case ABSA_WHICH_MAGNITUDE:
        return fmax(most, -least) - fabs(r->value);
    case ABSA_WHICH_BOTH:
        return fmax(r->upper - r->value, r->other_value - r->other_lower);
    default:
        return r->upper - r->value;
    }
}

/* The residual of the other end, unless the bounds exclude that it is the larger one. A single Ritz
 * value knows of one end only. */
static double other_end(const absa_eigen_result *r)
{
    const double most = r->value < 0.0 ? r->other_upper : -r->other_lower;
    if (most <= fabs(r->value))
        return 0.0;
    return r->other_value == r->value ? HUGE_VAL : r->other_residual;
}

absa__shown absa__shown_of(const absa_eigen_result *r)
{
    absa__shown s = {outer_gap(r), r->residual, fabs(r->value), 0.0};
    if (r->which == ABSA_WHICH_MAGNITUDE)
        s.left_out = other_end(r);
    if (r->which == ABSA_WHICH_BOTH) {
        s.residual = fmax(r->residual, r->other_residual);
        s.size = fmax(fabs(r->value), fabs(r->other_value));
    }
    return s;
}

int32_t absa__decide(int32_t answer, const absa_eigen_options *options,
                     const absa_eigen_result *now, const absa__shown *shown, double threshold,
                     int32_t closed)
{
    /* What is certain takes back what was probable. */
    if (closed ? now->lower > threshold : now->lower >= threshold)
        return ABSA_ANSWER_NOT_BELOW;
    if (answer != ABSA_ANSWER_NONE)
        return answer;
    if (closed ? now->upper <= threshold : now->upper < threshold)
        return ABSA_ANSWER_BELOW;
    return shown->gap <= options->tolerance * shown->size ? ABSA_ANSWER_CLOSE : ABSA_ANSWER_NONE;
}

static int fires(const absa_eigen_options *options, const absa_eigen_result *now,
                 const absa__shown *shown, double change)
{
    const double margin = options->tolerance * shown->size;
    switch (options->rule) {
    case ABSA_RULE_RESIDUAL:
        return fmax(shown->residual, shown->left_out) <= margin;
    case ABSA_RULE_CHECKED:
        return shown->residual <= margin && shown->gap <= 5.0 * margin;
    case ABSA_RULE_POWER:
        return change < options->tolerance;
    case ABSA_RULE_FIXED:
        return now->products == options->max_products;
    default: /* CERTIFIED, and DECIDE once the value itself is wanted */
        return shown->gap <= margin;
    }
}

int32_t absa__rule_stops(const absa_eigen_options *options, const absa_eigen_result *now,
                         const absa__shown *shown, double change, int decides)
{
    if (decides && now->answer == ABSA_ANSWER_NOT_BELOW)
        return ABSA_STOP_DECIDED;
    if (decides && now->answer == ABSA_ANSWER_NONE)
        return ABSA_STOP_NONE;
    return fires(options, now, shown, change) ? ABSA_STOP_CONVERGED : ABSA_STOP_NONE;
}
