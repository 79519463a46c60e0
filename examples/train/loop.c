/* The loop: asks the controller what comes next and does it. Whatever may be interrupted is whole
 * between two turns, so a checkpoint is a picture of that moment. */
#include "loop.h"

#include "augment.h"
#include "train_checkpoint.h"
#include "host.h"
#include "log.h"
#include "progress.h"
#include "report.h"
#include "say.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct run {
    absa_context *ctx;
    const options *o;
    config c;
    run_data d;
    host h;
    absa_controller *controller;
    history past;
    run_log log;
    state s;
    double begun; /* this process began to train, less the seconds of earlier ones */
} run;

static volatile sig_atomic_t stop_signal;

static void on_signal(int number)
{
    stop_signal = number;
}

/* The first signal stops after the micro-batch, the second one at once. */
static void catch_signals(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = (int)SA_RESETHAND | SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static int broken(const run *r)
{
    return give_up("%s", absa_context_message(r->ctx));
}

static int save(run *r)
{
    r->s.seconds = seconds_now() - r->begun;
    return checkpoint_write(r->c.checkpoint, r->o, &r->s);
}

/* Rows wait for the measurement that belongs to their epoch's end. */
static void print_rows(run *r)
{
    for (; r->past.printed < r->past.count; r->past.printed++)
        if (!r->c.quiet)
            table_row(&r->past.rows[r->past.printed]);
}

static int measure(run *r, const absa_plan *plan)
{
    absa_eigen_result result;
    absa_decision decision;
    const int status = host_measure(&r->h, r->s.measurements, plan, &result);
    if (status)
        return status;
    r->s.measurements++;
    r->s.products += result.products;
    absa_decision_init(&decision, sizeof decision);
    if (absa_controller_observe(r->controller, &result, &decision))
        return broken(r);
    if (r->past.count > 0) {
        history_row *row = &r->past.rows[r->past.count - 1];
        row->value = host_value(&result);
        row->lower = result.lower;
        row->upper = result.upper;
        row->products = r->s.products;
    }
    return log_measurement(&r->log, &decision, &result);
}

/* Training on single steps has collapsed: it protects no more, and only costs accuracy. */
static int end_attacks(run *r, const absa_plan *plan)
{
    if (absa_controller_adversarial_collapse(r->controller))
        return broken(r);
    if (!r->c.quiet)
        remark("training on single steps collapsed in epoch %lld: no more rows are attacked",
               (long long)plan->epochs_ended + 1);
    return log_collapse(&r->log, plan);
}

static int end_epoch(run *r, const absa_plan *plan)
{
    double ignored;
    robustness robust;
    /* Behind the last epoch there is nothing to end. */
    const int watch =
        r->c.collapse_ends && plan->gamma > 0.0 && plan->epochs_ended + 1 < r->c.controller.epochs;
    history_row *row = &r->past.rows[r->past.count];
    memset(row, 0, sizeof *row);
    row->epoch = plan->epochs_ended + 1;
    row->batch = plan->batch;
    row->lr = plan->lr;
    row->gamma = plan->gamma;
    row->products = r->s.products;
    row->value = row->lower = row->upper = (double)NAN;
    int status = host_evaluate(&r->h, &r->d.train_view, &row->loss, &ignored);
    if (!status)
        status = host_evaluate(&r->h, &r->d.test_view, &ignored, &row->accuracy);
    if (!status)
        status = attack_measure(&r->h.attack, r->h.theta, watch, &robust);
    if (status)
        return status;
    row->robust_clean = robust.clean;
    row->robust_fgsm = robust.fgsm;
    row->robust_pgd = robust.pgd;
    r->past.count++;
    if (absa_controller_end_epoch(r->controller))
        return broken(r);
    status = log_epoch(&r->log, row, plan->update, plan->samples);
    if (!status && robust.collapsed)
        status = end_attacks(r, plan);
    if (!status && r->c.checkpoint)
        status = save(r);
    return status;
}

static int micro_batch(run *r, const absa_plan *plan)
{
    absa_micro m;
    absa_micro_init(&m, sizeof m);
    if (absa_controller_micro(r->controller, 0, 1, &m))
        return broken(r);
    const int status = host_gradient(&r->h, plan, &m);
    if (status)
        return status;
    if (m.last)
        host_step(&r->h, plan->lr, plan->momentum_multiplier);
    if (absa_controller_advance(r->controller, m.global_rows))
        return broken(r);
    return DONE;
}

/* Turns until the controller says that it is over, or until a signal. */
static int turns(run *r, absa_plan *plan)
{
    absa_plan_init(plan, sizeof *plan);
    for (;;) {
        int status;
        if (absa_controller_plan(r->controller, 0, 1, plan))
            return broken(r);
        if (plan->finished || stop_signal)
            return DONE;
        if (plan->measure_due) {
            status = measure(r, plan);
        } else if (plan->epoch_done) {
            print_rows(r);
            status = end_epoch(r, plan);
        } else {
            print_rows(r);
            status = micro_batch(r, plan);
            progress_show(plan, r->c.controller.epochs);
        }
        if (status)
            return status;
    }
}

static totals add_up(const run *r, const absa_plan *plan)
{
    const totals t = {.updates = plan->update,
                      .samples = plan->samples,
                      .products = r->s.products,
                      .measurements = r->s.measurements,
                      .batch = plan->batch,
                      .lr = plan->lr,
                      .loss = (double)NAN,
                      .accuracy = (double)NAN,
                      .robust_clean = (double)NAN,
                      .robust_fgsm = (double)NAN,
                      .robust_pgd = (double)NAN,
                      .seconds = seconds_now() - r->begun,
                      .product_cost = host_product_cost(&r->h)};
    return t;
}

/* The log's last line says that there is no accuracy; checkpoints before this one stay. */
static int diverged(run *r, const absa_plan *plan)
{
    const totals t = add_up(r, plan);
    print_rows(r);
    give_up("the loss is not finite any more after %lld updates; try a smaller --lr",
            (long long)t.updates);
    log_final(&r->log, &t);
    return FAILED;
}

static int finish(run *r, const absa_plan *plan)
{
    const history_row *last = &r->past.rows[r->past.count - 1];
    totals t = add_up(r, plan);
    /* The plan that follows the last update is nobody's. */
    t.batch = last->batch;
    t.lr = last->lr;
    t.loss = last->loss;
    t.accuracy = last->accuracy;
    t.robust_clean = last->robust_clean;
    t.robust_fgsm = last->robust_fgsm;
    t.robust_pgd = last->robust_pgd;
    print_rows(r);
    progress_wipe();
    if (!r->c.quiet)
        printf("test accuracy %.2f %%, %lld updates, %lld hvps in %lld measurements, %.1f s\n",
               100 * t.accuracy, (long long)t.updates, (long long)t.products,
               (long long)t.measurements, t.seconds);
    if (!r->c.quiet && isfinite(t.robust_clean))
        printf("the rows attacked: %.2f %% clean, %.2f %% under FGSM, %.2f %% under PGD\n",
               100 * t.robust_clean, 100 * t.robust_fgsm, 100 * t.robust_pgd);
    if (!r->c.quiet && r->h.measured.block && isfinite(t.product_cost))
        printf("a product took as long as %.2f gradients of as many rows\n", t.product_cost);
    int status = predict_show(r->ctx, &r->c, &r->h.timing, r->h.n, &r->log);
    if (!status)
        status = log_final(&r->log, &t);
    if (!status && r->c.report)
        status = report_draw(r->c.report, &r->c, &r->past);
    return status;
}

static int interrupted(run *r)
{
    int status = DONE;
    if (r->c.checkpoint)
        status = save(r);
    if (status)
        return status;
    progress_wipe();
    if (r->c.checkpoint)
        fprintf(stderr, "absa-train: interrupted; go on with --resume %s\n", r->c.checkpoint);
    else
        fprintf(stderr, "absa-train: interrupted; nothing was saved, for want of --checkpoint\n");
    return 128 + (int)stop_signal;
}

static int prepare(run *r, checkpoint *k)
{
    int status = data_load(r->ctx, &r->c, &r->d);
    if (!status)
        status = augment_check(r->c.augment, &r->d);
    if (status)
        return status;
    r->c.controller.samples = r->d.train_view.rows;
    if (absa_controller_create(r->ctx, &r->c.controller, &r->controller))
        return refuse("%s", absa_context_message(r->ctx));
    const int64_t micro =
        r->c.controller.micro_batch ? r->c.controller.micro_batch : r->c.controller.batch;
    status = host_create(r->ctx, &r->c, &r->d, micro, &r->h);
    if (status)
        return status;
    r->past.rows = calloc((size_t)r->c.controller.epochs, sizeof *r->past.rows);
    if (!r->past.rows)
        return refuse("not enough memory for %lld epochs", (long long)r->c.controller.epochs);
    r->s.h = &r->h;
    r->s.controller = r->controller;
    r->s.past = &r->past;
    if (r->c.resume)
        status = checkpoint_restore(r->c.resume, k, &r->s);
    if (!status && r->c.checkpoint)
        status = check_writable(r->c.checkpoint);
    if (!status && r->c.report)
        status = check_writable(r->c.report);
    /* Last: the first thing that changes a file of the user's. */
    return status ? status : log_open(&r->log, r->c.log, r->c.resume != NULL);
}

static int train_with(run *r)
{
    absa_plan plan;
    absa_plan_init(&plan, sizeof plan);
    if (absa_controller_plan(r->controller, 0, 1, &plan))
        return broken(r);
    r->begun = seconds_now() - r->s.seconds;
    int status =
        log_start(&r->log, &r->c, &r->d, r->h.n, r->h.measured.count, r->h.probe_rows, plan.update);
    if (status)
        return status;
    catch_signals();
    if (!r->c.quiet) {
        printf("%s (%lld parameters) on %s: %lld training rows, %lld test rows\n", r->c.model,
               (long long)r->h.n, data_name(r->c.data), (long long)r->d.train_view.rows,
               (long long)r->d.test_view.rows);
        if (r->h.measured.block)
            printf("measuring on the %lld parameters of %s\n", (long long)r->h.measured.count,
                   r->c.block);
        table_head(r->c.robust_rows > 0);
    }
    progress_begin(r->c.quiet, plan.progress);
    status = turns(r, &plan);
    progress_wipe();
    if (status == DIVERGED)
        return diverged(r, &plan);
    if (!status)
        status = plan.finished ? finish(r, &plan) : interrupted(r);
    return status;
}

int train(absa_context *ctx, options *o)
{
    checkpoint k = {0};
    run r;
    int status = DONE;
    memset(&r, 0, sizeof r);
    r.ctx = ctx;
    r.o = o;
    if (o->text[OPTION_RESUME])
        status = checkpoint_read(o->text[OPTION_RESUME], o, &k);
    if (!status)
        status = config_resolve(ctx, o, &r.c);
    if (!status && r.c.report)
        status = report_check();
    if (!status)
        status = prepare(&r, &k);
    if (!status)
        status = train_with(&r);
    const int closed = log_close(&r.log);
    absa_controller_destroy(&r.controller);
    host_release(&r.h);
    data_release(&r.d);
    free(r.past.rows);
    checkpoint_release(&k);
    return status ? status : closed;
}
