/* Blocks: what a selection of named ranges holds, and which selections are refused. */
#include "support/faulty_alloc.h"

#include <absa/block.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* Five ranges of three layers over 40 parameters; 18 and 19 have no name. */
static const absa_block_range RANGES[] = {
    {"conv1.weight", 0, 10, 1},  {"conv1.bias", 10, 2, 1},    {"norm1.gain", 12, 6, 1},
    {"conv2.weight", 20, 12, 4}, {"['dense'].w?*", 32, 8, 9},
};

enum { N = 40, RANGE_COUNT = sizeof RANGES / sizeof *RANGES };

static absa_context *ctx;
static absa_block *block;

static void open_block(void)
{
    cr_assert_eq(absa_context_create(NULL, &ctx), ABSA_OK);
    cr_assert_eq(absa_block_create(ctx, N, RANGES, RANGE_COUNT, &block), ABSA_OK, "%s",
                 absa_context_message(ctx));
}

static void close_block(void)
{
    absa_block_destroy(&block);
    cr_assert_null(block);
    absa_block_destroy(&block);
    absa_block_destroy(NULL);
    absa_context_destroy(&ctx);
}

TestSuite(block_select, .init = open_block, .fini = close_block);

/* The selection as text: "first+count first+count". */
static const char *selected(void)
{
    static char text[400];
    int64_t sum = 0;
    text[0] = 0;
    for (int64_t i = 0; i < absa_block_piece_count(block); i++) {
        absa_block_range piece;
        cr_assert_eq(absa_block_piece_at(block, i, &piece), ABSA_OK);
        cr_assert_null(piece.name);
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%lld+%lld", i ? " " : "",
                 (long long)piece.first, (long long)piece.count);
        sum += piece.count;
    }
    cr_assert_eq(absa_block_count(block), sum);
    return text;
}

#define SELECTS(text, expected)                                                                    \
    do {                                                                                           \
        close_block();                                                                             \
        open_block();                                                                              \
        cr_assert_eq(absa_block_select(block, text), ABSA_OK, "%s", absa_context_message(ctx));    \
        cr_assert_str_eq(selected(), expected);                                                    \
    } while (0)

Test(block_select, the_last_layers_are_whole_layers)
{
    cr_assert_eq(absa_block_layer_count(block), 3);
    SELECTS("last:1", "32+8");
    SELECTS("last:2", "20+20");
    SELECTS("last:3", "0+18 20+20");
    cr_assert_eq(absa_block_select_layers(block, 3), ABSA_OK);
    cr_assert_str_eq(selected(), "0+18 20+20");
}

Test(block_select, names_match_whole_with_stars_and_question_marks_only)
{
    SELECTS("conv1.weight", "0+10");
    SELECTS("conv1.*", "0+12");
    SELECTS("*.weight", "0+10 20+12");
    SELECTS("conv?.weight", "0+10 20+12");
    SELECTS("*1*", "0+18");
    SELECTS("*o*w*", "0+10 20+12");
    SELECTS("*", "0+18 20+20");
    SELECTS("['dense'].w*", "32+8");
    SELECTS("*]*", "32+8");
    SELECTS("***w??", "32+8");
    cr_assert_eq(absa_block_select_name(block, "conv1"), ABSA_E_INVALID);
    cr_assert_eq(absa_block_select_name(block, "onv1.weight"), ABSA_E_INVALID);
    cr_assert_eq(absa_block_select_name(block, "conv1.weigh"), ABSA_E_INVALID);
    cr_assert_eq(absa_block_select_name(block, "conv[12].weight"), ABSA_E_INVALID);
    cr_assert_not_null(strstr(absa_context_message(ctx), "conv1.weight"));
}

Test(block_select, a_share_takes_the_fewest_last_layers)
{
    SELECTS("share:0.01", "32+8");
    SELECTS("share:0.2", "32+8"); /* 8 of 40 exactly */
    SELECTS("share:1/5", "32+8");
    SELECTS("share:0.21", "20+20");
    SELECTS("share:0.5", "20+20");
    SELECTS("share:0.95", "0+18 20+20"); /* all that has a name */
    cr_assert_eq(absa_block_select_share(block, 0.96), ABSA_E_INVALID);
    cr_assert_eq(absa_block_select_share(block, 0), ABSA_E_INVALID);
    cr_assert_eq(absa_block_select_share(block, 1.5), ABSA_E_INVALID);
    cr_assert_eq(absa_block_select_share(block, -0.5), ABSA_E_INVALID);
    cr_assert_eq(absa_block_select_share(block, __builtin_nan("")), ABSA_E_INVALID);
}

Test(block_select, selections_unite_whatever_their_order_and_overlaps)
{
    SELECTS("range:30+5,range:3+1,range:33+7,range:4+2,range:3+2", "3+3 30+10");
    SELECTS("last:1,conv1.bias,last:1", "10+2 32+8");
    SELECTS("full,last:1", "0+40");
    SELECTS("range:18+2,*", "0+40");
    close_block();
    open_block();
    cr_assert_eq(absa_block_select_range(block, 39, 1), ABSA_OK);
    cr_assert_eq(absa_block_select_range(block, 0, 1), ABSA_OK);
    cr_assert_eq(absa_block_select_range(block, 0, 1), ABSA_OK);
    cr_assert_str_eq(selected(), "0+1 39+1");
    cr_assert_eq(absa_block_parameter_count(block), N);
}

/* Every union of a few runs equals the one made element by element. */
Test(block_select, unions_equal_those_made_element_by_element)
{
    uint32_t state = 1;
    for (int round = 0; round < 300; round++) {
        char marks[N + 1] = {0}, found[N + 1] = {0};
        close_block();
        open_block();
        for (int k = 0; k < 6; k++) {
            state = state * 1664525u + 1013904223u;
            const int first = (int)((state >> 8) % N), room = N - first;
            const int count = 1 + (int)((state >> 20) % 9) % room;
            cr_assert_eq(absa_block_select_range(block, first, count), ABSA_OK);
            memset(marks + first, 1, (size_t)count);
        }
        int64_t end = -1;
        for (int64_t i = 0; i < absa_block_piece_count(block); i++) {
            absa_block_range piece;
            cr_assert_eq(absa_block_piece_at(block, i, &piece), ABSA_OK);
            cr_assert_gt(piece.first, end, "pieces neither touch nor descend");
            end = piece.first + piece.count;
            memset(found + piece.first, 1, (size_t)piece.count);
        }
        cr_assert_eq(memcmp(marks, found, N), 0);
    }
}

Test(block_select, what_is_refused_changes_nothing_and_says_why)
{
    static const struct {
        const char *text, *word;
    } cases[] = {
        {"", "between its commas"},
        {"last:1,", "between its commas"},
        {"last:0", "last 0 layers"},
        {"last:4", "there are 3"},
        {"last:x", "whole number"},
        {"last:", "whole number"},
        {"last:-1", "whole number"},
        {"last:1 ", "whole number"},
        {"share:", "share:S"},
        {"share:0.2x", "share:S"},
        {"share:1/", "share:S"},
        {"share:nan", "share:S"},
        {"share:2", "at most 0.95"},
        {"range:5", "FIRST+COUNT"},
        {"range:5+0", "at least one"},
        {"range:40+1", "40 parameters"},
        {"range:39+2", "40 parameters"},
        {"range:-1+2", "FIRST+COUNT"},
        {"range:1+9223372036854775807", "40 parameters"},
        {"range:99999999999999999999+1", "FIRST+COUNT"},
        {"nothing", "no name matches"},
        {"last:1,nothing", "no name matches"},
    };
    cr_assert_eq(absa_block_select(block, "conv1.bias"), ABSA_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_eq(absa_block_select(block, cases[i].text), ABSA_E_INVALID, "%s", cases[i].text);
        cr_assert_not_null(strstr(absa_context_message(ctx), cases[i].word), "%s: %s",
                           cases[i].text, absa_context_message(ctx));
        cr_assert_str_eq(selected(), "10+2");
    }
    cr_assert_eq(absa_block_select_range(block, INT64_MAX, INT64_MAX), ABSA_E_INVALID);
    cr_assert_eq(absa_block_select_range(block, -1, 2), ABSA_E_INVALID);
    cr_assert_eq(absa_block_select(block, NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_block_select_name(block, NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_block_select(NULL, "full"), ABSA_E_INVALID);
    cr_assert_eq(absa_block_select_name(NULL, "*"), ABSA_E_INVALID);
    cr_assert_eq(absa_block_select_share(NULL, 1), ABSA_E_INVALID);
    cr_assert_eq(absa_block_select_layers(NULL, 1), ABSA_E_INVALID);
    cr_assert_eq(absa_block_select_range(NULL, 0, 1), ABSA_E_INVALID);
    cr_assert_str_eq(selected(), "10+2");
}

Test(block_select, ranges_that_make_no_sense_are_refused_by_name)
{
    static const struct {
        absa_block_range ranges[2];
        const char *word;
    } cases[] = {
        {{{NULL, 0, 1, 0}, {"b", 1, 1, 0}}, "range 0 has no name"},
        {{{"a", 0, 1, 0}, {"", 1, 1, 0}}, "range 1 has no name"},
        {{{"a", 0, 0, 0}, {"b", 1, 1, 0}}, "\"a\""},
        {{{"a", -1, 2, 0}, {"b", 1, 1, 0}}, "\"a\""},
        {{{"a", 0, 1, 0}, {"b", 3, 38, 0}}, "\"b\""},
        {{{"a", 0, 1, 0}, {"b", INT64_MAX, INT64_MAX, 0}}, "\"b\""},
        {{{"a", 0, 5, 0}, {"b", 4, 1, 0}}, "\"a\" before it ends at 5"},
        {{{"a", 5, 5, 0}, {"b", 0, 1, 0}}, "ascend"},
        {{{"a", 0, 1, 2}, {"b", 1, 1, 1}}, "layers must not descend"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        absa_block *none = block;
        cr_assert_eq(absa_block_create(ctx, N, cases[i].ranges, 2, &none), ABSA_E_INVALID);
        cr_assert_null(none);
        cr_assert_not_null(strstr(absa_context_message(ctx), cases[i].word), "%s",
                           absa_context_message(ctx));
    }
    absa_block *none = block;
    cr_assert_eq(absa_block_create(ctx, 0, NULL, 0, &none), ABSA_E_INVALID);
    cr_assert_eq(absa_block_create(ctx, N, NULL, 1, &none), ABSA_E_INVALID);
    cr_assert_eq(absa_block_create(ctx, N, RANGES, -1, &none), ABSA_E_INVALID);
    cr_assert_eq(absa_block_create(NULL, N, RANGES, 1, &none), ABSA_E_INVALID);
    cr_assert_eq(absa_block_create(ctx, N, RANGES, 1, NULL), ABSA_E_INVALID);
    cr_assert_null(none);
}

Test(block_select, without_names_only_elements_can_be_selected)
{
    absa_block *plain;
    cr_assert_eq(absa_block_create(ctx, N, NULL, 0, &plain), ABSA_OK);
    cr_assert_eq(absa_block_select(plain, "last:1"), ABSA_E_INVALID);
    cr_assert_eq(absa_block_select(plain, "share:0.1"), ABSA_E_INVALID);
    cr_assert_eq(absa_block_select(plain, "*"), ABSA_E_INVALID);
    cr_assert_not_null(strstr(absa_context_message(ctx), "no names"));
    cr_assert_eq(absa_block_select(plain, "range:1+2"), ABSA_OK);
    cr_assert_eq(absa_block_count(plain), 2);
    absa_block_destroy(&plain);
}

Test(block_select, layers_are_described_from_their_first_to_their_last_element)
{
    absa_block_range layer;
    cr_assert_eq(absa_block_layer_at(block, 0, &layer), ABSA_OK);
    cr_assert_str_eq(layer.name, "conv1.weight");
    cr_assert(layer.first == 0 && layer.count == 18 && layer.layer == 1);
    cr_assert_eq(absa_block_layer_at(block, 1, &layer), ABSA_OK);
    cr_assert(layer.first == 20 && layer.count == 12 && layer.layer == 4);
    cr_assert_eq(absa_block_layer_at(block, 2, &layer), ABSA_OK);
    cr_assert(layer.first == 32 && layer.count == 8 && layer.layer == 9);
    cr_assert_eq(absa_block_layer_at(block, 3, &layer), ABSA_E_INVALID);
    cr_assert_eq(absa_block_layer_at(block, -1, &layer), ABSA_E_INVALID);
    cr_assert_eq(absa_block_layer_at(block, 0, NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_block_layer_at(NULL, 0, &layer), ABSA_E_INVALID);
    cr_assert_eq(absa_block_piece_at(block, 0, &layer), ABSA_E_INVALID, "nothing is selected");
    cr_assert_eq(absa_block_piece_at(NULL, 0, &layer), ABSA_E_INVALID);
    cr_assert_eq(absa_block_count(NULL) + absa_block_piece_count(NULL) +
                     absa_block_layer_count(NULL) + absa_block_parameter_count(NULL),
                 0);
}

Test(block_select, the_callers_ranges_and_names_may_go_away)
{
    char name[] = "weight";
    absa_block_range range = {name, 3, 4, 0};
    absa_block *own;
    cr_assert_eq(absa_block_create(ctx, N, &range, 1, &own), ABSA_OK);
    memset(name, 'x', sizeof name - 1);
    range.first = 0;
    cr_assert_eq(absa_block_select(own, "weight"), ABSA_OK);
    cr_assert_eq(absa_block_count(own), 4);
    absa_block_destroy(&own);
}

/* A long tail of stars must not take exponential time: this would outlast any patience. */
Test(block_select, many_stars_end_soon)
{
    char name[200], pattern[200];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = 0;
    for (size_t i = 0; i < sizeof pattern - 2; i++)
        pattern[i] = i % 2 ? 'a' : '*';
    pattern[sizeof pattern - 2] = 'b';
    pattern[sizeof pattern - 1] = 0;
    const absa_block_range range = {name, 0, 1, 0};
    absa_block *own;
    cr_assert_eq(absa_block_create(ctx, N, &range, 1, &own), ABSA_OK);
    cr_assert_eq(absa_block_select(own, pattern), ABSA_E_INVALID);
    absa_block_destroy(&own);
}

Test(block_select, every_failing_allocation_changes_nothing_and_leaks_nothing)
{
    int failures = 0;
    for (int64_t k = 2; k < 40; k++) {
        faulty_alloc f = {.fail_at = k};
        absa_context *poor = faulty_context(&f);
        absa_block *b = block;
        const absa_status made = absa_block_create(poor, N, RANGES, RANGE_COUNT, &b);
        cr_assert(made == (b ? ABSA_OK : ABSA_E_MEMORY));
        if (b) {
            const absa_status first = absa_block_select(b, "conv1.bias,last:1");
            cr_assert_eq(absa_block_count(b), first ? 0 : 10);
            const int64_t before = absa_block_count(b);
            const absa_status second = absa_block_select_name(b, "norm*");
            cr_assert_eq(absa_block_count(b), second ? before : before + 6);
            cr_assert(!first || first == ABSA_E_MEMORY);
            cr_assert(!second || second == ABSA_E_MEMORY);
            failures += first || second;
        } else {
            failures++;
        }
        absa_block_destroy(&b);
        absa_context_destroy(&poor);
        cr_assert_eq(f.live_blocks, 0, "allocation %d", (int)k);
        cr_assert_eq(f.errors, 0);
    }
    cr_assert_gt(failures, 10);
}
