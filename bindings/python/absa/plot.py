"""Pictures of a training run and of spectra, with matplotlib: the schedule (batch, learning rate,
gamma, eigenvalue over epochs), the trace of measured eigenvalues with their intervals, the pairs of
a result, and a density. Every function draws into `axes` where they are given, and returns them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy

try:
    import matplotlib.pyplot as plt
    from matplotlib.ticker import LogLocator, MaxNLocator
except ImportError as error:
    raise ImportError("absa.plot needs matplotlib: pip install 'absa[plot]'") from error

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from matplotlib.axes import Axes

    from .controller import Decision

# Blue, vermilion, green, grey: apart also for colour-blind eyes and in print.
_BLUE, _RED, _GREEN, _GREY = "#0072B2", "#D55E00", "#009E73", "#777777"


def _events(journal):
    """Return (epoch, decision) of a journal: absa.Decision objects or dicts, as in JSON lines.
    Between the ends of two epochs, samples tell."""
    rows = [dict(d) if isinstance(d, dict) else
            {name: getattr(d, name) for name in (
                "event", "reason", "epoch", "samples", "batch_before", "batch", "lr_before", "lr",
                "gamma_before", "gamma", "value", "lower", "upper", "threshold")}
            for d in journal]
    if not rows:
        raise ValueError("the journal is empty: there is nothing to draw")
    ends = [(r["samples"], r["epoch"]) for r in rows if r["event"] == "epoch" and r["epoch"] > 0]
    known_samples, known_epochs = zip(*([(0, 0)] + ends))
    rate = known_samples[-1] / known_epochs[-1] if known_epochs[-1] else None

    def epoch(row):
        if rate and row["samples"] > known_samples[-1]:
            return known_epochs[-1] + (row["samples"] - known_samples[-1]) / rate
        if rate:
            return float(numpy.interp(row["samples"], known_samples, known_epochs))
        return float(row["epoch"])
    return [(epoch(row), row) for row in rows]


def _number(value):
    return math.nan if value is None else float(value)


def _steps(events, name):
    """Return x and y of a quantity that changes with decisions, as corners of a staircase."""
    x, y = [0.0], [_number(events[0][1][f"{name}_before"])]
    for at, row in events:
        value = _number(row[name])
        if value != y[-1]:
            x.append(at)
            y.append(value)
    x.append(max(at for at, _ in events))
    y.append(y[-1])
    return x, y


def eigenvalues(journal: Iterable[Decision | dict[str, Any]], axes: Axes | None = None) -> Axes:
    """Draw the measured eigenvalues with their intervals, growths marked, and the threshold that
    each was compared with.

    journal: absa.Decision objects, or dicts as in the lines of a JSON journal.
    """
    axes = plt.subplots(figsize=(7, 3.5), layout="constrained")[1] if axes is None else axes
    measured = [(at, row) for at, row in _events(journal) if row["event"] == "measurement"]
    if not measured:
        raise ValueError("the journal holds no measurement")
    x = numpy.array([at for at, _ in measured])
    value, lower, upper, threshold = (
        numpy.array([_number(row[name]) for _, row in measured])
        for name in ("value", "lower", "upper", "threshold"))
    known = numpy.isfinite(lower) & numpy.isfinite(upper)
    axes.vlines(x[known], lower[known], upper[known], color=_BLUE, linewidth=4, alpha=0.35,
                label="interval")
    open_ended = numpy.isfinite(lower) & ~numpy.isfinite(upper)
    if open_ended.any():
        axes.plot(x[open_ended], lower[open_ended], "^", color=_BLUE, fillstyle="none",
                  label="at least")
    axes.plot(x, value, ".-", color=_BLUE, linewidth=0.8, label="eigenvalue")
    if numpy.isfinite(threshold).any():
        axes.plot(x, threshold, color=_GREY, linestyle="--", linewidth=1, drawstyle="steps-post",
                  label="threshold")
    grown = [(at, _number(row["value"])) for at, row in measured
             if row["batch"] > row["batch_before"]]
    if grown:
        axes.plot(*zip(*grown), "o", color=_RED, fillstyle="none", markersize=9, label="growth")
    positive = value[numpy.isfinite(value) & (value > 0)]
    if len(positive) == numpy.isfinite(value).sum() and positive.size and \
            positive.max() > 20 * positive.min():
        axes.set_yscale("log")
    axes.set_xlabel("epoch")
    axes.set_ylabel("top eigenvalue")
    axes.legend(frameon=False, fontsize="small")
    return axes


def schedule(journal: Sequence[Decision | dict[str, Any]],
             axes: Sequence[Axes] | numpy.ndarray | None = None) -> Sequence[Axes] | numpy.ndarray:
    """Draw batch, learning rate, gamma and eigenvalue over epochs: the paper's Figure 1 of a run.

    journal: as for eigenvalues(). axes: four of them, one above the other. Returns the four.
    """
    if axes is None:
        axes = plt.subplots(4, 1, sharex=True, figsize=(7, 8), layout="constrained")[1]
    events = _events(journal)
    drawn = (("batch", "batch", _BLUE), ("lr", "learning rate", _RED), ("gamma", "gamma", _GREEN))
    for axis, (name, label, colour) in zip(axes, drawn):
        x, y = _steps(events, name)
        axis.plot(x, y, color=colour, drawstyle="steps-post", linewidth=1.8)
        axis.set_ylabel(label)
        if name == "batch":
            axis.set_yscale("log", base=2)
            axis.yaxis.set_major_locator(LogLocator(base=2, numticks=6))
            axis.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
            axis.yaxis.set_minor_locator(plt.NullLocator())
        else:
            axis.set_ylim(bottom=0, top=1.1 * max(y) if max(y) > 0 else 1)
    if any(row["event"] == "measurement" for _, row in events):
        eigenvalues(journal, axes[3])
    axes[3].set_xlabel("epoch")
    return axes


def pairs(result: Any, axes: Axes | None = None) -> Axes:
    """Draw the eigenvalues of a result with their intervals, the outermost first.

    result: absa.EigenResult, or anything with values, lower and upper of equal length.
    """
    axes = plt.subplots(figsize=(5, 3.5), layout="constrained")[1] if axes is None else axes
    values, lower, upper = (numpy.atleast_1d(numpy.asarray(end, float))
                            for end in (result.values, result.lower, result.upper))
    at = numpy.arange(1, len(values) + 1)
    known = numpy.isfinite(lower) & numpy.isfinite(upper)
    axes.vlines(at[known], lower[known], upper[known], color=_BLUE, linewidth=6, alpha=0.35,
                label="interval")
    axes.plot(at, values, "_", color=_BLUE, markersize=14, label="eigenvalue")
    axes.axhline(0, color=_GREY, linewidth=0.6)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("pair")
    axes.set_ylabel("eigenvalue")
    axes.legend(frameon=False, fontsize="small")
    return axes


def density(nodes: Sequence[float] | numpy.ndarray,
            weights: Sequence[float] | numpy.ndarray | None = None,
            sigma: float | None = None, axes: Axes | None = None, points: int = 1000) -> Axes:
    """Draw a spectral density: nodes (eigenvalues, or those of a quadrature) with their weights,
    each widened to a normal curve of standard deviation sigma, on a logarithmic scale.

    nodes, weights: arrays of equal shape; weights are equal by default and are divided by their
    sum, so that the area is 1. sigma: 1 % of the range by default.
    """
    axes = plt.subplots(figsize=(6, 3.5), layout="constrained")[1] if axes is None else axes
    nodes = numpy.ravel(numpy.asarray(nodes, float))
    weights = numpy.ones_like(nodes) if weights is None else numpy.ravel(
        numpy.asarray(weights, float))
    if nodes.size == 0 or nodes.size != weights.size or not numpy.isfinite(nodes).all() \
            or not (weights >= 0).all() or weights.sum() <= 0:
        raise ValueError("nodes and weights must be finite, of equal and positive number, and the "
                         "weights not negative")
    width = nodes.max() - nodes.min() or abs(nodes[0]) or 1.0
    sigma = width / 100 if sigma is None else sigma
    if not sigma > 0:
        raise ValueError(f"sigma is {sigma}; it must be positive")
    x = numpy.linspace(nodes.min() - 4 * sigma, nodes.max() + 4 * sigma, points)
    y = numpy.zeros_like(x)
    for node, weight in zip(nodes, weights / weights.sum()):
        y += weight * numpy.exp(-0.5 * ((x - node) / sigma) ** 2)
    y /= sigma * math.sqrt(2 * math.pi)
    axes.semilogy(x, y, color=_BLUE)
    # What lies below one node's part of a thousandth is the normal curve's tail, not the spectrum.
    floor = 1e-3 * (weights / weights.sum()).min() / (sigma * math.sqrt(2 * math.pi))
    axes.set_ylim(floor, 2 * y.max())
    axes.set_xlabel("eigenvalue")
    axes.set_ylabel("density")
    return axes
