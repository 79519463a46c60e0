"""Blocks of an operator against sub-matrices in NumPy."""

import numpy
import pytest

import absa

N = 60
RANGES = {"conv1.weight": (4, 5), "conv1.bias": 4, "conv2.weight": (3, 4, 2), "dense.weight": 10,
          "dense.bias": 2}
PLACES = {"conv1.weight": (0, 20), "conv1.bias": (20, 24), "conv2.weight": (24, 48),
          "dense.weight": (48, 58), "dense.bias": (58, 60)}


def symmetric(n=N):
    a = numpy.random.default_rng(3).standard_normal((n, n))
    return (a + a.T) / 2


A = symmetric()


def operator(dtype="float64"):
    return absa.Operator.from_scipy(A.astype(dtype))


def places(*names):
    return numpy.concatenate([numpy.arange(*PLACES[name]) for name in names])


class Ops:
    """Vectors in a box of their own."""

    class Box:
        def __init__(self, n):
            self.values = numpy.full(n, numpy.nan)

    def __init__(self, n, missing=()):
        self.n = n
        for name in missing:
            setattr(self, name, None)

    def alloc(self):
        return self.Box(self.n)

    def axpby(self, a, x, b, y):
        y.values[:] = a * x.values + (b * y.values if b else 0.0)

    def dots(self, xs, y):
        return [float(x.values @ y.values) for x in xs]

    def gaussian(self, seed, stream, y):
        y.values[:] = numpy.random.default_rng([seed, stream]).standard_normal(self.n)

    def read(self, x, first, count):
        return x.values[first:first + count]

    def write(self, first, values, y):
        y.values[first:first + len(values)] = values


def boxed(missing=()):
    space = absa.Space(N, "float64", ops=Ops(N, missing))

    def product(v, out):
        out.values[:] = A @ v.values
    return absa.Operator.from_hvp(product, space)


@pytest.mark.parametrize("text, want", [
    ("full", numpy.arange(N)),
    ("last:1", places("dense.weight", "dense.bias")),
    ("last:2", places("conv2.weight", "dense.weight", "dense.bias")),
    ("share:0.5", places("conv2.weight", "dense.weight", "dense.bias")),
    ("*.bias", places("conv1.bias", "dense.bias")),
    ("range:5+7,conv1.bias", numpy.r_[5:12, 20:24]),
    ("conv?.weight", places("conv1.weight", "conv2.weight")),
])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_operator_of_a_block_is_the_submatrix(text, want, dtype):
    part = operator(dtype).block(text, RANGES)
    assert part.shape == (len(want), len(want)) == (len(part.selection),) * 2
    assert numpy.array_equal(part.selection.indices, want)
    v = numpy.random.default_rng(0).standard_normal(len(want)).astype(dtype)
    # Sums of at most N terms, each rounded.
    slack = N * numpy.finfo(dtype).eps * numpy.abs(A).sum(axis=1).max() * numpy.abs(v).max()
    assert numpy.allclose(part @ v, A[numpy.ix_(want, want)] @ v, rtol=0, atol=slack)


def test_its_eigenvalues_are_those_of_the_submatrix():
    for text, want in (("last:2", places("conv2.weight", "dense.weight", "dense.bias")),
                       ("*.bias", places("conv1.bias", "dense.bias"))):
        part = operator().block(text, RANGES)
        found = absa.eigenvalues(part, rule="certified", tol=1e-6, max_products=100)
        spectrum, vectors = numpy.linalg.eigh(A[numpy.ix_(want, want)])
        assert found.value == pytest.approx(spectrum[-1], rel=1e-6)
        whole = part.selection.expand(found.vectors[0])
        assert whole.shape == (N,) and abs(whole[want] @ vectors[:, -1]) > 1 - 1e-6
        assert not numpy.delete(whole, want).any()


def test_selections_unite_and_are_told():
    block = absa.Block(RANGES)
    assert len(block) == 0 and block.pieces == [] and block.indices.shape == (0,)
    assert block.select_layers(1).select_name("conv1.bias").select_range(0, 3) is block
    assert block.pieces == [(None, 0, 3, 0), (None, 20, 4, 0), (None, 48, 12, 0)]
    assert [(one.name, one.first, one.count, one.layer) for one in block.layers] == [
        ("conv1.weight", 0, 24, 1), ("conv2.weight", 24, 24, 2), ("dense.weight", 48, 12, 3)]
    assert block.parameters == N and len(block) == 19
    assert repr(block) == "Block(19 of 60 parameters in 3 pieces, 5 ranges)"
    other = block.copy().select_share(0.6)
    assert len(block) == 19 and len(other) == 3 + 4 + 36
    same = absa.Block([("a", 0, 20, 0), absa.Range("b", 20, 40, 1)])
    assert same.parameters == N and absa.Block(n=7, select="full").parameters == 7


def test_the_operator_keeps_what_was_selected_when_it_was_made():
    block = absa.Block(RANGES, select="last:1")
    part = operator().block(block)
    block.select("full")
    assert part.shape == (12, 12) and len(part.selection) == 12
    assert (part @ numpy.ones(12)) == pytest.approx(A[48:, 48:].sum(axis=1))


def test_vectors_are_expanded_and_gathered():
    block = absa.Block(RANGES, select="conv1.bias,last:1")
    want = places("conv1.bias", "dense.weight", "dense.bias")
    part = numpy.arange(1.0, 17.0)
    whole = numpy.zeros(N)
    whole[want] = part
    assert numpy.array_equal(block.expand(part), whole)
    given = numpy.random.default_rng(0).standard_normal(N).astype("float32")
    assert numpy.array_equal(block.gather(given), given[want])
    space = absa.Space(N, "float64", ops=Ops(N))
    box = block.expand(part, space)
    assert numpy.array_equal(box.values, whole)
    assert numpy.array_equal(block.gather(box, space), part)
    out = numpy.full(N, numpy.nan)
    assert block.expand(part, out=out) is out and numpy.array_equal(out, whole)


def test_layers_are_measured_one_by_one():
    found = absa.layer_eigenvalues(operator(), absa.Block(RANGES), rule="certified", tol=1e-7)
    ends = [(0, 24), (24, 48), (48, 60)]
    want = [numpy.linalg.eigvalsh(A[a:b, a:b])[-1] for a, b in ends]
    assert found.values == pytest.approx(want, rel=1e-7) and len(found) == 3
    assert numpy.all(found.lower <= want) and numpy.all(want <= found.upper + 1e-12)
    assert [result.stream for result in found] == [0, 1, 2]
    # Interlacing: no block's eigenvalue exceeds the whole matrix's.
    assert max(found.values) < numpy.linalg.eigvalsh(A)[-1]
    text = repr(found).splitlines()
    assert len(text) == 4 and text[3].startswith("dense.weight") and max(map(len, text)) <= 80
    single = absa.layer_eigenvalues(operator(), [(None, 3, 5), ("x" * 60, 0, 60)], which="SA",
                                    tol=1e-7, rule="certified", stream=5)
    assert single.values == pytest.approx([numpy.linalg.eigvalsh(A[3:8, 3:8])[0],
                                           numpy.linalg.eigvalsh(A)[0]], rel=1e-7)
    assert [result.stream for result in single] == [5, 6]
    assert max(map(len, repr(single).splitlines())) <= 80 and "3+5" in repr(single)


def test_any_host_has_blocks():
    theta = numpy.linspace(-1.0, 1.0, N)
    gradients = absa.Operator.from_gradient(lambda t: A @ t, theta)
    part = gradients.block("last:1", RANGES)
    v = numpy.ones(12)
    # Linear gradients: the difference is exact up to rounding, which the step magnifies.
    assert numpy.allclose(part @ v, A[48:, 48:] @ v, atol=1e-8)
    jacobian = numpy.random.default_rng(5).standard_normal((6, 2, N))
    gauss = absa.Operator.from_gauss_newton(
        lambda t: jacobian @ t, lambda t, u: numpy.einsum("rok,ro->k", jacobian, u), theta, 6, 2,
        loss="squared").block("last:1", RANGES)
    truth = numpy.einsum("rok,rol->kl", jacobian, jacobian)[48:, 48:] / 6
    assert numpy.allclose(gauss @ v, truth @ v, rtol=1e-6)
    assert (boxed().block("last:1", RANGES) @ v) == pytest.approx(A[48:, 48:] @ v)
    nested = boxed().block("last:2", RANGES).block("range:30+6")
    assert (nested @ numpy.ones(6)) == pytest.approx(A[54:, 54:].sum(axis=1))


@pytest.mark.parametrize("missing", ["read", "write"])
def test_vectors_that_cannot_be_read_or_written_have_no_blocks(missing):
    with pytest.raises(absa.UnsupportedError, match=missing):
        boxed([missing]).block("last:1", RANGES)


@pytest.mark.parametrize("raised", [KeyError("mine"), KeyboardInterrupt()])
def test_exceptions_come_out_of_blocks(raised):
    armed = [True]

    def product(v):
        if armed[0]:
            raise raised
        return A @ v
    op = absa.Operator.from_hvp(product, N, "float64")
    part = op.block("last:1", RANGES)
    for call in (lambda: part @ numpy.ones(12), lambda: absa.layer_eigenvalues(op, RANGES),
                 lambda: absa.eigenvalues(part)):
        armed[0] = True
        with pytest.raises(type(raised)) as caught:
            call()
        assert caught.value is raised
        armed[0] = False
        call()


def test_the_progress_sees_every_product_of_every_layer():
    class Bar:
        steps, closed = 0, 0

        def update(self, count):
            self.steps += count

        def close(self):
            self.closed += 1
    bar, op = Bar(), operator()
    found = absa.layer_eigenvalues(op, absa.Block(RANGES), progress=bar)
    assert bar.steps == sum(result.products for result in found) == op.products and bar.closed == 1


@pytest.mark.parametrize("call, kind, text", [
    (lambda: absa.Block(RANGES, select="conv3.*"), ValueError, "conv3"),
    (lambda: absa.Block(RANGES, select="last:9"), ValueError, "last:9|layers"),
    (lambda: absa.Block(RANGES).select_range(50, 20), ValueError, "60"),
    (lambda: absa.Block(RANGES).select_range(0, 0), ValueError, "count is 0"),
    (lambda: absa.Block(RANGES).select_share(1.5), ValueError, "share"),
    (lambda: absa.Block(RANGES).select(3), TypeError, "must be a str"),
    (lambda: absa.Block(RANGES, 40), ValueError, "40"),
    (lambda: absa.Block([("a", 0, 5), ("b", 3, 5)]), ValueError, "overlap|b"),
    (lambda: absa.Block([("a", 0, 5), (None, 5, 5)]), ValueError, "name"),
    (lambda: absa.Block([(b"a", 0, 5)]), TypeError, "must be a str"),
    (lambda: absa.Block([("a", 0, 2.5)]), TypeError, "count of range 'a' is 2.5"),
    (lambda: absa.Block([("a", -1, 2)]), ValueError, "first of range 'a' is -1"),
    (lambda: absa.Block({"a": 0}), ValueError, "size of a is 0"),
    (lambda: absa.Block(), ValueError, "n is 0"),
    (lambda: operator().block(absa.Block(n=7, select="full")), ValueError, "7"),
    (lambda: operator().block(absa.Block(RANGES)), absa.Error, "selected"),
    (lambda: operator().block(absa.Block(RANGES, select="full"), RANGES), TypeError, "its own"),
    (lambda: absa.Block(RANGES, select="last:1").expand(numpy.ones(11)), ValueError,
     "must have 12"),
    (lambda: absa.Block(RANGES, select="last:1").expand([1.0] * 12), TypeError,
     "ndarray"),
    (lambda: absa.Block(RANGES, select="last:1").gather(numpy.ones((6, 10))), ValueError,
     "shape"),
    (lambda: absa.layer_eigenvalues(operator(), []), ValueError, "0 blocks"),
    (lambda: absa.layer_eigenvalues(operator(), [("a", 55, 10)]), ValueError, "block 0"),
    (lambda: absa.layer_eigenvalues(operator(), RANGES, fond=1), TypeError, "fond"),
])
def test_wrong_arguments_are_named(call, kind, text):
    with pytest.raises(kind, match=text):
        call()
