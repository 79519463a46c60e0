"""The order of the rows: constant micro-batches of each process, the same permutation everywhere,
and a beginning wherever the controller's books stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class MicroBatchSampler:
    """A batch sampler that yields micro-batches of `micro` rows for this process.

    It never looks at the batch size: when that grows, more micro-batches are accumulated, so that
    workers and prefetching of a DataLoader do no harm. Every iteration begins at the row that comes
    next by the books of the training, `position()`, not where the last iteration ended.

    Parameters: rows, of the data set; used, how many of them an epoch deals out, a multiple of
    world; micro, rows of a micro-batch on one process; position, returning (epoch, row) of the next
    row, row being negative where a window goes back to epochs before; shuffle, a new permutation
    every epoch, a function of (seed, epoch) alone; rank and world, this process and how many.
    """

    def __init__(self, rows: int, used: int, micro: int, position: Callable[[], tuple[int, int]],
                 *, shuffle: bool = True, seed: int = 0, rank: int = 0, world: int = 1) -> None:
        self.rows, self.used, self.micro, self.position = rows, used, micro, position
        self.shuffle, self.seed, self.rank, self.world = shuffle, seed, rank, world

    def order(self, epoch: int) -> torch.Tensor:
        """Return the rows of an epoch in their order, those that are dealt out."""
        if not self.shuffle:
            return torch.arange(self.used)
        generator = torch.Generator()
        # One number for two: epochs of neighbouring seeds do not share permutations.
        generator.manual_seed((self.seed * 0x9E3779B97F4A7C15 + epoch) % 2**63)
        return torch.randperm(self.rows, generator=generator)[:self.used]

    def _runs(self):
        """Return [(epoch, first row)] of what is left, epochs gone back to first."""
        epoch, row = self.position()
        back = -(row // self.used) if row < 0 else 0
        return [(at, row + back * self.used if at == epoch - back else 0)
                for at in range(epoch - back, epoch + 1)]

    def __iter__(self) -> Iterator[list[int]]:
        unit = self.micro * self.world
        for epoch, row in self._runs():
            order = self.order(epoch)
            while row < self.used:
                # Cut where an iteration from the epoch's beginning cuts: the sums of a training
                # that is resumed have the same roundings.
                end = min((row // unit + 1) * unit, self.used)
                share = (end - row) // self.world
                begin = row + self.rank * share
                yield order[begin:begin + share].tolist()
                row = end

    def __len__(self) -> int:
        unit = self.micro * self.world
        return sum(-(-self.used // unit) - row // unit for _, row in self._runs())
