"""Philox4x32-10 and what absa/random.h makes of it, in NumPy from the header's text alone."""

import numpy

M0, M1, W0, W1 = 0xD2511F53, 0xCD9E8D57, 0x9E3779B9, 0xBB67AE85
LOW = (1 << 32) - 1


def block(key, counter):
    """Return the four words of one block; Python's own integers."""
    (k0, k1), (a, b, c, d) = key, counter
    for _ in range(10):
        high, low = divmod(M0 * a, 1 << 32), divmod(M1 * c, 1 << 32)
        a, b, c, d = low[0] ^ b ^ k0, low[1], high[0] ^ d ^ k1, high[1]
        k0, k1 = (k0 + W0) & LOW, (k1 + W1) & LOW
    return a, b, c, d


def words(seed, first, second):
    """Return the two 64-bit words of the block with key seed and counter (first, second)."""
    out = block((seed & LOW, seed >> 32), (first & LOW, first >> 32, second & LOW, second >> 32))
    return out[0] | out[1] << 32, out[2] | out[3] << 32


def _unit(word):
    return ((word >> 11) + 0.5) * 2.0 ** -53


def uniform(seed, stream, count, first=0):
    """Return elements of the uniform sequence."""
    return numpy.array([_unit(words(seed, i // 2, stream)[i % 2])
                        for i in range(first, first + count)])


def gaussian(seed, stream, count, first=0):
    """Return elements of the normal sequence, by Box and Muller."""
    found = []
    for i in range(first, first + count):
        u1, u2 = (_unit(word) for word in words(seed, i // 2, stream))
        r = numpy.sqrt(-2 * numpy.log(u1))
        found.append(r * (numpy.sin if i % 2 else numpy.cos)(2 * numpy.pi * u2))
    return numpy.array(found)
