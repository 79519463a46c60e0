/* Any bytes as a saved controller. The first byte: bit 0 takes states saved under other options,
 * bit 1 repairs length and checksum, so that what lies behind them is reached; the others choose
 * the options of the controller that loads. A state that is accepted must be one that training goes
 * on from, and one that is accepted again when it is saved. */
#include "drive.h"

#include "base/bytes.h"

enum { LENGTH_AT = 12, SMALLEST = 20, STATE = 4096 };

/* Writes what the bytes' length and checksum have to be. */
static void repair(unsigned char *bytes, size_t size)
{
    absa__writer length = {bytes + LENGTH_AT, 4, 0}, sum = {bytes + size - 4, 4, 0};
    absa__put_u32(&length, (uint32_t)size);
    absa__put_u32(&sum, absa__crc32(0, bytes, size - 4));
}

/* 0 are the defaults; the others differ from them in what a plan is made from, up to the largest
 * training that there can be. */
static absa_controller_options options_of(int kind)
{
    absa_controller_options o;
    absa_controller_options_init(&o, sizeof o);
    o.samples = 1000;
    o.epochs = 5;
    if (kind == 0)
        return o;
    (void)absa_controller_options_preset(&o, kind % 3);
    o.strategy = kind % 5;
    o.batch = kind % 2 ? 7 : 100;
    o.micro_batch = kind % 4 * 5;
    o.epoch_tail = kind / 3 % 3;
    o.unit = kind / 5 % 3;
    o.growth = kind / 2 % 2;
    o.momentum = kind / 4 % 3;
    o.spill = kind % 4 < 2;
    o.measure_every = kind % 6 < 3 ? 0 : 50;
    o.dwell = kind % 8 < 6 ? 0 : INT64_MAX;
    o.shrink_ratio = kind % 7 < 5 ? 0.0 : 1.5;
    o.lr_cap = kind % 9 < 6 ? 0.0 : 0.5;
    o.decay_count = kind / 7 % 3;
    o.decay[0] = 1.0;
    o.decay[1] = 1e300;
    if (kind >= 48) {
        o.samples = (int64_t)1 << (kind % 8 + 46);
        o.epochs = INT64_MAX / 2 / o.samples;
        o.batch_max = (int64_t)1 << 53;
        o.batch = kind % 2 ? o.samples - 1 : 3;
        o.measure_every = kind % 4 ? INT64_MAX : 1;
    }
    return o;
}

#ifdef ABSA_LIBFUZZER
/* Every other change sets one of the state's fields, which end it but for the checksum, to a value
 * at a limit, or to what another field has, give or take one. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned int seed);

static void put_at_a_limit(uint8_t *field, uint32_t dice)
{
    static const int64_t wholes[] = {0,
                                     1,
                                     2,
                                     -1,
                                     INT64_MIN,
                                     INT64_MAX,
                                     INT64_MAX / 2,
                                     INT64_MAX / 2 - 1,
                                     (int64_t)1 << 53,
                                     ((int64_t)1 << 53) + 1,
                                     -((int64_t)1 << 53),
                                     INT64_MAX / 2 - ((int64_t)1 << 53)};
    static const double reals[] = {0.0, 1.0, 0.5, -1.0, 5e-324, 1e-310, 1e308, (double)INFINITY};
    enum { WHOLES = sizeof wholes / sizeof *wholes, REALS = sizeof reals / sizeof *reals };
    absa__writer w = {field, 8, 0};
    const uint32_t k = dice % (WHOLES + REALS);
    if (k < WHOLES)
        absa__put_i64(&w, wholes[k]);
    else
        absa__put_f64(&w, reals[k - WHOLES]);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned int seed)
{
    enum { LAST = 32 }; /* fields, and the last options */
    const uint32_t dice = (uint32_t)(((uint64_t)seed * 0x9E3779B97F4A7C15u) >> 32);
    if (dice % 2 || size < 1 + SMALLEST + 8 * LAST)
        return LLVMFuzzerMutate(data, size, most);
    uint8_t *end = data + size - 4;
    uint8_t *field = end - 8 * (1 + dice / 2 % LAST);
    const uint8_t *other = end - 8 * (1 + dice / 64 % LAST);
    if (dice / 2048 % 3 > 0) {
        put_at_a_limit(field, dice / 6144);
    } else {
        absa__reader r = {other, 8, 0, 0};
        absa__writer w = {field, 8, 0};
        absa__put_i64(&w, (int64_t)((uint64_t)absa__get_i64(&r) + dice / 6144 % 3 - 1));
    }
    return size;
}
#endif

/* What was accepted is a state of these options from now on. */
static void check_saved_again(absa_context *ctx, const absa_controller_options *o,
                              const absa_controller *ctl)
{
    unsigned char before[STATE], after[STATE];
    size_t size, again;
    absa_controller *twin = NULL;
    FUZZ_CHECK(absa_controller_save(ctl, before, sizeof before, &size) == ABSA_OK);
    FUZZ_CHECK(absa_controller_create(ctx, o, &twin) == ABSA_OK);
    FUZZ_CHECK(absa_controller_load(twin, before, size, 0) == ABSA_OK);
    FUZZ_CHECK(absa_controller_save(twin, after, sizeof after, &again) == ABSA_OK);
    FUZZ_CHECK(size == again && memcmp(before, after, size) == 0);
    absa_controller_destroy(&twin);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    faulty_alloc f = {0};
    absa_context *ctx = faulty_context(&f);
    absa_controller *ctl = NULL;
    uint8_t flags;
    size_t before_size, after_size;
    unsigned char before[STATE], after[STATE];

    fuzz_take(&data, &size, &flags, 1);
    unsigned char *bytes = malloc(size + 1);
    if (!bytes)
        return 0;
    memcpy(bytes, data, size);
    if ((flags & 2) && size >= SMALLEST)
        repair(bytes, size);
    const absa_controller_options options = options_of(flags >> 2);
    FUZZ_CHECK(absa_controller_create(ctx, &options, &ctl) == ABSA_OK);
    drive(ctl, 3);
    FUZZ_CHECK(absa_controller_save(ctl, before, sizeof before, &before_size) == ABSA_OK);
    const absa_status status = absa_controller_load(ctl, bytes, size, flags & 1);
    FUZZ_CHECK(absa_controller_save(ctl, after, sizeof after, &after_size) == ABSA_OK);
    if (status == ABSA_OK) {
        check_saved_again(ctx, &options, ctl);
        drive(ctl, 100);
        check_saved_again(ctx, &options, ctl);
    } else {
        FUZZ_CHECK(*absa_context_message(ctx));
        FUZZ_CHECK(before_size == after_size && memcmp(before, after, after_size) == 0);
    }
    absa_controller_destroy(&ctl);
    free(bytes);
    fuzz_finish(&f, ctx);
    return 0;
}
