"""Perturbed inputs from inputs and the gradient of the loss in them: FGSM and its relatives up to
PGD, on NumPy arrays."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy

from . import _declarations as c
from ._core import Session, address, callback, check, error, fill, lib, number, place, struct, word

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from numpy.typing import ArrayLike

_INPUTS = {"float32": "f32", "float64": "f64", "float16": "f16", "bfloat16": "bf16", "uint8": "u8",
           "int8": "i8"}
_ENUMS = {"step": "absa_step", "direction": "absa_direction", "start": "absa_start",
          "layout": "absa_layout"}
_OWN = {"element", "g_element", "row_size", "x_stride", "g_stride", "out_stride", "mask_stride",
        "selected", "row_scale", "ids"}
_NONFINITE = c.ENUMS["absa_status_code"]["nonfinite"]
_INVALID = c.ENUMS["absa_status_code"]["invalid"]


def fgsm(x: numpy.ndarray, grad: numpy.ndarray, eps: float, lo: float | None = None,
         hi: float | None = None, out: numpy.ndarray | None = None) -> numpy.ndarray:
    """Return x + eps sign(grad), kept between lo and hi: absa_fgsm() of the library.

    Parameters
    ----------
    x, grad : float32 arrays of one shape, rows first, C-contiguous
        inputs, and the gradient of the loss in them
    eps : float
        size of the step in the inputs' units, not negative
    lo, hi : float, optional
        ends of the box that inputs stay in; what lies outside of it is not moved further out
    out : float32 array of that shape, optional
        where to write; may be x

    Raises absa.NonfiniteError for a NaN or infinity in x or grad; out is not to be used then.
    """
    kind = numpy.dtype(numpy.float32)
    x_at, g_at = address(x, "x", kind), address(grad, "grad", kind)
    if x.ndim == 0 or grad.shape != x.shape:
        raise ValueError(f"x has shape {x.shape} and grad {grad.shape}; both must have rows, and "
                         "one shape")
    out = numpy.empty_like(x) if out is None else out
    out_at = address(out, "out", kind, writable=True)
    if out.shape != x.shape:
        raise ValueError(f"out has shape {out.shape}; it must be {x.shape}")
    Attack._apart(out, grad, "out and grad")
    Attack._apart(out, x, "out and x", same=True)
    lo, hi = -math.inf if lo is None else float(lo), math.inf if hi is None else float(hi)
    if not 0 <= (eps := float(eps)) < math.inf:
        raise error(_INVALID, f"eps is {eps}; it must be finite and not negative")
    if not lo <= hi:
        raise error(_INVALID, f"lo is {lo} and hi {hi}; lo must not be above hi")
    rows = x.shape[0]
    if x.size:
        check(lib.absa_fgsm(rows, x.size // rows, x_at, g_at, eps, lo, hi, out_at))
    return out


def normalised(epsilon: float, mean: ArrayLike, std: ArrayLike
               ) -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]:
    """Turn a size in pixels of [0, 1] into (epsilon, lo, hi) per channel of inputs that were
    normalised, (pixel - mean) / std: float64 arrays of shape (channels,), as Attack takes them."""
    mean, std = (numpy.atleast_1d(numpy.ascontiguousarray(given, numpy.float64))
                 for given in (mean, std))
    if mean.ndim != 1 or mean.shape != std.shape:
        raise ValueError(f"mean has shape {mean.shape} and std {std.shape}; both must be one "
                         "number a channel")
    made = numpy.empty((3, mean.size))
    check(lib.absa_perturb_normalised(mean.size, epsilon, place(mean), place(std),
                                      *(place(row) for row in made)))
    return tuple(made)  # type: ignore[return-value]


class Seen(NamedTuple):
    """What the last call of an Attack saw: rows written, those whose gradient was zero wherever it
    counts, and selected ones that did not move."""

    rows: int
    zero_rows: int
    unmoved_rows: int


def _kind(array, name):
    """Return the element type of inputs or gradients."""
    if not isinstance(array, numpy.ndarray):
        raise TypeError(f"{name} is {type(array).__name__}; it must be a numpy.ndarray")
    if array.dtype.name not in _INPUTS or not array.dtype.isnative:
        raise TypeError(f"{name} is of {array.dtype}; it must be of {', '.join(_INPUTS)}")
    return number("absa_input", _INPUTS[array.dtype.name])


def _rows(array, name, like=None, writable=False):
    """Return (address, elements from row to row). Rows are C-contiguous, and any way apart."""
    kind = _kind(array, name)
    if array.ndim == 0 or like is not None and array.shape != like.shape:
        raise ValueError(f"{name} has shape {array.shape}; it must "
                         f"{'have rows' if like is None else f'be {like.shape}, as x'}")
    if writable and not array.flags.writeable:
        raise TypeError(f"{name} is read-only")
    if not array.flags.aligned:
        raise TypeError(f"{name} is not aligned; a copy of it is")
    size = math.prod(array.shape[1:])
    apart, rest = divmod(array.strides[0], array.itemsize)
    if array.shape[0] < 2:
        apart, rest = size, 0
    if array.size and (rest or apart < size or not array[0].flags.c_contiguous):
        raise TypeError(f"the rows of {name} are not C-contiguous, one behind the other; "
                        "numpy.ascontiguousarray() copies it")
    return array.ctypes.data, apart, kind


class Attack:
    """How inputs are perturbed.

    ::

        attack = absa.Attack("pgd", 8 / 255, 0.0, 1.0, seed=1)
        x_adv = attack.run(x, lambda point: input_gradient(net, point, labels))

    Parameters
    ----------
    name : "fgsm", "raw", "l2", "rfgsm", "ffgsm", "pgd" or "pgd_l2"
        where step, start, step_ratio, start_ratio and steps begin
    epsilon : float, or float64 array
        size of the step and of the ball in the inputs' units (uint8, int8: in levels). An array has
        one size a channel where `channels` is above 1 and its shape is (channels,), or else one an
        element, in the shape of a row
    lo, hi : float or float64 array, optional
        ends of the box, likewise
    channels, layout : int, "channels_first" or "channels_last"
        where the elements of a channel lie in a row
    mask : bool array, optional
        of a row's shape, or of the inputs'; elements with False keep their bits
    step : "sign", "raw" or "l2"
    direction : "ascend", or "descend": toward the label whose loss was differentiated
    start, start_ratio : "none", "uniform", "sign" or "l2", and its reach as a part of epsilon
    step_ratio, steps : float, int
        size of a step as a part of epsilon, and how many run() makes
    grad_scale : float
        for "raw": turns grad into the gradient of a row's own loss
    seed, update : int
        of the random start

    Inputs are arrays of shape (rows, ...) of float32, float64, float16, bfloat16, uint8 or int8;
    rows are C-contiguous and may lie apart. A row's result depends on nothing but the row.

    Every method takes `selected`, a bool array of shape (rows,): rows with False are copied; and
    `row_scale`, float64 of that shape: factors of epsilon. `seen` tells what the last one saw.
    """

    def __init__(self, name: str = "fgsm", epsilon: float | numpy.ndarray = 0.005,
                 lo: float | numpy.ndarray | None = None, hi: float | numpy.ndarray | None = None,
                 *, mask: numpy.ndarray | None = None, **options: Any) -> None:
        self.name, self._mask = name, mask
        self._struct = struct(c.absa_perturb_options)
        check(lib.absa_perturb_options_attack(self._struct, number("absa_attack", name)))
        fields = {}
        for field, value in options.items():
            if field in _OWN or field.startswith(("channel_", "element_")):
                raise TypeError(f"there is no option {field!r}")
            fields[field] = number(_ENUMS[field], value) if field in _ENUMS else value
        fill(self._struct, **fields)
        self._arrays = {}
        for field, value in (("epsilon", epsilon), ("lo", lo), ("hi", hi)):
            if isinstance(value, numpy.ndarray) and value.ndim:
                address(value, field, numpy.dtype(numpy.float64))
                self._arrays[field] = value
            elif value is not None:
                setattr(self._struct, field, float(value))
        self.seen: Seen | None = None

    def _call(self, x, selected, row_scale, ids=None, first_id=0):
        """Return the struct of options for inputs, and their address."""
        o = c.absa_perturb_options.from_buffer_copy(self._struct)
        at, o.x_stride, o.element = _rows(x, "x")
        shape, rows = x.shape[1:], x.shape[0]
        o.row_size = math.prod(shape)
        for field, array in self._arrays.items():
            per_channel = o.channels > 1 and array.shape == (o.channels,)
            if not per_channel and array.shape != shape:
                raise ValueError(f"{field} has shape {array.shape}; it must be {shape}, a row's, "
                                 f"or ({o.channels},), the channels'")
            setattr(o, f"{'channel' if per_channel else 'element'}_{field}", array.ctypes.data)
        if self._mask is not None:
            o.mask = self._bytes(self._mask, "mask", (shape, x.shape))
            # One row's mask is taken for all; of several rows, each has its own.
            o.mask_stride = o.row_size if self._mask.shape == x.shape != shape else 0
        if selected is not None:
            o.selected = self._bytes(selected, "selected", ((rows,),))
        for field, array, kind in (("row_scale", row_scale, "float64"), ("ids", ids, "int64")):
            if array is not None:
                address(array, field, numpy.dtype(kind), rows)
                setattr(o, field, array.ctypes.data)
        o.first_id = first_id
        return o, at

    @staticmethod
    def _bytes(array, name, shapes):
        if not isinstance(array, numpy.ndarray) or array.dtype not in (bool, numpy.uint8):
            raise TypeError(f"{name} must be a numpy.ndarray of bool")
        if array.shape not in shapes:
            raise ValueError(f"{name} has shape {array.shape}; it must be "
                             f"{' or '.join(str(shape) for shape in shapes)}")
        return address(array, name, array.dtype)

    def _gradient(self, o, grad, x):
        at, o.g_stride, o.g_element = _rows(grad, "grad", x)
        return at

    def _out(self, o, out, x, name="out"):
        """Return the array for results, new or the caller's, and its address."""
        out = numpy.empty(x.shape, x.dtype) if out is None else out
        at, o.out_stride, kind = _rows(out, name, x, writable=True)
        if kind != o.element:
            raise TypeError(f"{name} is of {out.dtype}; it must be of {x.dtype}")
        return out, at

    @staticmethod
    def _apart(one, other, names, same=False):
        """Refuse arrays that overlap, but for the same rows where that is allowed."""
        if same and (one is other or (one.ctypes.data == other.ctypes.data
                                      and one.strides == other.strides)):
            return
        if one.size and numpy.shares_memory(one, other):
            raise ValueError(f"{names} overlap")

    def _done(self, status, found):
        """Note what was seen, or raise."""
        if found.rows_done or not status:
            self.seen = Seen(found.rows_done, found.zero_rows, found.unmoved_rows)
        if status == _NONFINITE and found.bad_row >= 0:
            name = word("absa_perturb_array", found.bad_in)
            raise error(status, f"{'grad' if name == 'g' else name} holds a NaN or an infinity in "
                        f"row {found.bad_row}, element {found.bad_index}")
        check(status)

    def perturb(self, x: numpy.ndarray, grad: numpy.ndarray, out: numpy.ndarray | None = None, *,
                selected: numpy.ndarray | None = None, row_scale: numpy.ndarray | None = None
                ) -> numpy.ndarray:
        """Return x perturbed by one step; grad is the gradient of each row's loss in x. Start and
        steps are not looked at. out: an array like x, or x itself."""
        o, x_at = self._call(x, selected, row_scale)
        g_at = self._gradient(o, grad, x)
        out, out_at = self._out(o, out, x)
        self._apart(out, grad, "out and grad")
        self._apart(out, x, "out and x", same=True)
        found = struct(c.absa_perturb_result)
        self._done(lib.absa_perturb(o, len(x), x_at, g_at, out_at, found) if x.size else 0, found)
        return out

    def start(self, x: numpy.ndarray, out: numpy.ndarray | None = None, *,
              selected: numpy.ndarray | None = None, row_scale: numpy.ndarray | None = None,
              ids: numpy.ndarray | None = None, first_id: int = 0) -> numpy.ndarray:
        """Return the points where the attack starts. ids: an int64 array, one number a row that
        stays with the sample wherever it is processed; first_id, first_id + 1, ... by default."""
        o, x_at = self._call(x, selected, row_scale, ids, first_id)
        out, out_at = self._out(o, out, x)
        self._apart(out, x, "out and x", same=True)
        found = struct(c.absa_perturb_result)
        self._done(lib.absa_perturb_start(o, len(x), x_at, out_at, found) if x.size else 0, found)
        return out

    def step(self, x: numpy.ndarray, grad: numpy.ndarray, point: numpy.ndarray, *,
             selected: numpy.ndarray | None = None, row_scale: numpy.ndarray | None = None
             ) -> numpy.ndarray:
        """Move point, in place, along its gradient grad, and back into ball and box around x;
        returns it."""
        o, x_at = self._call(x, selected, row_scale)
        g_at = self._gradient(o, grad, x)
        point, at = self._out(o, point, x, "point")
        self._apart(point, grad, "point and grad")
        self._apart(point, x, "point and x")
        found = struct(c.absa_perturb_result)
        self._done(lib.absa_perturb_step(o, len(x), x_at, g_at, at, found) if x.size else 0, found)
        return point

    def run(self, x: numpy.ndarray, gradient: Callable[[numpy.ndarray], numpy.ndarray],
            out: numpy.ndarray | None = None, *, selected: numpy.ndarray | None = None,
            row_scale: numpy.ndarray | None = None, ids: numpy.ndarray | None = None,
            first_id: int = 0) -> numpy.ndarray:
        """Run the whole attack and return the perturbed inputs.

        gradient: gradient(point) -> the gradient of each row's loss in the row, an array in the
        shape of x and of its dtype (uint8, int8: float32); point is not to be changed. Rows that
        are not selected need not be right. ids, first_id: as for start().
        """
        o, x_at = self._call(x, selected, row_scale, ids, first_id)
        out, out_at = self._out(o, out, x)
        self._apart(out, x, "out and x")
        grad = numpy.zeros(x.shape, numpy.float32 if x.dtype.kind in "iu" else x.dtype)
        g_at = self._gradient(o, grad, x)
        point = out.view()
        point.flags.writeable = False

        def call(_user, _rows_given, _point, _g):
            answer = gradient(point)
            if not isinstance(answer, numpy.ndarray) or answer.dtype != grad.dtype:
                kind = getattr(answer, "dtype", type(answer).__name__)
                raise TypeError(f"gradient returned {kind}; it must return an array of "
                                f"{grad.dtype}")
            if answer.shape != grad.shape:
                raise ValueError(f"gradient returned an array of shape {answer.shape}; it must be "
                                 f"{grad.shape}")
            grad[...] = answer
        found = struct(c.absa_perturb_result)
        kept = callback(c.absa_input_gradient_fn, call)
        with Session():
            self._done(lib.absa_perturb_run(o, len(x), x_at, kept, None, g_at, out_at, found)
                       if x.size else 0, found)
        return out

    @property
    def options(self) -> dict[str, Any]:
        """The options of the attack by name, enums as words. Changing the dict changes nothing."""
        names = ("step", "direction", "start", "start_ratio", "step_ratio", "steps", "layout",
                 "channels", "grad_scale", "seed", "update")
        found = {name: getattr(self._struct, name) for name in names}
        for name, enum in _ENUMS.items():
            found[name] = word(enum, found[name])
        for name in ("epsilon", "lo", "hi"):
            found[name] = self._arrays.get(name, getattr(self._struct, name))
        return found

    def __repr__(self) -> str:
        o = self.options
        size = "an array" if "epsilon" in self._arrays else f"{o['epsilon']:g}"
        return (f"Attack({self.name}, epsilon={size}: {o['steps']} x {o['step_ratio']:g} "
                f"{o['step']}, start {o['start']}, {o['direction']})")


def perturb(x: numpy.ndarray, grad: numpy.ndarray, epsilon: float | numpy.ndarray = 0.005,
            lo: float | numpy.ndarray | None = None, hi: float | numpy.ndarray | None = None, *,
            name: str = "fgsm", out: numpy.ndarray | None = None,
            selected: numpy.ndarray | None = None, row_scale: numpy.ndarray | None = None,
            **options: Any) -> numpy.ndarray:
    """Return x perturbed by one step along grad, the gradient of each row's loss in x; the
    parameters are those of Attack and of Attack.perturb()."""
    return Attack(name, epsilon, lo, hi, **options).perturb(
        x, grad, out, selected=selected, row_scale=row_scale)


def attack(x: numpy.ndarray, gradient: Callable[[numpy.ndarray], numpy.ndarray],
           epsilon: float | numpy.ndarray = 0.005, lo: float | numpy.ndarray | None = None,
           hi: float | numpy.ndarray | None = None, *, name: str = "pgd",
           out: numpy.ndarray | None = None, selected: numpy.ndarray | None = None,
           row_scale: numpy.ndarray | None = None, ids: numpy.ndarray | None = None,
           first_id: int = 0, **options: Any) -> numpy.ndarray:
    """Return x perturbed by a whole attack, PGD by default; the parameters are those of Attack and
    of Attack.run(): gradient(point) returns the gradient of each row's loss in the row."""
    return Attack(name, epsilon, lo, hi, **options).run(
        x, gradient, out, selected=selected, row_scale=row_scale, ids=ids, first_id=first_id)
