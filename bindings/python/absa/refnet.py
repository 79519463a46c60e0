"""The reference network: multi-layer perceptrons and convolutional networks with exact first and
second derivatives, without a framework. In libabsa-refnet; import absa.refnet to have it."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, NamedTuple

import numpy

from . import _declarations as c
from ._core import (Context, Handle, address, element, lib, number, place, positive, struct,
                    word, word64)
from ._refnet import refnet, refnet_struct
from .block import Block, Range
from .operator import Operator
from .space import Space

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from numpy.typing import DTypeLike

_ENUMS = {"activation": "absa_refnet_kind", "loss": "absa_refnet_loss_kind"}
_PRODUCTS = {"hvp": "hvp", "ggn": "gnvp"}


class Layer(NamedTuple):
    """A layer of a network; the fields are those of absa_refnet_layer, kind as a word: "dense",
    "conv", "relu", "tanh", "softplus", "gelu", "max_pool", "average_pool", "global_pool",
    "flatten", "add" or "batch_norm"."""

    kind: str
    units: int = 0
    size: int = 0
    stride: int = 0
    padding: int = 0
    no_bias: int = 0
    source: int = 0
    other: int = 0


class Parameter(NamedTuple):
    """A named part of theta: elements first .. first + count - 1, in that shape. layer: its place
    in the chain, from 1; role: "weight", "bias", "gain" or "shift"."""

    name: str
    first: int
    count: int  # type: ignore[assignment]
    shape: tuple[int, ...]
    layer: int
    role: str


class Evaluation(NamedTuple):
    """Rows, those classified correctly, and the sum of their losses without weight decay."""

    rows: int
    correct: int
    loss_sum: float


def _options(name, layers, hidden, dtype, options):
    """Return the struct of options, and what it borrows."""
    fields = {field: number(_ENUMS[field], value) if field in _ENUMS else value
              for field, value in options.items()}
    for field in ("layers", "layer_count", "hidden", "hidden_count", "element"):
        if field in fields:
            raise TypeError(f"there is no option {field!r}")
    made = refnet_struct(c.absa_refnet_options, element=element(dtype), **fields)
    made.name = None if name is None else name.encode()
    array = None
    if layers is not None:
        layers = [Layer(*one) if isinstance(one, (tuple, list)) else Layer(one) for one in layers]
        array = (c.absa_refnet_layer * max(len(layers), 1))()
        for at, one in zip(array, layers):
            at.kind = number("absa_refnet_kind", one.kind)
            for field in Layer._fields[1:]:
                setattr(at, field, int(getattr(one, field)))
        made.layers, made.layer_count = array, len(layers)
    widths = None
    if hidden is not None:
        widths = numpy.array([positive(width, "a width") for width in hidden], numpy.int64)
        made.hidden, made.hidden_count = place(widths), widths.size
    return made, (array, widths)


class _Products:
    """Products of a network, or of a block of it, by name."""

    context: Context
    space: Space
    _prefix: str
    if TYPE_CHECKING:
        @property
        def handle(self) -> ctypes.c_void_p: ...

    def _apply(self, name, v, out):
        out = self.space.empty() if out is None else out
        with self.space.lent(v, "v") as x, self.space.lent(out, "out", True) as y:
            self.context.check(getattr(refnet, self._prefix + name)(self.handle, x, y))
        return out

    def hvp(self, v: numpy.ndarray, out: numpy.ndarray | None = None) -> numpy.ndarray:
        """Return H v at the probe, exact up to rounding; v has the space's shape and dtype."""
        return self._apply("hvp", v, out)

    def gnvp(self, v: numpy.ndarray, out: numpy.ndarray | None = None) -> numpy.ndarray:
        """Return G v at the probe, G being the Gauss-Newton matrix."""
        return self._apply("gnvp", v, out)

    def operator(self, mode: Literal["hvp", "ggn"] = "hvp") -> Operator:
        """Return the absa.Operator of the products at the probe, "hvp" or "ggn", without Python
        in between. Set another probe between runs only."""
        if mode not in _PRODUCTS:
            raise ValueError(f"mode is {mode!r}; it must be 'hvp' or 'ggn'")
        call = ctypes.cast(getattr(refnet, f"{self._prefix}{_PRODUCTS[mode]}_callback"),
                           c.absa_hvp_fn)
        made = Operator(self.space, lambda out: lib.absa_operator_from_hvp(
            self.context.handle, self.space.struct, call, self.handle, None, out), self)
        made.selection = getattr(self, "selection", None)
        return made


class Network(_Products):
    """A network; it holds no parameters and no data.

    ::

        net = absa.refnet.Network("lenet", channels=1, height=28, width=28, outputs=10)
        theta = net.parameters(seed=0)
        gradient, loss = net.gradient(theta, x, labels)
        net.probe(theta, x[:512], labels[:512])
        absa.eigenvalues(net.operator())

    Parameters
    ----------
    name : "logreg", "mlp", "lenet", "resnet8" or "resnet20", or None with layers
    layers : sequence of Layer, tuples or words
    channels, height, width, outputs : int
        of a row of x, and (named networks) of the last layer
    hidden : sequence of int
        widths of the "mlp"
    dtype : "float32" or "float64"
        of theta, x and all results
    activation, loss : "relu", ... and "softmax", "logistic" or "squared"
    weight_decay, chunk_rows, probe_rows, ghost_rows, threads
        see absa_refnet_options

    Rows x are C-contiguous arrays of shape (rows, ...) and the network's dtype. y: int32 labels of
    shape (rows,), or for "squared" targets of the network's dtype, of shape (rows, outputs).
    """

    _prefix = "absa_refnet_"

    name: str | None
    dtype: numpy.dtype

    def __init__(self, name: str | None = None, *,
                 layers: Sequence[Layer | tuple | str] | None = None,
                 hidden: Sequence[int] | None = None, dtype: DTypeLike = "float32",
                 context: Context | None = None, **options: str | float) -> None:
        self.context = Context() if context is None else context
        self._options, self._kept = _options(name, layers, hidden, dtype, options)
        self.name = name
        self._handle = Handle(self.context, refnet.absa_refnet_destroy,
                              lambda out: refnet.absa_refnet_create(
                                  self.context.handle, self._options, out))
        made = struct(c.absa_space)
        refnet.absa_refnet_space(self.handle, made, ctypes.sizeof(made))
        self.space = Space.from_struct(made, self.context)
        self.dtype = numpy.dtype(("float32", "float64")[refnet.absa_refnet_element(self.handle)])
        self._probed: tuple[numpy.ndarray, numpy.ndarray] | None = None

    @property
    def handle(self) -> ctypes.c_void_p:
        """The C handle."""
        return self._handle.handle

    @property
    def n(self) -> int:
        """Parameters: the length of theta."""
        return refnet.absa_refnet_parameter_count(self.handle)

    @property
    def inputs(self) -> int:
        """Elements of a row of x."""
        return refnet.absa_refnet_input_count(self.handle)

    @property
    def outputs(self) -> int:
        """Outputs of the last layer for a row."""
        return refnet.absa_refnet_output_count(self.handle)

    @property
    def workspace(self) -> int:
        """Bytes that the network holds."""
        size = ctypes.c_int64()
        self.context.check(refnet.absa_refnet_workspace(self.context.handle, self._options,
                                                        ctypes.byref(size)))
        return size.value

    def _ranges(self):
        for index in range(refnet.absa_refnet_range_count(self.handle)):
            one = refnet_struct(c.absa_refnet_range)
            self.context.check(refnet.absa_refnet_range_at(self.handle, index, one))
            yield one

    @property
    def ranges(self) -> list[Parameter]:
        """The parts of theta, in order: a list of Parameter."""
        return [Parameter(one.range.name.decode(), one.range.first, one.range.count,
                          tuple(one.shape[:one.rank]), one.layer,
                          word("absa_refnet_role", one.role)) for one in self._ranges()]

    def unflatten(self, theta: numpy.ndarray) -> dict[str, numpy.ndarray]:
        """Return theta's parts by name, in their shapes: views of it."""
        address(theta, "theta", self.dtype, self.n)
        return {one.name: theta[one.first:one.first + one.count].reshape(one.shape)
                for one in self.ranges}

    def parameters(self, seed: int = 0, out: numpy.ndarray | None = None) -> numpy.ndarray:
        """Return theta with random starting values, an array of shape (n,)."""
        out = self.space.empty() if out is None else out
        with self.space.lent(out, "out", True) as at:
            self.context.check(refnet.absa_refnet_init_parameters(self.handle,
                                                                  word64(seed, "seed"), at))
        return out

    def _rows(self, x):
        at = address(x, "x", self.dtype)
        if x.ndim < 1 or x.size != x.shape[0] * self.inputs:
            raise ValueError(f"x has shape {x.shape}; it must be rows of {self.inputs} elements")
        return at, x.shape[0]

    def _batch(self, theta, x, y):
        """Return what the calls on a batch take: theta, x, y, rows."""
        x_at, rows = self._rows(x)
        if word("absa_refnet_loss_kind", self._options.loss) == "squared":
            y_at, shape = address(y, "y", self.dtype), (rows, self.outputs)
        else:
            y_at, shape = address(y, "y", numpy.dtype("int32")), (rows,)
        if y.shape != shape:
            raise ValueError(f"y has shape {y.shape}; it must be {shape}")
        return address(theta, "theta", self.dtype, self.n), x_at, y_at, rows

    def loss(self, theta: numpy.ndarray, x: numpy.ndarray, y: numpy.ndarray) -> float:
        """Return the mean of the row losses plus the weight-decay term."""
        loss = ctypes.c_double()
        self.context.check(refnet.absa_refnet_loss(self.handle, *self._batch(theta, x, y),
                                                   ctypes.byref(loss)))
        return loss.value

    def gradient(self, theta: numpy.ndarray, x: numpy.ndarray, y: numpy.ndarray,
                 out: numpy.ndarray | None = None) -> tuple[numpy.ndarray, float]:
        """Return (gradient of the loss in theta, of shape (n,), the loss)."""
        out, loss = self.space.empty() if out is None else out, ctypes.c_double()
        with self.space.lent(out, "out", True) as at:
            self.context.check(refnet.absa_refnet_gradient(
                self.handle, *self._batch(theta, x, y), at, ctypes.byref(loss)))
        return out, loss.value

    def input_gradient(self, theta: numpy.ndarray, x: numpy.ndarray,
                       y: numpy.ndarray) -> tuple[numpy.ndarray, float]:
        """Return (gradient in x of each row's own loss, in the shape of x, the loss): what an
        attack needs."""
        out, loss = numpy.empty(x.shape, self.dtype), ctypes.c_double()
        self.context.check(refnet.absa_refnet_input_gradient(
            self.handle, *self._batch(theta, x, y), place(out), ctypes.byref(loss)))
        return out, loss.value

    def predict(self, theta: numpy.ndarray, x: numpy.ndarray) -> numpy.ndarray:
        """Return the outputs of the last layer, of shape (rows, outputs)."""
        x_at, rows = self._rows(x)
        out = numpy.empty((rows, self.outputs), self.dtype)
        self.context.check(refnet.absa_refnet_predict(
            self.handle, address(theta, "theta", self.dtype, self.n), x_at, rows, place(out)))
        return out

    def evaluate(self, theta: numpy.ndarray, x: numpy.ndarray, y: numpy.ndarray) -> Evaluation:
        """Return the Evaluation of a batch."""
        found = refnet_struct(c.absa_refnet_evaluation)
        self.context.check(refnet.absa_refnet_evaluate(self.handle, *self._batch(theta, x, y),
                                                       found))
        return Evaluation(found.rows, found.correct, found.loss_sum)

    def set_mode(self, mode: str) -> None:
        """Choose where batch normalisation takes its statistics from: "train", from ghost batches,
        or "evaluate", the running ones."""
        self.context.check(refnet.absa_refnet_set_mode(self.handle,
                                                       number("absa_refnet_mode", mode)))

    def track(self, share: float = 0.1) -> None:
        """Move the running statistics towards those of the last gradient(); once a step."""
        self.context.check(refnet.absa_refnet_track(self.handle, float(share)))

    @property
    def statistics(self) -> numpy.ndarray:
        """The running statistics, a float64 array: mean then variance, channel by channel. What is
        set is copied."""
        out = numpy.empty(refnet.absa_refnet_statistic_count(self.handle))
        self.context.check(refnet.absa_refnet_read_statistics(self.handle, place(out)))
        return out

    @statistics.setter
    def statistics(self, values: numpy.ndarray) -> None:
        at = address(values, "statistics", numpy.dtype("float64"),
                     refnet.absa_refnet_statistic_count(self.handle))
        self.context.check(refnet.absa_refnet_write_statistics(self.handle, at))

    def probe(self, theta: numpy.ndarray, x: numpy.ndarray, y: numpy.ndarray) -> float:
        """Fix the point of the products that follow and return its loss. theta is copied; x and y
        are read again, and kept until the next probe."""
        loss, batch = ctypes.c_double(), self._batch(theta, x, y)
        status = refnet.absa_refnet_probe(self.handle, *batch, ctypes.byref(loss))
        self._probed = None if status else (x, y)
        self.context.check(status)
        return loss.value

    def clear_probe(self) -> None:
        """Forget the probe and its arrays."""
        refnet.absa_refnet_probe_clear(self.handle)
        self._probed = None

    def layout(self, select: str | None = None) -> Block:
        """Return an absa.Block over the network's parameters, with their names; select: what
        Block.select() takes."""
        ranges = [Range(one.range.name.decode(), one.range.first, one.range.count,
                        one.range.layer) for one in self._ranges()]
        block = Block.made(self.context, ranges,
                           lambda out: refnet.absa_refnet_layout(self.handle, out))
        return block if select is None else block.select(select)

    def block(self, selection: Block | str) -> NetworkBlock:
        """Return the products of some of the parameters, cheaper than those of Operator.block().
        selection: an absa.Block, or a text as Block.select() takes."""
        return NetworkBlock(self, self.layout(selection) if isinstance(selection, str)
                            else selection)

    def __repr__(self) -> str:
        name = self.name or f"{self._options.layer_count} layers"
        return (f"Network({name}, {self.n} parameters, {self.inputs} -> {self.outputs}, "
                f"{self.dtype.name})")


class NetworkBlock(_Products):
    """Products of a network in some of its parameters; made by Network.block()."""

    _prefix = "absa_refnet_block_"

    network: Network
    selection: Block

    def __init__(self, net: Network, selection: Block) -> None:
        self.network, self.selection = net, selection.copy()
        self.context = net.context
        self._handle = Handle(self.context, refnet.absa_refnet_block_destroy,
                              lambda out: refnet.absa_refnet_block_create(
                                  net.handle, self.selection.handle, out), net)
        self.space = self.selection.space(net.space)

    @property
    def handle(self) -> ctypes.c_void_p:
        """The C handle."""
        return self._handle.handle

    def __len__(self) -> int:
        """Selected parameters, m."""
        return refnet.absa_refnet_block_count(self.handle)

    def __repr__(self) -> str:
        return f"NetworkBlock({len(self)} of {self.network!r})"
