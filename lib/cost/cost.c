/* The time model of a run: a few products and one logarithm. Counting the updates of a schedule is
 * the controller's business; measuring the constants is the host's. */
#include <absa/cost.h>

#include "base/fail.h"
#include "base/structs.h"

#include <inttypes.h>
#include <math.h>

void absa_cost_options_init(absa_cost_options *options, size_t size)
{
    absa_cost_options o = {0};
    o.processes = 1;
    o.parameter_bits = 32;
    o.latency = 2e-6;
    o.bandwidth = 48e9;
    absa__struct_init(options, size, &o, sizeof o);
}

void absa_cost_run_init(absa_cost_run *run, size_t size)
{
    absa_cost_run r = {0};
    absa__struct_init(run, size, &r, sizeof r);
}

void absa_cost_result_init(absa_cost_result *result, size_t size)
{
    absa_cost_result r = {0};
    absa__struct_init(result, size, &r, sizeof r);
}

/* T_comm: the two halves of the all-reduce, reduce-scatter and all-gather, cost the same. */
static double allreduce(const absa_cost_options *o)
{
    const double p = (double)o->processes;
    const double wire = (double)o->parameters * (double)o->parameter_bits / o->bandwidth;
    if (o->processes == 1 || o->parameters == 0)
        return 0.0;
    if (o->collective == ABSA_COLLECTIVE_BANDWIDTH)
        return 2.0 * wire;
    return 2.0 * (o->latency * log2(p) + (p - 1.0) / p * wire);
}

static absa_status check_count(absa_context *ctx, const char *name, int64_t value, int64_t least,
                               int64_t most)
{
    return value >= least && value <= most
               ? ABSA_OK
               : absa__fail(ctx, ABSA_E_INVALID,
                            "%s is %" PRId64 ", must be %" PRId64 " to %" PRId64, name, value,
                            least, most);
}

static absa_status check_options(absa_context *ctx, const absa_cost_options *o)
{
    const struct {
        const char *name;
        double value;
    } times[] = {
        {"latency", o->latency},
        {"update_time", o->update_time},
        {"row_time", o->row_time},
        {"adversarial_row_time", o->adversarial_row_time},
        {"measurement_time", o->measurement_time},
        {"product_time", o->product_time},
    };
    absa_status status =
        check_count(ctx, "absa_cost_options: processes", o->processes, 1, INT64_MAX);
    if (!status)
        status = check_count(ctx, "absa_cost_options: parameters", o->parameters, 0, INT64_MAX);
    if (!status)
        status = check_count(ctx, "absa_cost_options: parameter_bits", o->parameter_bits, 1, 1024);
    if (!status)
        status = check_count(ctx, "absa_cost_options: collective", o->collective,
                             ABSA_COLLECTIVE_RING, ABSA_COLLECTIVE_BANDWIDTH);
    for (size_t i = 0; i < sizeof times / sizeof times[0] && !status; i++)
        if (!(times[i].value >= 0.0) || !isfinite(times[i].value))
            status = absa__fail(ctx, ABSA_E_INVALID,
                                "absa_cost_options: %s is %g, must be 0 or more seconds",
                                times[i].name, times[i].value);
    if (!status && !(o->bandwidth > 0.0))
        status = absa__fail(ctx, ABSA_E_INVALID,
                            "absa_cost_options: bandwidth is %g, must be above 0 bits per second",
                            o->bandwidth);
    return status;
}

static absa_status check_run(absa_context *ctx, const absa_cost_run *r)
{
    absa_status status = check_count(ctx, "absa_cost_run: updates", r->updates, 0, INT64_MAX);
    if (!status)
        status = check_count(ctx, "absa_cost_run: rows", r->rows, 0, INT64_MAX);
    if (!status)
        status =
            check_count(ctx, "absa_cost_run: adversarial_rows", r->adversarial_rows, 0, INT64_MAX);
    if (!status)
        status = check_count(ctx, "absa_cost_run: measurements", r->measurements, 0, INT64_MAX);
    if (!status)
        status = check_count(ctx, "absa_cost_run: products", r->products, 0, INT64_MAX);
    return status;
}

absa_status absa_cost_estimate(absa_context *context, const absa_cost_options *options,
                               const absa_cost_run *run, absa_cost_result *result)
{
    if (!options || !run || !result)
        return absa__fail(context, ABSA_E_INVALID, "absa_cost_estimate: %s is NULL",
                          !options ? "options"
                          : !run   ? "run"
                                   : "result");
    absa_cost_options o;
    absa_cost_run r;
    absa_cost_result c;
    absa_cost_options_init(&o, sizeof o);
    absa_cost_run_init(&r, sizeof r);
    absa_cost_result_init(&c, sizeof c);
    absa_status status = absa__struct_read(context, "absa_cost_options", options, &o, sizeof o);
    if (!status)
        status = absa__struct_read(context, "absa_cost_run", run, &r, sizeof r);
    if (!status)
        status = check_options(context, &o);
    if (!status)
        status = check_run(context, &r);
    if (status)
        return status;
    const double updates = (double)r.updates;
    const double rows =
        o.row_time * (double)r.rows + o.adversarial_row_time * (double)r.adversarial_rows;
    c.allreduce = allreduce(&o);
    c.computing = updates * o.update_time + rows / (double)o.processes;
    c.exchange = updates * c.allreduce;
    c.measuring = (double)r.measurements * o.measurement_time + (double)r.products * o.product_time;
    c.total = c.computing + c.exchange + c.measuring;
    if (!isfinite(c.total))
        return absa__fail(context, ABSA_E_INVALID,
                          "absa_cost_estimate: the times add up to more than a double holds");
    return absa__struct_write(context, "absa_cost_result", &c, result, sizeof c);
}
