/* The controller's bytes: identity at every step, refusal of what is damaged or foreign. */
#include "controller/ctl_state.h"

#include <absa/controller.h>

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static absa_controller *make(absa_context *ctx, int64_t batch)
{
    absa_controller_options o;
    absa_controller *c;
    absa_controller_options_init(&o, sizeof o);
    o.samples = 300;
    o.epochs = 12;
    o.batch = batch;
    o.batch_max = 128;
    o.patience = 2;
    o.decay_count = 1;
    o.decay[0] = 4;
    cr_assert_eq(absa_controller_create(ctx, &o, &c), ABSA_OK, "%s", absa_context_message(ctx));
    return c;
}

static size_t save(const absa_controller *c, unsigned char *buffer, size_t capacity)
{
    size_t size = 0, again = 0;
    cr_assert_eq(absa_controller_save(c, NULL, 0, &size), ABSA_OK);
    cr_assert_leq(size, capacity);
    cr_assert_eq(absa_controller_save(c, buffer, size - 1, &again), ABSA_E_SPACE);
    cr_assert_eq(again, size);
    cr_assert_eq(absa_controller_save(c, buffer, capacity, &again), ABSA_OK);
    return again;
}

/* One thing that may happen, chosen by the state alone so that two copies do the same. */
static int step(absa_controller *c)
{
    absa_plan p = {.struct_size = sizeof p};
    absa_micro m = {.struct_size = sizeof m};
    absa_controller_plan(c, 0, 1, &p);
    if (p.finished)
        return 0;
    if (p.measure_due)
        absa_controller_observe_value(c, fabs(sin((double)p.epochs_ended)) + 0.1, NULL);
    else if (p.epoch_done)
        absa_controller_end_epoch(c);
    else {
        absa_controller_micro(c, 0, 1, &m);
        absa_controller_advance(c, m.global_rows > 7 ? 7 : m.global_rows);
    }
    return 1;
}

Test(checkpoint, saving_and_loading_at_every_step_is_the_identity)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller *straight = make(ctx, 10), *hopping = make(ctx, 10);
    unsigned char a[4096], b[4096];
    int steps = 0;
    do {
        const size_t na = save(straight, a, sizeof a), nb = save(hopping, b, sizeof b);
        cr_assert_eq(na, nb);
        cr_assert_eq(memcmp(a, b, na), 0, "step %d", steps);
        absa_controller_destroy(&hopping);
        hopping = make(ctx, 10);
        cr_assert_eq(absa_controller_load(hopping, b, nb, 0), ABSA_OK, "%s",
                     absa_context_message(ctx));
        steps++;
    } while (step(straight) + step(hopping) == 2);
    cr_assert_gt(steps, 300);
    absa_controller_destroy(&straight);
    absa_controller_destroy(&hopping);
    absa_context_destroy(&ctx);
}

Test(checkpoint, damaged_bytes_are_refused_and_change_nothing)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller *c = make(ctx, 10), *other = make(ctx, 10);
    unsigned char good[4096], bad[4096], before[4096], after[4096];
    for (int i = 0; i < 60; i++)
        step(c);
    const size_t size = save(c, good, sizeof good), plain = save(other, before, sizeof before);
    for (size_t i = 0; i < size; i++) {
        cr_assert_eq(absa_controller_load(other, good, i, 0), ABSA_E_FORMAT, "cut at %zu", i);
        memcpy(bad, good, size);
        bad[i] ^= 0x40;
        cr_assert_neq(absa_controller_load(other, bad, size, 1), ABSA_OK, "byte %zu", i);
    }
    memcpy(bad, good, size);
    bad[size] = 0;
    cr_assert_eq(absa_controller_load(other, bad, size + 1, 0), ABSA_E_FORMAT);
    cr_assert_eq(absa_controller_load(other, NULL, size, 0), ABSA_E_INVALID);
    cr_assert_eq(save(other, after, sizeof after), plain);
    cr_assert_eq(memcmp(before, after, plain), 0);
    absa_controller_destroy(&c);
    absa_controller_destroy(&other);
    absa_context_destroy(&ctx);
}

Test(checkpoint, a_counter_that_would_overflow_is_refused)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller *c = make(ctx, 10);
    const absa_controller_options *o = absa__ctl_chosen(c);
    absa__ctl_state s;
    absa__ctl_begin(o, &s);
    int64_t *counters[] = {&s.samples,  &s.epochs,  &s.updates, &s.short_updates,
                           &s.patience, &s.bad_run, &s.crossed};
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
        unsigned char bytes[4096];
        size_t size;
        const int64_t before = *counters[i];
        *counters[i] = INT64_MAX - 5;
        cr_assert_eq(absa__ctl_save(ctx, o, &s, bytes, sizeof bytes, &size), ABSA_OK);
        cr_assert_eq(absa_controller_load(c, bytes, size, 0), ABSA_E_FORMAT, "counter %zu", i);
        *counters[i] = before;
        cr_assert_eq(absa__ctl_save(ctx, o, &s, bytes, sizeof bytes, &size), ABSA_OK);
        cr_assert_eq(absa_controller_load(c, bytes, size, 0), ABSA_OK, "counter %zu", i);
    }
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(checkpoint, a_newer_format_is_named_as_such)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller *c = make(ctx, 10);
    unsigned char bytes[4096];
    const size_t size = save(c, bytes, sizeof bytes);
    bytes[8] = 2;
    cr_assert_eq(absa_controller_load(c, bytes, size, 0), ABSA_E_VERSION);
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

Test(checkpoint, other_options_are_refused_by_name_unless_asked_for)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller *c = make(ctx, 10), *other = make(ctx, 20);
    unsigned char bytes[4096];
    const size_t size = save(c, bytes, sizeof bytes);
    cr_assert_eq(absa_controller_load(other, bytes, size, 0), ABSA_E_MISMATCH);
    cr_assert_not_null(strstr(absa_context_message(ctx), "batch, batch_ref, micro_batch differ"),
                       "%s", absa_context_message(ctx));
    cr_assert_eq(absa_controller_load(other, bytes, size, 1), ABSA_OK);
    absa_plan p = {.struct_size = sizeof p};
    absa_controller_plan(other, 0, 1, &p);
    cr_assert_eq(p.batch, 10);
    absa_controller_destroy(&c);
    absa_controller_destroy(&other);
    absa_context_destroy(&ctx);
}
