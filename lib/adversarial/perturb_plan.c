/* What the options of a perturbation mean: defaults, named attacks, checks, and the tables of sizes
 * and box ends over a row. What is then done with a row is left to perturb_blocks.c and
 * perturb_fast.c. */
#include "adversarial/perturb_plan.h"

#include "adversarial/inputs.h"
#include "base/structs.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Shorter runs are not worth a call each. */
enum { SHORTEST_RUN = 16 };

void absa_perturb_options_init(absa_perturb_options *options, size_t size)
{
    absa_perturb_options o = {0};
    o.g_element = ABSA_INPUT_SAME;
    o.channels = 1;
    o.epsilon = 0.005;
    o.lo = -HUGE_VAL;
    o.hi = HUGE_VAL;
    o.grad_scale = 1.0;
    o.step_ratio = 1.0;
    o.start_ratio = 1.0;
    o.steps = 1;
    absa__struct_init(options, size, &o, sizeof o);
}

absa_status absa_perturb_options_attack(absa_perturb_options *options, int32_t attack)
{
    static const struct {
        int32_t step, start;
        double start_ratio, step_ratio;
        int64_t steps;
    } attacks[] = {
        [ABSA_ATTACK_FGSM] = {ABSA_STEP_SIGN, ABSA_START_NONE, 1.0, 1.0, 1},
        [ABSA_ATTACK_RAW] = {ABSA_STEP_RAW, ABSA_START_NONE, 1.0, 1.0, 1},
        [ABSA_ATTACK_L2] = {ABSA_STEP_L2, ABSA_START_NONE, 1.0, 1.0, 1},
        [ABSA_ATTACK_RFGSM] = {ABSA_STEP_SIGN, ABSA_START_SIGN, 0.5, 0.5, 1},
        [ABSA_ATTACK_FFGSM] = {ABSA_STEP_SIGN, ABSA_START_UNIFORM, 1.0, 1.25, 1},
        [ABSA_ATTACK_PGD] = {ABSA_STEP_SIGN, ABSA_START_UNIFORM, 1.0, 0.25, 10},
        [ABSA_ATTACK_PGD_L2] = {ABSA_STEP_L2, ABSA_START_L2, 1.0, 0.25, 10},
    };
    absa_perturb_options o;
    if (!options || attack < ABSA_ATTACK_FGSM || attack > ABSA_ATTACK_PGD_L2)
        return ABSA_E_INVALID;
    absa_perturb_options_init(&o, sizeof o);
    const absa_status status =
        absa__struct_read(NULL, "absa_perturb_options", options, &o, sizeof o);
    if (status)
        return status;
    o.step = attacks[attack].step;
    o.start = attacks[attack].start;
    o.start_ratio = attacks[attack].start_ratio;
    o.step_ratio = attacks[attack].step_ratio;
    o.steps = attacks[attack].steps;
    return absa__struct_write(NULL, "absa_perturb_options", &o, options, sizeof o);
}

static int64_t channel_of(const absa_perturb_options *o, int64_t i)
{
    return o->layout == ABSA_LAYOUT_CHANNELS_LAST ? i % o->channels
                                                  : i / (o->row_size / o->channels);
}

static double pick(const absa_perturb_options *o, int64_t i, const double *element,
                   const double *channel, double scalar)
{
    return element ? element[i] : channel ? channel[channel_of(o, i)] : scalar;
}

static int any_element(const absa_perturb_options *o)
{
    return o->element_epsilon || o->element_lo || o->element_hi;
}

static int any_channel(const absa_perturb_options *o)
{
    return o->channel_epsilon || o->channel_lo || o->channel_hi;
}

static int shape_of(const absa_perturb_options *o)
{
    if (any_element(o))
        return ABSA__SHAPE_ELEMENTS;
    if (!any_channel(o) || o->channels == 1)
        return ABSA__SHAPE_CONSTANT;
    if (o->layout == ABSA_LAYOUT_CHANNELS_FIRST)
        return o->row_size / o->channels >= SHORTEST_RUN ? ABSA__SHAPE_RUNS : ABSA__SHAPE_ELEMENTS;
    return o->channels <= ABSA__BLOCK ? ABSA__SHAPE_PATTERN : ABSA__SHAPE_ELEMENTS;
}

static int choices_valid(const absa_perturb_options *o)
{
    return o->step >= ABSA_STEP_SIGN && o->step <= ABSA_STEP_L2 && o->element >= ABSA_INPUT_F32 &&
           o->element <= ABSA_INPUT_I8 && o->g_element >= ABSA_INPUT_F32 &&
           o->g_element <= ABSA_INPUT_BF16 &&
           (o->layout == ABSA_LAYOUT_CHANNELS_FIRST || o->layout == ABSA_LAYOUT_CHANNELS_LAST) &&
           (o->direction == ABSA_DIRECTION_ASCEND || o->direction == ABSA_DIRECTION_DESCEND) &&
           o->start >= ABSA_START_NONE && o->start <= ABSA_START_L2;
}

/* Rows that overlap would be read after they were written; rows beyond the address space are not
 * there. */
static int stride_valid(const absa_perturb_options *o, int64_t stride, int64_t rows)
{
    const int64_t most = INT64_MAX / (int64_t)sizeof(double);
    return stride >= o->row_size && (rows == 0 || stride <= most / rows);
}

static int sizes_valid(const absa_perturb_options *o, int64_t rows)
{
    return rows >= 0 && o->channels >= 1 && o->row_size >= 1 && o->row_size % o->channels == 0 &&
           stride_valid(o, o->x_stride, rows) && stride_valid(o, o->g_stride, rows) &&
           stride_valid(o, o->out_stride, rows) &&
           (o->mask_stride == 0 || stride_valid(o, o->mask_stride, rows)) && o->steps >= 1 &&
           o->update >= 0;
}

static int scalars_valid(const absa_perturb_options *o)
{
    return o->grad_scale > 0.0 && isfinite(o->grad_scale) && o->step_ratio >= 0.0 &&
           isfinite(o->step_ratio) && o->start_ratio >= 0.0 && o->start_ratio <= 1.0;
}

/* Epsilon and box of every element; the largest epsilon. */
static int reaches_valid(const absa_perturb_options *o, double *most)
{
    const int64_t n = any_element(o) ? o->row_size : any_channel(o) ? o->channels : 1;
    *most = 0.0;
    for (int64_t k = 0; k < n; k++) {
        /* An element of each channel, wherever channels are what differs. */
        const int64_t i = n == o->channels && o->layout == ABSA_LAYOUT_CHANNELS_FIRST
                              ? k * (o->row_size / o->channels)
                              : k;
        const double epsilon = pick(o, i, o->element_epsilon, o->channel_epsilon, o->epsilon);
        const double lo = pick(o, i, o->element_lo, o->channel_lo, o->lo);
        const double hi = pick(o, i, o->element_hi, o->channel_hi, o->hi);
        if (!(epsilon >= 0.0) || !isfinite(epsilon) || !(lo <= hi) || lo == HUGE_VAL ||
            hi == -HUGE_VAL)
            return 0;
        *most = epsilon > *most ? epsilon : *most;
    }
    return 1;
}

absa_status absa__perturb_plan_make(const absa_perturb_options *options, int64_t rows,
                                    absa__perturb_plan *plan)
{
    absa_perturb_options *o = &plan->o;
    if (!options)
        return ABSA_E_INVALID;
    absa_perturb_options_init(o, sizeof *o);
    const absa_status status =
        absa__struct_read(NULL, "absa_perturb_options", options, o, sizeof *o);
    if (status)
        return status;
    if (o->g_element == ABSA_INPUT_SAME)
        o->g_element = o->element == ABSA_INPUT_U8 || o->element == ABSA_INPUT_I8 ? ABSA_INPUT_F32
                                                                                  : o->element;
    o->x_stride = o->x_stride ? o->x_stride : o->row_size;
    o->g_stride = o->g_stride ? o->g_stride : o->row_size;
    o->out_stride = o->out_stride ? o->out_stride : o->row_size;
    double widest = 0.0;
    if (!choices_valid(o) || !sizes_valid(o, rows) || !scalars_valid(o) ||
        !reaches_valid(o, &plan->most))
        return ABSA_E_INVALID;
    for (int64_t row = 0; row < rows && o->row_scale; row++) {
        if (!(o->row_scale[row] >= 0.0) || !isfinite(o->row_scale[row]))
            return ABSA_E_INVALID;
        widest = o->row_scale[row] > widest ? o->row_scale[row] : widest;
    }
    const double reach = plan->most * (o->row_scale ? widest : 1.0);
    const double largest = o->element == ABSA_INPUT_F32 ? (double)FLT_MAX : DBL_MAX;
    plan->factor = o->step_ratio * (o->step == ABSA_STEP_RAW ? o->grad_scale : 1.0);
    if (reach > largest || reach * o->step_ratio > largest || !isfinite(plan->factor) ||
        !isfinite(reach * plan->factor))
        return ABSA_E_INVALID;
    if (o->direction == ABSA_DIRECTION_DESCEND)
        plan->factor = -plan->factor;
    plan->shape = shape_of(o);
    plan->ball = o->step != ABSA_STEP_RAW;
    plan->size = absa__input_size(o->element);
    plan->g_size = absa__input_size(o->g_element);
    return ABSA_OK;
}

int64_t absa__piece(const absa__perturb_plan *plan, int64_t first)
{
    const absa_perturb_options *o = &plan->o;
    int64_t length = ABSA__BLOCK, left = o->row_size - first;
    if (plan->shape == ABSA__SHAPE_RUNS) {
        const int64_t run = o->row_size / o->channels;
        left = run - first % run;
    } else if (plan->shape == ABSA__SHAPE_PATTERN) {
        /* Whole pixels, and whole 16 elements where both fit: memory is written in such units. */
        int64_t unit = o->channels;
        while (unit % 16 != 0 && 2 * unit <= ABSA__BLOCK)
            unit *= 2;
        length -= length % unit;
    }
    return length < left ? length : left;
}

static double clamp(double v, double lo, double hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

int absa__reach_fill(const absa__perturb_plan *plan, int64_t first, int64_t length, double scale,
                     absa__reach *reach)
{
    const absa_perturb_options *o = &plan->o;
    const int64_t key = plan->shape == ABSA__SHAPE_RUNS       ? first / (o->row_size / o->channels)
                        : plan->shape == ABSA__SHAPE_ELEMENTS ? first
                                                              : 0;
    if (reach->key == key && reach->filled >= length && reach->scale == scale)
        return 0;
    double least, most;
    absa__input_range(o->element, &least, &most);
    const int f32 = o->element == ABSA_INPUT_F32;
    const int alike = plan->shape == ABSA__SHAPE_CONSTANT || plan->shape == ABSA__SHAPE_RUNS;
    for (int64_t k = 0; k < length; k++) {
        if (alike && k > 0) {
            reach->epsilon[k] = reach->epsilon[0];
            reach->lo[k] = reach->lo[0];
            reach->hi[k] = reach->hi[0];
            continue;
        }
        const int64_t i = first + k;
        const double e = scale * pick(o, i, o->element_epsilon, o->channel_epsilon, o->epsilon);
        const double lo = clamp(pick(o, i, o->element_lo, o->channel_lo, o->lo), least, most);
        const double hi = clamp(pick(o, i, o->element_hi, o->channel_hi, o->hi), least, most);
        reach->epsilon[k] = f32 ? (double)(float)e : e;
        reach->lo[k] = f32 ? (double)(float)lo : lo;
        reach->hi[k] = f32 ? (double)(float)hi : hi;
    }
    reach->key = key;
    reach->filled = length;
    reach->scale = scale;
    return 1;
}
