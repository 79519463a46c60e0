"""Perturbed inputs against a NumPy model in double precision, and a whole attack against PyTorch.

The model is the formula of absa/adversarial.h written down again; what it gives is rounded to the
element type and may differ from the library by one unit in the last place.
"""

import ctypes
import itertools
import os
import sys

import numpy as np
import torch

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(SOURCE, "tests", "support"))

import cstructs  # noqa: E402
import tap  # noqa: E402

LIBRARY, MAKE = cstructs.library(sys.argv[1], SOURCE)
VALUE = cstructs.constants(SOURCE)
ROWS, CHANNELS, PIXELS = 5, 3, 107
ROW = CHANNELS * PIXELS
TYPES = {"F32": np.float32, "F64": np.float64, "F16": np.float16, "U8": np.uint8, "I8": np.int8}
LEVELS = ("U8", "I8")


def address(array):
    """Return a pointer to an array's data, or None."""
    return None if array is None else array.ctypes.data


def model(step, x, g, epsilon, lo, hi, factor, grad_scale, mask):
    """Return the exact result of one step from x, and the ball and box around it."""
    movable = np.ones_like(x, dtype=bool) if mask is None else mask.astype(bool)
    low, high = np.minimum(lo, x), np.maximum(hi, x)
    if step == "SIGN":
        move = factor * epsilon * np.sign(g)
    elif step == "RAW":
        move = factor * epsilon * grad_scale * g
    else:
        along = np.where(movable, np.where(epsilon > 0, epsilon, 0) * g, 0.0)
        length = np.sqrt((along ** 2).sum(axis=1, keepdims=True))
        move = factor * epsilon * along / np.where(length > 0, length, 1)
    if step != "RAW":
        low, high = np.maximum(low, x - epsilon), np.minimum(high, x + epsilon)
    return np.where(movable, np.clip(x + move, low, high), x), low, high


def nearest_inside(kind, exact, low, high, x):
    """Return the value of a narrow type that is nearest to exact and inside; x where none is."""
    dtype = TYPES[kind]
    if kind in LEVELS:
        below, above = np.floor(exact), np.ceil(exact)
    else:
        with np.errstate(over="ignore"):
            near = exact.astype(dtype)
        down, up = np.nextafter(near, dtype(-np.inf)), np.nextafter(near, dtype(np.inf))
        below = np.where(near <= exact, near, down).astype(np.float64)
        above = np.where(near >= exact, near, up).astype(np.float64)
    far = np.full_like(exact, np.inf)
    cost = [np.where((v >= low) & (v <= high), np.abs(v - exact), far) for v in (below, above)]
    best = np.where(cost[0] <= cost[1], below, above)
    return np.where(np.isinf(np.minimum(*cost)), x, best)


def inputs(kind, rng):
    """Return x, some of it outside of the box, and a gradient with zeros."""
    if kind in LEVELS:
        first = 0 if kind == "U8" else -128
        x = rng.integers(first, first + 256, (ROWS, ROW)).astype(TYPES[kind])
        g = rng.standard_normal((ROWS, ROW)).astype(np.float32)
    else:
        x = rng.uniform(-0.1, 1.1, (ROWS, ROW)).astype(TYPES[kind])
        g = rng.standard_normal((ROWS, ROW)).astype(TYPES[kind])
    g[rng.uniform(size=g.shape) < 0.1] = 0
    return x, g


def variant(kind, step, geometry, layout, direction, rng):
    """Compare one combination; return what is wrong."""
    x, g = inputs(kind, rng)
    unit = 256.0 if kind in LEVELS else 1.0
    shift = 128.0 if kind == "I8" else 0.0
    sizes = unit * rng.uniform(0.0, 0.1, ROW)
    ends = unit * rng.uniform(0.0, 0.3, ROW) - shift, unit * rng.uniform(0.6, 1.0, ROW) - shift
    if kind == "F32":
        sizes, ends = [np.float64(np.float32(v)) for v in (sizes, np.array(ends))]
    mask, scale, keep = None, np.ones((ROWS, 1)), []
    channel = np.arange(ROW) // PIXELS if layout == "FIRST" else np.arange(ROW) % CHANNELS
    fields = {"element": VALUE["ABSA_INPUT_" + kind], "row_size": ROW, "channels": CHANNELS,
              "layout": VALUE["ABSA_LAYOUT_CHANNELS_" + layout], "step": VALUE["ABSA_STEP_" + step],
              "direction": VALUE["ABSA_DIRECTION_" + direction], "grad_scale": 0.5}
    if geometry == "scalar":
        epsilon, lo, hi = (np.full(ROW, v) for v in (sizes[0], ends[0][0], np.inf))
        fields.update(epsilon=sizes[0], lo=ends[0][0])
    elif geometry == "channel":
        keep = [np.ascontiguousarray(v[:CHANNELS]) for v in (sizes, *ends)]
        epsilon, lo, hi = (v[channel] for v in keep)
    else:
        keep = [np.ascontiguousarray(v) for v in (sizes, *ends)]
        epsilon, lo, hi = keep
    if keep:
        fields.update(zip((f"{geometry}_{v}" for v in ("epsilon", "lo", "hi")),
                          map(address, keep)))
    if geometry == "element":
        mask = (rng.uniform(size=(1, ROW)) < 0.7).astype(np.uint8)
        scale = rng.integers(0, 5, (ROWS, 1)) / 4.0
        fields.update(mask=address(mask), row_scale=address(scale))
        mask = np.repeat(mask, ROWS, axis=0)
    out = np.zeros_like(x)
    options = MAKE("absa_perturb_options", **fields)
    status = LIBRARY.absa_perturb(ctypes.byref(options), ctypes.c_int64(ROWS),
                                  ctypes.c_void_p(address(x)), ctypes.c_void_p(address(g)),
                                  ctypes.c_void_p(address(out)), None)
    if status:
        return [f"status {status}"]
    factor = 1.0 if direction == "ASCEND" else -1.0
    wide = x.astype(np.float64)
    exact, low, high = model(step, wide, g.astype(np.float64), epsilon * scale, lo, hi, factor,
                             0.5, mask)
    if kind in ("F32", "F64"):
        # A unit of the larger of x and the result: their difference is rounded, too.
        ulp = np.spacing(np.maximum(np.abs(exact), np.abs(wide)).astype(TYPES[kind]))
        # Both sides compute an L2 move in double: a quotient, two products and the root of a
        # pairwise sum, four roundings a side.
        slack = 8 * 2.0 ** -53 * np.abs(exact - wide) if step == "L2" else 0.0
        wrong = np.abs(out.astype(np.float64) - exact) > ulp + slack
    else:
        if kind in LEVELS:
            levels = np.iinfo(TYPES[kind])
            exact, low, high = (np.clip(v, levels.min, levels.max) for v in (exact, low, high))
        wanted = nearest_inside(kind, exact, low, high, wide)
        # Where two values are as near but for the model's own rounding, either will do.
        slack = 1e-12 * unit
        wrong = (np.abs(out - exact) > np.abs(wanted - exact) + slack) | (
            (out != wide) & ((out < low - slack) | (out > high + slack)))
    return [f"row {r}, element {e}: {out[r, e]!r}, the model has {exact[r, e]!r}, x {x[r, e]!r}"
            for r, e in list(zip(*np.nonzero(wrong)))[:3]]


def check_model(kind):
    """Every step, geometry, layout and direction for one element type."""
    rng = np.random.default_rng(7)
    for combination in itertools.product(("SIGN", "RAW", "L2"), ("scalar", "channel", "element"),
                                         ("FIRST", "LAST"), ("ASCEND", "DESCEND")):
        for complaint in variant(kind, *combination, rng):
            yield f"{combination}: {complaint}"


def check_torch_attack():
    """Ten steps of PGD on a small network, gradients by autograd in f64, without a random start."""
    torch.manual_seed(3)
    network = torch.nn.Sequential(torch.nn.Linear(ROW, 32), torch.nn.Tanh(),
                                  torch.nn.Linear(32, 10)).double()
    clean, labels = torch.rand(64, ROW, dtype=torch.float64), torch.randint(10, (64,))
    epsilon, ratio, steps = 0.03, 0.25, 10

    def gradient_at(point):
        point = point.clone().requires_grad_()
        loss = torch.nn.functional.cross_entropy(network(point), labels)
        return torch.autograd.grad(loss, point)[0]

    wanted = clean.clone()
    for _ in range(steps):
        wanted = wanted + ratio * epsilon * gradient_at(wanted).sign()
        wanted = wanted.clamp(clean - epsilon, clean + epsilon).clamp(0, 1)

    out, g = torch.zeros_like(clean), torch.zeros_like(clean)
    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p,
                            ctypes.c_void_p)

    @kind
    def gradient(_user, _rows, _point, _g):
        g.copy_(gradient_at(out))
        return 0

    options = MAKE("absa_perturb_options", element=VALUE["ABSA_INPUT_F64"], row_size=ROW,
                   epsilon=epsilon, lo=0.0, hi=1.0, step_ratio=ratio, steps=steps)
    pointer = ctypes.c_void_p
    status = LIBRARY.absa_perturb_run(ctypes.byref(options), ctypes.c_int64(64),
                                      pointer(clean.data_ptr()), gradient, None,
                                      pointer(g.data_ptr()), pointer(out.data_ptr()), None)
    if status:
        yield f"status {status}"
    # Ten roundings of values below 2.
    worst = (out - wanted).abs().max().item()
    if not worst <= 10 * 2.0 ** -52:
        yield f"the points differ by {worst}"


tap.run([(f"{kind} follows the NumPy model", lambda kind=kind: check_model(kind))
         for kind in TYPES] + [("PGD-10 ends where PyTorch's does", check_torch_attack)])
