/* A block: the named ranges of the parameters, and the runs of elements that are selected of them.
 * Selections only ever grow, and each call either unites all it means or changes nothing. Vectors
 * of a block are left to block_vectors.c. */
#include "oper/block_impl.h"

#include "base/fail.h"

#include <string.h>

static absa_status check_ranges(absa_context *ctx, int64_t n, const absa_block_range *ranges,
                                int64_t count)
{
    int64_t end = 0;
    for (int64_t i = 0; i < count; i++) {
        const absa_block_range *r = &ranges[i];
        if (!r->name || !*r->name)
            return absa__fail(ctx, ABSA_E_INVALID, "absa_block_range: range %lld has no name",
                              (long long)i);
        if (r->count < 1 || r->first < 0 || r->first > n || r->count > n - r->first)
            return absa__fail(ctx, ABSA_E_INVALID,
                              "absa_block_range: %lld elements of \"%.80s\" from %lld do not lie "
                              "in the %lld parameters, or are none",
                              (long long)r->count, r->name, (long long)r->first, (long long)n);
        if (r->first < end)
            return absa__fail(ctx, ABSA_E_INVALID,
                              "absa_block_range: \"%.80s\" begins at %lld, but \"%.80s\" before it "
                              "ends at %lld; ranges must ascend without overlaps",
                              r->name, (long long)r->first, ranges[i - 1].name, (long long)end);
        if (i > 0 && r->layer < ranges[i - 1].layer)
            return absa__fail(ctx, ABSA_E_INVALID,
                              "absa_block_range: \"%.80s\" is of layer %lld, but \"%.80s\" before "
                              "it of %lld; layers must not descend",
                              r->name, (long long)r->layer, ranges[i - 1].name,
                              (long long)ranges[i - 1].layer);
        end = r->first + r->count;
    }
    return ABSA_OK;
}

static absa_status copy_ranges(absa_block *b, const absa_block_range *ranges, int64_t count)
{
    b->range_count = count;
    absa_status status = absa_context_alloc(b->ctx, count, sizeof *b->ranges, (void **)&b->ranges);
    for (int64_t i = 0; i < count; i++)
        b->name_bytes += (int64_t)strlen(ranges[i].name) + 1;
    if (!status)
        status = absa_context_alloc(b->ctx, b->name_bytes, 1, (void **)&b->names);
    char *to = b->names;
    for (int64_t i = 0; i < count && !status; i++) {
        const size_t size = strlen(ranges[i].name) + 1;
        memcpy(to, ranges[i].name, size);
        b->ranges[i] = ranges[i];
        b->ranges[i].name = to;
        to += size;
        b->layers += i == 0 || ranges[i].layer != ranges[i - 1].layer;
    }
    return status;
}

absa_status absa_block_create(absa_context *context, int64_t n, const absa_block_range *ranges,
                              int64_t range_count, absa_block **out)
{
    absa_block *b;
    if (!out)
        return absa__fail(context, ABSA_E_INVALID, "absa_block_create: out is NULL");
    *out = NULL;
    if (!context || n < 1 || range_count < 0 || (!ranges && range_count))
        return absa__fail(context, ABSA_E_INVALID,
                          "absa_block_create: context or ranges is NULL, or %lld parameters in "
                          "%lld ranges",
                          (long long)n, (long long)range_count);
    absa_status status = check_ranges(context, n, ranges, range_count);
    if (!status)
        status = absa__new(context, absa_block, &b);
    if (status)
        return status;
    b->ctx = absa_context_retain(context);
    b->n = n;
    status = copy_ranges(b, ranges, range_count);
    if (status)
        absa_block_destroy(&b);
    *out = b;
    return status;
}

void absa_block_destroy(absa_block **block)
{
    if (!block || !*block)
        return;
    absa_block *b = *block;
    absa_context *ctx = b->ctx;
    *block = NULL;
    absa_context_release(ctx, b->runs, b->run_count, sizeof *b->runs);
    absa_context_release(ctx, b->names, b->name_bytes, 1);
    absa_context_release(ctx, b->ranges, b->range_count, sizeof *b->ranges);
    absa_context_release(ctx, b, 1, sizeof *b);
    absa_context_destroy(&ctx);
}

int64_t absa_block_count(const absa_block *block)
{
    return block ? block->selected : 0;
}

int64_t absa_block_parameter_count(const absa_block *block)
{
    return block ? block->n : 0;
}

int64_t absa_block_piece_count(const absa_block *block)
{
    return block ? block->run_count : 0;
}

absa_status absa_block_piece_at(const absa_block *block, int64_t index, absa_block_range *piece)
{
    if (!block || !piece || index < 0 || index >= block->run_count)
        return absa__fail(block ? block->ctx : NULL, ABSA_E_INVALID,
                          "absa_block_piece_at: piece %lld of %lld, or a NULL", (long long)index,
                          (long long)absa_block_piece_count(block));
    *piece = (absa_block_range){NULL, block->runs[index].first, block->runs[index].count, 0};
    return ABSA_OK;
}

int64_t absa_block_layer_count(const absa_block *block)
{
    return block ? block->layers : 0;
}

absa_status absa_block_layer_at(const absa_block *block, int64_t index, absa_block_range *layer)
{
    if (!block || !layer || index < 0 || index >= block->layers)
        return absa__fail(block ? block->ctx : NULL, ABSA_E_INVALID,
                          "absa_block_layer_at: layer %lld of %lld, or a NULL", (long long)index,
                          (long long)absa_block_layer_count(block));
    int64_t begin = 0;
    for (int64_t left = index; left > 0; begin++)
        left -= block->ranges[begin + 1].layer != block->ranges[begin].layer;
    int64_t end = begin;
    while (end < block->range_count && block->ranges[end].layer == block->ranges[begin].layer)
        end++;
    const absa_block_range *last = &block->ranges[end - 1];
    *layer = block->ranges[begin];
    layer->count = last->first + last->count - layer->first;
    return ABSA_OK;
}
