"""How long things live, and what an interrupt does that arrives while C computes."""

import ctypes
import gc
import pickle
import signal
import sys
import threading
import weakref

import numpy
import pytest

import absa
from absa import _declarations as c

N = 40
A = numpy.diag(numpy.arange(N)).astype("float32")


@pytest.fixture(name="interrupts")
def one_interrupt():
    """The first SIGINT interrupts, later ones do nothing."""
    seen = []

    def handler(*_):
        seen.append(1)
        if len(seen) == 1:
            raise KeyboardInterrupt
    before = signal.signal(signal.SIGINT, handler)
    yield seen
    signal.signal(signal.SIGINT, before)


def interrupting(space):
    """Let the space's reduction send this process SIGINT from C: raise(2), its user being 2."""
    space.struct.reduce = ctypes.cast(ctypes.CDLL(None)["raise"], c.absa_reduce_fn)
    space.struct.reduce_user = signal.SIGINT.value
    return space


@pytest.mark.parametrize("filling", [True, False])
def test_an_interrupt_that_arrives_in_c_ends_the_run(filling, interrupts):
    hook, calls = sys.unraisablehook, []

    def fill(v, out):
        calls.append(1)
        numpy.matmul(A, v, out=out)

    def answer(v):
        calls.append(1)
        return A @ v
    space = interrupting(absa.Space(N, distribution="sharded", reduce=lambda values: None))
    op = absa.Operator.from_hvp(fill if filling else answer, space)
    estimator = absa.Estimator(op)
    with pytest.raises(KeyboardInterrupt):
        estimator.run(op)
    # The callback that was cut short, and none after it.
    assert interrupts and not calls and op.products <= 1
    assert sys.unraisablehook is hook
    assert estimator.run(op).value == pytest.approx(N - 1, rel=1e-2) and calls


class Vectors:
    """A table of vectors that are lists of one array."""

    def __init__(self):
        self.scaled = 0

    def alloc(self):
        return [numpy.zeros(N)]

    def axpby(self, a, x, b, y):
        self.scaled += 1
        y[0] = a * x[0] + (b * y[0] if b else 0)

    def dots(self, xs, y):
        return [float(x[0] @ y[0]) for x in xs]

    def gaussian(self, seed, stream, y):
        y[0] = absa.random.gaussian(seed, stream, N)


def test_an_interrupt_in_c_comes_out_of_callbacks_of_other_kinds(interrupts):
    """The start vector is scaled after its norm was summed."""
    table = Vectors()
    space = interrupting(absa.Space(N, "float64", distribution="sharded", ops=table,
                                    reduce=lambda values: None))
    op = absa.Operator.from_hvp(lambda v: [A @ v[0]], space)
    estimator = absa.Estimator(op)
    with pytest.raises(KeyboardInterrupt):
        estimator.run(op)
    assert interrupts and not table.scaled and op.products == 0
    assert estimator.run(op).value == pytest.approx(N - 1, rel=1e-2)


def test_other_reports_of_what_cannot_be_raised_go_where_they_went():
    seen, before = [], sys.unraisablehook

    class Broken:
        def __del__(self):
            raise ValueError("mine")

    def product(v):
        broken = Broken()
        del broken
        return A @ v
    sys.unraisablehook = lambda report: seen.append(str(report.exc_value))
    try:
        assert absa.eigenvalues(product, N).converged
    finally:
        sys.unraisablehook = before
    assert set(seen) == {"mine"}


class Owner:
    """An object whose own methods are the callbacks of what it owns."""

    def product(self, v):
        return A @ v

    def told(self, *_):
        return None

    def rule(self, batch, batch_ref):
        return 1.0

    def add(self, values):
        return None


def hvp(owner):
    owner.op = absa.Operator.from_hvp(owner.product, N)
    absa.eigenvalues(owner.op)


def gradient(owner):
    owner.op = absa.Operator.from_gradient(owner.product, numpy.zeros(N, "float32"))
    absa.eigenvalues(owner.op)


def estimator(owner):
    owner.op = absa.Estimator(N, monitor=owner.told, progress=owner.told)
    owner.op.run(absa.Operator.from_hvp(owner.product, owner.op.space))


def controller(owner):
    owner.op = absa.Controller(samples=10, epochs=1, journal=owner.told, lr_rule=owner.rule,
                               reduce=owner.add)
    owner.op.observe(1.0)


def space_of(owner):
    owner.op = absa.Space(N, distribution="sharded", reduce=owner.add)
    absa.Estimator(owner.op)


def log(owner):
    owner.op = absa.Context(log=owner.told)


def shifted(owner):
    owner.op = absa.Operator.from_hvp(owner.product, N).shift(1.0)


@pytest.mark.parametrize("make", [hvp, gradient, estimator, controller, space_of, log, shifted])
def test_callbacks_that_lead_back_to_their_owner_keep_nothing_alive(make):
    owner = Owner()
    make(owner)
    gone = weakref.ref(owner), weakref.ref(owner.op)
    del owner
    gc.collect()
    assert [ref() for ref in gone] == [None, None]


def test_a_context_is_gone_after_what_was_made_from_it_in_any_order():
    lines = []
    context = absa.Context(log=lambda level, text: lines.append(text))
    space = absa.Space(N, context=context)
    op = absa.Operator.from_hvp(lambda v: A @ v, space)
    ref = weakref.ref(context)
    del context, space
    gc.collect()
    assert ref() is not None and absa.eigenvalues(op).converged
    del op
    gc.collect()
    assert ref() is None


def test_handles_may_be_dropped_in_their_own_callbacks():
    held = {}

    def product(v):
        held.clear()
        gc.collect()
        return A @ v
    held["op"] = absa.Operator.from_hvp(product, N)
    held["estimator"] = absa.Estimator(N)
    assert held["estimator"].run(held["op"]).value == pytest.approx(N - 1, rel=1e-2)
    assert not held


def test_what_a_tables_release_raises_is_no_other_calls_failure():
    space = absa.Space(N, "float64", ops=Vectors())
    made = absa.Estimator(space)
    seen, before = [], sys.unraisablehook
    sys.unraisablehook = lambda report: seen.append(repr(report.exc_value))
    try:
        space._objects.clear()  # where the table's release() looks for its vector
        del made
        gc.collect()
    finally:
        sys.unraisablehook = before
    assert seen and all("KeyError" in one for one in seen)
    assert absa.eigenvalues(A).converged


def test_each_thread_has_its_own_exceptions():
    failures = []

    def work(number):
        def product(v):
            if number % 2:
                raise KeyError(number)
            return A @ v
        try:
            value = absa.eigenvalues(product, N).value
            if number % 2 or abs(value - N + 1) > 0.5:
                failures.append((number, value))
        except KeyError as raised:
            if raised.args != (number,):
                failures.append((number, raised))
    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_results_plans_and_decisions_are_pickled():
    found = pickle.loads(pickle.dumps(absa.eigenvalues(A, k=2)))
    assert found.values[0] == pytest.approx(N - 1, rel=1e-2) and found.stop == "converged"
    ctl = absa.Controller(samples=100, epochs=2)
    plan, decision = pickle.loads(pickle.dumps((ctl.plan(), ctl.observe(3.0))))
    assert plan.batch == ctl.plan().batch and decision.value == 3.0
    assert ctl.observe(found).value == found.value
