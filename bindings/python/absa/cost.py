"""The time model of a data-parallel run: how long so many updates and measurements would take on a
machine that is described by a handful of constants."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from . import _declarations as c
from ._core import Context, lib, number, struct, word

if TYPE_CHECKING:
    from typing import Any, Literal

    from .schedule import Schedule

_COUNTS = ("updates", "rows", "adversarial_rows", "measurements", "products")


class Cost(NamedTuple):
    """Where the time goes, in seconds. `allreduce`: one sum of the gradient; `computing` and
    `exchange`: of all updates; `measuring`: of all measurements; `total` of the last three."""

    allreduce: float
    computing: float
    exchange: float
    measuring: float
    total: float

    def __repr__(self) -> str:
        return (f"Cost(total={self.total:.6g} s: computing={self.computing:.6g}, "
                f"exchange={self.exchange:.6g}, measuring={self.measuring:.6g})")


class Machine:
    """A machine, and what one step costs on it; times are seconds.

    Parameters
    ----------
    processes : int, 1
    parameters, parameter_bits : int, 0 and 32
        elements that are summed after each update's backward pass, and bits of one
    collective : "ring" or "bandwidth"
        2 (latency log2 p + (p - 1) / p * bits / bandwidth), or 2 bits / bandwidth
    latency, bandwidth : float, 2e-6 and 48e9
        of a message, and bits per second between two processes
    update_time, row_time, adversarial_row_time : float, 0
        computing of one update whatever its rows, of one row on one process, and more for a row
        that is perturbed
    measurement_time, product_time : float, 0
        of one measurement of the eigenvalue, and of one product, to be added
    """

    def __init__(self, *, collective: Literal["ring", "bandwidth"] = "ring",
                 **options: float) -> None:
        self._struct = struct(c.absa_cost_options, **options)
        self._struct.collective = number("absa_collective", collective)
        self._context = Context()

    def time(self, run: Schedule | None = None, **counts: int) -> Cost:
        """Return the Cost of a run: an absa.Schedule, or its counts: updates, rows,
        adversarial_rows, measurements, products, which also change those of a schedule."""
        if run is not None:
            counts = {name: getattr(run, name) for name in _COUNTS if hasattr(run, name)} | counts
        found = struct(c.absa_cost_result)
        self._context.check(lib.absa_cost_estimate(
            self._context.handle, self._struct, struct(c.absa_cost_run, **counts), found))
        return Cost(*(getattr(found, name) for name in Cost._fields))

    @property
    def options(self) -> dict[str, Any]:
        """All constants by name. Changing the dict changes nothing."""
        found = {name: getattr(self._struct, name) for name, _ in c.absa_cost_options._fields_
                 if name not in ("struct_size", "reserved0")}
        return found | {"collective": word("absa_collective", self._struct.collective)}

    def __repr__(self) -> str:
        default = struct(c.absa_cost_options)
        told = [f"{name}={value if isinstance(value, int) else format(value, 'g')}"
                for name, value in self.options.items()
                if name != "collective" and value != getattr(default, name)]
        told.append(f"collective={self.options['collective']}")
        lines = [""]
        for text in told:
            if len(lines[-1]) + len(text) > 66:
                lines.append("")
            lines[-1] += text + ", "
        return "Machine(" + "\n        ".join(line.rstrip() for line in lines).rstrip(",") + ")"
