"""Which parameters a Hessian is taken over, and vectors as lists of tensors of their shapes."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def _layers(model):
    """Return the modules that own parameters themselves, in order."""
    return [name for name, module in model.named_modules()
            if any(True for _ in module.named_parameters(recurse=False))]


def select(model: torch.nn.Module,
           params: str | Iterable[str]) -> list[tuple[str, torch.nn.Parameter]]:
    """Return [(name, parameter)] of what `params` names: glob patterns on the names, one or several
    (a list, or separated by commas), or "last:K" for the last K layers that own parameters.

    Tied parameters count once, under their first name; frozen ones (requires_grad False) are left
    out.
    """
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    if not named:
        raise ValueError("the model has no trainable parameter")
    if isinstance(params, str) and params.startswith("last:"):
        count = params[len("last:"):]
        if not count.isdigit() or int(count) < 1:
            raise ValueError(f"params is {params!r}; it must be last:K with K at least 1")
        layers = _layers(model)[-int(count):]
        chosen = [(name, p) for name, p in named if name.rpartition(".")[0] in layers]
    else:
        patterns = params.split(",") if isinstance(params, str) else list(params)
        unmatched = [p for p in patterns if not any(fnmatch.fnmatchcase(n, p) for n, _ in named)]
        if unmatched:
            raise ValueError(f"no trainable parameter matches {unmatched[0]!r}; there are "
                             f"{', '.join(name for name, _ in named[:8])}"
                             f"{', ...' if len(named) > 8 else ''}")
        chosen = [(name, p) for name, p in named
                  if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]
    if not chosen:
        raise ValueError(f"params {params!r} selects no trainable parameter")
    return chosen


class Layout:
    """Where each parameter lies in a vector of all of them."""

    names: list[str]
    parameters: list[torch.nn.Parameter]
    shapes: list[torch.Size]
    sizes: list[int]
    n: int
    dtype: torch.dtype
    device: torch.device

    def __init__(self, named: Sequence[tuple[str, torch.nn.Parameter]]) -> None:
        self.names = [name for name, _ in named]
        self.parameters = [p for _, p in named]
        self.shapes = [p.shape for p in self.parameters]
        self.sizes = [p.numel() for p in self.parameters]
        self.n = sum(self.sizes)
        kinds = {(p.dtype, p.device) for p in self.parameters}
        if len(kinds) > 1:
            raise ValueError("the parameters are of several dtypes or devices: "
                             + ", ".join(sorted(f"{d} on {v}" for d, v in kinds)))
        self.dtype, self.device = kinds.pop()
        if self.dtype not in (torch.float32, torch.float64):
            raise TypeError(f"the parameters are of {self.dtype}; the Hessian needs float32 or "
                            "float64: model.float()")

    def split(self, vector: torch.Tensor) -> list[torch.Tensor]:
        """Return views of a vector in the parameters' shapes."""
        return [part.view(shape) for part, shape in zip(vector.split(self.sizes), self.shapes)]

    def join(self, parts: Iterable[torch.Tensor | None], out: torch.Tensor) -> torch.Tensor:
        """Write tensors of the parameters' shapes into a vector; None is zero."""
        for piece, part in zip(out.split(self.sizes), parts):
            if part is None:
                piece.zero_()
            else:
                piece.copy_(part.detach().reshape(-1))
        return out
