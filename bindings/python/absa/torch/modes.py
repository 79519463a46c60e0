"""Evaluation mode for the time of a computation."""

import contextlib


@contextlib.contextmanager
def evaluating(model):
    """Evaluation mode inside; each layer's own mode afterwards."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
