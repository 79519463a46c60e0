"""Perturbed inputs: the fast gradient sign method on NumPy arrays."""

import math

import numpy

from ._core import address, check, lib


def fgsm(x, grad, eps, lo=None, hi=None, out=None):
    """Return x + eps sign(grad), kept between lo and hi: absa_fgsm() of the library.

    Parameters
    ----------
    x, grad : float32 arrays of one shape, rows first, C-contiguous
        inputs, and the gradient of the loss in them
    eps : float
        size of the step in the inputs' units, not negative
    lo, hi : float, optional
        ends of the box that inputs stay in; what lies outside of it is not moved further out
    out : float32 array of that shape, optional
        where to write; may be x

    Raises absa.NonfiniteError for a NaN or infinity in x or grad; out is not to be used then.
    """
    kind = numpy.dtype(numpy.float32)
    x_at, g_at = address(x, "x", kind), address(grad, "grad", kind)
    if x.ndim == 0 or grad.shape != x.shape:
        raise ValueError(f"x has shape {x.shape} and grad {grad.shape}; both must have rows, and "
                         "one shape")
    out = numpy.empty_like(x) if out is None else out
    out_at = address(out, "out", kind, writable=True)
    if out.shape != x.shape:
        raise ValueError(f"out has shape {out.shape}; it must be {x.shape}")
    rows = x.shape[0]
    if x.size:
        check(lib.absa_fgsm(rows, x.size // rows, x_at, g_at, eps,
                            -math.inf if lo is None else lo, math.inf if hi is None else hi,
                            out_at))
    return out
