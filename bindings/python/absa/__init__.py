"""Adaptive batch sizes from second-order information: top Hessian eigenvalues with a certificate,
the controller of batch size, learning rate and adversarial share that they drive, and the
perturbations.

Vectors are C-contiguous NumPy arrays of float32 or float64 and are never copied silently.
Exceptions in callbacks come back as themselves.
"""

from ._core import (Context, Error, InvalidError, NoMemoryError, NonfiniteError,
                    UnsupportedError, lib as _lib)
from .adversarial import fgsm
from .block import Block, LayerEigenvalues, Range, layer_eigenvalues
from .controller import Controller, Decision, Micro, Plan
from .cost import Cost, Machine
from .eigen import EigenResult, Estimator, eigenvalues
from .journal import Journal, Replay, read_journal, replay
from .operator import Operator
from .sampling import SamplingResult
from .schedule import Schedule, schedule
from .space import Space

__version__ = _lib.absa_version_string().decode()
__all__ = ["Block", "Context", "Controller", "Cost", "Decision", "EigenResult", "Error",
           "Estimator", "InvalidError", "Journal", "LayerEigenvalues", "Machine", "Micro",
           "NoMemoryError", "NonfiniteError", "Operator", "Plan", "Range", "Replay",
           "SamplingResult", "Schedule", "Space", "UnsupportedError", "eigenvalues", "fgsm",
           "layer_eigenvalues", "read_journal", "replay", "schedule"]
