"""The controller around a DataLoader and an optimiser: accumulation, learning rate, momentum, FGSM
rows, measurements and a state that resumes anywhere."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import numpy
import torch

from .._core import positive
from ..controller import Controller
from .batches import row_count, split
from .modes import differentiable, evaluating, repeatable, unwrapped
from .sampler import MicroBatchSampler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any, Literal

    from ..controller import Decision, Plan
    from ..eigen import EigenResult
    from .hessian import Hessian

_SCHEDULED = ("decay", "warmup", "polynomial_end")


def lr_rule_of(optimizer: torch.optim.Optimizer) -> str:
    """Return how the learning rate follows the batch: "linear" for SGD, "sqrt" for optimisers that
    divide by the root of the gradient's second moment: Adam's kind, by its name, and its forebears.
    Others must name one; two betas alone do not tell (Lion steps by signs)."""
    if isinstance(optimizer, torch.optim.SGD):
        return "linear"
    adam = any("adam" in kind.__name__.lower() for kind in type(optimizer).__mro__)
    if adam and "betas" in optimizer.defaults or isinstance(
            optimizer, (torch.optim.RMSprop, torch.optim.Adagrad, torch.optim.Adadelta)):
        return "sqrt"
    raise ValueError(f"how the lr of {type(optimizer).__name__} follows the batch is not known; "
                     "pass lr_rule='linear', 'sqrt', 'none' or a function")


def _world(group):
    """Return (this process, processes)."""
    distributed = torch.distributed
    if group is None and not (distributed.is_available() and distributed.is_initialized()):
        return 0, 1
    return distributed.get_rank(group), distributed.get_world_size(group)


class AdaptiveBatch:
    """Grow the batch of an existing training loop, by accumulating more micro-batches.

    ::

        ab = AdaptiveBatch(optimizer, samples=len(data), micro=64, batch_max=16384, epochs=90,
                           hessian=H)
        loader = DataLoader(data, batch_sampler=ab.sampler(shuffle=True, seed=0))
        for epoch in range(ab.epoch, 90):
            for x, y in ab.micro_batches(loader):
                x = ab.perturb(x, y)
                (loss_fn(model(x), y) * ab.weight).backward()
                if ab.last:
                    ab.step()
                    optimizer.zero_grad()
                    if ab.measure_due:
                        ab.measure()
            ab.end_epoch()

    The loss is a mean over the rows of its micro-batch; `weight` makes the accumulated gradient the
    mean over the whole window. Under DistributedDataParallel the weights allow for its averaging.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        its groups' learning rates are multiplied for the time of a step and then restored, so that
        schedulers and the ratio of groups stay what they are
    samples : int
        rows of the data set
    micro : int
        rows of a micro-batch on one process: what the loader yields
    epochs : int
    hessian : absa.torch.Hessian, optional
        what `measure()` measures; also lends model and loss to `perturb()`
    batch : int, optional
        the batch training begins with; micro times the processes by default
    lr_rule : str or callable, optional
        "linear" for SGD and "sqrt" for Adam's kind by default; others must name one
    schedule : "host" or "absa", optional
        who decays and warms up the learning rate: torch's schedulers (the controller then only
        scales for the batch), or the controller. By default "absa" where decay, warmup or
        polynomial_end is given, else "host"
    drop_last : bool
        leave out the rows of an epoch that do not fill a micro-batch on every process
    model, loss : optional
        for `perturb()`, where there is no hessian: the unwrapped module, and loss(output, y)
    clamp : pair, optional
        lowest and highest input, numbers or tensors that broadcast against x
    epsilon_scale : number or tensor
        multiplies epsilon; 1 / std for inputs normalised by std
    estimator : dict, optional
        keywords for `hessian.top()`; rule="decide" by default
    seed : int
        of the measurements' start vectors
    process_group : optional
        of the processes that share every batch; the default group where there is one
    **options
        any other option of absa.Controller: strategy, preset, batch_max, decay, ...
    """

    optimizer: torch.optim.Optimizer
    hessian: Hessian | None
    controller: Controller
    result: EigenResult | None
    micro: int
    rank: int
    world: int

    def __init__(self, optimizer: torch.optim.Optimizer, samples: int, micro: int, epochs: int, *,
                 hessian: Hessian | None = None, batch: int | None = None,
                 lr_rule: str | Callable[[int, int], float] | None = None,
                 schedule: Literal["host", "absa"] | None = None, drop_last: bool = False,
                 model: torch.nn.Module | None = None,
                 loss: Callable[[Any, Any], torch.Tensor] | None = None,
                 clamp: tuple[float | torch.Tensor, float | torch.Tensor] | None = None,
                 epsilon_scale: float | torch.Tensor = 1.0,
                 estimator: dict[str, Any] | None = None, seed: int = 0,
                 process_group: torch.distributed.ProcessGroup | None = None,
                 **options: Any) -> None:
        self.optimizer, self.hessian = optimizer, hessian
        self._model, self._loss = model, loss
        self._clamp, self._scale = clamp, epsilon_scale
        self.rank, self.world = _world(process_group)
        self._group = process_group
        micro, samples = positive(micro, "micro"), positive(samples, "samples")
        unit = micro * self.world
        self._rows, self.micro = samples, micro
        dealt = unit if drop_last else self.world  # an epoch deals out a multiple of this
        if samples < dealt:
            raise ValueError(f"{samples} samples do not fill a micro-batch of {micro} rows on "
                             f"{self.world} processes")
        if schedule is None:
            schedule = "absa" if any(options.get(name) for name in _SCHEDULED) else "host"
        if schedule not in ("host", "absa"):
            raise ValueError(f"schedule is {schedule!r}; it must be 'host' or 'absa'")
        self._schedule = schedule
        group = optimizer.param_groups[0]
        options.setdefault("lr", float(group.get("initial_lr", group["lr"])))
        options.setdefault("batch_multiple", unit if self.world > 1 else 1)
        if self.world > 1:
            # All take process 0's measurement: decisions that differ would end in a deadlock.
            options.setdefault("reduce", self._sum)
            options.setdefault("process", self.rank)
        self._base_lr = options["lr"]
        self.controller = Controller(
            samples=samples // dealt * dealt, epochs=epochs, micro_batch=micro,
            batch=unit if batch is None else batch, gradient="mean",
            across="mean" if self.world > 1 else "sum",
            lr_rule=lr_rule_of(optimizer) if lr_rule is None else lr_rule, **options)
        if self.world > 1:
            self._fits_processes(unit)
        self._estimator = {"rule": "decide", "seed": seed, **(estimator or {})}
        self._hint, self._measurements = None, 0
        self._micro: _Micro | None = None
        self._momentum_update = -1
        self.result = None

    def _sum(self, values):
        sums = torch.from_numpy(values)
        if torch.distributed.get_backend(self._group) == "gloo":
            torch.distributed.all_reduce(sums, group=self._group)
        else:
            there = sums.to(self._device())
            torch.distributed.all_reduce(there, group=self._group)
            sums.copy_(there)

    def _device(self):
        """Return the device of the parameters."""
        return self.optimizer.param_groups[0]["params"][0].device

    def _fits_processes(self, unit):
        """Raise unless every window is whole micro-batches of all processes."""
        options = self.controller.options
        uneven = [name for name in ("batch", "batch_max") if options[name] % unit]
        if uneven:
            raise ValueError(f"{uneven[0]} is {options[uneven[0]]}; with {self.world} processes it "
                             f"must be a multiple of {unit}, a micro-batch on each")

    @property
    def plan(self) -> Plan:
        """The controller's plan of the open window, an absa.Plan."""
        return self.controller.plan(self.rank, self.world)

    @property
    def epoch(self) -> int:
        """Epochs that have ended: where a loop begins, also after load_state_dict()."""
        return self.plan.epochs_ended

    @property
    def progress(self) -> float:
        """Samples used of those planned, in [0, 1]: what a schedule of one's own should count."""
        return self.plan.progress

    @property
    def batch(self) -> int:
        """Rows of the open window, over all processes."""
        return self.plan.batch

    @property
    def measure_due(self) -> bool:
        """Whether the Hessian is to be measured now."""
        return self.plan.measure_due

    @property
    def weight(self) -> float:
        """What the mean loss of this micro-batch is to be multiplied by."""
        return self._current().weight

    @property
    def last(self) -> bool:
        """Whether this micro-batch completes the window: step() then."""
        return self._current().last

    def _current(self):
        if self._micro is None:
            raise RuntimeError("there is no open micro-batch: iterate over micro_batches(loader)")
        return self._micro

    def _position(self):
        """Return (epoch, row in it) of the row that comes next over all processes."""
        return self.plan.epochs_ended, self.controller.micro(0, self.world).first

    def sampler(self, shuffle: bool = True, seed: int = 0) -> MicroBatchSampler:
        """Return the batch_sampler for the DataLoader. It begins where training stands."""
        return MicroBatchSampler(self._rows, self.controller.epoch_samples, self.micro,
                                 self._position, shuffle=shuffle, seed=seed, rank=self.rank,
                                 world=self.world)

    def micro_batches(self, loader: Iterable[Any]) -> Iterator[Any]:
        """Yield the loader's batches until the epoch ends. One that reaches beyond the window is
        split: tensors along their first dimension, in tuples, lists and dicts."""
        for rest in loader:
            while (rows := row_count(rest)) > 0:
                plan = self.plan
                if plan.epoch_done or plan.finished:
                    return
                planned = self.controller.micro(self.rank, self.world)
                taken = min(rows, planned.rows)
                if self.world > 1 and taken != planned.rows:
                    raise ValueError(f"the loader gave {rows} rows where {planned.rows} are "
                                     "planned for this process: use ab.sampler()")
                piece, rest = split(rest, taken)
                self._micro = _Micro(planned, taken)
                yield piece
                self._leave()
        if not self.plan.epoch_done:
            missing = self.controller.epoch_samples - self._position()[1]
            raise ValueError(f"the loader ended {missing} rows before the epoch's end: its data "
                             "set and batches are not those of `samples` and `micro`")

    def _leave(self):
        """Count the micro-batch that the loop has gone through."""
        if self._micro is None:
            return
        if self._micro.last:
            raise RuntimeError("the window was full (ab.last), but step() was not called")
        self.controller.advance(self._micro.global_rows)
        self._micro = None

    def sync(self, model: Any) -> contextlib.AbstractContextManager:
        """Return the context for forward and backward: gradients are exchanged on the last
        micro-batch only, where the model knows no_sync()."""
        if self.last or not hasattr(model, "no_sync"):
            return contextlib.nullcontext()
        return model.no_sync()

    def perturb(self, x: torch.Tensor, y: Any,
                epsilon: float | torch.Tensor | None = None) -> torch.Tensor:
        """Return x with its first rows moved by FGSM, as many as the plan says; x itself where
        there are none. The bits are those of absa.fgsm(): what lies outside the box is not moved
        further out, nor pulled in by more than epsilon.

        The gradient is that of the unwrapped model in evaluation mode, without autocast; nothing
        of the model, its gradients or the random state changes.
        """
        rows = min(self._current().adversarial_rows, len(x))
        if rows == 0:
            return x
        model, loss = self._attacked()
        target = split(y, rows)[0]
        with evaluating(model), repeatable(x.device), differentiable(x.device):
            part = x[:rows].detach().clone().requires_grad_()
            gradient, = torch.autograd.grad(loss(model(part), target), part)
        if not bool(torch.isfinite(gradient).all()):
            raise FloatingPointError("the gradient of the inputs holds a NaN or infinity")
        with torch.no_grad():
            size = (self.plan.epsilon if epsilon is None else epsilon) * self._scale
            part, reach = part.detach(), torch.as_tensor(size, dtype=x.dtype, device=x.device)
            moved = part + gradient.sign() * reach
            if self._clamp is not None:
                low, high = (torch.as_tensor(end, dtype=x.dtype, device=x.device)
                             for end in self._clamp)
                moved = torch.minimum(
                    torch.maximum(moved, torch.maximum(torch.minimum(low, part), part - reach)),
                    torch.minimum(torch.maximum(high, part), part + reach))
            return torch.cat([moved, x[rows:]]) if rows < len(x) else moved

    def _attacked(self):
        model = self._model if self._model is not None else getattr(self.hessian, "model", None)
        loss = self._loss if self._loss is not None else getattr(self.hessian, "loss_fn", None)
        if model is None or loss is None:
            raise ValueError("perturb() needs a model and its loss: pass hessian=, or model= and "
                             "loss=")
        return unwrapped(model), loss

    def step(self, scaler: torch.amp.GradScaler | None = None,
             clip: float | None = None) -> bool:
        """Make the update of a full window, with its learning rate.

        scaler: a GradScaler, which unscales, steps and is updated; an update that it skips for an
        overflow is taken back from the count. clip: the largest norm of the gradient.
        Returns whether the update was made.
        """
        micro = self._current()
        if not micro.last:
            raise RuntimeError("the window is not full yet: step() when ab.last")
        plan = self.plan
        if clip is not None:
            if scaler is not None:
                scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(
                [p for group in self.optimizer.param_groups for p in group["params"]], clip)
        self._scale_momentum(plan)
        factor = plan.lr_multiplier if self._schedule == "host" else plan.lr / self._base_lr
        made = True
        with self._scaled_lr(factor):
            if scaler is None:
                self.optimizer.step()
            else:
                before = scaler.get_scale()
                scaler.step(self.optimizer)
                scaler.update()
                made = scaler.get_scale() >= before
        self._micro = None
        self.controller.advance(micro.global_rows)
        if not made:
            self.controller.update_skipped()
        return made

    @contextlib.contextmanager
    def _scaled_lr(self, factor):
        """Multiply every group's lr; restore the very same values, tensors in place."""
        kept = []
        try:
            for group in self.optimizer.param_groups:
                lr = group["lr"]
                if torch.is_tensor(lr):
                    kept.append((group, lr, lr.clone()))
                    lr.mul_(factor)
                else:
                    kept.append((group, lr, None))
                    group["lr"] = lr * factor
            yield
        finally:
            for group, lr, values in kept:
                if values is not None:
                    lr.copy_(values)
                else:
                    group["lr"] = lr

    def _scale_momentum(self, plan):
        """Multiply the velocity once where the convention asks for it; torch's own SGD does not."""
        if plan.momentum_multiplier == 1.0 or plan.update == self._momentum_update:
            return
        for state in self.optimizer.state.values():
            if state.get("momentum_buffer") is not None:
                state["momentum_buffer"].mul_(plan.momentum_multiplier)
        self._momentum_update = plan.update

    def measure(self, hessian: Hessian | None = None) -> Decision:
        """Measure the top eigenvalue, tell the controller, and return the absa.Decision.

        Every process of the group calls it. The last eigenvector is the next run's hint.
        """
        hessian = self.hessian if hessian is None else hessian
        if hessian is None:
            raise ValueError("there is nothing to measure: pass hessian=, or observe() a number")
        plan = self.plan
        self.result = hessian.top(threshold=plan.threshold,
                                  threshold_closed=plan.threshold_closed,
                                  hint=self._hint, stream=self._measurements, **self._estimator)
        self._measurements += 1
        if self.result.vectors is not None and len(self.result.vectors):
            self._hint = self.result.vectors[0]
        return self.controller.observe(self.result)

    def observe(self, value: float | EigenResult) -> Decision:
        """Tell the controller of an eigenvalue that was measured elsewhere."""
        return self.controller.observe(value)

    def end_epoch(self, measure: bool = True) -> Decision | None:
        """Count the end of an epoch; measure, where that is due and there is something to measure.
        Returns the decision, or None."""
        self._leave()
        self.controller.end_epoch()
        if measure and self.measure_due and self.hessian is not None:
            return self.measure()
        return None

    def state_dict(self) -> dict[str, Any]:
        """Return what resuming needs, at any point: the rows that were consumed, not those that a
        loader has prefetched. Gradients of an open window are not in it: they are drawn again."""
        hint = self._hint
        if isinstance(hint, numpy.ndarray):  # which torch.load() takes for unsafe
            hint = torch.from_numpy(hint)
        return {"controller": self.controller.save(), "measurements": self._measurements,
                "hint": None if hint is None else hint.clone(),
                "momentum_update": self._momentum_update}

    def load_state_dict(self, state: Mapping[str, Any], other_options: bool = False) -> None:
        """Go on from state_dict(): the open window is drawn anew, so make a new iterator of the
        loader, and zero the gradients. A growth that waited for that window's end takes effect when
        it begins again. Changes nothing when it fails."""
        missing = {"controller", "measurements", "hint", "momentum_update"} - set(state)
        if missing:
            raise ValueError(f"the state has no {', '.join(sorted(missing))}: it is not of "
                             "AdaptiveBatch.state_dict()")
        hint = state["hint"]
        if torch.is_tensor(hint):
            host = self.hessian is None or self.hessian.on_host
            hint = hint.cpu().numpy().copy() if host else hint.to(self._device(), copy=True)
        before = self.controller.save()
        try:
            self.controller.load(state["controller"], other_options=other_options)
            self.controller.restart_window()
        except BaseException:
            self.controller.load(before, other_options=True)
            raise
        self._measurements, self._hint = int(state["measurements"]), hint
        self._momentum_update = int(state["momentum_update"])
        self._micro = None

    def __repr__(self) -> str:
        plan = self.plan
        return (f"AdaptiveBatch(batch={plan.batch}, micro={self.micro}, "
                f"lr x {plan.lr_multiplier:.4g}, gamma={plan.gamma:.3g}, "
                f"epoch {plan.epoch:.2f}, update {plan.update})")


class _Micro:
    """The open micro-batch: what is planned, cut down to the rows that the loader gave."""

    def __init__(self, planned, rows):
        whole = rows == planned.rows
        self.weight = planned.weight if whole else planned.weight * rows / planned.rows
        self.adversarial_rows = min(planned.adversarial_rows, rows)
        self.global_rows = planned.global_rows if whole else rows
        self.last = planned.last and whole
