/* The IDX reader on made-up files, whole and damaged in every way. */
#include "refnet/readers.h"
#include "support/faulty_alloc.h"

#include <sys/stat.h>

/* Three images of 2 x 3 with the values 0 to 17 (times 15), and their labels. */
enum { IMAGES_SIZE = 16 + 18, LABELS_SIZE = 8 + 3, PACKED_MORE = 23 };

static unsigned char images[IMAGES_SIZE], labels[LABELS_SIZE];
static unsigned char packed_images[IMAGES_SIZE + PACKED_MORE];
static unsigned char packed_labels[LABELS_SIZE + PACKED_MORE];

static void make(void)
{
    static const unsigned char image_head[16] = {0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 3};
    static const unsigned char label_head[11] = {0, 0, 8, 1, 0, 0, 0, 3, 9, 0, 4};
    memcpy(images, image_head, sizeof image_head);
    memcpy(labels, label_head, sizeof label_head);
    for (int i = 0; i < 18; i++)
        images[16 + i] = (unsigned char)(15 * i);
    stored_gzip(images, sizeof images, packed_images);
    stored_gzip(labels, sizeof labels, packed_labels);
    readers_begin();
}

TestSuite(idx, .init = make, .fini = readers_end);

static absa_status parse(const void *i, size_t i_size, const void *l, size_t l_size)
{
    absa_dataset *d = (absa_dataset *)(void *)&ctx;
    const absa_status status = absa_dataset_parse_idx(ctx, i, i_size, l, l_size, 10, &d);
    cr_assert_eq(d == NULL, status != ABSA_OK);
    absa_dataset_destroy(&d);
    return status;
}

static void check_whole(absa_dataset *d)
{
    static const int32_t expected[3] = {9, 0, 4};
    const absa_dataset_view v = view_of(d);
    cr_assert_eq(v.rows, 3);
    cr_assert_eq(v.channels, 1);
    cr_assert_eq(v.height, 2);
    cr_assert_eq(v.width, 3);
    cr_assert_eq(v.features, 6);
    cr_assert_eq(v.classes, 10);
    for (int i = 0; i < 18; i++)
        cr_assert_eq(v.x[i], (float)(15 * i) / 255.0f); /* the same single division */
    cr_assert_eq(v.x[17], 1.0f);
    cr_assert_eq(memcmp(v.labels, expected, sizeof expected), 0);
    absa_dataset_destroy(&d);
}

Test(idx, reads_plain_and_gzipped_files_and_memory_alike)
{
    absa_dataset *d;
    const char *plain_i = temp_file("i", images, sizeof images);
    const char *plain_l = temp_file("l", labels, sizeof labels);
    const char *packed_i = temp_file("pi", packed_images, sizeof packed_images);
    const char *packed_l = temp_file("pl", packed_labels, sizeof packed_labels);
    cr_assert_eq(absa_dataset_read_idx(ctx, plain_i, plain_l, 10, &d), ABSA_OK);
    check_whole(d);
    cr_assert_eq(absa_dataset_read_idx(ctx, packed_i, packed_l, 10, &d), ABSA_OK);
    check_whole(d);
    cr_assert_eq(absa_dataset_read_idx(ctx, packed_i, plain_l, 10, &d), ABSA_OK);
    check_whole(d);
    cr_assert_eq(absa_dataset_parse_idx(ctx, images, sizeof images, packed_labels,
                                        sizeof packed_labels, 10, &d),
                 ABSA_OK);
    check_whole(d);
}

Test(idx, reads_a_gzip_file_of_two_members)
{
    unsigned char two[IMAGES_SIZE + 2 * PACKED_MORE];
    absa_dataset *d;
    const size_t first = stored_gzip(images, 20, two);
    stored_gzip(images + 20, IMAGES_SIZE - 20, two + first);
    cr_assert_eq(absa_dataset_parse_idx(ctx, two, sizeof two, labels, sizeof labels, 10, &d),
                 ABSA_OK);
    check_whole(d);
}

Test(idx, refuses_files_cut_at_any_byte)
{
    for (size_t cut = 0; cut < sizeof images; cut++)
        cr_assert_eq(parse(images, cut, labels, sizeof labels), ABSA_E_FORMAT, "at %zu", cut);
    for (size_t cut = 0; cut < sizeof labels; cut++)
        cr_assert_eq(parse(images, sizeof images, labels, cut), ABSA_E_FORMAT, "at %zu", cut);
    for (size_t cut = 0; cut < sizeof packed_images; cut++)
        cr_assert_eq(parse(packed_images, cut, labels, sizeof labels), ABSA_E_FORMAT, "at %zu",
                     cut);
    for (size_t cut = 0; cut < sizeof packed_labels; cut++)
        cr_assert_eq(parse(images, sizeof images, packed_labels, cut), ABSA_E_FORMAT, "at %zu",
                     cut);
}

/* Byte 44 of a stored block lies in record 2 (its data begin at byte 15), the checksum behind it.
 */
Test(idx, names_the_record_at_which_gzip_data_are_cut_or_damaged)
{
    cr_assert_eq(parse(packed_images, 3, labels, sizeof labels), ABSA_E_FORMAT);
    expect_message("images: the gzip data is cut short: it ends inside the header, at byte 3");
    cr_assert_eq(parse(packed_images, 44, labels, sizeof labels), ABSA_E_FORMAT);
    expect_message("images: the gzip data is cut short: it ends inside record 2, at byte 44");
    cr_assert_eq(parse(packed_images, sizeof packed_images - 1, labels, sizeof labels),
                 ABSA_E_FORMAT);
    expect_message("it ends behind record 2, at byte 56");
    packed_images[44] ^= 1;
    cr_assert_eq(parse(packed_images, sizeof packed_images, labels, sizeof labels), ABSA_E_FORMAT);
    expect_message("images: damaged gzip data inside record 2, at byte 53: incorrect data check");
    packed_images[44] ^= 1;
    packed_labels[10] = 7; /* no such kind of block */
    cr_assert_eq(parse(images, sizeof images, packed_labels, sizeof packed_labels), ABSA_E_FORMAT);
    expect_message("labels: damaged gzip data inside the header, at byte ");
}

Test(idx, refuses_damage_to_any_byte_of_a_gzip_file_but_its_idle_ones)
{
    for (size_t i = 0; i < sizeof packed_labels; i++) {
        /* Time, extra flags and operating system (RFC 1952) say nothing about the data. */
        const int idle = i >= 4 && i <= 9;
        packed_labels[i] ^= 0x81;
        const absa_status status =
            parse(images, sizeof images, packed_labels, sizeof packed_labels);
        cr_assert_eq(status, idle ? ABSA_OK : ABSA_E_FORMAT, "byte %zu: %s", i,
                     absa_context_message(ctx));
        packed_labels[i] ^= 0x81;
    }
}

Test(idx, refuses_bytes_behind_the_last_record)
{
    unsigned char longer[IMAGES_SIZE + 1] = {0}, packed[IMAGES_SIZE + 1 + PACKED_MORE];
    memcpy(longer, images, sizeof images);
    cr_assert_eq(parse(longer, sizeof longer, labels, sizeof labels), ABSA_E_FORMAT);
    expect_message("images: has bytes behind record 2, its last one, from byte 34 on");
    stored_gzip(longer, sizeof longer, packed);
    cr_assert_eq(parse(packed, sizeof packed, labels, sizeof labels), ABSA_E_FORMAT);
    expect_message("from byte 34 (unpacked)");
    unsigned char trailed[sizeof packed_images + 3] = {0};
    memcpy(trailed, packed_images, sizeof packed_images);
    cr_assert_eq(parse(trailed, sizeof trailed, labels, sizeof labels), ABSA_E_FORMAT);
}

Test(idx, refuses_wrong_magic_and_swapped_files)
{
    for (int i = 0; i < 4; i++) {
        images[i] ^= 1;
        cr_assert_eq(parse(images, sizeof images, labels, sizeof labels), ABSA_E_FORMAT);
        images[i] ^= 1;
        labels[i] ^= 1;
        cr_assert_eq(parse(images, sizeof images, labels, sizeof labels), ABSA_E_FORMAT);
        labels[i] ^= 1;
    }
    cr_assert_eq(parse(labels, sizeof labels, images, sizeof images), ABSA_E_FORMAT);
    cr_assert_eq(parse(images, sizeof images, images, sizeof images), ABSA_E_FORMAT);
    expect_message("labels: begins with 00000803, not with 00000801");
}

Test(idx, refuses_sizes_that_do_not_fit_the_file_before_it_allocates)
{
    /* Every single bit of the three sizes: too small leaves bytes over, too large ends early. */
    for (int byte = 4; byte < 16; byte++) {
        for (int bit = 0; bit < 8; bit++) {
            faulty_alloc f = {0};
            absa_context *counted = faulty_context(&f);
            absa_dataset *d;
            images[byte] ^= (unsigned char)(1 << bit);
            cr_assert_eq(absa_dataset_parse_idx(counted, images, sizeof images, labels,
                                                sizeof labels, 10, &d),
                         ABSA_E_FORMAT, "byte %d bit %d", byte, bit);
            images[byte] ^= (unsigned char)(1 << bit);
            cr_assert_lt(f.peak_bytes, 10000, "allocated for byte %d bit %d", byte, bit);
            absa_context_destroy(&counted);
            cr_assert_eq(f.live_blocks, 0);
        }
    }
    /* A count that both files agree on. */
    faulty_alloc f = {0};
    absa_context *counted = faulty_context(&f);
    absa_dataset *d;
    images[4] = labels[4] = 1;
    cr_assert_eq(
        absa_dataset_parse_idx(counted, images, sizeof images, labels, sizeof labels, 10, &d),
        ABSA_E_FORMAT);
    cr_assert_lt(f.peak_bytes, 10000);
    absa_context_destroy(&counted);
    memset(images + 4, 0xff, 12);
    cr_assert_eq(parse(images, sizeof images, labels, sizeof labels), ABSA_E_FORMAT);
}

Test(idx, refuses_unequal_counts)
{
    const unsigned char two[10] = {0, 0, 8, 1, 0, 0, 0, 2, 1, 1};
    cr_assert_eq(parse(images, sizeof images, two, sizeof two), ABSA_E_FORMAT);
    expect_message("images has 3 records, but labels has 2");
}

Test(idx, refuses_a_label_out_of_range_and_names_file_record_and_byte)
{
    labels[9] = 10;
    const char *i = temp_file("i", images, sizeof images);
    const char *l = temp_file("some-labels", labels, sizeof labels);
    absa_dataset *d;
    cr_assert_eq(absa_dataset_read_idx(ctx, i, l, 10, &d), ABSA_E_FORMAT);
    cr_assert_null(d);
    expect_message("some-labels: the label of record 1 (byte 9) is 10, must be 0 to 9");
}

Test(idx, refuses_missing_files_directories_and_empty_files)
{
    absa_dataset *d;
    const char *i = temp_file("i", images, sizeof images);
    const char *empty = temp_file("empty", "", 0);
    const char *dir = temp_path("dir"), *missing = temp_path("missing");
    cr_assert_eq(mkdir(dir, 0700), 0);
    cr_assert_eq(absa_dataset_read_idx(ctx, i, missing, 10, &d), ABSA_E_IO);
    expect_message("missing: cannot be opened");
    cr_assert_eq(absa_dataset_read_idx(ctx, dir, i, 10, &d), ABSA_E_IO);
    expect_message("is a directory");
    cr_assert_eq(absa_dataset_read_idx(ctx, empty, i, 10, &d), ABSA_E_FORMAT);
    expect_message("empty: ends inside the header, at byte 0");
    cr_assert_eq(absa_dataset_read_idx(ctx, "/dev/zero", i, 10, &d), ABSA_E_IO);
    cr_assert_null(d);
}

Test(idx, refuses_wrong_arguments)
{
    absa_dataset *d;
    cr_assert_eq(absa_dataset_read_idx(ctx, NULL, "x", 10, &d), ABSA_E_INVALID);
    cr_assert_eq(absa_dataset_read_idx(ctx, "x", NULL, 10, &d), ABSA_E_INVALID);
    cr_assert_eq(absa_dataset_read_idx(ctx, "x", "x", 10, NULL), ABSA_E_INVALID);
    cr_assert_eq(absa_dataset_read_idx(NULL, "x", "x", 10, &d), ABSA_E_INVALID);
    cr_assert_eq(absa_dataset_read_idx(ctx, "x", "x", 0, &d), ABSA_E_INVALID);
    cr_assert_eq(absa_dataset_read_idx(ctx, "x", "x", 257, &d), ABSA_E_INVALID);
    cr_assert_null(d);
}

Test(idx, gives_everything_back_when_any_allocation_fails)
{
    const char *i = temp_file("pi", packed_images, sizeof packed_images);
    const char *l = temp_file("pl", packed_labels, sizeof packed_labels);
    for (int64_t k = 2;; k++) { /* the first one is the context */
        faulty_alloc f = {.fail_at = k};
        absa_context *faulty = faulty_context(&f);
        absa_dataset *d;
        const absa_status status = absa_dataset_read_idx(faulty, i, l, 10, &d);
        cr_assert(status == ABSA_OK || status == ABSA_E_MEMORY, "%d at %lld", status, (long long)k);
        cr_assert_eq(d == NULL, status != ABSA_OK);
        absa_dataset_destroy(&d);
        absa_context_destroy(&faulty);
        cr_assert_eq(f.live_blocks, 0);
        cr_assert_eq(f.errors, 0);
        if (status == ABSA_OK) {
            cr_assert_gt(k, 9, "fewer allocations than parts");
            break;
        }
    }
}
