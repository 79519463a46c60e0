/** @file
 * Blocks: the Hessian of some of the parameters only, those of the last layers, say.
 *
 * A host names the ranges of its parameter vector once and selects some of them; the restricted
 * operator is the sub-matrix of rows and columns that are selected. It has the block's own
 * dimension m: start vectors, probes and bounds count m unknowns, so no eigenvalue 0 of parameters
 * that were left out can appear. For the largest eigenvalue interlacing holds: a block's never
 * exceeds the whole Hessian's, and it never falls when parameters join the block.
 *
 * ```c
 * absa_block_create(ctx, n, ranges, range_count, &block);
 * absa_block_select(block, "last:2");
 * absa_operator_from_block(op, block, &part);   // any host: a whole product for each of part's
 * absa_block_space(block, &space, &part_space, sizeof part_space);
 * absa_eigen_create(ctx, &part_space, &options, &eigen);
 * absa_eigen_run(eigen, part, NULL, &result);
 * ```
 *
 * A host that can stop backpropagation at the first selected parameter has a cheaper way: it hands
 * a product of its own on the space of absa_block_space() to absa_operator_from_hvp().
 */
#ifndef ABSA_BLOCK_H
#define ABSA_BLOCK_H

#include <absa/eigen.h>
#include <absa/operator.h>

ABSA_BEGIN_DECLS

/** Named ranges of the parameters, and what is selected of them. One thread at a time. */
typedef struct absa_block absa_block;

/** A named range of the parameters. Passed in arrays, so it never grows. */
typedef struct absa_block_range {
    const char *name; /**< the parameter's name, such as "conv1.weight" */
    int64_t first;    /**< global index of its first element */
    int64_t count;    /**< elements, at least 1 */
    int64_t layer;    /**< number of the layer it belongs to: any, but never less than the range
                           before has; all ranges of a layer carry the same one */
} absa_block_range;

/**
 * Make a selection over @p n parameters; nothing is selected yet.
 *
 * @param context  the context
 * @param n        parameters in all (of all processes), at least 1
 * @param ranges   in the order of the parameters, without overlaps; parameters between them have
 *                 no name. Copied, with the names. NULL when range_count is 0
 * @param range_count  ranges, 0 or more
 * @param[out] out the selection, NULL on failure; the caller destroys it
 * @retval ABSA_E_INVALID  a NULL, or a range that is empty, out of the parameters, out of order,
 *                         overlapping or without a name; the message says which
 * @retval ABSA_E_MEMORY   no memory
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_block_create(absa_context *context, int64_t n,
                                       const absa_block_range *ranges, int64_t range_count,
                                       absa_block **out);

/** Destroy the selection and set the pointer to NULL; NULL is accepted. Since 0.1. */
ABSA_API void absa_block_destroy(absa_block **block);

/** @name Selecting
 * Each call adds to what is selected: selections unite, and what is selected twice counts once. On
 * failure nothing is changed. Common answers: ABSA_E_INVALID (the message says what would be
 * right), ABSA_E_MEMORY.
 * @{ */

/** Select elements [first, first + count), at least one of them. Since 0.1. */
ABSA_API absa_status absa_block_select_range(absa_block *block, int64_t first, int64_t count);

/**
 * Select the ranges of the last layers.
 *
 * @param block   the selection
 * @param layers  how many layers, 1 to absa_block_layer_count(). Since 0.1.
 */
ABSA_API absa_status absa_block_select_layers(absa_block *block, int64_t layers);

/**
 * Select all ranges whose names match a pattern: `*` stands for any characters, also none and also
 * dots and slashes, `?` for any one, everything else for itself (brackets too).
 *
 * @param block    the selection
 * @param pattern  must match the whole name
 * @retval ABSA_E_INVALID  no name matches. Since 0.1.
 */
ABSA_API absa_status absa_block_select_name(absa_block *block, const char *pattern);

/**
 * Select the fewest last layers that together hold at least a share of the parameters.
 *
 * @param block  the selection
 * @param share  of n, above 0 and at most 1
 * @retval ABSA_E_INVALID  share is out of range, or all layers together hold less. Since 0.1.
 */
ABSA_API absa_status absa_block_select_share(absa_block *block, double share);

/**
 * Select by a text, as programs take it from their users: one or more of these, with commas
 * between them.
 *
 * | text                | selects                              |
 * |---------------------|--------------------------------------|
 * | `full`              | all n parameters                     |
 * | `last:K`            | absa_block_select_layers()           |
 * | `share:S`           | absa_block_select_share()            |
 * | `range:FIRST+COUNT` | absa_block_select_range()            |
 * | anything else       | absa_block_select_name()             |
 *
 * @param block  the selection
 * @param text   for example "last:2", "share:1/3" or "conv1.*,dense*.bias"; S is a number or a
 *               fraction. Since 0.1.
 */
ABSA_API absa_status absa_block_select(absa_block *block, const char *text);

/** @} */

/** Return how many parameters are selected, m. 0 for NULL. Since 0.1. */
ABSA_API int64_t absa_block_count(const absa_block *block);

/** Return the number of parameters in all, n. 0 for NULL. Since 0.1. */
ABSA_API int64_t absa_block_parameter_count(const absa_block *block);

/** Return how many runs of neighbours the selected parameters form. 0 for NULL. Since 0.1. */
ABSA_API int64_t absa_block_piece_count(const absa_block *block);

/**
 * Describe one run of selected parameters: the block's vectors hold them one after another.
 *
 * @param block       the selection
 * @param index       0 to absa_block_piece_count() - 1, in ascending order
 * @param[out] piece  first and count; name is NULL and layer 0
 * @retval ABSA_E_INVALID  a NULL, or an index outside the range
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_block_piece_at(const absa_block *block, int64_t index,
                                         absa_block_range *piece);

/** Return how many layers the ranges form. 0 for NULL. Since 0.1. */
ABSA_API int64_t absa_block_layer_count(const absa_block *block);

/**
 * Describe one layer: what absa_block_eigenvalues() takes.
 *
 * @param block       the selection; what is selected does not matter
 * @param index       0 to absa_block_layer_count() - 1
 * @param[out] layer  from the first element of its first range to the last of its last one; name is
 *                    that of its first range, and lives as long as the selection
 * @retval ABSA_E_INVALID  a NULL, or an index outside the range
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_block_layer_at(const absa_block *block, int64_t index,
                                         absa_block_range *layer);

/**
 * Describe the space of the block's vectors: host memory, contiguous, as many elements as this
 * process has selected ones.
 *
 * @param block       the selection; something must be selected
 * @param space       the space of whole vectors, n_global = absa_block_parameter_count(). Element
 *                    type, distribution and reduction are taken over. Of sharded vectors, each
 *                    process's block vector holds the selected ones among its own elements
 * @param[out] out    struct of the caller
 * @param size        sizeof *out as the caller was compiled
 * @retval ABSA_E_INVALID  a NULL, or a space of another length
 * @retval ABSA_E_STATE    nothing is selected
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_block_space(const absa_block *block, const absa_space *space,
                                      absa_space *out, size_t size);

/**
 * Expand a vector of the block to a whole one, with zeros where nothing is selected: an eigenvector
 * of the block then points into the space of all parameters.
 *
 * @param block      the selection
 * @param space      the space of whole vectors
 * @param part       vector of absa_block_space()
 * @param[out] whole vector of @p space
 * @retval ABSA_E_UNSUPPORTED  the space's vector table has no write
 * @retval ABSA_E_CALLBACK     its write failed; whole holds anything
 *
 * Other answers as absa_block_space(). Since 0.1.
 */
ABSA_API absa_status absa_block_expand(const absa_block *block, const absa_space *space,
                                       const void *part, void *whole);

/**
 * Gather the selected elements of a whole vector: the reverse of absa_block_expand(). A hint for
 * the block's estimator can be made of a whole eigenvector this way.
 *
 * @param block      the selection
 * @param space      the space of whole vectors
 * @param whole      vector of @p space
 * @param[out] part  vector of absa_block_space()
 * @retval ABSA_E_UNSUPPORTED  the space's vector table has no read
 * @retval ABSA_E_CALLBACK     its read failed; part holds anything
 *
 * Other answers as absa_block_space(). Since 0.1.
 */
ABSA_API absa_status absa_block_gather(const absa_block *block, const absa_space *space,
                                       const void *whole, void *part);

/**
 * Restrict an operator to a block: y = (H expand(x)) gathered, of dimension m, on the space of
 * absa_block_space(). Works for any operator; each product costs one of the whole one.
 *
 * @param base     the operator of all parameters; outlives the new one, and must not be used
 *                 while that computes
 * @param block    what is selected is copied; may be destroyed afterwards
 * @param[out] out the operator, NULL on failure; the caller destroys it
 * @retval ABSA_E_INVALID      a NULL, or a block over another number of parameters
 * @retval ABSA_E_STATE        nothing is selected
 * @retval ABSA_E_UNSUPPORTED  the base's vector table has no read, or no write; the message says
 *                             which. With both, the block's vectors are still in host memory
 * @retval ABSA_E_MEMORY       no memory: two whole vectors are kept
 *
 * Since 0.1.
 */
ABSA_API absa_status absa_operator_from_block(absa_operator *base, const absa_block *block,
                                              absa_operator **out);

/**
 * Measure the extreme eigenvalues of several diagonal blocks in one call: layer by layer, say, with
 * the ranges of absa_block_layer_at().
 *
 * @param base     the operator of all parameters
 * @param ranges   what each block is; names and layers do not matter, and blocks may overlap
 * @param count    blocks, at least 1
 * @param options  as for absa_eigen_create(); NULL for the defaults
 * @param stream   random stream of the first block; block i takes stream + i
 * @param[out] results  count structs, written up to stride each, struct_size included; on failure
 *                 those before the failing block hold their results
 * @param stride   bytes from one result to the next: sizeof *results as the caller was compiled
 * @return as absa_operator_from_block(), absa_eigen_create() and absa_eigen_run(); the message
 *         begins with the block's index
 *
 * Takes memory for one block at a time and releases it. Costs whole products: a host with a cheaper
 * product for each block calls absa_eigen_run() block by block. Since 0.1.
 */
ABSA_API absa_status absa_block_eigenvalues(absa_operator *base, const absa_block_range *ranges,
                                            int64_t count, const absa_eigen_options *options,
                                            uint64_t stream, absa_eigen_result *results,
                                            size_t stride);

ABSA_END_DECLS

#endif
