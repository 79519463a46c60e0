#!/usr/bin/env python3
"""FGSM with a scalar box against the same step in PyTorch, on the same F32 arrays, one thread.

Prints a table and one line of JSON per peer: how much faster libabsa is, the median of alternating
repeats and their spread. libabsa also looks for NaN and infinity and counts rows without effect;
PyTorch does not. Usage: peers_adversarial.py BUILD
"""

import ctypes
import json
import os
import statistics
import sys
import time

import torch

ROWS, ROW, REPEATS = 4096, 3072, 15
EPSILON, LO, HI = 0.03, 0.0, 1.0


def library(build):
    """Return absa_fgsm() of a build directory."""
    fgsm = ctypes.CDLL(os.path.join(build, "lib", "libabsa.so")).absa_fgsm
    pointer, size, real = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double
    fgsm.argtypes = [size, size, pointer, pointer, real, real, real, pointer]
    fgsm.restype = ctypes.c_int
    return fgsm


def plain(x, g, out):
    """The line that tutorials show; it makes new arrays."""
    del out
    return torch.clamp(x + EPSILON * g.sign(), LO, HI)


def buffered(x, g, out):
    """The same without new arrays."""
    return torch.sign(g, out=out).mul_(EPSILON).add_(x).clamp_(LO, HI)


def fused(x, g, out):
    """For a compiler, which makes one loop of it."""
    return out.copy_(torch.clamp(x + EPSILON * g.sign(), LO, HI))


def seconds(step, *arrays):
    """Return the time of one step."""
    start = time.perf_counter()
    step(*arrays)
    return time.perf_counter() - start


def main(build):
    """Measure every peer."""
    torch.set_num_threads(1)
    fgsm = library(build)

    def ours(x, g, out):
        status = fgsm(ROWS, ROW, x.data_ptr(), g.data_ptr(), EPSILON, LO, HI, out.data_ptr())
        assert status == 0, status
        return out

    torch.manual_seed(0)
    x, g = torch.rand(ROWS, ROW), torch.randn(ROWS, ROW)
    out, other = torch.zeros_like(x), torch.zeros_like(x)
    peers = {"eager, new arrays": plain, "eager, one buffer": buffered}
    try:
        compiled = torch.compile(fused)
        compiled(x, g, other)
        peers["torch.compile, one buffer"] = compiled
    except Exception as reason:  # what the compiler lacks differs from machine to machine
        print(f"torch.compile does not work here: {type(reason).__name__}")
    peers["a copy of the same bytes"] = None
    half = ROWS // 2
    print(f"FGSM on {ROWS} rows of {ROW}: PyTorch {torch.__version__}'s time over libabsa's\n"
          f"{'peer':<26}{'median':>8}  least..most")
    for name, peer in peers.items():
        if peer is None:  # 12 bytes an element: 6 read, 6 written
            def step(x, g, out):
                out.copy_(x)
                out[:half].copy_(g[:half])
        else:
            step = peer
            assert torch.equal(ours(x, g, out), peer(x, g, other)), name
        seconds(step, x, g, other)
        ratios = sorted(seconds(step, x, g, other) / seconds(ours, x, g, out)
                        for _ in range(REPEATS))
        middle = statistics.median(ratios)
        print(f"{name:<26}{middle:>8.2f}  {ratios[0]:.2f}..{ratios[-1]:.2f}")
        print(json.dumps({"bench": "peers_adversarial", "peer": name, "rows": ROWS, "row_size": ROW,
                          "repeats": REPEATS, "ratio": [ratios[0], middle, ratios[-1]]}))


if len(sys.argv) != 2:
    sys.exit(__doc__)
main(sys.argv[1])
