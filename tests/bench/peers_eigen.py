#!/usr/bin/env python3
"""The estimator against SciPy's eigsh and PRIMME on the same operators, all called from Python with
the same product: products and true error at a tolerance, and the processor time outside the
products. The peers run with their defaults, values only; libabsa with CHECKED and CERTIFIED, eight
vectors (its default) and eta 1 %. bench_eigen compares with ARPACK itself.

Prints tables and lines of JSON. Usage: peers_eigen.py BUILD
"""

import json
import os
import statistics
import sys
import time

import numpy as np
import scipy.sparse.linalg

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))

import cases_eigen  # noqa: E402
from eigen_library import Estimator  # noqa: E402

try:
    import primme
except ImportError:
    primme = None

STARTS, REPEATS, SIZE, LARGE, STEPS = 5, 3, 100_000, 10_000_000, 20


class Product:
    """y = H x, counted and timed."""

    def __init__(self, apply):
        self.apply, self.count, self.inside = apply, 0, 0.0

    def __call__(self, x):
        start = time.process_time()
        y = self.apply(x.reshape(-1))
        self.inside += time.process_time() - start
        self.count += 1
        return y


def measured(product, solve):
    """Return what solve() gives, its products, and its time outside of them."""
    count, inside, start = product.count, product.inside, time.process_time()
    value = solve()
    outside = time.process_time() - start - (product.inside - inside)
    return value, product.count - count, outside


def as_operator(n, product, dtype):
    """The operator as SciPy and PRIMME take it."""
    return scipy.sparse.linalg.LinearOperator((n, n), matvec=product, dtype=dtype)


def methods(build, n, product, tol):
    """Return {name: function that gives the value of one run}, and what to close."""
    op = as_operator(n, product, np.float64)
    seeds = iter(range(10 ** 6))

    def by_scipy():
        start = np.random.default_rng(next(seeds)).standard_normal(n)
        return scipy.sparse.linalg.eigsh(op, 1, which="LA", tol=tol, v0=start, maxiter=3000,
                                         return_eigenvectors=False)[0]

    def by_primme():
        start = np.random.default_rng(next(seeds)).standard_normal((n, 1))
        return primme.eigsh(op, 1, which="LA", tol=tol, v0=start, return_eigenvectors=False)[0]

    ours = {rule: Estimator(build, n, product, rule="ABSA_RULE_" + rule, tolerance=tol,
                            max_products=1000) for rule in ("RESIDUAL", "CHECKED", "CERTIFIED")}
    found = {"SciPy": by_scipy}
    if primme:
        found["PRIMME"] = by_primme
    for rule, estimator in ours.items():
        found[rule] = lambda estimator=estimator: estimator.run().value
    return found, ours.values()


def compare(build, name, n, apply, truth):
    """Every method at two tolerances."""
    for tol in (1e-2, 1e-4):
        print(f"\n{name}, n = {n}, tolerance {tol:g}\n  {'':<10}{'products':>9}{'of 5':>10}"
              f"{'error':>11}{'ms outside':>12}")
        product = Product(apply)
        found, to_close = methods(build, n, product, tol)
        for method, solve in found.items():
            runs = [measured(product, solve) for _ in range(STARTS)]
            counts = sorted(count for _, count, _ in runs)
            error = max(abs(value - truth) for value, _, _ in runs) / abs(truth)
            outside = 1e3 * statistics.median(seconds for _, _, seconds in runs)
            spread = f"{counts[0]}..{counts[-1]}"
            print(f"  {method:<10}{statistics.median(counts):>9}{spread:>10}{error:>11.1e}"
                  f"{outside:>12.1f}")
            print("  " + json.dumps({"bench": "peers_eigen", "problem": name, "n": n,
                                     "tolerance": tol, "method": method,
                                     "products": [counts[0], counts[STARTS // 2], counts[-1]],
                                     "worst_error": error, "outside_ms": outside}))
        for estimator in to_close:
            estimator.close()


def compare_time(build):
    """STEPS steps in f32: SciPy fills its basis once and stops."""
    values = cases_eigen.spectrum("outliers", LARGE).astype(np.float32)
    product = Product(lambda x: values * x)
    op = as_operator(LARGE, product, np.float32)
    start = np.random.default_rng(0).standard_normal(LARGE, dtype=np.float32)

    def by_scipy():
        return scipy.sparse.linalg.eigsh(op, 1, which="LA", tol=0.1, ncv=STEPS, v0=start,
                                         return_eigenvectors=False)[0]

    print(f"SciPy's processor time outside {STEPS} products over ours, f32, n = {LARGE}, a start "
          f"vector given to SciPy and made by us: median [least, most] of {REPEATS}")
    for memory, vectors in (("VALUE", 3), ("BASIS", STEPS + 1)):
        ours = Estimator(build, LARGE, product, np.float32, rule="ABSA_RULE_FIXED",
                         max_products=STEPS, memory="ABSA_MEMORY_" + memory, max_vectors=vectors)
        ratios = []
        for repeat in range(REPEATS + 1):
            _, theirs, slow = measured(product, by_scipy)
            _, mine, fast = measured(product, lambda: ours.run().value)
            assert mine == STEPS and theirs in (STEPS, STEPS + 1), (mine, theirs)
            if repeat:  # the first one touches the memory
                ratios.append(slow / fast)
        ours.close()
        ratios.sort()
        middle = statistics.median(ratios)
        print(f"  {memory}: {middle:.2f} [{ratios[0]:.2f}, {ratios[-1]:.2f}]")
        print("  " + json.dumps({"bench": "peers_eigen", "n": LARGE, "memory": memory,
                                 "scipy_over_ours": [ratios[0], middle, ratios[-1]]}))


def main(build):
    """Run everything."""
    print(f"SciPy {scipy.__version__}, PRIMME {'present' if primme else 'absent'}, "
          f"OPENBLAS_NUM_THREADS={os.environ.get('OPENBLAS_NUM_THREADS', 'unset')}")
    compare_time(build)
    for name in cases_eigen.SPECTRA:
        values = cases_eigen.spectrum(name, SIZE)
        compare(build, name, SIZE, lambda x, values=values: values * x, 1.0)
    network = cases_eigen.lenet(build)
    op = as_operator(network.n, network.times, np.float64)
    truth = scipy.sparse.linalg.eigsh(op, 1, which="LA", tol=1e-13, ncv=60,
                                      return_eigenvectors=False)[0]
    compare(build, "lenet, trained on glyphs", network.n, network.times, truth)


if len(sys.argv) != 2:
    sys.exit(__doc__)
main(sys.argv[1])
