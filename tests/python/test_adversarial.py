"""FGSM on NumPy arrays against its formula."""

import numpy
import pytest

import absa

X = numpy.random.default_rng(0).uniform(-0.5, 0.75, (5, 3, 4)).astype("float32")
G = numpy.random.default_rng(1).standard_normal((5, 3, 4)).astype("float32")


def test_fgsm_is_its_formula_to_the_bit():
    G[0, 0, 0] = 0.0
    want = numpy.clip(X + numpy.float32(0.25) * numpy.sign(G), numpy.float32(-0.5),
                      numpy.float32(0.75))
    assert numpy.array_equal(absa.fgsm(X, G, 0.25, -0.5, 0.75), want)
    free = absa.fgsm(X, G, 0.25)
    assert numpy.array_equal(free, X + numpy.float32(0.25) * numpy.sign(G))
    own = X.copy()
    assert absa.fgsm(own, G, 0.25, -0.5, 0.75, out=own) is own and numpy.array_equal(own, want)
    assert absa.fgsm(X[:0], G[:0], 0.25).shape == (0, 3, 4)


@pytest.mark.parametrize("x, grad, more, kind, text", [
    (X.astype("float64"), G, {}, TypeError, "x is of float64"),
    (X, G[:4], {}, ValueError, "one shape"),
    (X, G[:, ::-1], {}, TypeError, "grad is not C-contiguous"),
    (X, G, {"out": numpy.empty(60, "float32")}, ValueError, "out has shape"),
    (X, G * numpy.float32("nan"), {}, absa.NonfiniteError, "a NaN or an infinity"),
    (X, G, {"eps": -1.0}, absa.InvalidError, "eps is -1.0"),
    (X, G, {"lo": 1.0, "hi": 0.0}, absa.InvalidError, "lo is 1.0 and hi 0.0"),
])
def test_wrong_arguments_are_refused(x, grad, more, kind, text):
    with pytest.raises(kind, match=text):
        absa.fgsm(x, grad, **{"eps": 0.25, **more})


@pytest.mark.parametrize("change, kind, text", [
    ({"eps": numpy.nan}, ValueError, "eps is nan"),
    ({"eps": "a"}, ValueError, "a"), ({"hi": numpy.nan}, ValueError, "hi nan"),
    ({"out": "grad"}, ValueError, "out and grad overlap"),
    ({"out": "shifted"}, ValueError, "out and x overlap")])
def test_wrong_arguments_of_fgsm_are_named(change, kind, text):
    rows = numpy.ones((3, 2), "float32")
    given = {"x": rows[:2], "grad": numpy.ones((2, 2), "float32"), "eps": 0.1} | change
    given["out"] = {"grad": given["grad"], "shifted": rows[1:]}.get(given.get("out"))
    with pytest.raises(kind, match=text):
        absa.fgsm(**given)
    assert (rows == 1).all()
