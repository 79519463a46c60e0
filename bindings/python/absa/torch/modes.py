"""A model as a computation needs it, and afterwards as it was: modes, random state, wrappers."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator


def unwrapped(model: torch.nn.Module) -> torch.nn.Module:
    """Return the module inside DistributedDataParallel or DataParallel, whose own passes exchange
    gradients; any other model is itself, whatever its attributes are called."""
    parallel = torch.nn.parallel.DistributedDataParallel, torch.nn.DataParallel
    return model.module if isinstance(model, parallel) else model


@contextlib.contextmanager
def evaluating(model: torch.nn.Module) -> Iterator[None]:
    """Evaluation mode inside; each layer's own mode afterwards."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextlib.contextmanager
def repeatable(device: torch.device) -> Iterator[None]:
    """The same random numbers at every entry, for layers that draw in evaluation mode too; the
    states of the CPU's generator and of the device's are afterwards what they were. No other
    device's generator is touched, as torch.manual_seed() would."""
    ours = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(ours):
        torch.default_generator.manual_seed(0)
        for one in ours:
            with torch.cuda.device(one):
                torch.cuda.manual_seed(0)
        yield


@contextlib.contextmanager
def differentiable(device: torch.device) -> Iterator[None]:
    """Gradients in full precision, whatever the caller has switched off or on."""
    with torch.inference_mode(False), torch.enable_grad(), \
            torch.autocast(device.type, enabled=False):
        yield
