/* Element types: what their bits mean, and which value a result becomes. Narrow types never leave
 * ball and box: the nearest value is taken, then neighbours toward x until one is inside; x always
 * is. */
#include "adversarial/inputs.h"

#include <absa/adversarial.h>

#include <float.h>
#include <math.h>
#include <string.h>

/* Bits of precision, smallest exponent and exponent field of the narrow floating-point types. */
typedef struct format {
    int precision, least_exponent, fraction_bits;
    uint16_t exponent_mask;
} format;

static const format F16 = {11, -14, 10, 0x7C00};
static const format BF16 = {8, -126, 7, 0x7F80};

size_t absa__input_size(int32_t type)
{
    static const size_t sizes[] = {4, 8, 2, 2, 1, 1};
    return sizes[type];
}

void absa__input_range(int32_t type, double *least, double *most)
{
    static const double ends[][2] = {
        {-(double)FLT_MAX, (double)FLT_MAX}, {-DBL_MAX, DBL_MAX}, {-65504.0, 65504.0},
        {-0x1.FEp127, 0x1.FEp127},           {0.0, 255.0},        {-128.0, 127.0}};
    *least = ends[type][0];
    *most = ends[type][1];
}

static double power_of_two(int exponent)
{
    const uint64_t bits = (uint64_t)(1023 + exponent) << 52;
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static double decoded(const format *f, uint16_t code)
{
    const int exponent = (code & f->exponent_mask) >> f->fraction_bits;
    const int fraction = code & ((1 << f->fraction_bits) - 1);
    const int whole = exponent ? fraction | 1 << f->fraction_bits : fraction;
    const int shift = (exponent ? exponent - 1 : 0) + f->least_exponent - f->fraction_bits;
    const double v = whole * power_of_two(shift);
    return code & 0x8000 ? -v : v;
}

/* v to the nearest multiple of 1, ties to even; |v| < 2^51. */
static double to_whole(double v)
{
    const double shift = 0x1.8p52;
    return (v + shift) - shift;
}

/* The code of the value nearest to v, which lies in the type's range. */
static uint16_t encoded(const format *f, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    int exponent = (int)(bits >> 52 & 0x7FF) - 1023;
    exponent = exponent < f->least_exponent ? f->least_exponent : exponent;
    const int unit = exponent - f->fraction_bits;
    /* A fraction of 2^fraction_bits or more carries into the exponent by itself. */
    const int64_t whole = (int64_t)to_whole(fabs(v) * power_of_two(-unit));
    const int64_t code = ((int64_t)(exponent - f->least_exponent) << f->fraction_bits) + whole;
    return (uint16_t)((uint16_t)code | (v < 0 ? 0x8000 : 0));
}

#define REAL      float
#define FIRST_BAD first_bad_f32
#define ABS       fabsf
#define LARGEST   FLT_MAX
#define BITS      int32_t
#include "adversarial/inputs_real.h"
#define REAL      double
#define FIRST_BAD first_bad_f64
#define ABS       fabs
#define LARGEST   DBL_MAX
#define BITS      int64_t
#include "adversarial/inputs_real.h"

static int64_t first_bad_narrow(const format *f, int64_t n, const uint16_t *x)
{
    int bad = 0;
    for (int64_t i = 0; i < n; i++)
        bad |= (x[i] & f->exponent_mask) == f->exponent_mask;
    for (int64_t i = 0; bad && i < n; i++)
        if ((x[i] & f->exponent_mask) == f->exponent_mask)
            return i;
    return -1;
}

int64_t absa__input_first_bad(int32_t type, int64_t n, const void *x)
{
    switch (type) {
    case ABSA_INPUT_F32:
        return first_bad_f32(n, x);
    case ABSA_INPUT_F64:
        return first_bad_f64(n, x);
    case ABSA_INPUT_F16:
        return first_bad_narrow(&F16, n, x);
    case ABSA_INPUT_BF16:
        return first_bad_narrow(&BF16, n, x);
    default:
        return -1;
    }
}

void absa__input_load(int32_t type, const void *row, int64_t first, int64_t n, double *out)
{
    const float *f32 = row;
    const uint16_t *narrow = row;
    const uint8_t *u8 = row;
    const int8_t *i8 = row;
    switch (type) {
    case ABSA_INPUT_F32:
        for (int64_t i = 0; i < n; i++)
            out[i] = (double)f32[first + i];
        break;
    case ABSA_INPUT_F64:
        memcpy(out, (const double *)row + first, (size_t)n * sizeof *out);
        break;
    case ABSA_INPUT_F16:
        for (int64_t i = 0; i < n; i++)
            out[i] = decoded(&F16, narrow[first + i]);
        break;
    case ABSA_INPUT_BF16:
        for (int64_t i = 0; i < n; i++)
            out[i] = decoded(&BF16, narrow[first + i]);
        break;
    case ABSA_INPUT_U8:
        for (int64_t i = 0; i < n; i++)
            out[i] = u8[first + i];
        break;
    default:
        for (int64_t i = 0; i < n; i++)
            out[i] = i8[first + i];
    }
}

/* Whether r is outside low, high or, compared without rounding, the ball around x. */
static int outside(const absa__results *s, int64_t i, double r)
{
    if (r < s->low[i] || r > s->high[i])
        return 1;
    if (!s->ball)
        return 0;
    const double x = s->x[i], d = r - x, back = r - d;
    const double lost = back - x + (r - (d + back)); /* r - x - d, exactly (Knuth) */
    const double size = fabs(d), rest = d < 0 ? -lost : lost;
    return size > s->ball[i] || (size == s->ball[i] && rest > 0);
}

/* Codes in the order of their values. */
static int rank(uint16_t code)
{
    return code & 0x8000 ? -(code & 0x7FFF) : code;
}

static int store_narrow(const format *f, const absa__results *s, int64_t n, const uint16_t *x,
                        uint16_t *out)
{
    int moved = 0;
    for (int64_t i = 0; i < n; i++) {
        const int home = rank(x[i]);
        int at = rank(encoded(f, s->value[i]));
        while (at != home && outside(s, i, decoded(f, (uint16_t)(at < 0 ? 0x8000 | -at : at))))
            at += at < home ? 1 : -1;
        moved |= at != home;
        out[i] = at == home ? x[i] : (uint16_t)(at < 0 ? 0x8000 | -at : at);
    }
    return moved;
}

/* The level of element i: whole numbers, so that at and x are exact. */
static int level(const absa__results *s, int64_t i)
{
    const int home = (int)s->x[i];
    int at = (int)to_whole(s->value[i]);
    while (at != home && outside(s, i, at))
        at += at < home ? 1 : -1;
    return at;
}

static int store_f32(const absa__results *s, int64_t n, const float *x, float *out)
{
    int moved = 0;
    for (int64_t i = 0; i < n; i++) {
        const float was = x[i], v = (float)s->value[i];
        moved |= v != was;
        out[i] = v == was ? was : v;
    }
    return moved;
}

static int store_f64(const absa__results *s, int64_t n, const double *x, double *out)
{
    int moved = 0;
    for (int64_t i = 0; i < n; i++) {
        const double was = x[i], v = s->value[i];
        moved |= v != was;
        out[i] = v == was ? was : v;
    }
    return moved;
}

int absa__input_store(int32_t type, const absa__results *s, int64_t first, int64_t n,
                      const void *x_row, void *row)
{
    int moved = 0;
    switch (type) {
    case ABSA_INPUT_F32:
        return store_f32(s, n, (const float *)x_row + first, (float *)row + first);
    case ABSA_INPUT_F64:
        return store_f64(s, n, (const double *)x_row + first, (double *)row + first);
    case ABSA_INPUT_F16:
    case ABSA_INPUT_BF16:
        return store_narrow(type == ABSA_INPUT_F16 ? &F16 : &BF16, s, n,
                            (const uint16_t *)x_row + first, (uint16_t *)row + first);
    case ABSA_INPUT_U8:
        for (int64_t i = 0; i < n; i++) {
            const int v = level(s, i);
            moved |= v != (int)s->x[i];
            ((uint8_t *)row)[first + i] = (uint8_t)v;
        }
        return moved;
    default:
        for (int64_t i = 0; i < n; i++) {
            const int v = level(s, i);
            moved |= v != (int)s->x[i];
            ((int8_t *)row)[first + i] = (int8_t)v;
        }
        return moved;
    }
}
