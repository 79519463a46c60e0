"""What another probe batch would have said: means over several probe batches, with their standard
error and a confidence interval.

The interval of a run covers the solver on the probe batch that it was given; another batch's
eigenvalue is often much farther away. run() answers what the eigenvalue of a batch of this size is;
quotients() along the eigenvector of one run on Operator.sum(parts) answers what that of all the
data is. Batches should be drawn independently from the same data.
"""

from __future__ import annotations

import collections
import ctypes
from typing import TYPE_CHECKING

import numpy

from . import _declarations as c
from ._core import Context, Session, callback, check, lib, place, positive, struct, weighed
from .eigen import EigenResult
from .operator import Operator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from .eigen import Estimator


class SamplingResult:
    """A mean over batches. absa.Controller.observe() takes it where it has a `result`.

    Attributes
    ----------
    mean, deviation, standard_error : float
        weighted mean, deviation of one batch from it, and the mean's standard error
    lower, upper, interval : float, float, (lower, upper)
        holds the mean over all batches that could be drawn with probability `confidence`, the
        runs' own bounds taken in
    batches, quantile : int, float
        batches that were used, and standard errors in half the interval
    values : float64 array of shape (batches,)
        one figure a batch
    runs : list of EigenResult, or None
    result : EigenResult, or None
        the mean of the runs; of quotients: the run on the sum
    pairs : list of SamplingResult
        itself, and where runs were of several pairs, the mean of each other one
    """

    mean: float
    deviation: float
    standard_error: float
    lower: float
    upper: float
    interval: tuple[float, float]
    confidence: float
    quantile: float
    batches: int
    values: numpy.ndarray
    runs: list[EigenResult] | None
    result: EigenResult | None
    struct: c.absa_eigen_result  # where there is a result
    mode: str  # these four where absa.torch.Hessian.top() made it
    bn: str
    params: str | Sequence[str]
    weight_decay: float

    def __init__(self, found: c.absa_sampling_result, values: numpy.ndarray,
                 runs: list[EigenResult] | None = None, result: EigenResult | None = None) -> None:
        for name, _ in c.absa_sampling_result._fields_:
            if name != "struct_size":
                setattr(self, name, getattr(found, name))
        self.interval = (self.lower, self.upper)
        self.values, self.runs, self.result = values, runs, result
        if result is not None:
            self.struct = result.struct

    of: str | None = None  # what a framework's adapter says that it is of
    others: Sequence[SamplingResult] = ()  # the means of the pairs behind the outermost

    @property
    def pairs(self) -> list[SamplingResult]:
        """[self, ...]: the mean of each pair, the outermost first."""
        return [self, *self.others]

    def __repr__(self) -> str:
        lines = [f"mean {self.mean:.7g} of {self.batches} batches, standard error "
                 f"{self.standard_error:.2e} (one batch: {self.deviation:.2e})",
                 f"{self.confidence:.4g} of such intervals hold the mean of all batches: "
                 f"[{self.lower:.7g}, {self.upper:.7g}]"]
        if self.runs:
            stops = collections.Counter(run.stop for run in self.runs).most_common()
            lines.append(f"{sum(run.products for run in self.runs)} products; runs "
                         + ", ".join(f"{stop}: {count}" for stop, count in stops))
            lines.append("the solver alone on these batches: [{:.7g}, {:.7g}]".format(
                *self.result.interval))  # type: ignore[union-attr]
        for place, pair in enumerate(self.others):
            lines.append(f"pair {place + 2}: mean {pair.mean:.7g}, [{pair.lower:.7g}, "
                         f"{pair.upper:.7g}]")
        return "\n".join(lines + ([] if self.of is None else [f"of {self.of}"]))


def from_values(values: Sequence[float] | numpy.ndarray,
                weights: Sequence[float] | numpy.ndarray | None = None,
                confidence: float = 0.95) -> SamplingResult:
    """Return the SamplingResult of one figure a batch: an eigenvalue, a trace, a quotient.

    values: at least two numbers. weights: samples of each batch, or anything proportional; equal by
    default. confidence: of the interval, in (0, 0.999999].
    """
    values = numpy.array(values, numpy.float64)
    if values.ndim != 1:
        raise ValueError(f"values have shape {values.shape}; it must be one number a batch")
    given, found = weighed(weights, len(values)), struct(c.absa_sampling_result)
    context = Context()
    context.check(lib.absa_sampling_from_values(context.handle, len(values), place(values),
                                                place(given), confidence, found))
    return SamplingResult(found, values)


def from_results(runs: Iterable[EigenResult],
                 weights: Sequence[float] | numpy.ndarray | None = None,
                 confidence: float = 0.95) -> SamplingResult:
    """Return the SamplingResult of finished runs, EigenResult objects, one a batch."""
    runs = list(runs)
    given, found = weighed(weights, len(runs)), struct(c.absa_sampling_result)
    mean, context = struct(c.absa_eigen_result), Context()
    structs = _structs(len(runs))
    for at, run_of_batch in enumerate(runs):
        structs[at] = run_of_batch.struct
    context.check(lib.absa_sampling_from_results(context.handle, len(runs), structs, place(given),
                                                 confidence, mean, found))
    return SamplingResult(found, numpy.array([one.value for one in runs]), runs,
                          EigenResult(mean))


def _structs(count):
    made = (c.absa_eigen_result * max(count, 1))()
    for one in made:
        lib.absa_eigen_result_init(one, ctypes.sizeof(one))
    return made


class _Batches:
    """The batches of a call: their operators, weights, and the struct of options."""

    def __init__(self, parts, weights, count, select, **options):
        if isinstance(parts, Operator):
            if select is None or count is None:
                raise TypeError("one operator for all batches needs select= and count=")
            parts = [parts] * positive(count, "count", 2)
        elif count is not None:
            raise TypeError("count is for one operator with select=")
        self.parts = list(parts)
        self.count = len(self.parts)
        self.handles = (ctypes.c_void_p * max(self.count, 1))(
            *[part.handle.value for part in self.parts])
        self.weights = weighed(weights, self.count)
        self.options = struct(c.absa_sampling_options, **options)
        if select is not None:
            def call(_user, batch):
                select(batch)
            self.options.select = callback(c.absa_select_batch_fn, call)


def run(estimator: Estimator, parts: Iterable[Operator] | Operator,
        weights: Sequence[float] | numpy.ndarray | None = None, *, count: int | None = None,
        select: Callable[[int], object] | None = None, confidence: float = 0.95,
        target: float = 0.0, least: int = 4, progress: Any = None) -> SamplingResult:
    """Run an estimator once a batch: what is the eigenvalue of a batch of this size?

    Parameters
    ----------
    estimator : absa.Estimator
        every run takes its next stream; with keep_hint=1 a batch starts from the eigenvector of the
        one before. Rule "decide" runs as "certified"
    parts : sequence of Operator, or one Operator
        one a batch; or one for all, with select and count
    weights : sequence of float, optional
        samples of each batch, or anything proportional; equal by default
    count, select : int and callable
        select(batch) makes batch 0 .. count - 1 the one that the next products are computed on
    confidence : float
        of the interval, in (0, 0.999999]
    target, least : float, int
        end early, after at least so many batches, when half the interval's sampling part is at most
        this part of |mean|; 0: go through all of them
    progress : optional
        as absa.eigenvalues() takes it

    Returns
    -------
    SamplingResult, with .runs and .result
    """
    batches = _Batches(parts, weights, count, select, confidence=confidence, target=target,
                       least=least)
    structs, mean = _structs(batches.count), struct(c.absa_eigen_result)
    found = struct(c.absa_sampling_result)
    # After a failure the streams that may have been used are passed over.
    following = estimator.next_stream + batches.count
    try:
        with estimator.running(*batches.parts, progress=progress):
            estimator.space.context.check(lib.absa_sampling_run(
                estimator.handle, batches.count, batches.handles, place(batches.weights),
                batches.options, structs, mean, found))
        following = structs[found.batches - 1].stream + 1
    finally:
        estimator.next_stream = following
    runs = [EigenResult(c.absa_eigen_result.from_buffer_copy(one))
            for one in structs[:found.batches]]
    return SamplingResult(found, numpy.array([one.value for one in runs]), runs,
                          EigenResult(mean))


def quotients(estimator: Estimator, parts: Iterable[Operator] | Operator, v: Any,
              weights: Sequence[float] | numpy.ndarray | None = None, *,
              result: EigenResult | None = None, count: int | None = None,
              select: Callable[[int], object] | None = None, confidence: float = 0.95,
              target: float = 0.0, least: int = 4) -> SamplingResult:
    """Take the Rayleigh quotients v' H v / v' v of the batches along one vector: how sure is the
    eigenvalue of all the data? One product a batch.

    Parameters
    ----------
    estimator : absa.Estimator
        on the parts' space; keeps its state
    v : vector of the space, or EigenResult
        the eigenvector of Operator.sum(parts, weights); a result has it, and its bounds
    result : EigenResult, optional
        of the run on the sum, for its bounds
    parts, weights, count, select, confidence, target, least
        as for run(); the weights are the sum's

    Returns
    -------
    SamplingResult; the standard error is that of the eigenvalue to first order
    """
    if isinstance(v, EigenResult):
        result = v if result is None else result
        if v.vectors is None:
            raise ValueError("the result has no vectors")
        v = v.vectors[0]
    batches = _Batches(parts, weights, count, select, confidence=confidence, target=target,
                       least=least)
    space, found = estimator.space, struct(c.absa_sampling_result)
    values, work = numpy.empty(batches.count), estimator.space.empty()
    with space.lent(v, "v") as at, space.lent(work, "work", True) as room, \
            Session(estimator, *batches.parts, v, work):
        check(lib.absa_sampling_quotients(
            estimator.handle, batches.count, batches.handles, place(batches.weights), at, room,
            batches.options, None if result is None else result.struct, place(values), found),
            space.context)
    return SamplingResult(found, values[:found.batches].copy(), None, result)
