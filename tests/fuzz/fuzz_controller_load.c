/* Any bytes as a saved controller. The first byte: bit 0 takes states saved under other options,
 * bit 1 repairs length and checksum, so that what lies behind them is reached. A state that is
 * accepted must be one that training goes on from. */
#include "drive.h"

#include "base/bytes.h"

enum { LENGTH_AT = 12, SMALLEST = 20 };

/* Writes what the bytes' length and checksum have to be. */
static void repair(unsigned char *bytes, size_t size)
{
    absa__writer length = {bytes + LENGTH_AT, 4, 0}, sum = {bytes + size - 4, 4, 0};
    absa__put_u32(&length, (uint32_t)size);
    absa__put_u32(&sum, absa__crc32(0, bytes, size - 4));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    faulty_alloc f = {0};
    absa_context *ctx = faulty_context(&f);
    absa_controller_options options;
    absa_controller *ctl = NULL;
    uint8_t flags;
    size_t before_size, after_size;
    unsigned char before[4096], after[4096];

    fuzz_take(&data, &size, &flags, 1);
    unsigned char *bytes = malloc(size + 1);
    if (!bytes)
        return 0;
    memcpy(bytes, data, size);
    if ((flags & 2) && size >= SMALLEST)
        repair(bytes, size);
    absa_controller_options_init(&options, sizeof options);
    options.samples = 1000;
    options.epochs = 5;
    FUZZ_CHECK(absa_controller_create(ctx, &options, &ctl) == ABSA_OK);
    drive(ctl, 3);
    FUZZ_CHECK(absa_controller_save(ctl, before, sizeof before, &before_size) == ABSA_OK);
    const absa_status status = absa_controller_load(ctl, bytes, size, flags & 1);
    FUZZ_CHECK(absa_controller_save(ctl, after, sizeof after, &after_size) == ABSA_OK);
    if (status == ABSA_OK) {
        drive(ctl, 100);
    } else {
        FUZZ_CHECK(*absa_context_message(ctx));
        FUZZ_CHECK(before_size == after_size && memcmp(before, after, after_size) == 0);
    }
    absa_controller_destroy(&ctl);
    free(bytes);
    fuzz_finish(&f, ctx);
    return 0;
}
