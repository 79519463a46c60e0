"""The estimator on NumPy vectors, against numpy.linalg.eigvalsh, and what happens when callbacks
and arrays are not as they should be."""

import gc
import os
import signal
import weakref

import numpy
import pytest

import absa

N = 120


def matrix(seed=0, dtype="float64"):
    rng = numpy.random.default_rng(seed)
    a = rng.standard_normal((N, N))
    return ((a + a.T) / 2).astype(dtype)


A = matrix()
SPECTRUM = numpy.linalg.eigvalsh(A)
A32 = A.astype("float32")


def into(v, out):
    numpy.matmul(A32, v, out=out)


@pytest.mark.parametrize("which, truth", [("LA", SPECTRUM[-1]), ("SA", SPECTRUM[0]),
                                          ("LM", max(SPECTRUM, key=abs))])
@pytest.mark.parametrize("memory", ["value", "basis", "restart", "two_pass"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_certified_intervals_hold_the_eigenvalue(which, truth, memory, dtype):
    a = A.astype(dtype)
    found = absa.eigenvalues(lambda v: a @ v, N, which=which, rule="certified", tol=1e-3,
                             dtype=dtype, memory=memory, max_products=400,
                             max_vectors=None if memory != "restart" else 30)
    assert found.converged and found.stop in ("converged", "exact")
    # The product itself is rounded in the element type.
    slack = (3e-5 if dtype == "float32" else 1e-11) * abs(truth)
    assert found.lower[0] - slack <= truth <= found.upper[0] + slack
    assert abs(found.value - truth) <= 1e-3 * abs(truth) + slack
    if memory != "value":
        v = found.vectors[0].astype("float64")
        assert numpy.linalg.norm(A @ v - found.value * v) <= found.residuals[0] * 1.01 + 10 * slack


def test_several_pairs_come_in_order_with_orthonormal_vectors():
    found = absa.eigenvalues(A, k=3, which="BOTH", rule="certified", tol=1e-4, max_products=120)
    want = numpy.concatenate([SPECTRUM[:-4:-1], SPECTRUM[:3]])
    assert numpy.allclose(found.values, want, rtol=1e-4)
    assert list(found.from_below) == [False] * 3 + [True] * 3
    assert numpy.allclose(found.vectors @ found.vectors.T, numpy.eye(6), atol=1e-10)
    left = numpy.linalg.norm(A @ found.vectors.T - found.vectors.T * found.values, axis=0)
    # The recurrence's residuals and those of the vectors differ by rounding, relative to |A|.
    assert numpy.allclose(left, found.residuals, atol=1e-10 * abs(SPECTRUM).max(), rtol=1e-3)


def test_a_hint_saves_products_and_must_be_independent():
    op = absa.Operator.from_hvp(into, N)
    first = absa.Estimator(op, rule="residual").run(op)
    again = absa.Estimator(op, rule="residual")
    warm = again.run(op, hint=first, hint_weight=20.0, stream=1)
    assert warm.products < first.products
    with pytest.raises(absa.InvalidError, match="hint"):
        again.run(op, hint=first, stream=first.stream)


def test_the_arguments_of_the_short_call_arrive():
    cold = absa.eigenvalues(A, rule="residual", tol=1e-3, max_products=100)
    warm = absa.eigenvalues(A, rule="residual", tol=1e-3, max_products=100, hint=cold)
    assert warm.products < cold.products and warm.stream == 1
    sure = absa.eigenvalues(A, eta=1e-6)
    likely = absa.eigenvalues(A, eta=1e-2)
    assert sure.eta == 1e-6 and likely.eta == 1e-2 and sure.products > likely.products
    assert absa.eigenvalues(A, N).converged
    for wrong, told in ((5, "n is 5; the operator has 120"), (N + 1, "n is 121")):
        with pytest.raises(ValueError, match=told):
            absa.eigenvalues(A, wrong)
    with pytest.raises(ValueError, match=r"shape \(120,\); it must be square"):
        absa.eigenvalues(A[0])


def test_decide_answers_cheaply():
    op = absa.Operator.from_hvp(into, N)
    estimator = absa.Estimator(op, rule="decide", max_products=200)
    assert estimator.run(op, threshold=float(SPECTRUM[-1] / 2)).answer == "not_below"
    below = estimator.run(op, threshold=float(SPECTRUM[-1] * 2))
    assert below.answer == "below" and below.converged


def test_nothing_is_copied_when_the_product_takes_out():
    op = absa.Operator.from_hvp(lambda v, out: seen.append((v, out)) or into(v, out), N)
    seen = []
    x, y = numpy.ones(N, "float32"), numpy.empty(N, "float32")
    assert op.apply(x, y) is y
    assert seen[0][0].ctypes.data == x.ctypes.data and seen[0][1].ctypes.data == y.ctypes.data
    assert not seen[0][0].flags.writeable
    assert numpy.allclose(y, A32 @ x, atol=1e-4)


def test_samples_are_integers_of_any_kind():
    def product(v, out):
        into(v, out)
        return numpy.int64(3)
    assert absa.eigenvalues(product, N).converged
    assert absa.eigenvalues(lambda v: (A32 @ v, numpy.int32(2)), N).converged


def test_a_matrix_is_taken_in_its_own_dtype_or_the_one_asked_for():
    same = absa.eigenvalues(A32)
    assert same.vectors.dtype == numpy.float32
    assert absa.eigenvalues(A32, dtype="float64").vectors.dtype == numpy.float64


def test_what_ended_a_run_is_not_hidden_by_the_progress():
    class Bar:
        def update(self, count):
            pass

        def close(self):
            raise ValueError("closing")
    with pytest.raises(ZeroDivisionError):
        absa.eigenvalues(lambda v: 1 / 0, N, progress=Bar())


def test_arrays_that_outlive_their_run_keep_their_memory():
    kept = []
    op = absa.Operator.from_hvp(lambda v: kept.append(v) or A32 @ v, N)
    estimator = absa.Estimator(op)
    estimator.run(op)
    owner = weakref.ref(estimator)
    del estimator
    gc.collect()
    assert owner() is not None and all(numpy.isfinite(v).all() for v in kept) and len(kept) > 3
    kept.clear()
    gc.collect()
    assert owner() is None


@pytest.mark.parametrize("raised", [KeyError("mine"), KeyboardInterrupt(), SystemExit(3)])
@pytest.mark.parametrize("where", ["hvp", "monitor", "reduce"])
def test_exceptions_come_out_as_themselves_and_the_handles_stay_usable(raised, where):
    armed = [True]

    def trap(at):
        if armed[0] and at == where:
            raise raised

    def product(v, out):
        trap("hvp")
        into(v, out)

    space = absa.Space(N, distribution="sharded", reduce=lambda values: trap("reduce"))
    op = absa.Operator.from_hvp(product, space)
    estimator = absa.Estimator(op, monitor=lambda now: trap("monitor"))
    with pytest.raises(type(raised)) as caught:
        estimator.run(op)
    assert caught.value is raised
    armed[0] = False
    assert estimator.run(op).converged


def test_a_signal_interrupts_a_run():
    def product(v):
        os.kill(os.getpid(), signal.SIGINT)
        return A32 @ v
    # A shell starts what it runs in the background with the signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            absa.eigenvalues(product, N)
    finally:
        signal.signal(signal.SIGINT, before)


def test_inner_calls_inside_a_callback_keep_their_own_exceptions():
    def product(v):
        with pytest.raises(ZeroDivisionError):
            absa.eigenvalues(lambda w: 1 / 0, N)
        return A32 @ v
    assert absa.eigenvalues(product, N).converged


def test_a_callback_cannot_enter_its_own_handle():
    holder = []

    def product(v):
        with pytest.raises(absa.Error) as caught:
            holder[0].apply(numpy.ones(N, "float32"))
        assert caught.value.code == "ABSA_E_BUSY"
        return A32 @ v
    holder.append(absa.Operator.from_hvp(product, N))
    assert absa.eigenvalues(holder[0]).converged


@pytest.mark.parametrize("wrong, kind, text", [
    (numpy.ones(N), TypeError, "float64; it must be of float32"),
    (numpy.ones(N + 1, "float32"), ValueError, "has 121 elements"),
    (numpy.ones(2 * N, "float32")[::2], TypeError, "not C-contiguous"),
    ([0.0] * N, TypeError, "it must be a numpy.ndarray"),
    (numpy.zeros(4 * N + 1, "uint8")[1:].view("float32"), TypeError, "not aligned"),
])
def test_wrong_arrays_are_refused_and_never_copied(wrong, kind, text):
    op = absa.Operator.from_hvp(into, N)
    with pytest.raises(kind, match=text):
        op.apply(wrong)
    frozen = numpy.ones(N, "float32")
    frozen.flags.writeable = False
    with pytest.raises(TypeError, match="read-only"):
        op.apply(numpy.ones(N, "float32"), frozen)


@pytest.mark.parametrize("answer, kind, text", [
    (lambda v: A @ v, TypeError, "float64; it must return an array of float32"),
    (lambda v: (A32 @ v)[:5], ValueError, "shape"),
    (lambda v: None, TypeError, "NoneType"),
    (lambda v: A32 @ v * numpy.float32("nan"), absa.NonfiniteError, "product"),
    (lambda v: (A32 @ v, 0), absa.InvalidError, "sample"),
])
def test_wrong_answers_of_a_product_are_refused(answer, kind, text):
    with pytest.raises(kind, match=text):
        absa.eigenvalues(answer, N)


@pytest.mark.parametrize("options, kind", [
    ({"rule": "certain"}, ValueError), ({"tol": 2.0}, ValueError), ({"k": 0}, ValueError),
    ({"k": 1.5}, TypeError), ({"which": "XX"}, ValueError), ({"dtype": "int32"}, TypeError),
    ({"tolernace": 1}, TypeError), ({"max_products": "many"}, TypeError)])
def test_wrong_options_are_named(options, kind):
    with pytest.raises(kind):
        absa.eigenvalues(into, N, **options)


def test_a_run_goes_on_after_save_and_load_to_the_same_bits():
    whole = absa.Estimator(N, rule="fixed", max_products=20)
    parts = absa.Estimator(N, rule="fixed", max_products=20)
    whole.start()
    while (pair := whole.next()) is not None:
        into(*pair)
        whole.put()
    parts.start()
    for _ in range(7):
        into(*parts.next())
        parts.put()
    other = absa.Estimator(N, rule="fixed", max_products=20)
    other.load(parts.save())
    found = other.resume(absa.Operator.from_hvp(into, N))
    assert found.value == whole.best().value and found.products == 20
    with pytest.raises(absa.Error, match="damaged|checksum|truncated"):
        other.load(parts.save()[:-3])


def test_gradients_and_gauss_newton_make_operators():
    theta = numpy.zeros(N, "float64") + 0.1
    found = absa.eigenvalues(absa.Operator.from_gradient(lambda t: A @ t, theta))
    assert found.heuristic and abs(found.value - SPECTRUM[-1]) < 0.02 * SPECTRUM[-1]
    assert numpy.array_equal(theta, numpy.zeros(N) + 0.1)
    rng = numpy.random.default_rng(1)
    jacobian = rng.standard_normal((10, 3, 8))
    theta = rng.standard_normal(8)
    op = absa.Operator.from_gauss_newton(
        lambda t: jacobian @ t, lambda t, u: numpy.einsum("rok,ro->k", jacobian, u), theta, 10, 3,
        loss="squared")
    truth = numpy.einsum("rok,rol->kl", jacobian, jacobian) / 10
    assert numpy.allclose(op @ theta, truth @ theta, rtol=1e-6)
    host = absa.Operator.from_gauss_newton(
        lambda t: jacobian @ t, lambda t, u: numpy.einsum("rok,ro->k", jacobian, u), theta, 10, 3,
        curvature=lambda z, w: 2 * w)
    assert numpy.allclose(host @ theta, 2 * truth @ theta, rtol=1e-6)


def test_what_callbacks_return_is_never_broadcast_or_turned():
    rng = numpy.random.default_rng(1)
    jacobian, theta = rng.standard_normal((10, 3, 8)), rng.standard_normal(8)

    def gauss_newton(forward=lambda t: jacobian @ t, **more):
        return absa.Operator.from_gauss_newton(
            forward, lambda t, u: numpy.einsum("rok,ro->k", jacobian, u), theta, 10, 3, **more)
    for forward in (lambda t: (jacobian @ t).astype("float32"), lambda t: (jacobian @ t).tolist()):
        with pytest.raises(TypeError, match="forward returned .*float64"):
            gauss_newton(forward) @ theta
    for curvature in (lambda z, w: 2 * w.T, lambda z, w: 2.0, lambda z, w: 2 * w[0]):
        with pytest.raises(ValueError, match="curvature returned"):
            gauss_newton(curvature=curvature) @ theta
    for reduce in (lambda values: 1.0, lambda values: values.sum(keepdims=True)[None]):
        space = absa.Space(N, distribution="sharded", reduce=reduce)
        with pytest.raises(ValueError, match="reduce returned"):
            absa.eigenvalues(absa.Operator.from_hvp(into, space))


def test_sums_and_shifts():
    op = absa.Operator.from_hvp(into, N)
    both = absa.Operator.sum([op, op.shift(2.0)], [1, 3])
    v = numpy.arange(N, dtype="float32")
    assert numpy.allclose(both @ v, A32 @ v + 1.5 * v, rtol=1e-4, atol=1e-3)
    with pytest.raises(ValueError, match="as many weights"):
        absa.Operator.sum([op], [1, 2])
    with pytest.raises(ValueError, match="at least one"):
        absa.Operator.sum([])


def test_the_check_tells_what_is_wrong():
    assert absa.Operator.from_hvp(into, N).check().good
    skew = absa.Operator.from_hvp(lambda v: numpy.triu(A32) @ v, N).check()
    assert not skew.good and skew.verdict == "not_symmetric" and "symmetr" in repr(skew)


def test_scipy_operators_go_both_ways():
    scipy = pytest.importorskip("scipy.sparse.linalg")
    op = absa.Operator.from_hvp(into, N)
    value, = scipy.eigsh(op.to_scipy(), 1, which="LA", return_eigenvectors=False, tol=1e-6)
    assert value == pytest.approx(SPECTRUM[-1], rel=1e-5)
    assert absa.eigenvalues(scipy.aslinearoperator(A)).value == pytest.approx(SPECTRUM[-1], rel=.01)


class Table:
    """Vectors as Python objects that nothing but the table can read."""

    def __init__(self, n):
        self.n, self.alive = n, 0

    def alloc(self):
        self.alive += 1
        return [numpy.full(self.n, numpy.nan)]

    def axpby(self, a, x, b, y):
        y[0] = a * x[0] + (b * y[0] if b else 0)

    def dots(self, xs, y):
        return [float(x[0] @ y[0]) for x in xs]

    def gaussian(self, seed, stream, y):
        y[0] = numpy.random.default_rng([seed, stream]).standard_normal(self.n)


def test_vectors_may_be_any_object():
    space = absa.Space(N, "float64", ops=Table(N))
    op = absa.Operator.from_hvp(lambda v: [A @ v[0]], space)
    found = absa.Estimator(op, rule="certified", tol=1e-3, max_products=100,
                           memory="basis").run(op)
    assert found.value == pytest.approx(SPECTRUM[-1], rel=1e-3)
    v = found.vectors[0][0]
    assert numpy.linalg.norm(A @ v - found.value * v) <= found.residuals[0] * 1.01
    estimator = absa.Estimator(op)
    estimator.start()
    with pytest.raises(absa.UnsupportedError, match="read"):
        estimator.save()


def test_nothing_is_leaked():
    op = absa.Operator.from_hvp(into, N)
    estimator = absa.Estimator(op, monitor=lambda now: None)
    estimator.run(op)
    gone = [weakref.ref(op), weakref.ref(estimator), weakref.ref(op.space)]
    del op, estimator
    assert [ref() for ref in gone] == [None] * 3


def test_progress_is_told(capsys):
    lines = []
    absa.eigenvalues(into, N, progress=lambda now: lines.append(now.products))
    assert lines == list(range(1, len(lines) + 1)) and len(lines) > 3

    class Bar:
        steps, closed = 0, False

        def update(self, count):
            self.steps += count

        def close(self):
            self.closed = True
    bar = Bar()
    found = absa.eigenvalues(into, N, progress=bar)
    assert bar.steps == found.products and bar.closed
    absa.eigenvalues(into, N, progress=True)
    assert capsys.readouterr().err == ""  # not a terminal


def test_results_read_well():
    text = repr(absa.eigenvalues(A, k=2))
    assert max(map(len, text.splitlines())) <= 79 and "probability" in text
    assert "Operator(Space(120, float32)" in repr(absa.Operator.from_hvp(into, N))


@pytest.mark.parametrize("shape", [(10, 12), (1, N), (N, 1)])
def test_a_table_of_numbers_is_no_vector(shape):
    op = absa.Operator.from_hvp(into, N)
    with pytest.raises(ValueError, match=r"a vector has shape \(120,\)"):
        op.apply(numpy.ones(shape, "float32"))
    with pytest.raises(ValueError, match="out has shape"):
        op.apply(numpy.ones(N, "float32"), numpy.ones(shape, "float32"))
    with pytest.raises(ValueError, match="hint has shape"):
        absa.Estimator(N).run(op, hint=numpy.ones(shape, "float32"))
    with pytest.raises(ValueError, match="theta has shape"):
        absa.Operator.from_gradient(lambda t: A @ t, numpy.ones(shape))


@pytest.mark.parametrize("kind, text", [(ValueError, "in use already"), (TypeError, "None")])
def test_a_table_that_hands_out_a_vector_twice_is_refused_at_once(kind, text):
    class Ops:
        axpby = dots = gaussian = staticmethod(lambda *_: pytest.fail("too late"))

        def __init__(self, only):
            self.only = only

        def alloc(self):
            return self.only
    space = absa.Space(N, ops=Ops(None if kind is TypeError else numpy.ones(N, "float32")))
    with pytest.raises(kind, match=text):
        absa.Estimator(space)
