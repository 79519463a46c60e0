/* Philox4x32-10 and the uniform and normal sequences made from it. Pure functions; which seed and
 * stream a use takes is left to the caller.
 *
 * A block of pairs is worked on array by array, in loops that compilers turn into vector
 * instructions. Logarithm, sine and cosine are polynomials here rather than the C library's: they
 * can be part of such loops, and the sequence is the same bits under every C library. */
#include <absa/random.h>

#include "base/processor.h"

#include <math.h>
#include <string.h>

enum { PAIRS = 64, ROUNDS = 10 };

static const uint32_t WEYL[2] = {0x9E3779B9u, 0xBB67AE85u};

static inline void philox_round(uint32_t k0, uint32_t k1, uint32_t *c0, uint32_t *c1, uint32_t *c2,
                                uint32_t *c3)
{
    const uint64_t p0 = (uint64_t)0xD2511F53u * *c0;
    const uint64_t p1 = (uint64_t)0xCD9E8D57u * *c2;
    *c0 = (uint32_t)(p1 >> 32) ^ *c1 ^ k0;
    *c1 = (uint32_t)p1;
    *c2 = (uint32_t)(p0 >> 32) ^ *c3 ^ k1;
    *c3 = (uint32_t)p0;
}

void absa_random_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4])
{
    uint32_t c[4] = {counter[0], counter[1], counter[2], counter[3]};
    for (uint32_t round = 0; round < ROUNDS; round++)
        philox_round(key[0] + round * WEYL[0], key[1] + round * WEYL[1], c, c + 1, c + 2, c + 3);
    memcpy(out, c, sizeof c);
}

/* (top 53 bits of the word + 0.5) 2^-53: by way of halves that a double takes from an int. */
static inline double uniform_of(uint32_t low, uint32_t high)
{
    const double top = (double)(int32_t)(high ^ 0x80000000u) + 0x1p31;
    return (top * 0x1p21 + (double)(int32_t)(low >> 11) + 0.5) * 0x1p-53;
}

/* log x for a normal x in (0, 2): x = 2^k m with m in [sqrt(1/2), sqrt(2)), s = (m - 1) / (m + 1),
 * log m = 2 artanh s = s (2 + s^2 L(s^2)), L by interpolation at Chebyshev nodes to 2^-54. */
static inline double log_of(double x)
{
    static const uint64_t root_half = 0x3FE6A09E667F3BCDu;
    uint64_t bits, number;
    double m, k;
    memcpy(&bits, &x, sizeof bits);
    const uint64_t raised = (bits - root_half + ((uint64_t)1024 << 52)) >> 52;
    bits -= (raised - 1024) << 52;
    /* The number in the last bits of 2^52: a conversion that all processors have. */
    number = raised | 0x4330000000000000u;
    memcpy(&m, &bits, sizeof m);
    memcpy(&k, &number, sizeof k);
    k -= 0x1p52 + 1024.0;
    const double s = (m - 1.0) / (m + 1.0), z = s * s;
    double p = 0x1.0c04595972ab8p-3;
    p = p * z + 0x1.0fbe83c2cbcf3p-3;
    p = p * z + 0x1.3b1c360763b8ap-3;
    p = p * z + 0x1.745cf901605f7p-3;
    p = p * z + 0x1.c71c720160b47p-3;
    p = p * z + 0x1.2492492476c87p-2;
    p = p * z + 0x1.9999999999a38p-2;
    p = p * z + 0x1.5555555555555p-1;
    return k * 0x1.62e42fefa39efp-1 + (s * z * p + 2.0 * s);
}

/* sin and 1 - cos of pi v / 2, over v and v^2, for w = v^2 up to 1/4; to 2^-54. */
static inline double sine_over(double w)
{
    double p = 0x1.e3f30116690b2p-25;
    p = p * w + -0x1.e3007048c4be0p-19;
    p = p * w + 0x1.50782fd8a398ep-13;
    p = p * w + -0x1.32d2cce2e45acp-8;
    p = p * w + 0x1.466bc677587e6p-4;
    p = p * w + -0x1.4abbce625be41p-1;
    return p * w + 0x1.921fb54442d18p+0;
}

static inline double versine_over(double w)
{
    double p = 0x1.b2f38468445b5p-28;
    p = p * w + -0x1.f9ce23426c0b7p-22;
    p = p * w + 0x1.a6d1eef358ff6p-16;
    p = p * w + -0x1.e1f5068687c82p-11;
    p = p * w + 0x1.55d3c7e3cb23ap-6;
    p = p * w + -0x1.03c1f081b5ac0p-2;
    return p * w + 0x1.3bd3cc9be45dep+0;
}

/* Box and Muller; the angle is a quarter turns and v of one, -1/2 <= v <= 1/2. */
static inline void normal_of(double u1, double u2, double *even, double *odd)
{
    const double turns = 4.0 * u2;
    const int32_t a = (int32_t)(turns + 0.5);
    const double v = turns - (double)a, w = v * v;
    const double s = v * sine_over(w), c = 1.0 - w * versine_over(w);
    const double r = sqrt(-2.0 * log_of(u1));
    const double across = (a & 1) != 0 ? s : c, up = (a & 1) != 0 ? c : s;
    *even = r * across * (double)(1 - ((a + 1) & 2));
    *odd = r * up * (double)(1 - (a & 2));
}

/* The uniforms of elements 2 first to 2 (first + n) - 1, even and odd ones apart. */
static inline ABSA__ALWAYS_INLINE void uniform_block(uint64_t seed, uint64_t stream, uint64_t first,
                                                     int64_t n, double *even, double *odd)
{
    uint32_t w[4][PAIRS];
    for (int64_t i = 0; i < n; i++) {
        w[0][i] = (uint32_t)(first + (uint64_t)i);
        w[1][i] = (uint32_t)((first + (uint64_t)i) >> 32);
        w[2][i] = (uint32_t)stream;
        w[3][i] = (uint32_t)(stream >> 32);
    }
    for (uint32_t round = 0; round < ROUNDS; round++) {
        const uint32_t k0 = (uint32_t)seed + round * WEYL[0];
        const uint32_t k1 = (uint32_t)(seed >> 32) + round * WEYL[1];
        for (int64_t i = 0; i < n; i++)
            philox_round(k0, k1, &w[0][i], &w[1][i], &w[2][i], &w[3][i]);
    }
    for (int64_t i = 0; i < n; i++) {
        even[i] = uniform_of(w[0][i], w[1][i]);
        odd[i] = uniform_of(w[2][i], w[3][i]);
    }
}

typedef void block_fn(uint64_t seed, uint64_t stream, uint64_t first, int64_t n, double *even,
                      double *odd);

static inline ABSA__ALWAYS_INLINE void normal_block(uint64_t seed, uint64_t stream, uint64_t first,
                                                    int64_t n, double *even, double *odd)
{
    double u1[PAIRS], u2[PAIRS];
    uniform_block(seed, stream, first, n, u1, u2);
    for (int64_t i = 0; i < n; i++)
        normal_of(u1[i], u2[i], &even[i], &odd[i]);
}

static void uniform_plain(uint64_t seed, uint64_t stream, uint64_t first, int64_t n, double *even,
                          double *odd)
{
    uniform_block(seed, stream, first, n, even, odd);
}

static void normal_plain(uint64_t seed, uint64_t stream, uint64_t first, int64_t n, double *even,
                         double *odd)
{
    normal_block(seed, stream, first, n, even, odd);
}

/* The same operations on more numbers at once: the same bits. */
ABSA__WIDE static void normal_wide(uint64_t seed, uint64_t stream, uint64_t first, int64_t n,
                                   double *even, double *odd)
{
    normal_block(seed, stream, first, n, even, odd);
}

/* Walks [first, first + count) block by block; out gets doubles, or single what they round to. */
static void fill(block_fn *block, uint64_t seed, uint64_t stream, int64_t first, int64_t count,
                 double *out, float *single)
{
    double even[PAIRS] = {0.0}, odd[PAIRS] = {0.0};
    for (int64_t at = 0; at < count;) {
        const int64_t index = first + at, side = index % 2;
        const int64_t left = (count - at + side + 1) / 2, n = left < PAIRS ? left : PAIRS;
        block(seed, stream, (uint64_t)index / 2, n, even, odd);
        const int64_t end = 2 * n < count - at + side ? 2 * n : count - at + side;
        if (side == 0 && end == 2 * n && out)
            for (int64_t i = 0; i < n; i++) {
                out[at + 2 * i] = even[i];
                out[at + 2 * i + 1] = odd[i];
            }
        else if (side == 0 && end == 2 * n)
            for (int64_t i = 0; i < n; i++) {
                single[at + 2 * i] = (float)even[i];
                single[at + 2 * i + 1] = (float)odd[i];
            }
        else
            for (int64_t i = side; i < end; i++) {
                const double x = i % 2 == 0 ? even[i / 2] : odd[i / 2];
                if (out)
                    out[at + i - side] = x;
                else
                    single[at + i - side] = (float)x;
            }
        at += end - side;
    }
}

static block_fn *normals(void)
{
    return absa__has_wide() ? normal_wide : normal_plain;
}

void absa_random_uniform(uint64_t seed, uint64_t stream, int64_t first, int64_t count, double *out)
{
    fill(uniform_plain, seed, stream, first, count, out, NULL);
}

void absa_random_gaussian_f64(uint64_t seed, uint64_t stream, int64_t first, int64_t count,
                              double *out)
{
    fill(normals(), seed, stream, first, count, out, NULL);
}

void absa_random_gaussian_f32(uint64_t seed, uint64_t stream, int64_t first, int64_t count,
                              float *out)
{
    fill(normals(), seed, stream, first, count, NULL, out);
}
