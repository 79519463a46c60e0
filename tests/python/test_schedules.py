"""Schedules, replays, journals and the time model against what the paper's rules give by hand."""

import json
import math
import pickle

import numpy
import pytest

import absa

# Every batch divides the samples, so that windows end with epochs.
SMALL = {"samples": 1600, "epochs": 12, "batch": 100, "batch_max": 800, "lr": 0.1}


def fall(epoch):
    return 10.0 * 0.6 ** epoch


def by_hand(ratio=2.0, epochs=12, share=0.2, decay=()):
    """[(batch, lr, gamma)] of each epoch by Algorithm 1: the first value is the reference, a value
    below reference / ratio doubles batch and lr, halves gamma, and is the next reference."""
    batch, gamma, reference, rows = 100, share, None, []
    for epoch in range(epochs):
        if epoch:
            value = fall(epoch)
            if reference is None:
                reference = value
            elif value < reference / ratio:
                batch, gamma, reference = min(2 * batch, 800), gamma / 2, value
        lr = 0.1 * batch / 100 * 0.5 ** sum(epoch >= at for at in decay)
        rows.append((batch, lr, gamma if epoch < epochs / 2 else 0.0))
    return rows


def test_an_adaptive_schedule_follows_the_eigenvalue():
    found = absa.schedule(eigenvalue=fall, decay=[8], rho=0.5, **SMALL)
    want = by_hand(decay=[8])
    table = found.by_epoch()
    assert [tuple(row) for row in table[["batch", "lr", "gamma"]]] == [
        (b, pytest.approx(lr, rel=1e-14), pytest.approx(g, rel=1e-14)) for b, lr, g in want]
    assert list(table["updates"]) == [1600 // b for b, _, _ in want]
    assert list(table["epoch"]) == list(range(12))
    assert found.updates == len(found.batch) == sum(1600 // b for b, _, _ in want)
    assert found.rows == 12 * 1600 == found.window_rows.sum() and found.short_updates == 0
    assert found.adversarial_rows == sum(
        1600 // b * math.floor(b * g) for b, _, g in want) == found.window_adversarial.sum()
    assert found.measurements == 11
    assert numpy.allclose(found.epoch, numpy.cumsum(found.batch) / 1600 - found.batch / 1600)


def test_fixed_schedules_are_their_formulas():
    gg = absa.schedule("gg", decay=[4, 8], rho=0.5, **SMALL).by_epoch()
    assert list(gg["batch"]) == [100] * 4 + [200] * 4 + [400] * 4
    assert numpy.allclose(gg["lr"], 0.1, rtol=1e-14)
    fb = absa.schedule("fb", decay=[8], rho=0.5, **SMALL)
    assert set(fb.batch) == {800}
    # Warm-up from the batch's own learning rate, 0.1, to the scaled one, 0.8, in five epochs.
    want = numpy.where(fb.epoch < 5, 0.1 + 0.7 * fb.epoch / 5, 0.8) * 0.5 ** (fb.epoch >= 8)
    assert numpy.allclose(fb.lr, want, rtol=1e-13)
    bl = absa.schedule("bl", decay=[3], rho=0.2, **SMALL)
    assert set(bl.batch) == {100} and not bl.gamma.any()
    assert numpy.allclose(bl.lr, numpy.where(bl.epoch < 3, 0.1, 0.02), rtol=1e-14)


def test_without_eigenvalues_nothing_grows():
    found = absa.schedule(**SMALL)
    assert set(found.batch) == {100} and found.measurements == 0


def test_eigenvalues_may_be_listed_and_must_suffice():
    listed = absa.schedule(eigenvalue=[fall(epoch) for epoch in range(1, 12)], **SMALL)
    assert numpy.array_equal(listed.batch, absa.schedule(eigenvalue=fall, **SMALL).batch)
    with pytest.raises(ValueError, match="has 10 numbers"):
        absa.schedule(eigenvalue=[fall(epoch) for epoch in range(1, 11)], **SMALL)
    result = absa.eigenvalues(numpy.diag([1.0, 2.0, 5.0]))
    told = []
    absa.schedule(eigenvalue=lambda epoch: result, journal=told.append, **SMALL)
    assert any(decision.products == result.products for decision in told)


def test_what_is_left_of_a_training_is_the_end_of_the_whole():
    journal = []
    controller = absa.Controller(journal=journal.append, **SMALL)
    while (plan := controller.plan()).update < 40:
        if plan.measure_due:
            controller.observe(fall(plan.epoch))
        elif plan.epoch_done:
            controller.end_epoch()
        else:
            controller.advance(plan.rows)
    before, state = len(journal), controller.save()
    left = absa.schedule(controller, eigenvalue=fall)
    whole = absa.schedule(eigenvalue=fall, **SMALL)
    assert controller.save() == state and len(journal) == before
    for name in ("epoch", "batch", "lr", "gamma"):
        assert numpy.array_equal(getattr(left, name), getattr(whole, name)[40:])
    # The epoch that is open counts as begun.
    assert left.by_epoch()["epoch"][0] == plan.epochs_ended
    assert list(left.by_epoch()["updates"][1:]) == list(
        whole.by_epoch()["updates"][plan.epochs_ended + 1:])
    with pytest.raises(TypeError, match="its own options"):
        absa.schedule(controller, samples=3)


def test_exceptions_of_the_eigenvalue_come_out():
    def broken(epoch):
        raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        absa.schedule(eigenvalue=broken, **SMALL)
    with pytest.raises(ValueError, match="lr is"):
        absa.schedule(**{**SMALL, "lr": -1.0})


@pytest.mark.parametrize("options", [
    {"eigenvalue": fall}, {"strategy": "fb"}, {"strategy": "gg", "decay": [4, 8]},
    {"polynomial_end": 12.0}, {"eigenvalue": fall, "samples": 1234567, "batch_max": 65536},
    {"strategy": "gg", "unit": "updates", "decay": range(1, 33), "rho": 0.999,
     "batch_max": 16384}])
def test_a_schedule_reads_well(options):
    text = repr(absa.schedule(**{**SMALL, **options})).splitlines()
    assert max(map(len, text)) <= 80 and 3 <= len(text) <= 30, "\n".join(text)


def test_the_same_options_replay_to_the_same_decisions():
    journal = []
    absa.schedule(eigenvalue=fall, journal=journal.append, decay=[8], **SMALL)
    again = absa.replay(journal, decay=[8], **SMALL)
    assert [one.json() for one in again.decisions] == [one.json() for one in journal]
    assert again.replayed == len(journal) and again.measurements == 11
    assert again.undetermined is None and again.threshold is None
    assert again.controller.plan().epochs_ended == 12


def test_other_options_make_other_batches_of_the_same_measurements():
    journal = absa.schedule(eigenvalue=fall, **SMALL).decisions
    changed = absa.Controller(eigenvalue_ratio=3.0, **SMALL)
    found = absa.replay(journal, changed)
    grown = [one.batch for one in found.decisions if one.event == "measurement"]
    assert grown == [batch for batch, _, _ in by_hand(ratio=3.0)][1:]
    assert changed.plan().update == 0  # it stayed where it was
    text = repr(found).splitlines()
    assert max(map(len, text)) <= 80 and len(text) == 2 + 11


def test_a_measurement_that_does_not_settle_another_threshold_ends_the_replay():
    journal = absa.schedule(eigenvalue=fall, **SMALL).decisions
    rows = [json.loads(one.json()) for one in journal]
    second = [at for at, row in enumerate(rows) if row["event"] == "measurement"][1]
    # The value, 3.6, was made for 6 / 2 = 3. An interval down to 1.9 leaves 6 / 3 = 2 open.
    rows[second]["lower"], rows[second]["upper"] = 1.9, 3.7
    found = absa.replay(rows, eigenvalue_ratio=3.0, **SMALL)
    assert found.undetermined == second == found.replayed
    assert found.threshold == pytest.approx(2.0) and "does not settle" in repr(found)


def test_journals_are_written_and_read(tmp_path):
    path = tmp_path / "run.jsonl"
    kept = []
    with absa.Journal(path) as file:
        assert absa.schedule(eigenvalue=fall, journal=file, **SMALL).updates
    absa.schedule(eigenvalue=fall, journal=kept.append, **SMALL)
    assert [one.json() for one in absa.read_journal(path)] == [one.json() for one in kept]
    found = absa.replay(path, eigenvalue_ratio=3.0, **SMALL)
    assert found.replayed == len(kept)
    with absa.Journal(path) as file:
        assert repr(file) == f"Journal({str(path)!r})"
        controller = pickle.loads(pickle.dumps(absa.Controller(journal=file, **SMALL)))
        controller.observe(3.0)
    assert absa.read_journal(path)[-1].value == 3.0
    with open(path, "a", encoding="ascii") as file:
        file.write('{"event": "measurement", "value": "much"}\n')
    with pytest.raises(ValueError, match=rf"run.jsonl: line {len(kept) + 2}: value is 'much'"):
        absa.read_journal(path)
    path.write_text('\n{"event": "meas', "ascii")
    with pytest.raises(ValueError, match="line 1 is no JSON object"):
        absa.read_journal(path)
    path.write_text("[1]\n", "ascii")
    with pytest.raises(ValueError, match="line 1 has no event"):
        absa.read_journal(path)


@pytest.mark.parametrize("raised", [RuntimeError("mine"), KeyboardInterrupt()])
def test_exceptions_of_journals_come_out_of_replays(raised):
    journal = absa.schedule(eigenvalue=fall, **SMALL).decisions

    def broken(decision):
        raise raised
    with pytest.raises(type(raised)) as caught:
        absa.replay(journal, journal=broken, **SMALL)
    assert caught.value is raised
    with pytest.raises(ValueError, match="backwards|before|decision"):
        absa.replay(journal[::-1], **SMALL)


def test_time_is_the_models_formula():
    constants = {"processes": 16, "parameters": 1_000_000, "latency": 1e-5, "bandwidth": 1e10,
                 "update_time": 0.02, "row_time": 1e-4, "adversarial_row_time": 3e-4,
                 "measurement_time": 2.0, "product_time": 0.1}
    machine = absa.Machine(**constants)
    wire = 1e6 * 32 / 1e10
    allreduce = 2 * (1e-5 * 4 + 15 / 16 * wire)
    cost = machine.time(updates=100, rows=6400, adversarial_rows=640, measurements=5, products=40)
    assert cost.allreduce == pytest.approx(allreduce, rel=1e-12)
    assert cost.computing == pytest.approx(100 * 0.02 + (6400 * 1e-4 + 640 * 3e-4) / 16, rel=1e-12)
    assert cost.exchange == pytest.approx(100 * allreduce, rel=1e-12)
    assert cost.measuring == pytest.approx(5 * 2.0 + 40 * 0.1, rel=1e-12)
    assert cost.total == pytest.approx(cost.computing + cost.exchange + cost.measuring, rel=1e-15)
    plain = absa.Machine(collective="bandwidth", **constants).time(updates=1)
    assert plain.allreduce == pytest.approx(2 * wire, rel=1e-12)
    text = repr(machine) + "\n" + repr(cost)
    assert max(map(len, text.splitlines())) <= 80 and "parameters=1000000" in text
    assert machine.options["processes"] == 16 and machine.options["collective"] == "ring"


def test_schedules_have_their_time():
    machine = absa.Machine(update_time=0.5, measurement_time=3.0, product_time=0.25)
    found = absa.schedule(eigenvalue=fall, **SMALL)
    assert machine.time(found).total == pytest.approx(found.updates * 0.5 + 11 * 3.0)
    assert machine.time(found, products=44).measuring == pytest.approx(11 * 3.0 + 11.0)
    assert machine.time(absa.schedule("bl", **SMALL)).total == pytest.approx(192 * 0.5)


@pytest.mark.parametrize("call, kind, text", [
    (lambda: absa.Machine(fond=1), TypeError, "fond"),
    (lambda: absa.Machine(collective="star"), ValueError, "ring"),
    (lambda: absa.Machine(processes=0).time(), ValueError, "processes is 0"),
    (lambda: absa.Machine(processes=1.5), TypeError, "processes is 1.5"),
    (lambda: absa.Machine(bandwidth=math.nan).time(), ValueError, "bandwidth"),
    (lambda: absa.Machine().time(updates=-1), ValueError, "updates is -1"),
])
def test_wrong_machines_are_refused(call, kind, text):
    with pytest.raises(kind, match=text):
        call()
