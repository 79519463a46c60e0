/* Any bytes as a record layout and records. Two bytes for each number of the layout. */
#include "fuzz.h"

#include <absa/refdata.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    faulty_alloc f = {0};
    absa_context *ctx = faulty_context(&f);
    absa_dataset *set = NULL;
    absa_records_format format;
    int16_t v[8];
    fuzz_take(&data, &size, v, sizeof v);
    absa_records_format_init(&format, sizeof format, ABSA_RECORDS_CIFAR10);
    format.label_bytes = v[0];
    format.label_at = v[1];
    format.label_base = v[2];
    format.classes = v[3];
    format.other_classes = v[4];
    format.channels = v[5];
    format.height = v[6];
    /* One large number, for products that overflow. */
    format.width = v[7] < 0 ? INT64_MAX / -(int64_t)v[7] : v[7];
    const absa_status status = absa_dataset_parse_records(ctx, data, size, &format, &set);
    FUZZ_CHECK((status == ABSA_OK) == (set != NULL));
    FUZZ_CHECK(status == ABSA_OK || *absa_context_message(ctx));
    if (set) {
        absa_dataset_view view;
        absa_dataset_view_init(&view, sizeof view);
        FUZZ_CHECK(absa_dataset_view_get(set, &view) == ABSA_OK);
        for (int64_t i = 0; i < view.rows; i++)
            FUZZ_CHECK(view.labels[i] >= 0 && view.labels[i] < view.classes);
    }
    absa_dataset_destroy(&set);
    fuzz_finish(&f, ctx);
    return 0;
}
