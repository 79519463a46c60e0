/* The probe of a measurement is shared out like a batch: a product costs its share of the time
 * measured here, and one sum of the product over the processes. Evaluation is not priced. */
#include "predict.h"

#include "say.h"
#include "words.h"

#include <absa/cost.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int parse_processes(const char *text, config *c)
{
    const char *at = text;
    for (;;) {
        char *end;
        errno = 0;
        const long long processes = strtoll(at, &end, 10);
        if (end == at || errno || processes < 1 || processes > 1000000 || (*end && *end != ','))
            return refuse("--predict is '%s', must be process counts from 1 to 1000000 with commas "
                          "between",
                          text);
        if (c->predict_count == MOST_PREDICTIONS)
            return refuse("--predict has more than %d process counts", MOST_PREDICTIONS);
        c->predict[c->predict_count++] = processes;
        if (!*end)
            return DONE;
        at = end + 1;
    }
}

int predict_resolve(const char *const *text, config *c)
{
    absa_cost_options machine;
    absa_cost_options_init(&machine, sizeof machine);
    c->latency = machine.latency;
    c->bandwidth = machine.bandwidth;
    int status = text[OPTION_PREDICT] ? parse_processes(text[OPTION_PREDICT], c) : DONE;
    if (!status && text[OPTION_LATENCY])
        status = real("--latency", text[OPTION_LATENCY], 0, 1e6, &c->latency);
    if (!status && text[OPTION_BANDWIDTH])
        status = real("--bandwidth", text[OPTION_BANDWIDTH], 1, 1e18, &c->bandwidth);
    if (!status && !c->predict_count && (text[OPTION_LATENCY] || text[OPTION_BANDWIDTH]))
        return refuse("--latency and --bandwidth are for --predict");
    return status;
}

static double each(double seconds, int64_t count)
{
    return count > 0 ? seconds / (double)count : 0.0;
}

/* The model's answer for one number of processes. */
static int price(absa_context *ctx, const config *c, const timing *t, int64_t parameters,
                 int64_t processes, absa_cost_result *result)
{
    absa_cost_options o;
    absa_cost_run run;
    absa_cost_options_init(&o, sizeof o);
    absa_cost_run_init(&run, sizeof run);
    absa_cost_result_init(result, sizeof *result);
    o.processes = processes;
    o.parameters = parameters;
    o.latency = c->latency;
    o.bandwidth = c->bandwidth;
    /* With nothing in it but the machine, the sum alone. */
    if (absa_cost_estimate(ctx, &o, &run, result))
        return give_up("%s", absa_context_message(ctx));
    o.update_time = each(t->step, t->updates);
    o.row_time = each(t->gradient, t->rows);
    o.adversarial_row_time = each(t->attack, t->attacked);
    o.product_time = each(t->measure, t->products) / (double)processes + result->allreduce;
    run.updates = t->updates;
    run.rows = t->rows;
    run.adversarial_rows = t->attacked;
    run.measurements = t->measurements;
    run.products = t->products;
    if (absa_cost_estimate(ctx, &o, &run, result))
        return give_up("%s", absa_context_message(ctx));
    return DONE;
}

int predict_show(absa_context *ctx, const config *c, const timing *t, int64_t parameters,
                 run_log *log)
{
    absa_cost_result one, many;
    if (c->predict_count == 0)
        return DONE;
    int status = price(ctx, c, t, parameters, 1, &one);
    if (!status && !c->quiet)
        printf("predicted from the times measured here, evaluation left out:\n"
               "%9s %10s %10s %10s %10s %9s\n",
               "processes", "seconds", "computing", "exchange", "measuring", "speed-up");
    for (int i = 0; i < c->predict_count && !status; i++) {
        const int64_t p = c->predict[i];
        status = price(ctx, c, t, parameters, p, &many);
        if (status)
            break;
        if (!c->quiet)
            printf("%9lld %10.4g %10.4g %10.4g %10.4g %9.3g\n", (long long)p, many.total,
                   many.computing, many.exchange, many.measuring, one.total / many.total);
        status = log_prediction(log, p, &many, one.total / many.total);
    }
    return status;
}
