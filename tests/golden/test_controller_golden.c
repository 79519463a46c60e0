/* States of the controller that releases have saved: each must load for ever and go on as it would
 * have then. controller-<release>-<run>.bin was written by this program with ABSA_TEST_WRITE_GOLDEN
 * set to a folder's name, built against that release; files are added with each format, never
 * changed. */
#include "support/controllers.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 8192 };

#define RELEASE "0.1"

/* A run as the presets have it. */

static void plain_options(absa_controller_options *o)
{
    o->batch_max = 160;
    o->patience = 10;
    o->decay_count = 2;
    o->decay[0] = 3;
    o->decay[1] = 9;
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
static void plain_history(absa_controller *c)
{
    epoch(c, 8.0);
    epoch(c, 3.0);
    epoch(c, 2.0);
    cr_assert_eq(absa_controller_advance(c, 20), ABSA_OK);
    cr_assert_eq(absa_controller_advance(c, 7), ABSA_OK);
}

/* By hand: 100 updates of 10, 100 of 10, 50 of 20, 1 of 20; Eig 3; lr 0.1 * 20/10 * 0.2. */
static void plain_state(const absa_controller *c)
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

static void plain_end(absa_controller *c)
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

/* One with the extensions, measured every 150 samples, in its first epoch all the time. */

static void extended_options(absa_controller_options *o)
{
    o->batch_max = 15;
    o->measure_every = 150;
    o->count_bad = o->spill = 1;
    o->shrink_ratio = 3.0;
    o->lr_cap = 1.0;
    o->lr_cap_momentum = 0.5;
}

static void walk(absa_controller *c, int64_t samples)
{
    absa_plan p;
    while ((p = plan_of(c)).samples < samples) {
        cr_assert_not(p.measure_due, "at %d", (int)p.samples);
        cr_assert_eq(absa_controller_advance(c, p.rows - p.rows_done), ABSA_OK);
    }
    cr_assert_eq(p.samples, samples);
}

/* The first value, none, a growth by half of what it should be, a shrink; an update that was
 * skipped, a collapse, and 4 samples of an open window. */
static void extended_history(absa_controller *c)
{
    const double values[] = {8.0, (double)NAN, 3.0, 60.0};
    for (int i = 0; i < 4; i++) {
        walk(c, 150 * (i + 1));
        cr_assert(plan_of(c).measure_due);
        cr_assert_eq(absa_controller_observe_value(c, values[i], NULL), ABSA_OK);
    }
    walk(c, 610);
    cr_assert_eq(absa_controller_update_skipped(c), ABSA_OK);
    cr_assert_eq(absa_controller_adversarial_collapse(c), ABSA_OK);
    cr_assert_eq(absa_controller_advance(c, 4), ABSA_OK);
}

/* By hand: 45 updates of 10, 10 of 15, 1 of 10 taken back; the ceiling of lr is 2 (1 + 1/2) / 60.
 */
static void extended_state(const absa_controller *c)
{
    const absa_plan p = plan_of(c);
    cr_assert_eq(p.batch, 10);
    cr_assert_eq(p.rows, 10);
    cr_assert_eq(p.rows_done, 4);
    cr_assert_eq(p.update, 55);
    cr_assert_eq(p.samples, 614);
    cr_assert_eq(p.epochs_ended, 0);
    cr_assert(isnan(p.threshold), "the value itself is wanted");
    cr_assert_not(p.measure_due);
    cr_assert_float_eq(p.lr, 0.05, 1e-17);
    cr_assert_eq(p.gamma, 0.0);
}

/* The next multiple of 150 is 750. Eig is 60; a growth to 15 of 20 leaves 3/4 of 0.15, which is
 * below 3/25. */
static void extended_end(absa_controller *c)
{
    absa_decision d;
    absa_decision_init(&d, sizeof d);
    walk(c, 750);
    cr_assert(plan_of(c).measure_due);
    cr_assert_eq(plan_of(c).update, 69);
    cr_assert_eq(absa_controller_observe_value(c, 25.0, &d), ABSA_OK);
    cr_assert_eq(d.reason, ABSA_REASON_EIGENVALUE);
    cr_assert_eq(d.batch, 15);
    cr_assert_eq(d.threshold, 30.0);
    cr_assert_float_eq(d.lr, 0.15 * 3 / 4, 1e-16);
    cr_assert_eq(d.gamma, 0.0);
}

static const struct run {
    const char *name;
    void (*options)(absa_controller_options *o);
    void (*history)(absa_controller *c);
    void (*state)(const absa_controller *c);
    void (*end)(absa_controller *c);
} runs[] = {
    {"plain", plain_options, plain_history, plain_state, plain_end},
    {"extended", extended_options, extended_history, extended_state, extended_end},
};

enum { RUNS = sizeof runs / sizeof runs[0] };

static absa_controller *make(absa_context *ctx, const struct run *run)
{
    absa_controller_options o;
    absa_controller *c;
    absa_controller_options_init(&o, sizeof o);
    o.samples = 1000;
    o.epochs = 20;
    o.batch = 10;
    run->options(&o);
    cr_assert_eq(absa_controller_create(ctx, &o, &c), ABSA_OK, "%s", absa_context_message(ctx));
    return c;
}

static void write_state(const absa_controller *c, const char *folder, const char *name)
{
    char path[4096];
    unsigned char bytes[MOST];
    size_t size;
    snprintf(path, sizeof path, "%s/controller-" RELEASE "-%s.bin", folder, name);
    cr_assert_eq(absa_controller_save(c, bytes, sizeof bytes, &size), ABSA_OK);
    FILE *f = fopen(path, "wb");
    cr_assert_not_null(f, "%s", path);
    cr_assert_eq(fwrite(bytes, 1, size, f), size);
    cr_assert_eq(fclose(f), 0);
}

Test(golden, the_histories_are_what_the_files_hold)
{
    const char *folder = getenv("ABSA_TEST_WRITE_GOLDEN");
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (int i = 0; i < RUNS; i++) {
        absa_controller *c = make(ctx, &runs[i]);
        runs[i].history(c);
        runs[i].state(c);
        if (folder)
            write_state(c, folder, runs[i].name);
        runs[i].end(c);
        absa_controller_destroy(&c);
    }
    absa_context_destroy(&ctx);
}

static void check_file(absa_context *ctx, const char *release, const struct run *run)
{
    const char *source = getenv("ABSA_TEST_SOURCE");
    char path[4096];
    unsigned char bytes[MOST];
    cr_assert_not_null(source, "ABSA_TEST_SOURCE says where tests/ is");
    snprintf(path, sizeof path, "%s/golden/controller-%s-%s.bin", source, release, run->name);
    FILE *f = fopen(path, "rb");
    cr_assert_not_null(f, "%s", path);
    const size_t size = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    cr_assert_gt(size, 0);
    absa_controller *c = make(ctx, run);
    cr_assert_eq(absa_controller_load(c, bytes, size, 0), ABSA_OK, "%s: %s", path,
                 absa_context_message(ctx));
    run->state(c);
    run->end(c);
    absa_controller_destroy(&c);
}

Test(golden, states_of_every_release_load_and_go_on)
{
    static const char *const releases[] = {"0.1"};
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    for (size_t k = 0; k < sizeof releases / sizeof releases[0]; k++)
        for (int i = 0; i < RUNS; i++)
            check_file(ctx, releases[k], &runs[i]);
    absa_context_destroy(&ctx);
}
