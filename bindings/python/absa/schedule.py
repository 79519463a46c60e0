"""What a training would look like: batch size, learning rate and share of perturbed inputs over the
epochs, from the controller itself without training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy

from .controller import predicted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from .controller import Controller, Decision
    from .eigen import EigenResult

_MOST_LINES = 24


class Schedule:
    """The updates of a training, one element of each array an update.

    Attributes
    ----------
    epoch : float64 array
        when the update begins, in epochs
    batch, lr, gamma : int64, float64, float64 arrays
        what its samples are averaged over, its learning rate, and its share of perturbed rows
    window_rows, window_adversarial : int64 arrays
        rows of the update, fewer than batch where it is cut short, and how many are perturbed
    updates, rows, adversarial_rows, measurements : int
        in all; absa.Machine.time() takes them
    short_updates : int
        updates of fewer rows than their batch
    decisions : list of Decision
        what the controller's journal would get
    """

    epoch: numpy.ndarray
    batch: numpy.ndarray
    lr: numpy.ndarray
    gamma: numpy.ndarray
    window_rows: numpy.ndarray
    window_adversarial: numpy.ndarray
    updates: int
    rows: int
    adversarial_rows: int
    measurements: int
    short_updates: int
    decisions: list[Decision]
    options: dict[str, Any]
    first_epoch: int

    def __init__(self, options: dict[str, Any], rows: Sequence[Sequence[float]],
                 decisions: list[Decision], first_epoch: int) -> None:
        columns: list[Sequence[float]] = list(zip(*rows)) or [[]] * 6
        self.epoch, self.lr, self.gamma = (numpy.array(columns[i], numpy.float64)
                                           for i in (0, 2, 3))
        self.batch, self.window_rows, self.window_adversarial = (
            numpy.array(columns[i], numpy.int64) for i in (1, 4, 5))
        self.options, self.decisions, self.first_epoch = options, decisions, first_epoch
        self.updates = len(rows)
        self.rows = int(self.window_rows.sum())
        self.adversarial_rows = int(self.window_adversarial.sum())
        self.measurements = sum(one.event == "measurement" for one in decisions)
        self.short_updates = int((self.window_rows < self.batch).sum())

    def by_epoch(self) -> numpy.ndarray:
        """Return a structured array, one row an epoch: epoch, updates that begin in it, and batch,
        lr and gamma of the first one (of the one before, where none begins in it)."""
        epochs = range(self.first_epoch, self.options["epochs"])
        table = numpy.zeros(len(epochs), [("epoch", "i8"), ("updates", "i8"), ("batch", "i8"),
                                          ("lr", "f8"), ("gamma", "f8")])
        starts = numpy.searchsorted(self.epoch, list(epochs))
        ends = numpy.append(starts[1:], self.updates)
        table["epoch"], table["updates"] = epochs, ends - starts
        first = numpy.where(ends > starts, starts, starts - 1).clip(0)
        if self.updates:
            for name in ("batch", "lr", "gamma"):
                table[name] = getattr(self, name)[first]
        return table

    def _phases(self, *names):
        """Return (first, past) of the updates between two changes of any of these."""
        changed = numpy.zeros(max(self.updates - 1, 0), bool)
        for name in names:
            values = getattr(self, name)
            changed |= values[1:] != values[:-1]
        cuts = [0, *(numpy.flatnonzero(changed) + 1).tolist(), self.updates]
        return list(zip(cuts, cuts[1:])) if self.updates else []

    def __repr__(self) -> str:
        o = self.options
        lines = [f"{o['strategy']}, {o['epochs']} epochs of {o['samples']} samples: {self.updates} "
                 f"updates, {self.measurements} measurements",
                 f"{'epoch':>8} {'to':>8} {'batch':>9} {'lr':>22} {'gamma':>18} {'updates':>9}"]
        phases = self._phases("batch", "lr", "gamma")
        if len(phases) > _MOST_LINES:  # warm-up, or a polynomial
            phases = self._phases("batch", "gamma")
        if len(phases) > _MOST_LINES:
            phases = self._phases("batch")
        shown = phases if len(phases) <= _MOST_LINES else phases[:_MOST_LINES - 1] + phases[-1:]
        for place, (first, past) in enumerate(shown):
            if len(phases) > len(shown) and place == len(shown) - 1:
                lines.append(f"{'...':>8} {len(phases) - len(shown)} more phases")
            end = self.epoch[past] if past < self.updates else float(o["epochs"])
            lines.append(f"{self.epoch[first]:8.2f} {end:8.2f} {self.batch[first]:9} "
                         f"{_span(self.lr[first:past]):>22} {_span(self.gamma[first:past]):>18} "
                         f"{past - first:9}")
        if self.short_updates:
            lines.append(f"{self.short_updates} of them shorter than their batch")
        return "\n".join(lines)


def _span(values):
    if values[0] == values[-1]:
        return f"{values[0]:.5g}"
    return f"{values[0]:.4g} to {values[-1]:.4g}"


def _oracle(eigenvalue):
    """Return function(epoch) -> a number or an EigenResult; None: a measurement is skipped."""
    if eigenvalue is None or callable(eigenvalue):
        return eigenvalue
    numbers = list(eigenvalue)
    rest = iter(numbers)

    def following(_epoch):
        try:
            return next(rest)
        except StopIteration:
            raise ValueError(f"eigenvalue has {len(numbers)} numbers; the training measures more "
                             "often") from None
    return following


def schedule(strategy: str | Controller | None = None, preset: str = "recommended", *,
             eigenvalue: (Callable[[float], float | EigenResult]
                          | Iterable[float | EigenResult] | None) = None,
             **options: Any) -> Schedule:
    """Return the Schedule of a training that is not run.

    Parameters
    ----------
    strategy : str or absa.Controller, optional
        with the options of absa.Controller; or a controller: what is left of its training, while
        it stays where it is
    eigenvalue : callable or sequence, optional
        what measurements would find: eigenvalue(epoch), epoch being a float, returns a positive
        number or an EigenResult; or one number for each measurement, in order. By default
        measurements are skipped, so that "abs" and "absa" never grow
    preset, **options
        as absa.Controller takes them
    """
    journal: list[Decision]
    journal, rows = [], []
    controller = predicted(strategy, preset, options, journal.append)
    oracle, plan = _oracle(eigenvalue), controller.plan()
    first_epoch, opened = int(plan.epochs_ended), None
    while not plan.finished:
        if plan.measure_due:
            if oracle is None:
                controller.skip_measurement()
            else:
                controller.observe(oracle(plan.epoch))
        elif plan.epoch_done:
            controller.end_epoch()
        else:
            if opened is None:  # a window may go on behind the end of an epoch
                opened = (plan.epoch, plan.batch, plan.lr, plan.gamma, plan.rows,
                          plan.adversarial_rows)
            micro = controller.micro()
            controller.advance(micro.global_rows)
            if micro.last:
                rows.append(opened)
                opened = None
        plan = controller.plan()
    return Schedule(controller.options, rows, journal, first_epoch)
