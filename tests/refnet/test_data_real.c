/* The readers on the real files, against what their publishers say about them. */
#include "refnet/readers.h"
#include "support/test_data.h"

#include <stdio.h>

TestSuite(real_data, .init = readers_begin, .fini = readers_end);

static void keep_path(char *to, const char *name)
{
    strcpy(to, test_data(name));
}

static void histogram(const absa_dataset_view *v, int64_t *counts)
{
    memset(counts, 0, (size_t)v->classes * sizeof *counts);
    for (int64_t r = 0; r < v->rows; r++)
        counts[v->labels[r]]++;
}

/* Label counts of MNIST are published with it and in every tutorial. */
Test(real_data, mnist_has_the_published_counts)
{
    static const int64_t train[10] = {5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949};
    static const int64_t test[10] = {980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009};
    char images[4096], labels[4096];
    int64_t counts[10];
    absa_dataset *d;

    keep_path(images, "mnist/train-images-idx3-ubyte.gz");
    keep_path(labels, "mnist/train-labels-idx1-ubyte.gz");
    cr_assert_eq(absa_dataset_read_idx(ctx, images, labels, 10, &d), ABSA_OK, "%s",
                 absa_context_message(ctx));
    absa_dataset_view v = view_of(d);
    cr_assert_eq(v.rows, 60000);
    cr_assert_eq(v.height, 28);
    cr_assert_eq(v.width, 28);
    histogram(&v, counts);
    cr_assert_eq(memcmp(counts, train, sizeof train), 0);
    /* Published mean of the training pixels: 0.1307. */
    double sum = 0;
    for (int64_t i = 0; i < v.rows * v.features; i++)
        sum += (double)v.x[i];
    cr_assert_float_eq(sum / (double)(v.rows * v.features), 0.1307, 5e-5);
    absa_dataset_destroy(&d);

    keep_path(images, "mnist/t10k-images-idx3-ubyte.gz");
    keep_path(labels, "mnist/t10k-labels-idx1-ubyte.gz");
    cr_assert_eq(absa_dataset_read_idx(ctx, images, labels, 10, &d), ABSA_OK);
    v = view_of(d);
    cr_assert_eq(v.rows, 10000);
    histogram(&v, counts);
    cr_assert_eq(memcmp(counts, test, sizeof test), 0);
    absa_dataset_destroy(&d);
    keep_path(images, "mnist/train-images-idx3-ubyte.gz");
    cr_assert_eq(absa_dataset_read_idx(ctx, images, labels, 10, &d), ABSA_E_FORMAT);
    cr_assert_not_null(strstr(absa_context_message(ctx), "has 60000 records"));
}

Test(real_data, cifar10_has_the_published_counts)
{
    absa_records_format f;
    absa_dataset *d;
    char paths[5][4096];
    const char *list[5];
    int64_t counts[10];

    absa_records_format_init(&f, sizeof f, ABSA_RECORDS_CIFAR10);
    for (int i = 0; i < 5; i++) {
        char name[64];
        snprintf(name, sizeof name, "cifar10/data_batch_%d.bin", i + 1);
        keep_path(paths[i], name);
        list[i] = paths[i];
    }
    cr_assert_eq(absa_dataset_read_records(ctx, list, 5, &f, &d), ABSA_OK, "%s",
                 absa_context_message(ctx));
    absa_dataset_view v = view_of(d);
    cr_assert_eq(v.rows, 50000);
    histogram(&v, counts);
    for (int c = 0; c < 10; c++)
        cr_assert_eq(counts[c], 5000);
    /* Published means of the training pixels, red, green, blue: 0.4914, 0.4822, 0.4465. */
    static const double published[3] = {0.4914, 0.4822, 0.4465};
    for (int plane = 0; plane < 3; plane++) {
        double sum = 0;
        for (int64_t r = 0; r < v.rows; r++)
            for (int i = 0; i < 1024; i++)
                sum += (double)v.x[r * 3072 + plane * 1024 + i];
        cr_assert_float_eq(sum / (50000.0 * 1024), published[plane], 1e-4);
    }
    absa_dataset_destroy(&d);
    keep_path(paths[0], "cifar10/test_batch.bin");
    cr_assert_eq(absa_dataset_read_records(ctx, list, 1, &f, &d), ABSA_OK);
    v = view_of(d);
    cr_assert_eq(v.rows, 10000);
    histogram(&v, counts);
    for (int c = 0; c < 10; c++)
        cr_assert_eq(counts[c], 1000);
    absa_dataset_destroy(&d);
}

/* agaricus-lepiota.names: 8,124 rows, 4,208 edible, 3,916 poisonous, 22 attributes, 2,480 rows
 * whose attribute 11 is unknown. The attributes take 117 values in all. */
Test(real_data, mushroom_has_the_published_counts_and_one_feature_set_an_attribute)
{
    char path[4096];
    absa_dataset *d, *train, *validation;
    int64_t counts[2], once[118] = {0};

    keep_path(path, "mushroom/agaricus-lepiota.data");
    cr_assert_eq(absa_dataset_read_csv(ctx, path, 0, &d), ABSA_OK, "%s", absa_context_message(ctx));
    absa_dataset_view v = view_of(d);
    cr_assert_eq(v.rows, 8124);
    cr_assert_eq(v.classes, 2);
    cr_assert_eq(v.features, 117);
    histogram(&v, counts);
    cr_assert_eq(counts[0], 4208);
    cr_assert_eq(counts[1], 3916);
    for (int64_t r = 0; r < v.rows; r++) {
        double sum = 0;
        for (int64_t i = 0; i < v.features; i++) {
            sum += (double)v.x[r * v.features + i];
            once[i] += v.x[r * v.features + i] == 1.0f;
        }
        cr_assert_eq(sum, 22.0);
    }
    int unknown = 0;
    for (int i = 0; i < 117; i++) {
        cr_assert_gt(once[i], 0);
        unknown += once[i] == 2480;
    }
    cr_assert_geq(unknown, 1);

    cr_assert_eq(absa_dataset_split(d, 6305, 0, &train, &validation), ABSA_OK);
    cr_assert_eq(view_of(validation).rows, 1819);
    absa_dataset_destroy(&train);
    absa_dataset_destroy(&validation);
    absa_dataset_destroy(&d);
}
