/* Outputs larger than the caches are written past them: the same bits, nothing beside them. */
#include <absa/adversarial.h>
#include <absa/random.h>

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS = 3, GUARD = 64 };

/* Long rows of an odd length, so that rows begin at all alignments; 17 MiB of them, and the same
 * number again as a guard. */
typedef struct shape {
    int32_t element, layout;
    int64_t row_size, rows;
} shape;

static const shape shapes[] = {
    {ABSA_INPUT_F32, ABSA_LAYOUT_CHANNELS_LAST, CHANNELS * 347, 4300},
    {ABSA_INPUT_F32, ABSA_LAYOUT_CHANNELS_FIRST, CHANNELS * 347, 4300},
    {ABSA_INPUT_F64, ABSA_LAYOUT_CHANNELS_LAST, CHANNELS * 347, 2150},
    {ABSA_INPUT_F64, ABSA_LAYOUT_CHANNELS_FIRST, CHANNELS * 347, 2150},
};

enum { SHAPES = sizeof shapes / sizeof shapes[0] };

typedef struct arrays {
    size_t bytes;
    unsigned char *x, *g, *apart, *in_place; /* the last one begins as x */
} arrays;

/* The output begins one element behind a multiple of 64 bytes. */
static arrays make(const shape *s)
{
    const size_t size = s->element == ABSA_INPUT_F32 ? 4 : 8;
    const int64_t elements = s->rows * s->row_size;
    arrays a = {.bytes = (size_t)elements * size};
    double *u = malloc((size_t)s->row_size * sizeof *u);
    a.x = malloc(a.bytes);
    a.g = malloc(a.bytes);
    a.apart = malloc(a.bytes + 2 * GUARD);
    a.in_place = malloc(a.bytes);
    cr_assert(u && a.x && a.g && a.apart && a.in_place);
    for (int64_t i = 0; i < elements; i++) {
        const int64_t at = i % s->row_size;
        if (at == 0)
            absa_random_uniform(5, (uint64_t)(i / s->row_size), 0, s->row_size, u);
        const double x = u[at], g = at % 11 == 0 ? 0.0 : u[(at + 1) % s->row_size] - 0.5;
        if (size == 4) {
            ((float *)(void *)a.x)[i] = (float)x;
            ((float *)(void *)a.g)[i] = (float)g;
        } else {
            ((double *)(void *)a.x)[i] = x;
            ((double *)(void *)a.g)[i] = g;
        }
    }
    memset(a.apart, 0xA5, a.bytes + 2 * GUARD);
    memcpy(a.in_place, a.x, a.bytes);
    free(u);
    return a;
}

static void release(arrays *a)
{
    free(a->x);
    free(a->g);
    free(a->apart);
    free(a->in_place);
}

static absa_status perturb(const shape *s, const arrays *a, void *out, absa_perturb_result *r)
{
    const double epsilon[CHANNELS] = {0.02, 0.03, 0.0}, lo[CHANNELS] = {0.1, 0.0, 0.2},
                 hi[CHANNELS] = {0.9, 1.0, 0.8};
    absa_perturb_options o;
    absa_perturb_options_init(&o, sizeof o);
    absa_perturb_result_init(r, sizeof *r);
    o.element = o.g_element = s->element;
    o.row_size = s->row_size;
    o.layout = s->layout;
    o.channels = CHANNELS;
    o.channel_epsilon = epsilon;
    o.channel_lo = lo;
    o.channel_hi = hi;
    return absa_perturb(&o, s->rows, out == a->in_place ? out : a->x, a->g, out, r);
}

static void check_guard(const arrays *a, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        cr_assert_eq(a->apart[i], 0xA5, "byte %zu", i);
}

Test(large, an_output_past_the_caches_has_the_bits_of_one_in_place)
{
    for (int k = 0; k < SHAPES; k++) {
        arrays a = make(&shapes[k]);
        absa_perturb_result apart, in_place;
        const size_t skip = a.bytes % 16 + 8;
        cr_assert_eq(perturb(&shapes[k], &a, a.apart + skip, &apart), ABSA_OK);
        cr_assert_eq(perturb(&shapes[k], &a, a.in_place, &in_place), ABSA_OK);
        cr_assert_eq(memcmp(a.apart + skip, a.in_place, a.bytes), 0, "shape %d", k);
        cr_assert_neq(memcmp(a.in_place, a.x, a.bytes), 0);
        cr_assert_eq(memcmp(&apart, &in_place, sizeof apart), 0);
        cr_assert_eq(apart.rows_done, shapes[k].rows);
        check_guard(&a, 0, skip);
        check_guard(&a, skip + a.bytes, a.bytes + 2 * GUARD);
        release(&a);
    }
}

Test(large, a_row_with_a_nan_and_all_behind_it_stay_as_they_were)
{
    for (int k = 0; k < SHAPES; k += 2) {
        const shape *s = &shapes[k];
        arrays a = make(s);
        absa_perturb_result apart, in_place;
        const size_t row = a.bytes / (size_t)s->rows;
        const int64_t bad = s->rows - 3;
        const size_t at = (size_t)bad * row + row / 2 / 8 * 8;
        if (s->element == ABSA_INPUT_F32)
            *(float *)(void *)(a.g + at) = NAN;
        else
            *(double *)(void *)(a.g + at) = NAN;
        cr_assert_eq(perturb(s, &a, a.apart + 8, &apart), ABSA_E_NONFINITE);
        cr_assert_eq(perturb(s, &a, a.in_place, &in_place), ABSA_E_NONFINITE);
        cr_assert_eq(apart.rows_done, bad);
        cr_assert_eq(memcmp(a.apart + 8, a.in_place, (size_t)bad * row), 0);
        check_guard(&a, 8 + (size_t)bad * row, a.bytes + 2 * GUARD);
        release(&a);
    }
}
