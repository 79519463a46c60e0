/* The controller's bytes: identity at every step, refusal of what is damaged or foreign. */
#include "base/bytes.h"
#include "controller/ctl_handle.h"

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
    const absa_controller_options *o = &c->options;
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

/* A training saved under other options may have ended long ago under these. */
Test(checkpoint, a_state_with_more_epochs_than_planned_is_finished)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller *c = make(ctx, 10), *other = make(ctx, 20);
    absa__ctl_state s;
    absa__ctl_begin(&c->options, &s);
    s.told_decays = 1; /* nothing is left to tell, so windows to come are like the open one */
    s.told_gamma = 0.0;
    const int64_t epochs[] = {c->options.epochs, INT64_MAX / 2 - 1};
    for (size_t i = 0; i < 2; i++) {
        unsigned char bytes[4096];
        size_t size;
        absa_plan p;
        absa_plan_init(&p, sizeof p);
        s.epochs = epochs[i];
        cr_assert_eq(absa__ctl_save(ctx, &c->options, &s, bytes, sizeof bytes, &size), ABSA_OK);
        cr_assert_eq(absa_controller_load(other, bytes, size, 1), ABSA_OK, "%s",
                     absa_context_message(ctx));
        cr_assert_eq(absa_controller_plan(other, 0, 1, &p), ABSA_OK);
        cr_assert_eq(p.finished, 1);
        cr_assert_eq(p.rows, p.batch);
    }
    absa_controller_destroy(&c);
    absa_controller_destroy(&other);
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

static int differing(const absa_controller *a, const absa_controller *b)
{
    const char *name;
    int count = 0;
    for (int32_t i = 0; (name = absa_controller_options_name(i)); i++) {
        char one[1024], other[1024];
        size_t size;
        absa_controller_options_get(NULL, &a->options, name, one, sizeof one, &size);
        absa_controller_options_get(NULL, &b->options, name, other, sizeof other, &size);
        count += strcmp(one, other) != 0;
    }
    return count;
}

/* More names than a message holds: the first ones, and how many there are beside them. */
Test(checkpoint, other_options_are_counted_where_there_is_no_room_to_name_them)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller *c = make(ctx, 10), *other;
    unsigned char bytes[4096];
    const size_t size = save(c, bytes, sizeof bytes);
    absa_controller_options o;
    absa_controller_options_init(&o, sizeof o);
    absa_controller_options_preset(&o, ABSA_PRESET_AUTHORS);
    o.strategy = ABSA_STRATEGY_ABS;
    o.lr_rule = ABSA_LR_RULE_SQRT;
    o.samples = o.epochs = 77;
    o.unit = ABSA_UNIT_SAMPLES;
    o.batch = 7;
    o.lr = o.lr_decay = o.adversarial_share = o.epsilon = 0.5;
    o.eigenvalue_ratio = o.batch_ratio = o.share_ratio = o.shrink_ratio = 3.0;
    o.measure_every = o.dwell = 5;
    o.gradient = o.across = o.momentum = o.spill = o.count_bad = o.lr_cap_nesterov = 1;
    cr_assert_eq(absa_controller_create(ctx, &o, &other), ABSA_OK, "%s", absa_context_message(ctx));
    cr_assert_eq(absa_controller_load(other, bytes, size, 0), ABSA_E_MISMATCH);
    const char *message = absa_context_message(ctx), *rest = strstr(message, " and ");
    cr_assert_not_null(rest, "%s", message);
    cr_assert_not_null(strstr(rest, " others differ"), "%s", message);
    int named = 1;
    for (const char *p = message; *p; p++)
        named += *p == ',';
    cr_assert_eq(named + atoi(rest + 5), differing(c, other), "%s", message);
    absa_controller_destroy(&c);
    absa_controller_destroy(&other);
    absa_context_destroy(&ctx);
}

/* Makes the checksum fit whatever was changed. */
static void seal(unsigned char *bytes, size_t size)
{
    absa__writer w = {bytes + size - 4, 4, 0};
    absa__put_u32(&w, absa__crc32(0, bytes, size - 4));
}

static void put(unsigned char *at, uint32_t value)
{
    absa__writer w = {at, 4, 0};
    absa__put_u32(&w, value);
}

/* Offsets: magic 8, format 4, length 4, count of options 4; the fields' count stands before the
 * fields, which end the state but for the checksum. */
Test(checkpoint, sealed_bytes_of_another_shape_are_refused)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller *c = make(ctx, 10);
    unsigned char good[4096], bad[4096];
    const size_t size = save(c, good, sizeof good);
    absa__reader r = {good, size, 16, 0};
    const uint32_t options = absa__get_u32(&r);
    size_t fields_at = 0;
    for (size_t at = 20; at + 4 < size && !fields_at; at++)
        if ((size - 8 - at) % 8 == 0 &&
            (size - 8 - at) / 8 == (good[at] | (size_t)good[at + 1] << 8))
            fields_at = at;
    cr_assert_gt(fields_at, 0);
    static const struct {
        int what;
        absa_status status;
    } faults[] = {{0, ABSA_E_VERSION}, {1, ABSA_E_FORMAT}, {2, ABSA_E_FORMAT}, {3, ABSA_E_FORMAT}};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        size_t length = size;
        memcpy(bad, good, size);
        if (faults[i].what == 0)
            put(bad + 16, options + 1); /* an option of a later release */
        if (faults[i].what == 1)
            put(bad + 12, (uint32_t)size + 8); /* says it is longer than it is */
        if (faults[i].what == 2)
            put(bad + fields_at, 1000);
        if (faults[i].what == 3) {
            memset(bad + size - 4, 0, 12); /* a field too many */
            length = size + 8;
            put(bad + 12, (uint32_t)length);
        }
        seal(bad, length);
        cr_assert_eq(absa_controller_load(c, bad, length, 1), faults[i].status, "fault %zu: %s", i,
                     absa_context_message(ctx));
    }
    absa_controller_destroy(&c);
    absa_context_destroy(&ctx);
}

/* Decays and spills that come to less than the smallest number leave a rate of 0: no use, but no
 * reason to lose the run either. */
Test(checkpoint, a_rate_that_has_vanished_is_loaded_again)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_controller_options o;
    absa_controller_options_init(&o, sizeof o);
    o.samples = 100;
    o.epochs = 9;
    o.batch = 10;
    o.batch_max = 20;
    o.batch_ratio = 1e6;
    o.patience = 1;
    o.spill = 1;
    o.momentum = ABSA_MOMENTUM_LR_INSIDE;
    absa_controller *c, *other;
    cr_assert_eq(absa_controller_create(ctx, &o, &c), ABSA_OK);
    cr_assert_eq(absa_controller_create(ctx, &o, &other), ABSA_OK);
    for (int i = 0; i < 100; i++)
        cr_assert_eq(absa_controller_observe_value(c, 1.0, NULL), ABSA_OK);
    for (int i = 0; i < 3; i++) {
        unsigned char bytes[4096];
        absa_plan p;
        absa_plan_init(&p, sizeof p);
        cr_assert_eq(absa_controller_advance(c, 20), ABSA_OK);
        const size_t size = save(c, bytes, sizeof bytes);
        cr_assert_eq(absa_controller_load(other, bytes, size, 0), ABSA_OK, "%s",
                     absa_context_message(ctx));
        cr_assert_eq(absa_controller_plan(other, 0, 1, &p), ABSA_OK);
        cr_assert_eq(p.lr, 0.0);
        cr_assert_eq(p.momentum_multiplier, 1.0);
    }
    absa_controller_destroy(&c);
    absa_controller_destroy(&other);
    absa_context_destroy(&ctx);
}
