/* The counter-based generator: known answers, independence of the split, moments. */
#include <absa/random.h>

#include <criterion/criterion.h>
#include <math.h>

/* Known answers of the authors' distribution (Random123, kat_vectors, philox4x32 with 10 rounds).
 */
Test(random, philox_gives_the_known_answers)
{
    static const struct {
        uint32_t counter[4], key[2], want[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        uint32_t out[4];
        absa_random_philox(known[i].key, known[i].counter, out);
        for (int j = 0; j < 4; j++)
            cr_assert_eq(out[j], known[i].want[j], "vector %zu word %d", i, j);
    }
}

/* The formula of the header, written a second time for one pair. */
Test(random, the_sequence_is_the_documented_function_of_philox)
{
    const uint64_t seed = 0x123456789ABCDEFull, stream = 0xFEDCBA987654321ull;
    const int64_t index = 0x200000007ll;
    const uint64_t pair = (uint64_t)index / 2;
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    const uint32_t counter[4] = {(uint32_t)pair, (uint32_t)(pair >> 32), (uint32_t)stream,
                                 (uint32_t)(stream >> 32)};
    uint32_t w[4];
    absa_random_philox(key, counter, w);
    const double u1 = ((double)(((uint64_t)w[1] << 32 | w[0]) >> 11) + 0.5) / 9007199254740992.0;
    const double u2 = ((double)(((uint64_t)w[3] << 32 | w[2]) >> 11) + 0.5) / 9007199254740992.0;
    double u[2], g[2];
    absa_random_uniform(seed, stream, index - 1, 2, u);
    absa_random_gaussian_f64(seed, stream, index - 1, 2, g);
    const double r = sqrt(-2.0 * log(u1)), angle = 2.0 * 3.14159265358979323846 * u2;
    cr_assert_eq(u[0], u1);
    cr_assert_eq(u[1], u2);
    cr_assert_float_eq(g[0], r * cos(angle), 4e-16 * r);
    cr_assert_float_eq(g[1], r * sin(angle), 4e-16 * r);
}

/* Against the formula in extended precision, whose own error is nothing beside a double's. Two
 * polynomials to 2^-54 and the roundings around them leave 4e-16, times r; |log u| comes near 0 in
 * a few of these, where only relative precision will do. */
Test(random, normals_are_the_formula_to_the_last_digits)
{
    enum { N = 1 << 17, SEED = 11, STREAM = 4 };
    static double u[N], g[N];
    const long double pi = 3.14159265358979323846264338327950288L;
    absa_random_uniform(SEED, STREAM, 0, N, u);
    absa_random_gaussian_f64(SEED, STREAM, 0, N, g);
    double least = 1.0;
    /* Where long double is no more than double, as in valgrind, there is nothing to compare with.
     */
    const volatile long double one = 1.0L, beyond = 0x1p-60L;
    if (one + beyond == one)
        return;
    for (int i = 0; i < N; i += 2) {
        const long double r = sqrtl(-2.0L * logl((long double)u[i]));
        const long double angle = 2.0L * pi * (long double)u[i + 1];
        const double bound = 4e-16 * (double)r;
        cr_assert_float_eq((double)((long double)g[i] - r * cosl(angle)), 0.0, bound, "%d", i);
        cr_assert_float_eq((double)((long double)g[i + 1] - r * sinl(angle)), 0.0, bound, "%d", i);
        least = fmin(least, 1.0 - u[i]);
    }
    cr_assert_lt(least, 1e-4, "no u near 1");
}

Test(random, any_split_gives_the_same_elements)
{
    enum { N = 1000 };
    double whole[N], part[N];
    float single[N];
    absa_random_gaussian_f64(5, 9, 3, N, whole);
    for (int64_t cut = 1; cut < N; cut += 37) {
        absa_random_gaussian_f64(5, 9, 3, cut, part);
        absa_random_gaussian_f64(5, 9, 3 + cut, N - cut, part + cut);
        for (int i = 0; i < N; i++)
            cr_assert_eq(part[i], whole[i]);
    }
    absa_random_gaussian_f32(5, 9, 3, N, single);
    for (int i = 0; i < N; i++)
        cr_assert_eq(single[i], (float)whole[i]);
}

/* Bounds are five standard deviations of each mean: 1/sqrt(12 N) and so on; fixed seed. */
Test(random, moments_are_those_of_the_distributions)
{
    enum { N = 1 << 18 };
    static double x[N];
    double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
    absa_random_uniform(1, 2, 0, N, x);
    for (int i = 0; i < N; i++) {
        cr_assert(x[i] > 0.0 && x[i] <= 1.0);
        m1 += x[i] / N;
    }
    cr_assert_float_eq(m1, 0.5, 5.0 * sqrt(1.0 / 12.0 / N));
    absa_random_gaussian_f64(1, 2, 0, N, x);
    m1 = 0;
    for (int i = 0; i < N; i++) {
        const double s = x[i] * x[i];
        m1 += x[i] / N;
        m2 += s / N;
        m3 += s * x[i] / N;
        m4 += s * s / N;
    }
    cr_assert_float_eq(m1, 0.0, 5.0 * sqrt(1.0 / N));
    cr_assert_float_eq(m2, 1.0, 5.0 * sqrt(2.0 / N));
    cr_assert_float_eq(m3, 0.0, 5.0 * sqrt(15.0 / N));
    cr_assert_float_eq(m4, 3.0, 5.0 * sqrt(96.0 / N));
}

/* Correlation of independent standard normals over N pairs has standard deviation 1/sqrt(N). */
Test(random, seeds_and_streams_are_uncorrelated)
{
    enum { N = 1 << 16 };
    static double x[N], y[N];
    absa_random_gaussian_f64(1, 1, 0, N, x);
    const uint64_t others[][2] = {{1, 2}, {2, 1}, {0, 1}, {1, 0}};
    for (size_t k = 0; k < 4; k++) {
        double c = 0;
        absa_random_gaussian_f64(others[k][0], others[k][1], 0, N, y);
        for (int i = 0; i < N; i++)
            c += x[i] * y[i] / N;
        cr_assert_float_eq(c, 0.0, 5.0 / sqrt(N));
    }
}
