"""The reference network against closed forms and differences in NumPy, and its data readers."""

import gc
import gzip
import os
import struct
import weakref

import numpy
import pytest

import absa

refnet = pytest.importorskip("absa.refnet")
from absa.refdata import Dataset  # noqa: E402

RNG = numpy.random.default_rng(4)
ROWS, FEATURES, CLASSES = 12, 5, 3
X = RNG.standard_normal((ROWS, FEATURES))
Y = RNG.integers(0, CLASSES, ROWS).astype("int32")


def softmax_regression(theta, decay):
    """Loss, gradient and Hessian of softmax regression with bias, in closed form."""
    w, b = theta[:15].reshape(CLASSES, FEATURES), theta[15:]
    z = X @ w.T + b
    p = numpy.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    loss = -numpy.log(p[numpy.arange(ROWS), Y]).mean() + decay / 2 * theta @ theta
    r = p - numpy.eye(CLASSES)[Y]
    gradient = numpy.concatenate([(r.T @ X).ravel(), r.sum(axis=0)]) / ROWS + decay * theta
    hessian = decay * numpy.eye(18)
    for row in range(ROWS):
        jacobian = numpy.hstack([numpy.kron(numpy.eye(CLASSES), X[row]), numpy.eye(CLASSES)])
        curvature = numpy.diag(p[row]) - numpy.outer(p[row], p[row])
        hessian += jacobian.T @ curvature @ jacobian / ROWS
    return loss, gradient, hessian, z, r @ w


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_softmax_regression_is_its_closed_form(dtype):
    net = refnet.Network("logreg", channels=FEATURES, outputs=CLASSES, dtype=dtype,
                         weight_decay=0.1, threads=2)
    assert (net.n, net.inputs, net.outputs) == (18, FEATURES, CLASSES) and net.workspace > 0
    theta = RNG.standard_normal(18).astype(dtype)
    x = X.astype(dtype)
    loss, gradient, hessian, z, in_x = softmax_regression(theta.astype("float64"), 0.1)
    slack = 100 * float(numpy.finfo(dtype).eps)  # sums of some dozens of numbers around 1
    found, value = net.gradient(theta, x, Y)
    assert value == pytest.approx(loss, rel=slack) == net.loss(theta, x, Y)
    assert numpy.allclose(found, gradient, rtol=0, atol=slack)
    assert numpy.allclose(net.predict(theta, x), z, rtol=0, atol=slack)
    assert numpy.allclose(net.input_gradient(theta, x, Y)[0], in_x, rtol=0, atol=slack)
    seen = net.evaluate(theta, x, Y)
    assert seen.rows == ROWS and seen.correct == (z.argmax(axis=1) == Y).sum()
    assert net.probe(theta, x, Y) == pytest.approx(loss, rel=slack)
    v = RNG.standard_normal(18).astype(dtype)
    for product in (net.hvp, net.gnvp):
        assert numpy.allclose(product(v), hessian @ v, rtol=0, atol=4 * slack)
    for mode in ("hvp", "ggn"):
        op = net.operator(mode)
        assert op.check().good
        spectrum = numpy.linalg.eigvalsh(hessian)
        top = absa.eigenvalues(op, rule="certified", tol=1e-4)
        assert top.value == pytest.approx(spectrum[-1], rel=1e-3)


def test_products_are_differences_of_gradients_and_blocks_are_submatrices():
    net = refnet.Network("mlp", channels=FEATURES, outputs=CLASSES, hidden=[4, 6], dtype="float64",
                         activation="tanh")
    theta = net.parameters(7)
    assert theta.shape == (net.n,) == (5 * 4 + 4 + 4 * 6 + 6 + 6 * 3 + 3,)
    net.probe(theta, X, Y)
    hessian = numpy.array([net.hvp(row) for row in numpy.eye(net.n)])
    step = 1e-5
    for at in (0, 21, 40, net.n - 1):
        ends = [net.gradient(theta + sign * step * numpy.eye(net.n)[at], X, Y)[0]
                for sign in (1, -1)]
        # The error of a central difference is step^2 times a third derivative, 1e-10 about.
        assert numpy.allclose(hessian[at], (ends[0] - ends[1]) / (2 * step), rtol=0, atol=1e-8)
    assert numpy.allclose(hessian, hessian.T, rtol=0, atol=1e-14)
    gauss = numpy.array([net.gnvp(row) for row in numpy.eye(net.n)])
    assert numpy.linalg.eigvalsh(gauss)[0] > -1e-13 and not numpy.allclose(gauss, hessian)
    part = net.block("last:2")
    chosen = part.selection.indices
    assert len(part) == len(chosen) == 24 + 6 + 18 + 3
    v = RNG.standard_normal(len(part))
    sub = numpy.ix_(chosen, chosen)
    assert numpy.allclose(part.hvp(v), hessian[sub] @ v, rtol=0, atol=1e-13)
    assert numpy.allclose(part.gnvp(v), gauss[sub] @ v, rtol=0, atol=1e-13)
    for mode, whole in (("hvp", hessian), ("ggn", gauss)):
        op = part.operator(mode)
        found = absa.eigenvalues(op, rule="certified", tol=1e-6)
        assert found.value == pytest.approx(numpy.linalg.eigvalsh(whole[sub])[-1], rel=1e-5)
        assert op.selection.expand(found.vectors[0]).shape == (net.n,)
    layers = absa.layer_eigenvalues(net.operator(), net.layout(), rule="certified", tol=1e-6)
    want = [numpy.linalg.eigvalsh(hessian[one.first:one.first + one.count,
                                          one.first:one.first + one.count])[-1]
            for one in layers.ranges]
    assert layers.values == pytest.approx(want, rel=1e-5) and len(want) == 3


def test_parameters_have_names_and_shapes():
    net = refnet.Network("lenet", height=28, width=28, outputs=10)
    theta = net.parameters(1)
    parts = net.unflatten(theta)
    assert sum(part.size for part in parts.values()) == net.n == 61706
    assert [one.role for one in net.ranges] == ["weight", "bias"] * 5
    assert net.ranges[0].shape == (6, 1, 5, 5)
    first = parts[net.ranges[0].name]
    assert first.base is not None and numpy.shares_memory(first, theta)
    # The variance of 150 normal numbers around 2 / 25: five standard deviations.
    assert first.var() == pytest.approx(2 / 25, rel=5 * (2 / 150) ** 0.5)
    assert numpy.array_equal(theta, net.parameters(1)) and "61706" in repr(net)


def test_a_network_learns_glyphs_and_its_attack_hurts():
    data = Dataset.glyphs(rows=512, noise=0.05)
    net = refnet.Network("mlp", height=16, width=16, outputs=10, hidden=[32])
    theta = net.parameters(0)
    x, y = numpy.ascontiguousarray(data.x), data.labels
    before = net.loss(theta, x, y)
    for _ in range(60):
        theta -= numpy.float32(0.2) * net.gradient(theta, x, y)[0]
    after = net.loss(theta, x, y)
    assert after < before / 2
    seen = net.evaluate(theta, x, y)
    assert seen.loss_sum / seen.rows == pytest.approx(after, rel=1e-5) and seen.correct > 350
    attacked = absa.attack(x, lambda point: net.input_gradient(theta, point, y)[0], 0.1, 0.0, 1.0)
    assert net.loss(theta, attacked, y) > 2 * after


def test_layers_targets_and_batch_normalisation():
    net = refnet.Network(layers=[("dense", 2), "tanh", refnet.Layer("dense", 1)], channels=FEATURES,
                         loss="squared", dtype="float64")
    theta = net.parameters(3)
    parts = list(net.unflatten(theta).values())
    outputs = numpy.tanh(X @ parts[0].T + parts[1]) @ parts[2].T + parts[3]
    assert numpy.allclose(net.predict(theta, X), outputs, rtol=0, atol=1e-14)
    targets = RNG.standard_normal((ROWS, 1))
    assert net.loss(theta, X, targets) == pytest.approx(((outputs - targets) ** 2).mean() / 2)
    norm = refnet.Network(layers=[("dense", 4), "batch_norm", "relu", ("dense", 3)],
                          channels=FEATURES, dtype="float64", ghost_rows=ROWS)
    theta = norm.parameters(3)
    assert numpy.array_equal(norm.statistics, [0.0, 1.0] * 4)
    with pytest.raises(absa.Error, match="gradient") as caught:
        norm.track(1.0)
    assert caught.value.code == "ABSA_E_STATE"
    norm.gradient(theta, X, Y)
    norm.track(1.0)
    dense = X @ list(norm.unflatten(theta).values())[0].T + list(norm.unflatten(theta).values())[1]
    want = numpy.column_stack([dense.mean(axis=0), dense.var(axis=0, ddof=1)]).reshape(-1)
    assert numpy.allclose(norm.statistics, want, rtol=1e-12)
    trained = norm.loss(theta, X, Y)
    norm.set_mode("evaluate")
    evaluated = norm.loss(theta, X, Y)
    assert evaluated != trained
    norm.statistics = numpy.array([0.0, 1.0] * 4)
    assert norm.loss(theta, X, Y) != evaluated
    with pytest.raises(ValueError, match="none of train"):
        norm.set_mode("rest")
    with pytest.raises(ValueError, match="variance"):
        norm.statistics = numpy.array([0.0, -1.0] * 4)


def test_the_probe_keeps_its_arrays_and_is_cleared():
    net = refnet.Network("logreg", channels=FEATURES, outputs=CLASSES, dtype="float64")
    v = numpy.ones(18)
    with pytest.raises(absa.Error) as caught:
        net.hvp(v)
    assert caught.value.code == "ABSA_E_STATE"
    theta = net.parameters(0)
    arrays = X.copy(), Y.copy()
    kept = [weakref.ref(array) for array in arrays]
    net.probe(theta, *arrays)
    del arrays
    gc.collect()
    assert all(array() is not None for array in kept)
    hessian = softmax_regression(theta, 0.0)[2]
    op, part = net.operator(), net.block("last:1").operator()
    net_gone = net
    del net
    gc.collect()
    assert numpy.allclose(op @ v, hessian @ v) and numpy.allclose(part @ v, hessian @ v)
    net_gone.clear_probe()
    assert all(array() is None for array in kept)
    with pytest.raises(absa.Error, match="probe"):
        op @ v


def net5():
    return refnet.Network("logreg", channels=FEATURES, outputs=CLASSES, dtype="float64")


@pytest.mark.parametrize("call, kind, text", [
    (lambda: refnet.Network("lenot", outputs=3), ValueError, "lenot"),
    (lambda: refnet.Network("logreg", outputs=3, fond=1), TypeError, "fond"),
    (lambda: refnet.Network("logreg", outputs=3, layer_count=1), TypeError, "no option"),
    (lambda: refnet.Network(layers=["danse"]), ValueError, "none of dense"),
    (lambda: refnet.Network("logreg", outputs=3, dtype="int8"), TypeError, "dtype"),
    (lambda: net5().loss(numpy.zeros(17), X, Y), ValueError, "theta has 17"),
    (lambda: net5().loss(numpy.zeros(18), X[:, :4].copy(), Y), ValueError, "rows of 5"),
    (lambda: net5().loss(numpy.zeros(18), X, Y[:3]), ValueError, r"y has shape \(3,\)"),
    (lambda: net5().loss(numpy.zeros(18), X, Y.astype("int64")), TypeError, "y is of int64"),
    (lambda: net5().loss(numpy.zeros(18), X, Y + numpy.int32(3)), ValueError, "label|row"),
    (lambda: net5().loss(numpy.full(18, numpy.nan), X, Y), absa.NonfiniteError, "row"),
    (lambda: net5().operator("fd"), ValueError, "'hvp' or 'ggn'"),
    (lambda: net5().block("last:5"), ValueError, "last:5|layers"),
    (lambda: net5().block(net5().layout()), absa.Error, "selected"),
    (lambda: net5().parameters(-1), ValueError, "seed is -1"),
])
def test_wrong_networks_and_arrays_are_named(call, kind, text):
    with pytest.raises(kind, match=text):
        call()


PIXELS = RNG.integers(0, 256, (7, 4, 3)).astype("uint8")
LABELS = RNG.integers(0, 5, 7).astype("uint8")
IMAGES_IDX = struct.pack(">IIII", 0x803, 7, 4, 3) + PIXELS.tobytes()
LABELS_IDX = struct.pack(">II", 0x801, 7) + LABELS.tobytes()


def test_idx_files_are_read(tmp_path):
    (tmp_path / "images").write_bytes(gzip.compress(IMAGES_IDX))
    (tmp_path / "labels").write_bytes(LABELS_IDX)
    for data in (Dataset.read_idx(tmp_path / "images", str(tmp_path / "labels"), 5),
                 Dataset.parse_idx(IMAGES_IDX, bytearray(gzip.compress(LABELS_IDX)), 5)):
        assert data.x.shape == (7, 1, 4, 3) and data.classes == 5 and len(data) == 7
        assert numpy.array_equal(data.x[:, 0], PIXELS.astype("float32") / numpy.float32(255))
        assert numpy.array_equal(data.labels, LABELS)
    with pytest.raises(absa.Error, match="nowhere") as caught:
        Dataset.read_idx(tmp_path / "nowhere", tmp_path / "labels")
    assert caught.value.code == "ABSA_E_IO"
    with pytest.raises(absa.Error) as caught:
        Dataset.parse_idx(IMAGES_IDX[:-1], LABELS_IDX, 5)
    assert caught.value.code == "ABSA_E_FORMAT"
    with pytest.raises(TypeError, match="must be bytes"):
        Dataset.parse_idx("images", LABELS_IDX)


def test_records_are_read(tmp_path):
    planes = RNG.integers(0, 256, (3, 2, 4, 5)).astype("uint8")
    raw = b"".join(bytes([label]) + plane.tobytes() for label, plane in zip((2, 0, 1), planes))
    form = {"classes": 3, "channels": 2, "height": 4, "width": 5}
    paths = [tmp_path / "a", tmp_path / "b"]
    paths[0].write_bytes(raw)
    paths[1].write_bytes(raw[41:])
    data = Dataset.read_records(paths, **form)
    assert len(data) == 5 and list(data.labels) == [2, 0, 1, 0, 1]
    assert numpy.array_equal(data.x[:3], planes.astype("float32") / numpy.float32(255))
    assert numpy.array_equal(Dataset.parse_records(raw, **form).x, data.x[:3])
    assert len(Dataset.read_records(paths[0], **form)) == 3
    with pytest.raises(ValueError, match="none of cifar10"):
        Dataset.parse_records(raw, "cifar11")


def test_tables_are_read(tmp_path):
    table = b"e,x,red\np,?,blue\ne,x,blue\n"
    (tmp_path / "t").write_bytes(table)
    for data in (Dataset.parse_csv(table), Dataset.read_csv(tmp_path / "t", 0)):
        assert list(data.labels) == [0, 1, 0] and data.classes == 2
        # Columns' values sorted by byte: ? and x, blue and red.
        assert data.x[:, 0, 0].tolist() == [[0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 1, 0]]
    with pytest.raises(absa.Error, match="table"):
        Dataset.parse_csv(table[:-1])


def test_datasets_are_made_cut_dealt_and_gathered():
    x = numpy.arange(40, dtype="float32").reshape(10, 4)
    labels = numpy.arange(10, dtype="int32") % 3
    data = Dataset.from_arrays(x, labels)
    assert data.x.shape == (10, 1, 1, 4) and data.classes == 3 and data.features == 4
    assert repr(data) == "Dataset(10 rows of 1 x 1 x 4, 3 classes)"
    with pytest.raises(ValueError, match="read-only"):
        data.x[0] = 1
    got, of = data.gather([7, 2, 7])
    assert numpy.array_equal(got[:, 0, 0], x[[7, 2, 7]]) and list(of) == [1, 2, 1]
    first, second = data.split(4, seed=3)
    assert len(first) == 4 and len(second) == 6
    both = numpy.concatenate([first.x, second.x])[:, 0, 0]
    order = both[:, 0].astype(int) // 4
    assert sorted(order) == list(range(10)) and list(order) != list(range(10))
    assert numpy.array_equal(numpy.concatenate([first.labels, second.labels]), labels[order])
    kept = data.x
    assert len(data.limit(3)) == 3 and data.x.shape[0] == 3
    del data
    gc.collect()
    assert numpy.array_equal(kept[:, 0, 0], x)
    for call, text in ((lambda: first.gather([4]), "4"), (lambda: first.split(4), "rows"),
                       (lambda: first.limit(0), "rows is 0"),
                       (lambda: Dataset.from_arrays(x, labels, 2), "row 2|label"),
                       (lambda: Dataset.from_arrays(x, labels[:9].copy()), "labels has 9"),
                       (lambda: Dataset.glyphs(size=4), "size is 4")):
        with pytest.raises(ValueError, match=text):
            call()
    with pytest.raises(TypeError, match="integers"):
        first.gather([0.5])


def test_glyphs_are_a_function_of_their_number():
    data = Dataset.glyphs(rows=30, seed=2)
    assert data.x.shape == (30, 1, 16, 16) and list(data.labels) == [i % 10 for i in range(30)]
    assert numpy.array_equal(Dataset.glyphs(rows=5, first=20, seed=2).x, data.x[20:25])
    assert (data.x >= 0).all() and (data.x <= 1).all() and data.x.std() > 0.1


def test_real_data_is_what_numpy_reads_of_it():
    root = os.environ.get("ABSA_TEST_DATA")
    if not root:
        pytest.skip("ABSA_TEST_DATA is not set")
    images, labels = (os.path.join(root, "mnist", f"t10k-{name}-ubyte.gz")
                      for name in ("images-idx3", "labels-idx1"))
    data = Dataset.read_idx(images, labels)
    with gzip.open(images) as file:
        pixels = numpy.frombuffer(file.read(), "uint8", offset=16).reshape(10000, 1, 28, 28)
    assert numpy.array_equal(data.x, pixels.astype("float32") / numpy.float32(255))
    cifar = os.path.join(root, "cifar10", "test_batch.bin")
    data = Dataset.read_records(cifar)
    rows = numpy.fromfile(cifar, "uint8").reshape(-1, 3073)
    assert numpy.array_equal(data.labels, rows[:, 0])
    assert numpy.array_equal(data.x.reshape(len(data), -1),
                             rows[:, 1:].astype("float32") / numpy.float32(255))
    mushrooms = Dataset.read_csv(os.path.join(root, "mushroom", "agaricus-lepiota.data"))
    assert len(mushrooms) == 8124 and (mushrooms.x.sum(axis=(1, 2, 3)) == 22).all()
