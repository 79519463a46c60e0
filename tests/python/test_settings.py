"""Options as text, contexts, and what watches a run."""

import gc
import pickle

import numpy
import pytest

import absa
from absa import _core

SMALL = {"samples": 1000, "epochs": 20, "batch": 100, "batch_max": 800, "lr": 0.1}
A = numpy.diag(numpy.arange(1.0, 41.0))


def test_options_of_an_estimator_are_texts_and_come_back_to_the_same_bits():
    text = {"rule": "certified", "tolerance": "1e-3", "wanted": "2", "memory": "restart",
            "seed": "18446744073709551615", "which": "both"}
    estimator = absa.Estimator(40, "float64", settings=text)
    o = estimator.options
    assert (o.tolerance, o.wanted, o.seed) == (1e-3, 2, (1 << 64) - 1)
    told = estimator.settings
    assert {name: told[name] for name in ("rule", "memory", "which", "wanted")} == {
        name: text[name] for name in ("rule", "memory", "which", "wanted")}
    third = absa.Estimator(40, "float64", settings={**told, "eta": repr(1 / 3)})
    again = absa.Estimator(40, "float64", settings=third.settings)
    assert again.options.eta == 1 / 3 and again.settings == third.settings
    named = absa.Estimator(40, "float64", settings=text, tol=0.25)
    assert named.options.tolerance == 0.25
    numbers = absa.Estimator(40, settings={"tolerance": 0.125, "keep_hint": True})
    assert numbers.options.tolerance == 0.125 and numbers.options.keep_hint == 1
    op = absa.Operator.from_scipy(A)
    assert absa.Estimator(op, settings=text).run(op).values == pytest.approx([40, 39, 1, 2], 1e-3)


def test_options_of_a_controller_are_texts_and_come_back_to_the_same_bits():
    text = {"strategy": "gg", "samples": "1000", "epochs": "20", "batch": "100", "lr": "0.1",
            "decay": "4,8.5", "lr_decay": "0.5", "batch_max": "800"}
    controller = absa.Controller(settings=text)
    assert controller.options["strategy"] == "gg" and controller.options["decay"] == (4.0, 8.5)
    told = absa.Controller(decay=[1 / 3, 7], **SMALL)
    again = absa.Controller(settings=told.settings)
    assert again.options == told.options and again.save() == told.save()
    assert absa.Controller("abs", settings=text).options["strategy"] == "abs"
    assert absa.Controller(settings=text, lr=0.5).options["lr"] == 0.5
    assert absa.Controller(**SMALL).options["strategy"] == "absa"
    assert pickle.loads(pickle.dumps(controller)).settings == controller.settings
    lists = absa.Controller(settings={**SMALL, "decay": [2, 3], "spill": True})
    assert lists.options["decay"] == (2.0, 3.0) and lists.options["spill"] is True
    assert list(absa.schedule(settings=text).by_epoch()["batch"][::6]) == [100, 200, 400, 400]


@pytest.mark.parametrize("call, text", [
    (lambda: absa.Estimator(40, settings={"tolernace": "1"}), "tolernace"),
    (lambda: absa.Estimator(40, settings={"tolerance": "much"}), "much"),
    (lambda: absa.Estimator(40, settings={"rule": "certain"}), "certain"),
    (lambda: absa.Estimator(40, settings={"tolerance": "3"}), "tolerance"),
    (lambda: absa.Controller(settings={"sampels": "1"}), "sampels"),
    (lambda: absa.Controller(settings={"lr": "0.1x"}), "0.1x"),
    (lambda: absa.layer_eigenvalues(absa.Operator.from_scipy(A), {"a": 40},
                                    settings={"eta": "x"}), "eta"),
])
def test_wrong_texts_are_named(call, text):
    with pytest.raises(absa.InvalidError, match=text):
        call()


def test_every_reason_has_the_name_that_the_declarations_give_it():
    for word, value in _core.c.ENUMS["absa_reason"].items():
        decision = absa.Decision(_core.ctypes.sizeof(_core.c.absa_decision))
        _core.c.absa_decision.reason.__set__(decision, value)
        assert decision.reason == word
    _core.c.absa_decision.reason.__set__(decision, 999)
    assert decision.reason == 999


def test_a_context_tells_its_last_failure():
    context = absa.Context()
    assert context.message == "" and context.callback_code == 0
    space = absa.Space(40, "float64", context=context)
    with pytest.raises(absa.InvalidError) as caught:
        absa.Estimator(space, tol=7.0)
    assert context.message == str(caught.value) and "tolerance" in context.message
    with pytest.raises(ZeroDivisionError):
        absa.Operator.from_hvp(lambda v: 1 / 0, space).apply(numpy.ones(40))
    assert context.callback_code == 1
    with pytest.raises(absa.NonfiniteError, match="my loss is NaN"):
        context.fail("my loss is NaN", "nonfinite")
    assert context.message == "my loss is NaN"
    with pytest.raises(ValueError, match="none of ok"):
        context.fail("x", "sad")


def test_a_context_logs_what_its_level_lets_through():
    lines = []
    context = absa.Context(log=lambda *line: lines.append(line), level="info")
    context.log("hello")
    context.log("psst", "debug")
    context.log("oh", "warning")
    assert lines == [("info", "hello"), ("warning", "oh")]

    def broken(level, text):
        raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        absa.Context(log=broken).log("oh", "warning")


def test_arrays_of_a_context_are_aligned_and_keep_it():
    for dtype in ("float32", "float64", "int8", "complex128"):
        array = absa.Context().zeros(1000, dtype)
        gc.collect()
        assert array.ctypes.data % 64 == 0 and array.dtype == dtype and not array.any()
        array[:] = 1
        part = array[500:]
        del array
        gc.collect()
        assert part.sum() == 500
    assert absa.Context().zeros(0).shape == (0,)
    op = absa.Operator.from_scipy(A)
    v = op.space.context.zeros(40, "float64")
    v[3] = 1.0
    assert numpy.array_equal(op @ v, A[3])
    with pytest.raises(absa.NoMemoryError):
        absa.Context().zeros(1 << 60)
    with pytest.raises(ValueError, match="count is -1"):
        absa.Context().zeros(-1)
    with pytest.raises(TypeError, match="one of numbers"):
        absa.Context().zeros(3, object)


class Bar:
    def __init__(self):
        self.steps = self.closed = 0

    def update(self, count):
        self.steps += count

    def close(self):
        self.closed += 1


def test_a_run_may_have_a_progress_of_its_own():
    op, seen = absa.Operator.from_scipy(A), []
    estimator = absa.Estimator(op, monitor=lambda now: seen.append(now.products))
    first, second, third = Bar(), Bar(), Bar()
    found = estimator.run(op, progress=first)
    again = estimator.run(op, progress=second)
    bare = estimator.run(op)
    assert (first.steps, first.closed) == (found.products, 1)
    assert (second.steps, second.closed) == (again.products, 1)
    assert len(seen) == found.products + again.products + bare.products
    own = absa.Estimator(op, progress=third)
    own.run(op)
    before = third.steps
    own.run(op, progress=first)
    assert third.steps == before and third.closed == 1
    estimator.start()
    _, y = estimator.next()
    y[:] = 1.0
    estimator.put()
    fresh = Bar()
    with pytest.raises(ZeroDivisionError):
        estimator.run(absa.Operator.from_hvp(lambda v: 1 / 0, op.space), progress=fresh)
    assert fresh.closed == 1
    assert estimator.run(op).converged and fresh.steps == 0
    batches = Bar()
    means = absa.sampling.run(estimator, [op, op], progress=batches)
    assert batches.steps == means.result.products and batches.closed == 1


def test_a_started_run_is_resumed_with_a_progress():
    op, bar = absa.Operator.from_scipy(A), Bar()
    estimator = absa.Estimator(op, rule="fixed", max_products=12)
    estimator.start()
    for _ in range(5):
        x, y = estimator.next()
        y[:] = A @ x
        estimator.put()
    found = estimator.resume(op, progress=bar)
    assert found.products == 12 and bar.steps == 7 and bar.closed == 1
