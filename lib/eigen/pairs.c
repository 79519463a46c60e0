/* The pairs that were asked for: which Ritz values they are, the interval that the certificate
 * leaves around each, and what the rules look at. With one wanted pair they are the ends
 * themselves; with several, the axis is walked inwards from each end, Ritz value by Ritz value, and
 * every gap that is excluded parts two intervals.
 *
 * Rounding can let the recurrence find an eigenvalue that repeats a second time. Such a copy would
 * take the place of a distinct eigenvalue, so it is passed over: it lies on a pair up to rounding,
 * or the certificate excludes its place (the start vector has next to no part along it) while it is
 * still on its way there. */
#include "eigen/eigen_impl.h"

#include "eigen/exclusion.h"

#include <math.h>

/* A walk inwards from one end, on the axis turned by sign. */
typedef struct walk {
    absa__view view;
    double margin, small; /* rounding; the residual of a converged Ritz value */
    absa__pair *pair;
    int64_t wanted, count;
    int64_t first; /* first pair of the interval that is open */
    double upper;  /* its upper end */
} walk;

/* Ritz value i beside the last pair: not one of its own? */
static int is_copy(const walk *w, int64_t i)
{
    if (w->count == 0)
        return 0;
    const double theta = absa__view_value(&w->view, i), r = absa__view_residual(&w->view, i);
    const double apart = w->pair[w->count - 1].value - theta;
    if (apart <= 2.0 * w->margin)
        return 1;
    if (!absa__excluded_around(&w->view, i, theta, theta))
        return 0;
    return r > w->small || apart <= r + w->margin;
}

/* Ends the open interval at lower. One without a pair of its own joins the one above unless it is
 * excluded as a whole. */
static void close_interval(walk *w, int64_t ritz, int64_t ritz_count, double lower)
{
    int64_t from = w->first;
    if (from == w->count) {
        if (ritz_count == 1 && absa__excluded_around(&w->view, ritz, lower, w->upper))
            return;
        const double same = w->pair[from - 1].upper;
        while (from > 0 && w->pair[from - 1].upper == same)
            from--;
        w->upper = same;
    }
    for (int64_t i = from; i < w->count; i++) {
        w->pair[i].upper = w->upper;
        w->pair[i].lower = lower;
    }
}

/* The pairs of one end; upper is the outermost bound. */
static void walk_in(walk *w, double upper)
{
    const int64_t k = w->view.count;
    int64_t opened = 0; /* Ritz value that the open interval begins with */
    w->count = w->first = 0;
    w->upper = upper;
    for (int64_t i = 0; i < k; i++) {
        const int64_t column = w->view.sign > 0.0 ? k - 1 - i : i;
        if (!is_copy(w, i))
            w->pair[w->count++] = (absa__pair){.value = absa__view_value(&w->view, i),
                                               .residual = absa__view_residual(&w->view, i),
                                               .column = column,
                                               .slot = -1};
        double from, to;
        if (w->count == w->wanted || i + 1 == k)
            break;
        if (!absa__excluded_between(&w->view, i, &from, &to) || from + w->margin >= to - w->margin)
            continue;
        close_interval(w, opened, i + 1 - opened, to - w->margin);
        w->first = w->count;
        w->upper = from + w->margin;
        opened = i + 1;
    }
    close_interval(w, opened, k - opened, -HUGE_VAL);
}

/* Nothing that was wanted lies further in than the last pair's Ritz value. */
static void cut_at(absa__pair *pair, int64_t count, double least)
{
    for (int64_t i = 0; i < count; i++) {
        pair[i].lower = fmax(pair[i].lower, fmin(least, pair[i].value));
        pair[i].upper = fmax(pair[i].upper, pair[i].value);
    }
}

static void turn_pair(absa__pair *p)
{
    const double lower = p->lower;
    p->value = -p->value;
    p->lower = -p->upper;
    p->upper = -lower;
    p->from_below = 1;
}

/* Widens the shown gap and residual by a pair's, on the turned axis. */
static void show(absa__shown *s, const absa__pair *p, double margin)
{
    s->gap = fmax(s->gap, fmax(p->upper - p->value, p->value - p->lower - margin));
    s->residual = fmax(s->residual, p->residual);
    s->size = fmax(s->size, fabs(p->value));
}

static void walk_end(absa_eigen *e, double sign, double margin, int whole, walk *w,
                     absa__pair *pair)
{
    double log_beta = 0.0;
    for (int64_t i = 0; i < e->steps; i++)
        log_beta += log(e->beta[i]);
    *w = (walk){.view = {sign, e->ritz_count, e->ritz, e->ritz_residual,
                         e->memory == ABSA_MEMORY_RESTART ? e->steps - e->have : 0, e->roots,
                         log_beta, -2.0 * log(e->delta), margin},
                .margin = margin,
                .small = e->options.tolerance * fabs(e->now.value),
                .pair = pair,
                .wanted = e->options.wanted};
    walk_in(w, e->end[sign > 0.0 ? 0 : 1].upper);
    for (int64_t i = 0; whole && i < w->count; i++) {
        pair[i].residual = 0.0;
        pair[i].lower = pair[i].value - margin;
        pair[i].upper = pair[i].value + margin;
    }
}

/* One end's pairs, or both ends' one behind the other. */
static void list_ends(absa_eigen *e, double margin, int whole, int spent)
{
    walk w;
    int64_t count = 0;
    int complete = 1;
    for (int end = 0; end < 2; end++) {
        if (e->options.which == (end ? ABSA_WHICH_LARGEST : ABSA_WHICH_SMALLEST))
            continue;
        absa__pair *pair = e->pair + count;
        walk_end(e, end ? -1.0 : 1.0, margin, whole, &w, pair);
        cut_at(pair, w.count, pair[w.count - 1].value - margin);
        for (int64_t i = 0; i < w.count; i++) {
            show(&e->shown, &pair[i], margin);
            if (end)
                turn_pair(&pair[i]);
        }
        count += w.count;
        complete = complete && (w.count == w.wanted || spent);
    }
    e->now.pairs = count;
    if (!complete)
        e->shown.gap = e->shown.residual = HUGE_VAL;
}

/* Both ends' pairs merged by magnitude, as far as they are wanted. An eigenvalue of the next pair's
 * interval, which was left out, could still be larger than the last one taken. */
static void merge_ends(absa_eigen *e, double margin, int whole, int spent)
{
    const int64_t wanted = e->options.wanted;
    absa__pair *merged = e->pair, *list[2] = {e->pair + wanted, e->pair + 2 * wanted};
    walk w[2];
    int64_t next[2] = {0, 0}, count = 0;
    for (int end = 0; end < 2; end++)
        walk_end(e, end ? -1.0 : 1.0, margin, whole, &w[end], list[end]);
    double last = 0.0;
    while (count < wanted) {
        const int more[2] = {next[0] < w[0].count, next[1] < w[1].count};
        if (!more[0] && !more[1])
            break;
        const int end = !more[0] || (more[1] && list[1][next[1]].value > list[0][next[0]].value);
        const absa__pair p = list[end][next[end]++];
        /* What is neither the one end's nor the other's has been taken from both. */
        if (p.value < 0.0 && !spent)
            break;
        int known = 0;
        for (int64_t i = 0; i < count; i++)
            known = known || merged[i].column == p.column;
        if (known)
            continue;
        last = fabs(p.value);
        merged[count] = p;
        merged[count++].from_below = end;
    }
    cut_at(merged, count, last - margin);
    for (int64_t i = 0; i < count; i++) {
        show(&e->shown, &merged[i], margin);
        if (merged[i].from_below)
            turn_pair(&merged[i]);
    }
    for (int end = 0; end < 2; end++)
        if (next[end] < w[end].count) {
            const absa__pair *p = &list[end][next[end]];
            e->shown.gap = fmax(e->shown.gap, p->upper - last);
            if (p->upper > last)
                e->shown.left_out = fmax(e->shown.left_out, p->residual);
        }
    e->now.pairs = count;
    if (count < wanted && !spent)
        e->shown.gap = e->shown.residual = HUGE_VAL;
}

/* The pair that an end is. */
static absa__pair end_pair(const absa_eigen *e, int low)
{
    const absa__end *end = &e->end[low];
    absa__pair p = {end->value, end->lower, end->upper, end->residual, low ? 0 : e->ritz_count - 1,
                    -1,         0,          0};
    if (low)
        turn_pair(&p);
    return p;
}

void absa__pairs_update(absa_eigen *e, double margin, int whole, int spent)
{
    const int32_t which = e->options.which;
    if (e->options.wanted > 1) {
        e->shown = (absa__shown){0.0, 0.0, 0.0, 0.0};
        if (which == ABSA_WHICH_MAGNITUDE)
            merge_ends(e, margin, whole, spent);
        else
            list_ends(e, margin, whole, spent);
        return;
    }
    e->shown = absa__shown_of(&e->now);
    e->pair[0] = end_pair(e, e->low_is_main);
    e->now.pairs = 1;
    if (which == ABSA_WHICH_BOTH) {
        e->pair[1] = end_pair(e, 1);
        e->now.pairs = 2;
    }
}
