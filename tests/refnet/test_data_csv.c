/* The table reader on made-up texts, whole and damaged. */
#include "refnet/readers.h"
#include "support/faulty_alloc.h"

#include <stdio.h>

TestSuite(csv, .init = readers_begin, .fini = readers_end);

static const char FOUR[] = "p,x,?\ne,y,long\ne,x,a\np,z,long\n";

static absa_status parse_bytes(const void *data, size_t size)
{
    absa_dataset *d = (absa_dataset *)(void *)&ctx;
    const absa_status status = absa_dataset_parse_csv(ctx, data, size, 0, &d);
    cr_assert_eq(d == NULL, status != ABSA_OK);
    absa_dataset_destroy(&d);
    return status;
}

static absa_status parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

/* Features of FOUR in order: x y z of the second column; ? a long of the third. */
static void check_four(absa_dataset *d)
{
    static const float expected[4][6] = {
        {1, 0, 0, 1, 0, 0}, {0, 1, 0, 0, 0, 1}, {1, 0, 0, 0, 1, 0}, {0, 0, 1, 0, 0, 1}};
    static const int32_t labels[4] = {1, 0, 0, 1};
    const absa_dataset_view v = view_of(d);
    cr_assert_eq(v.rows, 4);
    cr_assert_eq(v.features, 6);
    cr_assert_eq(v.width, 6);
    cr_assert_eq(v.height, 1);
    cr_assert_eq(v.channels, 1);
    cr_assert_eq(v.classes, 2);
    cr_assert_eq(memcmp(v.x, expected, sizeof expected), 0);
    cr_assert_eq(memcmp(v.labels, labels, sizeof labels), 0);
    absa_dataset_destroy(&d);
}

Test(csv, makes_one_feature_of_each_value_and_a_question_mark_is_one)
{
    absa_dataset *d;
    cr_assert_eq(absa_dataset_parse_csv(ctx, FOUR, sizeof FOUR - 1, 0, &d), ABSA_OK);
    check_four(d);
    cr_assert_eq(absa_dataset_read_csv(ctx, temp_file("t", FOUR, sizeof FOUR - 1), 0, &d), ABSA_OK);
    check_four(d);
}

Test(csv, reads_dos_line_ends_and_empty_lines_at_the_end)
{
    static const char text[] = "p,x,?\r\ne,y,long\r\ne,x,a\r\np,z,long\r\n\r\n\n";
    absa_dataset *d;
    cr_assert_eq(absa_dataset_parse_csv(ctx, text, sizeof text - 1, 0, &d), ABSA_OK);
    check_four(d);
}

Test(csv, takes_any_column_for_the_label)
{
    absa_dataset *d;
    absa_dataset_view v;
    cr_assert_eq(absa_dataset_parse_csv(ctx, FOUR, sizeof FOUR - 1, 2, &d), ABSA_OK);
    absa_dataset_view_init(&v, sizeof v);
    cr_assert_eq(absa_dataset_view_get(d, &v), ABSA_OK);
    cr_assert_eq(v.classes, 3);
    cr_assert_eq(v.labels[0], 0);
    cr_assert_eq(v.labels[1], 2);
    cr_assert_eq(v.labels[2], 1);
    cr_assert_eq(v.features, 5);
    cr_assert_eq(v.x[0], 0.0f); /* e */
    cr_assert_eq(v.x[1], 1.0f); /* p */
    absa_dataset_destroy(&d);
    cr_assert_eq(absa_dataset_parse_csv(ctx, FOUR, sizeof FOUR - 1, 3, &d), ABSA_E_FORMAT);
    expect_message("no column 3");
    cr_assert_eq(absa_dataset_parse_csv(ctx, FOUR, sizeof FOUR - 1, -1, &d), ABSA_E_INVALID);
}

Test(csv, refuses_a_table_cut_at_any_byte_that_is_not_a_lines_end)
{
    for (size_t cut = 0; cut < sizeof FOUR - 1; cut++) {
        /* A table cut behind a line is a smaller table; with one class it is refused as well. */
        const int whole = cut > 0 && FOUR[cut - 1] == '\n' && cut > 6;
        cr_assert_eq(parse_bytes(FOUR, cut), whole ? ABSA_OK : ABSA_E_FORMAT, "cut at %zu", cut);
    }
}

Test(csv, refuses_damaged_tables_and_says_where)
{
    static char wide[3 * 4097 + 1], numbers[300 * 8];
    const struct {
        const char *text, *message;
    } cases[] = {
        {"", "table: is empty"},
        {"\n\n", "table: is empty"},
        {"p\ne\n", "record 0 has 1 fields: no features"},
        {"p,a\ne\n", "record 1 (byte 4) has 1 fields, must have 2"},
        {"p,a\ne,a,b\n", "record 1 (byte 4) has 3 fields, must have 2"},
        {"p,a\n\ne,a\n", "field 0 of record 1 (byte 4) has 0 bytes"},
        {"p,a\ne,\n", "field 1 of record 1 (byte 6) has 0 bytes"},
        {"p,a\ne,b", "record 1 has no line break at its end (byte 7)"},
        {"p,a\ne,\tb\n", "record 1 holds a control byte (9) at byte 6"},
        {"p,a\ne,b\x7f\n", "record 1 holds a control byte (127) at byte 7"},
        {"p,a\re,b\n", "record 0 holds a control byte (13) at byte 3"},
        {"p,a\np,b\n", "column 0, the class, has one value in all 2 records"},
        {"p,0123456789012345678901234567890123456789012345678901234567890123\n",
         "field 1 of record 0 (byte 2) has 64 bytes, must have 1 to 63"},
        {wide, "record 0 has 4097 fields, at most 4096"},
        {numbers, "column 1 has more than 256 values, the last in record 256 (byte 1428)"},
    };
    for (int i = 0; i < 4097; i++)
        memcpy(wide + 2 * i, i == 4096 ? "a\n" : "a,", 3);
    for (int i = 0, at = 0; i < 300; i++)
        at += snprintf(numbers + at, sizeof numbers - (size_t)at, "%c,%d\n", i % 2 ? 'p' : 'e', i);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_eq(parse(cases[i].text), ABSA_E_FORMAT, "case %zu", i);
        expect_message(cases[i].message);
    }
    cr_assert_eq(parse_bytes("p,a\ne,\0\n", 8), ABSA_E_FORMAT);
    expect_message("control byte (0) at byte 6");
}

Test(csv, takes_as_many_values_and_as_long_ones_as_it_says)
{
    static char numbers[256 * 8];
    int at = 0;
    for (int i = 0; i < 256; i++)
        at += snprintf(numbers + at, sizeof numbers - (size_t)at, "%c,%d\n", i % 2 ? 'p' : 'e', i);
    cr_assert_eq(parse(numbers), ABSA_OK);
    cr_assert_eq(parse("p,012345678901234567890123456789012345678901234567890123456789012\n"
                       "e,\xc3\xa9 t\n"),
                 ABSA_OK);
}

Test(csv, refuses_missing_files_and_directories)
{
    absa_dataset *d;
    cr_assert_eq(absa_dataset_read_csv(ctx, temp_path("missing"), 0, &d), ABSA_E_IO);
    expect_message("missing: cannot be opened");
    cr_assert_eq(absa_dataset_read_csv(ctx, temp_path("."), 0, &d), ABSA_E_IO);
    expect_message("is a directory");
    cr_assert_eq(absa_dataset_read_csv(ctx, NULL, 0, &d), ABSA_E_INVALID);
    cr_assert_null(d);
    cr_assert_eq(absa_dataset_read_csv(ctx, "x", 0, NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_dataset_read_csv(NULL, "x", 0, &d), ABSA_E_INVALID);
}

Test(csv, gives_everything_back_when_any_allocation_fails)
{
    const char *path = temp_file("t", FOUR, sizeof FOUR - 1);
    for (int64_t k = 2;; k++) {
        faulty_alloc f = {.fail_at = k};
        absa_context *faulty = faulty_context(&f);
        absa_dataset *d;
        const absa_status status = absa_dataset_read_csv(faulty, path, 0, &d);
        cr_assert(status == ABSA_OK || status == ABSA_E_MEMORY);
        cr_assert_eq(d == NULL, status != ABSA_OK);
        absa_dataset_destroy(&d);
        absa_context_destroy(&faulty);
        cr_assert_eq(f.live_blocks, 0);
        cr_assert_eq(f.errors, 0);
        if (status == ABSA_OK) {
            cr_assert_gt(k, 6, "fewer allocations than parts");
            break;
        }
    }
}
