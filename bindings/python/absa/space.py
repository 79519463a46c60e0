"""Spaces: what a vector is, where it lives, and how processes share it."""

from __future__ import annotations

import contextlib
import ctypes
from typing import TYPE_CHECKING

import numpy

from . import _declarations as c
from ._core import (Context, address, callback, element, lib, number, positive, session, struct,
                    word)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from numpy.typing import DTypeLike


def doubles(pointer: Any, count: int) -> numpy.ndarray:
    """Return an array over numbers behind a pointer, valid during the callback."""
    return numpy.ctypeslib.as_array(pointer, (count,))


def fill_doubles(into: numpy.ndarray, answer: Any, what: str) -> None:
    """Write what a callback returned over an array, if it has that shape: nothing is broadcast."""
    answer = numpy.asarray(answer)
    if answer.shape != into.shape or answer.dtype.kind not in "fiu":
        raise ValueError(f"{what} returned {answer.dtype} of shape {answer.shape}; it must be "
                         f"numbers of shape {into.shape}")
    into[...] = answer


def reduction(reduce: Callable[[numpy.ndarray], numpy.ndarray | None]) -> Any:
    """Return the callback of a reduction: reduce(values) sums an array of float64 over all
    processes, in place, or returns the sums."""
    def call(_user, values, count):
        mine = doubles(values, count)
        answer = reduce(mine)
        if answer is not None and answer is not mine:
            fill_doubles(mine, answer, "reduce")
    return callback(c.absa_reduce_fn, call)


class Space:
    """A space of vectors of n elements.

    Vectors are C-contiguous NumPy arrays of shape (n,), or, where `ops` is given, whatever its
    alloc() returns: tensors on a device, say.

    Parameters
    ----------
    n : int
        elements that this process holds
    dtype : "float32" or "float64"
    distribution : "none", "sharded" or "replicated"
        how processes share vectors: each holds a part, or each holds all of it and a part of the
        samples
    n_global, first : int, optional
        sharded: elements of all processes, and the place of this one's first
    reduce : callable, required unless distribution is "none"
        reduce(values) sums a float64 array over all processes in place, with the same bits
        everywhere
    ops : object, optional
        alloc() -> vector; axpby(a, x, b, y): y = a x + b y, not reading y where b is 0;
        dots(xs, y) -> one float per x, summed in double in an order that never changes;
        gaussian(seed, stream, y): fill y with the normal sequence of absa/random.h; and
        optionally combine(a, xs, b, y) -> y'y: y = b y + sum a[i] xs[i];
        read(x, first, count) -> float64 array and write(first, values, y), which save, load and
        blocks need
    context : absa.Context, optional
    """

    context: Context
    n: int
    struct: c.absa_space
    dtype: numpy.dtype
    distribution: str
    ops: Any
    _kept: tuple[Any, ...]

    def __init__(self, n: int, dtype: DTypeLike = "float32", *, distribution: str = "none",
                 n_global: int | None = None, first: int = 0,
                 reduce: Callable[[numpy.ndarray], numpy.ndarray | None] | None = None,
                 ops: Any = None, context: Context | None = None) -> None:
        self.context = Context() if context is None else context
        self.n = positive(n, "n", 0)
        self.struct = c.absa_space()
        lib.absa_space_host(self.struct, ctypes.sizeof(self.struct), element(dtype), self.n)
        self.dtype = numpy.dtype(dtype)
        self.distribution = distribution
        self.struct.n_global = self.n if n_global is None else n_global
        self.struct.first = first
        self.struct.distribution = number("absa_distribution", distribution)
        if reduce is not None:
            self.struct.reduce = reduction(reduce)
        self.ops = ops
        if ops is not None:
            self._objects: dict[int, Any] = {}
            self._table = _table(ops, self._objects)
            self.struct.ops = ctypes.pointer(self._table)

    @classmethod
    def from_struct(cls, made: c.absa_space, context: Context, *kept: Any) -> Space:
        """Make a space of arrays from a struct that the library has filled. kept: what owns the
        callbacks in it."""
        space = cls.__new__(cls)
        space.context, space.struct, space.ops, space._kept = context, made, None, kept
        space.dtype = numpy.dtype({0: "float32", 1: "float64"}[made.element])
        space.n = made.n
        space.distribution = word("absa_distribution", made.distribution)
        return space

    def __repr__(self) -> str:
        shared = "" if self.distribution == "none" else f", {self.distribution}"
        kept = "" if self.ops is None else f", ops={type(self.ops).__name__}"
        return f"Space({self.n}, {self.dtype.name}{shared}{kept})"

    def empty(self) -> Any:
        """Make a vector; its contents may be anything."""
        return numpy.empty(self.n, self.dtype) if self.ops is None else self.ops.alloc()

    @contextlib.contextmanager
    def lent(self, vector: Any, name: str, writable: bool = False) -> Iterator[int | None]:
        """Give the address of a vector of the caller for the time of a call; None gives None."""
        if vector is None:
            yield None
        elif self.ops is None:
            yield address(vector, name, self.dtype, self.n, writable)
        else:
            key = id(vector)
            new = key not in self._objects
            self._objects[key] = vector
            try:
                yield key
            finally:
                if new:
                    del self._objects[key]

    def reading(self, at: int) -> Any:
        """Return the vector at an address, in a callback, not to be changed."""
        if self.ops is not None:
            return self._objects[at]
        return session().readonly(at, self.n, self.dtype)

    def writing(self, at: int) -> Any:
        """Return the vector at an address, in a callback."""
        if self.ops is not None:
            return self._objects[at]
        return session().writable(at, self.n, self.dtype)

    def put(self, at: int, answer: Any) -> None:
        """Copy what a callback returned into the vector at an address."""
        if self.ops is not None:
            if answer is not self._objects[at]:
                self.ops.axpby(1.0, answer, 0.0, self._objects[at])
            return
        out = self.writing(at)
        if answer is out:
            return
        if not isinstance(answer, numpy.ndarray) or answer.dtype != self.dtype:
            kind = getattr(answer, "dtype", type(answer).__name__)
            raise TypeError(f"the callback returned {kind}; it must return an array of "
                            f"{self.dtype}")
        if answer.shape != out.shape:
            raise ValueError(f"the callback returned an array of shape {answer.shape}; it must be "
                             f"{out.shape}")
        out[:] = answer


def _table(ops, objects):
    """Return the struct of operations on Python objects, which go by their ids."""
    made = c.absa_vector_ops(struct_size=ctypes.sizeof(c.absa_vector_ops))
    kinds = dict(c.absa_vector_ops._fields_)

    def alloc(_user, out):
        vector = ops.alloc()
        if vector is None:
            raise TypeError("alloc() returned None; it must return a new vector")
        if id(vector) in objects:
            raise ValueError("alloc() returned a vector that is in use already; every call must "
                             "return one of its own")
        objects[id(vector)] = vector
        out[0] = id(vector)

    def axpby(_user, a, x, b, y):
        ops.axpby(a, objects[x], b, objects[y])

    def dots(_user, count, x, y, out):
        fill_doubles(doubles(out, count),
                     ops.dots([objects[x[i]] for i in range(count)], objects[y]), "dots")

    def gaussian(_user, seed, stream, y):
        ops.gaussian(seed, stream, objects[y])

    def combine(_user, count, a, x, b, y, square):
        value = ops.combine(a[:count], [objects[x[i]] for i in range(count)], b, objects[y])
        if square:
            square[0] = float(value)

    def read(_user, x, first, count, out):
        fill_doubles(doubles(out, count), ops.read(objects[x], first, count), "read")

    def write(_user, first, count, values, y):
        ops.write(first, doubles(values, count).copy(), objects[y])

    def release(_user, v):
        del objects[v]

    optional = [call for call in (combine, read, write)
                if getattr(ops, call.__name__, None) is not None]
    for call in (alloc, release, axpby, dots, gaussian, *optional):
        setattr(made, call.__name__, callback(kinds[call.__name__], call))
    return made


def space_of(what: Any, dtype: DTypeLike | None = None,
             context: Context | None = None) -> Space:
    """Return a Space: what itself, that of an operator, or one of so many elements."""
    if isinstance(what, Space):
        return what
    if hasattr(what, "space"):
        return what.space
    return Space(what, "float32" if dtype is None else dtype, context=context)

