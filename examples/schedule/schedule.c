/* absa-schedule: the schedule of a run that does not measure (BL, FB, GG), walked through by the
 * controller itself without training: phases, updates, and with times given how long it takes. */
#include "command_line.h"

#include <absa/absa.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REFUSED = 2 };

/* Options that are the controller's, under its field's name, and those of the time model. */
static const command_option options[] = {
    {"strategy", "NAME", "strategy", "bl, fb or gg (required)"},
    {"samples", "N", "samples", "samples of an epoch (required)"},
    {"epochs", "E", "epochs", "epochs (required)"},
    {"batch", "B", "batch", "first batch (128)"},
    {"batch-max", "M", "batch_max", "largest batch; FB's batch (16384)"},
    {"batch-ref", "R", "batch_ref", "batch that the learning rate belongs to (B)"},
    {"lr", "X", "lr", "learning rate (0.1)"},
    {"decay", "E1,E2,..", "decay", "epochs when it decays (none)"},
    {"rho", "R", "lr_decay", "factor of a decay (0.2)"},
    {"epoch-tail", "NAME", "epoch_tail", "carry, drop or short (gg: drop, else carry)"},
    {"processes", "P", NULL, "that share a batch (1)"},
    {"t-comp", "S", NULL, "seconds of computing for an update"},
    {"params", "N", NULL, "parameters that are summed after an update (0)"},
    {"latency", "S", NULL, "of a message (2e-6)"},
    {"bandwidth", "BIT/S", NULL, "between two processes (48e9)"},
    {"t-hess", "S", NULL, "seconds of a measurement (0)"},
    {"measurements", "K", NULL, "measurements of the run (0)"},
};

enum { COUNT = sizeof options / sizeof options[0], FIRST_COST = 10 };
enum { PROCESSES = FIRST_COST, T_COMP, PARAMS, LATENCY, BANDWIDTH, T_HESS, MEASUREMENTS };

typedef struct job {
    absa_context *ctx;
    absa_controller_options controller;
    absa_cost_options cost;
    absa_cost_run run;
    int64_t complete; /* updates of a whole batch */
    int timed, tail_given, strategy_given, batch_given, max_given;
} job;

static int refuse(const char *what, const char *why)
{
    return command_say("absa-schedule", REFUSED, what, why);
}

/* Sets one constant of the time model. */
static int set_cost(job *j, int option, const char *text)
{
    absa_controller_options any;
    absa_controller_options_init(&any, sizeof any);
    /* What a number is, is the library's to say, for these options as for its own. */
    if (absa_controller_options_set(NULL, &any, "lr", text) || any.lr < 0.0)
        return 0;
    const double x = any.lr;
    if ((option == PROCESSES || option == PARAMS || option == MEASUREMENTS) &&
        (x != floor(x) || x > 9e15))
        return 0;
    j->timed = 1;
    switch (option) {
    case PROCESSES:
        j->cost.processes = (int64_t)x;
        return 1;
    case T_COMP:
        j->cost.update_time = x;
        return 1;
    case PARAMS:
        j->cost.parameters = (int64_t)x;
        return 1;
    case LATENCY:
        j->cost.latency = x;
        return 1;
    case BANDWIDTH:
        j->cost.bandwidth = x;
        return 1;
    case T_HESS:
        j->cost.measurement_time = x;
        return 1;
    default:
        j->run.measurements = (int64_t)x;
        return 1;
    }
}

static int take(void *user, int option, const char *value)
{
    job *j = user;
    const char *field = options[option].field;
    if (!field)
        return set_cost(j, option, value)
                   ? 0
                   : refuse(options[option].name, "not a number that fits the option");
    if (absa_controller_options_set(j->ctx, &j->controller, field, value))
        return refuse(absa_context_message(j->ctx), "");
    j->tail_given |= strcmp(field, "epoch_tail") == 0;
    j->strategy_given |= strcmp(field, "strategy") == 0;
    j->batch_given |= strcmp(field, "batch") == 0;
    j->max_given |= strcmp(field, "batch_max") == 0;
    return 0;
}

static int parse(int argc, char **argv, job *j, int *finished)
{
    const command_line line = {
        .program = "absa-schedule",
        .before = "Usage: absa-schedule --strategy NAME --samples N --epochs E [OPTION]...\n"
                  "Prints the phases of a fixed schedule and counts its complete updates;\n"
                  "updates that the end of an epoch or of the training cuts short are counted\n"
                  "apart, and take as long as the others.\n",
        .after = "Real numbers may be fractions: --rho 1/5.\n\n"
                 "Exit status: 0 done, 1 the output cannot be written, 2 refused.\n",
        .options = options,
        .count = COUNT,
        .take = take,
        .user = j,
    };
    const int status = command_line_read(&line, argc, argv, NULL, finished);
    if (status || *finished)
        return status;
    if (!j->strategy_given || j->controller.samples == 0 || j->controller.epochs == 0)
        return refuse("--strategy, --samples and --epochs are required", "");
    if (j->controller.strategy > ABSA_STRATEGY_GG)
        return refuse("--strategy", "only bl, fb and gg are known beforehand");
    if (!j->tail_given && j->controller.strategy == ABSA_STRATEGY_GG)
        j->controller.epoch_tail = ABSA_TAIL_DROP;
    if (j->batch_given && !j->max_given && j->controller.batch_max < j->controller.batch)
        j->controller.batch_max = j->controller.batch;
    return 0;
}

/* Updates at one batch with a learning rate that stays, or rises while it warms up. */
typedef struct phase {
    int64_t batch, updates, samples;
    double from_epoch, to_epoch, first_lr, last_lr;
} phase;

static void print_phase(const phase *p)
{
    char lr[40];
    if (p->first_lr == p->last_lr)
        snprintf(lr, sizeof lr, "%.6g", p->last_lr);
    else
        snprintf(lr, sizeof lr, "%.4g to %.4g", p->first_lr, p->last_lr);
    printf("%8.2f %8.2f %9lld %20s %11lld %13lld\n", p->from_epoch, p->to_epoch,
           (long long)p->batch, lr, (long long)p->updates, (long long)p->samples);
}

/* Walks the controller to the end of training. */
static int walk(job *j, absa_controller *c)
{
    absa_plan plan;
    absa_micro m;
    phase now = {0};
    absa_plan_init(&plan, sizeof plan);
    absa_micro_init(&m, sizeof m);
    printf("%8s %8s %9s %20s %11s %13s\n", "epoch", "to", "batch", "lr", "updates", "samples");
    while (absa_controller_plan(c, 0, 1, &plan) == ABSA_OK && !plan.finished) {
        if (plan.epoch_done) {
            absa_controller_end_epoch(c);
            continue;
        }
        if (plan.rows_done == 0 && (plan.batch != now.batch || plan.lr < now.last_lr)) {
            if (now.batch)
                print_phase(&now);
            now = (phase){.batch = plan.batch, .from_epoch = plan.epoch, .first_lr = plan.lr};
        }
        now.last_lr = plan.lr;
        if (absa_controller_micro(c, 0, 1, &m) || absa_controller_advance(c, m.global_rows))
            return refuse("the controller", absa_context_message(j->ctx));
        now.samples += m.global_rows;
        now.updates += m.last && plan.rows == plan.batch;
        absa_controller_plan(c, 0, 1, &plan);
        now.to_epoch = plan.epoch;
    }
    print_phase(&now);
    if (plan.short_updates)
        printf("and %lld shorter than its batch\n", (long long)plan.short_updates);
    /* A short one takes its time as well. */
    j->run.updates = plan.update;
    j->run.rows = plan.samples;
    j->complete = plan.update - plan.short_updates;
    return 0;
}

int main(int argc, char **argv)
{
    job j = {0};
    absa_controller *c = NULL;
    absa_cost_result cost;
    if (absa_context_create(NULL, &j.ctx))
        return refuse("no memory", "");
    absa_controller_options_init(&j.controller, sizeof j.controller);
    absa_cost_options_init(&j.cost, sizeof j.cost);
    absa_cost_run_init(&j.run, sizeof j.run);
    absa_cost_result_init(&cost, sizeof cost);
    int finished, status = parse(argc, argv, &j, &finished);
    if (finished) {
        absa_context_destroy(&j.ctx);
        return status;
    }
    /* Windows in one piece: how they are cut into micro-batches changes no count. */
    j.controller.micro_batch = j.controller.batch_max;
    if (!status && absa_controller_create(j.ctx, &j.controller, &c))
        status = refuse("refused", absa_context_message(j.ctx));
    /* Wrong times are refused before the table is printed. */
    if (!status && absa_cost_estimate(j.ctx, &j.cost, &j.run, &cost))
        status = refuse("refused", absa_context_message(j.ctx));
    if (!status)
        status = walk(&j, c);
    if (!status && absa_cost_estimate(j.ctx, &j.cost, &j.run, &cost))
        status = refuse("refused", absa_context_message(j.ctx));
    if (!status && j.timed)
        printf("updates %lld seconds %.6g\n", (long long)j.complete, cost.total);
    else if (!status)
        printf("updates %lld\n", (long long)j.complete);
    absa_controller_destroy(&c);
    absa_context_destroy(&j.ctx);
    return status ? status : command_end("absa-schedule", 0);
}
