"""absa for PyTorch: the Hessian of a model, and the controller around an optimiser.

Needs PyTorch (pip install 'absa[torch]').
"""

from .adaptive import AdaptiveBatch
from .hessian import Hessian
from .sampler import MicroBatchSampler
from .vectors import TorchVectors

__all__ = ["AdaptiveBatch", "Hessian", "MicroBatchSampler", "TorchVectors"]
