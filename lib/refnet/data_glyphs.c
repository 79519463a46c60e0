/* Glyph images: the ten digits drawn with strokes. Each image has its own bend, turn, shear, scale,
 * shift, pen, contrast, stray line and noise, all drawn from one random stream that the number of
 * the row names, so that any row can be drawn alone and gives the same bits. */
#include "data_impl.h"

#include <absa/random.h>

#include <math.h>

enum { CLASSES = 10, MOST_POINTS = 16, DRAWS = 16, PEN_UP = -1 };

/* Points on a grid of 4 by 6 (x to the right, y down), strokes separated by {PEN_UP, 0}. */
typedef struct glyph {
    int count;
    signed char points[MOST_POINTS][2];
} glyph;

static const glyph font[CLASSES] = {
    {9, {{1, 0}, {3, 0}, {4, 2}, {4, 4}, {3, 6}, {1, 6}, {0, 4}, {0, 2}, {1, 0}}},
    {6, {{1, 1}, {2, 0}, {2, 6}, {PEN_UP, 0}, {1, 6}, {3, 6}}},
    {8, {{0, 1}, {1, 0}, {3, 0}, {4, 1}, {4, 2}, {2, 4}, {0, 6}, {4, 6}}},
    {11,
     {{0, 0}, {3, 0}, {4, 1}, {3, 3}, {1, 3}, {PEN_UP, 0}, {3, 3}, {4, 4}, {4, 5}, {3, 6}, {0, 6}}},
    {6, {{3, 6}, {3, 0}, {0, 4}, {4, 4}, {PEN_UP, 0}, {3, 6}}},
    {8, {{4, 0}, {0, 0}, {0, 3}, {3, 3}, {4, 4}, {4, 5}, {3, 6}, {0, 6}}},
    {10, {{4, 0}, {2, 0}, {0, 2}, {0, 5}, {1, 6}, {3, 6}, {4, 5}, {4, 4}, {3, 3}, {0, 3}}},
    {3, {{0, 0}, {4, 0}, {1, 6}}},
    {15,
     {{1, 3},
      {0, 2},
      {0, 1},
      {1, 0},
      {3, 0},
      {4, 1},
      {4, 2},
      {3, 3},
      {1, 3},
      {0, 4},
      {0, 5},
      {1, 6},
      {3, 6},
      {4, 4},
      {3, 3}}},
    {11, {{4, 3}, {1, 3}, {0, 2}, {0, 1}, {1, 0}, {3, 0}, {4, 1}, {4, 4}, {3, 6}, {1, 6}, {0, 5}}},
};

typedef struct point {
    double x, y;
} point;

void absa_glyphs_options_init(absa_glyphs_options *options, size_t size)
{
    const absa_glyphs_options o = {
        .rows = 4096, .size = 16, .shift = 0.10, .turn = 0.30, .bend = 0.03, .noise = 0.15};
    absa__net_struct_init(options, size, &o, sizeof o);
}

static absa_status check_options(absa_context *ctx, const absa_glyphs_options *o)
{
    const struct {
        const char *name;
        double value, most;
    } shares[] = {{"shift", o->shift, 0.5},
                  {"turn", o->turn, 1},
                  {"bend", o->bend, 0.2},
                  {"noise", o->noise, 1}};
    if (o->rows < 1)
        return absa__net_fail(ctx, ABSA_E_INVALID, "rows is %lld, must be at least 1",
                              (long long)o->rows);
    if (o->first < 0 || o->first > INT64_MAX - o->rows)
        return absa__net_fail(ctx, ABSA_E_INVALID, "first is %lld, must be 0 to 2^63 - rows",
                              (long long)o->first);
    if (o->size < 8 || o->size > 64)
        return absa__net_fail(ctx, ABSA_E_INVALID, "size is %lld, must be 8 to 64",
                              (long long)o->size);
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
        if (!(shares[i].value >= 0) || shares[i].value > shares[i].most)
            return absa__net_fail(ctx, ABSA_E_INVALID, "%s is %g, must be 0 to %g", shares[i].name,
                                  shares[i].value, shares[i].most);
    return ABSA_OK;
}

/* Squared distance from p to the piece from a to b. */
static double distance2(point p, point a, point b)
{
    const double dx = b.x - a.x, dy = b.y - a.y;
    const double length2 = dx * dx + dy * dy;
    double t = length2 > 0 ? ((p.x - a.x) * dx + (p.y - a.y) * dy) / length2 : 0;
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    const double ex = a.x + t * dx - p.x, ey = a.y + t * dy - p.y;
    return ex * ex + ey * ey;
}

/* How dark a pen of width pixels makes the pixel: 1 inside, falling to 0 over one pixel. */
static double ink(double nearest2, double width)
{
    const double covered = 0.5 * width + 0.5 - sqrt(nearest2);
    return covered < 0 ? 0 : covered > 1 ? 1 : covered;
}

/* From -most to most. */
static double between(double u, double most)
{
    return (2 * u - 1) * most;
}

static void draw(const absa_glyphs_options *o, int64_t row, float *x)
{
    const glyph *g = &font[row % CLASSES];
    const double size = (double)o->size;
    const uint64_t stream = (uint64_t)row;
    double u[DRAWS], bend[2 * MOST_POINTS];
    point points[MOST_POINTS];

    absa_random_uniform(o->seed, stream, 0, DRAWS, u);
    absa_random_gaussian_f64(o->seed, stream, DRAWS, 2 * MOST_POINTS, bend);
    const double turn = between(u[0], o->turn), shear = between(u[1], o->turn);
    const double wide = 0.45 + 0.15 * u[2], high = 0.60 + 0.20 * u[3];
    const double width = size * (0.07 + 0.06 * u[4]);
    const double paper = 0.25 * u[5], contrast = 0.45 + 0.45 * u[6];
    const double c = cos(turn), s = sin(turn);
    for (int i = 0; i < g->count; i++) {
        double px = (g->points[i][0] / 4.0 - 0.5) * wide + o->bend * bend[2 * i];
        const double py = (g->points[i][1] / 6.0 - 0.5) * high + o->bend * bend[2 * i + 1];
        px += shear * py;
        points[i].x = size * (0.5 + c * px - s * py + between(u[7], o->shift));
        points[i].y = size * (0.5 + s * px + c * py + between(u[8], o->shift));
    }
    /* The stray line is thin and faint: it must not turn one digit into another. */
    const point from = {size * u[9], size * u[10]};
    const point to = {from.x + between(u[11], 0.3 * size), from.y + between(u[12], 0.3 * size)};
    const double faint = 0.7 * u[13];

    absa_random_gaussian_f32(o->seed, stream, DRAWS + 2 * MOST_POINTS, o->size * o->size, x);
    for (int64_t py = 0; py < o->size; py++) {
        for (int64_t px = 0; px < o->size; px++) {
            const point p = {(double)px + 0.5, (double)py + 0.5};
            double nearest2 = 4 * size * size;
            for (int i = 1; i < g->count; i++) {
                if (g->points[i][0] == PEN_UP || g->points[i - 1][0] == PEN_UP)
                    continue;
                const double d2 = distance2(p, points[i - 1], points[i]);
                nearest2 = d2 < nearest2 ? d2 : nearest2;
            }
            const double stray = faint * ink(distance2(p, from, to), 0.5 * width);
            const double mark = fmax(ink(nearest2, width), stray);
            float *pixel = &x[py * o->size + px];
            const double value = paper + contrast * mark + o->noise * (double)*pixel;
            *pixel = (float)(value < 0 ? 0 : value > 1 ? 1 : value);
        }
    }
}

absa_status absa_dataset_glyphs(absa_context *context, const absa_glyphs_options *options,
                                absa_dataset **out)
{
    absa_glyphs_options o;
    absa_dataset *d;
    absa_status status = ABSA_OK;

    if (out)
        *out = NULL;
    if (!context || !out)
        return absa__net_fail(context, ABSA_E_INVALID, "context or out is NULL");
    absa_glyphs_options_init(&o, sizeof o);
    if (options)
        status = absa__net_struct_read(context, "absa_glyphs_options", options, &o, sizeof o);
    if (!status)
        status = check_options(context, &o);
    if (!status)
        status =
            absa__dataset_new(context, o.rows, (const int64_t[]){1, o.size, o.size}, CLASSES, &d);
    if (status)
        return status;
    for (int64_t i = 0; i < o.rows; i++) {
        draw(&o, o.first + i, d->x + i * d->features);
        d->labels[i] = (int32_t)((o.first + i) % CLASSES);
    }
    *out = d;
    return ABSA_OK;
}
