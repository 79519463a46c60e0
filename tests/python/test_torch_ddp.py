"""AdaptiveBatch under DistributedDataParallel on two and three processes of this machine: the same
training as on one process, up to the order of sums."""

import contextlib
import os

import pytest
import torch
import torch.multiprocessing
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from absa.torch import AdaptiveBatch, Hessian

ROWS, UNIT, EPOCHS, STOP = 216, 12, 5, 460


def data():
    torch.manual_seed(1)
    x = torch.randn(ROWS, 5, dtype=torch.float64)
    return TensorDataset(x, (x.sum(1) > 0).long())


def network():
    torch.manual_seed(2)
    return nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 2)).double()


class Counting:
    """Stands around a DDP model and counts the passes without an exchange."""

    def __init__(self, model):
        self.model, self.quiet = model, 0

    @contextlib.contextmanager
    def no_sync(self):
        self.quiet += 1
        with self.model.no_sync():
            yield


def train(rank, world, workers=0, state=None, stop=None):
    """Return ([(batch, lr multiplier, eigenvalue)], parameters, state, quiet passes, passes)."""
    group = torch.distributed.group.WORLD if world > 1 else None
    net, rows = network(), data()
    model = nn.parallel.DistributedDataParallel(net) if world > 1 else net
    counting = Counting(model) if world > 1 else model
    opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    probe = [(rows.tensors[0][rank * 36 // world:(rank + 1) * 36 // world],
              rows.tensors[1][rank * 36 // world:(rank + 1) * 36 // world])]
    hessian = Hessian(net, F.cross_entropy, probe, process_group=group)
    ab = AdaptiveBatch(opt, ROWS, UNIT // world, EPOCHS, hessian=hessian, batch=UNIT,
                       batch_max=6 * UNIT, batch_multiple=UNIT, patience=1, strategy="abs",
                       process_group=group, estimator={"rule": "certified", "tol": 1e-6})
    if state is not None:
        net.load_state_dict(state["net"])
        opt.load_state_dict(state["opt"])
        ab.load_state_dict(state["ab"])
    loader = DataLoader(rows, batch_sampler=ab.sampler(seed=3), num_workers=workers)
    seen, passes = [], 0
    for _ in range(ab.epoch, EPOCHS):
        for x, y in ab.micro_batches(loader):
            with ab.sync(counting):
                (F.cross_entropy(model(x), y) * ab.weight).backward()
            passes += 1
            if ab.last:
                seen.append((ab.plan.batch, ab.plan.lr_multiplier,
                             ab.result.value if ab.result else 0.0))
                ab.step()
                opt.zero_grad()
            if stop is not None and ab.plan.samples >= stop:
                break
        if stop is not None and ab.plan.samples >= stop:
            break
        ab.end_epoch()
    kept = {"net": net.state_dict(), "opt": opt.state_dict(), "ab": ab.state_dict()}
    flat = torch.cat([p.detach().flatten() for p in net.parameters()])
    return seen, flat, kept, getattr(counting, "quiet", 0), passes


def decisions(rank, world):
    """Return the decisions on measurements that every process takes for itself."""
    ab = AdaptiveBatch(torch.optim.SGD(network().parameters(), lr=0.1), ROWS, UNIT // world, EPOCHS,
                       batch=UNIT, batch_max=6 * UNIT, patience=1, strategy="abs")
    return [repr(ab.observe(value)) for value in (10.0, 4.0 + 8.0 * rank, 1.0 + 2.0 * rank)]


def _process(rank, world, path, workers):
    torch.distributed.init_process_group("gloo", init_method=f"file://{path}/store", rank=rank,
                                         world_size=world)
    seen, flat, _, quiet, passes = train(rank, world, workers)
    _, _, kept, _, _ = train(rank, world, stop=STOP)
    rest, again, _, _, _ = train(rank, world, state=kept)
    torch.save((seen, flat, quiet, passes, rest, again, decisions(rank, world)), f"{path}/{rank}")
    # One that leaves while another still talks to it would take that one down.
    torch.distributed.barrier()
    # Without the ends of torch's threads, which now and then abort a process that is done.
    os._exit(0)


@pytest.mark.parametrize("world, workers", [(2, 0), (3, 0), (2, 2)])
def test_processes_train_as_one_does(world, workers, tmp_path):
    torch.multiprocessing.spawn(_process, (world, str(tmp_path), workers), nprocs=world)
    alone, want, _, _, _ = train(0, 1)
    assert alone[-1][0] > UNIT, "nothing grew: the test has no window of several micro-batches"
    for rank in range(world):
        seen, flat, quiet, passes, rest, again, alike = torch.load(f"{tmp_path}/{rank}")
        # Batches that differ would leave one process waiting for another for ever.
        assert alike == torch.load(f"{tmp_path}/0")[-1] and "12 -> 24" in alike[1]
        assert [s[:2] for s in seen] == [s[:2] for s in alone]
        assert [s[2] for s in seen] == pytest.approx([s[2] for s in alone], rel=1e-5)
        assert torch.allclose(flat, want, rtol=1e-6, atol=1e-8)
        # Exchanged once an update.
        assert passes - quiet == len(seen) and quiet > 0
        # Stopped in the middle of an epoch and gone on with.
        assert [s[0] for s in rest] == [s[0] for s in seen[-len(rest):]]
        assert torch.allclose(again, flat, rtol=1e-6, atol=1e-8)
