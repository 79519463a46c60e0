/* States of the controller that releases have saved: each must load for ever and go on as it would
 * have then. controller-<release>.bin was written by this program with ABSA_TEST_WRITE_GOLDEN set
 * to a file's name, built against that release; a file is added with each format, never changed. */
#include "support/controllers.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 8192 };

static absa_controller *make(absa_context *ctx)
{
    absa_controller_options o;
    absa_controller *c;
    absa_controller_options_init(&o, sizeof o);
    o.samples = 1000;
    o.epochs = 20;
    o.batch = 10;
    o.batch_max = 160;
    o.patience = 10;
    o.decay_count = 2;
    o.decay[0] = 3;
    o.decay[1] = 9;
    cr_assert_eq(absa_controller_create(ctx, &o, &c), ABSA_OK, "%s", absa_context_message(ctx));
    return c;
}

static void epoch(absa_controller *c, double measured)
{
    absa_plan p;
    while (!(p = plan_of(c)).epoch_done)
        cr_assert_eq(absa_controller_advance(c, p.rows), ABSA_OK);
    cr_assert_eq(absa_controller_end_epoch(c), ABSA_OK);
    cr_assert_eq(absa_controller_observe_value(c, measured, NULL), ABSA_OK);
}

/* Three epochs, a growth, a decay, a miss, and 7 samples of an open window. */
static absa_controller *history(absa_context *ctx)
{
    absa_controller *c = make(ctx);
    epoch(c, 8.0);
    epoch(c, 3.0);
    epoch(c, 2.0);
    cr_assert_eq(absa_controller_advance(c, 20), ABSA_OK);
    cr_assert_eq(absa_controller_advance(c, 7), ABSA_OK);
    return c;
}

/* By hand: 100 updates of 10, 100 of 10, 50 of 20, 1 of 20; Eig 3; lr 0.1 * 20/10 * 0.2. */
static void check_state(const absa_controller *c)
{
    const absa_plan p = plan_of(c);
    cr_assert_eq(p.batch, 20);
    cr_assert_eq(p.rows, 20);
    cr_assert_eq(p.rows_done, 7);
    cr_assert_eq(p.update, 251);
    cr_assert_eq(p.samples, 3027);
    cr_assert_eq(p.epochs_ended, 3);
    cr_assert_eq(p.threshold, 1.5);
    cr_assert_eq(p.reason, ABSA_REASON_NOT_BELOW);
    cr_assert_not(p.measure_due);
    cr_assert_float_eq(p.lr, 0.04, 1e-17);
    cr_assert_eq(p.gamma, 0.1);
    cr_assert_eq(p.adversarial_rows, 2);
}

static void check_going_on(absa_controller *c)
{
    absa_decision d;
    absa_decision_init(&d, sizeof d);
    cr_assert_eq(absa_controller_advance(c, 13), ABSA_OK);
    cr_assert_eq(plan_of(c).update, 252);
    cr_assert_eq(absa_controller_observe_value(c, 1.4, &d), ABSA_OK);
    cr_assert_eq(d.reason, ABSA_REASON_EIGENVALUE);
    cr_assert_eq(d.batch, 40);
    cr_assert_eq(d.patience, 0);
    cr_assert_float_eq(d.lr, 0.08, 1e-16);
    cr_assert_eq(d.gamma, 0.05);
}

Test(golden, the_history_is_what_the_files_hold)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller *c = history(ctx);
    check_state(c);
    const char *path = getenv("ABSA_TEST_WRITE_GOLDEN");
    if (path) {
        unsigned char bytes[MOST];
        size_t size;
        cr_assert_eq(absa_controller_save(c, bytes, sizeof bytes, &size), ABSA_OK);
        FILE *f = fopen(path, "wb");
        cr_assert_not_null(f, "%s", path);
        cr_assert_eq(fwrite(bytes, 1, size, f), size);
        cr_assert_eq(fclose(f), 0);
    }
    check_going_on(c);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(golden, states_of_every_release_load_and_go_on)
{
    static const char *const releases[] = {"0.1"};
    const char *source = getenv("ABSA_TEST_SOURCE");
    cr_assert_not_null(source, "ABSA_TEST_SOURCE says where tests/ is");
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (size_t i = 0; i < sizeof releases / sizeof releases[0]; i++) {
        char path[4096];
        unsigned char bytes[MOST];
        snprintf(path, sizeof path, "%s/golden/controller-%s.bin", source, releases[i]);
        FILE *f = fopen(path, "rb");
        cr_assert_not_null(f, "%s", path);
        const size_t size = fread(bytes, 1, sizeof bytes, f);
        fclose(f);
        cr_assert_gt(size, 0);
        absa_controller *c = make(ctx);
        cr_assert_eq(absa_controller_load(c, bytes, size, 0), ABSA_OK, "%s: %s", path,
                     absa_context_message(ctx));
        check_state(c);
        check_going_on(c);
        absa_controller_destroy(&c);
    }
    absa_context_destroy(&ctx);
}
