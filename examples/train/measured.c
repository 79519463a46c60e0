/* The operator that a measurement runs on. A block goes the network's own cheap way, which stops
 * backpropagation at the first selected layer; the names of its ranges are the network's. */
#include "measured.h"

#include "progress.h"
#include "say.h"

#include <string.h>

static int product(void *user, const void *v, void *hv, int64_t *samples)
{
    measured *m = user;
    const double begun = seconds_now();
    const int code = m->block ? absa_refnet_block_hvp_callback(m->block, v, hv, samples)
                              : absa_refnet_hvp_callback(m->net, v, hv, samples);
    m->seconds += seconds_now() - begun;
    m->rows += (double)*samples;
    return code;
}

static int choose(absa_context *ctx, const config *c, measured *m)
{
    absa_block *selection;
    absa_space whole = m->space;
    if (absa_refnet_layout(m->net, &selection))
        return give_up("%s", absa_context_message(ctx));
    int status = DONE;
    if (absa_block_select(selection, c->block))
        status = refuse("--block %s: %s", c->block, absa_context_message(ctx));
    else if (absa_refnet_block_create(m->net, selection, &m->block) ||
             absa_block_space(selection, &whole, &m->space, sizeof m->space))
        status = give_up("%s", absa_context_message(ctx));
    m->count = absa_block_count(selection);
    absa_block_destroy(&selection);
    return status;
}

int measured_create(absa_context *ctx, const config *c, absa_refnet *net, measured *m)
{
    memset(m, 0, sizeof *m);
    m->net = net;
    m->count = absa_refnet_parameter_count(net);
    absa_refnet_space(net, &m->space, sizeof m->space);
    const int status = strcmp(c->block, "full") == 0 ? DONE : choose(ctx, c, m);
    if (status)
        return status;
    if (absa_operator_from_hvp(ctx, &m->space, product, m, NULL, &m->op))
        return refuse("%s", absa_context_message(ctx));
    return DONE;
}

void measured_release(measured *m)
{
    absa_operator_destroy(&m->op);
    absa_refnet_block_destroy(&m->block);
    memset(m, 0, sizeof *m);
}
