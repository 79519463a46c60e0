"""The counter-based generator behind start vectors, probes and selections: element i of the
sequence (seed, stream) is a pure function of the three numbers, in any order and on any machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy

from ._core import address, element, lib, positive, word64

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike


def philox(key: Sequence[int] | numpy.ndarray,
           counter: Sequence[int] | numpy.ndarray) -> numpy.ndarray:
    """Return one block of Philox4x32-10: four words of 32 bits, as a uint32 array of shape (4,), of
    a key of two and a counter of four."""
    made = []
    for name, words, count in (("key", key, 2), ("counter", counter, 4)):
        found = numpy.array(words)
        if found.shape != (count,) or found.dtype.kind not in "iu" or \
                not all(0 <= int(value) < 1 << 32 for value in found):
            raise ValueError(f"{name} is {words!r}; it must be {count} words of 32 bits")
        made.append(found.astype(numpy.uint32))
    out = numpy.empty(4, numpy.uint32)
    lib.absa_random_philox(made[0].ctypes.data, made[1].ctypes.data, out.ctypes.data)
    return out


def _filled(function, seed, stream, count, first, dtype, out):
    if out is None:
        out = numpy.empty(positive(count, "count", 0), dtype)
    at = address(out, "out", dtype, writable=True)
    if count is not None and count != out.size:
        raise ValueError(f"count is {count} and out has {out.size} elements")
    function(word64(seed, "seed"), word64(stream, "stream"), positive(first, "first", 0), out.size,
             at)
    return out


def uniform(seed: int, stream: int, count: int | None = None, first: int = 0,
            out: numpy.ndarray | None = None) -> numpy.ndarray:
    """Return elements first .. first + count - 1 of a uniform sequence, numbers in (0, 1]: a
    float64 array of shape (count,), or out filled. seed and stream are integers of 64 bits."""
    return _filled(lib.absa_random_uniform, seed, stream, count, first, numpy.dtype("float64"), out)


def gaussian(seed: int, stream: int, count: int | None = None, first: int = 0,
             dtype: DTypeLike = "float64", out: numpy.ndarray | None = None) -> numpy.ndarray:
    """Return elements first .. first + count - 1 of a standard normal sequence: an array of shape
    (count,) of float64, or of float32, each rounded once; or out filled, whatever of the two it
    is."""
    if out is not None:
        dtype = getattr(out, "dtype", dtype)
    function = (lib.absa_random_gaussian_f32, lib.absa_random_gaussian_f64)[element(dtype)]
    return _filled(function, seed, stream, count, first, numpy.dtype(dtype), out)
