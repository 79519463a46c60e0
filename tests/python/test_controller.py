"""The controller from Python: options, the loop, journal, exceptions, pickling."""

import copy
import json
import math
import pickle

import numpy
import pytest

import absa
from absa.controller import decisions

SMALL = {"samples": 1000, "epochs": 20, "batch": 100, "batch_max": 800, "lr": 0.1}


def train(controller, eigenvalue=lambda epoch: 10.0 * 0.6 ** epoch, stop=None):
    """Go through the training, or to that update; return the plans of its updates."""
    plans = []
    while not (plan := controller.plan()).finished and plan.update != stop:
        if plan.measure_due:
            controller.observe(eigenvalue(plan.epochs_ended))
        elif plan.epoch_done:
            controller.end_epoch()
        else:
            micro = controller.micro()
            controller.advance(micro.global_rows)
            if micro.last:
                plans.append((plan.update, plan.batch, plan.lr, plan.gamma))
    return plans


def test_the_batch_grows_and_lr_and_gamma_follow():
    plans = train(absa.Controller(decay=[10], rho=0.5, **SMALL))
    assert {batch for _, batch, _, _ in plans} == {100, 200, 400, 800}
    assert plans[0][1:] == (100, 0.1, 0.2)
    assert plans[-1][1:] == (800, pytest.approx(0.1 * 8 * 0.5), 0.0)


@pytest.mark.parametrize("options, kind, text", [
    ({}, ValueError, "samples is 0"),
    ({"samples": 10, "epochs": 1, "batch": 2.5}, TypeError, "batch is 2.5; it must be an integer"),
    ({"samples": 10, "epochs": 1, "fond": 1}, TypeError, "no option 'fond'"),
    ({"samples": 10, "epochs": 1, "lr": -1}, ValueError, "lr is -1"),
    ({"samples": 10, "epochs": 1, "lr": math.nan}, ValueError, "lr is"),
    ({"samples": 10, "epochs": 1, "unit": "years"}, ValueError, "none of epochs, updates"),
    ({"samples": 10, "epochs": 1, "decay": range(40)}, ValueError, "decay has 40 points"),
    ({"samples": 10, "epochs": 1, "journal_user": 1}, TypeError, "no option"),
])
def test_wrong_options_are_named(options, kind, text):
    with pytest.raises(kind, match=text):
        absa.Controller(**options)


def test_presets_and_options_are_told():
    paper = absa.Controller(preset="paper", strategy="abs", decay=[3, 7], **SMALL).options
    assert paper["patience"] == 10 and paper["trigger"] == "point"
    assert paper["decay"] == (3.0, 7.0) and paper["use_unconverged"] is True
    with pytest.raises(ValueError, match="none of recommended"):
        absa.Controller(preset="best", **SMALL)


def test_the_journal_gets_every_decision_and_its_lines_come_back():
    journal = []
    controller = absa.Controller(journal=journal.append, **SMALL)
    train(controller)
    reasons = {decision.reason for decision in journal}
    assert {"first", "eigenvalue", "none"} <= reasons
    assert any(decision.grew for decision in journal)
    lines = [decision.json() for decision in journal]
    row = json.loads(lines[1])
    assert row["event"] == "measurement" and row["value"] == 6.0
    for decision, other in zip(journal, decisions(lines)):
        assert decision.json() == other.json()


@pytest.mark.parametrize("raised", [RuntimeError("mine"), KeyboardInterrupt()])
def test_exceptions_of_callbacks_come_out(raised):
    def broken(*_):
        raise raised
    controller = absa.Controller(journal=broken, **SMALL)
    with pytest.raises(type(raised)) as caught:
        controller.observe(3.0)
    assert caught.value is raised
    with pytest.raises(type(raised)):
        absa.Controller(lr_rule=broken, **SMALL)
    with pytest.raises(type(raised)):
        absa.Controller(reduce=broken, **SMALL).observe(3.0)


def test_the_lr_rule_may_be_a_function():
    plans = train(absa.Controller(lr_rule=lambda batch, ref: (batch / ref) ** 0.25, **SMALL))
    assert plans[-1][2] == pytest.approx(0.1 * 8 ** 0.25)


@pytest.mark.parametrize("stop", [0, 7, 33, 60])
@pytest.mark.parametrize("way", ["pickle", "copy", "save"])
def test_a_copy_goes_on_to_the_same_end(stop, way):
    whole = train(absa.Controller(**SMALL))
    first = absa.Controller(**SMALL)
    begun = train(first, stop=stop)
    first.advance(10)
    if way == "pickle":
        second = pickle.loads(pickle.dumps(first))
    elif way == "copy":
        second = copy.deepcopy(first)
    else:
        second = absa.Controller(**SMALL)
        second.load(first.save())
    assert second.plan().rows_done == 10
    assert begun + train(second) == whole


def test_states_of_other_options_and_damaged_ones_are_refused():
    controller = absa.Controller(**SMALL)
    state = controller.save()
    other = absa.Controller(**{**SMALL, "lr": 0.2})
    with pytest.raises(absa.Error, match="lr") as caught:
        other.load(state)
    assert caught.value.code == "ABSA_E_MISMATCH"
    other.load(state, other_options=True)
    with pytest.raises(absa.Error, match="damaged|truncated"):
        controller.load(state[:-1])
    with pytest.raises(TypeError, match="must be bytes"):
        controller.load("state")


def test_results_of_the_estimator_are_observed_with_their_interval():
    matrix = numpy.diag(numpy.arange(1.0, 51.0))
    controller = absa.Controller(**SMALL)
    found = absa.eigenvalues(matrix)
    decision = controller.observe(found)
    assert decision.reason == "first" and decision.upper == found.interval[1]
    assert decision.products == found.products
    less = controller.observe(absa.eigenvalues(matrix / 2.2), standard_error=5.0)
    assert less.reason == "unsettled" and less.standard_error == 5.0
    with pytest.raises(TypeError, match="standard error needs a result"):
        controller.observe(3.0, standard_error=1.0)


def test_a_text_is_no_measurement():
    controller = absa.Controller(**SMALL)
    for wrong in ("3", b"3", None, [3.0, 4.0]):
        with pytest.raises(TypeError):
            controller.observe(wrong)
    assert controller.observe(numpy.float32(3.0)).value == 3.0


def test_bad_numbers_never_grow_the_batch():
    controller = absa.Controller(**SMALL)
    controller.observe(10.0)
    reasons = [controller.observe(value).reason for value in (math.nan, math.inf, 0.0)]
    assert reasons == ["nonfinite", "nonfinite", "blind"]
    assert controller.plan().batch == 100


def test_events_out_of_place_are_errors():
    controller = absa.Controller(**SMALL)
    for call, code in ((controller.skip_measurement, "ABSA_E_STATE"),
                       (controller.update_skipped, "ABSA_E_STATE"),
                       (lambda: controller.advance(0), "ABSA_E_INVALID"),
                       (lambda: controller.plan(2, 2), "ABSA_E_INVALID")):
        with pytest.raises(absa.Error) as caught:
            call()
        assert caught.value.code == code
    controller.advance(100)
    controller.update_skipped()
    controller.adversarial_collapse()
    assert controller.plan().gamma == 0.0 and controller.plan().update == 0


def test_rows_are_shared_by_processes():
    controller = absa.Controller(**SMALL)
    micros = [controller.micro(process, 3) for process in range(3)]
    assert sum(micro.rows for micro in micros) == micros[0].global_rows == 100
    assert sum(micro.weight for micro in micros) == pytest.approx(1.0)
    assert sum(micro.adversarial_rows for micro in micros) == 20
    assert "Micro(first=0" in repr(micros[0]) and "batch=100" in repr(controller.plan())
