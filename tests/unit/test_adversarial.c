/* Perturbations against the formula in long double, and every edge it has. */
#include <absa/adversarial.h>
#include <absa/random.h>

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <string.h>

enum { ROWS = 5, CHANNELS = 3, PIXELS = 37, ROW = CHANNELS * PIXELS };

static double x64[ROWS * ROW], g64[ROWS * ROW], out64[ROWS * ROW];
static float x32[ROWS * ROW], g32[ROWS * ROW], out32[ROWS * ROW];

static void fill(void)
{
    absa_random_uniform(1, 0, 0, ROWS * ROW, x64);
    absa_random_gaussian_f64(1, 1, 0, ROWS * ROW, g64);
    for (int i = 0; i < ROWS * ROW; i += 11)
        g64[i] = 0.0;
    for (int i = 0; i < ROWS * ROW; i++) {
        x32[i] = (float)x64[i];
        g32[i] = (float)g64[i];
    }
}

static absa_perturb_options options(int32_t step)
{
    absa_perturb_options o;
    absa_perturb_options_init(&o, sizeof o);
    o.step = step;
    o.row_size = ROW;
    o.epsilon = 0.03;
    o.lo = 0.0;
    o.hi = 1.0;
    return o;
}

/* The formula of the header for one element. */
static long double model(const absa_perturb_options *o, int64_t channel, long double x,
                         long double g, long double norm)
{
    const long double e =
        (long double)(o->channel_epsilon ? o->channel_epsilon[channel] : o->epsilon);
    const long double lo = (long double)(o->channel_lo ? o->channel_lo[channel] : o->lo);
    const long double hi = (long double)(o->channel_hi ? o->channel_hi[channel] : o->hi);
    long double step = 0;
    if (o->step == ABSA_STEP_SIGN)
        step = g > 0 ? e : g < 0 ? -e : 0;
    else if (o->step == ABSA_STEP_RAW)
        step = e * (long double)o->grad_scale * g;
    else if (norm > 0)
        step = e * (e * g) / norm;
    const long double v = x + step;
    const long double low = x < lo ? x : lo, high = x > hi ? x : hi;
    return v < low ? low : v > high ? high : v;
}

static int64_t channel_of(const absa_perturb_options *o, int64_t i)
{
    if (o->channels == 1)
        return 0;
    return o->layout == ABSA_LAYOUT_CHANNELS_FIRST ? i / (o->row_size / o->channels)
                                                   : i % o->channels;
}

/* Step and sum are rounded once each, in the element type: one unit in the last place of the larger
 * operand; the constants themselves are rounded to f32, half a unit more. */
static void compare(absa_perturb_options *o)
{
    absa_perturb_result r;
    absa_perturb_result_init(&r, sizeof r);
    o->element = ABSA_ELEMENT_F64;
    cr_assert_eq(absa_perturb(o, ROWS, x64, g64, out64, &r), ABSA_OK);
    cr_assert_eq(r.rows_done, ROWS);
    cr_assert_eq(r.bad_row, -1);
    o->element = ABSA_ELEMENT_F32;
    cr_assert_eq(absa_perturb(o, ROWS, x32, g32, out32, NULL), ABSA_OK);
    for (int row = 0; row < ROWS; row++) {
        long double s64 = 0, s32 = 0;
        for (int i = 0; i < ROW; i++) {
            /* The steepest point of the ellipsoid: gradients weigh as much as their sizes. */
            const int64_t c = channel_of(o, i);
            const long double e =
                (long double)(o->channel_epsilon ? o->channel_epsilon[c] : o->epsilon);
            const long double w64 = e * (long double)g64[row * ROW + i];
            const long double w32 = e * (long double)g32[row * ROW + i];
            s64 += w64 * w64;
            s32 += w32 * w32;
        }
        for (int i = 0; i < ROW; i++) {
            const int at = row * ROW + i;
            const int64_t c = channel_of(o, i);
            const double want =
                (double)model(o, c, (long double)x64[at], (long double)g64[at], sqrtl(s64));
            cr_assert_float_eq(out64[at], want, 2 * DBL_EPSILON * (fabs(want) + 0.1));
            const double w32 =
                (double)model(o, c, (long double)x32[at], (long double)g32[at], sqrtl(s32));
            cr_assert_float_eq((double)out32[at], w32, 2 * (double)FLT_EPSILON * (fabs(w32) + 0.1));
        }
    }
}

Test(adversarial, every_step_follows_its_formula)
{
    fill();
    for (int32_t step = ABSA_STEP_SIGN; step <= ABSA_STEP_L2; step++) {
        absa_perturb_options o = options(step);
        o.grad_scale = 0.5;
        compare(&o);
    }
}

Test(adversarial, channels_have_their_own_size_and_box_in_both_layouts)
{
    fill();
    const double e[CHANNELS] = {0.01, 0.0, 0.2}, lo[CHANNELS] = {0.1, 0.0, -1.0};
    const double hi[CHANNELS] = {0.9, 0.5, 2.0};
    for (int32_t layout = 0; layout < 2; layout++)
        for (int32_t step = ABSA_STEP_SIGN; step <= ABSA_STEP_L2; step++) {
            absa_perturb_options o = options(step);
            o.layout = layout;
            o.channels = CHANNELS;
            o.channel_epsilon = e;
            o.channel_lo = lo;
            o.channel_hi = hi;
            compare(&o);
        }
}

Test(adversarial, a_box_may_have_one_side_or_none)
{
    fill();
    absa_perturb_options o = options(ABSA_STEP_SIGN);
    o.lo = -HUGE_VAL;
    compare(&o);
    o.lo = 0.0;
    o.hi = HUGE_VAL;
    compare(&o);
    o.lo = -HUGE_VAL;
    compare(&o);
}

/* Outside the box an input is never pushed further out, nor moved by more than epsilon. */
Test(adversarial, an_input_outside_the_box_is_neither_expelled_nor_pulled_in)
{
    const float x[4] = {-2.98e-8f, -2.98e-8f, 1.5f, 1.5f}, g[4] = {-1, 1, 1, -1};
    const float want[4] = {-2.98e-8f, -2.98e-8f + 0.1f, 1.5f, 1.4f};
    float out[4];
    cr_assert_eq(absa_fgsm(1, 4, x, g, 0.1, 0.0, 1.0, out), ABSA_OK);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(out[i], want[i], "element %d: %g", i, (double)out[i]);
}

Test(adversarial, no_size_and_no_gradient_copy_the_bits)
{
    const float x[4] = {-0.0f, 0.5f, FLT_TRUE_MIN, -3.0f}, g[4] = {1, -1, 1, -1};
    const float zero[4] = {0.0f, -0.0f, 0.0f, -0.0f};
    float out[4];
    cr_assert_eq(absa_fgsm(1, 4, x, g, 0.0, 0.0, 1.0, out), ABSA_OK);
    cr_assert_eq(memcmp(out, x, sizeof x), 0);
    absa_perturb_options o = options(ABSA_STEP_SIGN);
    absa_perturb_result r;
    absa_perturb_result_init(&r, sizeof r);
    o.row_size = 2;
    for (int32_t step = ABSA_STEP_SIGN; step <= ABSA_STEP_L2; step++) {
        o.step = step;
        cr_assert_eq(absa_perturb(&o, 2, x, zero, out, &r), ABSA_OK);
        cr_assert_eq(memcmp(out, x, sizeof x), 0);
        cr_assert_eq(r.zero_rows, 2, "an attack without effect is reported");
    }
}

Test(adversarial, rows_before_a_bad_one_are_done_and_later_ones_untouched)
{
    fill();
    const double bad[3] = {(double)NAN, (double)INFINITY, -(double)INFINITY};
    for (int kind = 0; kind < 3; kind++)
        for (int in_g = 0; in_g < 2; in_g++)
            for (int row = 0; row < ROWS; row++) {
                absa_perturb_options o = options(ABSA_STEP_SIGN);
                absa_perturb_result r;
                absa_perturb_result_init(&r, sizeof r);
                fill();
                const int at = row * ROW + 17;
                (in_g ? g32 : x32)[at] = (float)bad[kind];
                (in_g ? g32 : x32)[at + 3] = (float)bad[kind];
                memset(out32, 0x11, sizeof out32);
                cr_assert_eq(absa_perturb(&o, ROWS, x32, g32, out32, &r), ABSA_E_NONFINITE);
                cr_assert_eq(r.bad_row, row);
                cr_assert_eq(r.bad_index, 17);
                cr_assert_eq(r.bad_in, in_g ? ABSA_PERTURB_G : ABSA_PERTURB_X);
                cr_assert_eq(r.rows_done, row);
                for (int i = 0; i < ROWS * ROW; i++) {
                    const int untouched = memcmp(&out32[i], "\x11\x11\x11\x11", 4) == 0;
                    cr_assert_eq(untouched, i >= row * ROW);
                }
            }
}

Test(adversarial, strides_leave_the_gaps_alone)
{
    fill();
    enum { STRIDE = ROW + 9 };
    static float wide[ROWS * STRIDE], want[ROWS * ROW];
    absa_perturb_options o = options(ABSA_STEP_SIGN);
    cr_assert_eq(absa_perturb(&o, ROWS, x32, g32, want, NULL), ABSA_OK);
    for (int i = 0; i < ROWS * STRIDE; i++)
        wide[i] = -7.0f;
    o.out_stride = STRIDE;
    cr_assert_eq(absa_perturb(&o, ROWS, x32, g32, wide, NULL), ABSA_OK);
    for (int row = 0; row < ROWS; row++)
        for (int i = 0; i < STRIDE; i++)
            cr_assert_eq(wide[row * STRIDE + i], i < ROW ? want[row * ROW + i] : -7.0f);
    /* Read with a stride, in place. */
    for (int row = 0; row < ROWS; row++)
        memcpy(wide + row * STRIDE, x32 + row * ROW, ROW * sizeof *x32);
    o.x_stride = STRIDE;
    cr_assert_eq(absa_perturb(&o, ROWS, wide, g32, wide, NULL), ABSA_OK);
    for (int row = 0; row < ROWS; row++)
        cr_assert_eq(memcmp(wide + row * STRIDE, want + row * ROW, ROW * sizeof *want), 0);
}

Test(adversarial, any_split_into_micro_batches_gives_the_same_bits)
{
    fill();
    for (int32_t step = ABSA_STEP_SIGN; step <= ABSA_STEP_L2; step++) {
        absa_perturb_options o = options(step);
        static float part[ROWS * ROW];
        cr_assert_eq(absa_perturb(&o, ROWS, x32, g32, out32, NULL), ABSA_OK);
        for (int row = 0; row < ROWS; row++)
            cr_assert_eq(
                absa_perturb(&o, 1, x32 + row * ROW, g32 + row * ROW, part + row * ROW, NULL),
                ABSA_OK);
        cr_assert_eq(memcmp(part, out32, sizeof part), 0);
    }
}

Test(adversarial, the_length_of_a_huge_or_tiny_gradient_does_not_overflow)
{
    const double scales[2] = {1e300, 1e-300};
    for (int k = 0; k < 2; k++) {
        const double x[2] = {0, 0}, g[2] = {3 * scales[k], -4 * scales[k]};
        double out[2];
        absa_perturb_options o = options(ABSA_STEP_L2);
        o.element = ABSA_ELEMENT_F64;
        o.row_size = 2;
        o.lo = -1;
        o.epsilon = 0.5;
        cr_assert_eq(absa_perturb(&o, 1, x, g, out, NULL), ABSA_OK);
        cr_assert_float_eq(out[0], 0.3, 1e-15);
        cr_assert_float_eq(out[1], -0.4, 1e-15);
    }
}

Test(adversarial, the_length_of_a_long_row_is_as_exact_as_that_of_a_short_one)
{
    enum { N = 1 << 18 };
    static double x[N], g[N], out[N];
    for (int i = 0; i < N; i++)
        g[i] = i % 2 ? 0.1 : 1.0;
    const long double tenth = (long double)0.1, length = sqrtl(N / 2 * (1.0L + tenth * tenth));
    absa_perturb_options o = options(ABSA_STEP_L2);
    o.element = ABSA_ELEMENT_F64;
    o.row_size = N;
    o.lo = -1;
    o.epsilon = 0.5;
    for (int several = 0; several < 2; several++) {
        /* A step of that length from x; a point that far outside, brought back. */
        memcpy(out, g, sizeof out);
        if (several)
            memset(g, 0, sizeof g);
        cr_assert_eq(several ? absa_perturb_step(&o, 1, x, g, out, NULL)
                             : absa_perturb(&o, 1, x, g, out, NULL),
                     ABSA_OK);
        /* A sum of squares is off by the additions of a lane of a block, 256 / 8, and 8 roundings
         * more; its root by half of that; 8 roundings in the quotients and products around it. */
        const long double most = 28 * (long double)DBL_EPSILON / 2;
        for (int i = 0; i < N; i++) {
            const long double want = 0.5L * (i % 2 ? tenth : 1.0L) / length;
            cr_assert(fabsl((long double)out[i] - want) <= most * want,
                      "element %d: %.17g, not %.17Lg", i, out[i], want);
        }
    }
}

Test(adversarial, fields_out_of_range_are_refused)
{
    fill();
    static const double nan_channel[CHANNELS] = {0.1, (double)NAN, 0.1};
    absa_perturb_options o;
#define REFUSE(change)                                                                             \
    do {                                                                                           \
        o = options(ABSA_STEP_SIGN);                                                               \
        change;                                                                                    \
        cr_assert_eq(absa_perturb(&o, 1, x32, g32, out32, NULL), ABSA_E_INVALID, #change);         \
    } while (0)
    REFUSE(o.step = 3);
    REFUSE(o.element = 6);
    REFUSE(o.element = ABSA_INPUT_SAME);
    REFUSE(o.g_element = ABSA_INPUT_U8);
    REFUSE(o.direction = 2);
    REFUSE(o.start = 4);
    REFUSE(o.step_ratio = -0.5);
    REFUSE(o.start_ratio = 1.5);
    REFUSE(o.steps = 0);
    REFUSE(o.update = -1);
    REFUSE(o.mask_stride = 1);
    REFUSE(o.lo = (double)INFINITY);
    REFUSE(o.hi = -(double)INFINITY);
    REFUSE(o.step = -1);
    REFUSE(o.layout = 2);
    REFUSE(o.row_size = 0);
    REFUSE(o.channels = 0);
    REFUSE(o.channels = 2);
    REFUSE(o.epsilon = -1e-9);
    REFUSE(o.epsilon = (double)NAN);
    REFUSE(o.epsilon = (double)INFINITY);
    REFUSE(o.epsilon = 1e300);
    REFUSE(o.lo = 2.0);
    REFUSE(o.hi = (double)NAN);
    REFUSE(o.grad_scale = 0.0);
    REFUSE(o.x_stride = -1);
    REFUSE(o.out_stride = ROW - 1);
    REFUSE((o.channels = CHANNELS, o.channel_epsilon = nan_channel));
    o = options(ABSA_STEP_SIGN);
    cr_assert_eq(absa_perturb(&o, -1, x32, g32, out32, NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_perturb(&o, 1, NULL, g32, out32, NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_perturb(NULL, 1, x32, g32, out32, NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_perturb(&o, 0, NULL, NULL, NULL, NULL), ABSA_OK, "no rows, nothing to do");
    o.struct_size = 0;
    cr_assert_eq(absa_perturb(&o, 1, x32, g32, out32, NULL), ABSA_E_ABI);
}

Test(adversarial, pixels_become_normalised_units)
{
    const double mean[2] = {0.5, 0.25}, std[2] = {0.5, 0.125}, zero[2] = {0.5, 0.0};
    double e[2] = {9, 9}, lo[2], hi[2];
    cr_assert_eq(absa_perturb_normalised(2, 0.01, mean, zero, e, lo, hi), ABSA_E_INVALID);
    cr_assert_eq(e[0], 9.0);
    cr_assert_eq(absa_perturb_normalised(2, 0.01, mean, std, e, lo, hi), ABSA_OK);
    cr_assert_eq(e[0], 0.02);
    cr_assert_eq(e[1], 0.08);
    cr_assert_eq(lo[0], -1.0);
    cr_assert_eq(lo[1], -2.0);
    cr_assert_eq(hi[0], 1.0);
    cr_assert_eq(hi[1], 6.0);
    cr_assert_eq(absa_perturb_normalised(0, 0.01, mean, std, e, lo, hi), ABSA_E_INVALID);
    cr_assert_eq(absa_perturb_normalised(2, -0.01, mean, std, e, lo, hi), ABSA_E_INVALID);
}
