"""Extreme eigenvalues with proof: the estimator, its results, and eigenvalues(), which does it all
in one call."""

from __future__ import annotations

import ctypes
import math
from typing import TYPE_CHECKING

import numpy

from . import _declarations as c
from ._core import (Context, Handle, Session, callback, fill, lib, number, struct, word,
                    written)
from ._progress import running, shown
from ._settings import get, put
from .operator import Operator
from .space import space_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from typing import Any, Protocol, Union

    from numpy.typing import DTypeLike

    from .operator import _Matrix
    from .space import Space

    class _Bar(Protocol):  # as tqdm's
        def update(self, count: int, /) -> Any: ...

        def close(self) -> Any: ...

    _Progress = Union[bool, Callable[["EigenResult"], Any], _Bar]
    _Settings = Mapping[str, Union[str, float, Sequence[float]]]

_WHICH = {"la": "largest", "sa": "smallest", "lm": "magnitude"}
_ENUMS = {"rule": "absa_rule", "memory": "absa_memory", "which": "absa_which",
          "store": "absa_store"}
_SHORT = {"tol": "tolerance", "k": "wanted"}
_FIELDS = {"stop": "absa_stop", "rule": "absa_rule", "which": "absa_which",
           "answer": "absa_answer", "memory": "absa_memory"}


def options(settings: _Settings | None = None, context: Context | None = None, **values: Any
            ) -> c.absa_eigen_options:
    """Return the struct of options of an estimator: the fields of absa_eigen_options by name, and
    tol and k for tolerance and wanted. settings: some of them as text, {name: text}; the others go
    before it."""
    made, fields = struct(c.absa_eigen_options), {}
    if settings is not None:
        put(Context() if context is None else context, lib.absa_eigen_options_set, made, settings)
    for name, value in values.items():
        if value is None:
            continue
        name = _SHORT.get(name, name)
        if name == "wanted" and value == 0:  # which the library takes for its default
            raise ValueError("k is 0; it must be at least 1")
        if name == "which" and isinstance(value, str):
            value = _WHICH.get(value.lower(), value)
        fields[name] = number(_ENUMS[name], value) if name in _ENUMS else value
    return fill(made, **fields)


class EigenResult:
    """What a run found.

    Attributes
    ----------
    values, lower, upper, residuals : arrays, one element a pair
        the Ritz values, their intervals, and |H v - value v|
    vectors : array of shape (pairs, n), or None where none are kept
        unit Ritz vectors; of a space with ops: a list of its vectors
    value, interval : float and (lower, upper)
        of the first pair: the eigenvalue asked for
    products, stop, converged, consistent, heuristic, eta, answer, ...
        the other fields of absa_eigen_result: words for its enums, booleans for its flags
    clusters, from_below : arrays
        see absa_pair
    """

    struct: c.absa_eigen_result
    values: numpy.ndarray
    lower: numpy.ndarray
    upper: numpy.ndarray
    residuals: numpy.ndarray
    vectors: numpy.ndarray | list[Any] | None
    value: float
    interval: tuple[float, float]
    eta: float
    residual: float
    inconsistency: float
    other_value: float
    other_lower: float
    other_upper: float
    other_residual: float
    stop: str
    converged: bool
    consistent: bool
    rule: str
    which: str
    answer: str
    products: int
    peak_vectors: int
    stream: int
    memory: str
    heuristic: bool
    pairs: int
    starts: int
    rest_bound: float
    clusters: numpy.ndarray
    from_below: numpy.ndarray
    mode: str  # these four where absa.torch.Hessian.top() made it
    bn: str
    params: str | Sequence[str]
    weight_decay: float
    of: str | None = None  # what a framework's adapter says that it is of

    def __init__(self, found: c.absa_eigen_result, pairs: Sequence[c.absa_pair] = (),
                 vectors: numpy.ndarray | list[Any] | None = None) -> None:
        self.struct = found
        for name, _ in c.absa_eigen_result._fields_:
            if name in ("struct_size", "lower", "upper"):
                continue
            value = getattr(found, name)
            if name in _FIELDS:
                value = word(_FIELDS[name], value)
            elif name in ("converged", "consistent", "heuristic"):
                value = bool(value)
            setattr(self, name, value)
        self.interval = (found.lower, found.upper)
        # One pair has the bounds on the eigenvalue itself; of several, what is not excluded.
        columns = [(p.value, p.lower, p.upper, p.residual) for p in pairs] if len(pairs) > 1 else \
            [(found.value, found.lower, found.upper, found.residual)]
        self.values, self.lower, self.upper, self.residuals = numpy.array(columns).T.copy()
        self.clusters = numpy.array([p.cluster for p in pairs] or [0])
        self.from_below = numpy.array([bool(p.from_below) for p in pairs] or [False])
        self.vectors = vectors

    def __repr__(self) -> str:
        ended = {"converged": "converged", "budget": "out of budget", "monitor": "stopped",
                 "exact": "exact", "decided": f"decided: {self.answer}"}.get(self.stop, self.stop)
        lines = [f"{self.which} eigenvalue{'s' * (len(self.values) > 1)}, {self.rule}: {ended} "
                 f"after {self.products} products"]
        lines.append(f"{'value':>14} {'lower':>14} {'upper':>14} {'residual':>10}")
        for row in zip(self.values, self.lower, self.upper, self.residuals):
            lines.append("{:14.7g} {:14.7g} {:14.7g} {:10.2e}".format(*row))
        if self.heuristic:
            lines.append("bounds from finite differences: they prove nothing")
        elif not self.consistent:
            lines.append("the operator changed between products: the bounds prove nothing")
        elif any(math.isfinite(end) for end in self.interval):
            held = "operator" if self.of is None else "probe, not for another one,"
            lines.append(f"the intervals hold for this {held} with probability {1 - self.eta:.4g}")
        return "\n".join(lines + ([] if self.of is None else [f"of {self.of}"]))


class Estimator:
    """Finds extreme eigenvalues of operators on one space; all memory is taken here.

    Parameters: space, an absa.Space, an operator, or n with dtype; options, the fields of
    absa_eigen_options by name (rule, memory, max_products, max_vectors, tolerance or tol, eta,
    seed, which, keep_hint, wanted or k, multiplicity, store); monitor, called after every product
    with an EigenResult, ends the run by returning True; progress, of every run, see
    absa.eigenvalues(); settings, options as text, {"tolerance": "1e-3"}, as a command line or a
    file has them.
    """

    def __init__(self, space: Space | Operator | int, dtype: DTypeLike | None = None, *,
                 monitor: Callable[[EigenResult], bool | None] | None = None,
                 progress: _Progress | None = None, settings: _Settings | None = None,
                 **values: Any) -> None:
        self.space: Space = space_of(space, dtype)
        self.options = options(settings, self.space.context, **values)
        self._watchers, self._progress = watch(self.options, monitor), progress
        self._handle = Handle(
            self.space.context, lib.absa_eigen_destroy, lambda out: lib.absa_eigen_create(
                self.space.context.handle, self.space.struct, self.options, out),
            self.space, self.options)
        self.next_stream = 0  # the number of the next measurement

    @property
    def handle(self) -> ctypes.c_void_p:
        """The C handle."""
        return self._handle.handle

    @property
    def settings(self) -> dict[str, str]:
        """All options as text, {name: text}: what the parameter settings takes to make the same
        estimator."""
        return get(self.space.context, lib.absa_eigen_options_get, self.options,
                   lib.absa_eigen_options_name)

    def _check(self, status):
        self.space.context.check(status)

    def memory(self) -> tuple[int, int]:
        """Return (vectors, bytes) that the estimator holds."""
        vectors, held = ctypes.c_int64(), ctypes.c_int64()
        self._check(lib.absa_eigen_memory(self.space.struct, self.options, ctypes.byref(vectors),
                                          ctypes.byref(held)))
        return vectors.value, held.value

    def _args(self, stream, hint, hint_stream, hint_weight, threshold, threshold_closed):
        """Return the struct of arguments and the hint's vector."""
        fields = {"stream": self.next_stream if stream is None else stream,
                  "threshold_closed": threshold_closed}
        if isinstance(hint, EigenResult):
            hint_stream = hint.stream if hint_stream is None else hint_stream
            if hint.vectors is None:
                raise ValueError("the result given as a hint has no vectors")
            hint = hint.vectors[0]
        if hint is not None:
            other = fields["stream"] - 1 if fields["stream"] else 1
            fields["hint_stream"] = other if hint_stream is None else hint_stream
        if hint_weight is not None:
            fields["hint_weight"] = hint_weight
        if threshold is not None:
            fields["threshold"] = threshold
        return struct(c.absa_eigen_args, **fields), hint

    def run(self, op: Operator, *, stream: int | None = None, hint: Any = None,
            hint_stream: int | None = None, hint_weight: float | None = None,
            threshold: float | None = None, threshold_closed: bool = False, vectors: bool = True,
            progress: _Progress | None = None) -> EigenResult:
        """Run to the end and return an EigenResult.

        stream: the measurement's number, one more than the last run's by default. hint: a vector to
        start near, or an earlier EigenResult. threshold: for rule "decide", which compares the
        largest eigenvalue with it. vectors: whether the result carries the eigenvectors. progress:
        in place of the estimator's, see absa.eigenvalues().
        """
        args, hint = self._args(stream, hint, hint_stream, hint_weight, threshold,
                                threshold_closed)
        found = struct(c.absa_eigen_result)
        self.next_stream = args.stream + 1
        with self.space.lent(hint, "hint") as at, self.running(op, progress=progress):
            args.hint = at
            self._check(lib.absa_eigen_run(self.handle, op.handle, args, found))
        return self._result(found, vectors)

    def resume(self, op: Operator, vectors: bool = True, progress: _Progress | None = None
               ) -> EigenResult:
        """Go on with an open run, one that was started, or loaded, to its end."""
        found = struct(c.absa_eigen_result)
        with self.running(op, progress=progress):
            self._check(lib.absa_eigen_continue(self.handle, op.handle, found))
        return self._result(found, vectors)

    def running(self, *parts: Any, progress: _Progress | None = None
                ) -> AbstractContextManager[None]:
        """Enter a run: a context manager; see absa._progress."""
        told = shown(self._progress if progress is None else progress, self.options.max_products)
        return running(self._watchers, told, self, *parts)

    def start(self, *, stream: int | None = None, hint: Any = None,
              hint_stream: int | None = None, hint_weight: float | None = None,
              threshold: float | None = None, threshold_closed: bool = False) -> None:
        """Begin a run by reverse communication: next(), fill y, put(), until next() is None."""
        args, hint = self._args(stream, hint, hint_stream, hint_weight, threshold,
                                threshold_closed)
        with self.space.lent(hint, "hint") as at, Session(self):
            args.hint = at
            self._check(lib.absa_eigen_start(self.handle, args))
        self.next_stream = args.stream + 1

    def next(self) -> tuple[Any, Any] | None:
        """Return (x, y): put H x into y and call put(); None when the run has ended."""
        x, y = ctypes.c_void_p(), ctypes.c_void_p()
        with Session(self):
            self._check(lib.absa_eigen_next(self.handle, ctypes.byref(x), ctypes.byref(y)))
            if not x.value:
                return None
            return self.space.reading(x.value), self.space.writing(y.value)

    def put(self) -> None:
        """Take the product that y holds."""
        with Session(self):
            self._check(lib.absa_eigen_put(self.handle))

    def best(self, vectors: bool = False) -> EigenResult:
        """Return the best result so far of the current or last run, also after a failure."""
        found = struct(c.absa_eigen_result)
        self._check(lib.absa_eigen_best(self.handle, found))
        return self._result(found, vectors)

    def _result(self, found, vectors):
        pairs = []
        for index in range(found.pairs):
            pair = struct(c.absa_pair)
            self._check(lib.absa_eigen_pair(self.handle, index, pair))
            pairs.append(pair)
        made = None
        if vectors and word("absa_memory", found.memory) != "value" and pairs:
            made = self._vectors(len(pairs))
        return EigenResult(found, pairs, made)

    def _vectors(self, count):
        """Return the unit vectors of the pairs, one a row; None where the run has none."""
        if self.space.ops is None:
            rows = numpy.empty((count, self.space.n), self.space.dtype)
        else:
            rows = [self.space.empty() for _ in range(count)]
        for index in range(count):
            status = self._vector_into(index, rows[index])
            if status in (_STATE, _UNSUPPORTED):
                return None
            self._check(status)
        return rows

    def _vector_into(self, index, out):
        with self.space.lent(out, "out", True) as at, Session(self):
            return lib.absa_eigen_pair_vector(self.handle, index, at)

    def vector(self, index: int = 0, out: Any = None) -> Any:
        """Return the unit Ritz vector of a pair of the last run."""
        out = self.space.empty() if out is None else out
        if index == 0:
            with self.space.lent(out, "out", True) as at, Session(self):
                self._check(lib.absa_eigen_vector(self.handle, at))
        else:
            self._check(self._vector_into(index, out))
        return out

    def save(self, vectors: bool = True) -> bytes:
        """Return the state as bytes: streams used, the last result, and, with vectors, what an open
        run or the next hint needs."""
        with Session(self):
            return written(self._check, lambda *room: lib.absa_eigen_save(
                self.handle, int(vectors), *room))

    def load(self, state: bytes) -> None:
        """Restore what save() returned; the options and the space must be the same."""
        with Session(self):
            self._check(lib.absa_eigen_load(self.handle, bytes(state), len(state)))
        found = struct(c.absa_eigen_result)
        status = lib.absa_eigen_best(self.handle, found)
        if status != _STATE:  # which says that nothing was measured yet
            self._check(status)
        self.next_stream = 0 if status else found.stream + 1

    def __repr__(self) -> str:
        return (f"Estimator({self.space!r}, rule={word('absa_rule', self.options.rule)}, "
                f"which={word('absa_which', self.options.which)}, k={self.options.wanted})")


_STATE = c.ENUMS["absa_status_code"]["state"]
_UNSUPPORTED = c.ENUMS["absa_status_code"]["unsupported"]


def watch(made: c.absa_eigen_options, monitor: Callable[[EigenResult], bool | None] | None
          ) -> list[Callable[[EigenResult], Any]]:
    """Set the monitor of a struct of options; return the list of those who are told of products."""
    watchers = [] if monitor is None else [monitor]

    def call(_user, now, stop):
        if not watchers:
            return
        found = c.absa_eigen_result()
        ctypes.pointer(found)[0] = now[0]
        result = EigenResult(found)
        for watcher in watchers:
            if watcher(result):
                stop[0] = 1
    made.monitor = callback(c.absa_monitor_fn, call)
    return watchers


def top(op: Operator, k: int = 1, which: str = "LA", rule: str = "checked", tol: float = 1e-2,
        eta: float = 1e-2, *, hint: Any = None, stream: int | None = None,
        threshold: float | None = None, threshold_closed: bool = False, **more: Any
        ) -> EigenResult:
    """Return the k outermost eigenvalues of an operator, by an estimator of its own; the parameters
    are those of eigenvalues() and of Estimator.run()."""
    estimator = Estimator(op, rule=rule, which=which, wanted=k, tolerance=tol, eta=eta, **more)
    if stream is None and hint is not None:
        # The random vector of this run must be none that the hint may depend on.
        stream = getattr(hint, "stream", 0) + 1
    return estimator.run(op, hint=hint, stream=stream, threshold=threshold,
                         threshold_closed=threshold_closed)


def eigenvalues(hvp: Callable[..., Any] | Operator | _Matrix, n: int | None = None, k: int = 1,
                which: str = "LA", rule: str = "checked", tol: float = 1e-2, eta: float = 1e-2,
                dtype: DTypeLike | None = None, hint: Any = None, max_products: int | None = None,
                seed: int = 0, *, progress: _Progress | None = None, **more: Any) -> EigenResult:
    """Return the k outermost eigenvalues of a symmetric operator, with intervals.

    Parameters
    ----------
    hvp : callable, Operator, array, SciPy sparse matrix or LinearOperator
        hvp(v) -> H v, or hvp(v, out) that fills out; see Operator.from_hvp()
    n : int
        unknowns; not needed where hvp has a shape
    k : int
        distinct eigenvalues at each end that `which` names
    which : "LA" largest, "SA" smallest, "LM" of largest magnitude, "BOTH"
    rule : "checked", "residual", "certified", "fixed", "power" or "decide"
        when to stop; the interval is given whatever the rule
    tol : float
        relative tolerance in (0, 1)
    eta : float
        chance of a wrong bound, over the random starts
    dtype : "float32" or "float64"
        by default float32, and a matrix's own
    hint : array or EigenResult, optional
        a vector to start near
    max_products : int, optional
        60 by default
    seed : int
        of the start vector; never derive it from data
    progress : True, callable or tqdm-like, optional
        True: a line on the terminal, if there is one; a callable gets an EigenResult after every
        product; an object with update() and close() is told of every product
    more
        other options of absa.Estimator

    Returns
    -------
    EigenResult, with .values .lower .upper .residuals .vectors .products .stop and more
    """
    if isinstance(hvp, Operator):
        op = hvp
    elif hasattr(hvp, "shape") and hasattr(hvp, "__matmul__"):
        op = Operator.from_scipy(hvp, dtype)  # type: ignore[arg-type]
    else:
        if n is None:
            raise TypeError("n, the number of unknowns, is missing")
        op = Operator.from_hvp(hvp, n, dtype)
    if n is not None and n not in (op.space.n, op.space.struct.n_global):
        raise ValueError(f"n is {n}; the operator has {op.space.n} unknowns")
    return top(op, k, which, rule, tol, eta, hint=hint, max_products=max_products, seed=seed,
               progress=progress, **more)
