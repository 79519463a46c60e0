/* Drives a controller as a host would, and checks what every plan promises. */
#ifndef ABSA_TEST_DRIVE_H
#define ABSA_TEST_DRIVE_H

#include "fuzz.h"

#include <absa/controller.h>
#include <math.h>

static inline void drive(absa_controller *ctl, int steps)
{
    for (int step = 0; step < steps; step++) {
        absa_plan plan;
        absa_micro micro;
        absa_plan_init(&plan, sizeof plan);
        absa_micro_init(&micro, sizeof micro);
        FUZZ_CHECK(absa_controller_plan(ctl, 0, 1, &plan) == ABSA_OK);
        if (plan.finished)
            return;
        FUZZ_CHECK(plan.rows >= 1 && plan.rows <= plan.batch && plan.rows_done < plan.rows);
        FUZZ_CHECK(plan.gamma >= 0 && plan.gamma <= 1 && !isnan(plan.lr));
        FUZZ_CHECK(plan.adversarial_rows >= 0 && plan.adversarial_rows <= plan.rows);
        FUZZ_CHECK(plan.progress >= 0 && plan.progress <= 1);
        if (plan.measure_due) {
            FUZZ_CHECK(absa_controller_observe_value(ctl, 8.0 / (step + 1), NULL) == ABSA_OK);
        } else if (plan.epoch_done) {
            FUZZ_CHECK(absa_controller_end_epoch(ctl) == ABSA_OK);
        } else {
            FUZZ_CHECK(absa_controller_micro(ctl, 0, 1, &micro) == ABSA_OK);
            FUZZ_CHECK(micro.rows >= 1 && micro.rows == micro.global_rows);
            FUZZ_CHECK(absa_controller_advance(ctl, micro.global_rows) == ABSA_OK);
        }
    }
}

#endif
