"""Which rows of a batch are perturbed, and whether training on them has collapsed."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, NamedTuple

import numpy

from . import _declarations as c
from ._core import Session, address, check, lib, number, place, positive, struct, word64
from .space import reduction

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def selection_count(batch: int, share: float, rounding: str = "floor", seed: int = 0,
                    update: int = 0) -> int:
    """Return how many rows of a whole batch are perturbed.

    batch: rows over all micro-batches and processes. share: gamma, in [0, 1]. rounding: "floor", or
    "stochastic": one more with a probability of what floor cuts off, keyed by seed and update, so
    that the mean over updates is batch * share.
    """
    count = ctypes.c_int64()
    check(lib.absa_selection_count(positive(batch, "batch", 0), share,
                                   number("absa_rounding", rounding), word64(seed, "seed"),
                                   positive(update, "update", 0), ctypes.byref(count)))
    return count.value


def selection_prefix(count: int, first: int, rows: int) -> int:
    """Return how many of the rows first .. first + rows - 1 are among the first `count` of the
    batch: these are the first rows of the part."""
    return lib.absa_selection_prefix(positive(count, "count", 0), positive(first, "first", 0),
                                     positive(rows, "rows", 0))


def _ids(ids, name):
    """Return (rows, address, array) of ids: their number, or an int64 array."""
    if not isinstance(ids, numpy.ndarray):
        return positive(ids, name, 0), None, None
    at = address(ids, name, numpy.dtype(numpy.int64))
    if ids.ndim != 1:
        raise ValueError(f"{name} has shape {ids.shape}; it must be one number a row")
    return ids.size, at, ids


class Selection:
    """A choice of rows by (seed, update, id): the `count` samples of the batch with the smallest
    keys, however the batch is split over micro-batches and processes.

    Parameters
    ----------
    count : int
        rows to choose from the whole batch; see selection_count()
    batch : int or int64 array of shape (rows,)
        rows of the whole batch, which then count from 0; or their ids, no two alike: with reduce,
        those of this process
    seed, update : int
        chosen by the user, and the number of the update
    reduce : callable, optional
        reduce(values) sums a float64 array over all processes in place
    """

    count: int

    def __init__(self, count: int, batch: int | numpy.ndarray, *, seed: int = 0, update: int = 0,
                 reduce: Callable[[numpy.ndarray], numpy.ndarray | None] | None = None) -> None:
        self._struct = struct(c.absa_selection, count=count, seed=seed, update=update)
        rows, at, _kept = _ids(batch, "batch")
        call = c.absa_reduce_fn() if reduce is None else reduction(reduce)
        with Session():
            check(lib.absa_selection_keyed(self._struct, rows, at, call, None))
        self.count = self._struct.count

    def mask(self, rows: int | numpy.ndarray, first_id: int = 0) -> numpy.ndarray:
        """Return which of some rows are chosen: a bool array, what Attack takes as `selected`.

        rows: their ids, an int64 array; or how many, with ids first_id, first_id + 1, ...
        """
        count, at, _kept = _ids(rows, "rows")
        chosen = numpy.empty(count, numpy.uint8)
        check(lib.absa_selection_rows(self._struct, count, at, first_id, place(chosen), None))
        return chosen.view(bool)

    def __repr__(self) -> str:
        return (f"Selection(count={self.count}, seed={self._struct.seed}, "
                f"update={self._struct.update})")


class Collapse(NamedTuple):
    """What collapse_check() found. `excess`: many_step_rise - ratio * max(one_step_rise, 0), with
    its `standard_error`; 0 for a single row."""

    collapsed: bool
    one_step_rise: float
    many_step_rise: float
    excess: float
    standard_error: float


def collapse_check(clean: float | Sequence[float] | numpy.ndarray,
                   one_step: float | Sequence[float] | numpy.ndarray,
                   many_steps: float | Sequence[float] | numpy.ndarray,
                   **options: float) -> Collapse:
    """Say whether training on single-step inputs has stopped to protect against anything else:
    whether several steps raise the loss much, and one step does not.

    Parameters
    ----------
    clean, one_step, many_steps : sequences of float, shape (rows,)
        loss of each row of a probe: as it is, under the step of training, and under several steps
        in the same ball (Attack("pgd")); a single number where only means are known
    ratio, margin, confidence : float
        how many times the one rise the other may be, 4; what is too small to say anything, 0.1 in
        units of the loss; and by how many standard errors both must be exceeded, 2

    Returns
    -------
    Collapse; with .collapsed, call Controller.adversarial_collapse()
    """
    losses = [numpy.atleast_1d(numpy.ascontiguousarray(given, numpy.float64))
              for given in (clean, one_step, many_steps)]
    if len({given.shape for given in losses}) != 1 or losses[0].ndim != 1:
        raise ValueError("the losses have shapes "
                         f"{', '.join(str(given.shape) for given in losses)}; they must be one "
                         "number a row")
    found = struct(c.absa_collapse_result)
    check(lib.absa_collapse_check(struct(c.absa_collapse_options, **options), losses[0].size,
                                  *(place(given) for given in losses), found))
    return Collapse(bool(found.collapsed), *(getattr(found, name) for name in Collapse._fields[1:]))
