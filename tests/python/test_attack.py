"""Attacks against their formulas in NumPy: every kind of step, element type, bound and start."""

import numpy
import philox_reference
import pytest

import absa

RNG = numpy.random.default_rng(2)
X = RNG.uniform(0.1, 0.9, (6, 3, 4, 2)).astype("float32")
G = RNG.standard_normal(X.shape).astype("float32")
W = RNG.standard_normal(X.shape[1:])


def slope(point):
    """A gradient that depends on the point: of sum(w sin(3 x)) a row."""
    return (W * 3 * numpy.cos(3 * point.astype("float64"))).astype(point.dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_step_of_the_sign_is_the_formula_to_the_bit(dtype):
    x, g = X.astype(dtype), G.astype(dtype)
    e, lo, hi = (numpy.array(value, dtype) for value in (0.25, 0.0, 1.0))
    g[0, 0, 0] = 0.0
    want = numpy.clip(x + e * numpy.sign(g), numpy.maximum(lo, x - e), numpy.minimum(hi, x + e))
    assert numpy.array_equal(absa.perturb(x, g, 0.25, 0.0, 1.0), want)
    down = absa.perturb(x, g, 0.25, 0.0, 1.0, direction="descend")
    assert numpy.array_equal(down, numpy.clip(x - e * numpy.sign(g), numpy.maximum(lo, x - e),
                                              numpy.minimum(hi, x + e)))
    assert numpy.array_equal(absa.perturb(x, g, 0.0), x)
    own = x.copy()
    assert absa.perturb(own, g, 0.25, 0.0, 1.0, out=own) is own and numpy.array_equal(own, want)


def test_raw_and_l2_steps_go_along_the_gradient():
    raw = absa.perturb(X, G, 0.01, name="raw", grad_scale=6.0)
    assert numpy.allclose(raw, X + 0.01 * 6.0 * G, rtol=0, atol=1e-7)
    length = numpy.sqrt((G.astype("float64") ** 2).sum(axis=(1, 2, 3), keepdims=True))
    l2 = absa.perturb(X.astype("float64"), G.astype("float64"), 0.5, name="l2")
    assert numpy.allclose(l2, X + 0.5 * G / length, rtol=0, atol=1e-14)
    assert numpy.allclose(numpy.linalg.norm((l2 - X).reshape(6, -1), axis=1), 0.5, rtol=1e-12)


def test_sizes_and_bounds_per_channel_and_per_element():
    mean, std = numpy.array([0.4, 0.5, 0.6]), numpy.array([0.2, 0.25, 0.3])
    epsilon, lo, hi = absa.normalised(8 / 255, mean, std)
    assert numpy.allclose(epsilon, 8 / 255 / std, rtol=1e-15)
    assert numpy.allclose(lo, -mean / std) and numpy.allclose(hi, (1 - mean) / std)

    def by_channel(values, axis):
        return numpy.moveaxis(numpy.broadcast_to(values, (6, 4, 2, 3)), 3, axis)
    for axis, layout, x, g in ((1, "channels_first", X, G),
                               (3, "channels_last", numpy.moveaxis(X, 1, 3).copy(),
                                numpy.moveaxis(G, 1, 3).copy())):
        x64, g64 = x.astype("float64"), g.astype("float64")
        found = absa.perturb(x64, g64, epsilon, lo, hi, channels=3, layout=layout)
        want = numpy.clip(x64 + by_channel(epsilon, axis) * numpy.sign(g64),
                          by_channel(lo, axis), by_channel(hi, axis))
        assert numpy.allclose(found, want, rtol=0, atol=1e-15)
    each = numpy.abs(W) / 10
    found = absa.perturb(X.astype("float64"), G.astype("float64"), each, None, each + 0.8)
    want = numpy.minimum(X + each * numpy.sign(G), numpy.maximum(each + 0.8, X))
    assert numpy.allclose(found, want, rtol=0, atol=1e-15)
    with pytest.raises(ValueError, match=r"epsilon has shape \(3,\); it must be \(3, 4, 2\)"):
        absa.perturb(X, G, epsilon)


def test_masks_rows_and_scales():
    attack = absa.Attack("fgsm", 0.25, mask=W > 0)
    chosen = numpy.array([True, False, True, True, False, True])
    scale = numpy.array([1.0, 1.0, 0.5, 0.0, 2.0, 4.0])
    found = attack.perturb(X, G, selected=chosen, row_scale=scale)
    size = numpy.float32(0.25) * (scale * chosen).astype("float32")[:, None, None, None]
    assert numpy.array_equal(found, X + size * numpy.sign(G) * (W > 0))
    assert attack.seen == (6, 0, 1)  # of the rows with size 0, one was selected
    one_each = RNG.integers(0, 2, X.shape).astype(bool)
    found = absa.perturb(X, G, 0.25, mask=one_each)
    assert numpy.array_equal(found, X + numpy.float32(0.25) * numpy.sign(G) * one_each)
    bad = G.copy()
    bad[1] = numpy.nan  # not selected: not looked at
    assert numpy.array_equal(attack.perturb(X, bad, selected=chosen, row_scale=scale),
                             attack.perturb(X, G, selected=chosen, row_scale=scale))
    flat = numpy.zeros_like(G)
    attack.perturb(X, flat)
    assert attack.seen.zero_rows == attack.seen.unmoved_rows == 6


def test_rows_may_lie_apart():
    wide_x, wide_g = numpy.zeros((12, 40), "float32"), numpy.zeros((6, 30), "float32")
    x, g, out = wide_x[::2, :24], wide_g[:, 3:27], numpy.full((6, 50), 7.0, "float32")
    x[...], g[...] = X.reshape(6, 24), G.reshape(6, 24)
    absa.perturb(x, g, 0.25, out=out[:, 10:34])
    assert numpy.array_equal(out[:, 10:34].reshape(X.shape), absa.perturb(X, G, 0.25))
    assert (out[:, :10] == 7.0).all() and (out[:, 34:] == 7.0).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "uint8", "int8"])
def test_narrow_types_stay_in_ball_and_box(dtype):
    if dtype == "bfloat16":
        dtype = pytest.importorskip("ml_dtypes").bfloat16
    whole = numpy.dtype(dtype).kind in "iu"
    x = (X * 100 if whole else X).astype(dtype)
    g = G if whole else G.astype(dtype)
    size, lo, hi = (3.0, 20.0, 80.0) if whole else (0.1, 0.2, 0.8)
    found = absa.perturb(x, g, size, lo, hi)
    assert found.dtype == x.dtype
    a, b = x.astype("float64"), found.astype("float64")
    assert (abs(a - b) <= size).all()
    assert (b >= numpy.minimum(lo, a)).all() and (b <= numpy.maximum(hi, a)).all()
    if whole:
        want = numpy.clip(a + 3 * numpy.sign(G), numpy.maximum(numpy.minimum(lo, a), a - 3),
                          numpy.minimum(numpy.maximum(hi, a), a + 3))
        assert numpy.array_equal(b, want)
    else:
        assert (numpy.sign(b - a) * numpy.sign(G) >= 0).all() and (b != a).mean() > 0.5


def start_by_hand(seed, update, ids, count, size):
    """The uniform start of absa_perturb_start(), from the header's words."""
    k = philox_reference.words(seed, 2, 0)[0]
    rows = []
    for one in ids:
        w1, w2 = philox_reference.words(k, update, one)
        rows.append(size * (2 * philox_reference.uniform(w1, w2, count) - 1))
    return numpy.array(rows)


def test_the_random_start_is_a_function_of_seed_update_and_id():
    x = X.astype("float64")
    ids = numpy.array([5, 0, 1 << 40, 3, 9, 2])
    attack = absa.Attack("pgd", 0.05, seed=11, update=4)
    want = x + start_by_hand(11, 4, ids.tolist(), 24, 0.05).reshape(x.shape)
    assert numpy.allclose(attack.start(x, ids=ids), want, rtol=0, atol=1e-15)
    assert numpy.array_equal(attack.start(x[2:], first_id=2), attack.start(x)[2:])
    other = absa.Attack("pgd", 0.05, seed=12, update=4).start(x, ids=ids)
    assert not numpy.allclose(other, want, atol=1e-4)
    signs = absa.Attack("rfgsm", 0.05).start(x)
    assert numpy.allclose(abs(signs - x), 0.025) and (signs > x).any() and (signs < x).any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_pgd_is_its_loop(dtype):
    x, size = X.astype(dtype), 0.1
    attack = absa.Attack("pgd", size, 0.0, 1.0, seed=3)
    want = x + start_by_hand(3, 0, range(6), 24, size).reshape(x.shape)
    for _ in range(10):
        want = want + size / 4 * numpy.sign(slope(want))
        want = numpy.clip(want, numpy.maximum(0.0, x - size), numpy.minimum(1.0, x + size))
    found = attack.run(x, slope)
    # Ten roundings of numbers around 1 in the element type.
    slack = 20 * numpy.finfo(dtype).eps
    assert found.dtype == dtype and numpy.allclose(found, want, rtol=0, atol=slack)
    steps = attack.start(x)
    for _ in range(attack.options["steps"]):
        assert attack.step(x, slope(steps), steps) is steps
    assert numpy.array_equal(steps, found)
    once = absa.attack(x, slope, size, 0.0, 1.0, seed=3)
    assert numpy.array_equal(once, found) and attack.seen.rows == 6


def test_pgd_in_the_l2_ball_stays_there_and_raises_the_loss():
    x = X.astype("float64")
    found = absa.attack(x, slope, 0.3, name="pgd_l2", seed=1)
    assert (numpy.linalg.norm((found - x).reshape(6, -1), axis=1) <= 0.3 * (1 + 1e-12)).all()

    def loss(point):
        return (W * numpy.sin(3 * point)).sum(axis=(1, 2, 3))
    one = absa.perturb(x, slope(x), 0.3, name="l2")
    assert (loss(found) > loss(x)).all() and (loss(found) >= loss(one) - 0.05).all()
    assert loss(found).mean() > loss(one).mean()


def test_integer_inputs_are_attacked_with_float_gradients():
    x = (X * 200).astype("uint8")
    seen = []

    def gradient(point):
        seen.append(point)
        assert not point.flags.writeable and point.dtype == numpy.uint8
        return G
    found = absa.attack(x, gradient, 4.0, 0.0, 255.0, start="none", step_ratio=1.0, steps=2)
    assert numpy.array_equal(found, (x + 4 * numpy.sign(G)).astype("uint8")) and len(seen) == 2


@pytest.mark.parametrize("raised", [RuntimeError("mine"), KeyboardInterrupt()])
def test_exceptions_of_the_gradient_come_out(raised):
    def broken(point):
        raise raised
    attack = absa.Attack("pgd")
    with pytest.raises(type(raised)) as caught:
        attack.run(X, broken)
    assert caught.value is raised
    assert attack.run(X, slope).shape == X.shape


def test_no_rows_are_no_error():
    empty = X[:0]
    assert absa.perturb(empty, G[:0]).shape == empty.shape
    assert absa.attack(empty, lambda point: pytest.fail("called")).shape == empty.shape


@pytest.mark.parametrize("call, kind, text", [
    (lambda: absa.perturb(X, G[:5]), ValueError, r"grad has shape \(5, 3, 4, 2\); it must be"),
    (lambda: absa.perturb(X.astype("int32"), G), TypeError, "x is of int32"),
    (lambda: absa.perturb(X.astype(">f4"), G), TypeError, "x is of >f4"),
    (lambda: absa.perturb(X, G.tolist()), TypeError, "grad is list"),
    (lambda: absa.perturb(X[:, ::-1], G), TypeError, "rows of x are not C-contiguous"),
    (lambda: absa.perturb(X[::-1], G), TypeError, "rows of x are not C-contiguous"),
    (lambda: absa.perturb(X, G, out=G), ValueError, "out and grad overlap"),
    (lambda: absa.perturb(X[1:], G[1:], out=X[:-1]), ValueError, "out and x overlap"),
    (lambda: absa.Attack().step(X, G, X), ValueError, "point and x overlap"),
    (lambda: absa.perturb(X, G, out=X.astype("float64")), TypeError, "out is of float64"),
    (lambda: absa.perturb(X, G, -1.0), ValueError, "range"),
    (lambda: absa.perturb(X, G, name="pdg"), ValueError, "none of fgsm"),
    (lambda: absa.perturb(X, G, row_size=3), TypeError, "no option 'row_size'"),
    (lambda: absa.perturb(X, G, channel_lo=3), TypeError, "no option 'channel_lo'"),
    (lambda: absa.perturb(X, G, step="big"), ValueError, "none of sign"),
    (lambda: absa.perturb(X, G, numpy.ones(24, "float32")), TypeError, "epsilon is of float32"),
    (lambda: absa.perturb(X, G, selected=numpy.ones(5, bool)), ValueError, "selected has shape"),
    (lambda: absa.perturb(X, G, selected=[True] * 6), TypeError, "selected must be"),
    (lambda: absa.perturb(X, G, mask=numpy.ones(7, bool)), ValueError, "mask has shape"),
    (lambda: absa.perturb(X, G, row_scale=numpy.ones(5)), ValueError, "row_scale has 5"),
    (lambda: absa.attack(X, lambda p: G.astype("float64")), TypeError, "returned float64"),
    (lambda: absa.attack(X, lambda p: G[:2]), ValueError, "returned an array of shape"),
    (lambda: absa.attack(X, lambda p: None), TypeError, "returned NoneType"),
    (lambda: absa.attack(X, slope, ids=numpy.arange(5)), ValueError, "ids has 5"),
    (lambda: absa.normalised(0.1, [0.5], [0.0]), ValueError, "range"),
    (lambda: absa.normalised(0.1, [0.5], [0.1, 0.2]), ValueError, "mean has shape"),
])
def test_wrong_arguments_are_named(call, kind, text):
    with pytest.raises(kind, match=text):
        call()


def test_what_is_not_finite_is_named_with_its_place():
    bad = G.copy()
    bad[3, 1, 2, 0] = numpy.inf
    attack, out = absa.Attack("fgsm", 0.25), numpy.full(X.shape, 9.0, "float32")
    with pytest.raises(absa.NonfiniteError, match="grad holds .* in row 3, element 12"):
        attack.perturb(X, bad, out)
    assert attack.seen.rows == 3 and (out[3:] == 9.0).all() and (out[:3] != 9.0).all()
    worse = X.copy()
    worse[0, 0, 0, 1] = numpy.nan
    with pytest.raises(absa.NonfiniteError, match="x holds .* in row 0, element 1"):
        attack.start(worse)


def test_an_attack_reads_well():
    text = repr(absa.Attack("pgd_l2", 8 / 255, direction="descend"))
    assert text == ("Attack(pgd_l2, epsilon=0.0313725: 10 x 0.25 l2, start l2, descend)")
    assert absa.Attack("ffgsm").options["step_ratio"] == 1.25
