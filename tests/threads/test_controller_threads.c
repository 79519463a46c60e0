/* Controllers on contexts of their own, driven in many threads at once, make the decisions that one
 * alone makes. A plain program for ThreadSanitizer. */
#include "alike.h"

#include <absa/controller.h>

#include <string.h>

enum { TEXT = 1 << 16 };

typedef struct job {
    char journal[TEXT];
    size_t used;
    absa_status status;
    int64_t updates;
} job;

/* Appends the decision as a line. */
static int note(void *user, const absa_decision *decision)
{
    job *j = user;
    size_t size = 0;
    const absa_status status =
        absa_decision_format(decision, j->journal + j->used, TEXT - j->used, &size);
    if (status != ABSA_OK)
        return 1;
    j->used += strlen(j->journal + j->used);
    return 0;
}

/* A whole training with a loss that flattens. */
static absa_status train(job *j, absa_controller *ctl)
{
    for (int step = 0; step < 100000; step++) {
        absa_plan plan;
        absa_micro micro;
        absa_status status;
        absa_plan_init(&plan, sizeof plan);
        absa_micro_init(&micro, sizeof micro);
        if ((status = absa_controller_plan(ctl, 0, 1, &plan)) != ABSA_OK)
            return status;
        j->updates = plan.update;
        if (plan.finished)
            return ABSA_OK;
        if (plan.measure_due)
            status = absa_controller_observe_value(ctl, 100.0 / (1.0 + plan.epoch), NULL);
        else if (plan.epoch_done)
            status = absa_controller_end_epoch(ctl);
        else if ((status = absa_controller_micro(ctl, 0, 1, &micro)) == ABSA_OK)
            status = absa_controller_advance(ctl, micro.global_rows);
        if (status != ABSA_OK)
            return status;
    }
    return ABSA_E_STATE;
}

static void work(void *user)
{
    job *j = user;
    absa_context *ctx = NULL;
    absa_controller *ctl = NULL;
    absa_controller_options options;

    absa_controller_options_init(&options, sizeof options);
    options.samples = 5000;
    options.epochs = 20;
    options.journal = note;
    options.journal_user = j;
    j->status = absa_context_create(NULL, &ctx);
    if (j->status == ABSA_OK)
        j->status = absa_controller_create(ctx, &options, &ctl);
    if (j->status == ABSA_OK)
        j->status = train(j, ctl);
    absa_controller_destroy(&ctl);
    absa_context_destroy(&ctx);
}

static int same(const void *first, const void *job_of_thread)
{
    const struct job *alone = first, *j = job_of_thread;
    return alone->status == ABSA_OK && j->status == ABSA_OK && alone->used > 0 &&
           j->updates == alone->updates && strcmp(j->journal, alone->journal) == 0;
}

int main(void)
{
    static job jobs[ALIKE_THREADS + 1];
    return alike_run(work, jobs, sizeof jobs[0], same, "makes the decisions of one alone");
}
