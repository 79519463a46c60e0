/* The glyph generator: reproducible row by row, in range, and neither trivial nor unreadable. */
#include <absa/refdata.h>

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static absa_context *ctx;

static void make(void)
{
    cr_assert_eq(absa_context_create(NULL, &ctx), ABSA_OK);
}

static void unmake(void)
{
    absa_context_destroy(&ctx);
}

TestSuite(glyphs, .init = make, .fini = unmake);

static absa_glyphs_options options(int64_t rows, int64_t first)
{
    absa_glyphs_options o;
    absa_glyphs_options_init(&o, sizeof o);
    o.rows = rows;
    o.first = first;
    return o;
}

static absa_dataset_view draw(const absa_glyphs_options *o, absa_dataset **d)
{
    absa_dataset_view v;
    cr_assert_eq(absa_dataset_glyphs(ctx, o, d), ABSA_OK, "%s", absa_context_message(ctx));
    absa_dataset_view_init(&v, sizeof v);
    cr_assert_eq(absa_dataset_view_get(*d, &v), ABSA_OK);
    return v;
}

Test(glyphs, have_the_shape_that_was_asked_for_and_values_in_range)
{
    absa_glyphs_options o = options(57, 3);
    absa_dataset *d;
    o.size = 21;
    const absa_dataset_view v = draw(&o, &d);
    cr_assert_eq(v.rows, 57);
    cr_assert_eq(v.channels, 1);
    cr_assert_eq(v.height, 21);
    cr_assert_eq(v.width, 21);
    cr_assert_eq(v.classes, 10);
    for (int64_t r = 0; r < v.rows; r++)
        cr_assert_eq(v.labels[r], (r + 3) % 10);
    for (int64_t i = 0; i < v.rows * v.features; i++)
        cr_assert(v.x[i] >= 0.0f && v.x[i] <= 1.0f);
    absa_dataset_destroy(&d);
}

Test(glyphs, draw_a_row_alike_whatever_rows_surround_it)
{
    absa_glyphs_options o = options(40, 0);
    absa_dataset *all, *some, *other;
    const absa_dataset_view a = draw(&o, &all);
    o.first = 13;
    o.rows = 5;
    const absa_dataset_view b = draw(&o, &some);
    const size_t bytes = (size_t)(5 * b.features) * sizeof(float);
    cr_assert_eq(memcmp(a.x + 13 * a.features, b.x, bytes), 0);
    o.seed = 1;
    const absa_dataset_view c = draw(&o, &other);
    cr_assert_neq(memcmp(b.x, c.x, bytes), 0);
    absa_dataset_destroy(&all);
    absa_dataset_destroy(&some);
    absa_dataset_destroy(&other);
}

/* Share of rows whose nearest class mean (of other rows) is their own: a linear classifier. */
static double nearest_mean(const absa_glyphs_options *o, int64_t rows)
{
    static double mean[10][4096];
    absa_glyphs_options fresh = *o;
    absa_dataset *d;
    int64_t right = 0;

    memset(mean, 0, sizeof mean);
    absa_dataset_view v = draw(o, &d);
    for (int64_t r = 0; r < v.rows; r++)
        for (int64_t i = 0; i < v.features; i++)
            mean[v.labels[r]][i] += (double)v.x[r * v.features + i] / ((double)v.rows / 10);
    absa_dataset_destroy(&d);
    fresh.first = 1000000;
    fresh.rows = rows;
    v = draw(&fresh, &d);
    for (int64_t r = 0; r < v.rows; r++) {
        int best = -1;
        double least = INFINITY;
        for (int c = 0; c < 10; c++) {
            double sum = 0;
            for (int64_t i = 0; i < v.features; i++)
                sum += pow((double)v.x[r * v.features + i] - mean[c][i], 2);
            if (sum < least) {
                least = sum;
                best = c;
            }
        }
        right += best == v.labels[r];
    }
    absa_dataset_destroy(&d);
    return (double)right / (double)rows;
}

/* Chance is 0.1 with a standard error of 0.01 here; no class mean can tell the distorted digits
 * apart well, or the data would not show what training does. */
Test(glyphs, are_recognisable_but_not_by_their_mean_image)
{
    const absa_glyphs_options o = options(1000, 0);
    const double share = nearest_mean(&o, 1000);
    cr_assert_gt(share, 0.2);
    cr_assert_lt(share, 0.8);
}

Test(glyphs, without_distortion_differ_by_class_only)
{
    absa_glyphs_options o = options(500, 0);
    o.shift = o.turn = o.bend = o.noise = 0;
    /* Pen, scale and contrast still vary. */
    cr_assert_gt(nearest_mean(&o, 500), 0.85);
}

/* Without shift, turn and bend no stroke comes nearer to the left edge than 0.5 - 0.6 / 2 - 0.13 /
 * 2 of it, half a pixel's fading aside: in the first columns there are paper, noise and stray lines
 * alone. */
enum { MARGIN_ROWS = 300, MARGIN_SIZE = 32, MARGIN = 3 };

/* Row by row, how many images have something on their paper there that noise is not. */
static int stray_lines(double noise, double *deviation)
{
    absa_glyphs_options o = options(MARGIN_ROWS, 0);
    absa_dataset *d;
    int strays = 0, papers = 0;
    o.size = MARGIN_SIZE;
    o.shift = o.turn = o.bend = 0;
    o.noise = noise;
    const absa_dataset_view v = draw(&o, &d);
    *deviation = 0;
    for (int64_t r = 0; r < v.rows; r++) {
        double sum = 0, square = 0, least = 1, most = 0;
        const double count = MARGIN_SIZE * MARGIN;
        for (int64_t i = 0; i < MARGIN_SIZE * MARGIN; i++) {
            const double x = (double)v.x[r * v.features + i / MARGIN * MARGIN_SIZE + i % MARGIN];
            sum += x;
            square += x * x;
            least = fmin(least, x);
            most = fmax(most, x);
        }
        /* Ink adds contrast times darkness; a stray line is at most 0.7 dark. */
        cr_assert_leq(most, 0.25 + 0.9 * 0.7 + 6 * noise, "row %d", (int)r);
        if (most - least > 6 * noise + 1e-6) {
            strays++;
        } else if (sum / count > 4 * noise) { /* no value is cut off at 0 */
            *deviation += square / count - sum * sum / (count * count);
            papers++;
        }
    }
    cr_assert_gt(papers, MARGIN_ROWS / 10);
    *deviation = sqrt(fmax(*deviation / papers, 0));
    absa_dataset_destroy(&d);
    return strays;
}

/* A stray line begins anywhere: one in thirty begins in the margin itself, more cross it. The
 * deviation is that of a few thousand values at least. */
Test(glyphs, have_stray_lines_on_some_papers_and_noise_on_all)
{
    double deviation;
    const int strays = stray_lines(0, &deviation);
    cr_assert(strays > MARGIN_ROWS / 30 && strays < MARGIN_ROWS / 2, "%d stray lines", strays);
    cr_assert_lt(deviation, 1e-6);
    stray_lines(0.02, &deviation);
    cr_assert_float_eq(deviation, 0.02, 0.002);
}

Test(glyphs, refuse_options_out_of_range_by_name)
{
    const struct {
        const char *name;
        size_t offset;
        int64_t whole;
        double real;
    } cases[] = {
        {"rows", offsetof(absa_glyphs_options, rows), 0, 0},
        {"first", offsetof(absa_glyphs_options, first), -1, 0},
        {"first", offsetof(absa_glyphs_options, first), INT64_MAX, 0},
        {"size", offsetof(absa_glyphs_options, size), 7, 0},
        {"size", offsetof(absa_glyphs_options, size), 65, 0},
        {"shift", offsetof(absa_glyphs_options, shift), 0, 0.6},
        {"turn", offsetof(absa_glyphs_options, turn), 0, -0.1},
        {"bend", offsetof(absa_glyphs_options, bend), 0, NAN},
        {"noise", offsetof(absa_glyphs_options, noise), 0, INFINITY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        absa_glyphs_options o = options(10, 0);
        absa_dataset *d = (absa_dataset *)(void *)&ctx;
        if (i < 5)
            memcpy((char *)&o + cases[i].offset, &cases[i].whole, sizeof cases[i].whole);
        else
            memcpy((char *)&o + cases[i].offset, &cases[i].real, sizeof cases[i].real);
        cr_assert_eq(absa_dataset_glyphs(ctx, &o, &d), ABSA_E_INVALID, "%s", cases[i].name);
        cr_assert_null(d);
        cr_assert_eq(strstr(absa_context_message(ctx), cases[i].name), absa_context_message(ctx));
    }
    absa_dataset *d;
    cr_assert_eq(absa_dataset_glyphs(NULL, NULL, &d), ABSA_E_INVALID);
    cr_assert_eq(absa_dataset_glyphs(ctx, NULL, NULL), ABSA_E_INVALID);
}
