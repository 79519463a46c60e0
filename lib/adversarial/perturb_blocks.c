/* A row, block by block in double precision: steps of every kind and element type, with and without
 * a point apart from x. A block is read whole before it is written, so out may be what is read. */
#include "adversarial/perturb_rows.h"

#include "adversarial/inputs.h"

#include <absa/random.h>

#include <float.h>
#include <math.h>

/* One block of a row. */
typedef struct block {
    int64_t first, length;
    double x[ABSA__BLOCK], point[ABSA__BLOCK], g[ABSA__BLOCK];
    double value[ABSA__BLOCK], low[ABSA__BLOCK], high[ABSA__BLOCK];
} block;

/* What has to be known of the whole row before an L2 step. */
typedef struct lengths {
    double largest; /* of |g| over elements that may move */
    double weight;  /* largest of |w| = epsilon / most * |g| / largest */
    double norm;    /* |w| */
    double back;    /* factor that brings the point into the ball; 1 when it is inside */
} lengths;

/* Reads the next block, its gradients 0 where nothing may move. */
static void read_block(const absa__perturb_plan *plan, const absa__row *row, int64_t first,
                       block *b, absa__reach *reach)
{
    const absa_perturb_options *o = &plan->o;
    b->first = first;
    b->length = absa__piece(plan, first);
    absa__reach_fill(plan, first, b->length, row->scale, reach);
    absa__input_load(o->element, row->x, first, b->length, b->x);
    absa__input_load(o->element, row->point, first, b->length, b->point);
    if (row->g)
        absa__input_load(o->g_element, row->g, first, b->length, b->g);
    for (int64_t i = 0; row->mask && i < b->length; i++)
        if (!row->mask[first + i]) {
            b->g[i] = 0.0;
            b->point[i] = b->x[i];
        }
}

static void sign_step(const absa__perturb_plan *plan, const absa__reach *reach, block *b)
{
    const int f32 = plan->o.element == ABSA_INPUT_F32;
    for (int64_t i = 0; i < b->length; i++) {
        const double size = plan->factor * reach->epsilon[i];
        const double step = f32 ? (double)(float)size : size;
        b->value[i] = b->point[i] + (b->g[i] > 0 ? step : b->g[i] < 0 ? -step : 0);
    }
}

static void raw_step(const absa__perturb_plan *plan, const absa__reach *reach, block *b)
{
    for (int64_t i = 0; i < b->length; i++)
        b->value[i] = b->point[i] + plan->factor * reach->epsilon[i] * b->g[i];
}

/* epsilon / most * g / largest: between -1 and 1 whatever the units. */
static double weight(const absa__perturb_plan *plan, const lengths *l, double epsilon, double scale,
                     double g)
{
    const double most = plan->most * scale;
    return (epsilon == most ? 1.0 : epsilon / most) * (g / l->largest);
}

static void l2_step(const absa__perturb_plan *plan, const absa__row *row, const lengths *l,
                    const absa__reach *reach, block *b)
{
    for (int64_t i = 0; i < b->length; i++) {
        double step = 0.0;
        if (l->norm > 0.0 && b->g[i] != 0.0 && reach->epsilon[i] > 0.0)
            step = plan->factor * reach->epsilon[i] *
                   (weight(plan, l, reach->epsilon[i], row->scale, b->g[i]) / l->norm);
        b->value[i] = b->point[i] + step;
        if (l->back < 1.0)
            b->value[i] = b->x[i] + (b->value[i] - b->x[i]) * l->back;
    }
}

/* Clips the block's values into box and, unless the step is raw, ball. A NaN, which no input within
 * the ball makes, becomes low. */
static void clip(int ball, const absa__reach *reach, block *b)
{
    for (int64_t i = 0; i < b->length; i++) {
        const double x = b->x[i];
        double low = x < reach->lo[i] ? x : reach->lo[i];
        double high = x > reach->hi[i] ? x : reach->hi[i];
        if (ball) {
            const double near = x - reach->epsilon[i], far = x + reach->epsilon[i];
            low = near > low ? near : low;
            high = far < high ? far : high;
        }
        double v = b->value[i];
        v = v > low ? v : low;
        b->value[i] = v < high ? v : high;
        b->low[i] = low;
        b->high[i] = high;
    }
}

static int write_block(const absa__perturb_plan *plan, const absa__row *row, int ball, block *b,
                       const absa__reach *reach)
{
    clip(ball, reach, b);
    for (int64_t i = 0; row->mask && i < b->length; i++)
        if (!row->mask[b->first + i])
            b->value[i] = b->x[i];
    const absa__results results = {b->value, b->x, b->low, b->high, ball ? reach->epsilon : NULL};
    return absa__input_store(plan->o.element, &results, b->first, b->length, row->x, row->out);
}

static void largest_pass(const absa__perturb_plan *plan, const absa__row *row, lengths *l, block *b,
                         absa__reach *reach)
{
    for (int64_t first = 0; first < plan->o.row_size; first += b->length) {
        read_block(plan, row, first, b, reach);
        for (int64_t i = 0; i < b->length; i++)
            l->largest = fabs(b->g[i]) > l->largest ? fabs(b->g[i]) : l->largest;
    }
}

static void weight_pass(const absa__perturb_plan *plan, const absa__row *row, lengths *l, block *b,
                        absa__reach *reach)
{
    for (int64_t first = 0; first < plan->o.row_size; first += b->length) {
        read_block(plan, row, first, b, reach);
        for (int64_t i = 0; i < b->length; i++) {
            const double w = fabs(weight(plan, l, reach->epsilon[i], row->scale, b->g[i]));
            l->weight = w > l->weight ? w : l->weight;
        }
    }
}

/* Sum of squares over a row. The rounding of a plain sum would grow with the row, to hundreds of
 * units in the last place of a step: here a block goes into lanes, and what rounding takes away
 * from the blocks' sum is kept (Neumaier). */
typedef struct squares {
    double sum, lost;
} squares;

enum { LANES = 8 };

static void add_squares(squares *s, const double *v, int64_t n)
{
    double lane[LANES] = {0};
    for (int64_t i = 0; i < n; i++)
        lane[i % LANES] += v[i] * v[i];
    for (int k = LANES / 2; k > 0; k /= 2)
        for (int i = 0; i < k; i++)
            lane[i] += lane[i + k];
    const double more = lane[0], sum = s->sum + more;
    s->lost += s->sum >= more ? (s->sum - sum) + more : (more - sum) + s->sum;
    s->sum = sum;
}

static double total(const squares *s)
{
    return isfinite(s->sum) ? s->sum + s->lost : s->sum;
}

static void norm_pass(const absa__perturb_plan *plan, const absa__row *row, lengths *l, block *b,
                      absa__reach *reach)
{
    squares sum = {0.0, 0.0};
    for (int64_t first = 0; first < plan->o.row_size; first += b->length) {
        read_block(plan, row, first, b, reach);
        for (int64_t i = 0; i < b->length; i++)
            b->value[i] = weight(plan, l, reach->epsilon[i], row->scale, b->g[i]) / l->weight;
        add_squares(&sum, b->value, b->length);
    }
    l->norm = l->weight * sqrt(total(&sum));
}

/* How far outside the ball the step leads. */
static void back_pass(const absa__perturb_plan *plan, const absa__row *row, lengths *l, block *b,
                      absa__reach *reach)
{
    squares sum = {0.0, 0.0};
    for (int64_t first = 0; first < plan->o.row_size; first += b->length) {
        read_block(plan, row, first, b, reach);
        l2_step(plan, row, l, reach, b);
        for (int64_t i = 0; i < b->length; i++)
            b->value[i] =
                reach->epsilon[i] > 0.0 ? (b->value[i] - b->x[i]) / reach->epsilon[i] : 0.0;
        add_squares(&sum, b->value, b->length);
    }
    l->back = total(&sum) > 1.0 ? 1.0 / sqrt(total(&sum)) : 1.0;
}

/* The row's lengths for an L2 step; all passes but the last only read. */
static lengths measure(const absa__perturb_plan *plan, const absa__row *row, block *b,
                       absa__reach *reach)
{
    lengths l = {0.0, 0.0, 0.0, 1.0};
    if (plan->o.step != ABSA_STEP_L2 || !(plan->most * row->scale > 0.0))
        return l;
    largest_pass(plan, row, &l, b, reach);
    if (l.largest > 0.0)
        weight_pass(plan, row, &l, b, reach);
    if (l.weight > 0.0)
        norm_pass(plan, row, &l, b, reach);
    if (row->point != row->x || fabs(plan->factor) > 1.0)
        back_pass(plan, row, &l, b, reach);
    return l;
}

absa__seen absa__step_row(const absa__perturb_plan *plan, const absa__row *row, absa__reach *reach)
{
    block b;
    absa__seen seen = {0, 0};
    const lengths l = measure(plan, row, &b, reach);
    for (int64_t first = 0; first < plan->o.row_size; first += b.length) {
        read_block(plan, row, first, &b, reach);
        if (plan->o.step == ABSA_STEP_SIGN)
            sign_step(plan, reach, &b);
        else if (plan->o.step == ABSA_STEP_RAW)
            raw_step(plan, reach, &b);
        else
            l2_step(plan, row, &l, reach, &b);
        for (int64_t i = 0; i < b.length; i++)
            seen.nonzero |= b.g[i] != 0.0;
        seen.moved |= write_block(plan, row, plan->ball, &b, reach);
    }
    return seen;
}

/* Where the random numbers of a row come from. */
static void draw(int32_t start, const absa__key *key, int64_t first, int64_t n, double *out)
{
    if (start == ABSA_START_L2)
        absa_random_gaussian_f64(key->high, key->low, first, n, out);
    else
        absa_random_uniform(key->high, key->low, first, n, out);
}

/* Factor that makes a normal vector a uniform point of the unit ball. */
static double ball_factor(const absa__perturb_plan *plan, const absa__key *key, block *b)
{
    const int64_t n = plan->o.row_size;
    squares sum = {0.0, 0.0};
    double u;
    for (int64_t first = 0; first < n; first += ABSA__BLOCK) {
        const int64_t length = n - first < ABSA__BLOCK ? n - first : ABSA__BLOCK;
        draw(ABSA_START_L2, key, first, length, b->g);
        add_squares(&sum, b->g, length);
    }
    absa_random_uniform(key->high, key->low, n + n % 2, 1, &u);
    return total(&sum) > 0.0 ? pow(u, 1.0 / (double)n) / sqrt(total(&sum)) : 0.0;
}

absa__seen absa__start_row(const absa__perturb_plan *plan, const absa__row *row, absa__reach *reach)
{
    const absa_perturb_options *o = &plan->o;
    const absa__key key =
        absa__sample_key(absa__purpose_seed(o->seed, ABSA__PURPOSE_START), o->update, row->id);
    block b;
    absa__seen seen = {0, 0};
    const double factor = o->start == ABSA_START_L2 ? ball_factor(plan, &key, &b) : 0.0;
    for (int64_t first = 0; first < o->row_size; first += b.length) {
        read_block(plan, row, first, &b, reach);
        if (o->start != ABSA_START_NONE)
            draw(o->start, &key, first, b.length, b.g);
        for (int64_t i = 0; i < b.length; i++) {
            const double r = o->start_ratio * reach->epsilon[i];
            const double unit = o->start == ABSA_START_UNIFORM ? 2.0 * b.g[i] - 1.0
                                : o->start == ABSA_START_SIGN  ? (b.g[i] > 0.5 ? 1.0 : -1.0)
                                : o->start == ABSA_START_L2    ? factor * b.g[i]
                                                               : 0.0;
            b.value[i] = b.x[i] + r * unit;
        }
        seen.moved |= write_block(plan, row, 1, &b, reach);
    }
    return seen;
}
