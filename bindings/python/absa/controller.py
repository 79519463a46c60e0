"""The controller: how large the next batch is, with which learning rate, how many of its inputs to
perturb, and whether the Hessian is to be measured."""

from __future__ import annotations

import ctypes
import json
import math
from typing import TYPE_CHECKING

from . import _declarations as c
from ._core import (Context, Handle, Session, callback, check, fill, lib, number, struct, word,
                    written)
from ._settings import get, put
from .space import reduction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from .eigen import EigenResult
    from .sampling import SamplingResult

# How the fields that hold an enum are spelled.
_ENUMS = {"strategy": "absa_strategy", "lr_rule": "absa_lr_rule", "unit": "absa_unit",
          "epoch_tail": "absa_tail", "trigger": "absa_trigger", "compare": "absa_compare",
          "patience_counts": "absa_patience", "growth": "absa_growth",
          "adversarial_rows": "absa_rows", "gradient": "absa_gradient", "across": "absa_across",
          "momentum": "absa_momentum"}
_FLAGS = ("patience_shrinks_share", "finish_at_batch_max", "use_unconverged", "count_bad", "spill",
          "lr_cap_nesterov")
_CALLBACKS = {"journal", "journal_user", "reduce", "reduce_user", "lr_function", "lr_user"}


def _word(base, name, enum):
    """Return a property that gives an enum's field of a struct as a word."""
    field = getattr(base, name)
    return property(lambda self: word(enum, field.__get__(self)))


def _reason(base):
    """Return the property of a decision's reason, whose names a newer library knows too."""
    field = base.reason

    def name(self):
        found = lib.absa_reason_name(field.__get__(self)).decode()
        return field.__get__(self) if found == "?" else found
    return property(name)


def _flag(base, name):
    """Return a property that gives a field of a struct as a boolean."""
    field = getattr(base, name)
    return property(lambda self: bool(field.__get__(self)))


class Plan(c.absa_plan):
    """The plan of the next update; the fields are those of absa_plan.

    `batch` rows over all processes with learning rate `lr` (or `lr_multiplier` over the host's own
    schedule), in `micro_batches` of at most `micro_batch` rows on each process; the first
    `adversarial_rows` are perturbed by `epsilon`; `measure_due`: measure now, against `threshold`;
    `epoch_done`: call end_epoch(); `finished`; `reason` of the last decision, a word.
    """

    batch: int
    rows: int
    rows_done: int
    micro_batch: int
    micro_batches: int
    lr: float
    lr_multiplier: float
    momentum_multiplier: float
    gamma: float
    epsilon: float
    adversarial_rows: int
    progress: float
    epoch: float
    threshold: float
    update: int
    short_updates: int
    samples: int
    epochs_ended: int
    reason: str = _reason(c.absa_plan)
    measure_due: bool = _flag(c.absa_plan, "measure_due")
    epoch_done: bool = _flag(c.absa_plan, "epoch_done")
    finished: bool = _flag(c.absa_plan, "finished")
    threshold_closed: bool = _flag(c.absa_plan, "threshold_closed")

    def __repr__(self) -> str:
        told = [name for name in ("measure_due", "epoch_done", "finished") if getattr(self, name)]
        return (f"Plan(batch={self.batch}, lr={self.lr:.6g}, gamma={self.gamma:.4g}, "
                f"update={self.update}, epoch={self.epoch:.3f}, reason={self.reason}"
                f"{''.join(', ' + name for name in told)})")


class Micro(c.absa_micro):
    """One micro-batch of one process: rows first .. first + rows - 1 of the epoch, the weight of
    its gradient, the number of its first rows to perturb, and whether it is the window's last."""

    first: int
    rows: int
    global_rows: int
    weight: float
    adversarial_rows: int
    last: bool = _flag(c.absa_micro, "last")

    def __repr__(self) -> str:
        return (f"Micro(first={self.first}, rows={self.rows}, weight={self.weight:.6g}, "
                f"adversarial_rows={self.adversarial_rows}, last={self.last})")


class Decision(c.absa_decision):
    """One decision, as the journal gets it; the fields are those of absa_decision, `event`,
    `reason` and `answer` as words."""

    event: str = _word(c.absa_decision, "event", "absa_event")
    reason: str = _reason(c.absa_decision)
    update: int
    samples: int
    epoch: int
    batch_before: int
    batch: int
    lr_before: float
    lr: float
    gamma_before: float
    gamma: float
    value: float
    lower: float
    upper: float
    threshold: float
    reference: float
    patience: int
    products: int
    answer: str = _word(c.absa_decision, "answer", "absa_answer")
    converged: bool = _flag(c.absa_decision, "converged")
    consistent: bool = _flag(c.absa_decision, "consistent")
    standard_error: float

    @property
    def grew(self) -> bool:
        """Whether the batch grew."""
        return self.batch > self.batch_before

    def json(self) -> str:
        """Return the decision as one line of JSON, as absa-train writes it."""
        text = written(check, lambda *room: lib.absa_decision_format(self, *room))
        return text.rstrip(b"\0").decode()

    def __repr__(self) -> str:
        told = f"value={self.value:.6g}, " if math.isfinite(self.value) else ""
        return (f"Decision({self.event}, {self.reason}, {told}batch {self.batch_before} -> "
                f"{self.batch}, lr {self.lr_before:.4g} -> {self.lr:.4g}, "
                f"gamma {self.gamma_before:.3g} -> {self.gamma:.3g})")


def _made(context, strategy, preset, values):
    """Return the struct of options, and the callables among them."""
    made = struct(c.absa_controller_options)
    check(lib.absa_controller_options_preset(made, number("absa_preset", preset)))
    settings = values.pop("settings", None) or {}
    put(context, lib.absa_controller_options_set, made, settings)
    if "rho" in values:
        values["lr_decay"] = values.pop("rho")
    if strategy is not None:
        values["strategy"] = strategy
    kept = {name: values.pop(name, None) for name in ("journal", "reduce")}
    if callable(values.get("lr_rule")):
        kept["lr_rule"] = values["lr_rule"]
        values["lr_rule"] = "host"
    decay = values.pop("decay", None)
    fields = {}
    for name, value in values.items():
        if name in _CALLBACKS or name == "decay_count":
            raise TypeError(f"there is no option {name!r}")
        fields[name] = number(_ENUMS[name], value) if name in _ENUMS else \
            int(value) if name in _FLAGS else value
    fill(made, **fields)
    if decay is not None:
        points = [float(point) for point in decay]
        if len(points) > c.ABSA_DECAY_POINTS:
            raise ValueError(f"decay has {len(points)} points; the most are "
                             f"{c.ABSA_DECAY_POINTS}")
        made.decay[:len(points)] = points
        made.decay_count = len(points)
    return made, {name: value for name, value in kept.items() if value is not None}


def _install(made, called):
    """Set the callbacks of the options."""
    if "journal" in called:
        def journal(_user, decision):
            called["journal"](Decision.from_buffer_copy(decision[0]))
        made.journal = callback(c.absa_journal_fn, journal)
    if "reduce" in called:
        made.reduce = reduction(called["reduce"])
    if "lr_rule" in called:
        def factor(_user, batch, batch_ref, out):
            out[0] = called["lr_rule"](batch, batch_ref)
        made.lr_function = callback(c.absa_lr_fn, factor)


class Controller:
    """The state machine of batch, learning rate and gamma; owns no loop, data or optimiser.

    ::

        ctl = absa.Controller(samples=50000, epochs=90, batch=128, batch_max=16384, lr=0.1,
                              decay=[30, 60, 80])
        while not (plan := ctl.plan()).finished:
            if plan.measure_due:
                ctl.observe(absa.eigenvalues(hvp, n))
            elif plan.epoch_done:
                ctl.end_epoch()
            else:
                micro = ctl.micro()
                accumulate(micro.weight, rows(micro.first, micro.rows))
                ctl.advance(micro.global_rows)
                if micro.last:
                    step(plan.lr)

    Parameters
    ----------
    strategy : "bl", "fb", "gg", "abs" or "absa", the default
    preset : "recommended", "paper" or "authors"
        where the other options begin
    samples, epochs : int
        samples of an epoch, and planned epochs; must be given
    journal : callable, optional
        journal(decision) takes every absa.Decision
    reduce : callable, optional
        reduce(values) sums a float64 array over all processes, so that all decide alike
    lr_rule : "linear", "sqrt", "none" or a callable
        a callable lr_rule(batch, batch_ref) returns the factor of the learning rate, 1 at batch_ref
    decay : sequence of float
        where the learning rate is multiplied by rho (lr_decay), in `unit`
    settings : dict, optional
        options as text, {"eigenvalue_ratio": "2.5", "decay": "30,60"}, as a command line or a file
        has them; parameters go before them
    **options
        the other fields of absa_controller_options by name; enums as words

    Pickling keeps options, state and callables; those must be picklable themselves.
    """

    def __init__(self, strategy: str | None = None, preset: str = "recommended",
                 **options: Any) -> None:
        self._arguments = {"strategy": strategy, "preset": preset, **options}
        self._context = Context()
        self._struct, self._called = _made(self._context, strategy, preset, dict(options))
        _install(self._struct, self._called)
        self._handle = Handle(self._context, lib.absa_controller_destroy, self._create,
                              self._struct)

    def _create(self, out):
        return lib.absa_controller_create(self._context.handle, self._struct, out)

    @property
    def handle(self) -> ctypes.c_void_p:
        """The C handle."""
        return self._handle.handle

    def check(self, status: int) -> None:
        """Raise the error of a status, or what a callback raised."""
        self._context.check(status)

    def twin(self, journal: Callable[[Decision], Any] | None = None) -> Controller:
        """Return a controller of the same options in the same state, with a journal of its own or
        none, and without `reduce`."""
        kept = {name: value for name, value in self._arguments.items()
                if name not in ("journal", "reduce")}
        return _restored(type(self), {**kept, "journal": journal}, self.save())

    @property
    def options(self) -> dict[str, Any]:
        """All options by name, enums as words, decay as a tuple. Changing the dict changes
        nothing."""
        found: dict[str, Any] = {}
        for index in range(1000):
            name = lib.absa_controller_options_name(index)
            if name is None:
                return found
            name = name.decode()
            value = getattr(self._struct, name)
            if name in _ENUMS:
                value = word(_ENUMS[name], value)
            elif name in _FLAGS:
                value = bool(value)
            elif name == "decay":
                value = tuple(value[:self._struct.decay_count])
            found[name] = value
        raise AssertionError("the names of options do not end")

    @property
    def settings(self) -> dict[str, str]:
        """All options as text, {name: text}: what the parameter settings takes back to the same
        bits."""
        return get(self._context, lib.absa_controller_options_get, self._struct,
                   lib.absa_controller_options_name)

    @property
    def epoch_samples(self) -> int:
        """Samples of an epoch: fewer than `samples` where epoch_tail is "drop"."""
        o = self._struct
        if o.epoch_tail == c.ENUMS["absa_tail"]["drop"]:
            return o.samples - o.samples % o.batch
        return o.samples

    def _call(self, function, *arguments):
        """Call a function that may enter callbacks."""
        with Session(self):
            self.check(function(self.handle, *arguments))

    def plan(self, process: int = 0, processes: int = 1) -> Plan:
        """Answer what the next update is to be; changes nothing."""
        plan = Plan(ctypes.sizeof(c.absa_plan))
        self._call(lib.absa_controller_plan, process, processes, plan)
        return plan

    def micro(self, process: int = 0, processes: int = 1) -> Micro:
        """Answer which rows come next; advance() moves on."""
        micro = Micro(ctypes.sizeof(c.absa_micro))
        self.check(lib.absa_controller_micro(self.handle, process, processes, micro))
        return micro

    def advance(self, samples: int) -> None:
        """Count samples that were used, over all processes: 1 to what the window has left."""
        self._call(lib.absa_controller_advance, samples)

    def observe(self, measured: float | EigenResult | SamplingResult,
                standard_error: float | None = None) -> Decision:
        """Take a measurement and return the Decision that follows.

        measured: an absa.EigenResult, or a number, which is taken as exact. standard_error: of the
        value over several probe batches; a result with an attribute of that name carries it.
        """
        decision = Decision(ctypes.sizeof(c.absa_decision))
        if standard_error is None:
            standard_error = getattr(measured, "standard_error", None)
        with Session(self):
            if not hasattr(measured, "struct"):
                if standard_error is not None:
                    raise TypeError("a standard error needs a result, not a plain number")
                if isinstance(measured, (str, bytes)):
                    raise TypeError(f"{measured!r} is no number")
                status = lib.absa_controller_observe_value(self.handle, float(measured), decision)
            elif standard_error is None:
                status = lib.absa_controller_observe(self.handle, measured.struct, decision)
            else:
                status = lib.absa_controller_observe_sampled(
                    self.handle, measured.struct, float(standard_error), decision)
            self.check(status)
        return decision

    def skip_measurement(self) -> None:
        """Drop a due measurement."""
        self._call(lib.absa_controller_skip_measurement)

    def end_epoch(self) -> None:
        """Count the end of an epoch."""
        self._call(lib.absa_controller_end_epoch)

    def update_skipped(self) -> None:
        """Take back the last update: the optimiser skipped it. Its samples count."""
        self._call(lib.absa_controller_update_skipped)

    def adversarial_collapse(self) -> None:
        """End adversarial inputs for good."""
        self._call(lib.absa_controller_adversarial_collapse)

    def restart_window(self) -> None:
        """Forget the open window: its samples are drawn again."""
        self._call(lib.absa_controller_restart_window)

    def save(self) -> bytes:
        """Return the state as bytes, at any point, also inside a window."""
        return written(self.check, lambda *room: lib.absa_controller_save(self.handle, *room))

    def load(self, state: bytes | bytearray | memoryview, other_options: bool = False) -> None:
        """Restore what save() returned. other_options: take a state saved under other options."""
        if not isinstance(state, (bytes, bytearray, memoryview)):
            raise TypeError(f"state is {type(state).__name__}; it must be bytes")
        state = bytes(state)
        self._call(lib.absa_controller_load, state, len(state), int(other_options))

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), self._arguments, self.save())

    def __repr__(self) -> str:
        plan, o = self.plan(), self.options
        return (f"Controller({o['strategy']}, samples={o['samples']}, epochs={o['epochs']}: "
                f"batch={plan.batch}, lr={plan.lr:.4g}, epoch {plan.epoch:.2f}, "
                f"update {plan.update})")


def predicted(strategy: str | Controller | None, preset: str, options: Mapping[str, Any],
              listener: Callable[[Decision], Any]) -> Controller:
    """Return a controller to try something with, whose decisions listener gets: the twin of a
    controller, or a new one, the journal among whose options is told too."""
    if isinstance(strategy, Controller):
        if options or preset != "recommended":
            raise TypeError("a controller has its own options")
        return strategy.twin(listener)
    told = options.get("journal")

    def both(decision):
        listener(decision)
        told(decision)
    return Controller(strategy, preset,
                      **{**options, "journal": listener if told is None else both})


def _restored(kind, arguments, state):
    made = kind(**arguments)
    made.load(state)
    return made


def _field(name, kind, value):
    """Return what a struct takes for a field of a line."""
    if isinstance(value, str):
        return number({"event": "absa_event", "reason": "absa_reason",
                       "answer": "absa_answer"}[name], value)
    if value is None:
        return math.nan
    return int(value) if kind is ctypes.c_int32 else value


def decisions(lines: Iterable[str | bytes | Mapping[str, Any]]) -> list[Decision]:
    """Return Decision objects of a journal's lines: JSON text, or dicts."""
    found = []
    for at, line in enumerate(lines):
        try:
            row = json.loads(line) if isinstance(line, (str, bytes)) else dict(line)
        except (TypeError, ValueError) as error:
            raise ValueError(f"line {at + 1} is no JSON object: {error}") from None
        if not isinstance(row, dict) or "event" not in row:
            raise ValueError(f"line {at + 1} has no event")
        made = struct(c.absa_decision)
        for name, kind in c.absa_decision._fields_:
            if name == "struct_size" or name.startswith("reserved") or name not in row:
                continue
            try:
                setattr(made, name, _field(name, kind, row[name]))
            except (TypeError, ValueError, KeyError):
                raise ValueError(f"line {at + 1}: {name} is {row[name]!r}") from None
        found.append(Decision.from_buffer_copy(made))
    return found
