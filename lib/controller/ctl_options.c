/* The controller's options: defaults, presets, names and ranges. */
#include "controller/ctl_state.h"

#include "base/fail.h"
#include "base/structs.h"

#include <inttypes.h>
#include <math.h>

#define OPTION(kind, name, choices)                                                                \
    {                                                                                              \
#name, offsetof(absa_controller_options, name), kind, choices, 0, 0                        \
    }

const absa__option absa__ctl_options[] = {
    OPTION('i', strategy, "bl fb gg abs absa"),
    OPTION('i', lr_rule, "linear sqrt none host"),
    OPTION('l', samples, NULL),
    OPTION('l', epochs, NULL),
    OPTION('l', batch, NULL),
    OPTION('l', batch_max, NULL),
    OPTION('l', batch_ref, NULL),
    OPTION('l', batch_multiple, NULL),
    OPTION('l', micro_batch, NULL),
    OPTION('d', lr, NULL),
    OPTION('d', lr_decay, NULL),
    {"decay", offsetof(absa_controller_options, decay), 'a', NULL,
     offsetof(absa_controller_options, decay_count), ABSA_DECAY_POINTS},
    OPTION('d', warmup, NULL),
    OPTION('d', warmup_start, NULL),
    OPTION('i', unit, "epochs updates samples"),
    OPTION('i', epoch_tail, "carry drop short"),
    OPTION('d', eigenvalue_ratio, NULL),
    OPTION('d', batch_ratio, NULL),
    OPTION('l', patience, NULL),
    OPTION('l', measure_every, NULL),
    OPTION('l', dwell, NULL),
    OPTION('i', trigger, "interval point"),
    OPTION('i', compare, "less less_equal"),
    OPTION('i', patience_counts, "untriggered all"),
    OPTION('i', patience_shrinks_share, "0 1"),
    OPTION('i', finish_at_batch_max, "0 1"),
    OPTION('i', growth, "batch accumulation"),
    OPTION('i', use_unconverged, "0 1"),
    OPTION('i', count_bad, "0 1"),
    OPTION('d', adversarial_share, NULL),
    OPTION('d', share_ratio, NULL),
    OPTION('d', adversarial_end, NULL),
    OPTION('d', epsilon, NULL),
    OPTION('i', adversarial_rows, "window micro"),
    OPTION('i', gradient, "mean sum"),
    OPTION('i', across, "sum mean"),
    OPTION('i', momentum, "plain lr_inside sum"),
    OPTION('i', spill, "0 1"),
    OPTION('i', lr_cap_nesterov, "0 1"),
    OPTION('d', shrink_ratio, NULL),
    OPTION('d', lr_cap, NULL),
    OPTION('d', lr_cap_momentum, NULL),
    OPTION('d', polynomial_end, NULL),
    OPTION('d', polynomial_power, NULL),
    OPTION('d', polynomial_final, NULL),
    OPTION('d', sampling_z, NULL),
};

const int32_t absa__ctl_option_count =
    (int32_t)(sizeof absa__ctl_options / sizeof absa__ctl_options[0]);

static void apply_preset(absa_controller_options *o, int32_t preset)
{
    const int authors = preset == ABSA_PRESET_AUTHORS;
    const int recommended = preset == ABSA_PRESET_RECOMMENDED;
    o->eigenvalue_ratio = o->batch_ratio = o->share_ratio = 2.0;
    o->patience = recommended ? 5 : 10;
    o->epsilon = 0.005;
    o->adversarial_share = 0.2;
    o->adversarial_end = -1.0;
    o->dwell = 0;
    o->measure_every = 0;
    o->trigger = recommended ? ABSA_TRIGGER_INTERVAL : ABSA_TRIGGER_POINT;
    o->compare = authors ? ABSA_COMPARE_LESS_EQUAL : ABSA_COMPARE_LESS;
    o->patience_counts = authors ? ABSA_PATIENCE_ALL : ABSA_PATIENCE_UNTRIGGERED;
    o->patience_shrinks_share = authors;
    o->finish_at_batch_max = authors;
    o->growth = authors ? ABSA_GROWTH_ACCUMULATION : ABSA_GROWTH_BATCH;
    o->adversarial_rows = authors ? ABSA_ROWS_MICRO : ABSA_ROWS_WINDOW;
    o->epoch_tail = authors ? ABSA_TAIL_DROP : ABSA_TAIL_CARRY;
    o->use_unconverged = !recommended;
    o->count_bad = 0;
    o->spill = 0;
    o->shrink_ratio = 0.0;
    o->lr_cap = 0.0;
}

void absa_controller_options_init(absa_controller_options *options, size_t size)
{
    absa_controller_options o = {0};
    o.strategy = ABSA_STRATEGY_ABSA;
    o.batch = 128;
    o.batch_max = 16384;
    o.batch_multiple = 1;
    o.lr = 0.1;
    o.lr_decay = 0.2;
    o.warmup = -1.0;
    o.lr_cap_momentum = 0.9;
    o.polynomial_power = 2.0;
    o.polynomial_final = 0.01;
    o.sampling_z = 2.0;
    apply_preset(&o, ABSA_PRESET_RECOMMENDED);
    absa__struct_init(options, size, &o, sizeof o);
}

/* Reads options of any age into ours. */
static absa_status read_caller(absa_context *ctx, const absa_controller_options *given,
                               absa_controller_options *o)
{
    if (!given)
        return absa__fail(ctx, ABSA_E_INVALID, "absa_controller_options: options is NULL");
    absa_controller_options_init(o, sizeof *o);
    return absa__struct_read(ctx, "absa_controller_options", given, o, sizeof *o);
}

absa_status absa_controller_options_preset(absa_controller_options *options, int32_t preset)
{
    absa_controller_options o;
    absa_status status = read_caller(NULL, options, &o);
    if (status)
        return status;
    if (preset < ABSA_PRESET_RECOMMENDED || preset > ABSA_PRESET_AUTHORS)
        return ABSA_E_INVALID;
    apply_preset(&o, preset);
    return absa__struct_write(NULL, "absa_controller_options", &o, options, sizeof o);
}

static const absa__options table = {"the controller", "absa_controller_options", absa__ctl_options,
                                    sizeof absa__ctl_options / sizeof absa__ctl_options[0]};

const char *absa_controller_options_name(int32_t index)
{
    return absa__options_name(&table, index);
}

absa_status absa_controller_options_get(absa_context *context,
                                        const absa_controller_options *options, const char *name,
                                        char *buffer, size_t capacity, size_t *size)
{
    absa_controller_options o;
    const absa_status status = read_caller(context, options, &o);
    return status ? status : absa__options_get(context, &table, &o, name, buffer, capacity, size);
}

absa_status absa_controller_options_set(absa_context *context, absa_controller_options *options,
                                        const char *name, const char *value)
{
    absa_controller_options o;
    absa_status status = read_caller(context, options, &o);
    if (!status)
        status = absa__options_set(context, &table, &o, name, value);
    return status ? status
                  : absa__struct_write(context, "absa_controller_options", &o, options, sizeof o);
}

/* A range as the header states it; NaN fails every comparison. */
#define REQUIRE(condition, format, name, range)                                                    \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return absa__fail(ctx, ABSA_E_INVALID,                                                 \
                              "absa_controller_options: " #name " is " format ", must be " range,  \
                              o->name);                                                            \
    } while (0)

static absa_status check_sizes(absa_context *ctx, absa_controller_options *o)
{
    const int64_t most = ABSA__CTL_MOST;
    REQUIRE(o->samples >= 1 && o->samples <= most, "%" PRId64, samples, "1 to 2^53");
    REQUIRE(o->epochs >= 1 && o->epochs <= ABSA__CTL_SAMPLES / o->samples, "%" PRId64, epochs,
            "at least 1, and epochs * samples must fit 62 bits");
    REQUIRE(o->batch >= 1 && o->batch <= most, "%" PRId64, batch, "1 to 2^53");
    if (o->strategy == ABSA_STRATEGY_BL)
        o->batch_max = o->batch;
    REQUIRE(o->batch_max >= o->batch && o->batch_max <= most, "%" PRId64, batch_max,
            "at least batch and at most 2^53");
    if (o->batch_ref == 0)
        o->batch_ref = o->batch;
    REQUIRE(o->batch_ref >= 1 && o->batch_ref <= most, "%" PRId64, batch_ref, "0, or 1 to 2^53");
    REQUIRE(o->batch_multiple >= 1 && o->batch_multiple <= o->batch, "%" PRId64, batch_multiple,
            "1 to batch");
    /* Accumulation makes B a multiple of batch, and so of what divides batch. */
    REQUIRE(o->growth != ABSA_GROWTH_ACCUMULATION || o->batch % o->batch_multiple == 0, "%" PRId64,
            batch_multiple, "a divisor of batch where growth is ACCUMULATION");
    /* As large as B gets: whoever asks whether it is there must not wait for a rest. */
    const int accumulates =
        o->growth == ABSA_GROWTH_ACCUMULATION && o->strategy != ABSA_STRATEGY_FB;
    o->batch_max -= o->batch_max % (accumulates ? o->batch : o->batch_multiple);
    if (o->batch_max < o->batch)
        o->batch_max = o->batch;
    if (o->micro_batch == 0)
        o->micro_batch = o->batch;
    REQUIRE(o->micro_batch >= 1 && o->micro_batch <= most, "%" PRId64, micro_batch,
            "0, or 1 to 2^53");
    REQUIRE(o->epoch_tail != ABSA_TAIL_DROP || o->batch <= o->samples, "%" PRId64, batch,
            "at most samples when the tail is dropped");
    REQUIRE(o->process >= 0, "%" PRId64, process, "0 or more");
    return ABSA_OK;
}

/* Whether growth leads from any batch to a larger one. What the second growth manages, all later
 * ones do: they begin at larger multiples. */
static int grows(const absa_controller_options *o)
{
    if (!absa__ctl_adaptive(o) || o->batch == o->batch_max)
        return 1;
    if (o->growth == ABSA_GROWTH_ACCUMULATION)
        return o->batch_ratio >= 2.0;
    const int64_t first = absa__ctl_fit(o, floor(o->batch_ratio * (double)o->batch), o->batch);
    return first > o->batch &&
           (first == o->batch_max ||
            absa__ctl_fit(o, floor(o->batch_ratio * (double)first), first) > first);
}

absa_status absa__ctl_check(absa_context *ctx, absa_controller_options *o)
{
    absa_status status = absa__options_check_choices(ctx, &table, o);
    if (!status)
        status = check_sizes(ctx, o);
    if (status)
        return status;
    REQUIRE(o->lr > 0.0 && isfinite(o->lr), "%g", lr, "above 0 and finite");
    REQUIRE(isfinite(o->lr * (double)o->batch_max / (double)o->batch_ref), "%g", lr,
            "finite for batch_max too");
    REQUIRE(o->lr_decay > 0.0 && o->lr_decay <= 1.0, "%g", lr_decay, "above 0 and at most 1");
    REQUIRE(o->decay_count >= 0 && o->decay_count <= ABSA_DECAY_POINTS, "%" PRId64, decay_count,
            "0 to 32");
    for (int64_t i = 0; i < o->decay_count; i++)
        if (!(o->decay[i] >= 0.0) || !isfinite(o->decay[i]) ||
            (i > 0 && !(o->decay[i] > o->decay[i - 1])))
            return absa__fail(ctx, ABSA_E_INVALID,
                              "absa_controller_options: decay[%lld] is %g; the points must be "
                              "finite, not negative and ascending",
                              (long long)i, o->decay[i]);
    if (o->warmup == -1.0) {
        const double epochs = o->strategy == ABSA_STRATEGY_FB ? 5.0 : 0.0;
        const double updates = epochs * (double)o->samples / (double)o->batch_max;
        o->warmup = o->unit == ABSA_UNIT_EPOCHS    ? epochs
                    : o->unit == ABSA_UNIT_SAMPLES ? epochs * (double)o->samples
                                                   : updates;
    }
    REQUIRE(o->warmup >= 0.0 && isfinite(o->warmup), "%g", warmup, "-1, or 0 and more");
    REQUIRE(o->warmup_start >= 0.0 && o->warmup_start <= 1.0, "%g", warmup_start, "0 to 1");
    REQUIRE(o->eigenvalue_ratio >= 1.0 && isfinite(o->eigenvalue_ratio), "%g", eigenvalue_ratio,
            "at least 1");
    REQUIRE(o->batch_ratio > 1.0 && o->batch_ratio <= 1e6, "%g", batch_ratio,
            "above 1 and at most 1e6");
    REQUIRE(
        grows(o), "%g", batch_ratio,
        "enough to take every batch to the next whole one: of batch_multiple, or of batch where "
        "growth is ACCUMULATION");
    REQUIRE(o->patience >= 1, "%" PRId64, patience, "at least 1");
    REQUIRE(o->measure_every >= 0, "%" PRId64, measure_every, "0 or more");
    REQUIRE(o->dwell >= 0, "%" PRId64, dwell, "0 or more");
    REQUIRE(o->adversarial_share >= 0.0 && o->adversarial_share <= 1.0, "%g", adversarial_share,
            "0 to 1");
    REQUIRE(o->share_ratio >= 1.0 && isfinite(o->share_ratio), "%g", share_ratio, "at least 1");
    if (o->adversarial_end == -1.0) {
        const double half = 0.5 * (double)o->epochs;
        const double samples = half * (double)absa__ctl_epoch_size(o);
        o->adversarial_end = o->unit == ABSA_UNIT_EPOCHS    ? half
                             : o->unit == ABSA_UNIT_SAMPLES ? samples
                                                            : samples / (double)o->batch;
    }
    REQUIRE(o->adversarial_end >= 0.0, "%g", adversarial_end, "-1, or 0 and more");
    REQUIRE(o->shrink_ratio == 0.0 || (o->shrink_ratio >= 1.0 && isfinite(o->shrink_ratio)), "%g",
            shrink_ratio, "0, or at least 1");
    REQUIRE(o->lr_cap >= 0.0 && isfinite(o->lr_cap), "%g", lr_cap, "0 or more");
    REQUIRE(o->lr_cap_momentum >= 0.0 && o->lr_cap_momentum < 1.0, "%g", lr_cap_momentum,
            "at least 0 and below 1");
    REQUIRE(o->polynomial_end >= 0.0 && isfinite(o->polynomial_end), "%g", polynomial_end,
            "0 or more");
    REQUIRE(o->polynomial_power > 0.0 && o->polynomial_power <= 100.0, "%g", polynomial_power,
            "above 0 and at most 100");
    REQUIRE(o->polynomial_final > 0.0 && o->polynomial_final <= 1.0, "%g", polynomial_final,
            "above 0 and at most 1");
    REQUIRE(o->sampling_z >= 0.0 && isfinite(o->sampling_z), "%g", sampling_z, "0 or more");
    if (o->lr_rule == ABSA_LR_RULE_HOST && !o->lr_function)
        return absa__fail(ctx, ABSA_E_INVALID,
                          "absa_controller_options: lr_rule is HOST, but lr_function is NULL");
    REQUIRE(o->epsilon >= 0.0 && isfinite(o->epsilon), "%g", epsilon, "0 or more");
    return ABSA_OK;
}
