"""Batches as loaders give them: tensors in tuples, lists and dicts, rows first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def mapped(batch: Any, function: Callable[[torch.Tensor], Any]) -> Any:
    """Return a batch of the same shape with function(tensor) in place of every tensor."""
    if torch.is_tensor(batch):
        return function(batch)
    if isinstance(batch, dict):
        return {key: mapped(value, function) for key, value in batch.items()}
    if isinstance(batch, (tuple, list)):
        values = [mapped(value, function) for value in batch]
        return type(batch)(*values) if hasattr(batch, "_fields") else type(batch)(values)
    return batch


def lengths(batch: Any) -> set[int]:
    """Return the set of its tensors' lengths, scalars left out."""
    found: set[int] = set()
    mapped(batch, lambda tensor: found.add(len(tensor)) if tensor.dim() else None)
    return found


def row_count(batch: Any) -> int:
    """Return the rows of a batch, which all its tensors share."""
    counts = lengths(batch)
    if len(counts) != 1:
        raise ValueError(f"the tensors of a batch have {sorted(counts)} rows"
                         if counts else "a batch holds no tensor with rows")
    return counts.pop()


def split(batch: Any, rows: int) -> tuple[Any, ...]:
    """Return (the first rows, the others) of a batch; what has no rows is in both."""
    return tuple(mapped(batch, lambda tensor, cut=cut:  # type: ignore[misc]
                        tensor[cut] if tensor.dim() else tensor)
                 for cut in (slice(rows), slice(rows, None)))
