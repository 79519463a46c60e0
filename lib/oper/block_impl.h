/* What the files of blocks share: the selection, and where a process's part of it lies. */
#ifndef ABSA_OPER_BLOCK_IMPL_H
#define ABSA_OPER_BLOCK_IMPL_H

#include "linalg/space.h"

#include <absa/block.h>

/* Elements [first, first + count). */
typedef struct absa__run {
    int64_t first, count;
} absa__run;

struct absa_block {
    absa_context *ctx;
    int64_t n;
    absa_block_range *ranges; /* names lead into the bytes below */
    int64_t range_count;
    char *names;
    int64_t name_bytes;
    int64_t layers;
    absa__run *runs; /* selected: ascending, with gaps between them */
    int64_t run_count;
    int64_t selected; /* elements in runs */
};

/* The selected elements of one process: whole is its space, part that of its block vectors, and
 * runs, counted from its first element, lead from one to the other. */
typedef struct absa__block_map {
    absa__space whole, part;
    absa__run *runs;
    int64_t run_count, capacity;
} absa__block_map;

/* Checks that the block fits the space. On failure out is closed. */
absa_status absa__block_map_open(absa_context *ctx, const absa_block *block,
                                 const absa_space *space, absa__block_map *out);
void absa__block_map_close(absa__block_map *map);

/* Writes a block vector into the selected elements of a whole one, and leaves the others. */
absa_status absa__block_scatter(absa__block_map *map, const void *part, void *whole);
absa_status absa__block_gather(absa__block_map *map, const void *whole, void *part);

/* Sets all elements of a whole vector to zero. */
absa_status absa__block_clear(absa__block_map *map, void *whole);

#endif
