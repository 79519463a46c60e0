"""absa-eig on matrices that SciPy writes, against NumPy's dense solver, SciPy's eigsh, ARPACK's own
library and PRIMME: the values agree to the tolerance and lie in the intervals that are printed.
Usage: check_eig.py BUILD"""

import os
import subprocess
import sys
import tempfile

import numpy as np
import scipy.io
import scipy.sparse
import scipy.sparse.linalg

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(SOURCE, "tests", "support"))

import tap  # noqa: E402
from eigen_library import arpack, arpack_values  # noqa: E402

try:
    import primme
except ImportError:
    primme = None

PROGRAM = os.path.join(sys.argv[1], "examples", "eig", "absa-eig")
ARPACK = arpack()
TOL = 1e-8
WHICH = {"la": "LA", "sa": "SA", "lm": "LM"}


def random_sparse(n, density, seed):
    """Real, indefinite, about density entries a row."""
    a = scipy.sparse.random(n, n, density, random_state=seed, data_rvs=np.random.default_rng(
        seed).standard_normal)
    return (a + a.T).tocsr()


def random_graph(n, seed):
    """The adjacency matrix of a random graph."""
    a = scipy.sparse.random(n, n, 0.02, random_state=seed)
    a = scipy.sparse.triu(a, 1)
    a.data[:] = 1
    return (a + a.T).tocsr()


def anisotropic(rows, columns):
    """A 2-D Laplacian without equal eigenvalues."""
    def one(n, weight):
        return weight * scipy.sparse.diags([-1.0, 2.0, -1.0], [-1, 0, 1], shape=(n, n))
    return scipy.sparse.kronsum(one(rows, 1.0), one(columns, np.sqrt(0.3))).tocsr()


def far_from_zero(n, seed):
    """A spectrum in [100, 101] and one eigenvalue beside it."""
    q, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))
    values = np.append(100 + np.linspace(0, 1, n - 1), 101.3)
    a = (q * values) @ q.T
    return (a + a.T) / 2


MATRICES = {
    "sparse": (random_sparse(400, 0.02, 1), {"symmetry": "symmetric"}),
    "sparse, general": (random_sparse(300, 0.03, 2), {"symmetry": "general"}),
    "graph": (random_graph(300, 3), {"symmetry": "symmetric", "field": "pattern"}),
    "integers": (scipy.sparse.csr_matrix(np.rint(10 * random_sparse(200, 0.05, 4).toarray())
                                         .astype(int)), {"symmetry": "symmetric"}),
    "grid": (anisotropic(17, 23), {"symmetry": "symmetric"}),
    "dense": (far_from_zero(120, 5), {"symmetry": "symmetric"}),
}


def intervals(path, which, k):
    """Return the program's rows, falling values."""
    done = subprocess.run([PROGRAM, "--matrix", path, "--which", which, "--k", str(k), "--tol",
                           repr(TOL), "--rule", "certified"], capture_output=True, text=True,
                          check=False, timeout=120)
    if done.returncode or done.stderr:
        raise AssertionError(f"{done.returncode} {done.stderr}")
    lines = done.stdout.splitlines()
    if lines[-1].split()[-1] not in ("converged", "exact"):
        raise AssertionError(lines[-1])
    rows = [tuple(map(float, line.split())) for line in lines[:-1]]
    return sorted(rows, reverse=True)


def answers(matrix, which, k):
    """Yield what every peer gives, falling."""
    n = matrix.shape[0]
    dense = matrix.toarray() if scipy.sparse.issparse(matrix) else matrix
    values = np.linalg.eigvalsh(dense.astype(float))
    order = {"la": values[::-1], "sa": values, "lm": values[np.argsort(-abs(values))]}[which]
    yield "NumPy, dense", np.sort(order[:k])[::-1]
    real = matrix.astype(float)
    yield "SciPy", np.sort(scipy.sparse.linalg.eigsh(
        real, k, which=WHICH[which], tol=TOL, maxiter=3000, return_eigenvectors=False))[::-1]
    if ARPACK:
        yield "ARPACK", arpack_values(ARPACK, n, lambda x: real @ x, WHICH[which], k, TOL)[::-1]
    if primme:
        found = primme.eigsh(real, k, which=WHICH[which], tol=TOL, return_eigenvectors=False)
        yield "PRIMME", np.sort(found)[::-1]


def compare(name):
    """Every end, one eigenvalue and three."""
    matrix, how = MATRICES[name]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a.mtx")
        scipy.io.mmwrite(path, matrix, precision=17, **how)
        for which in WHICH:
            for k in (1, 3):
                rows = intervals(path, which, k)
                size = max(abs(row[0]) for row in rows)
                # Certified to TOL on our side, a residual of TOL on theirs, whose error is its
                # square over a gap: less. Relative to the matrix beside that only rounding.
                slack = 2 * TOL * size
                for peer, values in answers(matrix, which, k):
                    for row, value in zip(rows, values):
                        if not abs(row[0] - value) <= slack:
                            yield f"{which} {k}: {row[0]!r}, {peer} has {value!r}"
                        if not row[1] - slack <= value <= row[2] + slack:
                            yield f"{which} {k}: {peer}'s {value!r} is not in {row[1:3]}"


print(f"# peers: NumPy, SciPy {scipy.__version__}{', ARPACK' if ARPACK else ''}"
      f"{', PRIMME' if primme else ''}")
tap.run([(f"{name}: peers agree, and lie in the intervals", lambda name=name: compare(name))
         for name in MATRICES])
