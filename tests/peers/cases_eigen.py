"""Operators that eigenvalue solvers are compared on: the spectra of tests/support/spectra.c, and the
exact Hessian of the reference network lenet after an epoch on glyphs."""

import ctypes

import numpy as np

from eigen_library import SOURCE, cstructs
from refnet_library import F64, Library, Network, pointer

SPECTRA = ("outliers", "3 % gap", "1 % cluster", "indefinite", "semicircle", "power law",
           "log-uniform")
ROWS, PROBE, EDGE, BATCH = 2048, 64, 16, 32


def spectrum(name, n):
    """Return n eigenvalues, falling, the first of them 1."""
    i = np.arange(n)
    step, values = i / (n - 1), 0.3 * np.cos(np.pi * (i + 0.5) / n)
    if name == "3 % gap":
        values = np.where(i == 0, 1, 0.97 - 1.17 * step)
    elif name == "1 % cluster":
        values[:5] = 1 - 0.0025 * i[:5]
    elif name == "indefinite":
        values[0], values[-1] = 1, -0.98
    elif name == "semicircle":
        grid = np.linspace(-1, 1, 200_001)
        share = 0.5 + (grid * np.sqrt(1 - grid ** 2) + np.arcsin(grid)) / np.pi
        values = np.interp((i + 0.5) / n, share, grid)
    elif name == "power law":
        values = 1 / (i + 1.0)
    elif name == "log-uniform":
        values = 10.0 ** (-6 * step)
    else:
        values[:3], values[-1] = 1 - 0.2 * i[:3], -0.7
    values = np.sort(values)[::-1]
    return values / values[0]


def glyphs(library):
    """Return images in double precision and their labels."""
    refnet = library.lib
    options = cstructs.struct(SOURCE, "absa_glyphs_options")()
    view = cstructs.struct(SOURCE, "absa_dataset_view")()
    data = ctypes.c_void_p()
    refnet.absa_glyphs_options_init(ctypes.byref(options),
                                    ctypes.c_size_t(ctypes.sizeof(options)))
    options.rows, options.size = ROWS, EDGE
    library.check(refnet.absa_dataset_glyphs(library.context, ctypes.byref(options),
                                             ctypes.byref(data)))
    refnet.absa_dataset_view_init(ctypes.byref(view), ctypes.c_size_t(ctypes.sizeof(view)))
    library.check(refnet.absa_dataset_view_get(data, ctypes.byref(view)))
    x = np.ctypeslib.as_array(ctypes.cast(view.x, ctypes.POINTER(ctypes.c_float)),
                              (ROWS, view.features)).astype(np.float64)
    labels = np.ctypeslib.as_array(ctypes.cast(view.labels, ctypes.POINTER(ctypes.c_int32)),
                                   (ROWS,)).copy()
    refnet.absa_dataset_destroy(ctypes.byref(data))
    return x, labels


def lenet(build):
    """Return the network, probed; times(v) is its Hessian times v."""
    library = Library(build)
    net = Network(library, library.options((1, EDGE, EDGE), name="lenet", element=F64, outputs=10,
                                           probe_rows=PROBE))
    net.x, net.labels = glyphs(library)
    net.theta, velocity = np.zeros(net.n), np.zeros(net.n)
    library.check(net.lib.absa_refnet_init_parameters(net.handle, ctypes.c_uint64(1),
                                                      pointer(net.theta)))
    for first in range(0, ROWS, BATCH):
        part = slice(first, first + BATCH)
        net.gradient(net.theta, net.x[part], net.labels[part])
        velocity = 0.9 * velocity + net.out
        net.theta -= 0.02 * velocity
    net.probe(net.theta, net.x[:PROBE], net.labels[:PROBE])

    def times(v):
        net.product(np.ascontiguousarray(v))
        return net.out.copy()
    net.times = times
    return net
