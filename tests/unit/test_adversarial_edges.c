/* Edges of perturbations beyond a formula: bits, counts, refusals, selected rows, whole attacks. */
#include <absa/adversarial.h>

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <string.h>

static absa_perturb_options options(int64_t row_size)
{
    absa_perturb_options o;
    absa_perturb_options_init(&o, sizeof o);
    o.row_size = row_size;
    o.epsilon = 0.25;
    return o;
}

static absa_perturb_result fresh(void)
{
    absa_perturb_result r;
    absa_perturb_result_init(&r, sizeof r);
    return r;
}

/* With a mask of ones the general path does what the fast one does without. */
static const uint8_t ones[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

Test(adversarial_edges, a_value_that_stays_keeps_its_bits)
{
    const float x[8] = {-0.0f, -0.0f, -0.0f, 0.0f, -0.0f, 1.0f, -0.0f, FLT_TRUE_MIN};
    const float g[8] = {0.0f, -0.0f, -1.0f, -1.0f, 1.0f, 1.0f, FLT_TRUE_MIN, 0.0f};
    for (int general = 0; general < 2; general++)
        for (int f64 = 0; f64 < 2; f64++)
            for (int edge = 0; edge < 3; edge++) {
                absa_perturb_options o = options(8);
                absa_perturb_result r = fresh();
                double x64[8], g64[8], out64[8];
                float out[8];
                for (int i = 0; i < 8; i++) {
                    x64[i] = (double)x[i];
                    g64[i] = (double)g[i];
                }
                o.mask = general ? ones : NULL;
                o.element = f64 ? ABSA_INPUT_F64 : ABSA_INPUT_F32;
                /* No size; a box that is a point; a box that ends where x is. */
                if (edge == 0)
                    o.epsilon = 0.0;
                o.lo = edge == 0 ? -1.0 : 0.0;
                o.hi = edge == 0 ? 1.0 : 0.0;
                if (edge == 2)
                    o.lo = -0.0;
                cr_assert_eq(f64 ? absa_perturb(&o, 1, x64, g64, out64, &r)
                                 : absa_perturb(&o, 1, x, g, out, &r),
                             ABSA_OK);
                if (edge == 0)
                    cr_assert_eq(r.unmoved_rows, 1);
                for (int i = 0; i < 8; i++) {
                    if (edge > 0 && x[i] != 0.0f)
                        continue; /* outside the box: it may come in */
                    cr_assert(f64 ? memcmp(&out64[i], &x64[i], 8) == 0
                                  : memcmp(&out[i], &x[i], 4) == 0,
                              "element %d, edge %d, general %d, f64 %d", i, edge, general, f64);
                }
            }
}

Test(adversarial_edges, the_ends_of_the_range_do_not_overflow)
{
    const float x[2] = {FLT_MAX, -FLT_MAX}, g[2] = {1, -1};
    const double x64[2] = {DBL_MAX, -DBL_MAX}, g64[2] = {DBL_MAX, -DBL_MAX};
    for (int32_t step = ABSA_STEP_SIGN; step <= ABSA_STEP_L2; step++)
        for (int general = 0; general < 2; general++) {
            float out[2];
            double out64[2];
            absa_perturb_options o = options(2);
            o.step = step;
            o.mask = general ? ones : NULL;
            o.epsilon = (double)FLT_MAX;
            cr_assert_eq(absa_perturb(&o, 1, x, g, out, NULL), ABSA_OK);
            cr_assert(out[0] == FLT_MAX && out[1] == -FLT_MAX);
            o.element = ABSA_INPUT_F64;
            o.epsilon = DBL_MAX;
            cr_assert_eq(absa_perturb(&o, 1, x64, g64, out64, NULL), ABSA_OK);
            cr_assert(out64[0] == DBL_MAX && out64[1] == -DBL_MAX);
            o.step_ratio = 2.0;
            cr_assert_eq(absa_perturb(&o, 1, x64, g64, out64, NULL), ABSA_E_INVALID,
                         "a step that is no number");
        }
}

Test(adversarial_edges, boxes_wider_than_the_type_are_no_boxes)
{
    const float x[1] = {0.5f}, g[1] = {1};
    float out[1];
    absa_perturb_options o = options(1);
    o.lo = -1e300;
    o.hi = 1e300;
    cr_assert_eq(absa_perturb(&o, 1, x, g, out, NULL), ABSA_OK);
    cr_assert_eq(out[0], 0.75f);
}

Test(adversarial_edges, levels_move_by_whole_steps_inside_epsilon_or_not_at_all)
{
    const uint8_t u[4] = {0, 255, 100, 7};
    const int8_t s[4] = {-128, 127, 0, -7};
    const float g[4] = {-1, 1, 1, -1};
    uint8_t out_u[4];
    int8_t out_s[4];
    absa_perturb_options o = options(4);
    absa_perturb_result r = fresh();
    o.element = ABSA_INPUT_U8;
    o.epsilon = 2.9;
    cr_assert_eq(absa_perturb(&o, 1, u, g, out_u, &r), ABSA_OK);
    const uint8_t want_u[4] = {0, 255, 102, 5};
    cr_assert_eq(memcmp(out_u, want_u, 4), 0);
    cr_assert_eq(r.unmoved_rows, 0);
    o.element = ABSA_INPUT_I8;
    cr_assert_eq(absa_perturb(&o, 1, s, g, out_s, NULL), ABSA_OK);
    const int8_t want_s[4] = {-128, 127, 2, -9};
    cr_assert_eq(memcmp(out_s, want_s, 4), 0);
    o.epsilon = 0.99;
    cr_assert_eq(absa_perturb(&o, 1, s, g, out_s, &r), ABSA_OK);
    cr_assert_eq(memcmp(out_s, s, 4), 0);
    cr_assert_eq(r.unmoved_rows, 1);
    cr_assert_eq(r.zero_rows, 0);
}

Test(adversarial_edges, narrow_floats_stay_inside_a_ball_that_is_no_multiple_of_their_unit)
{
    /* 1 in both; half precision has 1 + 2^-10 next, bfloat 1 + 2^-7. */
    const uint16_t one[2] = {0x3C00, 0x3F80}, above[2] = {0x3C01, 0x3F81};
    const double unit[2] = {0x1p-10, 0x1p-7};
    for (int k = 0; k < 2; k++) {
        const float g[1] = {1};
        uint16_t out[1];
        absa_perturb_options o = options(1);
        o.element = k ? ABSA_INPUT_BF16 : ABSA_INPUT_F16;
        o.g_element = ABSA_INPUT_F32;
        o.epsilon = unit[k];
        cr_assert_eq(absa_perturb(&o, 1, &one[k], g, out, NULL), ABSA_OK);
        cr_assert_eq(out[0], above[k]);
        /* The sum rounds to the unit in double precision; the ball does not reach it. */
        o.epsilon = nextafter(unit[k], 0.0);
        cr_assert_eq(1.0 + o.epsilon, 1.0 + unit[k]);
        cr_assert_eq(absa_perturb(&o, 1, &one[k], g, out, NULL), ABSA_OK);
        cr_assert_eq(out[0], one[k]);
    }
    /* From -2^-60, 1 is further than 1, though not in double precision. */
    const uint16_t x[1] = {0xA180}, below[1] = {0x3F7F};
    const float g[1] = {1};
    uint16_t out[1];
    absa_perturb_options o = options(1);
    o.element = ABSA_INPUT_BF16;
    o.g_element = ABSA_INPUT_F32;
    o.epsilon = 1.0;
    cr_assert_eq(absa_perturb(&o, 1, x, g, out, NULL), ABSA_OK);
    cr_assert_eq(out[0], below[0]);
}

Test(adversarial_edges, every_kind_of_bad_number_is_named)
{
    const uint16_t bad[4] = {0x7C00, 0xFE01, 0x7F80, 0xFFC0};
    for (int k = 0; k < 4; k++)
        for (int in = 0; in < 3; in++) {
            uint16_t arrays[3][6] = {{0}};
            absa_perturb_options o = options(3);
            absa_perturb_result r = fresh();
            o.element = k < 2 ? ABSA_INPUT_F16 : ABSA_INPUT_BF16;
            arrays[in][4] = arrays[in][5] = bad[k];
            cr_assert_eq(absa_perturb_step(&o, 2, arrays[0], arrays[1], arrays[2], &r),
                         ABSA_E_NONFINITE);
            cr_assert_eq(r.bad_row, 1);
            cr_assert_eq(r.bad_index, 1);
            cr_assert_eq(r.bad_in, in);
            cr_assert_eq(r.rows_done, 1);
        }
    float x[2] = {0, (float)INFINITY}, out[2] = {7, 7};
    absa_perturb_options o = options(1);
    absa_perturb_result r = fresh();
    o.start = ABSA_START_SIGN;
    cr_assert_eq(absa_perturb_start(&o, 2, x, out, &r), ABSA_E_NONFINITE);
    cr_assert_eq(r.bad_row, 1);
    cr_assert_eq(out[1], 7.0f);
    cr_assert_neq(out[0], 7.0f);
}

/* Rows 1 and 3 of five, by either path. */
Test(adversarial_edges, rows_that_are_not_selected_are_copied_without_a_look)
{
    const uint8_t selected[5] = {0, 1, 0, 200, 0};
    const float nan = (float)NAN;
    const float x[10] = {nan, 1, 2, 3, 4, nan, 6, 7, 8, 9};
    const float g[10] = {nan, nan, 1, -1, nan, 0, 0, 0, nan, nan};
    const float want[10] = {nan, 1, 2.25f, 2.75f, 4, nan, 6, 7, 8, 9};
    for (int general = 0; general < 2; general++) {
        float out[10] = {0};
        absa_perturb_options o = options(2);
        absa_perturb_result r = fresh();
        o.selected = selected;
        o.mask = general ? ones : NULL;
        cr_assert_eq(absa_perturb(&o, 5, x, g, out, &r), ABSA_OK);
        cr_assert_eq(memcmp(out, want, sizeof want), 0);
        cr_assert_eq(r.rows_done, 5);
        cr_assert_eq(r.zero_rows, 1);
        cr_assert_eq(r.unmoved_rows, 1);
        /* Up to a bad row all is done, copies too. */
        float g_bad[10];
        memcpy(g_bad, g, sizeof g);
        g_bad[7] = nan;
        memset(out, 0, sizeof out);
        cr_assert_eq(absa_perturb(&o, 5, x, g_bad, out, &r), ABSA_E_NONFINITE);
        cr_assert_eq(r.rows_done, 3);
        cr_assert_eq(r.bad_row, 3);
        cr_assert_eq(memcmp(out, want, 6 * sizeof *out), 0);
        for (int i = 6; i < 10; i++)
            cr_assert_eq(out[i], 0.0f);
    }
}

Test(adversarial_edges, a_row_scale_of_0_copies_and_a_bad_one_is_refused)
{
    const double scale[2] = {0.0, 2.0}, bad[2] = {1.0, -1.0};
    const float x[2] = {-0.0f, 1}, g[2] = {1, 1};
    float out[2] = {9, 9};
    absa_perturb_options o = options(1);
    absa_perturb_result r = fresh();
    o.row_scale = bad;
    cr_assert_eq(absa_perturb(&o, 2, x, g, out, &r), ABSA_E_INVALID);
    cr_assert_eq(out[0], 9.0f);
    o.row_scale = scale;
    cr_assert_eq(absa_perturb(&o, 2, x, g, out, &r), ABSA_OK);
    cr_assert_eq(memcmp(out, x, sizeof *x), 0);
    cr_assert_eq(out[1], 1.5f);
    cr_assert_eq(r.unmoved_rows, 1);
    cr_assert_eq(r.zero_rows, 0);
}

Test(adversarial_edges, a_gradient_under_the_mask_does_not_count)
{
    const uint8_t mask[2] = {0, 1};
    const float x[2] = {1, 1}, g[2] = {5, 0};
    float out[2];
    for (int32_t step = ABSA_STEP_SIGN; step <= ABSA_STEP_L2; step++) {
        absa_perturb_options o = options(2);
        absa_perturb_result r = fresh();
        o.mask = mask;
        o.step = step;
        cr_assert_eq(absa_perturb(&o, 1, x, g, out, &r), ABSA_OK);
        cr_assert_eq(r.zero_rows, 1);
        cr_assert_eq(r.unmoved_rows, 1);
    }
}

Test(adversarial_edges, attacks_have_the_constants_of_the_table)
{
    absa_perturb_options o = options(3);
    o.epsilon = 0.7;
    const int32_t steps[] = {0, 1, 2, 0, 0, 0, 2}, starts[] = {0, 0, 0, 2, 1, 1, 3};
    const double start_ratio[] = {1, 1, 1, 0.5, 1, 1, 1},
                 ratio[] = {1, 1, 1, 0.5, 1.25, 0.25, 0.25};
    const int64_t count[] = {1, 1, 1, 1, 1, 10, 10};
    for (int32_t a = ABSA_ATTACK_FGSM; a <= ABSA_ATTACK_PGD_L2; a++) {
        cr_assert_eq(absa_perturb_options_attack(&o, a), ABSA_OK);
        cr_assert_eq(o.step, steps[a]);
        cr_assert_eq(o.start, starts[a]);
        cr_assert_eq(o.start_ratio, start_ratio[a]);
        cr_assert_eq(o.step_ratio, ratio[a]);
        cr_assert_eq(o.steps, count[a]);
        cr_assert_eq(o.epsilon, 0.7);
        cr_assert_eq(o.row_size, 3);
    }
    cr_assert_eq(absa_perturb_options_attack(&o, 7), ABSA_E_INVALID);
    cr_assert_eq(absa_perturb_options_attack(&o, -1), ABSA_E_INVALID);
    cr_assert_eq(absa_perturb_options_attack(NULL, 0), ABSA_E_INVALID);
    cr_assert_eq(o.steps, 10);
    o.struct_size = 1;
    cr_assert_eq(absa_perturb_options_attack(&o, 0), ABSA_E_ABI);
}

typedef struct model {
    int calls, fail_at;
} model;

/* Loss x^2 / 2, whose gradient is the point itself. */
static int gradient(void *user, int64_t rows, const void *at, void *g)
{
    model *m = user;
    if (++m->calls == m->fail_at)
        return -17;
    memcpy(g, at, (size_t)rows * 2 * sizeof(float));
    return 0;
}

Test(adversarial_edges, a_run_is_a_start_and_its_steps)
{
    const float x[4] = {0.5f, -0.25f, 0.0f, 0.125f};
    float out[4], want[4], g[4];
    model m = {0, 0};
    absa_perturb_options o = options(2);
    absa_perturb_result r = fresh();
    cr_assert_eq(absa_perturb_options_attack(&o, ABSA_ATTACK_PGD), ABSA_OK);
    o.seed = 9;
    cr_assert_eq(absa_perturb_run(&o, 2, x, gradient, &m, g, out, &r), ABSA_OK);
    cr_assert_eq(m.calls, 10);
    cr_assert_eq(r.rows_done, 2);
    cr_assert_eq(absa_perturb_start(&o, 2, x, want, NULL), ABSA_OK);
    for (int k = 0; k < 10; k++) {
        memcpy(g, want, sizeof g);
        cr_assert_eq(absa_perturb_step(&o, 2, x, g, want, NULL), ABSA_OK);
    }
    cr_assert_eq(memcmp(out, want, sizeof want), 0);
    /* The loss grows away from 0: the ends of the ball are reached. */
    cr_assert_eq(out[0], 0.75f);
    cr_assert_eq(out[1], -0.5f);
}

Test(adversarial_edges, a_callback_stops_a_run_and_its_number_is_kept)
{
    const float x[2] = {1, 1};
    float out[2], g[2];
    for (int at = 1; at <= 3; at++) {
        model m = {0, at};
        absa_perturb_options o = options(2);
        absa_perturb_result r = fresh();
        o.steps = 3;
        cr_assert_eq(absa_perturb_run(&o, 1, x, gradient, &m, g, out, &r), ABSA_E_CALLBACK);
        cr_assert_eq(m.calls, at);
        cr_assert_eq(r.callback_code, -17);
    }
    model m = {0, 0};
    absa_perturb_options o = options(2);
    cr_assert_eq(absa_perturb_run(&o, 0, NULL, gradient, &m, NULL, NULL, NULL), ABSA_OK);
    cr_assert_eq(m.calls, 0, "no rows, no gradient");
    cr_assert_eq(absa_perturb_run(&o, 1, x, NULL, &m, g, out, NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_perturb_run(&o, 1, x, gradient, &m, NULL, out, NULL), ABSA_E_INVALID);
    o.struct_size = 0;
    cr_assert_eq(absa_perturb_run(&o, 1, x, gradient, &m, g, out, NULL), ABSA_E_ABI);
}

Test(adversarial_edges, wrong_arrays_and_structs_are_refused)
{
    float x[2] = {1, 1}, g[2] = {1, 1}, out[2] = {5, 5};
    absa_perturb_options o = options(2);
    absa_perturb_result r = fresh();
    cr_assert_eq(absa_perturb_step(&o, 1, x, g, x, &r), ABSA_E_INVALID, "the clean x is lost");
    cr_assert_eq(absa_perturb_step(&o, 1, x, NULL, out, &r), ABSA_E_INVALID);
    cr_assert_eq(absa_perturb_start(&o, 1, NULL, out, &r), ABSA_E_INVALID);
    cr_assert_eq(absa_perturb_start(&o, 1, x, NULL, &r), ABSA_E_INVALID);
    cr_assert_eq(absa_perturb(&o, 1, x, g, g, &r), ABSA_E_INVALID, "the gradient is lost");
    cr_assert_eq(absa_perturb_step(&o, 1, x, g, g, &r), ABSA_E_INVALID);
    o.x_stride = INT64_MAX / 8;
    cr_assert_eq(absa_perturb(&o, 2, x, g, out, &r), ABSA_E_INVALID, "no such address");
    o = options(2);
    r.struct_size = 3;
    cr_assert_eq(absa_perturb(&o, 1, x, g, out, &r), ABSA_E_ABI);
    cr_assert_eq(out[0], 5.0f);
    /* In place, rows of another stride would land on rows that are still to be read. */
    o = options(1);
    o.out_stride = 2;
    cr_assert_eq(absa_perturb(&o, 2, x, g, x, NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_perturb_start(&o, 2, x, x, NULL), ABSA_E_INVALID);
    cr_assert(x[0] == 1.0f && x[1] == 1.0f && g[0] == 1.0f);
    cr_assert_eq(absa_perturb(&o, 1, x, g, x, NULL), ABSA_OK, "a single row has no next one");
}
