/* Any bytes as options of the glyph generator: refused in words, or images in range that a second
 * drawing repeats. */
#include "fuzz.h"

#include <absa/refdata.h>

enum { MOST_ROWS = 8 };

static absa_dataset_view view_of(const absa_dataset *set)
{
    absa_dataset_view view;
    absa_dataset_view_init(&view, sizeof view);
    FUZZ_CHECK(absa_dataset_view_get(set, &view) == ABSA_OK);
    return view;
}

static void check(absa_context *ctx, const absa_glyphs_options *o, const absa_dataset *set)
{
    const absa_dataset_view view = view_of(set);
    absa_glyphs_options last = *o;
    absa_dataset *one = NULL;
    FUZZ_CHECK(view.rows == o->rows && view.features == o->size * o->size);
    for (int64_t i = 0; i < view.rows; i++)
        FUZZ_CHECK(view.labels[i] == (o->first + i) % 10);
    for (int64_t i = 0; i < view.rows * view.features; i++)
        FUZZ_CHECK(view.x[i] >= 0 && view.x[i] <= 1);
    last.first += o->rows - 1;
    last.rows = 1;
    FUZZ_CHECK(absa_dataset_glyphs(ctx, &last, &one) == ABSA_OK);
    FUZZ_CHECK(memcmp(view_of(one).x, view.x + (view.rows - 1) * view.features,
                      (size_t)view.features * sizeof *view.x) == 0);
    absa_dataset_destroy(&one);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    faulty_alloc f = {0};
    absa_context *ctx = faulty_context(&f);
    absa_dataset *set = NULL;
    absa_glyphs_options o;
    int16_t rows, edge;
    absa_glyphs_options_init(&o, sizeof o);
    fuzz_take(&data, &size, &rows, sizeof rows);
    fuzz_take(&data, &size, &edge, sizeof edge);
    fuzz_take(&data, &size, &o.first, sizeof o.first);
    fuzz_take(&data, &size, &o.seed, sizeof o.seed);
    fuzz_take(&data, &size, &o.shift, sizeof o.shift);
    fuzz_take(&data, &size, &o.turn, sizeof o.turn);
    fuzz_take(&data, &size, &o.bend, sizeof o.bend);
    fuzz_take(&data, &size, &o.noise, sizeof o.noise);
    o.rows = rows > MOST_ROWS ? rows % MOST_ROWS : rows;
    o.size = edge;
    const absa_status status = absa_dataset_glyphs(ctx, &o, &set);
    FUZZ_CHECK(status == ABSA_OK || status == ABSA_E_INVALID);
    FUZZ_CHECK((status == ABSA_OK) == (set != NULL));
    FUZZ_CHECK(status == ABSA_OK || *absa_context_message(ctx));
    if (set)
        check(ctx, &o, set);
    absa_dataset_destroy(&set);
    fuzz_finish(&f, ctx);
    return 0;
}
