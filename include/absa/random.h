/** @file
 * The counter-based generator behind start vectors, probes and selections.
 *
 * Element i of the sequence (seed, stream) is a pure function of the three numbers: no state, any
 * order, any split over threads, devices or processes gives the same values. A host that keeps its
 * vectors elsewhere fills them by the same formula (absa_vector_ops::gaussian).
 *
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11)
 * with key = seed and counter = (i / 2, stream), each a 64-bit word whose low half comes first. Its
 * four outputs make two 64-bit words w1, w2, low half first.
 *
 * Uniform: u = (top 53 bits of w + 0.5) * 2^-53, in double: above 0 and at most 1; w1 for even i,
 * w2 for odd i. Normal, by Box and Muller: r = sqrt(-2 log u1), r cos(2 pi u2) for even i and
 * r sin(2 pi u2) for odd i, in double, rounded once to the element type. The library computes them
 * to 4e-16 r, by operations that every IEEE processor rounds the same: its bits do not depend on
 * the C library, the compiler or the width of vector instructions.
 */
#ifndef ABSA_RANDOM_H
#define ABSA_RANDOM_H

#include <absa/export.h>

ABSA_BEGIN_DECLS

/**
 * Compute one block of Philox4x32-10.
 *
 * @param key      two words
 * @param counter  four words
 * @param[out] out four words; may be counter itself. Threads: any. Since 0.1.
 */
ABSA_API void absa_random_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4]);

/**
 * Fill @p out with elements [first, first + count) of the uniform sequence (seed, stream).
 *
 * @param seed    chosen by the user, never derived from data
 * @param stream  names the use: sequences of different streams are independent
 * @param first   index of the first element, at least 0
 * @param count   elements, at least 0
 * @param[out] out count doubles in (0, 1]. Threads: any. Since 0.1.
 */
ABSA_API void absa_random_uniform(uint64_t seed, uint64_t stream, int64_t first, int64_t count,
                                  double *out);

/**
 * Fill @p out with elements [first, first + count) of the standard normal sequence (seed, stream).
 *
 * Parameters as for absa_random_uniform(). Threads: any. Since 0.1.
 */
ABSA_API void absa_random_gaussian_f64(uint64_t seed, uint64_t stream, int64_t first, int64_t count,
                                       double *out);

/** absa_random_gaussian_f64(), each value rounded to single precision. Since 0.1. */
ABSA_API void absa_random_gaussian_f32(uint64_t seed, uint64_t stream, int64_t first, int64_t count,
                                       float *out);

ABSA_END_DECLS

#endif
