"""The generator against published blocks and against its description in NumPy."""

import numpy
import philox_reference
import pytest
import scipy.stats

import absa

BIG = (1 << 64) - 1
SEQUENCES = [(0, 0, 0), (7, 3, 5), (BIG, 1 << 63, 2), (1 << 40, BIG, (1 << 40) + 1)]


# The known answers of the generator's authors (Random123, kat_vectors).
@pytest.mark.parametrize("key, counter, want", [
    ([0, 0], [0, 0, 0, 0], "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ([0xffffffff] * 2, [0xffffffff] * 4, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ([0xa4093822, 0x299f31d0], [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
     "d16cfe09 94fdcceb 5001e420 24126ea1"),
])
def test_blocks_are_the_published_ones(key, counter, want):
    found = absa.random.philox(key, counter)
    assert " ".join(f"{word:08x}" for word in found) == want and found.dtype == numpy.uint32
    assert tuple(found) == philox_reference.block(key, counter)


@pytest.mark.parametrize("seed, stream, first", SEQUENCES)
def test_sequences_are_what_the_header_says(seed, stream, first):
    want = philox_reference.uniform(seed, stream, 9, first)
    assert numpy.array_equal(absa.random.uniform(seed, stream, 9, first), want)
    normal = philox_reference.gaussian(seed, stream, 9, first)
    found = absa.random.gaussian(seed, stream, 9, first)
    # Logarithm, square root and sine of two libraries: a few units in the last place of numbers
    # that are below 9, and of the angle's, which is below 2 pi.
    assert numpy.allclose(found, normal, rtol=0, atol=64 * 2.0 ** -52)
    single = absa.random.gaussian(seed, stream, 9, first, "float32")
    assert single.dtype == numpy.float32 and numpy.array_equal(single, found.astype("float32"))


def test_any_part_is_a_part_of_the_whole():
    whole = absa.random.gaussian(5, 6, 1000)
    assert numpy.array_equal(absa.random.gaussian(5, 6, 300, first=123), whole[123:423])
    out = numpy.empty(77, "float32")
    assert absa.random.gaussian(5, 6, first=1, out=out) is out
    assert numpy.array_equal(out, whole[1:78].astype("float32"))
    table = numpy.empty((4, 5))
    absa.random.uniform(5, 6, out=table)
    assert numpy.array_equal(table.reshape(-1), absa.random.uniform(5, 6, 20))
    assert absa.random.uniform(1, 2, 0).shape == (0,)


def test_they_are_uniform_and_normal():
    # Kolmogorov and Smirnov's p-value of a right generator is below 1e-4 once in ten thousand
    # seeds, and this is one fixed seed.
    assert scipy.stats.kstest(absa.random.uniform(1, 2, 50000), "uniform").pvalue > 1e-4
    assert scipy.stats.kstest(absa.random.gaussian(1, 2, 50000), "norm").pvalue > 1e-4


@pytest.mark.parametrize("call, kind, text", [
    (lambda: absa.random.philox([0], [0] * 4), ValueError, "key is"),
    (lambda: absa.random.philox([0, 1 << 32], [0] * 4), ValueError, "two|2 words"),
    (lambda: absa.random.philox([0, 0], [0, 0, 0, -1]), ValueError, "counter is"),
    (lambda: absa.random.uniform(-1, 0, 3), ValueError, "seed is -1"),
    (lambda: absa.random.uniform(0, 1 << 64, 3), ValueError, "stream is"),
    (lambda: absa.random.uniform(0, 0, -3), ValueError, "count is -3"),
    (lambda: absa.random.uniform(0, 0, 3.0), TypeError, "count is 3.0"),
    (lambda: absa.random.uniform(0, 0, 3, first=-1), ValueError, "first is -1"),
    (lambda: absa.random.uniform(0, 0, 3, out=numpy.empty(4)), ValueError, "out has 4"),
    (lambda: absa.random.uniform(0, 0, out=numpy.empty(4, "float32")), TypeError, "float32"),
    (lambda: absa.random.gaussian(0, 0, out=numpy.empty(4, "int32")), TypeError, "dtype is"),
    (lambda: absa.random.gaussian(0, 0, out=[0.0]), TypeError, "numpy.ndarray"),
    (lambda: absa.random.gaussian(0, 0, 3, dtype="float16"), TypeError, "dtype is"),
])
def test_wrong_arguments_are_named(call, kind, text):
    with pytest.raises(kind, match=text):
        call()
