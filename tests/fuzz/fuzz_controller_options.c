/* Any text as options, one "name=value" a line: refused with a message, or a training can be driven
 * with them. */
#include "drive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    faulty_alloc f = {0};
    absa_context *ctx = faulty_context(&f);
    absa_controller_options options;
    absa_controller *ctl = NULL;
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    absa_controller_options_init(&options, sizeof options);
    options.samples = 1000;
    options.epochs = 5;
    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        char *value = strchr(line, '=');
        if (!value)
            continue;
        *value++ = '\0';
        if (absa_controller_options_set(ctx, &options, line, value) != ABSA_OK)
            FUZZ_CHECK(*absa_context_message(ctx));
    }
    const absa_status status = absa_controller_create(ctx, &options, &ctl);
    FUZZ_CHECK((status == ABSA_OK) == (ctl != NULL));
    FUZZ_CHECK(status == ABSA_OK || *absa_context_message(ctx));
    if (ctl)
        drive(ctl, 100);
    absa_controller_destroy(&ctl);
    free(text);
    fuzz_finish(&f, ctx);
    return 0;
}
