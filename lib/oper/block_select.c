/* What is selected of a block: by layers, names, shares, elements, or a text that names them. A
 * call gathers the runs it means in a list of its own, which joins the selection at the very end.
 */
#include "oper/block_impl.h"

#include "base/fail.h"
#include "base/real_text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Runs in ascending order that do not touch. */
typedef struct list {
    absa_context *ctx;
    absa__run *runs;
    int64_t count, capacity;
} list;

static void forget(list *l)
{
    absa_context_release(l->ctx, l->runs, l->capacity, sizeof *l->runs);
    l->runs = NULL;
    l->count = l->capacity = 0;
}

/* Appends a run that begins nowhere before the last one. */
static void append(list *l, absa__run run)
{
    absa__run *last = l->count ? &l->runs[l->count - 1] : NULL;
    if (!last || run.first > last->first + last->count)
        l->runs[l->count++] = run;
    else if (run.first + run.count > last->first + last->count)
        last->count = run.first + run.count - last->first;
}

/* into = into and more. */
static absa_status unite(list *into, const absa__run *more, int64_t count)
{
    list sum = {into->ctx, NULL, 0, into->count + count};
    absa_status status =
        absa_context_alloc(sum.ctx, sum.capacity, sizeof *sum.runs, (void **)&sum.runs);
    if (status)
        return status;
    for (int64_t i = 0, k = 0; i < into->count || k < count;)
        if (k == count || (i < into->count && into->runs[i].first <= more[k].first))
            append(&sum, into->runs[i++]);
        else
            append(&sum, more[k++]);
    forget(into);
    *into = sum;
    return ABSA_OK;
}

static absa_status add_range(const absa_block *b, int64_t first, int64_t count, list *l)
{
    if (count < 1 || first < 0 || first >= b->n || count > b->n - first)
        return absa__fail(b->ctx, ABSA_E_INVALID,
                          "a selection of %lld elements from %lld; there must be at least one, and "
                          "all among the %lld parameters",
                          (long long)count, (long long)first, (long long)b->n);
    const absa__run run = {first, count};
    return unite(l, &run, 1);
}

/* Adds the ranges from this one on, or those that match a pattern. */
static absa_status add_ranges(const absa_block *b, int64_t begin,
                              int (*matches)(const char *, const char *), const char *pattern,
                              int64_t *found, list *l)
{
    list more = {b->ctx, NULL, 0, b->range_count};
    absa_status status =
        absa_context_alloc(b->ctx, more.capacity, sizeof *more.runs, (void **)&more.runs);
    if (status)
        return status;
    *found = 0;
    for (int64_t i = begin; i < b->range_count; i++)
        if (!matches || matches(pattern, b->ranges[i].name)) {
            append(&more, (absa__run){b->ranges[i].first, b->ranges[i].count});
            ++*found;
        }
    if (*found)
        status = unite(l, more.runs, more.count);
    forget(&more);
    return status;
}

static absa_status add_layers(const absa_block *b, int64_t layers, list *l)
{
    int64_t begin = b->range_count, found;
    if (layers < 1 || layers > b->layers)
        return absa__fail(b->ctx, ABSA_E_INVALID,
                          "a selection of the last %lld layers; there are %lld, and it must be at "
                          "least one",
                          (long long)layers, (long long)b->layers);
    for (int64_t left = layers; begin > 0; begin--) {
        left -= begin == b->range_count || b->ranges[begin - 1].layer != b->ranges[begin].layer;
        if (left < 0)
            break;
    }
    return add_ranges(b, begin, NULL, NULL, &found, l);
}

static absa_status add_share(const absa_block *b, double share, list *l)
{
    int64_t named = 0, held = 0, found;
    for (int64_t i = 0; i < b->range_count; i++)
        named += b->ranges[i].count;
    if (!(share > 0 && share <= 1) || (double)named < share * (double)b->n)
        return absa__fail(b->ctx, ABSA_E_INVALID,
                          "a selection of the share %g of the parameters, must be above 0 and at "
                          "most %g, what all layers hold together",
                          share, (double)named / (double)b->n);
    int64_t begin = b->range_count;
    while (begin > 0) {
        const int begins_layer =
            begin == b->range_count || b->ranges[begin - 1].layer != b->ranges[begin].layer;
        if (begins_layer && (double)held >= share * (double)b->n)
            break;
        held += b->ranges[--begin].count;
    }
    return add_ranges(b, begin, NULL, NULL, &found, l);
}

/* '*' and '?' only. When the rest behind a star does not fit, the star takes one character more; an
 * earlier star never has to, so this is at worst the product of the lengths. */
static int matches(const char *pattern, const char *name)
{
    const char *star = NULL, *taken = NULL;
    while (*name) {
        if (*pattern == '*') {
            star = pattern++;
            taken = name;
        } else if (*pattern == '?' || *pattern == *name) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star + 1;
            name = ++taken;
        } else {
            return 0;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == 0;
}

static absa_status add_names(const absa_block *b, const char *pattern, list *l)
{
    int64_t found;
    const absa_status status = add_ranges(b, 0, matches, pattern, &found, l);
    if (status || found)
        return status;
    if (b->range_count == 0)
        return absa__fail(b->ctx, ABSA_E_INVALID, "no name matches \"%.80s\"; there are no names",
                          pattern);
    return absa__fail(b->ctx, ABSA_E_INVALID,
                      "no name matches \"%.80s\"; the first is \"%.80s\", the last \"%.80s\"",
                      pattern, b->ranges[0].name, b->ranges[b->range_count - 1].name);
}

/* Reads a whole number up to end, which must be reached. */
static int whole(const char *text, char end, int64_t *out, const char **rest)
{
    char *stop;
    errno = 0;
    const long long value = strtoll(text, &stop, 10);
    if (stop == text || *stop != end || errno || text[0] < '0' || text[0] > '9')
        return 0;
    *out = value;
    if (rest)
        *rest = stop + 1;
    return 1;
}

/* One word of a text. */
static absa_status add_word(const absa_block *b, const char *word, list *l)
{
    int64_t first, count;
    const char *rest;
    if (strcmp(word, "full") == 0)
        return add_range(b, 0, b->n, l);
    if (strncmp(word, "last:", 5) == 0) {
        if (!whole(word + 5, 0, &count, NULL))
            return absa__fail(b->ctx, ABSA_E_INVALID,
                              "a selection \"%.80s\"; last:K takes a whole number", word);
        return add_layers(b, count, l);
    }
    if (strncmp(word, "share:", 6) == 0) {
        double share;
        if (!absa__parse_real(word + 6, &share))
            return absa__fail(b->ctx, ABSA_E_INVALID,
                              "a selection \"%.80s\"; share:S takes a number or a fraction", word);
        return add_share(b, share, l);
    }
    if (strncmp(word, "range:", 6) == 0) {
        if (!whole(word + 6, '+', &first, &rest) || !whole(rest, 0, &count, NULL))
            return absa__fail(b->ctx, ABSA_E_INVALID,
                              "a selection \"%.80s\"; it is range:FIRST+COUNT with whole numbers",
                              word);
        return add_range(b, first, count, l);
    }
    if (!*word)
        return absa__fail(b->ctx, ABSA_E_INVALID,
                          "a selection with nothing between its commas; it is full, last:K, "
                          "share:S, range:FIRST+COUNT or a name, where * and ? match anything");
    return add_names(b, word, l);
}

/* Cuts the text, a copy, at its commas. */
static absa_status add_words(const absa_block *b, char *text, list *l)
{
    absa_status status = ABSA_OK;
    for (char *word = text; word && !status;) {
        char *comma = strchr(word, ',');
        if (comma)
            *comma = 0;
        status = add_word(b, word, l);
        word = comma ? comma + 1 : NULL;
    }
    return status;
}

/* Makes the list part of the selection unless finding it has failed; the list is forgotten. */
static absa_status commit(absa_block *b, absa_status status, list *l)
{
    if (!status)
        status = unite(l, b->runs, b->run_count);
    absa__run *exact = NULL;
    if (!status)
        status = absa_context_alloc(b->ctx, l->count, sizeof *exact, (void **)&exact);
    if (!status) {
        memcpy(exact, l->runs, (size_t)l->count * sizeof *exact);
        absa_context_release(b->ctx, b->runs, b->run_count, sizeof *b->runs);
        b->runs = exact;
        b->run_count = l->count;
        b->selected = 0;
        for (int64_t i = 0; i < b->run_count; i++)
            b->selected += exact[i].count;
    }
    forget(l);
    return status;
}

absa_status absa_block_select_range(absa_block *block, int64_t first, int64_t count)
{
    if (!block)
        return ABSA_E_INVALID;
    list l = {block->ctx, NULL, 0, 0};
    return commit(block, add_range(block, first, count, &l), &l);
}

absa_status absa_block_select_layers(absa_block *block, int64_t layers)
{
    if (!block)
        return ABSA_E_INVALID;
    list l = {block->ctx, NULL, 0, 0};
    return commit(block, add_layers(block, layers, &l), &l);
}

absa_status absa_block_select_name(absa_block *block, const char *pattern)
{
    if (!block)
        return ABSA_E_INVALID;
    if (!pattern)
        return absa__fail(block->ctx, ABSA_E_INVALID, "absa_block_select_name: pattern is NULL");
    list l = {block->ctx, NULL, 0, 0};
    return commit(block, add_names(block, pattern, &l), &l);
}

absa_status absa_block_select_share(absa_block *block, double share)
{
    if (!block)
        return ABSA_E_INVALID;
    list l = {block->ctx, NULL, 0, 0};
    return commit(block, add_share(block, share, &l), &l);
}

absa_status absa_block_select(absa_block *block, const char *text)
{
    char *copy;
    if (!block)
        return ABSA_E_INVALID;
    if (!text)
        return absa__fail(block->ctx, ABSA_E_INVALID, "absa_block_select: text is NULL");
    const int64_t bytes = (int64_t)strlen(text) + 1;
    absa_status status = absa_context_alloc(block->ctx, bytes, 1, (void **)&copy);
    if (status)
        return status;
    memcpy(copy, text, (size_t)bytes);
    list l = {block->ctx, NULL, 0, 0};
    status = commit(block, add_words(block, copy, &l), &l);
    absa_context_release(block->ctx, copy, bytes, 1);
    return status;
}
