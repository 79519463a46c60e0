"""AdaptiveBatch against loops that keep the books by hand: accumulation, learning rates, momentum,
FGSM rows, schedulers, workers, overflow, and resuming in the middle of an epoch."""

import copy
import math
import pickle

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import absa
from absa.torch import AdaptiveBatch

ROWS, FEATURES = 230, 5


def data():
    torch.manual_seed(1)
    x = torch.randn(ROWS, FEATURES, dtype=torch.float64)
    return TensorDataset(x, (x.sum(1) > 0).long(), torch.arange(ROWS))


def model():
    torch.manual_seed(2)
    return nn.Sequential(nn.Linear(FEATURES, 7), nn.Tanh(), nn.Linear(7, 2)).double()


def sgd(net, lr=0.1):
    return torch.optim.SGD([{"params": net[0].parameters()},
                            {"params": net[2].parameters(), "lr": 3 * lr}], lr=lr, momentum=0.9)


loss_fn = nn.CrossEntropyLoss()


class Run:
    """A training loop whose eigenvalues are given, halving every epoch, so that the batch grows."""

    def __init__(self, micro=8, epochs=6, workers=0, scheduler=None, optimizer=None, **options):
        self.net = model()
        self.opt = sgd(self.net) if optimizer is None else optimizer(self.net)
        self.data = data()
        options = {"batch": 24, "batch_max": 96, "strategy": "abs", **options}
        self.ab = AdaptiveBatch(self.opt, ROWS, micro, epochs, **options)
        self.loader = DataLoader(self.data, batch_sampler=self.ab.sampler(seed=3),
                                 num_workers=workers)
        self.scheduler = scheduler(self.opt) if scheduler else None
        self.seen, self.steps = [], []

    def epochs(self, stop=None):
        """Train to the end, or until so many rows were consumed."""
        for epoch in range(self.ab.epoch, self.ab.controller.options["epochs"]):
            for x, y, rows in self.ab.micro_batches(self.loader):
                window = [] if not self.seen or self.seen[-1][1] else self.seen[-1][0]
                if not window:
                    self.seen.append([window, False])
                window += rows.tolist()
                (loss_fn(self.net(x), y) * self.ab.weight).backward()
                if self.ab.last:
                    self.seen[-1][1] = True
                    plan = self.ab.plan
                    self.ab.step()
                    self.steps.append((plan.batch, plan.lr_multiplier,
                                       [g["lr"] for g in self.opt.param_groups]))
                    self.opt.zero_grad()
                if stop is not None and self.ab.plan.samples >= stop:
                    return
            self.ab.end_epoch()
            if self.ab.measure_due:
                self.ab.observe(10.0 * 0.4 ** epoch)
            if self.scheduler:
                self.scheduler.step()


def reference(run, scheduler=None):
    """Train as `run` says it did, a whole batch at once, with a loop of its own."""
    net = model()
    opt = sgd(net)
    schedule = scheduler(opt) if scheduler else None
    x, y, _ = run.data.tensors
    done, epoch = 0, 0
    for (window, _), (batch, factor, _) in zip(run.seen, run.steps):
        done += len(window)
        # A window that reaches into an epoch is an update of that one.
        while schedule and epoch < (done - 1) // ROWS:
            schedule.step()
            epoch += 1
        opt.zero_grad()
        (loss_fn(net(x[window]), y[window]) * len(window) / batch).backward()
        before = [group["lr"] for group in opt.param_groups]
        for group in opt.param_groups:
            group["lr"] *= factor
        opt.step()
        for group, lr in zip(opt.param_groups, before):
            group["lr"] = lr
    return net


def assert_same(a, b, tolerance=1e-12):
    for p, q in zip(a.parameters(), b.parameters()):
        assert torch.allclose(p, q, rtol=tolerance, atol=tolerance)


def test_accumulated_windows_are_whole_batches_and_the_batch_grows():
    run = Run()
    run.epochs()
    batches = [batch for batch, _, _ in run.steps]
    assert sorted(set(batches)) == [24, 48, 96]
    assert all(len(window) == batch for (window, full), batch in list(zip(run.seen, batches))[:-1])
    assert_same(run.net, reference(run))


def test_every_row_is_drawn_once_an_epoch():
    run = Run(epochs=3)
    run.epochs()
    rows = [row for window, _ in run.seen for row in window]
    assert len(rows) == 3 * ROWS
    for epoch in range(3):
        assert sorted(rows[epoch * ROWS:(epoch + 1) * ROWS]) == list(range(ROWS))
    assert rows[:ROWS] != rows[ROWS:2 * ROWS]


@pytest.mark.parametrize("tail", ["carry", "drop", "short"])
@pytest.mark.parametrize("batch, micro", [(24, 8), (25, 8), (7, 8), (50, 16), (300, 32)])
def test_any_batch_and_any_tail_is_split_rightly(tail, batch, micro):
    if tail == "drop" and batch > ROWS:
        return
    run = Run(batch=batch, batch_max=max(96, batch), micro=micro, epoch_tail=tail, epochs=3)
    run.epochs()
    assert run.ab.plan.finished
    assert_same(run.net, reference(run))


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_and_prefetching_change_nothing(workers):
    plain, many = Run(epochs=4), Run(epochs=4, workers=workers)
    plain.epochs()
    many.epochs()
    assert plain.seen == many.seen
    assert_same(plain.net, many.net, 0)


@pytest.mark.parametrize("rows", [100, 230, 333, 812, 1001])
@pytest.mark.parametrize("workers", [0, 2])
def test_resuming_anywhere_gives_the_same_training(rows, workers):
    whole = Run(workers=workers)
    whole.epochs()
    first = Run(workers=workers)
    first.epochs(stop=rows)
    saved = pickle.loads(pickle.dumps(first.ab.state_dict()))
    second = Run(workers=workers)
    second.net.load_state_dict(copy.deepcopy(first.net.state_dict()))
    second.opt.load_state_dict(copy.deepcopy(first.opt.state_dict()))
    second.ab.load_state_dict(saved)
    second.epochs()
    full = [window for window, done in first.seen if done]
    assert [window for window, _ in whole.seen] == full + [window for window, _ in second.seen]
    assert_same(whole.net, second.net, 0)


@pytest.mark.parametrize("scheduler", [
    lambda opt: torch.optim.lr_scheduler.StepLR(opt, 2, 0.3),
    lambda opt: torch.optim.lr_scheduler.LambdaLR(opt, lambda epoch: 1 / (1 + epoch)),
    lambda opt: torch.optim.lr_scheduler.OneCycleLR(opt, [0.2, 0.4], total_steps=7),
], ids=["step", "lambda", "one_cycle"])
def test_schedulers_see_their_own_learning_rates(scheduler):
    run = Run(scheduler=scheduler)
    run.epochs()
    assert_same(run.net, reference(run, scheduler))
    alone = scheduler(sgd(model()))
    for _ in range(6):
        alone.optimizer.step()
        alone.step()
    assert run.scheduler.get_last_lr() == alone.get_last_lr()


def test_the_controller_may_decay_the_learning_rate_itself():
    run = Run(decay=[2, 4], rho=0.5)
    used = []
    step = run.opt.step
    run.opt.step = lambda: (used.append([g["lr"] for g in run.opt.param_groups]), step())[1]
    run.epochs()
    assert used[0] == [0.1, pytest.approx(0.3)]
    assert used[-1] == pytest.approx([0.1 * 96 / 24 / 4, 0.3 * 96 / 24 / 4])
    assert [g["lr"] for g in run.opt.param_groups] == [0.1, pytest.approx(0.3)]


def test_the_lr_rule_follows_the_optimiser():
    adam = Run(epochs=1, optimizer=lambda net: torch.optim.AdamW(net.parameters()))
    assert adam.ab.controller.options["lr_rule"] == "sqrt"
    assert Run(epochs=1).ab.controller.options["lr_rule"] == "linear"

    class Own(torch.optim.Optimizer):
        def __init__(self, parameters):
            super().__init__(parameters, {"lr": 0.1})
    with pytest.raises(ValueError, match="lr of Own follows the batch is not known"):
        Run(optimizer=lambda net: Own(net.parameters()))
    Run(optimizer=lambda net: Own(net.parameters()), lr_rule="none")


def test_a_tensor_learning_rate_is_restored_in_place():
    lr = torch.tensor(0.25, dtype=torch.float64)
    run = Run(epochs=1, optimizer=lambda net: torch.optim.SGD(net.parameters(), lr=lr))
    kept = run.opt.param_groups[0]["lr"]
    run.epochs()
    assert run.opt.param_groups[0]["lr"] is kept and float(kept) == 0.25


def test_an_update_that_the_scaler_skips_is_taken_back():
    run = Run(epochs=1)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    made = []
    for count, (x, y, _) in enumerate(run.ab.micro_batches(run.loader)):
        loss = loss_fn(run.net(x), y) * run.ab.weight
        scaler.scale(loss * (math.inf if count == 4 else 1.0)).backward()
        if run.ab.last:
            made.append(run.ab.step(scaler=scaler, clip=1.0))
            run.opt.zero_grad()
    assert made == [True, False] + [True] * (len(made) - 2)
    plan = run.ab.plan
    assert plan.samples == ROWS and plan.update == len(made) - 1


def test_clipping_acts_on_the_gradient_of_the_whole_window():
    run = Run(epochs=1)
    norms = []
    for x, y, _ in run.ab.micro_batches(run.loader):
        (loss_fn(run.net(x), y) * run.ab.weight * 1e3).backward()
        if run.ab.last:
            run.ab.step(clip=0.5)
            norms.append(math.sqrt(sum(float((p.grad ** 2).sum())
                                       for p in run.net.parameters())))
            run.opt.zero_grad()
    assert all(norm == pytest.approx(0.5, rel=1e-4) for norm in norms)


def test_fgsm_moves_the_planned_rows_and_nothing_else():
    net = nn.Sequential(nn.Linear(FEATURES, 6), nn.BatchNorm1d(6), nn.Dropout(0.5),
                        nn.Linear(6, 2)).double()
    net[2].eval()
    opt = torch.optim.SGD(net.parameters(), 0.1)
    ab = AdaptiveBatch(opt, ROWS, 8, 2, batch=24, strategy="absa", model=net, loss=loss_fn,
                       epsilon=0.25, clamp=(-1.5, 1.5), adversarial_share=0.5)
    loader = DataLoader(data(), batch_sampler=ab.sampler())
    before = copy.deepcopy(net.state_dict())
    moved = 0
    for count, (x, y, _) in enumerate(ab.micro_batches(loader)):
        kept = x.clone()
        seed = torch.get_rng_state()
        out = ab.perturb(x, y)
        assert torch.equal(seed, torch.get_rng_state())
        rows = int((out != x).any(1).sum())
        moved += rows
        if rows:
            x.requires_grad_()
            net.eval()
            gradient, = torch.autograd.grad(loss_fn(net(x[:rows]), y[:rows]), x)
            net.train()
            net[2].eval()
            x.requires_grad_(False)
            want = absa.perturb(kept[:rows].numpy(), gradient[:rows].numpy(), 0.25, -1.5, 1.5)
            assert torch.equal(out[:rows], torch.from_numpy(want))
        assert torch.equal(x, kept) and torch.equal(out[rows:], kept[rows:])
        assert all(p.grad is None for p in net.parameters())
        assert net.training and not net[2].training
        if ab.last:
            break
    assert moved == 12 and count == 2
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_a_broken_loop_is_told_so():
    run = Run(epochs=1)
    with pytest.raises(RuntimeError, match="no open micro-batch"):
        run.ab.weight  # pylint: disable=pointless-statement
    batches = run.ab.micro_batches(run.loader)
    next(batches)
    with pytest.raises(RuntimeError, match="not full yet"):
        run.ab.step()
    with pytest.raises(RuntimeError, match=r"step\(\) was not called"):
        for _ in batches:
            pass
    with pytest.raises(ValueError, match="to measure"):
        run.ab.measure()
    with pytest.raises(ValueError, match="needs a model"):
        Run(strategy="absa", epochs=1).ab._attacked()
    with pytest.raises(ValueError, match="rows before the epoch's end"):
        short = Run(epochs=1)
        for _ in short.ab.micro_batches([(torch.zeros(8, FEATURES), torch.zeros(8))]):
            short.ab._micro.last = False
    with pytest.raises(ValueError, match="do not fill"):
        AdaptiveBatch(sgd(model()), 5, 8, 1, drop_last=True)
    with pytest.raises(ValueError, match="must be 'host' or 'absa'"):
        Run(schedule="mine")


def test_a_dict_and_a_named_tuple_are_split_along_rows():
    from absa.torch.batches import row_count, split
    batch = {"x": torch.arange(6).view(3, 2), "y": [torch.arange(3), "name"],
             "n": torch.tensor(4.0)}
    assert row_count(batch) == 3
    first, rest = split(batch, 2)
    assert first["x"].tolist() == [[0, 1], [2, 3]] and rest["y"][0].tolist() == [2]
    assert rest["y"][1] == "name" and rest["n"] == 4.0
    with pytest.raises(ValueError, match="have .2, 3. rows"):
        row_count((torch.zeros(2), torch.zeros(3)))
    with pytest.raises(ValueError, match="no tensor"):
        row_count({"a": 1})
