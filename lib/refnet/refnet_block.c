/* Second derivatives in some of the parameters: which layers they move, and the public functions
 * of products with them. */
#include <absa/refnet.h>

#include "net.h"

static int is_selected(const absa_block_range *range, const absa__net_run *runs, int64_t count,
                       int64_t *at)
{
    while (*at < count && runs[*at].first + runs[*at].count <= range->first)
        ++*at;
    return *at < count && runs[*at].first < range->first + range->count;
}

void absa__net_moves(const absa_refnet *net, const absa__net_run *runs, int64_t count, int8_t *how)
{
    int64_t at = 0;
    for (int64_t i = 0; i <= net->layer_count; i++)
        how[i] = ABSA__NET_STILL;
    for (int64_t i = 0; i < net->range_count; i++) {
        const absa_refnet_range *r = &net->ranges[i].range;
        if (!runs || is_selected(&r->range, runs, count, &at))
            how[r->layer] = ABSA__NET_MOVES_ITSELF;
    }
    for (int64_t i = 1; i <= net->layer_count; i++) {
        const absa__net_layer *l = &net->layers[i];
        const int in = how[l->in] >= ABSA__NET_MOVES;
        const int other = l->other >= 0 && how[l->other] >= ABSA__NET_MOVES;
        if (how[i] == ABSA__NET_STILL && (in || other))
            how[i] = ABSA__NET_MOVES;
        if (how[i] == ABSA__NET_STILL)
            continue;
        if (!in && !absa__net_skips_still_input(l))
            how[l->in] = ABSA__NET_STILL_READ;
        if (l->other >= 0 && !other)
            how[l->other] = ABSA__NET_STILL_READ;
    }
    if (how[net->layer_count] == ABSA__NET_STILL) /* a network without parameters */
        how[net->layer_count] = ABSA__NET_STILL_READ;
}

absa_status absa_refnet_layout(const absa_refnet *net, absa_block **out)
{
    absa_block_range *ranges;
    if (out)
        *out = NULL;
    if (!net || !out)
        return absa__net_fail(net ? net->context : NULL, ABSA_E_INVALID,
                              "absa_refnet_layout: %s is NULL", net ? "out" : "net");
    if (net->n == 0)
        return absa__net_fail(net->context, ABSA_E_INVALID,
                              "absa_refnet_layout: the network has no parameters");
    absa_status status =
        absa_context_alloc(net->context, net->range_count, sizeof *ranges, (void **)&ranges);
    if (status)
        return status;
    for (int64_t i = 0; i < net->range_count; i++)
        ranges[i] = net->ranges[i].range.range;
    status = absa_block_create(net->context, net->n, ranges, net->range_count, out);
    absa_context_release(net->context, ranges, net->range_count, sizeof *ranges);
    return status;
}

static absa_status copy_runs(absa_refnet_block *b, const absa_block *selection)
{
    b->run_count = absa_block_piece_count(selection);
    b->count = absa_block_count(selection);
    absa_status status =
        absa_context_alloc(b->context, b->run_count, sizeof *b->runs, (void **)&b->runs);
    for (int64_t i = 0; i < b->run_count && !status; i++) {
        absa_block_range piece;
        status = absa_block_piece_at(selection, i, &piece);
        b->runs[i] = (absa__net_run){piece.first, piece.count};
    }
    return status;
}

static void find_layers(absa_refnet_block *b)
{
    const absa_refnet *net = b->net;
    absa__net_moves(net, b->runs, b->run_count, b->how);
    for (int64_t i = net->range_count; i-- > 0;)
        if (b->how[net->ranges[i].range.layer] >= ABSA__NET_MOVES)
            b->begin = net->ranges[i].range.range.first;
}

absa_status absa_refnet_block_create(absa_refnet *net, const absa_block *selection,
                                     absa_refnet_block **out)
{
    absa_refnet_block *b;
    absa_context *ctx = net ? net->context : NULL;
    if (out)
        *out = NULL;
    if (!net || !selection || !out)
        return absa__net_fail(ctx, ABSA_E_INVALID, "absa_refnet_block_create: %s is NULL",
                              !net         ? "net"
                              : !selection ? "selection"
                                           : "out");
    if (absa_block_parameter_count(selection) != net->n)
        return absa__net_fail(ctx, ABSA_E_INVALID,
                              "absa_refnet_block_create: a selection of %lld parameters, but the "
                              "network has %lld",
                              (long long)absa_block_parameter_count(selection), (long long)net->n);
    if (absa_block_count(selection) == 0)
        return absa__net_fail(ctx, ABSA_E_STATE,
                              "absa_refnet_block_create: nothing is selected; call "
                              "absa_block_select() first");
    absa_status status = absa_context_alloc(ctx, 1, sizeof *b, (void **)&b);
    if (status)
        return status;
    b->context = absa_context_retain(ctx);
    b->net = net;
    status = copy_runs(b, selection);
    if (!status)
        status = absa_context_alloc(ctx, net->layer_count + 1, sizeof *b->how, (void **)&b->how);
    if (!status)
        status = absa_context_alloc(ctx, net->n, absa__net_element_size(net), &b->v);
    if (status)
        absa_refnet_block_destroy(&b);
    else
        find_layers(b);
    *out = b;
    return status;
}

void absa_refnet_block_destroy(absa_refnet_block **block)
{
    if (!block || !*block)
        return;
    absa_refnet_block *b = *block;
    absa_context *ctx = b->context;
    *block = NULL;
    absa_context_release(ctx, b->v, b->net->n, absa__net_element_size(b->net));
    absa_context_release(ctx, b->how, b->net->layer_count + 1, sizeof *b->how);
    absa_context_release(ctx, b->runs, b->run_count, sizeof *b->runs);
    absa_context_release(ctx, b, 1, sizeof *b);
    absa_context_destroy(&ctx);
}

int64_t absa_refnet_block_count(const absa_refnet_block *block)
{
    return block ? block->count : 0;
}

static absa_status product(absa_refnet_block *block, const char *function, int gauss_newton,
                           const void *v, void *out)
{
    if (!block)
        return ABSA_E_INVALID;
    absa_refnet *net = block->net;
    const absa_status status = absa__net_check_product(net, function, v, out);
    if (status)
        return status;
    net->pass_mode = net->probe_mode;
    absa__net_driver_of(net)->block_product(block, gauss_newton, v, out);
    return ABSA_OK;
}

absa_status absa_refnet_block_hvp(absa_refnet_block *block, const void *v, void *hv)
{
    return product(block, __func__, 0, v, hv);
}

absa_status absa_refnet_block_gnvp(absa_refnet_block *block, const void *v, void *gv)
{
    return product(block, __func__, 1, v, gv);
}

int absa_refnet_block_hvp_callback(void *block, const void *v, void *hv, int64_t *samples)
{
    absa_refnet_block *b = block;
    *samples = b->net->probe_rows;
    return absa_refnet_block_hvp(b, v, hv);
}

int absa_refnet_block_gnvp_callback(void *block, const void *v, void *gv, int64_t *samples)
{
    absa_refnet_block *b = block;
    *samples = b->net->probe_rows;
    return absa_refnet_block_gnvp(b, v, gv);
}
