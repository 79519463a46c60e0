"""Symmetric operators: a Hessian-vector product, gradients, outputs and their backward pass, sums
and shifts of these."""

from __future__ import annotations

import ctypes
import inspect
import numbers
from typing import TYPE_CHECKING

import numpy

from . import _declarations as c
from ._core import (Handle, Session, callback, cut_short, guarded, keep, lib, number, place,
                    struct, weighed, word, word64)
from .space import doubles, fill_doubles, space_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Literal, Protocol, TypeVar

    from numpy.typing import ArrayLike, DTypeLike
    from scipy.sparse.linalg import LinearOperator

    from ._core import Context
    from .block import Block, _Ranges
    from .space import Space

    _Vector = TypeVar("_Vector")  # an array, or what the ops of a space make

    class _Matrix(Protocol):  # an array, a SciPy sparse matrix or a LinearOperator
        @property
        def shape(self) -> Any: ...

        @property
        def dtype(self) -> Any: ...

        def __matmul__(self, other: Any, /) -> Any: ...


def _takes_out(function):
    """Return whether a callable has a parameter named out."""
    try:
        return "out" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


def _options(samples, convention, reduce_vector, space):
    """Return the struct of options of an operator."""
    made = struct(c.absa_operator_options, samples=samples,
                  convention=number("absa_convention", convention))
    if reduce_vector is not None:
        def call(_user, y):
            vector = space.writing(y)
            answer = reduce_vector(vector)
            if answer is not None:
                space.put(y, answer)
        made.reduce_vector = callback(c.absa_reduce_vector_fn, call)
    return made


def _given(**values):
    """Return those that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def _lent_for_life(space, theta):
    """Return the address of the parameters, and what an operator keeps for as long as it lives."""
    lent = space.lent(theta, "theta", writable=True)
    return lent.__enter__(), (theta, lent)


def _product(space, function, kind):
    """Return the callback of function(v) -> array or function(v, out); either may add the number of
    samples that it covered: (array, samples), or samples where the array is out."""
    reading, writing, put = space.reading, space.writing, space.put
    if _takes_out(function):
        @guarded
        def call(_user, v, out, samples):
            try:
                if cut_short():
                    return 1
                answer = function(reading(v), out=writing(out))
                if answer is None:
                    return 0
                if isinstance(answer, tuple):
                    answer, covered = answer
                    samples[0] = int(covered)
                if isinstance(answer, numbers.Integral):
                    samples[0] = int(answer)
                elif answer is not None:
                    put(out, answer)
                return 0
            except BaseException as raised:  # pylint: disable=broad-except
                return keep(raised)
    else:
        @guarded
        def call(_user, v, out, samples):
            try:
                if cut_short():
                    return 1
                answer = function(reading(v))
                if isinstance(answer, tuple):
                    answer, covered = answer
                    samples[0] = int(covered)
                put(out, answer)
                return 0
            except BaseException as raised:  # pylint: disable=broad-except
                return keep(raised)
    return kind(call)


class Check:
    """What Operator.check() found: `good`, `verdict` (a word), `text` (plain words), and the
    measures repeatability, scaling, additivity, symmetry, length, tolerance, products."""

    good: bool
    verdict: str
    text: str
    repeatability: float
    scaling: float
    additivity: float
    symmetry: float
    length: float
    tolerance: float
    products: int

    def __init__(self, found: c.absa_check_result) -> None:
        self.verdict = word("absa_verdict", found.verdict)
        self.good = self.verdict == "good"
        self.text = lib.absa_verdict_text(found.verdict).decode()
        for name in ("repeatability", "scaling", "additivity", "symmetry", "length", "tolerance",
                     "products"):
            setattr(self, name, getattr(found, name))

    def __repr__(self) -> str:
        return (f"{self.text}\n  repeatability {self.repeatability:.2e}, scaling "
                f"{self.scaling:.2e}, additivity {self.additivity:.2e},\n  symmetry "
                f"{self.symmetry:.2e}; tolerance {self.tolerance:.2e}, {self.products} products")


class Operator:
    """A symmetric operator of the library. Made by its class methods, from another one by shift()
    or block(), or from several by Operator.sum(). `op @ v` is a product.

    One thread at a time uses it; exceptions of its callbacks come out of the call they ran in.
    """

    selection: Block | None = None

    def __init__(self, space: Space, create: Callable[[Any], int], *kept: Any) -> None:
        self.space = space
        self._handle = Handle(space.context, lib.absa_operator_destroy, create, space, *kept)

    @property
    def handle(self) -> ctypes.c_void_p:
        """The C handle."""
        return self._handle.handle

    @classmethod
    def from_hvp(cls, hvp: Callable[..., Any], space: Space | int, dtype: DTypeLike | None = None,
                 *, samples: int = 1, convention: Literal["mean", "sum"] = "mean",
                 reduce_vector: Callable[[Any], Any] | None = None,
                 context: Context | None = None) -> Operator:
        """Make an operator from a product.

        hvp: hvp(v) returning H v as an array of the space's shape and dtype, or hvp(v, out) that
        fills out, so that nothing is copied. v is not to be changed. Either may return the samples
        that the product covered as well: (array, samples), or samples.
        space: an absa.Space, or the number of elements n, with dtype ("float32").
        samples, convention: what a product covers by default, and "mean" or "sum" over them.
        reduce_vector: replicated spaces: reduce_vector(y) sums y over all processes in place.
        """
        space = space_of(space, dtype, context)
        call = _product(space, hvp, c.absa_hvp_fn)
        options = _options(samples, convention, reduce_vector, space)
        return cls(space, lambda out: lib.absa_operator_from_hvp(
            space.context.handle, space.struct, call, None, options, out), call, options)

    @classmethod
    def from_scipy(cls, matrix: _Matrix, dtype: DTypeLike | None = None) -> Operator:
        """Make an operator from a symmetric matrix: an array, a SciPy sparse matrix, or a
        LinearOperator."""
        if len(matrix.shape) != 2 or matrix.shape[0] != matrix.shape[1]:
            raise ValueError(f"the matrix has shape {matrix.shape}; it must be square")
        rows = matrix.shape[0]
        dtype = numpy.dtype(matrix.dtype if dtype is None else dtype)

        def product(v):
            # A LinearOperator answers in its own dtype.
            return numpy.asarray(matrix @ v).reshape(-1).astype(dtype, copy=False)
        return cls.from_hvp(product, rows, dtype)

    @classmethod
    def from_gradient(cls, gradient: Callable[..., Any], theta: Any, space: Space | None = None, *,
                      scheme: Literal["central", "forward"] = "central",
                      step: float | None = None, scale: float | None = None, samples: int = 1,
                      convention: Literal["mean", "sum"] = "mean",
                      reduce_vector: Callable[[Any], Any] | None = None,
                      context: Context | None = None) -> Operator:
        """Make an operator from gradients, by finite differences.

        gradient: gradient(theta) returning an array, or gradient(theta, out); it may add samples as
        from_hvp() takes them. theta: the parameters, an array (or a vector of the space), which a
        product moves and restores bit for bit. scheme: "central" or "forward". step, scale: see
        absa_difference_options.
        """
        if space is None:
            space = space_of(theta.size, theta.dtype, context)
        differences = struct(c.absa_difference_options, scheme=number("absa_scheme", scheme),
                             **_given(step=step, scale=scale))
        call = _product(space, gradient, c.absa_gradient_fn)
        options = _options(samples, convention, reduce_vector, space)
        at, kept = _lent_for_life(space, theta)
        return cls(space, lambda out: lib.absa_operator_from_gradient(
            space.context.handle, space.struct, at, call, None, differences, options, out),
            call, options, kept)

    @classmethod
    def from_gauss_newton(cls, forward: Callable[[Any], numpy.ndarray],
                          backward: Callable[..., Any], theta: Any, rows: int, outputs: int,
                          space: Space | None = None, *,
                          loss: Literal["softmax", "logistic", "squared", "host"] = "softmax",
                          curvature: Callable[[numpy.ndarray, numpy.ndarray], ArrayLike]
                          | None = None,
                          step: float | None = None, scale: float | None = None,
                          reduce_vector: Callable[[Any], Any] | None = None,
                          context: Context | None = None) -> Operator:
        """Make an operator of Gauss-Newton products, from two forward passes and a backward pass.

        forward: forward(theta) -> outputs, float64 of shape (rows, outputs), fewer rows where the
        batch has fewer. backward: backward(theta, u) -> J'u summed over rows, as a vector, or
        backward(theta, u, out). theta: as for from_gradient(). loss: "softmax", "logistic" or
        "squared"; or "host" with curvature(z, w) -> u, row by row the loss's Hessian in the outputs
        z times w.
        """
        if space is None:
            space = space_of(theta.size, theta.dtype, context)
        made = struct(c.absa_gauss_newton_options, rows=rows, outputs=outputs,
                      loss=number("absa_output_loss", "host" if curvature else loss),
                      **_given(step=step, scale=scale))
        takes_out = _takes_out(backward)

        def run_forward(_user, at, z, count):
            found = forward(space.reading(at))
            if not isinstance(found, numpy.ndarray) or found.dtype != numpy.float64:
                raise TypeError(f"forward returned {getattr(found, 'dtype', type(found).__name__)};"
                                " it must return an array of float64")
            if found.ndim != 2 or found.shape[1] != outputs or not 1 <= found.shape[0] <= rows:
                raise ValueError(f"forward returned outputs of shape {found.shape}; it must be at "
                                 f"most ({rows}, {outputs})")
            count[0] = found.shape[0]
            doubles(z, found.size)[:] = found.reshape(-1)

        def run_backward(_user, at, u, count, g):
            given = doubles(u, count * outputs).reshape(count, outputs)
            if takes_out:
                answer = backward(space.reading(at), given, out=space.writing(g))
            else:
                answer = backward(space.reading(at), given)
            if answer is not None:
                space.put(g, answer)

        def run_curvature(_user, count, z, w, u):
            shape = (count, outputs)
            given = (doubles(p, count * outputs).reshape(shape) for p in (z, w))
            fill_doubles(doubles(u, count * outputs).reshape(shape), curvature(*given),
                         "curvature")
        made.forward = callback(c.absa_forward_fn, run_forward)
        made.backward = callback(c.absa_backward_fn, run_backward)
        if curvature:
            made.curvature = callback(c.absa_curvature_fn, run_curvature)
        options = _options(1, "mean", reduce_vector, space)
        at, kept = _lent_for_life(space, theta)
        return cls(space, lambda out: lib.absa_operator_from_gauss_newton(
            space.context.handle, space.struct, at, made, None, options, out),
            made, options, kept)

    @classmethod
    def sum(cls, parts: Iterable[Operator], weights: ArrayLike | None = None) -> Operator:
        """Make the operator of several probe batches: sum w_k H_k / sum w_k. weights: one number
        per part; by default the samples that each product covers."""
        parts = list(parts)
        if not parts:
            raise ValueError("a sum needs at least one part")
        handles = (ctypes.c_void_p * len(parts))(*[part.handle.value for part in parts])
        given = weighed(weights, len(parts))
        return cls(parts[0].space, lambda out: lib.absa_operator_sum(
            parts[0].space.context.handle, len(parts), handles,
            place(given), out), parts)

    def shift(self, shift: float) -> Operator:
        """Return H + shift I: the term that a weight decay of shift / 2 |theta|^2 adds."""
        return Operator(self.space, lambda out: lib.absa_operator_shift(
            self.space.context.handle, self.handle, float(shift), out), self)

    def block(self, selection: Block | str, ranges: _Ranges | None = None) -> Operator:
        """Return the operator of some of the parameters: the rows and columns that are selected.

        selection: an absa.Block; or a text as Block.select() takes, "last:2" or "conv1.*", with
        ranges as absa.Block takes them. Its vectors have as many elements as are selected; its
        attribute `selection` is a Block, whose expand() makes vectors of all parameters of them.
        Every product costs one of this operator.
        """
        from .block import Block
        if not isinstance(selection, Block):
            selection = Block(ranges or (), self.space.struct.n_global, select=selection)
        elif ranges is not None:
            raise TypeError("ranges go with a text; an absa.Block has its own")
        chosen = selection.copy()
        part = Operator(chosen.space(self.space), lambda out: lib.absa_operator_from_block(
            self.handle, chosen.handle, out), self)
        part.selection = chosen
        return part

    def apply(self, v: _Vector, out: _Vector | None = None) -> _Vector:
        """Compute H v, into out where that is given; returns it."""
        out = self.space.empty() if out is None else out
        with self.space.lent(v, "v") as x, self.space.lent(out, "out", True) as y, \
                Session(self, v, out):
            self.space.context.check(lib.absa_operator_apply(self.handle, x, y))
        return out

    def __matmul__(self, v: _Vector) -> _Vector:
        return self.apply(v)

    def check(self, seed: int = 0) -> Check:
        """Check that this is one symmetric linear operator, with five products; see Check."""
        found = struct(c.absa_check_result)
        with Session(self):
            self.space.context.check(lib.absa_operator_check(self.handle, word64(seed, "seed"),
                                                               found))
        return Check(found)

    @property
    def products(self) -> int:
        """Products computed since the operator was made."""
        return lib.absa_operator_products(self.handle)

    @property
    def shape(self) -> tuple[int, int]:
        """(n, n)."""
        return self.space.n, self.space.n

    def to_scipy(self) -> LinearOperator:
        """Return a scipy.sparse.linalg.LinearOperator."""
        from scipy.sparse.linalg import LinearOperator
        dtype = self.space.dtype

        def product(v):
            return self.apply(numpy.ascontiguousarray(numpy.ravel(v), dtype))
        return LinearOperator(self.shape, matvec=product, rmatvec=product, dtype=dtype)

    def __repr__(self) -> str:
        return f"Operator({self.space!r}, {self.products} products)"
