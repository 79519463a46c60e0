"""absa for PyTorch: the Hessian of a model, and the controller around an optimiser.

Needs PyTorch (pip install 'absa[torch]').
"""

from .adaptive import AdaptiveBatch
from .sampler import MicroBatchSampler

__all__ = ["AdaptiveBatch", "MicroBatchSampler"]
