"""Batches as loaders give them: tensors in tuples, lists and dicts, rows first."""

import torch


def _tensors(batch):
    if torch.is_tensor(batch):
        if batch.dim():
            yield batch
    elif isinstance(batch, dict):
        for value in batch.values():
            yield from _tensors(value)
    elif isinstance(batch, (tuple, list)):
        for value in batch:
            yield from _tensors(value)


def row_count(batch):
    """Return the rows of a batch, which all its tensors share."""
    counts = {len(tensor) for tensor in _tensors(batch)}
    if len(counts) != 1:
        raise ValueError(f"the tensors of a batch have {sorted(counts)} rows"
                         if counts else "a batch holds no tensor with rows")
    return counts.pop()


def split(batch, rows):
    """Return (the first rows, the others) of a batch; the batch itself where it has no more."""
    if torch.is_tensor(batch):
        return (batch[:rows], batch[rows:]) if batch.dim() else (batch, batch)
    if isinstance(batch, dict):
        parts = {key: split(value, rows) for key, value in batch.items()}
        return ({key: part[0] for key, part in parts.items()},
                {key: part[1] for key, part in parts.items()})
    if isinstance(batch, (tuple, list)):
        parts = [split(value, rows) for value in batch]
        kinds = [[part[k] for part in parts] for k in (0, 1)]
        if hasattr(batch, "_fields"):
            return tuple(type(batch)(*kind) for kind in kinds)
        return tuple(type(batch)(kind) for kind in kinds)
    return batch, batch
