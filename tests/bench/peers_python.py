"""What the Python package adds to a product of n = 10,000 single-precision numbers, against ten
empty ctypes callbacks of the same run. Both are called through absa_operator_apply(): an empty
callback is what such a call costs more than a call without one; a product's overhead is what a call
of the package's callback costs more than the host's function alone. Medians of alternating repeats.
Usage: peers_python.py BUILD"""

import ctypes
import os
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
os.environ["ABSA_LIBRARY"] = os.path.join(os.path.abspath(sys.argv[1]), "lib", "libabsa.so.0")
sys.path.insert(0, os.path.join(HERE, "..", "..", "bindings", "python"))
import numpy  # noqa: E402

import absa  # noqa: E402
from absa import _core, _declarations as c  # noqa: E402

N, CALLS, REPEATS = 10000, 2000, 21


def per_call(work):
    """Return seconds of one call."""
    begin = time.perf_counter()
    for _ in range(CALLS):
        work()
    return (time.perf_counter() - begin) / CALLS


def main():
    """Print the table and one line of JSON."""
    x, y, result = (numpy.ones(N, numpy.float32) for _ in range(3))
    space = absa.Space(N)
    empty = c.absa_hvp_fn(lambda user, v, hv, samples: 0)
    bare = ctypes.c_void_p()
    space.context.check(_core.lib.absa_operator_from_hvp(space.context.handle, space.struct, empty,
                                                         None, None, ctypes.byref(bare)))

    def fills(v, out):
        pass

    def returns(v):
        return result
    at = x.ctypes.data, y.ctypes.data
    apply, products = _core.lib.absa_operator_apply, _core.lib.absa_operator_products
    filling, returning = (absa.Operator.from_hvp(hvp, space) for hvp in (fills, returns))
    works = {
        "call": lambda: products(bare),
        "empty": lambda: apply(bare, *at),
        "fills": lambda: apply(filling.handle, *at),
        "returns": lambda: apply(returning.handle, *at),
        "host": lambda: fills(x, out=y),
        "copy": lambda: y.__setitem__(slice(None), result),
    }
    times = {name: [] for name in works}
    with _core.Session(space, x, y):
        for _ in range(REPEATS):
            for name, work in works.items():
                times[name].append(per_call(work))
    one = {name: 1e6 * statistics.median(taken) for name, taken in times.items()}
    ten = 10 * (one["empty"] - one["call"])
    print(f"{'n = 10,000':44} {'us':>8} {'of ten callbacks':>17}")
    rows = {"hvp(v, out)": one["fills"] - one["call"] - one["host"],
            "hvp(v), which returns an array": one["returns"] - one["call"] - one["host"]}
    for name, overhead in rows.items():
        print(f"{name:44} {overhead:8.2f} {overhead / ten:17.2f}")
    print(f"{'the copy of a returned array, in the above':44} {one['copy']:8.2f}")
    print(f"{'ten empty callbacks':44} {ten:8.2f} {1:17.2f}")
    ratio = rows["hvp(v, out)"] / ten
    print(f'{{"bench":"python","overhead_us":{rows["hvp(v, out)"]:.4f},'
          f'"ten_callbacks_us":{ten:.4f},"ratio":{ratio:.3f},"limit":1}}')


if __name__ == "__main__":
    main()
