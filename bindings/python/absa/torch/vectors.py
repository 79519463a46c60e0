"""Vectors that are tensors on any device: the operations that absa.Space takes as `ops`."""

import numpy
import torch

from .. import _core


class TorchVectors:
    """The table of operations for vectors of n elements on a device."""

    def __init__(self, n, dtype, device):
        self.n, self.dtype, self.device = n, dtype, device

    def alloc(self):
        """Make a vector."""
        return torch.empty(self.n, dtype=self.dtype, device=self.device)

    def axpby(self, a, x, b, y):
        """y = a x + b y, not reading y where b is 0."""
        if b == 0.0:
            torch.mul(x, a, out=y)
        else:
            y.mul_(b).add_(x, alpha=a)

    def dots(self, xs, y):
        """Return x'y for each x, summed in double, with one wait for the device."""
        double = y.double()
        return torch.stack([torch.dot(x.double(), double) for x in xs]).tolist()

    def gaussian(self, seed, stream, y):
        """Fill y with the library's own sequence: the same on every device."""
        kind = numpy.float32 if self.dtype == torch.float32 else numpy.float64
        values = numpy.empty(self.n, kind)
        fill = getattr(_core.lib, "absa_random_gaussian_f32" if kind == numpy.float32
                       else "absa_random_gaussian_f64")
        fill(seed, stream, 0, self.n, values.ctypes.data)
        y.copy_(torch.from_numpy(values))

    def combine(self, a, xs, b, y):
        """y = b y + sum a[i] xs[i]; returns y'y."""
        if b == 0.0:
            y.zero_()
        elif b != 1.0:
            y.mul_(b)
        for factor, x in zip(a, xs):
            y.add_(x, alpha=factor)
        double = y.double()
        return float(torch.dot(double, double))

    def read(self, x, first, count):
        """Return elements as a float64 array."""
        return x[first:first + count].double().cpu().numpy()

    def write(self, first, values, y):
        """Set elements from a float64 array."""
        y[first:first + len(values)].copy_(torch.from_numpy(values).to(self.dtype))


def as_tensor(array):
    """Return a tensor over a NumPy array's memory, also where the array is not to be written to."""
    if not array.flags.writeable and isinstance(array.base, numpy.ndarray):
        # torch warns of every array that is read-only; nothing here writes to it.
        array = array.base
    return torch.from_numpy(array)
