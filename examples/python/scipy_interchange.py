"""Operators from SciPy and to SciPy: the largest eigenvalues of a sparse matrix from both sides."""

import argparse

import scipy.sparse
import scipy.sparse.linalg

import absa


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=2000, help="rows of the matrix (2000)")
    parser.add_argument("--k", type=int, default=3, help="eigenvalues (3)")
    o = parser.parse_args()
    if not 1 <= o.k < o.n:
        parser.error("--k must be at least 1 and below --n")
    steps = [-1.0, 2.0, -1.0]
    ramp = scipy.sparse.diags([0.01 * i for i in range(o.n)])
    matrix = (scipy.sparse.diags(steps, [-1, 0, 1], (o.n, o.n)) + ramp).tocsr()
    # SciPy's matrix as it stands, and a certified interval around each eigenvalue.
    result = absa.eigenvalues(matrix, o.n, k=o.k, rule="certified", tol=1e-6, dtype="float64",
                              max_products=1000)
    print(result)
    # libabsa's operator, here a shifted one, in SciPy's own solver.
    op = absa.Operator.from_scipy(matrix).shift(1.0)
    values = scipy.sparse.linalg.eigsh(op.to_scipy(), k=o.k, which="LA", tol=1e-9)[0][::-1]
    for mine, theirs in zip(result.values, values - 1.0):
        print(f"libabsa {mine:.9f}  SciPy {theirs:.9f}")


if __name__ == "__main__":
    main()
