/* Vectors of a block: which of a process's elements they hold, and the copies between them and
 * whole vectors, wherever the latter live. */
#include "oper/block_impl.h"

#include "base/fail.h"
#include "base/structs.h"

/* Elements that pass through doubles at a time; exact for both element types. */
enum { STAGE = 512 };

/* The part of a run that lies in [first, first + count); its count is 0 when there is none. */
static absa__run cut(absa__run run, int64_t first, int64_t count)
{
    const int64_t begin = run.first > first ? run.first : first;
    const int64_t run_end = run.first + run.count, end = first + count;
    const int64_t stop = run_end < end ? run_end : end;
    return (absa__run){begin, stop > begin ? stop - begin : 0};
}

static absa_status check(absa_context *ctx, const absa_block *b, const absa_space *s)
{
    if (s->n_global != b->n)
        return absa__fail(ctx, ABSA_E_INVALID,
                          "the block is of %lld parameters, but the space has n_global %lld",
                          (long long)b->n, (long long)s->n_global);
    if (b->selected == 0)
        return absa__fail(ctx, ABSA_E_STATE,
                          "nothing is selected of the block; call absa_block_select() first");
    return ABSA_OK;
}

/* The space of this process's part; whole is checked. */
static void describe(const absa_block *b, const absa_space *whole, absa_space *part)
{
    absa_space_init(part, sizeof *part);
    part->element = whole->element;
    part->distribution = whole->distribution;
    part->n_global = b->selected;
    part->reduce = whole->reduce;
    part->reduce_user = whole->reduce_user;
    for (int64_t i = 0; i < b->run_count; i++) {
        part->first += cut(b->runs[i], 0, whole->first).count;
        part->n += cut(b->runs[i], whole->first, whole->n).count;
    }
}

absa_status absa_block_space(const absa_block *block, const absa_space *space, absa_space *out,
                             size_t size)
{
    absa__space whole;
    absa_space part;
    if (!block)
        return ABSA_E_INVALID;
    if (!out)
        return absa__fail(block->ctx, ABSA_E_INVALID, "absa_block_space: out is NULL");
    absa_status status = absa__space_open(block->ctx, space, &whole);
    if (status)
        return status;
    status = check(block->ctx, block, &whole.given);
    if (!status) {
        describe(block, &whole.given, &part);
        absa__struct_init(out, size, &part, sizeof part);
    }
    absa__space_close(&whole);
    return status;
}

absa_status absa__block_map_open(absa_context *ctx, const absa_block *block,
                                 const absa_space *space, absa__block_map *out)
{
    absa_space part;
    *out = (absa__block_map){.capacity = block->run_count};
    absa_status status = absa__space_open(ctx, space, &out->whole);
    if (status)
        return status;
    const absa_space *whole = &out->whole.given;
    status = check(ctx, block, whole);
    if (!status) {
        describe(block, whole, &part);
        status = absa__space_open(ctx, &part, &out->part);
    }
    if (!status)
        status = absa_context_alloc(ctx, out->capacity, sizeof *out->runs, (void **)&out->runs);
    for (int64_t i = 0; i < block->run_count && !status; i++) {
        const absa__run run = cut(block->runs[i], whole->first, whole->n);
        if (run.count)
            out->runs[out->run_count++] = (absa__run){run.first - whole->first, run.count};
    }
    if (status)
        absa__block_map_close(out);
    return status;
}

void absa__block_map_close(absa__block_map *map)
{
    absa_context_release(map->whole.ctx, map->runs, map->capacity, sizeof *map->runs);
    if (map->part.ctx)
        absa__space_close(&map->part);
    if (map->whole.ctx)
        absa__space_close(&map->whole);
    *map = (absa__block_map){0};
}

static int64_t stage_of(int64_t rest)
{
    return rest < STAGE ? rest : STAGE;
}

absa_status absa__block_scatter(absa__block_map *map, const void *part, void *whole)
{
    int64_t at = 0;
    for (int64_t i = 0; i < map->run_count; i++) {
        const absa__run run = map->runs[i];
        if (!map->whole.given.ops) {
            absa__host_put(&map->whole.shape, run.first, run.count, part, at, whole);
            at += run.count;
            continue;
        }
        for (int64_t k = 0; k < run.count; k += STAGE) {
            double stage[STAGE];
            const int64_t count = stage_of(run.count - k);
            absa__host_read(&map->part.shape, part, at, count, stage);
            const absa_status status =
                absa__vector_write(&map->whole, run.first + k, count, stage, whole);
            if (status)
                return status;
            at += count;
        }
    }
    return ABSA_OK;
}

absa_status absa__block_gather(absa__block_map *map, const void *whole, void *part)
{
    int64_t at = 0;
    for (int64_t i = 0; i < map->run_count; i++) {
        const absa__run run = map->runs[i];
        if (!map->whole.given.ops) {
            absa__host_take(&map->whole.shape, run.first, run.count, whole, at, part);
            at += run.count;
            continue;
        }
        for (int64_t k = 0; k < run.count; k += STAGE) {
            double stage[STAGE];
            const int64_t count = stage_of(run.count - k);
            const absa_status status =
                absa__vector_read(&map->whole, whole, run.first + k, count, stage);
            if (status)
                return status;
            absa__host_write(&map->part.shape, at, count, stage, part);
            at += count;
        }
    }
    return ABSA_OK;
}

absa_status absa__block_clear(absa__block_map *map, void *whole)
{
    static const double zeros[STAGE];
    const int64_t n = map->whole.given.n;
    if (!map->whole.given.ops) {
        absa__host_clear(&map->whole.shape, whole);
        return ABSA_OK;
    }
    for (int64_t at = 0; at < n; at += STAGE) {
        const absa_status status =
            absa__vector_write(&map->whole, at, stage_of(n - at), zeros, whole);
        if (status)
            return status;
    }
    return ABSA_OK;
}

absa_status absa_block_expand(const absa_block *block, const absa_space *space, const void *part,
                              void *whole)
{
    absa__block_map map;
    if (!block)
        return ABSA_E_INVALID;
    if (!part || !whole)
        return absa__fail(block->ctx, ABSA_E_INVALID, "absa_block_expand: %s is NULL",
                          part ? "whole" : "part");
    absa_status status = absa__block_map_open(block->ctx, block, space, &map);
    if (status)
        return status;
    if (map.whole.given.ops && !map.whole.ops.write)
        status = absa__fail(block->ctx, ABSA_E_UNSUPPORTED,
                            "absa_block_expand: the vector table has no write");
    if (!status)
        status = absa__block_clear(&map, whole);
    if (!status)
        status = absa__block_scatter(&map, part, whole);
    absa__block_map_close(&map);
    return status;
}

absa_status absa_block_gather(const absa_block *block, const absa_space *space, const void *whole,
                              void *part)
{
    absa__block_map map;
    if (!block)
        return ABSA_E_INVALID;
    if (!part || !whole)
        return absa__fail(block->ctx, ABSA_E_INVALID, "absa_block_gather: %s is NULL",
                          part ? "whole" : "part");
    absa_status status = absa__block_map_open(block->ctx, block, space, &map);
    if (status)
        return status;
    status = absa__block_gather(&map, whole, part);
    absa__block_map_close(&map);
    return status;
}
