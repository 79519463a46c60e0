"""Means over probe batches against NumPy, SciPy's Student quantiles and numpy.linalg."""

import numpy
import pytest
import scipy.stats

import absa

N, BATCHES = 40, 6
RNG = numpy.random.default_rng(11)
BASE = RNG.standard_normal((N, N))


def batch(k):
    a = BASE + 0.3 * numpy.random.default_rng(k).standard_normal((N, N))
    return (a + a.T) / 2 + 12.0 * numpy.outer(*[numpy.eye(N)[0]] * 2)


MATRICES = [batch(k) for k in range(BATCHES)]
TRUTH = numpy.array([numpy.linalg.eigvalsh(m)[-1] for m in MATRICES])
WEIGHTS = numpy.array([10.0, 20.0, 15.0, 30.0, 25.0, 20.0])


def parts():
    return [absa.Operator.from_scipy(m) for m in MATRICES]


def estimator(**more):
    return absa.Estimator(N, "float64", **{"rule": "certified", "tol": 1e-6, "max_products": 60,
                                           **more})


def expected(values, weights, confidence):
    """Mean, deviation, standard error and half the interval, by the header's formulas."""
    m, share = len(values), weights / weights.sum()
    mean = share @ values
    error = numpy.sqrt(m / (m - 1) * ((share * (values - mean)) ** 2).sum())
    deviation = numpy.sqrt(m / (m - 1) * (share @ (values - mean) ** 2))
    return mean, deviation, error, scipy.stats.t.ppf((1 + confidence) / 2, m - 1) * error


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_figures_have_their_mean_error_and_student_interval(weights, confidence):
    found = absa.sampling.from_values(TRUTH, weights, confidence)
    mean, deviation, error, half = expected(TRUTH, numpy.ones(BATCHES) if weights is None
                                            else weights, confidence)
    assert found.mean == pytest.approx(mean, rel=1e-14)
    assert found.standard_error == pytest.approx(error, rel=1e-12)
    assert found.deviation == pytest.approx(deviation, rel=1e-12)
    assert found.interval == pytest.approx((mean - half, mean + half), rel=1e-9)
    assert found.batches == BATCHES and found.confidence == confidence
    if weights is None:
        assert found.standard_error == pytest.approx(TRUTH.std(ddof=1) / BATCHES ** 0.5)


def test_a_run_a_batch_finds_each_batchs_eigenvalue():
    e = estimator()
    found = absa.sampling.run(e, parts(), WEIGHTS)
    mean, _, error, half = expected(TRUTH, WEIGHTS, 0.95)
    assert numpy.allclose(found.values, TRUTH, rtol=1e-6) and len(found.runs) == BATCHES
    # Each value is 1e-6 of itself from the truth, and so are means and deviations of them.
    assert found.mean == pytest.approx(mean, rel=1e-6)
    assert found.standard_error == pytest.approx(error, abs=2e-6 * mean)
    assert found.upper >= mean + half - 2e-5 and found.lower <= mean - half + 2e-5
    assert found.result.products == sum(one.products for one in found.runs)
    assert [one.stream for one in found.runs] == list(range(BATCHES))
    assert e.run(parts()[0]).stream == BATCHES
    assert found.result.converged and found.result.value == pytest.approx(mean, rel=1e-6)
    again = absa.sampling.from_results(found.runs, WEIGHTS)
    assert (again.mean, again.standard_error, again.interval) == (
        found.mean, found.standard_error, found.interval)


def test_one_operator_may_stand_for_all_batches():
    now = []
    op = absa.Operator.from_hvp(lambda v: MATRICES[now[-1]] @ v, N, "float64")
    found = absa.sampling.run(estimator(), op, count=4, select=now.append)
    assert now == [0, 1, 2, 3] and numpy.allclose(found.values, TRUTH[:4], rtol=1e-6)
    same = absa.sampling.run(estimator(), parts()[:4])
    assert numpy.array_equal(found.values, same.values)


def test_it_ends_early_when_the_target_is_met():
    e = estimator()
    found = absa.sampling.run(e, parts(), target=0.5, least=2)
    assert e.run(parts()[0]).stream == 2  # the streams of batches left out are not spent
    assert found.batches == len(found.runs) == len(found.values) == 2
    assert absa.sampling.run(estimator(), parts(), target=0.5, least=5).batches == 5


def test_quotients_along_the_eigenvector_of_the_sum():
    operators = parts()
    e = estimator(memory="basis")
    run = e.run(absa.Operator.sum(operators, WEIGHTS))
    found = absa.sampling.quotients(e, operators, run, WEIGHTS)
    v = run.vectors[0]
    want = numpy.array([v @ m @ v for m in MATRICES])
    assert numpy.allclose(found.values, want, rtol=1e-12)
    mean, _, error, half = expected(want, WEIGHTS, 0.95)
    assert found.mean == pytest.approx(run.value, rel=1e-10)
    assert found.standard_error == pytest.approx(error, rel=1e-9)
    assert found.interval == pytest.approx((run.lower[0] - half, run.upper[0] + half), rel=1e-9)
    # The mean over batches of the largest eigenvalue lies above that of the mean matrix.
    whole = numpy.linalg.eigvalsh(sum(w * m for w, m in zip(WEIGHTS, MATRICES)) / WEIGHTS.sum())[-1]
    assert found.mean == pytest.approx(whole, rel=1e-6) and whole < expected(TRUTH, WEIGHTS, .9)[0]
    bare = absa.sampling.quotients(e, operators, v, WEIGHTS)
    assert bare.interval == pytest.approx((mean - half, mean + half), rel=1e-9)


def test_the_controller_takes_the_error_with_the_mean():
    controller = absa.Controller(samples=1000, epochs=20, batch=100, batch_max=800, lr=0.1)
    found = absa.sampling.run(estimator(), parts())
    decision = controller.observe(found)
    assert decision.standard_error == found.standard_error
    assert decision.value == found.result.value and decision.reason == "first"
    with pytest.raises(TypeError):
        controller.observe(absa.sampling.from_values(TRUTH))


@pytest.mark.parametrize("raised", [KeyError("mine"), KeyboardInterrupt()])
@pytest.mark.parametrize("where", ["select", "hvp"])
def test_exceptions_come_out_and_no_stream_is_used_twice(raised, where):
    armed = [True]

    def trap(at, count=0):
        if armed[0] and at == where and count == 1:
            raise raised

    now = []
    op = absa.Operator.from_hvp(lambda v: trap("hvp", now[-1]) or MATRICES[now[-1]] @ v, N,
                                "float64")

    def select(batch):
        trap("select", batch)
        now.append(batch)
    e = estimator()
    for _ in range(2):
        with pytest.raises(type(raised)) as caught:
            absa.sampling.run(e, op, count=3, select=select)
        assert caught.value is raised
    armed[0] = False
    found = absa.sampling.run(e, op, count=3, select=select)
    assert found.runs[0].stream >= 2 and numpy.allclose(found.values, TRUTH[:3], rtol=1e-6)
    armed[0] = True
    with pytest.raises(type(raised)):
        absa.sampling.quotients(e, op, numpy.ones(N), count=3, select=select)


@pytest.mark.parametrize("call, kind, text", [
    (lambda: absa.sampling.from_values([1.0]), ValueError, "at least 2|batches"),
    (lambda: absa.sampling.from_values([1.0, numpy.nan]), absa.NonfiniteError, "1"),
    (lambda: absa.sampling.from_values([1.0, 2.0], [1.0, 0.0]), ValueError, "weight"),
    (lambda: absa.sampling.from_values([1.0, 2.0], [1.0]), ValueError, "2 parts"),
    (lambda: absa.sampling.from_values([1.0, 2.0], confidence=1.0), ValueError, "confidence"),
    (lambda: absa.sampling.from_values(numpy.ones((2, 2))), ValueError, "one number a batch"),
    (lambda: absa.sampling.run(estimator(), parts()[0]), TypeError, "select= and count="),
    (lambda: absa.sampling.run(estimator(), parts(), count=3), TypeError, "one operator"),
    (lambda: absa.sampling.run(estimator(), []), ValueError, "batches|at least 2"),
    (lambda: absa.sampling.run(estimator(), parts(), target=-1.0), ValueError, "target"),
    (lambda: absa.sampling.run(estimator(), parts(), least=1.5), TypeError, "least is 1.5"),
    (lambda: absa.sampling.quotients(estimator(), parts(), numpy.zeros(N)), ValueError, "0"),
    (lambda: absa.sampling.quotients(estimator(), parts(), numpy.ones(N - 1)), ValueError, "v has"),
])
def test_wrong_arguments_are_named(call, kind, text):
    with pytest.raises(kind, match=text):
        call()


def test_a_mean_reads_well():
    text = repr(absa.sampling.from_values(TRUTH * 12345.678))
    assert max(map(len, text.splitlines())) <= 80 and "6 batches" in text
