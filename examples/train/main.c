/* absa-train: trains a small network on small data, with a batch that grows when the loss surface
 * allows it. A program of a host: it includes public headers only. */
#include "loop.h"
#include "options.h"
#include "say.h"

#include <stdio.h>
#include <string.h>

static void on_log(void *user, int32_t level, const char *text)
{
    (void)user;
    (void)level;
    give_up("%s", text);
}

int main(int argc, char **argv)
{
    absa_context_options c;
    absa_context *ctx;
    options o;
    int finished;
    memset(&o, 0, sizeof o);
    int status = options_parse(argc, argv, &o, &finished);
    if (status || finished)
        return status;
    absa_context_options_init(&c, sizeof c);
    if (!o.quiet)
        c.log = on_log; /* warnings */
    if (absa_context_create(&c, &ctx))
        return give_up("not enough memory");
    status = train(ctx, &o);
    absa_context_destroy(&ctx);
    if (fflush(stdout) != 0 && status == DONE)
        status = give_up("standard output cannot be written");
    return status;
}
