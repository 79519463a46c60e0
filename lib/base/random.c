/* Philox4x32-10 and the uniform and normal sequences made from it. Pure functions; which seed and
 * stream a use takes is left to the caller. */
#include <absa/random.h>

#include <math.h>

static const double PI = 3.14159265358979323846;

void absa_random_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4])
{
    uint32_t k0 = key[0], k1 = key[1];
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    for (int round = 0; round < 10; round++) {
        const uint64_t p0 = (uint64_t)0xD2511F53u * c0;
        const uint64_t p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* The two uniforms of elements 2 pair and 2 pair + 1. */
static void uniform_pair(uint64_t seed, uint64_t stream, uint64_t pair, double u[2])
{
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t w[4] = {(uint32_t)pair, (uint32_t)(pair >> 32), (uint32_t)stream,
                     (uint32_t)(stream >> 32)};
    absa_random_philox(key, w, w);
    for (int i = 0; i < 2; i++) {
        const uint64_t word = (uint64_t)w[2 * i] | (uint64_t)w[2 * i + 1] << 32;
        u[i] = ((double)(word >> 11) + 0.5) * 0x1p-53;
    }
}

static void gaussian_pair(uint64_t seed, uint64_t stream, uint64_t pair, double g[2])
{
    double u[2];
    uniform_pair(seed, stream, pair, u);
    const double r = sqrt(-2.0 * log(u[0]));
    g[0] = r * cos(2.0 * PI * u[1]);
    g[1] = r * sin(2.0 * PI * u[1]);
}

/* Walks [first, first + count) pair by pair. */
static void fill(void (*pair_of)(uint64_t, uint64_t, uint64_t, double[2]), uint64_t seed,
                 uint64_t stream, int64_t first, int64_t count, double *out)
{
    double x[2];
    for (int64_t at = 0; at < count;) {
        const uint64_t index = (uint64_t)(first + at);
        pair_of(seed, stream, index / 2, x);
        for (uint64_t side = index % 2; side < 2 && at < count; side++)
            out[at++] = x[side];
    }
}

void absa_random_uniform(uint64_t seed, uint64_t stream, int64_t first, int64_t count, double *out)
{
    fill(uniform_pair, seed, stream, first, count, out);
}

void absa_random_gaussian_f64(uint64_t seed, uint64_t stream, int64_t first, int64_t count,
                              double *out)
{
    fill(gaussian_pair, seed, stream, first, count, out);
}

void absa_random_gaussian_f32(uint64_t seed, uint64_t stream, int64_t first, int64_t count,
                              float *out)
{
    enum { CHUNK = 256 };
    double x[CHUNK];
    for (int64_t at = 0; at < count; at += CHUNK) {
        const int64_t length = count - at < CHUNK ? count - at : CHUNK;
        fill(gaussian_pair, seed, stream, first + at, length, x);
        for (int64_t i = 0; i < length; i++)
            out[at + i] = (float)x[i];
    }
}
