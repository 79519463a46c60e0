/* Means over probe batches: their standard errors, and the runs and quotients they are taken of.
 * What one run or product says is the estimator's and the operator's; here it is a number. */
#include "eigen/eigen_impl.h"

#include "base/fail.h"
#include "base/structs.h"
#include "base/student.h"
#include "oper/oper.h"

#include <absa/sampling.h>

#include <math.h>
#include <stddef.h>
#include <string.h>

/* Figures, stride bytes apart, with weights or NULL. */
typedef struct series {
    int64_t count;
    const double *first;
    size_t stride;
    const double *weights;
} series;

void absa_sampling_options_init(absa_sampling_options *options, size_t size)
{
    absa_sampling_options o = {0};
    o.confidence = 0.95;
    o.least = 4;
    absa__struct_init(options, size, &o, sizeof o);
}

void absa_sampling_result_init(absa_sampling_result *result, size_t size)
{
    const absa_sampling_result r = {0};
    absa__struct_init(result, size, &r, sizeof r);
}

static double at(const series *s, int64_t i)
{
    double x;
    memcpy(&x, (const char *)s->first + (size_t)i * s->stride, sizeof x);
    return x;
}

static double weight(const series *s, int64_t i)
{
    return s->weights ? s->weights[i] : 1.0;
}

static absa_status check_confidence(absa_context *ctx, double confidence)
{
    if (confidence > 0.0 && confidence <= 0.999999)
        return ABSA_OK;
    return absa__fail(ctx, ABSA_E_INVALID, "confidence is %g, must be above 0 and at most 0.999999",
                      confidence);
}

static absa_status check_weights(absa_context *ctx, int64_t count, const double *weights)
{
    if (count < 2)
        return absa__fail(ctx, ABSA_E_INVALID,
                          "%lld batches: how much they differ takes at least 2", (long long)count);
    for (int64_t i = 0; weights && i < count; i++)
        if (!(weights[i] > 0.0) || !isfinite(weights[i]))
            return absa__fail(ctx, ABSA_E_INVALID,
                              "the weight of batch %lld is %g, must be above 0 and finite",
                              (long long)i, weights[i]);
    return ABSA_OK;
}

/* The largest weight, and magnitude of the figures: what sums are scaled by, so that they neither
 * overflow nor vanish. */
static double largest(const series *s, int of_weights)
{
    double most = 0.0;
    for (int64_t i = 0; i < s->count; i++)
        most = fmax(most, of_weights ? weight(s, i) : fabs(at(s, i)));
    return most > 0.0 ? most : 1.0;
}

/* The weighted mean; infinities and NaN are carried. */
static double mean_of(const series *s)
{
    const double top = largest(s, 1);
    double sum = 0.0, all = 0.0;
    for (int64_t i = 0; i < s->count; i++)
        all += weight(s, i) / top;
    for (int64_t i = 0; i < s->count; i++)
        sum += weight(s, i) / top / all * at(s, i);
    return sum;
}

/* Fills all but lower and upper, which are the mean less and plus the sampling part. */
static void summarise(const series *s, double confidence, absa_sampling_result *r)
{
    const double top = largest(s, 1), scale = largest(s, 0), m = (double)s->count;
    double all = 0.0, spread = 0.0, error = 0.0;
    absa_sampling_result_init(r, sizeof *r);
    r->batches = s->count;
    r->mean = mean_of(s);
    for (int64_t i = 0; i < s->count; i++)
        all += weight(s, i) / top;
    for (int64_t i = 0; i < s->count; i++) {
        const double w = weight(s, i) / top / all, d = (at(s, i) - r->mean) / scale;
        spread += w * d * d;
        error += w * d * (w * d);
    }
    r->deviation = scale * sqrt(m / (m - 1.0) * spread);
    r->standard_error = scale * sqrt(m / (m - 1.0) * error);
    r->confidence = confidence;
    r->quantile = absa__student_quantile(s->count - 1, confidence);
    r->lower = r->mean - r->quantile * r->standard_error;
    r->upper = r->mean + r->quantile * r->standard_error;
}

absa_status absa_sampling_from_values(absa_context *context, int64_t count, const double *values,
                                      const double *weights, double confidence,
                                      absa_sampling_result *result)
{
    const series s = {count, values, sizeof(double), weights};
    absa_sampling_result r;
    if (!values || !result)
        return absa__fail(context, ABSA_E_INVALID, "absa_sampling_from_values: %s is NULL",
                          values ? "result" : "values");
    absa_status status = check_confidence(context, confidence);
    if (!status)
        status = check_weights(context, count, weights);
    if (status)
        return status;
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return absa__fail(context, ABSA_E_NONFINITE, "the value of batch %lld is %g",
                              (long long)i, values[i]);
    summarise(&s, confidence, &r);
    return absa__struct_write(context, "absa_sampling_result", &r, result, sizeof r);
}

/* The stride of an array of results is its struct_size, which therefore has to hold what is read
 * here, and keep doubles aligned. */
static absa_status check_stride(absa_context *ctx, const absa_eigen_result *runs)
{
    const size_t size = runs->struct_size;
    absa_status status = absa__struct_check(ctx, "absa_eigen_result", runs);
    if (!status && (size < offsetof(absa_eigen_result, pairs) || size % sizeof(double)))
        status =
            absa__fail(ctx, ABSA_E_ABI,
                       "absa_eigen_result: struct_size is %zu, too small or no multiple of %zu",
                       size, sizeof(double));
    return status;
}

/* Result i of an array. */
static absa_status read_run(absa_context *ctx, const absa_eigen_result *runs, int64_t i,
                            absa_eigen_result *out)
{
    const char *at_i = (const char *)runs + (size_t)i * runs->struct_size;
    size_t size;
    memcpy(&size, at_i, sizeof size);
    if (size != runs->struct_size)
        return absa__fail(ctx, ABSA_E_ABI,
                          "absa_eigen_result %lld has struct_size %zu, the first one %zu; prepare "
                          "all with absa_eigen_result_init",
                          (long long)i, size, runs->struct_size);
    absa_eigen_result_init(out, sizeof *out);
    return absa__struct_read(ctx, "absa_eigen_result", at_i, out, sizeof *out);
}

static absa_status check_run(absa_context *ctx, int64_t i, const absa_eigen_result *r,
                             int32_t which)
{
    if (!isfinite(r->value) || isnan(r->lower) || isnan(r->upper))
        return absa__fail(ctx, ABSA_E_NONFINITE, "the run of batch %lld says %g in [%g, %g]",
                          (long long)i, r->value, r->lower, r->upper);
    if (r->which != which)
        return absa__fail(ctx, ABSA_E_INVALID,
                          "the run of batch %lld is of another end (which is %d, not %d)",
                          (long long)i, (int)r->which, (int)which);
    if (r->answer == ABSA_ANSWER_NOT_BELOW)
        return absa__fail(ctx, ABSA_E_INVALID,
                          "the run of batch %lld ended at \"not below\": it has no value; run "
                          "without a threshold",
                          (long long)i);
    return ABSA_OK;
}

/* Adds a run to what is not a mean; all has the last run's fields. */
static void gather(absa_eigen_result *all, const absa_eigen_result *before)
{
    all->eta = fmin(all->eta + before->eta, 1.0);
    all->residual = fmax(all->residual, before->residual);
    all->other_residual = fmax(all->other_residual, before->other_residual);
    all->inconsistency = fmax(all->inconsistency, before->inconsistency);
    all->products += before->products;
    if (all->peak_vectors < before->peak_vectors)
        all->peak_vectors = before->peak_vectors;
    if (all->converged && !before->converged)
        all->stop = before->stop;
    all->converged = all->converged && before->converged;
    all->consistent = all->consistent && before->consistent;
    all->heuristic = all->heuristic || before->heuristic;
}

/* What may be written to: both outputs, or neither. */
static absa_status check_outputs(absa_context *ctx, const absa_eigen_result *mean,
                                 const absa_sampling_result *result)
{
    const absa_status status = absa__struct_check(ctx, "absa_sampling_result", result);
    return status || !mean ? status : absa__struct_check(ctx, "absa_eigen_result", mean);
}

/* The mean of runs that were read before; one field after the other. */
static void mean_run(int64_t count, const absa_eigen_result *runs, const double *weights,
                     absa_eigen_result *all)
{
    const size_t stride = runs->struct_size;
    all->answer = ABSA_ANSWER_NONE;
    all->value = mean_of(&(series){count, &runs->value, stride, weights});
    all->lower = mean_of(&(series){count, &runs->lower, stride, weights});
    all->upper = mean_of(&(series){count, &runs->upper, stride, weights});
    all->other_value = mean_of(&(series){count, &runs->other_value, stride, weights});
    all->other_lower = mean_of(&(series){count, &runs->other_lower, stride, weights});
    all->other_upper = mean_of(&(series){count, &runs->other_upper, stride, weights});
}

absa_status absa_sampling_from_results(absa_context *context, int64_t count,
                                       const absa_eigen_result *runs, const double *weights,
                                       double confidence, absa_eigen_result *mean,
                                       absa_sampling_result *result)
{
    absa_eigen_result all = {0}, run = {0};
    absa_sampling_result r;
    if (!runs || !result)
        return absa__fail(context, ABSA_E_INVALID, "absa_sampling_from_results: %s is NULL",
                          runs ? "result" : "runs");
    absa_status status = check_confidence(context, confidence);
    if (!status)
        status = check_weights(context, count, weights);
    if (!status)
        status = check_outputs(context, mean, result);
    if (!status)
        status = check_stride(context, runs);
    if (!status)
        status = read_run(context, runs, count - 1, &all);
    const int32_t which = status ? 0 : all.which;
    for (int64_t i = count - 1; i >= 0 && !status; i--) {
        status = read_run(context, runs, i, &run);
        if (!status)
            status = check_run(context, i, &run, which);
        if (!status && i < count - 1)
            gather(&all, &run);
    }
    if (status)
        return status;
    mean_run(count, runs, weights, &all);
    summarise(&(series){count, &runs->value, runs->struct_size, weights}, confidence, &r);
    r.lower = all.lower - r.quantile * r.standard_error;
    r.upper = all.upper + r.quantile * r.standard_error;
    if (mean)
        status = absa__struct_write(context, "absa_eigen_result", &all, mean, sizeof all);
    return status ? status
                  : absa__struct_write(context, "absa_sampling_result", &r, result, sizeof r);
}

static absa_status read_options(absa_context *ctx, const absa_sampling_options *given,
                                absa_sampling_options *o)
{
    absa_sampling_options_init(o, sizeof *o);
    absa_status status =
        given ? absa__struct_read(ctx, "absa_sampling_options", given, o, sizeof *o) : ABSA_OK;
    if (!status)
        status = check_confidence(ctx, o->confidence);
    if (!status && (!(o->target >= 0.0) || !isfinite(o->target)))
        status = absa__fail(ctx, ABSA_E_INVALID,
                            "absa_sampling_options: target is %g, must be finite and not negative",
                            o->target);
    if (!status && o->least < 2)
        status = absa__fail(ctx, ABSA_E_INVALID,
                            "absa_sampling_options: least is %lld, must be at least 2",
                            (long long)o->least);
    return status;
}

/* What both ways through the batches ask of their arguments. */
static absa_status check_parts(absa_eigen *e, int64_t count, absa_operator *const *parts,
                               const double *weights, const absa_sampling_options *given,
                               absa_sampling_options *o)
{
    absa_status status = read_options(e->ctx, given, o);
    if (!status)
        status = check_weights(e->ctx, count, weights);
    for (int64_t i = 0; i < count && !status; i++)
        if (!parts[i])
            status = absa__fail(e->ctx, ABSA_E_INVALID, "the operator of batch %lld is NULL",
                                (long long)i);
        else
            status = absa__space_match(&e->space, absa__operator_space(parts[i]));
    return status;
}

/* Has the host change batches; every process learns when one of them could not. */
static absa_status select_batch(absa_eigen *e, const absa_sampling_options *o, int64_t batch)
{
    if (!o->select)
        return ABSA_OK;
    absa__callback_begin(e->ctx);
    e->busy = 1;
    const int code = o->select(o->select_user, batch);
    e->busy = 0;
    return absa__space_status(&e->space,
                              code ? absa__callback_failed(e->ctx, "select", code) : ABSA_OK);
}

/* Whether the target has been met by the first s->count batches. */
static int enough(const series *s, const absa_sampling_options *o)
{
    absa_sampling_result r;
    if (o->target == 0.0 || s->count < o->least)
        return 0;
    summarise(s, o->confidence, &r);
    return r.quantile * r.standard_error <= o->target * fabs(r.mean);
}

absa_status absa_sampling_run(absa_eigen *eigen, int64_t count, absa_operator *const *parts,
                              const double *weights, const absa_sampling_options *options,
                              absa_eigen_result *runs, absa_eigen_result *mean,
                              absa_sampling_result *result)
{
    absa_sampling_options o;
    absa_status status = absa__eigen_check(eigen, "absa_sampling_run");
    if (status)
        return status;
    if (!parts || !runs || !result)
        return absa__fail(eigen->ctx, ABSA_E_INVALID, "absa_sampling_run: %s is NULL",
                          !parts  ? "parts"
                          : !runs ? "runs"
                                  : "result");
    status = check_parts(eigen, count, parts, weights, options, &o);
    if (!status)
        status = check_outputs(eigen->ctx, mean, result);
    if (!status)
        status = check_stride(eigen->ctx, runs);
    series s = {0, &runs->value, runs->struct_size, weights};
    while (!status && s.count < count && !enough(&s, &o)) {
        absa_eigen_result *run =
            (absa_eigen_result *)(void *)((char *)runs + (size_t)s.count * s.stride);
        run->struct_size = s.stride;
        status = select_batch(eigen, &o, s.count);
        if (!status)
            status = absa_eigen_run(eigen, parts[s.count], NULL, run);
        if (!status)
            s.count++;
    }
    return status ? status
                  : absa_sampling_from_results(eigen->ctx, s.count, runs, weights, o.confidence,
                                               mean, result);
}

/* v'v and v'y over all processes; status is this process's so far. */
static absa_status two_dots(absa_eigen *e, absa_status status, const void *v, const void *y,
                            double *vv, double *vy)
{
    const void *const x[2] = {v, y};
    double dots[2] = {0.0, 0.0};
    if (!status)
        status = absa__vector_dots(&e->space, y ? 2 : 1, x, v, dots);
    status = absa__vector_sum(&e->space, status, dots, 2);
    *vv = dots[0];
    *vy = dots[1];
    return status;
}

/* One batch's quotient. */
static absa_status quotient(absa_eigen *e, absa_operator *op, int64_t batch, const void *v,
                            void *work, double *out)
{
    double vv, vy;
    e->busy = 1;
    absa_status status = absa_operator_apply(op, v, work);
    e->busy = 0;
    status = absa__replica_status(&e->space, two_dots(e, status, v, work, &vv, &vy));
    if (!status && !isfinite(vy / vv))
        status = absa__fail(e->ctx, ABSA_E_NONFINITE,
                            "the product of batch %lld holds a NaN or infinity", (long long)batch);
    *out = vy / vv;
    return status;
}

absa_status absa_sampling_quotients(absa_eigen *eigen, int64_t count, absa_operator *const *parts,
                                    const double *weights, const void *v, void *work,
                                    const absa_sampling_options *options,
                                    const absa_eigen_result *run, double *values,
                                    absa_sampling_result *result)
{
    absa_sampling_options o;
    absa_sampling_result r;
    absa_eigen_result all = {0};
    double vv, nothing;
    absa_status status = absa__eigen_check(eigen, "absa_sampling_quotients");
    if (status)
        return status;
    if (!parts || !v || !work || v == work || !values || !result)
        return absa__fail(eigen->ctx, ABSA_E_INVALID, "absa_sampling_quotients: %s",
                          v && v == work ? "v and work are one vector"
                                         : "parts, v, work, values or result is NULL");
    status = check_parts(eigen, count, parts, weights, options, &o);
    if (!status)
        status = check_outputs(eigen->ctx, NULL, result);
    if (!status && run) {
        status = check_stride(eigen->ctx, run);
        if (!status)
            status = read_run(eigen->ctx, run, 0, &all);
        if (!status)
            status = check_run(eigen->ctx, 0, &all, all.which);
    }
    if (!status)
        status = two_dots(eigen, ABSA_OK, v, NULL, &vv, &nothing);
    if (!status && !isfinite(vv))
        status = absa__fail(eigen->ctx, ABSA_E_NONFINITE, "v holds a NaN or infinity");
    if (!status && vv == 0.0)
        status = absa__fail(eigen->ctx, ABSA_E_INVALID, "absa_sampling_quotients: v is 0");
    series s = {0, values, sizeof(double), weights};
    while (!status && s.count < count && !enough(&s, &o)) {
        status = select_batch(eigen, &o, s.count);
        if (!status)
            status = quotient(eigen, parts[s.count], s.count, v, work, &values[s.count]);
        if (!status)
            s.count++;
    }
    if (status)
        return status;
    summarise(&s, o.confidence, &r);
    r.lower = (run ? all.lower : r.mean) - r.quantile * r.standard_error;
    r.upper = (run ? all.upper : r.mean) + r.quantile * r.standard_error;
    return absa__struct_write(eigen->ctx, "absa_sampling_result", &r, result, sizeof r);
}
