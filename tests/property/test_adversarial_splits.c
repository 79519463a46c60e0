/* Splitting a batch over calls and processes, and the two paths through the code, change no bit. */
#include <absa/adversarial.h>
#include <absa/random.h>

#include <criterion/criterion.h>
#include <string.h>

#include "support/processes.h"

enum { BATCH = 128, CHANNELS = 3, ROW = CHANNELS * 100, ALL = BATCH * ROW };

static unsigned char x[ALL * 8], g[ALL * 8], whole[ALL * 8], parts[ALL * 8];
static int64_t ids[BATCH];
static uint8_t selected[BATCH];
static double scale[BATCH];
static const double e[CHANNELS] = {0.01, 0.07, 0.2}, lo[CHANNELS] = {0.1, 0.0, -0.5};
static const double hi[CHANNELS] = {0.8, 1.0, 0.9};

/* Contents for the type: numbers of about 0 to 1 and their gradients, or any levels. */
static void fill(int32_t type)
{
    for (int i = 0; i < ALL; i++) {
        double u[2];
        if (i % 64 == 0)
            absa_random_uniform(11, (uint64_t)i, 0, 2, u);
        const double v = u[0] + (i % 64) / 1000.0, d = i % 17 ? u[1] - (i % 64) / 64.0 : 0.0;
        const float f[2] = {(float)v, (float)d};
        uint32_t bits[2];
        memcpy(bits, f, sizeof bits);
        for (int k = 0; k < 2; k++) {
            unsigned char *to = k ? g : x;
            const uint16_t upper = (uint16_t)(bits[k] >> 16);
            if (type == ABSA_INPUT_F64)
                memcpy(to + 8 * i, k ? &d : &v, 8);
            else if (type == ABSA_INPUT_F32 || (k == 1 && type >= ABSA_INPUT_U8))
                memcpy(to + 4 * i, &f[k], 4);
            else if (type >= ABSA_INPUT_U8)
                to[i] = (unsigned char)(i * 37);
            else /* as half precision these are other numbers, finite as well */
                memcpy(to + 2 * i, &upper, 2);
        }
    }
    for (int i = 0; i < BATCH; i++) {
        ids[i] = (int64_t)i * i * 1000003 - 5;
        scale[i] = (i % 5) / 3.0;
    }
}

/* One of the attacks on rows [first, first + rows): a start, then two steps whose gradients are all
 * at hand; or a single step. */
static void attack(const absa_perturb_options *options, int several, int64_t first, int64_t rows,
                   unsigned char *out)
{
    static const size_t sizes[] = {4, 8, 2, 2, 1, 1};
    const size_t size = sizes[options->element] * ROW;
    const size_t g_size = (options->element >= ABSA_INPUT_U8 ? 4 : sizes[options->element]) * ROW;
    const unsigned char *from = x + (size_t)first * size, *along = g + (size_t)first * g_size;
    unsigned char *to = out + (size_t)first * size;
    absa_perturb_options o = *options;
    o.ids = ids + first;
    o.row_scale = options->row_scale ? options->row_scale + first : NULL;
    o.selected = options->selected ? options->selected + first : NULL;
    if (!several) {
        cr_assert_eq(absa_perturb(&o, rows, from, along, to, NULL), ABSA_OK);
        return;
    }
    cr_assert_eq(absa_perturb_start(&o, rows, from, to, NULL), ABSA_OK);
    for (int k = 0; k < 2; k++)
        cr_assert_eq(absa_perturb_step(&o, rows, from, along, to, NULL), ABSA_OK);
}

typedef struct job {
    const absa_perturb_options *o;
    int several;
    int64_t micro;
} job;

/* A process takes its run of the rows of each micro-batch. */
static void share(process *p)
{
    const job *j = p->user;
    for (int64_t first = 0; first < BATCH; first += j->micro) {
        const int64_t rows = j->micro < BATCH - first ? j->micro : BATCH - first;
        const int64_t from = first + rows * p->rank / p->count;
        const int64_t to = first + rows * (p->rank + 1) / p->count;
        attack(j->o, j->several, from, to - from, parts);
    }
}

static void compare(const absa_perturb_options *o)
{
    static const int64_t micro[] = {1, 7, BATCH};
    for (int several = 0; several < 2; several++) {
        memset(whole, 0, sizeof whole);
        attack(o, several, 0, BATCH, whole);
        for (int m = 0; m < 3; m++)
            for (int count = 1; count <= 3; count++) {
                job j = {o, several, micro[m]};
                memset(parts, 0, sizeof parts);
                processes_run(count, share, &j);
                cr_assert_eq(memcmp(whole, parts, sizeof whole), 0,
                             "type %d step %d start %d several %d: rows of %d, %d processes",
                             o->element, o->step, o->start, several, (int)micro[m], count);
            }
    }
}

static absa_perturb_options options(int32_t type, int32_t step, int32_t start)
{
    absa_perturb_options o;
    absa_perturb_options_init(&o, sizeof o);
    o.element = type;
    o.step = step;
    o.start = start;
    o.row_size = ROW;
    o.channels = CHANNELS;
    o.epsilon = type >= ABSA_INPUT_U8 ? 9.3 : 0.04;
    o.step_ratio = 0.7;
    o.grad_scale = 0.6;
    o.seed = 21;
    o.update = 3;
    return o;
}

Test(adversarial_splits, no_split_of_a_batch_changes_a_bit)
{
    for (int32_t type = ABSA_INPUT_F32; type <= ABSA_INPUT_I8; type++) {
        fill(type);
        for (int32_t step = ABSA_STEP_SIGN; step <= ABSA_STEP_L2; step++) {
            /* Kinds of start turn with the others, so that each meets each type. */
            absa_perturb_options o = options(type, step, (step + type) % 4);
            compare(&o);
            o.row_scale = scale;
            if (type < ABSA_INPUT_U8) {
                o.channel_epsilon = e;
                o.channel_lo = lo;
                o.channel_hi = hi;
            }
            o.layout = step % 2;
            compare(&o);
        }
    }
}

Test(adversarial_splits, the_fast_path_has_the_bits_of_the_general_one)
{
    static uint8_t mask[ROW];
    static double many_e[ROW], many_lo[ROW];
    memset(mask, 1, sizeof mask);
    for (int i = 0; i < ROW; i++) {
        many_e[i] = (i % 9) / 50.0;
        many_lo[i] = (i % 4) / 10.0;
    }
    for (int32_t type = ABSA_INPUT_F32; type <= ABSA_INPUT_F64; type++)
        for (int geometry = 0; geometry < 4; geometry++)
            for (int direction = 0; direction < 2; direction++)
                for (int rows = 0; rows < 4; rows++) {
                    fill(type);
                    absa_perturb_options o = options(type, ABSA_STEP_SIGN, ABSA_START_NONE);
                    absa_perturb_result fast, general;
                    o.direction = direction;
                    o.lo = 0.2;
                    o.hi = 0.9;
                    if (geometry == 1 || geometry == 2) {
                        o.channel_epsilon = e;
                        o.channel_lo = lo;
                        o.channel_hi = hi;
                        o.layout = geometry == 2;
                    } else if (geometry == 3) {
                        o.element_epsilon = many_e;
                        o.element_lo = many_lo;
                    }
                    for (int i = 0; i < BATCH; i++)
                        selected[i] = i % 3 != 1;
                    o.row_scale = rows & 1 ? scale : NULL;
                    o.selected = rows & 2 ? selected : NULL;
                    absa_perturb_result_init(&fast, sizeof fast);
                    absa_perturb_result_init(&general, sizeof general);
                    cr_assert_eq(absa_perturb(&o, BATCH, x, g, whole, &fast), ABSA_OK);
                    o.mask = mask;
                    cr_assert_eq(absa_perturb(&o, BATCH, x, g, parts, &general), ABSA_OK);
                    const size_t size = (type ? 8 : 4) * (size_t)ALL;
                    cr_assert_eq(memcmp(whole, parts, size), 0, "type %d geometry %d rows %d", type,
                                 geometry, rows);
                    cr_assert_eq(memcmp(&fast, &general, sizeof fast), 0);
                    /* In place, too, by either. */
                    for (int k = 0; k < 2; k++) {
                        memcpy(parts, x, size);
                        cr_assert_eq(absa_perturb(&o, BATCH, parts, g, parts, NULL), ABSA_OK);
                        cr_assert_eq(memcmp(whole, parts, size), 0);
                        o.mask = NULL;
                    }
                }
}

typedef struct choice {
    uint8_t chosen[BATCH];
    int64_t count;
} choice;

/* The samples are dealt out in turn, and each process asks with its own. */
static void choose(process *p)
{
    choice *c = p->user;
    int64_t mine[BATCH], rows = 0, places[BATCH];
    uint8_t marks[BATCH];
    for (int64_t i = BATCH - 1 - p->rank; i >= 0; i -= p->count) {
        places[rows] = i;
        mine[rows++] = ids[i];
    }
    absa_selection s;
    absa_selection_init(&s, sizeof s);
    s.seed = 5;
    s.update = 1;
    s.count = c->count;
    cr_assert_eq(absa_selection_keyed(&s, rows, mine, process_reduce, p), ABSA_OK);
    cr_assert_eq(absa_selection_rows(&s, rows, mine, 0, marks, NULL), ABSA_OK);
    for (int64_t k = 0; k < rows; k++)
        c->chosen[places[k]] = marks[k];
}

Test(adversarial_splits, processes_choose_the_same_samples_however_they_are_dealt_out)
{
    fill(ABSA_INPUT_F32);
    for (int64_t count = 0; count <= BATCH; count += 16) {
        choice alone = {{0}, count};
        int64_t sum = 0;
        processes_run(1, choose, &alone);
        for (int i = 0; i < BATCH; i++)
            sum += alone.chosen[i];
        cr_assert_eq(sum, count);
        for (int n = 2; n <= 3; n++) {
            choice together = {{0}, count};
            processes_run(n, choose, &together);
            cr_assert_eq(memcmp(alone.chosen, together.chosen, BATCH), 0);
        }
    }
}
