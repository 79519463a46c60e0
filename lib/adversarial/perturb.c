/* Perturbing a batch: checks the options, walks the rows, and gives each run of elements its size
 * and box. A row is checked right before it is written, while it is in cache. */
#include <absa/adversarial.h>

#include "adversarial/perturb_rows.h"
#include "base/structs.h"

#include <float.h>
#include <math.h>
#include <string.h>

void absa_perturb_options_init(absa_perturb_options *options, size_t size)
{
    absa_perturb_options o = {0};
    o.channels = 1;
    o.epsilon = 0.005;
    o.lo = -HUGE_VAL;
    o.hi = HUGE_VAL;
    o.grad_scale = 1.0;
    absa__struct_init(options, size, &o, sizeof o);
}

void absa_perturb_result_init(absa_perturb_result *result, size_t size)
{
    absa_perturb_result r = {0};
    r.bad_row = r.bad_index = -1;
    absa__struct_init(result, size, &r, sizeof r);
}

/* Largest finite number of the element type. */
static double largest(const absa_perturb_options *o)
{
    return o->element == ABSA_ELEMENT_F64 ? DBL_MAX : (double)FLT_MAX;
}

static absa__reach reach_of(const absa_perturb_options *o, int64_t channel)
{
    return (absa__reach){o->channel_epsilon ? o->channel_epsilon[channel] : o->epsilon,
                         o->channel_lo ? o->channel_lo[channel] : o->lo,
                         o->channel_hi ? o->channel_hi[channel] : o->hi};
}

static int valid(const absa_perturb_options *o)
{
    if (o->step < ABSA_STEP_SIGN || o->step > ABSA_STEP_L2 ||
        (o->element != ABSA_ELEMENT_F32 && o->element != ABSA_ELEMENT_F64) ||
        (o->layout != ABSA_LAYOUT_CHANNELS_FIRST && o->layout != ABSA_LAYOUT_CHANNELS_LAST) ||
        o->channels < 1 || o->row_size < 1 || o->row_size % o->channels != 0 || o->x_stride < 0 ||
        o->g_stride < 0 || o->out_stride < 0 || !(o->grad_scale > 0.0) || !isfinite(o->grad_scale))
        return 0;
    /* Rows that overlap would be read after they were written. */
    if ((o->out_stride != 0 && o->out_stride < o->row_size) ||
        (o->x_stride != 0 && o->x_stride < o->row_size) ||
        (o->g_stride != 0 && o->g_stride < o->row_size))
        return 0;
    for (int64_t c = 0; c < o->channels; c++) {
        const absa__reach r = reach_of(o, c);
        if (!(r.epsilon >= 0.0 && r.epsilon <= largest(o)) || !(r.lo <= r.hi))
            return 0;
    }
    return 1;
}

/* Channel by channel: how many elements, how far apart, where the first one is. */
typedef struct run {
    int64_t length, gap, first;
} run;

static run run_of(const absa_perturb_options *o, int64_t channel)
{
    const int64_t pixels = o->row_size / o->channels;
    return o->layout == ABSA_LAYOUT_CHANNELS_FIRST || o->channels == 1
               ? (run){pixels, 1, channel * pixels}
               : (run){pixels, o->channels, channel};
}

static void write_f32(const absa_perturb_options *o, const float *x, const float *g, double length,
                      float *out)
{
    for (int64_t c = 0; c < o->channels; c++) {
        const run p = run_of(o, c);
        const absa__reach r = reach_of(o, c);
        if (o->step == ABSA_STEP_SIGN)
            absa__sign_f32(p.length, p.gap, x + p.first, g + p.first, r, out + p.first);
        else
            absa__linear_f32(p.length, p.gap, x + p.first, g + p.first, r.epsilon * length, r,
                             out + p.first);
    }
}

static void write_f64(const absa_perturb_options *o, const double *x, const double *g,
                      double length, double *out)
{
    for (int64_t c = 0; c < o->channels; c++) {
        const run p = run_of(o, c);
        const absa__reach r = reach_of(o, c);
        if (o->step == ABSA_STEP_SIGN)
            absa__sign_f64(p.length, p.gap, x + p.first, g + p.first, r, out + p.first);
        else
            absa__linear_f64(p.length, p.gap, x + p.first, g + p.first, r.epsilon * length, r,
                             out + p.first);
    }
}

static int64_t first_bad(const absa_perturb_options *o, const void *row)
{
    return o->element == ABSA_ELEMENT_F64 ? absa__first_bad_f64(o->row_size, row)
                                          : absa__first_bad_f32(o->row_size, row);
}

/* Factor of g beside epsilon: the declared scale, or 1 / |g|. */
static double factor_of(const absa_perturb_options *o, const void *g, int *zero)
{
    const int f64 = o->element == ABSA_ELEMENT_F64;
    const double most =
        f64 ? absa__row_largest_f64(o->row_size, g) : absa__row_largest_f32(o->row_size, g);
    *zero = most == 0.0;
    if (o->step != ABSA_STEP_L2)
        return o->grad_scale;
    if (*zero)
        return 0.0;
    return 1.0 / (f64 ? absa__row_length_f64(o->row_size, g, most)
                      : absa__row_length_f32(o->row_size, g, most));
}

static absa_status perturb(const absa_perturb_options *o, int64_t rows, const char *x,
                           const char *g, char *out, absa_perturb_result *r)
{
    const size_t size = o->element == ABSA_ELEMENT_F64 ? sizeof(double) : sizeof(float);
    const size_t dx = size * (size_t)(o->x_stride ? o->x_stride : o->row_size);
    const size_t dg = size * (size_t)(o->g_stride ? o->g_stride : o->row_size);
    const size_t dout = size * (size_t)(o->out_stride ? o->out_stride : o->row_size);
    for (int64_t row = 0; row < rows; row++, x += dx, g += dg, out += dout) {
        const int64_t in_x = first_bad(o, x), in_g = first_bad(o, g);
        if (in_x >= 0 || in_g >= 0) {
            r->bad_row = row;
            r->bad_in_g = in_x < 0;
            r->bad_index = in_x < 0 ? in_g : in_x;
            return ABSA_E_NONFINITE;
        }
        int zero;
        const double factor = factor_of(o, g, &zero);
        if (size == sizeof(double))
            write_f64(o, (const double *)(const void *)x, (const double *)(const void *)g, factor,
                      (double *)(void *)out);
        else
            write_f32(o, (const float *)(const void *)x, (const float *)(const void *)g, factor,
                      (float *)(void *)out);
        r->zero_rows += zero;
        r->rows_done++;
    }
    return ABSA_OK;
}

absa_status absa_perturb(const absa_perturb_options *options, int64_t rows, const void *x,
                         const void *g, void *out, absa_perturb_result *result)
{
    absa_perturb_options o;
    absa_perturb_result r;
    if (!options)
        return ABSA_E_INVALID;
    absa_perturb_options_init(&o, sizeof o);
    absa_perturb_result_init(&r, sizeof r);
    absa_status status = absa__struct_read(NULL, "absa_perturb_options", options, &o, sizeof o);
    if (!status && result)
        status = absa__struct_write(NULL, "absa_perturb_result", &r, result, sizeof r);
    if (status)
        return status;
    if (rows < 0 || !valid(&o) || (rows > 0 && (!x || !g || !out)))
        return ABSA_E_INVALID;
    status = perturb(&o, rows, x, g, out, &r);
    if (result)
        (void)absa__struct_write(NULL, "absa_perturb_result", &r, result, sizeof r);
    return status;
}

absa_status absa_fgsm(int64_t rows, int64_t row_size, const float *x, const float *g,
                      double epsilon, double lo, double hi, float *out)
{
    absa_perturb_options o;
    absa_perturb_options_init(&o, sizeof o);
    o.row_size = row_size;
    o.epsilon = epsilon;
    o.lo = lo;
    o.hi = hi;
    return absa_perturb(&o, rows, x, g, out, NULL);
}

absa_status absa_perturb_normalised(int64_t channels, double pixel_epsilon, const double *mean,
                                    const double *std, double *epsilon, double *lo, double *hi)
{
    if (channels < 1 || !mean || !std || !epsilon || !lo || !hi || !(pixel_epsilon >= 0.0) ||
        !isfinite(pixel_epsilon))
        return ABSA_E_INVALID;
    for (int64_t c = 0; c < channels; c++)
        if (!isfinite(mean[c]) || !(std[c] > 0.0) || !isfinite(std[c]))
            return ABSA_E_INVALID;
    for (int64_t c = 0; c < channels; c++) {
        epsilon[c] = pixel_epsilon / std[c];
        lo[c] = (0.0 - mean[c]) / std[c];
        hi[c] = (1.0 - mean[c]) / std[c];
    }
    return ABSA_OK;
}
