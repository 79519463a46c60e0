/** @file
 * Vectors: where they live, what the library may do with them, and how processes share them.
 *
 * A *space* describes one kind of vector: element type, length, and, when the library cannot reach
 * the memory (a GPU, a framework's tensors), a table of operations. A vector itself is a `void *`
 * whose meaning the space fixes:
 *
 * | space                    | a vector is                                                        |
 * |--------------------------|--------------------------------------------------------------------|
 * | host memory (ops NULL)   | a pointer to n contiguous float or double                          |
 * | host memory, segments    | a pointer to segment_count absa_segment, lengths as in the space   |
 * | ops set                  | whatever ops->alloc returns                                        |
 */
#ifndef ABSA_VECTOR_H
#define ABSA_VECTOR_H

#include <absa/status.h>

ABSA_BEGIN_DECLS

/** Element type of a space. Scalars that decide are doubles whatever the element type. */
enum absa_element {
    /** IEEE single precision. */
    ABSA_ELEMENT_F32 = 0,
    /** IEEE double precision. */
    ABSA_ELEMENT_F64 = 1
};

/** How processes share a vector. */
enum absa_distribution {
    /** One process, or several that know nothing of each other. */
    ABSA_DISTRIBUTION_NONE = 0,
    /** Each process holds a part of every vector: dot products are summed over processes, the
     * host's product is not. */
    ABSA_DISTRIBUTION_SHARDED = 1,
    /** Each process holds every vector whole, and a part of the probe batch: the product is summed
     * over processes, weighted by samples; dot products are not. */
    ABSA_DISTRIBUTION_REPLICATED = 2
};

/** One piece of a vector in host memory that is stored in pieces (a network's layers, say). */
typedef struct absa_segment {
    void *data;     /**< length elements of the space's type; NULL only when length is 0 */
    int64_t length; /**< elements */
} absa_segment;

/**
 * Sum @p count doubles over all processes, in place; every process gets the same bits.
 *
 * Called by every process the same number of times in the same order, also when one of them has
 * failed (the library carries the failure inside the sum), so that nobody hangs.
 *
 * @param user    absa_space::reduce_user
 * @param values  in: this process's numbers; out: the sums
 * @param count   at most 64
 * @return 0, or anything else to stop the run
 */
typedef int (*absa_reduce_fn)(void *user, double *values, int64_t count);

/**
 * Operations on vectors that the library cannot touch. Copied; grows only at its end.
 *
 * The first five are required. An optional one may be NULL; a feature that needs it then answers
 * ABSA_E_UNSUPPORTED at creation. Every operation returns 0, or anything else to stop the run with
 * ABSA_E_CALLBACK. All vectors that the library passes come from alloc, except those that the host
 * itself passes to a call.
 */
typedef struct absa_vector_ops {
    size_t struct_size; /**< sizeof(absa_vector_ops) */
    /** Make a vector of the space; its contents may be anything. */
    int (*alloc)(void *user, void **out);
    /** Release what alloc made. */
    void (*release)(void *user, void *v);
    /** y = a x + b y. When b is 0, y must not be read (it may hold NaN). x and y differ. */
    int (*axpby)(void *user, double a, const void *x, double b, void *y);
    /** out[i] = x[i]'y over the local elements, accumulated in double, for i < count <= 64. The
     * order of the sum must not change between calls. An x[i] may be y itself. */
    int (*dots)(void *user, int64_t count, const void *const *x, const void *y, double *out);
    /** y[i] = element i of the normal sequence (seed, stream) of absa/random.h, i counted from the
     * first *global* element, so that the result does not depend on shards or devices. */
    int (*gaussian)(void *user, uint64_t seed, uint64_t stream, void *y);
    /** Optional: y = b y + sum a[i] x[i] in one pass, and, where square is not NULL, the local y'y
     * of the result as stored, accumulated in double. b = 0 must not read y. No x[i] is y. */
    int (*combine)(void *user, int64_t count, const double *a, const void *const *x, double b,
                   void *y, double *square);
    /** Optional: copy elements [first, first + count) of the local part to host memory. Needed by
     * save. */
    int (*read)(void *user, const void *x, int64_t first, int64_t count, double *out);
    /** Optional: the reverse of read. Needed by load. */
    int (*write)(void *user, int64_t first, int64_t count, const double *in, void *y);
} absa_vector_ops;

/**
 * A space of vectors. Fill with absa_space_init() or absa_space_host(); then change fields.
 *
 * Functions that take a space copy it (segment lengths and ops included); users outlive the
 * handles that were made from it.
 */
typedef struct absa_space {
    size_t struct_size;         /**< sizeof(absa_space) */
    int32_t element;            /**< one of enum absa_element */
    int32_t distribution;       /**< one of enum absa_distribution */
    int64_t n;                  /**< elements that this process holds; 0 only when sharded */
    int64_t n_global;           /**< elements in all; n unless sharded */
    int64_t first;              /**< global index of the first local element; 0 unless sharded */
    const int64_t *segments;    /**< lengths that add up to n, or NULL for contiguous vectors */
    int64_t segment_count;      /**< lengths in segments; 0 when segments is NULL */
    const absa_vector_ops *ops; /**< NULL: host memory, handled by the library */
    void *ops_user;             /**< handed to ops */
    absa_reduce_fn reduce;      /**< required unless distribution is NONE */
    void *reduce_user;          /**< handed to reduce */
} absa_space;

/**
 * Fill @p space with zeros and defaults: no elements, f32, one process, host memory.
 *
 * @param space  struct of the caller
 * @param size   sizeof *space as the caller was compiled
 *
 * Threads: any. Since 0.1.
 */
ABSA_API void absa_space_init(absa_space *space, size_t size);

/**
 * Fill @p space for contiguous vectors of @p n elements in host memory, one process.
 *
 * @param space    struct of the caller
 * @param size     sizeof *space as the caller was compiled
 * @param element  one of enum absa_element
 * @param n        elements, at least 1 (checked when the space is used)
 *
 * Threads: any. Since 0.1.
 */
ABSA_API void absa_space_host(absa_space *space, size_t size, int32_t element, int64_t n);

ABSA_END_DECLS

#endif
