"""The estimator through ctypes, on NumPy vectors and a product written in Python; and ARPACK's own
library where it is installed."""

import ctypes
import ctypes.util
import os
import sys

import numpy

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(SOURCE, "tests", "support"))
import cstructs  # noqa: E402

HVP = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p,
                       ctypes.POINTER(ctypes.c_int64))


class Estimator:
    """absa_eigen on an operator y = product(x); run() as often as wanted."""

    def __init__(self, build, n, product, dtype=numpy.float64, **options):
        self.lib, self.make = cstructs.library(build, SOURCE)
        self.lib.absa_context_message.restype = ctypes.c_char_p
        self.context, self.op, self.eigen = (ctypes.c_void_p() for _ in range(3))
        values = cstructs.constants(SOURCE)
        element = values["ABSA_ELEMENT_F32" if dtype == numpy.float32 else "ABSA_ELEMENT_F64"]

        @HVP
        def hvp(_user, x, y, _samples):
            kind = ctypes.c_float if dtype == numpy.float32 else ctypes.c_double
            arrays = [numpy.ctypeslib.as_array(ctypes.cast(v, ctypes.POINTER(kind)), (n,))
                      for v in (x, y)]
            arrays[1][:] = product(arrays[0])
            return 0
        self.hvp = hvp  # outlives the operator
        space = self.make("absa_space")
        self.lib.absa_space_host(ctypes.byref(space), ctypes.c_size_t(ctypes.sizeof(space)),
                                 ctypes.c_int32(element), ctypes.c_int64(n))
        named = {name: values[value] if isinstance(value, str) else value
                 for name, value in options.items()}
        o = self.make("absa_eigen_options", **named)
        self.check(self.lib.absa_context_create(None, ctypes.byref(self.context)))
        self.check(self.lib.absa_operator_from_hvp(self.context, ctypes.byref(space), hvp, None,
                                                   None, ctypes.byref(self.op)))
        self.check(self.lib.absa_eigen_create(self.context, ctypes.byref(space), ctypes.byref(o),
                                              ctypes.byref(self.eigen)))

    def check(self, status):
        """Raise the message that belongs to a failure."""
        if status:
            raise RuntimeError(self.lib.absa_context_message(self.context).decode())

    def run(self):
        """Return the result struct of one run."""
        result = self.make("absa_eigen_result")
        self.check(self.lib.absa_eigen_run(self.eigen, self.op, None, ctypes.byref(result)))
        return result

    def close(self):
        """Release everything."""
        self.lib.absa_eigen_destroy(ctypes.byref(self.eigen))
        self.lib.absa_operator_destroy(ctypes.byref(self.op))
        self.lib.absa_context_destroy(ctypes.byref(self.context))


def arpack():
    """Return ARPACK's library, or None."""
    name = ctypes.util.find_library("arpack")
    return ctypes.CDLL(name) if name else None


def arpack_values(lib, n, product, which, k, tol):
    """Return k eigenvalues by dsaupd and dseupd of ARPACK itself, ascending."""
    integer, real = ctypes.c_int, ctypes.c_double
    ncv = min(n, max(2 * k + 1, 20))
    resid, v = numpy.zeros(n), numpy.zeros(n * ncv)
    workd, workl = numpy.zeros(3 * n), numpy.zeros(ncv * (ncv + 8))
    d, select = numpy.zeros(k), (integer * ncv)()
    ido, info = integer(0), integer(0)
    iparam = (integer * 11)(1, 0, 3000, 1, 0, 0, 1)
    ipntr = (integer * 14)()

    def address(array):
        return ctypes.c_void_p(array.ctypes.data)

    common = (b"I", integer(n), which.encode(), integer(k), real(tol), address(resid),
              integer(ncv), address(v), integer(n), iparam, ipntr, address(workd), address(workl),
              integer(len(workl)), ctypes.byref(info))
    while True:
        lib.dsaupd_c(ctypes.byref(ido), *common)
        if ido.value not in (1, -1):
            break
        x, y = ipntr[0] - 1, ipntr[1] - 1
        workd[y:y + n] = product(workd[x:x + n])
    if info.value:
        raise RuntimeError(f"dsaupd: info {info.value}")
    lib.dseupd_c(integer(0), b"A", select, address(d), address(v), integer(n), real(0.0), *common)
    if info.value:
        raise RuntimeError(f"dseupd: info {info.value}")
    return numpy.sort(d)
