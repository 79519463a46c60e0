"""Vectors that are tensors on any device: the operations that absa.Space takes as `ops`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy
import torch

from .. import _core

if TYPE_CHECKING:
    from collections.abc import Sequence


class TorchVectors:
    """The table of operations for vectors of n elements on a device."""

    def __init__(self, n: int, dtype: torch.dtype, device: torch.device) -> None:
        self.n, self.dtype, self.device = n, dtype, device

    def alloc(self) -> torch.Tensor:
        """Make a vector."""
        return torch.empty(self.n, dtype=self.dtype, device=self.device)

    def axpby(self, a: float, x: torch.Tensor, b: float, y: torch.Tensor) -> None:
        """y = a x + b y, not reading y where b is 0."""
        if b == 0.0:
            torch.mul(x, a, out=y)
        else:
            y.mul_(b).add_(x, alpha=a)

    def dots(self, xs: Sequence[torch.Tensor], y: torch.Tensor) -> list[float]:
        """Return x'y for each x, summed in double, with one wait for the device."""
        double = y.double()
        return torch.stack([torch.dot(x.double(), double) for x in xs]).tolist()

    def gaussian(self, seed: int, stream: int, y: torch.Tensor) -> None:
        """Fill y with the library's own sequence: the same on every device."""
        kind = numpy.float32 if self.dtype == torch.float32 else numpy.float64
        values = numpy.empty(self.n, kind)
        fill = getattr(_core.lib, "absa_random_gaussian_f32" if kind == numpy.float32
                       else "absa_random_gaussian_f64")
        fill(seed, stream, 0, self.n, values.ctypes.data)
        y.copy_(torch.from_numpy(values))

    def combine(self, a: Sequence[float], xs: Sequence[torch.Tensor], b: float,
                y: torch.Tensor) -> float:
        """y = b y + sum a[i] xs[i]; returns y'y."""
        if b == 0.0:
            y.zero_()
        elif b != 1.0:
            y.mul_(b)
        for factor, x in zip(a, xs):
            y.add_(x, alpha=factor)
        double = y.double()
        return float(torch.dot(double, double))

    def read(self, x: torch.Tensor, first: int, count: int) -> numpy.ndarray:
        """Return elements as a float64 array."""
        return x[first:first + count].double().cpu().numpy()

    def write(self, first: int, values: numpy.ndarray, y: torch.Tensor) -> None:
        """Set elements from a float64 array."""
        y[first:first + len(values)].copy_(torch.from_numpy(values).to(self.dtype))


def as_tensor(array: numpy.ndarray) -> torch.Tensor:
    """Return a tensor over a NumPy array's memory, also where the array is not to be written to."""
    if not array.flags.writeable and isinstance(array.base, numpy.ndarray):
        # torch warns of every array that is read-only; nothing here writes to it.
        array = array.base
    return torch.from_numpy(array)
