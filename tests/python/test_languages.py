"""One matrix from every side: absa-eig reads it from a file, NumPy multiplies by it, and it is the
Hessian of a loss in PyTorch and in JAX. Seed, rule and start vector are the same, so the eigenvalue
differs by the rounding of products alone."""

import os
import subprocess

import jax
import jax.numpy as jnp
import numpy
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
