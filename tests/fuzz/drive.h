/* Drives a controller as a host would, and checks what every plan promises. */
#ifndef ABSA_TEST_DRIVE_H
#define ABSA_TEST_DRIVE_H

#include "fuzz.h"

#include <absa/controller.h>
#include <math.h>

static inline absa_plan drive_plan(const absa_controller *ctl, int64_t process, int64_t processes)
{
    absa_plan p;
    absa_plan_init(&p, sizeof p);
    FUZZ_CHECK(absa_controller_plan(ctl, process, processes, &p) == ABSA_OK);
    return p;
}

static inline void drive_check_plan(const absa_plan *p)
{
    FUZZ_CHECK(p->batch >= 1 && p->rows >= 1 && p->rows <= p->batch);
    FUZZ_CHECK(p->rows_done >= 0 && p->rows_done < p->rows);
    FUZZ_CHECK(p->micro_batch >= 1 && p->micro_batches >= 1 && p->micro_batches <= p->rows);
    FUZZ_CHECK(p->gamma >= 0 && p->gamma <= 1);
    FUZZ_CHECK(p->lr >= 0 && isfinite(p->lr));
    FUZZ_CHECK(p->lr_multiplier >= 0 && isfinite(p->lr_multiplier));
    FUZZ_CHECK(p->momentum_multiplier >= 0 && isfinite(p->momentum_multiplier));
    FUZZ_CHECK(p->adversarial_rows >= 0 && p->adversarial_rows <= p->rows);
    FUZZ_CHECK(p->progress >= 0 && p->progress <= 1);
    FUZZ_CHECK(p->epoch >= 0 && isfinite(p->epoch));
    FUZZ_CHECK(isnan(p->threshold) || (p->threshold >= 0 && isfinite(p->threshold)));
    FUZZ_CHECK(p->update >= 0 && p->short_updates >= 0 && p->short_updates <= p->update);
    FUZZ_CHECK(p->samples >= p->rows_done && p->epochs_ended >= 0);
    FUZZ_CHECK(strcmp(absa_reason_name(p->reason), "?") != 0);
    FUZZ_CHECK(!(p->finished && (p->measure_due)));
}

/* Every process has its run of the rows, one behind the other. */
static inline absa_micro drive_check_micros(const absa_controller *ctl, int64_t processes)
{
    absa_micro m = {.struct_size = sizeof m};
    int64_t rows = 0, first = 0;
    const int64_t asked = processes < 4 ? processes : 4;
    for (int64_t k = 0; k < asked; k++) {
        /* Of many, the first ones and the last. */
        const int64_t process = k + 1 < asked ? k : processes - 1;
        FUZZ_CHECK(absa_controller_micro(ctl, process, processes, &m) == ABSA_OK);
        FUZZ_CHECK(m.rows >= 0 && m.rows <= m.global_rows);
        FUZZ_CHECK(m.weight >= 0 && isfinite(m.weight) && (m.rows > 0) == (m.weight > 0));
        FUZZ_CHECK(m.adversarial_rows >= 0 && m.adversarial_rows <= m.rows);
        if (k == 0)
            first = m.first;
        if (asked == processes)
            FUZZ_CHECK(m.first == first + rows);
        rows += m.rows;
    }
    FUZZ_CHECK(asked < processes || rows == m.global_rows);
    return m;
}

/* What a host may ask at any time, and what only some moments allow. */
static inline void drive_interfere(absa_controller *ctl, int step)
{
    absa_status status = ABSA_OK;
    if (step % 17 == 5)
        status = absa_controller_update_skipped(ctl);
    else if (step % 17 == 9)
        status = absa_controller_restart_window(ctl);
    else if (step % 17 == 13)
        status = absa_controller_skip_measurement(ctl);
    else if (step == 90)
        status = absa_controller_adversarial_collapse(ctl);
    FUZZ_CHECK(status == ABSA_OK || status == ABSA_E_STATE);
}

static inline void drive(absa_controller *ctl, int steps)
{
    for (int step = 0; step < steps; step++) {
        const absa_plan plan = drive_plan(ctl, 0, 1);
        drive_check_plan(&plan);
        absa_micro m = drive_check_micros(ctl, 1);
        static const int64_t processes[] = {2, 3, 512, INT64_MAX};
        for (int k = 0; k < 4; k++) {
            const absa_plan other = drive_plan(ctl, processes[k] - 1, processes[k]);
            drive_check_plan(&other);
            FUZZ_CHECK(other.batch == plan.batch && other.micro_batches <= plan.micro_batches);
            const absa_micro shared = drive_check_micros(ctl, processes[k]);
            FUZZ_CHECK((shared.global_rows > 0) == (m.global_rows > 0));
            if (step % 5 == k + 1)
                m = shared; /* the number of processes may change at any time */
        }
        if (plan.finished)
            return;
        if (plan.measure_due)
            FUZZ_CHECK(absa_controller_observe_value(ctl, 8.0 / (step + 1), NULL) == ABSA_OK);
        else if (plan.epoch_done)
            FUZZ_CHECK(absa_controller_end_epoch(ctl) == ABSA_OK);
        else if (plan.samples <= INT64_MAX / 2 - plan.rows)
            FUZZ_CHECK(m.global_rows >= 1 &&
                       absa_controller_advance(ctl, m.global_rows) == ABSA_OK);
        else
            return; /* no more samples can be counted */
        drive_interfere(ctl, step);
    }
}

#endif
