/* Catastrophic overfitting: the comparison of one step with several. When to look, on which rows,
 * and what follows from it, is left to the host. */
#include <absa/adversarial.h>

#include "base/structs.h"

#include <math.h>

void absa_collapse_options_init(absa_collapse_options *options, size_t size)
{
    const absa_collapse_options o = {
        .ratio = 4.0,
        .margin = 0.1,
        .confidence = 2.0,
    };
    absa__struct_init(options, size, &o, sizeof o);
}

void absa_collapse_result_init(absa_collapse_result *result, size_t size)
{
    const absa_collapse_result r = {0};
    absa__struct_init(result, size, &r, sizeof r);
}

/* A row's many - clean - ratio * (one - clean). */
static double difference(double ratio, double clean, double one, double many)
{
    return (many - clean) - ratio * (one - clean);
}

absa_status absa_collapse_check(const absa_collapse_options *options, int64_t rows,
                                const double *clean, const double *one_step,
                                const double *many_steps, absa_collapse_result *result)
{
    absa_collapse_options o;
    absa_collapse_result r;
    absa_collapse_options_init(&o, sizeof o);
    absa_collapse_result_init(&r, sizeof r);
    absa_status status = ABSA_OK;
    if (rows < 1 || !clean || !one_step || !many_steps || !result)
        return ABSA_E_INVALID;
    if (options)
        status = absa__struct_read(NULL, "absa_collapse_options", options, &o, sizeof o);
    if (status)
        return status;
    if (!(o.ratio >= 1.0) || !isfinite(o.ratio) || !(o.margin >= 0.0) || !isfinite(o.margin) ||
        !(o.confidence >= 0.0) || !isfinite(o.confidence))
        return ABSA_E_INVALID;
    const double n = (double)rows;
    for (int64_t i = 0; i < rows; i++) {
        if (!isfinite(clean[i]) || !isfinite(one_step[i]) || !isfinite(many_steps[i]))
            return ABSA_E_NONFINITE;
        r.one_step_rise += (one_step[i] - clean[i]) / n;
        r.many_step_rise += (many_steps[i] - clean[i]) / n;
    }
    /* A step that lowers the loss counts as one without effect: it must not make the excess larger
     * than what several steps really did. */
    const double ratio = r.one_step_rise > 0.0 ? o.ratio : 0.0;
    double excess_square = 0.0, rise_square = 0.0;
    r.excess = r.many_step_rise - ratio * r.one_step_rise;
    for (int64_t i = 0; i < rows; i++) {
        const double d = difference(ratio, clean[i], one_step[i], many_steps[i]) - r.excess;
        const double m = many_steps[i] - clean[i] - r.many_step_rise;
        excess_square += d * d;
        rise_square += m * m;
    }
    const double freedom = rows > 1 ? n * (n - 1.0) : 1.0;
    r.standard_error = rows > 1 ? sqrt(excess_square / freedom) : 0.0;
    const double rise_error = rows > 1 ? sqrt(rise_square / freedom) : 0.0;
    r.collapsed = r.excess > o.confidence * r.standard_error &&
                  r.many_step_rise - o.margin > o.confidence * rise_error;
    return absa__struct_write(NULL, "absa_collapse_result", &r, result, sizeof r);
}
