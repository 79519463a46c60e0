/* Any bytes as a table. The first byte: the label's column. */
#include "fuzz.h"

#include <absa/refdata.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    faulty_alloc f = {0};
    absa_context *ctx = faulty_context(&f);
    absa_dataset *set = NULL;
    int8_t column;
    fuzz_take(&data, &size, &column, sizeof column);
    const absa_status status = absa_dataset_parse_csv(ctx, data, size, column, &set);
    FUZZ_CHECK((status == ABSA_OK) == (set != NULL));
    FUZZ_CHECK(status == ABSA_OK || *absa_context_message(ctx));
    if (set) {
        absa_dataset_view view;
        absa_dataset_view_init(&view, sizeof view);
        FUZZ_CHECK(absa_dataset_view_get(set, &view) == ABSA_OK);
        FUZZ_CHECK(view.classes >= 2);
        for (int64_t i = 0; i < view.rows * view.features; i++)
            FUZZ_CHECK(view.x[i] == 0.0f || view.x[i] == 1.0f);
    }
    absa_dataset_destroy(&set);
    fuzz_finish(&f, ctx);
    return 0;
}
