"""The reference network against PyTorch: what is stored in tests/refnet/torch_values.txt is what
PyTorch computes now, and the library's derivatives, element by element, are PyTorch's.
Usage: check_refnet.py BUILD"""

import os
import sys

import numpy
import torch

import refnet_cases
from refnet_library import F32, F64, Library, Network
from refnet_torch import MAX_POOL, RELU, Point

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import tap  # noqa: E402

STORED = os.path.join(HERE, "..", "refnet", "torch_values.txt")
# 5e5 eps, as in tests/refnet/test_refnet_torch.c, which says why; the last is for networks in which
# rounding may cross a kink.
DOUBLE, SINGLE, SINGLE_AT_KINKS = 1e-10, 1e-4, 1e-2


def stored_is_current():
    """The stored values are PyTorch's, and describe the same networks."""
    stored = refnet_cases.read(STORED)
    cases = refnet_cases.cases()
    if set(stored) != {c["name"] for c in cases}:
        yield f"networks differ: {sorted(set(stored) ^ {c['name'] for c in cases})}"
        return
    for c in cases:
        lines, loss, vectors = stored[c["name"]]
        if lines != refnet_cases.describe(c):
            yield f"{c['name']}: described otherwise in the file"
        found_loss, found = refnet_cases.values(c)
        if not abs(found_loss - loss) < DOUBLE * loss:
            yield f"{c['name']}: loss {loss!r} stored, {found_loss!r} computed"
        for name in refnet_cases.VECTORS:
            worst = numpy.abs(numpy.subtract(found[name], vectors[name])).max()
            if not worst < DOUBLE * vectors[name][0]:
                yield f"{c['name']}, {name}: off by {worst:.3g}, norm {vectors[name][0]:.3g}"


def live(library, c, element):
    """Return the library's loss and derivatives in one array each."""
    net, rows = refnet_cases.net_of(c), c["rows"]
    point = Point(net, rows)
    o = library.options(c["shape"], None if c["named"] else c["layers"], c["named"], element,
                        activation=c["activation"], loss=c["loss"], weight_decay=c["decay"],
                        ghost_rows=c["ghost"], probe_rows=rows)
    if c["named"]:
        o.outputs = c["outputs"]
    ours = Network(library, o)
    if ours.n != net.n:
        raise ValueError(f"{c['name']}: {ours.n} parameters, PyTorch has {net.n}")
    ours.set_statistics(point.statistics, c["mode"])
    theta, x, v = (a.astype(ours.dtype) for a in (point.theta, point.x, point.v))
    x = x.reshape(rows, -1)
    y = point.y if point.y.dtype == numpy.int32 else point.y.astype(ours.dtype)
    found = [ours.gradient(theta, x, y), ours.out.copy(), ours.input_gradient(theta, x, y)]
    ours.probe(theta, x, y)
    for kind in ("hvp", "gnvp"):
        ours.product(v, kind)
        found.append(ours.out.copy())
    ours.close()
    return found


def compare(library, element):
    """Compare every case, and report what differs."""
    for c in refnet_cases.cases():
        net = refnet_cases.net_of(c)
        kinks = any(l["kind"] in (RELU, MAX_POOL) for l in c["layers"])
        limit = DOUBLE if element == F64 else SINGLE_AT_KINKS if kinks else SINGLE
        expected = net.derivatives(*Point(net, c["rows"]).tensors(net))
        found = live(library, c, element)
        if not abs(found[0] - expected[0]) < limit * expected[0]:
            yield f"{c['name']}: loss {found[0]!r}, PyTorch {expected[0]!r}"
        for name, a, b in zip(refnet_cases.VECTORS, found[1:], expected[1:]):
            b = b.flatten().numpy()
            error = numpy.linalg.norm(a.ravel() - b) / numpy.linalg.norm(b)
            if not error < limit:
                yield f"{c['name']}, {name}: relative error {error:.3g}"


def main():
    """Run all checks."""
    library = Library(sys.argv[1])
    torch.set_num_threads(1)
    tap.run([("the stored values are what PyTorch computes", stored_is_current),
             ("derivatives and products in double precision are PyTorch's",
              lambda: compare(library, F64)),
             ("derivatives and products in single precision are PyTorch's in double",
              lambda: compare(library, F32))])


if __name__ == "__main__":
    main()
