"""One matrix from every side: absa-eig reads it from a file, NumPy multiplies by it, and it is the
Hessian of a loss in PyTorch and in JAX. Seed, rule and start vector are the same, so the eigenvalue
differs by the rounding of products alone. And one training, tests/languages/decide.c, whose
measurements and decisions all of them make as C does."""

import os
import subprocess

import jax
import jax.numpy as jnp
import numpy
import pytest
import torch

import absa
import absa.jax
import absa.torch

jax.config.update("jax_enable_x64", True)
N = 60


def matrix():
    """Its largest entry is a power of two, by which absa-eig divides."""
    rng = numpy.random.default_rng(3)
    a = rng.standard_normal((N, N))
    a = numpy.tril(a) + numpy.tril(a, -1).T
    return a / abs(a).max() * 0.5


def of_file(a, path):
    with open(path, "w", encoding="ascii") as text:
        text.write(f"%%MatrixMarket matrix array real symmetric\n{N} {N}\n")
        for j in range(N):
            for i in range(j, N):
                text.write(f"{a[i, j]!r}\n".replace("np.float64(", "").replace(")", ""))
    build = os.path.dirname(os.path.dirname(os.environ["ABSA_LIBRARY"]))
    done = subprocess.run([os.path.join(build, "examples", "eig", "absa-eig"), "--matrix", path,
                           "--rule", "certified", "--tol", "1e-8", "--max-products", "200",
                           "--max-vectors", "201", "--seed", "5"],
                          capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    value, lower, upper, _ = map(float, done.stdout.splitlines()[0].split())
    return value, lower, upper, int(done.stdout.split()[-3])


OPTIONS = {"rule": "certified", "tol": 1e-8, "max_products": 200, "max_vectors": 201, "seed": 5}


def test_all_sides_have_one_eigenvalue(tmp_path):
    a = matrix()
    truth = numpy.linalg.eigvalsh(a)[-1]
    value, lower, upper, products = of_file(a, str(tmp_path / "a.mtx"))
    assert lower <= truth <= upper
    found = {"NumPy": absa.eigenvalues(a, N, dtype="float64", **OPTIONS)}

    w = torch.nn.Parameter(torch.zeros(N, dtype=torch.float64))

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = w

        def forward(self, h):
            return 0.5 * self.w @ h @ self.w

    probe = [(torch.from_numpy(a), torch.zeros(1))]
    hessian = absa.torch.Hessian(Model(), lambda output, target: (output, 1), probe)
    found["torch"] = hessian.top(**OPTIONS)
    found["JAX"] = absa.jax.Hessian(lambda p, h: 0.5 * p @ h @ p, jnp.zeros(N), [jnp.asarray(a)]
                                    ).top(**OPTIONS)
    # A product is off by N roundings of its terms; so is a Ritz value, relative to the norm.
    room = 4 * N * 2.0 ** -53 * abs(numpy.linalg.eigvalsh(a)).max()
    for name, result in found.items():
        assert abs(result.values[0] - value) <= room, name
        assert result.products == products, name


TRAINED = {"strategy": "absa", "samples": 1000, "batch": 20, "batch_max": 320, "lr": 0.1,
           "patience": 2}
MEASURED = {"rule": "certified", "memory": "basis", "tol": 1e-6, "max_products": 100, "seed": 5}
ENTRIES = numpy.arange(1.0, 41.0) / 40


def told(found, decision):
    return (found.value, *found.interval, found.products, decision.reason, decision.batch,
            decision.lr, decision.gamma)


def walk(measure):
    """Go through the training; measure(scale, stream) returns an EigenResult."""
    controller, lines = absa.Controller(micro_batch=20, epochs=12, **TRAINED), []
    while not (plan := controller.plan()).finished:
        if plan.measure_due:
            found = measure(0.75 ** len(lines), len(lines))
            lines.append(told(found, controller.observe(found)))
        elif plan.epoch_done:
            controller.end_epoch()
        else:
            controller.advance(plan.rows - plan.rows_done)
    return lines


def in_numpy():
    space = absa.Space(40, "float64")
    estimator = absa.Estimator(space, **MEASURED)
    return walk(lambda scale, stream: estimator.run(absa.Operator.from_hvp(
        lambda v: scale * ENTRIES * v, space), stream=stream))


class Diagonal(torch.nn.Module):
    """Its loss has a diagonal Hessian."""

    def __init__(self):
        super().__init__()
        self.w, self.scale = torch.nn.Parameter(torch.zeros(40, dtype=torch.float64)), 1.0

    def forward(self, entries):
        return 0.5 * (self.scale * entries[0] * self.w * self.w).sum()


def in_torch():
    """With AdaptiveBatch around an optimiser, which measures with its own streams."""
    model = Diagonal()
    probe = [(torch.from_numpy(ENTRIES)[None], torch.zeros(1))]
    hessian = absa.torch.Hessian(model, lambda output, target: (output, 1), probe)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    options = {key: value for key, value in TRAINED.items() if key not in ("samples", "lr")}
    # Without a hint: every measurement begins anew, as those of the others do.
    ab = absa.torch.AdaptiveBatch(optimizer, 1000, 20, 12, hessian=hessian, lr_rule="linear",
                                  estimator={key: value for key, value in MEASURED.items()
                                             if key != "seed"}, seed=5, **options)
    rows = torch.utils.data.TensorDataset(torch.zeros(1000, 1))
    loader, lines = torch.utils.data.DataLoader(rows, batch_sampler=ab.sampler()), []

    def measure():
        ab._hint = None
        decision = ab.measure()
        lines.append(told(ab.result, decision))
        model.scale *= 0.75
    for _ in range(12):
        for _ in ab.micro_batches(loader):
            if ab.last:
                ab.step()
                if ab.measure_due:
                    measure()
        ab.end_epoch(measure=False)
        if ab.measure_due:
            measure()
    return lines


def in_jax():
    entries = jnp.asarray(ENTRIES)
    return walk(lambda scale, stream: absa.jax.Hessian(
        lambda p, d: 0.5 * jnp.sum(d[0] * p * p), jnp.zeros(40), [(scale * entries)[None]]
    ).top(stream=stream, **MEASURED))


@pytest.mark.parametrize("language", [in_numpy, in_torch, in_jax])
def test_all_languages_decide_as_c_does(language):
    build = os.path.dirname(os.path.dirname(os.environ["ABSA_LIBRARY"]))
    done = subprocess.run([os.path.join(build, "tests", "languages", "decide_c")], text=True,
                          capture_output=True, check=True, stdin=subprocess.DEVNULL)
    want = [line.split() for line in done.stdout.splitlines()]
    assert len({line[5] for line in want}) > 3, "the batch hardly grew"
    found = language()
    assert len(found) == len(want)
    for mine, line in zip(found, want):
        # A product differs by a rounding of each element, a Ritz value by a few of the norm.
        assert mine[:3] == pytest.approx([float(x) for x in line[:3]], rel=40 * 2.0 ** -52)
        assert [mine[3], mine[4], mine[5]] == [int(line[3]), line[4], int(line[5])]
        assert list(mine[6:]) == [float(line[6]), float(line[7])]
