/* Every step, start, element type and geometry against the formulas of the header, written down
 * again in long double. */
#include <absa/adversarial.h>
#include <absa/random.h>

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <string.h>

enum { ROWS = 4, CHANNELS = 3, PIXELS = 101, ROW = CHANNELS * PIXELS, ALL = ROWS * ROW };

/* The batch as numbers, and as stored. A row is longer than what the library takes at once, which
 * is no multiple of the channels. */
typedef struct store {
    double value[ALL];
    unsigned char bytes[ALL * sizeof(double)];
} store;

/* Bits of precision and smallest exponent; 0: whole numbers. */
static const struct {
    int precision, least_exponent;
    double least, most;
} formats[] = {{24, -126, -(double)FLT_MAX, (double)FLT_MAX},
               {53, -1022, -DBL_MAX, DBL_MAX},
               {11, -14, -65504, 65504},
               {8, -126, -0x1.FEp127, 0x1.FEp127},
               {0, 0, 0, 255},
               {0, 0, -128, 127}};

/* Distance between neighbours of the type at v. */
static long double unit(int32_t type, long double v)
{
    int e;
    if (!formats[type].precision)
        return 1;
    if (frexpl(v, &e) == 0.0L || e - 1 < formats[type].least_exponent)
        e = formats[type].least_exponent + 1;
    return ldexpl(1, e - formats[type].precision);
}

static double nearest(int32_t type, double v)
{
    const long double q = unit(type, (long double)v);
    return (double)(rintl((long double)v / q) * q);
}

static void put(int32_t type, int i, store *s)
{
    const double v = s->value[i];
    float f = type == ABSA_INPUT_F64 ? 0.0f : (float)v;
    uint32_t bits;
    uint16_t half;
    memcpy(&bits, &f, sizeof bits);
    switch (type) {
    case ABSA_INPUT_F32:
        memcpy(s->bytes + 4 * i, &f, 4);
        return;
    case ABSA_INPUT_F64:
        memcpy(s->bytes + 8 * i, &v, 8);
        return;
    case ABSA_INPUT_F16: /* normal numbers and 0 only */
        half = (uint16_t)(bits >> 16 & 0x8000);
        if (v != 0)
            half = (uint16_t)(half | ((bits >> 13 & 0x3FFFF) - (112 << 10)));
        memcpy(s->bytes + 2 * i, &half, 2);
        return;
    case ABSA_INPUT_BF16:
        half = (uint16_t)(bits >> 16);
        memcpy(s->bytes + 2 * i, &half, 2);
        return;
    default:
        s->bytes[i] = (unsigned char)(int)v;
    }
}

static double get(int32_t type, int i, const unsigned char *bytes)
{
    float f;
    double v;
    uint16_t half;
    uint32_t bits;
    switch (type) {
    case ABSA_INPUT_F32:
        memcpy(&f, bytes + 4 * i, 4);
        return (double)f;
    case ABSA_INPUT_F64:
        memcpy(&v, bytes + 8 * i, 8);
        return v;
    case ABSA_INPUT_F16:
        memcpy(&half, bytes + 2 * i, 2);
        v = half >> 10 & 31 ? ldexp(1024 + (half & 1023), (half >> 10 & 31) - 25)
                            : ldexp(half & 1023, -24);
        return half & 0x8000 ? -v : v;
    case ABSA_INPUT_BF16:
        memcpy(&half, bytes + 2 * i, 2);
        bits = (uint32_t)half << 16;
        memcpy(&f, &bits, 4);
        return (double)f;
    case ABSA_INPUT_U8:
        return bytes[i];
    default:
        return (signed char)bytes[i];
    }
}

/* A batch between lo and hi, rounded to the type. */
static void fill(int32_t type, uint64_t stream, double lo, double hi, store *s)
{
    absa_random_uniform(7, stream, 0, ALL, s->value);
    for (int i = 0; i < ALL; i++) {
        double v = nearest(type, lo + (hi - lo) * s->value[i]);
        if (stream == 1 && i % 13 == 0)
            v = 0; /* gradients that say nothing */
        s->value[i] = v;
        put(type, i, s);
    }
}

static int64_t channel_of(const absa_perturb_options *o, int i)
{
    return o->layout == ABSA_LAYOUT_CHANNELS_LAST ? i % o->channels
                                                  : i / (o->row_size / o->channels);
}

static long double rounded(const absa_perturb_options *o, double v)
{
    return (long double)(o->element == ABSA_INPUT_F32 ? (double)(float)v : v);
}

static long double epsilon_of(const absa_perturb_options *o, int row, int i)
{
    const double e = o->element_epsilon   ? o->element_epsilon[i]
                     : o->channel_epsilon ? o->channel_epsilon[channel_of(o, i)]
                                          : o->epsilon;
    return rounded(o, (o->row_scale ? o->row_scale[row] : 1.0) * e);
}

static long double end_of(const absa_perturb_options *o, int i, const double *element,
                          const double *channel, double scalar)
{
    const double v = element ? element[i] : channel ? channel[channel_of(o, i)] : scalar;
    return rounded(o, fmin(fmax(v, formats[o->element].least), formats[o->element].most));
}

static int may_move(const absa_perturb_options *o, int row, int i)
{
    return !o->mask || o->mask[row * o->mask_stride + i];
}

/* Where the step of one row leads, before clipping. */
static void step_of(const absa_perturb_options *o, int row, const double *x, const double *p,
                    const double *g, long double *v)
{
    const long double way = o->direction == ABSA_DIRECTION_DESCEND ? -1 : 1;
    const long double ratio = way * (long double)o->step_ratio;
    long double norm = 0, beyond = 0;
    for (int i = 0; i < ROW; i++)
        if (may_move(o, row, i))
            norm += powl(epsilon_of(o, row, i) * (long double)g[i], 2);
    for (int i = 0; i < ROW; i++) {
        const long double e = epsilon_of(o, row, i),
                          d = may_move(o, row, i) ? (long double)g[i] : 0;
        const long double size = rounded(o, (double)(ratio * e));
        v[i] = (long double)p[i];
        if (o->step == ABSA_STEP_SIGN)
            v[i] += d > 0 ? size : d < 0 ? -size : 0;
        else if (o->step == ABSA_STEP_RAW)
            v[i] += ratio * (long double)o->grad_scale * e * d;
        else if (norm > 0)
            v[i] += ratio * e * e * d / sqrtl(norm);
        if (e > 0)
            beyond += powl((v[i] - (long double)x[i]) / e, 2);
    }
    for (int i = 0; i < ROW && o->step == ABSA_STEP_L2 && beyond > 1; i++)
        v[i] = (long double)x[i] + (v[i] - (long double)x[i]) / sqrtl(beyond);
}

/* Compares one element with the model: value v before clipping, everything known exactly. */
static void check_one(const absa_perturb_options *o, int row, int i, double x, double p,
                      long double v, double out)
{
    const int32_t type = o->element;
    const long double e = epsilon_of(o, row, i), clean = (long double)x, got = (long double)out;
    const long double lo = end_of(o, i, o->element_lo, o->channel_lo, o->lo);
    const long double hi = end_of(o, i, o->element_hi, o->channel_hi, o->hi);
    long double low = clean < lo ? clean : lo, high = clean > hi ? clean : hi;
    if (o->step != ABSA_STEP_RAW) {
        low = fmaxl(low, clean - e);
        high = fminl(high, clean + e);
    }
    const long double want = fminl(fmaxl(v, low), high);
    if (!may_move(o, row, i)) {
        cr_assert_eq(out, x);
        return;
    }
    if (type == ABSA_INPUT_F32 || type == ABSA_INPUT_F64) {
        /* F32 is computed in double: one rounding of a sum, half a unit of its largest number, and
         * another of the result. F64 also rounds the three products of RAW, and for L2 two sums of
         * ROW squares, whose roots are off by ROW / 4 units each, and less than 16 products. */
        const long double move = fabsl(v - (long double)p);
        const long double most =
            fmaxl(fmaxl(fabsl(want), fabsl(clean)), fmaxl(fabsl((long double)p), move));
        const int products = type != ABSA_INPUT_F64      ? 0
                             : o->step == ABSA_STEP_SIGN ? 0
                             : o->step == ABSA_STEP_RAW  ? 2
                                                         : ROW / 2 + 8;
        cr_assert(fabsl(got - want) <= unit(type, most) + products * unit(type, move),
                  "row %d element %d: %.17g, not %.17Lg", row, i, out, want);
        return;
    }
    /* Narrow types: inside, and no neighbour inside is nearer; 1e-12 covers what double arithmetic
     * adds to a step of length 1 or less, and no such type resolves it. */
    cr_assert(got >= low && got <= high, "row %d element %d: %.17g outside %.17Lg..%.17Lg", row, i,
              out, low, high);
    for (int side = -1; side <= 1; side += 2) {
        /* Half of a unit below a power of two. */
        long double other = got + side * unit(type, got);
        if (unit(type, other) < unit(type, got))
            other = got + side * unit(type, other);
        if (other >= low && other <= high)
            cr_assert(fabsl(got - want) <= fabsl(other - want) + 1e-12L,
                      "row %d element %d: %.17g, but %.17Lg is nearer to %.17Lg", row, i, out,
                      other, want);
    }
}

static store x, g, point;

/* Runs one step of both kinds and compares all elements. */
static void compare(absa_perturb_options *o)
{
    static unsigned char out[sizeof x.bytes];
    const int narrow = o->element >= ABSA_INPUT_F16;
    const int whole = o->element >= ABSA_INPUT_U8;
    absa_perturb_result r;
    absa_perturb_result_init(&r, sizeof r);
    o->g_element = whole ? ABSA_INPUT_F32 : ABSA_INPUT_SAME;
    const double span = whole ? 100 : 1;
    /* Half precision of the model has normal numbers only. */
    fill(o->element, 0, narrow ? 0.1 * span : -0.1, span, &x);
    fill(whole ? ABSA_INPUT_F32 : o->element, 1, -2, 2, &g);
    for (int several = 0; several < 2; several++) {
        long double v[ROW];
        point = x;
        if (several) {
            fill(o->element, 2, narrow ? 0.1 * span : -0.1, span, &point);
            for (int i = 0; i < ALL; i++)
                if (!may_move(o, i / ROW, i % ROW))
                    point.value[i] = x.value[i];
        }
        memcpy(out, point.bytes, sizeof out);
        cr_assert_eq(several ? absa_perturb_step(o, ROWS, x.bytes, g.bytes, out, &r)
                             : absa_perturb(o, ROWS, x.bytes, g.bytes, out, &r),
                     ABSA_OK);
        cr_assert_eq(r.rows_done, ROWS);
        for (int row = 0; row < ROWS; row++) {
            const int at = row * ROW;
            step_of(o, row, x.value + at, point.value + at, g.value + at, v);
            for (int i = 0; i < ROW; i++)
                check_one(o, row, i, x.value[at + i], point.value[at + i], v[i],
                          get(o->element, at + i, out));
        }
    }
}

/* Options whose sizes suit the type's units. */
static absa_perturb_options options(int32_t type, int32_t step)
{
    absa_perturb_options o;
    absa_perturb_options_init(&o, sizeof o);
    const double span = type >= ABSA_INPUT_U8 ? 100 : 1;
    o.row_size = ROW;
    o.channels = CHANNELS;
    o.element = type;
    o.step = step;
    o.epsilon = 0.0373 * span;
    o.lo = 0.02 * span;
    o.hi = 0.97 * span;
    o.grad_scale = 0.7;
    return o;
}

static void each(void (*change)(absa_perturb_options *o, double span))
{
    for (int32_t type = ABSA_INPUT_F32; type <= ABSA_INPUT_I8; type++)
        for (int32_t step = ABSA_STEP_SIGN; step <= ABSA_STEP_L2; step++)
            for (int32_t layout = 0; layout < 2; layout++) {
                absa_perturb_options o = options(type, step);
                o.layout = layout;
                change(&o, type >= ABSA_INPUT_U8 ? 100 : 1);
                compare(&o);
            }
}

static void nothing(absa_perturb_options *o, double span)
{
    (void)o;
    (void)span;
}

static void descend(absa_perturb_options *o, double span)
{
    (void)span;
    o->direction = ABSA_DIRECTION_DESCEND;
    o->step_ratio = 0.25;
}

static void far(absa_perturb_options *o, double span)
{
    (void)span;
    o->step_ratio = 1.25;
}

static void one_side(absa_perturb_options *o, double span)
{
    (void)span;
    if (o->layout)
        o->lo = -HUGE_VAL;
    else
        o->hi = HUGE_VAL;
}

static void by_channel(absa_perturb_options *o, double span)
{
    static double e[CHANNELS], lo[CHANNELS], hi[CHANNELS];
    for (int c = 0; c < CHANNELS; c++) {
        e[c] = 0.02 * c * span; /* the first channel stays */
        lo[c] = 0.05 * (c + 1) * span;
        hi[c] = (1 - 0.03 * c) * span;
    }
    o->channel_epsilon = e;
    o->channel_lo = lo;
    o->channel_hi = hi;
}

static void by_element(absa_perturb_options *o, double span)
{
    static double e[ROW], lo[ROW], hi[ROW];
    by_channel(o, span);
    for (int i = 0; i < ROW; i++) {
        e[i] = (i % 7) * 0.011 * span;
        lo[i] = i % 3 ? 0.1 * span : -HUGE_VAL;
        hi[i] = i % 5 ? 0.9 * span : HUGE_VAL;
    }
    o->element_epsilon = e;
    o->element_lo = lo;
    o->element_hi = o->layout ? hi : NULL; /* and the channels' where there is none */
}

static void by_row(absa_perturb_options *o, double span)
{
    static const double scale[ROWS] = {1.0, 0.0, 0.3, 2.1};
    (void)span;
    o->row_scale = scale;
}

static void masked(absa_perturb_options *o, double span)
{
    static uint8_t mask[ALL];
    (void)span;
    for (int i = 0; i < ALL; i++)
        mask[i] = i % 4 ? 255 : 0;
    o->mask = mask;
    o->mask_stride = o->layout ? ROW : 0;
}

#define MODEL(name, change)                                                                        \
    Test(adversarial_model, name)                                                                  \
    {                                                                                              \
        each(change);                                                                              \
    }
MODEL(every_step_of_every_type_follows_its_formula, nothing)
MODEL(a_targeted_small_step_goes_down, descend)
MODEL(a_step_beyond_the_ball_is_brought_back, far)
MODEL(a_box_may_have_one_side, one_side)
MODEL(channels_have_their_own_sizes_and_boxes, by_channel)
MODEL(elements_have_their_own_sizes_and_boxes, by_element)
MODEL(rows_scale_epsilon, by_row)
MODEL(masked_elements_stay_and_do_not_count, masked)

/* The start, made again from the generator as the header says. */
Test(adversarial_model, a_start_is_what_the_header_says)
{
    static unsigned char out[sizeof x.bytes];
    const int64_t ids[ROWS] = {5, 1, 900000000000, -3};
    for (int32_t type = ABSA_INPUT_F32; type <= ABSA_INPUT_I8; type++)
        for (int32_t start = ABSA_START_NONE; start <= ABSA_START_L2; start++) {
            absa_perturb_options o = options(type, ABSA_STEP_SIGN);
            const double span = type >= ABSA_INPUT_U8 ? 100 : 1;
            o.start = start;
            o.start_ratio = 0.8;
            o.seed = 0x123456789ABCDEF0u;
            o.update = 77;
            o.ids = ids;
            fill(type, 0, 0.1 * span, span, &x);
            cr_assert_eq(absa_perturb_start(&o, ROWS, x.bytes, out, NULL), ABSA_OK);
            for (int row = 0; row < ROWS; row++) {
                const uint32_t seed[2] = {0x9ABCDEF0u, 0x12345678u}, two[4] = {2, 0, 0, 0};
                uint32_t k[4],
                    w[4] = {77, 0, (uint32_t)ids[row], (uint32_t)((uint64_t)ids[row] >> 32)};
                double u[ROW], z[ROW], radius;
                absa_random_philox(seed, two, k);
                absa_random_philox(k, w, w);
                const uint64_t w1 = w[0] | (uint64_t)w[1] << 32, w2 = w[2] | (uint64_t)w[3] << 32;
                absa_random_uniform(w1, w2, 0, ROW, u);
                absa_random_gaussian_f64(w1, w2, 0, ROW, z);
                absa_random_uniform(w1, w2, ROW + 1, 1, &radius);
                long double norm = 0;
                for (int i = 0; i < ROW; i++)
                    norm += (long double)z[i] * (long double)z[i];
                for (int i = 0; i < ROW; i++) {
                    const int at = row * ROW + i;
                    const long double e = (long double)o.start_ratio * epsilon_of(&o, row, i);
                    const long double part = start == ABSA_START_UNIFORM ? 2 * (long double)u[i] - 1
                                             : start == ABSA_START_SIGN  ? (u[i] > 0.5 ? 1 : -1)
                                             : start == ABSA_START_L2
                                                 ? (long double)z[i] / sqrtl(norm) *
                                                       powl((long double)radius, 1.0L / ROW)
                                                 : 0;
                    check_one(&o, row, i, x.value[at], x.value[at],
                              (long double)x.value[at] + e * part, get(type, at, out));
                }
            }
        }
}
