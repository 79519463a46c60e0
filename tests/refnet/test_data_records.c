/* The record reader on made-up files: CIFAR-10, CIFAR-100, SVHN in that form, and layouts of the
 * caller's own. */
#include "refnet/readers.h"
#include "support/faulty_alloc.h"

TestSuite(records, .init = readers_begin, .fini = readers_end);

/* Two label bytes (the second one is taken), two planes of 1 x 2: six bytes a record. */
static absa_records_format tiny(void)
{
    absa_records_format f;
    absa_records_format_init(&f, sizeof f, ABSA_RECORDS_CIFAR100);
    f.classes = 5;
    f.other_classes = 2;
    f.channels = 2;
    f.height = 1;
    f.width = 2;
    return f;
}

static const unsigned char THREE[18] = {0, 4, 0, 51, 102, 255, 1, 0, 1, 2, 3, 4, 0, 2, 5, 6, 7, 8};

static absa_status parse(const absa_records_format *f, const void *data, size_t size)
{
    absa_dataset *d = (absa_dataset *)(void *)&ctx;
    const absa_status status = absa_dataset_parse_records(ctx, data, size, f, &d);
    cr_assert_eq(d == NULL, status != ABSA_OK);
    absa_dataset_destroy(&d);
    return status;
}

Test(records, takes_labels_and_planes_as_the_layout_says)
{
    absa_records_format f = tiny();
    absa_dataset *d;
    cr_assert_eq(absa_dataset_parse_records(ctx, THREE, sizeof THREE, &f, &d), ABSA_OK);
    absa_dataset_view v = view_of(d);
    cr_assert_eq(v.rows, 3);
    cr_assert_eq(v.channels, 2);
    cr_assert_eq(v.height, 1);
    cr_assert_eq(v.width, 2);
    cr_assert_eq(v.classes, 5);
    cr_assert_eq(v.labels[0], 4);
    cr_assert_eq(v.labels[1], 0);
    cr_assert_eq(v.labels[2], 2);
    cr_assert_eq(v.x[1], 0.2f);
    cr_assert_eq(v.x[3], 1.0f);
    cr_assert_eq(v.x[8], 5.0f / 255.0f);
    absa_dataset_destroy(&d);
    f.label_at = 0; /* the coarse label */
    f.classes = 2;
    f.other_classes = 5;
    cr_assert_eq(absa_dataset_parse_records(ctx, THREE, sizeof THREE, &f, &d), ABSA_OK);
    v = view_of(d);
    cr_assert_eq(v.labels[0], 0);
    cr_assert_eq(v.labels[1], 1);
    absa_dataset_destroy(&d);
}

Test(records, knows_the_three_public_layouts)
{
    static unsigned char bytes[2 * 3074];
    const struct {
        int32_t kind;
        int64_t record, classes, label;
        unsigned char head[2], bad[2];
    } cases[] = {
        {ABSA_RECORDS_CIFAR10, 3073, 10, 9, {9, 0}, {10, 0}},
        {ABSA_RECORDS_CIFAR100, 3074, 100, 99, {19, 99}, {20, 99}},
        {ABSA_RECORDS_CIFAR100, 3074, 100, 0, {0, 0}, {0, 100}},
        {ABSA_RECORDS_SVHN, 3073, 10, 0, {10, 0}, {11, 0}},
        {ABSA_RECORDS_SVHN, 3073, 10, 1, {1, 0}, {0, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        absa_records_format f;
        absa_dataset *d;
        absa_records_format_init(&f, sizeof f, cases[i].kind);
        memset(bytes, 1, sizeof bytes);
        memcpy(bytes + cases[i].record, cases[i].head, (size_t)cases[i].record - 3072);
        const size_t size = (size_t)(2 * cases[i].record);
        cr_assert_eq(absa_dataset_parse_records(ctx, bytes, size, &f, &d), ABSA_OK, "%zu: %s", i,
                     absa_context_message(ctx));
        const absa_dataset_view v = view_of(d);
        cr_assert_eq(v.rows, 2);
        cr_assert_eq(v.features, 3072);
        cr_assert_eq(v.classes, cases[i].classes);
        cr_assert_eq(v.labels[0], 1);
        cr_assert_eq(v.labels[1], cases[i].label);
        absa_dataset_destroy(&d);
        memcpy(bytes + cases[i].record, cases[i].bad, (size_t)cases[i].record - 3072);
        cr_assert_eq(parse(&f, bytes, size), ABSA_E_FORMAT, "case %zu", i);
    }
}

Test(records, refuses_a_file_cut_at_any_byte_of_a_record)
{
    const absa_records_format f = tiny();
    for (size_t cut = 0; cut <= sizeof THREE; cut++)
        cr_assert_eq(parse(&f, THREE, cut), cut % 6 || cut == 0 ? ABSA_E_FORMAT : ABSA_OK,
                     "cut at %zu", cut);
    cr_assert_eq(parse(&f, THREE, 17), ABSA_E_FORMAT);
    expect_message("records: ends inside record 2, at byte 17; a record has 6 bytes");
}

Test(records, refuses_a_label_out_of_range_and_names_record_and_byte)
{
    const absa_records_format f = tiny();
    unsigned char bytes[18];
    memcpy(bytes, THREE, sizeof bytes);
    bytes[7] = 5;
    cr_assert_eq(parse(&f, bytes, sizeof bytes), ABSA_E_FORMAT);
    expect_message("records: a label of record 1 (byte 7) is 5, must be 0 to 4");
    memcpy(bytes, THREE, sizeof bytes);
    bytes[12] = 2;
    cr_assert_eq(parse(&f, bytes, sizeof bytes), ABSA_E_FORMAT);
    expect_message("record 2 (byte 12) is 2, must be 0 to 1");
}

Test(records, joins_files_in_the_order_given)
{
    const absa_records_format f = tiny();
    const char *paths[2] = {temp_file("b", THREE + 6, 12), temp_file("a", THREE, 6)};
    absa_dataset *d;
    cr_assert_eq(absa_dataset_read_records(ctx, paths, 2, &f, &d), ABSA_OK);
    const absa_dataset_view v = view_of(d);
    cr_assert_eq(v.rows, 3);
    cr_assert_eq(v.labels[0], 0);
    cr_assert_eq(v.labels[1], 2);
    cr_assert_eq(v.labels[2], 4);
    cr_assert_eq(v.x[11], 1.0f);
    absa_dataset_destroy(&d);
}

Test(records, refuses_missing_empty_and_mixed_up_files_by_name)
{
    const absa_records_format f = tiny();
    absa_dataset *d;
    const char *good = temp_file("good", THREE, 18);
    const char *cut = temp_file("cut.bin", THREE, 8);
    const char *paths[2] = {good, temp_path("missing.bin")};
    cr_assert_eq(absa_dataset_read_records(ctx, paths, 2, &f, &d), ABSA_E_IO);
    expect_message("missing.bin: cannot be opened");
    paths[1] = cut;
    cr_assert_eq(absa_dataset_read_records(ctx, paths, 2, &f, &d), ABSA_E_FORMAT);
    expect_message("cut.bin: ends inside record 1, at byte 8");
    paths[1] = temp_file("empty.bin", "", 0);
    cr_assert_eq(absa_dataset_read_records(ctx, paths, 2, &f, &d), ABSA_E_FORMAT);
    expect_message("empty.bin: is empty");
    paths[1] = temp_path(".");
    cr_assert_eq(absa_dataset_read_records(ctx, paths, 2, &f, &d), ABSA_E_IO);
    paths[1] = NULL;
    cr_assert_eq(absa_dataset_read_records(ctx, paths, 2, &f, &d), ABSA_E_INVALID);
    cr_assert_null(d);
}

Test(records, refuses_impossible_layouts_by_field)
{
    const struct {
        const char *name;
        size_t offset;
        int64_t value;
    } cases[] = {
        {"label_bytes", offsetof(absa_records_format, label_bytes), 0},
        {"label_bytes", offsetof(absa_records_format, label_bytes), 17},
        {"label_at", offsetof(absa_records_format, label_at), -1},
        {"label_at", offsetof(absa_records_format, label_at), 2},
        {"label_base", offsetof(absa_records_format, label_base), 2},
        {"classes", offsetof(absa_records_format, classes), 0},
        {"classes", offsetof(absa_records_format, classes), 257},
        {"other_classes", offsetof(absa_records_format, other_classes), -1},
        {"channels", offsetof(absa_records_format, channels), 0},
        {"height", offsetof(absa_records_format, height), 0},
        {"height", offsetof(absa_records_format, height), INT64_MAX},
        {"width", offsetof(absa_records_format, width), -5},
        {"width", offsetof(absa_records_format, width), INT64_MAX / 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        absa_records_format f = tiny();
        memcpy((char *)&f + cases[i].offset, &cases[i].value, sizeof cases[i].value);
        cr_assert_eq(parse(&f, THREE, sizeof THREE), ABSA_E_INVALID, "%s", cases[i].name);
        expect_message(cases[i].name);
    }
    absa_records_format f = tiny();
    absa_dataset *d;
    cr_assert_eq(absa_dataset_parse_records(ctx, NULL, 1, &f, &d), ABSA_E_INVALID);
    cr_assert_eq(absa_dataset_parse_records(ctx, THREE, 18, NULL, &d), ABSA_E_INVALID);
    cr_assert_eq(absa_dataset_parse_records(ctx, THREE, 18, &f, NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_dataset_read_records(ctx, (const char *[]){"x"}, 0, &f, &d), ABSA_E_INVALID);
    f.struct_size = 1;
    cr_assert_eq(parse(&f, THREE, sizeof THREE), ABSA_E_ABI);
}

Test(records, gives_everything_back_when_any_allocation_fails)
{
    const absa_records_format f = tiny();
    const char *paths[2] = {temp_file("a", THREE, 6), temp_file("b", THREE, 18)};
    for (int64_t k = 2;; k++) {
        faulty_alloc faults = {.fail_at = k};
        absa_context *faulty = faulty_context(&faults);
        absa_dataset *d;
        const absa_status status = absa_dataset_read_records(faulty, paths, 2, &f, &d);
        cr_assert(status == ABSA_OK || status == ABSA_E_MEMORY);
        cr_assert_eq(d == NULL, status != ABSA_OK);
        absa_dataset_destroy(&d);
        absa_context_destroy(&faulty);
        cr_assert_eq(faults.live_blocks, 0);
        cr_assert_eq(faults.errors, 0);
        if (status == ABSA_OK) {
            cr_assert_gt(k, 6, "fewer allocations than parts");
            break;
        }
    }
}
