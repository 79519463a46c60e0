"""Pictures are drawn from what runs give; what they show is read back from the axes."""

import math

import matplotlib
import numpy
import pytest

import absa

matplotlib.use("Agg")
from absa import plot  # noqa: E402


def journal():
    made = []
    controller = absa.Controller(samples=1000, epochs=20, batch=100, batch_max=800, lr=0.1,
                                 decay=[15], rho=0.2, journal=made.append)
    while not (plan := controller.plan()).finished:
        if plan.measure_due:
            value = 10.0 * 0.7 ** plan.epochs_ended
            controller.observe(value)
        elif plan.epoch_done:
            controller.end_epoch()
        else:
            controller.advance(controller.micro().global_rows)
    return made


def test_a_schedule_shows_batch_lr_gamma_and_eigenvalue():
    made = journal()
    axes = plot.schedule(made)
    x, y = axes[0].lines[0].get_data()
    assert list(y[:1]) == [100] and max(y) == 800 and max(x) == 20
    grown = [d.epoch for d in made if d.grew]
    assert [at for at, was, now in zip(x[1:], y, y[1:]) if now > was] == grown
    assert max(axes[1].lines[0].get_ydata()) == pytest.approx(0.8)
    assert min(axes[2].lines[0].get_ydata()) == 0
    rows = [{**{name: getattr(d, name) for name, _ in type(d).__mro__[1]._fields_
                if name != "struct_size"}, "event": d.event} for d in made]
    again = plot.schedule(rows)
    assert again[0].lines[0].get_ydata().tolist() == list(y)


def test_eigenvalues_show_their_intervals():
    made = [d for d in journal()]
    axes = plot.eigenvalues(made)
    values = [line for line in axes.lines if line.get_label() == "eigenvalue"][0].get_ydata()
    assert list(values) == [d.value for d in made if d.event == "measurement"]
    with pytest.raises(ValueError, match="no measurement"):
        plot.eigenvalues([d for d in made if d.event == "epoch"])
    with pytest.raises(ValueError, match="empty"):
        plot.schedule([])


def test_pairs_and_densities():
    found = absa.eigenvalues(numpy.diag(numpy.arange(50.0)), k=3)
    axes = plot.pairs(found)
    assert list(axes.lines[0].get_ydata()) == list(found.values)
    axes = plot.density(numpy.arange(50.0), sigma=2.0)
    x, y = axes.lines[0].get_data()
    assert numpy.trapezoid(y, x) == pytest.approx(1.0, abs=1e-3)
    for wrong in ([], [math.nan], [1.0]):
        with pytest.raises(ValueError):
            plot.density(wrong, weights=[-1.0] if wrong else None)
