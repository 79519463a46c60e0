"""The reference network against PyTorch on the CPU: gradient, Hessian product, Gauss-Newton product and
Hessian product in the last two layers alone ("last:2"), of the same network, batch and number of
threads, in one run. Both sides take turns; a figure is the
median over the turns of PyTorch's time divided by ours, so above 1 we are faster; quartiles follow.
OpenMP's threads, which PyTorch's are, go on turning in circles for milliseconds after a call, on the
processors that the other side then wants: each turn begins with a rest and a call that do not count.

PyTorch's products are second backward passes over a graph that is kept, as ours are at a probe that
is kept. Its batch normalisation runs over the whole batch, ours over ghost batches of 32 rows, which
asks the same arithmetic of both. "peak" is the speed of matrix products of order 1024 in our BLAS in
the same run, and "share" our gradient's speed as a part of that, counting multiplications of matrix
products alone. With `memory` the table is of peak memory: what a process grows by, and what
absa_refnet_workspace() said. Usage: peers_refnet.py BUILD [NETWORK [BATCH [THREADS]]] | memory"""

import ctypes
import json
import os
import resource
import statistics
import subprocess
import sys
import time

import numpy
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "peers"))
from refnet_library import Library, Network, pointer  # noqa: E402
from refnet_torch import Net, Point, by_name  # noqa: E402

NETWORKS = {"mlp": (1, 28, 28), "lenet": (1, 28, 28), "resnet8": (3, 32, 32)}
BATCHES, THREADS = (64, 256, 1024), (1, 2)
KINDS, BLOCK = ("gradient", "hvp", "gnvp", "block"), "last:2"
LEAST_SECONDS, REST, TURNS, TURNS_SECONDS = 0.02, 0.02, (3, 25), 2


class Ours:
    """The library's side."""

    def __init__(self, library, name, point, threads):
        self.theta, self.v = point.theta.astype(numpy.float32), point.v.astype(numpy.float32)
        self.x = point.x.astype(numpy.float32).reshape(point.rows, -1)
        self.y = point.y
        self.options = library.options(NETWORKS[name], name=name, outputs=10,
                                       probe_rows=point.rows, threads=threads)
        self.net = Network(library, self.options)
        self.net.probe(self.theta, self.x, self.y)
        self.last, self.count = self.net.block(BLOCK)
        self.last_v = self.v[-self.count:].copy()

    def gradient(self):
        self.net.gradient(self.theta, self.x, self.y)

    def hvp(self):
        self.net.product(self.v)

    def gnvp(self):
        self.net.product(self.v, "gnvp")

    def block(self):
        self.net.block_product(self.last, self.last_v)

    def close(self):
        self.net.drop(self.last)
        self.net.close()


class Theirs:
    """PyTorch's side, with the parameters as tensors of their own and graphs that are kept."""

    def __init__(self, name, point, threads, last=0):
        torch.set_num_threads(threads)
        self.net = Net(by_name(name, 10), NETWORKS[name], ghost=point.rows)
        theta, self.x, self.y, v = point.tensors(self.net, torch.float32)
        self.leaves = self.net.leaves(theta)
        self.theta = list(self.leaves.values())
        self.v = [t.detach() for t in self.net.leaves(v).values()]
        # The parameters of the last layers are the last ones.
        self.last = sum(first >= self.net.n - last for _, _, first, _ in self.net.ranges)
        self.graph = self.jacobian = self.part = None

    def loss(self):
        return self.net.row_losses(self.net.forward(self.leaves, self.x), self.y)

    def gradient(self):
        return torch.autograd.grad(self.loss(), self.theta)

    def hvp(self):
        if self.graph is None:
            self.graph = torch.autograd.grad(self.loss(), self.theta, create_graph=True)
        return torch.autograd.grad(self.graph, self.theta, self.v, retain_graph=True)

    def gnvp(self):
        if self.jacobian is None:
            z = self.net.forward(self.leaves, self.x)
            u = torch.zeros_like(z, requires_grad=True)
            back = torch.autograd.grad(z, self.theta, u, create_graph=True)
            self.jacobian = (z, u, back, torch.softmax(z.detach(), 1))
        z, u, back, p = self.jacobian
        (jv,) = torch.autograd.grad(back, u, self.v, retain_graph=True)
        along = p * (jv - (p * jv).sum(1, keepdim=True)) / len(self.x)
        return torch.autograd.grad(z, self.theta, along, retain_graph=True)

    def block(self):
        chosen = self.theta[-self.last:]
        if self.part is None:
            self.part = torch.autograd.grad(self.loss(), chosen, create_graph=True)
        return torch.autograd.grad(self.part, chosen, self.v[-self.last:], retain_graph=True)


def seconds(work, repeats):
    """Return the time of one call, from several in a row, after a rest."""
    time.sleep(REST)
    if repeats > 1:
        work()
    begin = time.perf_counter()
    for _ in range(repeats):
        work()
    return (time.perf_counter() - begin) / repeats


def turns(ours, theirs):
    """Return the times of both sides, taking turns."""
    ours()
    theirs()
    once = seconds(theirs, 1)
    repeats = max(1, round(LEAST_SECONDS / once))
    count = min(max(TURNS[0], int(TURNS_SECONDS / (2 * repeats * once))), TURNS[1])
    pairs = [(seconds(ours, repeats), seconds(theirs, repeats)) for _ in range(count)]
    return [p[0] for p in pairs], [p[1] for p in pairs]


def peak_speed():
    """Return the flops a second of single-precision products of order 1024 in our BLAS."""
    blas = ctypes.CDLL("libopenblas.so.0")
    n, one = 1024, ctypes.c_float(1)
    a, b, c = (numpy.ones((n, n), numpy.float32) for _ in range(3))
    work = lambda: blas.cblas_sgemm(101, 111, 111, n, n, n, one, pointer(a), n, pointer(b), n, one,
                                    pointer(c), n)
    work()
    return 2 * n**3 / min(seconds(work, 1) for _ in range(9))


def cell(library, name, batch, threads):
    """Measure one network, batch and number of threads; print its line; return its figures."""
    net = Net(by_name(name, 10), NETWORKS[name])
    point = Point(net, batch)
    ours = Ours(library, name, point, threads)
    theirs = Theirs(name, point, threads, ours.count)
    line, best = f"{name:8} {batch:5} {threads:2}", {}
    for kind in KINDS:
        mine, other = turns(getattr(ours, kind), getattr(theirs, kind))
        ratios = [b / a for a, b in zip(mine, other)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        best[kind] = (statistics.median(mine), statistics.median(other), middle)
        line += f"  {middle:5.2f} [{low:5.2f} {high:5.2f}]"
        theirs.graph = theirs.jacobian = theirs.part = None
    gradient = min(best["gradient"][:2])
    total, first = net.macs()
    speed = 2 * batch * (3 * total - first) / best["gradient"][0]
    costs = {kind: best[kind][0] / gradient for kind in KINDS[1:]}
    line += "  " + " ".join(f"{cost:5.2f}" for cost in costs.values())
    share = speed / peak_speed() / threads
    print(line + f"  {speed * 1e-9:6.1f} {share:5.2f}", flush=True)
    ours.close()
    return {"network": name, "batch": batch, "threads": threads, "share": round(share, 3),
            "ratios": {kind: round(best[kind][2], 3) for kind in KINDS},
            "gradients": {kind: round(cost, 3) for kind, cost in costs.items()}}


def grown(side, name, batch):
    """Print by how many bytes this process grows with one side's gradient and Hessian product, and
    what the library said."""
    library = Library(sys.argv[1]) if side == "ours" else None
    torch.set_num_threads(1)
    point = Point(Net(by_name(name, 10), NETWORKS[name]), batch)
    small = Point(Net(by_name(name, 10), NETWORKS[name]), 1)
    warm = Ours(library, name, small, 1) if library else Theirs(name, small, 1)
    warm.gradient()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    it = Ours(library, name, point, 1) if library else Theirs(name, point, 1)
    it.gradient()
    it.hvp()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print((after - before) * 1024, library.workspace(it.options) if library else 0)


def memory():
    """Print the table of peak memory."""
    print("network  batch  ours/MB  said/MB  PyTorch/MB  ours/PyTorch")
    for name in NETWORKS:
        for batch in BATCHES:
            numbers = []
            for side in ("ours", "theirs"):
                out = subprocess.run([sys.executable, __file__, sys.argv[1], "grow", side, name,
                                      str(batch)], check=True, stdout=subprocess.PIPE).stdout
                numbers += [int(word) / 1e6 for word in out.split()]
            mine, said, other, _ = numbers
            # A process whose peak came before, while it imported, does not show what it needs.
            ratio = f"{mine / other:13.2f}" if other else f"{'unknown':>13}"
            print(f"{name:8} {batch:5} {mine:8.1f} {said:8.1f} {other:11.1f} {ratio}", flush=True)


def table(chosen):
    """Print the table of speeds for what the command line chooses."""
    library = Library(sys.argv[1])
    names = chosen[:1] or NETWORKS
    batches = [int(b) for b in chosen[1:2]] or BATCHES
    threads = [int(t) for t in chosen[2:3]] or THREADS
    print(f"# PyTorch {torch.__version__}; peak of one thread {peak_speed() * 1e-9:.0f} GFLOP/s")
    print("network  batch thr     gradient           hvp                gnvp               "
          "block        hvp/g gnvp/g block/g GFLOP/s share")
    cells = [cell(library, n, b, t) for t in threads for n in names for b in batches]
    ratios = [found["ratios"]["gradient"] for found in cells]
    print(f"# gradient: geometric mean {statistics.geometric_mean(ratios):.2f}, "
          f"least {min(ratios):.2f}")
    print(json.dumps({"bench": "peers_refnet", "torch": torch.__version__, "cells": cells}))


if __name__ == "__main__":
    if sys.argv[2:3] == ["grow"]:
        grown(sys.argv[3], sys.argv[4], int(sys.argv[5]))
    elif sys.argv[2:] == ["memory"]:
        memory()
    else:
        table(sys.argv[2:])
        if len(sys.argv) == 2:
            memory()
