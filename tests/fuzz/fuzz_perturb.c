/* Any bytes as options, inputs and gradients: refused, or results that keep every promise that can
 * be checked one by one. Arrays have their exact size, so that tools see an access beyond. */
#include "fuzz.h"

#include <absa/adversarial.h>

#include <float.h>
#include <math.h>

enum { MOST_ROWS = 4, MOST_ROW = 600, PARAMETERS = 6 };

static const size_t sizes[] = {4, 8, 2, 2, 1, 1};

/* What of the input becomes options. */
typedef struct choices {
    uint8_t rows, step, element, g_element, layout, direction, start, channels, flags, gaps;
    uint16_t row_size;
    float epsilon, lo, hi, grad_scale, step_ratio, start_ratio;
    uint8_t spread, steps;
    uint64_t seed;
} choices;

typedef struct buffers {
    unsigned char *x, *g, *out, *before;
    double *parameters[PARAMETERS];
    double scale[MOST_ROWS];
    uint8_t selected[MOST_ROWS], *mask;
    size_t out_bytes;
} buffers;

static double value_of(int32_t type, const unsigned char *at)
{
    float f;
    double d;
    uint16_t half;
    uint32_t bits;
    switch (type) {
    case ABSA_INPUT_F32:
        memcpy(&f, at, 4);
        return (double)f;
    case ABSA_INPUT_F64:
        memcpy(&d, at, 8);
        return d;
    case ABSA_INPUT_F16:
        memcpy(&half, at, 2);
        if ((half & 0x7C00) == 0x7C00)
            return HUGE_VAL;
        d = half & 0x7C00 ? ldexp(1024 + (half & 1023), (half >> 10 & 31) - 25)
                          : ldexp(half & 1023, -24);
        return half & 0x8000 ? -d : d;
    case ABSA_INPUT_BF16:
        memcpy(&half, at, 2);
        bits = (uint32_t)half << 16;
        memcpy(&f, &bits, 4);
        return (double)f;
    case ABSA_INPUT_U8:
        return *at;
    default:
        return (signed char)*at;
    }
}

/* A block of the size, filled from what is left of the input, over and over. */
static void *block(size_t size, const uint8_t *data, size_t left, size_t turn)
{
    unsigned char *p = malloc(size + !size);
    FUZZ_CHECK(p);
    for (size_t i = 0; i < size; i++)
        p[i] = left ? data[(i + turn) % left] : (unsigned char)(i * 7);
    return p;
}

static double parameter(const absa_perturb_options *o, const double *element, const double *channel,
                        double scalar, int64_t i)
{
    if (element)
        return element[i];
    if (!channel)
        return scalar;
    return channel[o->layout == ABSA_LAYOUT_CHANNELS_LAST ? i % o->channels
                                                          : i / (o->row_size / o->channels)];
}

/* Where element i of a row that was written may be. */
static void check_element(const absa_perturb_options *o, int64_t row, int64_t i, const buffers *b)
{
    const size_t size = sizes[o->element];
    const unsigned char *x = b->x + size * (size_t)(row * o->x_stride + i);
    const unsigned char *out = b->out + size * (size_t)(row * o->out_stride + i);
    if ((o->selected && !o->selected[row]) || (o->mask && !o->mask[row * o->mask_stride + i])) {
        FUZZ_CHECK(memcmp(x, out, size) == 0);
        return;
    }
    const double was = value_of(o->element, x), now = value_of(o->element, out);
    const int f32 = o->element == ABSA_INPUT_F32, wide = f32 || o->element == ABSA_INPUT_F64;
    double lo = parameter(o, o->element_lo, o->channel_lo, o->lo, i);
    double hi = parameter(o, o->element_hi, o->channel_hi, o->hi, i);
    double e = parameter(o, o->element_epsilon, o->channel_epsilon, o->epsilon, i) *
               (o->row_scale ? o->row_scale[row] : 1.0);
    if (f32) {
        lo = (double)(float)fmin(fmax(lo, -(double)FLT_MAX), (double)FLT_MAX);
        hi = (double)(float)fmin(fmax(hi, -(double)FLT_MAX), (double)FLT_MAX);
        e = (double)(float)e;
    }
    FUZZ_CHECK(isfinite(now));
    FUZZ_CHECK(now >= fmin(lo, was) && now <= fmax(hi, was));
    if (o->step == ABSA_STEP_RAW)
        return;
    if (e == 0.0)
        FUZZ_CHECK(memcmp(x, out, size) == 0);
    /* Half a unit of the result, twice for F32: once in double precision. */
    const double unit = f32 ? (double)FLT_EPSILON : DBL_EPSILON;
    const double least = f32 ? (double)FLT_TRUE_MIN : DBL_TRUE_MIN;
    const double slack = wide ? fabs(now) * unit + least : 0.0;
    FUZZ_CHECK(fabs(now / 2 - was / 2) <= e / 2 + slack);
}

static void check(const absa_perturb_options *o, int64_t rows, absa_status status,
                  const absa_perturb_result *r, const buffers *b)
{
    const size_t size = sizes[o->element], row_bytes = size * (size_t)o->row_size;
    FUZZ_CHECK(status == ABSA_OK || status == ABSA_E_NONFINITE);
    FUZZ_CHECK((status == ABSA_OK) == (r->bad_row == -1));
    FUZZ_CHECK(r->rows_done == (status ? r->bad_row : rows));
    FUZZ_CHECK(r->zero_rows >= 0 && r->zero_rows <= r->rows_done);
    FUZZ_CHECK(r->unmoved_rows >= 0 && r->unmoved_rows <= r->rows_done);
    FUZZ_CHECK(!status || (r->bad_index >= 0 && r->bad_index < o->row_size));
    for (int64_t row = 0; row < rows; row++) {
        const size_t at = size * (size_t)(row * o->out_stride);
        if (row >= r->rows_done)
            FUZZ_CHECK(memcmp(b->out + at, b->before + at, row_bytes) == 0);
        else
            for (int64_t i = 0; i < o->row_size; i++)
                check_element(o, row, i, b);
        /* What lies between rows is nobody's. */
        if (row + 1 < rows)
            FUZZ_CHECK(memcmp(b->out + at + row_bytes, b->before + at + row_bytes,
                              size * (size_t)(o->out_stride - o->row_size)) == 0);
    }
}

/* Numbers that mostly are sizes and ends, with a few that are neither. */
static double *table(int64_t n, double centre, uint8_t spread)
{
    double *p = malloc(sizeof *p * (size_t)n);
    FUZZ_CHECK(p);
    for (int64_t i = 0; i < n; i++)
        p[i] = centre + (double)(i % 5) * spread / 64.0;
    return p;
}

static void geometry(const choices *c, absa_perturb_options *o, buffers *b)
{
    const double **to[PARAMETERS] = {&o->channel_epsilon, &o->channel_lo, &o->channel_hi,
                                     &o->element_epsilon, &o->element_lo, &o->element_hi};
    const double centres[3] = {o->epsilon, o->lo, o->hi};
    for (int k = 0; k < PARAMETERS; k++)
        if (c->flags >> k & 1) {
            b->parameters[k] = table(k < 3 ? o->channels : o->row_size, centres[k % 3], c->spread);
            *to[k] = b->parameters[k];
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    choices c;
    buffers b;
    absa_perturb_options o;
    absa_perturb_result r;
    memset(&b, 0, sizeof b);
    memset(&c, 0, sizeof c);
    fuzz_take(&data, &size, &c, sizeof c);
    absa_perturb_options_init(&o, sizeof o);
    const int64_t rows = c.rows % (MOST_ROWS + 1);
    /* One beyond each list, so that refusals are seen. */
    o.step = c.step % 4;
    o.element = c.element % 7;
    o.g_element = c.g_element % 6 - 1;
    o.layout = c.layout % 3;
    o.direction = c.direction % 3;
    o.start = c.start % 5;
    o.channels = 1 + c.channels % 7;
    o.row_size = o.channels * (1 + c.row_size % MOST_ROW / o.channels);
    o.x_stride = o.row_size + c.gaps % 4;
    o.g_stride = o.row_size + c.gaps / 4 % 4;
    o.out_stride = o.row_size + c.gaps / 16 % 4;
    o.epsilon = (double)c.epsilon;
    o.lo = (double)c.lo;
    o.hi = (double)c.hi;
    o.grad_scale = (double)c.grad_scale;
    o.step_ratio = (double)c.step_ratio;
    o.start_ratio = (double)c.start_ratio;
    o.steps = c.steps % 4;
    o.seed = c.seed;
    geometry(&c, &o, &b);
    const size_t element = o.element < 6 ? sizes[o.element] : 8;
    b.out_bytes = element * (size_t)(rows * o.out_stride);
    b.x = block(element * (size_t)(rows * o.x_stride), data, size, 0);
    b.g = block(sizeof(double) * (size_t)(rows * o.g_stride), data, size, 3);
    b.out = block(b.out_bytes, data, size, 5);
    b.before = block(b.out_bytes, data, size, 5);
    b.mask = block((size_t)(rows * o.row_size), data, size, 1);
    for (int i = 0; i < MOST_ROWS; i++) {
        b.scale[i] = (double)((c.seed >> (8 * i)) & 3) / 2.0;
        b.selected[i] = (uint8_t)(c.seed >> (32 + i) & 1);
    }
    if (c.gaps & 64) {
        o.mask = b.mask;
        o.mask_stride = c.gaps & 128 ? o.row_size : 0;
    }
    o.row_scale = c.flags & 64 ? b.scale : NULL;
    o.selected = c.flags & 128 ? b.selected : NULL;

    absa_perturb_result_init(&r, sizeof r);
    absa_status status = absa_perturb(&o, rows, b.x, b.g, b.out, &r);
    if (status == ABSA_E_INVALID) {
        FUZZ_CHECK(memcmp(b.out, b.before, b.out_bytes) == 0);
    } else {
        check(&o, rows, status, &r, &b);
        memcpy(b.out, b.before, b.out_bytes);
        status = absa_perturb_step(&o, rows, b.x, b.g, b.out, &r);
        check(&o, rows, status, &r, &b);
        memcpy(b.out, b.before, b.out_bytes);
        status = absa_perturb_start(&o, rows, b.x, b.out, &r);
        const int32_t step = o.step;
        o.step = ABSA_STEP_SIGN; /* a start stays in the ball whatever follows */
        check(&o, rows, status, &r, &b);
        o.step = step;
    }
    free(b.x);
    free(b.g);
    free(b.out);
    free(b.before);
    free(b.mask);
    for (int k = 0; k < PARAMETERS; k++)
        free(b.parameters[k]);
    return 0;
}
