"""Journals of controllers: written to files, read back, and fed to controllers with other
options."""

from __future__ import annotations

import ctypes
import math
import os
from typing import TYPE_CHECKING

from . import _declarations as c
from ._core import lib, struct
from .controller import Decision, decisions, predicted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from .controller import Controller


class Journal:
    """A file that takes every decision as a line of JSON: hand it to absa.Controller(journal=...).

    path: appended to; a line is written whole and flushed, so that a run that dies leaves its
    decisions behind. A context manager, and picklable: a copy appends to the same file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self._file = open(self.path, "a", encoding="ascii")

    def __call__(self, decision: Decision) -> None:
        self._file.write(decision.json() + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path,)

    def __repr__(self) -> str:
        return f"Journal({self.path!r})"


def read_journal(path: str | os.PathLike[str]) -> list[Decision]:
    """Return the decisions of a file that absa.Journal wrote: a list of absa.Decision."""
    with open(path, encoding="utf-8") as file:
        lines = [line for line in file.read().split("\n") if line.strip()]
    try:
        return decisions(lines)
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from None


class Replay:
    """What other options would have made of a journal.

    Attributes
    ----------
    decisions : list of Decision
        the controller's own
    replayed, measurements : int
        decisions of the journal that were taken in, and measurements among them
    undetermined, threshold : int and float, or None
        number of the journal's decision whose interval does not settle this threshold: the replay
        ended before it
    controller : Controller
        where it came to
    """

    decisions: list[Decision]
    replayed: int
    measurements: int
    undetermined: int | None
    threshold: float | None
    controller: Controller

    def __init__(self, found: c.absa_replay, made: list[Decision], controller: Controller) -> None:
        self.decisions, self.controller = made, controller
        self.replayed, self.measurements = found.replayed, found.measurements
        self.undetermined = None if found.undetermined < 0 else found.undetermined
        self.threshold = None if math.isnan(found.threshold) else found.threshold

    def __repr__(self) -> str:
        lines = [f"{self.replayed} decisions with {self.measurements} measurements were replayed"]
        if self.undetermined is not None:
            lines[0] += ","
            lines.append(f"up to decision {self.undetermined}, whose interval does not settle "
                         f"{self.threshold:.6g}")
        lines.append(f"{'epoch':>7} {'reason':>12} {'value':>12} {'batch':>9} {'lr':>12} "
                     f"{'gamma':>9}")
        for one in self.decisions:
            if one.event == "measurement" or one.batch != one.batch_before:
                lines.append(f"{one.epoch:7} {one.reason:>12} {one.value:12.6g} {one.batch:9} "
                             f"{one.lr:12.6g} {one.gamma:9.4g}")
        return "\n".join(lines)


def replay(journal: str | os.PathLike[str] | Sequence[Decision | str | bytes | Mapping[str, Any]],
           /, controller: str | Controller | None = None, preset: str = "recommended",
           **options: Any) -> Replay:
    """Feed a journal to a controller: what would other options have made of the same measurements?

    Parameters
    ----------
    journal : path, or sequence
        a file that absa.Journal wrote; absa.Decision objects; or their lines of JSON, or dicts
    controller : str or absa.Controller, optional
        a strategy, with the options of absa.Controller, which the journal does not record; or a
        controller, usually just made, which stays where it is
    preset, **options
        as absa.Controller takes them, `journal` too

    Returns
    -------
    Replay. It holds as far as a run with other batches would have met the same eigenvalues.
    """
    if isinstance(journal, (str, os.PathLike)):
        journal = read_journal(journal)
    journal = list(journal)
    if not all(isinstance(one, Decision) for one in journal):
        journal = decisions(journal)  # type: ignore[arg-type]
    made: list[Decision] = []
    controller = predicted(controller, preset, options, made.append)
    array = (c.absa_decision * max(len(journal), 1))(*journal)
    found = struct(c.absa_replay)
    controller.check(lib.absa_controller_replay(
        controller.handle, array, len(journal), ctypes.sizeof(c.absa_decision), found))
    return Replay(found, made, controller)
