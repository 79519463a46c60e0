"""Blocks: the Hessian of some of the parameters only. A selection over named ranges, and the
eigenvalues layer by layer."""

from __future__ import annotations

import collections.abc
import ctypes
import math
import operator
from typing import TYPE_CHECKING, NamedTuple, Optional, overload

import numpy

from . import _declarations as c
from ._core import Context, Handle, lib, positive, struct, word64
from ._progress import running, shown
from .eigen import EigenResult, options as eigen_options, watch
from .space import Space

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, Tuple, Union

    from .eigen import _Progress
    from .operator import Operator

    # {name: size, shape or array}, or ranges; see Block
    _Ranges = Union[Mapping[str, Any], Sequence[Union[
        "Range", Tuple[Optional[str], int, int], Tuple[Optional[str], int, int, int]]]]


class Range(NamedTuple):
    """Elements first .. first + count - 1 of the parameters. Ranges of one layer have its number;
    numbers never fall from one range to the next."""

    name: Optional[str]
    first: int
    count: int  # type: ignore[assignment]
    layer: int = 0


_NUMBERS, _LEAST = ("first", "count", "layer"), -(1 << 63)


def _size(value, name):
    """Return the elements of a size, a shape or an array."""
    if isinstance(value, (tuple, list)):
        return math.prod(operator.index(length) for length in value)
    return positive(getattr(value, "size", value), f"the size of {name}")


def _ranges(given):
    """Return a list of Range; see Block."""
    if not isinstance(given, collections.abc.Mapping):
        return [Range(name, *(positive(value, f"{what} of range {name!r}", least)
                              for what, value, least in zip(_NUMBERS, rest, (0, 1, _LEAST))))
                for name, *rest in given]
    found, first, layer, prefix = [], 0, 0, None
    for name, value in given.items():
        own = name.rpartition(".")[0] or name
        layer += own != prefix
        prefix = own
        found.append(Range(name, first, _size(value, name), layer))
        first += found[-1].count
    return found


def _array(ranges):
    """Return a C array of ranges."""
    made = (c.absa_block_range * max(len(ranges), 1))()
    for at, one in zip(made, ranges):
        if one.name is not None and not isinstance(one.name, str):
            raise TypeError(f"the name of a range is {one.name!r}; it must be a str")
        at.name = None if one.name is None else one.name.encode()
        at.first, at.count, at.layer = one[1:]
    return made


def _text(text, what):
    if not isinstance(text, str):
        raise TypeError(f"{what} is {text!r}; it must be a str")
    return text.encode()


class Block:
    """A selection of parameters by name, layer, share or place.

    ::

        block = absa.Block({"conv.weight": (6, 1, 5, 5), "conv.bias": 6, "dense.weight": (10, 864)},
                           select="last:1")
        op.block(block)

    Parameters
    ----------
    ranges : dict or sequence
        {name: size, shape or array} in the order of the parameters, without gaps, where a layer is
        what has a name up to its last dot in common; or absa.Range objects, or tuples (name, first,
        count, layer) in that order
    n : int, optional
        parameters in all, of all processes; by default up to the end of the last range
    select : str, optional
        as select() takes it; nothing is selected otherwise
    """

    def __init__(self, ranges: _Ranges = (), n: int | None = None, *, select: str | None = None,
                 context: Context | None = None) -> None:
        self.context = Context() if context is None else context
        self._ranges = _ranges(ranges)
        if n is None:
            n = max((one.first + one.count for one in self._ranges), default=0)
        n = positive(n, "n")
        self._own(lambda out: lib.absa_block_create(
            self.context.handle, n, _array(self._ranges), len(self._ranges), out))
        if select is not None:
            self.select(select)

    def _own(self, create):
        self._handle = Handle(self.context, lib.absa_block_destroy, create)

    @classmethod
    def made(cls, context: Context, ranges: Iterable[Range], create: Callable[[Any], int]) -> Block:
        """Return the selection of these ranges that create(pointer to a handle) makes."""
        block = cls.__new__(cls)
        block.context, block._ranges = context, list(ranges)
        block._own(create)
        return block

    @property
    def handle(self) -> ctypes.c_void_p:
        """The C handle."""
        return self._handle.handle

    def _check(self, status):
        self.context.check(status)
        return self

    def copy(self) -> Block:
        """Return a selection of its own of the same parameters."""
        made = Block(self._ranges, self.parameters)
        for piece in self.pieces:
            made.select_range(piece.first, piece.count)
        return made

    def select(self, text: str) -> Block:
        """Add what a text says, parts separated by commas: "full", "last:2" (layers), "share:0.1"
        (the fewest last layers that hold such a share of the parameters), "range:100+50", or
        patterns of names such as "conv*.bias". Returns the selection."""
        return self._check(lib.absa_block_select(self.handle, _text(text, "the selection")))

    def select_range(self, first: int, count: int) -> Block:
        """Add elements first .. first + count - 1."""
        return self._check(lib.absa_block_select_range(self.handle, positive(first, "first", 0),
                                                       positive(count, "count")))

    def select_layers(self, layers: int) -> Block:
        """Add the ranges of so many last layers."""
        return self._check(lib.absa_block_select_layers(self.handle, positive(layers, "layers")))

    def select_name(self, pattern: str) -> Block:
        """Add the ranges whose whole names match: * stands for any characters, ? for one."""
        return self._check(lib.absa_block_select_name(self.handle, _text(pattern, "the pattern")))

    def select_share(self, share: float) -> Block:
        """Add the fewest last layers that hold at least a share of the parameters, in (0, 1]."""
        return self._check(lib.absa_block_select_share(self.handle, float(share)))

    @property
    def parameters(self) -> int:
        """Parameters in all, n."""
        return lib.absa_block_parameter_count(self.handle)

    def __len__(self) -> int:
        """How many parameters are selected, m."""
        return lib.absa_block_count(self.handle)

    def __bool__(self) -> bool:
        return True

    def _listed(self, count, describe):
        found = []
        for index in range(count(self.handle)):
            one = c.absa_block_range()
            self._check(describe(self.handle, index, one))
            found.append(Range(None if one.name is None else one.name.decode(), one.first,
                               one.count, one.layer))
        return found

    @property
    def pieces(self) -> list[Range]:
        """Runs of neighbours that are selected, in order: a list of Range without names."""
        return self._listed(lib.absa_block_piece_count, lib.absa_block_piece_at)

    @property
    def layers(self) -> list[Range]:
        """All layers, selected or not: a list of Range, named like the first range of each."""
        return self._listed(lib.absa_block_layer_count, lib.absa_block_layer_at)

    @property
    def indices(self) -> numpy.ndarray:
        """The selected parameters: an int64 array of shape (m,), ascending."""
        return numpy.concatenate([numpy.arange(piece.first, piece.first + piece.count)
                                  for piece in self.pieces] or [numpy.empty(0, numpy.int64)])

    def space(self, space: Space) -> Space:
        """Return the absa.Space of the block's vectors, given that of whole ones: arrays of shape
        (m,), or of what this process has of them."""
        made = struct(c.absa_space)
        self._check(lib.absa_block_space(self.handle, space.struct, made, ctypes.sizeof(made)))
        return Space.from_struct(made, space.context, space)

    def _whole(self, space, like):
        if space is not None:
            return space
        if not isinstance(like, numpy.ndarray):
            raise TypeError(f"the vector is {type(like).__name__}; it must be a numpy.ndarray, or "
                            "its space be given")
        return Space(self.parameters, like.dtype, context=self.context)

    def expand(self, part: numpy.ndarray, space: Space | None = None, out: Any = None) -> Any:
        """Return the vector of all parameters with `part`, of shape (m,), where they are selected
        and 0 elsewhere. space: that of whole vectors; by default arrays of shape (n,)."""
        space = self._whole(space, part)
        out = space.empty() if out is None else out
        with self.space(space).lent(part, "part") as given, space.lent(out, "out", True) as at:
            self._check(lib.absa_block_expand(self.handle, space.struct, given, at))
        return out

    def gather(self, whole: Any, space: Space | None = None, out: numpy.ndarray | None = None
               ) -> numpy.ndarray:
        """Return the selected elements of a vector of all parameters, an array of shape (m,)."""
        space = self._whole(space, whole)
        mine = self.space(space)
        out = mine.empty() if out is None else out
        with space.lent(whole, "whole") as given, mine.lent(out, "out", True) as at:
            self._check(lib.absa_block_gather(self.handle, space.struct, given, at))
        return out

    def __repr__(self) -> str:
        pieces = lib.absa_block_piece_count(self.handle)
        return (f"Block({len(self)} of {self.parameters} parameters in {pieces} "
                f"piece{'s' * (pieces != 1)}, {len(self._ranges)} ranges)")


class LayerEigenvalues(collections.abc.Sequence[EigenResult]):
    """Eigenvalues layer by layer: a sequence of EigenResult, and `ranges`, one a result, with
    `values`, `lower` and `upper` as arrays."""

    ranges: list[Range]
    values: numpy.ndarray
    lower: numpy.ndarray
    upper: numpy.ndarray

    def __init__(self, ranges: Iterable[Range], results: Iterable[EigenResult]) -> None:
        self.ranges, self._results = list(ranges), list(results)
        self.values = numpy.array([r.value for r in results])
        self.lower, self.upper = numpy.array([r.interval for r in results]).T.copy()

    @overload
    def __getitem__(self, at: int) -> EigenResult: ...

    @overload
    def __getitem__(self, at: slice) -> list[EigenResult]: ...

    def __getitem__(self, at: Any) -> Any:
        return self._results[at]

    def __len__(self) -> int:
        return len(self._results)

    def __repr__(self) -> str:
        lines = [f"{'layer':<28} {'parameters':>11} {'value':>12} {'lower':>12} {'upper':>12}"]
        for one, found in zip(self.ranges, self._results):
            name = one.name or f"{one.first}+{one.count}"
            name = name if len(name) <= 28 else name[:25] + "..."
            lines.append(f"{name:<28} {one.count:>11} {found.value:12.6g} {found.interval[0]:12.6g}"
                         f" {found.interval[1]:12.6g}")
        return "\n".join(lines)


def layer_eigenvalues(op: Operator, ranges: Block | _Ranges, *, stream: int = 0,
                      monitor: Callable[[EigenResult], bool | None] | None = None,
                      progress: _Progress | None = None, **options: Any) -> LayerEigenvalues:
    """Measure the extreme eigenvalue of several diagonal blocks, one after another.

    Parameters
    ----------
    op : Operator
        of all parameters; every product of a block costs one of its
    ranges : Block, dict or sequence
        a Block: its layers. Else as absa.Block takes them, each range a block of its own, in any
        order, overlapping or not
    stream : int
        random stream of the first block; each later one takes the next
    monitor, progress, **options
        as absa.Estimator takes them

    Returns
    -------
    LayerEigenvalues, a sequence with an EigenResult (of the first pair, without vectors) a block
    """
    ranges = ranges.layers if isinstance(ranges, Block) else _ranges(ranges)
    made = eigen_options(context=op.space.context, **options)
    watchers, told = watch(made, monitor), shown(progress, made.max_products)
    results = (c.absa_eigen_result * max(len(ranges), 1))()
    for result in results:
        lib.absa_eigen_result_init(result, ctypes.sizeof(result))
    with running(watchers, told, op):
        op.space.context.check(lib.absa_block_eigenvalues(
            op.handle, _array(ranges), len(ranges), made, word64(stream, "stream"), results,
            ctypes.sizeof(c.absa_eigen_result)))
    return LayerEigenvalues(ranges, [EigenResult(c.absa_eigen_result.from_buffer_copy(one))
                                     for one in results])
