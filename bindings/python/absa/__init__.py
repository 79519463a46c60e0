"""Adaptive batch sizes from second-order information: top Hessian eigenvalues with a certificate,
the controller of batch size, learning rate and adversarial share that they drive, and the
perturbations.

Vectors are C-contiguous NumPy arrays of float32 or float64 and are never copied silently.
Exceptions in callbacks come back as themselves.
"""

from . import random, sampling
from ._core import (Context, Error, InvalidError, NoMemoryError, NonfiniteError,
                    UnsupportedError, lib as _lib)
from .adversarial import Attack, attack, fgsm, normalised, perturb
from .block import Block, LayerEigenvalues, Range, layer_eigenvalues
from .controller import Controller, Decision, Micro, Plan
from .cost import Cost, Machine
from .eigen import EigenResult, Estimator, eigenvalues
from .journal import Journal, Replay, read_journal, replay
from .operator import Operator
from .sampling import SamplingResult
from .schedule import Schedule, schedule
from .selection import (Collapse, Selection, collapse_check, selection_count,
                        selection_prefix)
from .space import Space

__version__ = _lib.absa_version_string().decode()
__all__ = ["Attack", "Block", "Collapse", "Context", "Controller", "Cost", "Decision",
           "EigenResult", "Error", "Estimator", "InvalidError", "Journal", "LayerEigenvalues",
           "Machine", "Micro", "NoMemoryError", "NonfiniteError", "Operator", "Plan", "Range",
           "Replay", "SamplingResult", "Schedule", "Selection", "Space", "UnsupportedError",
           "attack", "collapse_check", "eigenvalues", "fgsm", "layer_eigenvalues", "normalised",
           "perturb", "random", "read_journal", "replay", "sampling", "schedule",
           "selection_count", "selection_prefix"]
