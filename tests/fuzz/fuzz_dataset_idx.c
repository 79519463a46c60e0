/* Any bytes as a pair of IDX files. The first four bytes: where the labels begin, and the classes.
 */
#include "fuzz.h"

#include <absa/refdata.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    faulty_alloc f = {0};
    absa_context *ctx = faulty_context(&f);
    absa_dataset *set = NULL;
    uint16_t cut, classes;
    fuzz_take(&data, &size, &cut, sizeof cut);
    fuzz_take(&data, &size, &classes, sizeof classes);
    const size_t images = cut < size ? cut : size;
    const absa_status status =
        absa_dataset_parse_idx(ctx, data, images, data + images, size - images, classes, &set);
    FUZZ_CHECK((status == ABSA_OK) == (set != NULL));
    FUZZ_CHECK(status == ABSA_OK || *absa_context_message(ctx));
    if (set) {
        absa_dataset_view view;
        absa_dataset_view_init(&view, sizeof view);
        FUZZ_CHECK(absa_dataset_view_get(set, &view) == ABSA_OK);
        for (int64_t i = 0; i < view.rows; i++)
            FUZZ_CHECK(view.labels[i] >= 0 && view.labels[i] < view.classes);
        for (int64_t i = 0; i < view.rows * view.features; i++)
            FUZZ_CHECK(view.x[i] >= 0 && view.x[i] <= 1);
    }
    absa_dataset_destroy(&set);
    fuzz_finish(&f, ctx);
    return 0;
}
