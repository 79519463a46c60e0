"""The Hessian of a PyTorch model's loss: exact products, Gauss-Newton products or differences of
gradients, over batches, for some parameters or all, in one process or several."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, overload

import numpy
import torch

from .. import sampling
from ..eigen import Estimator, top
from ..operator import Operator
from ..space import Space
from .batches import lengths, mapped, row_count
from .modes import differentiable, evaluating, repeatable, unwrapped
from .parameters import Layout, select
from .products import Ggn, Gradient, Hvp, explained, refuse_cut
from .vectors import TorchVectors, as_tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, Literal

    from scipy.sparse.linalg import LinearOperator

    from ..eigen import EigenResult
    from ..operator import Check

_MODES = ("hvp", "ggn", "fd")
_NORMS = (torch.nn.modules.batchnorm._BatchNorm,)


def _cached(batches, device, forward):
    """Return all batches on the device: they must be the same in every product."""
    if hasattr(batches, "__next__"):
        raise TypeError("batches is an iterator, which can be gone through once only; pass a list "
                        "or a DataLoader")
    if isinstance(batches, (tuple, dict)) and not (isinstance(batches, tuple) and batches
                                                   and not torch.is_tensor(batches[0])):
        batches = [batches]
    found = [mapped(batch, lambda tensor: tensor.to(device)) for batch in batches]
    if not found:
        raise ValueError("batches holds no batch: an empty loader is no flat loss")
    for batch in found:
        if forward is None and not isinstance(batch, dict) and not (
                isinstance(batch, (tuple, list)) and len(batch) >= 2):
            raise TypeError(f"a batch is {type(batch).__name__}; without forward= it must be "
                            "(input, target) or a dict. One batch alone is [(input, target)]")
        if lengths(batch) == {0}:
            raise ValueError("a batch of the probe holds no sample")
    return found


class Hessian:
    """The Hessian H of the mean loss over some batches, at the parameters that the model has when a
    product is computed.

    Parameters
    ----------
    model : torch.nn.Module
        DistributedDataParallel and DataParallel are taken off
    loss_fn : callable
        loss_fn(output, target) -> mean over the rows of a batch (input, target); of a batch that is
        a dict, loss_fn(model(**batch), batch)
    batches : list, DataLoader or one batch
        the probe; kept on the model's device, weighted by samples
    params : str or list
        glob patterns on parameter names, or "last:K"; tied ones count once, frozen ones are left
        out
    mode : "hvp", "ggn" or "fd"
        exact products; Gauss-Newton products; differences of gradients
    forward, loss : callables, optional
        forward(model, batch) -> output and loss(output, batch) -> mean or (mean, count), for
        batches that are neither (input, target) nor a dict of the model's keywords, or whose mean
        is over something else than rows; count may be tokens
    bn : "eval" or "batch"
        statistics of batch normalisation: the running ones, or the batch's
    weight_decay : float
        added as weight_decay I
    process_group : optional
        of processes that each hold a part of the probe and the whole model; every one of them makes
        the same calls
    host : bool, optional
        whether vectors are NumPy arrays; by default where the model is on the CPU
    """

    model: torch.nn.Module
    loss_fn: Callable[[Any, Any], torch.Tensor] | None
    params: str | Sequence[str]
    mode: Literal["hvp", "ggn", "fd"]
    bn: Literal["eval", "batch"]
    weight_decay: float
    operator: Operator

    def __init__(self, model: torch.nn.Module,
                 loss_fn: Callable[[Any, Any], torch.Tensor] | None, batches: Iterable[Any],
                 params: str | Sequence[str] = "*",
                 mode: Literal["hvp", "ggn", "fd"] = "hvp", *,
                 forward: Callable[[torch.nn.Module, Any], Any] | None = None,
                 loss: (Callable[[Any, Any], torch.Tensor | tuple[torch.Tensor, int]]
                        | None) = None,
                 bn: Literal["eval", "batch"] = "eval", weight_decay: float = 0.0,
                 process_group: torch.distributed.ProcessGroup | None = None,
                 host: bool | None = None) -> None:
        if mode not in _MODES:
            raise ValueError(f"mode is {mode!r}; it must be one of {', '.join(_MODES)}")
        if bn not in ("eval", "batch"):
            raise ValueError(f"bn is {bn!r}; it must be 'eval' or 'batch'")
        model = unwrapped(model)
        self.model, self.loss_fn, self.mode, self.bn = model, loss_fn, mode, bn
        self.params, self.weight_decay = params, float(weight_decay)
        self._forward, self._loss = forward, loss
        self._group = process_group
        self._layout = Layout(select(model, params))
        self._batches = _cached(batches, self._layout.device, forward)
        self._graphs = None
        host = self._layout.device.type == "cpu" if host is None else host
        self._space = self._make_space(host)
        self.operator = self._make_operator()

    @property
    def n(self) -> int:
        """Selected parameters."""
        return self._layout.n

    @property
    def names(self) -> list[str]:
        """Names of the selected parameters, in the order of a vector's parts."""
        return list(self._layout.names)

    @property
    def on_host(self) -> bool:
        """Whether vectors are NumPy arrays, not tensors."""
        return self._space.ops is None

    def _make_space(self, host):
        dtype = "float32" if self._layout.dtype == torch.float32 else "float64"
        ops = None if host else TorchVectors(self.n, self._layout.dtype, self._layout.device)
        if self._group is None:
            return Space(self.n, dtype, ops=ops)
        return Space(self.n, dtype, ops=ops, distribution="replicated", reduce=self._sum_numbers)

    def _sum_numbers(self, values):
        sums = torch.from_numpy(values).to(self._exchanged())
        torch.distributed.all_reduce(sums, group=self._group)
        values[:] = sums.cpu().numpy()

    def _exchanged(self):
        """Return the device that the group exchanges tensors on."""
        return "cpu" if torch.distributed.get_backend(self._group) == "gloo" else \
            self._layout.device

    def _sum_vector(self, y):
        torch.distributed.all_reduce(self._tensor(y), group=self._group)

    def _tensor(self, vector):
        return as_tensor(vector) if isinstance(vector, numpy.ndarray) else vector

    def _make_operator(self):
        reduce_vector = None if self._group is None else self._sum_vector
        if self.mode == "fd":
            theta = self._space.empty()
            self._theta = self._tensor(theta)
            with torch.no_grad():
                self._layout.join(self._layout.parameters, self._theta)
            made = Operator.from_gradient(self._gradient, theta, self._space, convention="sum",
                                          reduce_vector=reduce_vector)
        else:
            made = Operator.from_hvp(self._product, self._space, convention="sum",
                                     reduce_vector=reduce_vector)
        return made.shift(self.weight_decay) if self.weight_decay else made

    def _parts(self, batch):
        """Return forward() and loss(output) of a batch."""
        def forward():
            if self._forward is not None:
                return self._forward(self.model, batch)
            return self.model(**batch) if isinstance(batch, dict) else self.model(batch[0])

        def loss(output):
            if self._loss is not None:
                answer = self._loss(output, batch)
            else:
                answer = self.loss_fn(output, batch if isinstance(batch, dict) else batch[1])
            mean, count = answer if isinstance(answer, tuple) else (answer, row_count(batch))
            if int(count) < 1:
                raise ValueError("a batch of the probe holds no sample")
            return mean, int(count)
        return forward, loss

    @contextlib.contextmanager
    def _frozen(self):
        """The model as the products need it, and afterwards exactly as it was."""
        norms = [m for m in self.model.modules() if isinstance(m, _NORMS)] \
            if self.bn == "batch" else []
        buffers = [(b, b.clone()) for m in norms for b in m.buffers()]
        device = self._layout.device
        try:
            with evaluating(self.model), repeatable(device), differentiable(device):
                for module in norms:
                    module.train()
                yield
        finally:
            with torch.no_grad():
                for buffer, values in buffers:
                    buffer.copy_(values)

    def _graph(self, index):
        kind = {"hvp": Hvp, "ggn": Ggn}[self.mode]
        graph = kind(self._layout.parameters, *self._parts(self._batches[index]))
        if not self._whole:
            refuse_cut(graph.firsts, graph.root)
            self._whole = True
        return graph

    def _product(self, v, out):
        vector, total, samples = self._layout.split(self._tensor(v)), self._tensor(out), 0
        total.zero_()
        for index in range(len(self._batches)):
            try:
                with self._frozen():
                    # A graph lives as long as its run where there is one batch: half a product.
                    graph = self._graphs or self._graph(index)
                    parts = graph(vector)
            except RuntimeError as error:
                better = explained(error)
                if better is None:
                    raise
                raise better from error
            if self._keeps and len(self._batches) == 1:
                self._graphs = graph
            self._add(total, parts, graph.count)
            samples += graph.count
        self._covered = samples
        return samples

    _keeps = False
    _covered = 0  # samples of the last product
    _whole = False  # the graph was seen to have all second derivatives

    def _add(self, total, parts, count):
        for piece, part in zip(total.split(self._layout.sizes), parts):
            if part is not None:
                piece.add_(part.detach().reshape(-1), alpha=count)

    def _gradient(self, theta, out):
        """The summed gradient at theta, which is lent to the model for the time of the call."""
        vector, total, samples = self._tensor(theta), self._tensor(out), 0
        total.zero_()
        own = [p.data for p in self._layout.parameters]
        try:
            for p, values in zip(self._layout.parameters, self._layout.split(vector)):
                p.data = values
            for batch in self._batches:
                with self._frozen():
                    found = Gradient(self._layout.parameters, *self._parts(batch))
                self._add(total, found.values, found.count)
                samples += found.count
        finally:
            for p, values in zip(self._layout.parameters, own):
                p.data = values
        self._covered = samples
        return samples

    @contextlib.contextmanager
    def _at_these_parameters(self):
        """Graphs are kept inside, and theta of mode 'fd' is that of the model."""
        if self.mode == "fd":
            with torch.no_grad():
                self._layout.join(self._layout.parameters, self._theta)
        self._keeps = True
        try:
            yield
        finally:
            self._keeps, self._graphs = False, None

    @overload
    def top(self, k: int = 1, which: str = "LA", rule: str = "checked", tol: float = 1e-2,
            eta: float = 1e-2, over_batches: None = None, **more: Any) -> EigenResult: ...

    @overload
    def top(self, k: int = 1, which: str = "LA", rule: str = "checked", tol: float = 1e-2,
            eta: float = 1e-2, *, over_batches: int, **more: Any) -> sampling.SamplingResult: ...

    def top(self, k: int = 1, which: str = "LA", rule: str = "checked", tol: float = 1e-2,
            eta: float = 1e-2, over_batches: int | None = None,
            **more: Any) -> EigenResult | sampling.SamplingResult:
        """Return the k outermost eigenvalues, an absa.EigenResult; more: hint, threshold, seed,
        max_products and so on, see absa.eigenvalues() and absa.Estimator. The intervals cover the
        solver on this probe, not the choice of the probe.

        over_batches=m: return an absa.sampling.SamplingResult instead, the mean of the outermost
        eigenvalue of each of the first m batches, whose interval covers the choice of a batch of
        this size; of k > 1, its `pairs` has one for each. more: options of absa.Estimator.

        The result records `mode`, `bn`, `weight_decay` and `params`.
        """
        if over_batches is not None:
            return self._noted(self._over_batches(over_batches, k, which=which, rule=rule,
                                                  tolerance=tol, eta=eta, **more))
        with self._at_these_parameters():
            return self._noted(top(self.operator, k, which, rule, tol, eta, **more))

    def _noted(self, result):
        """Record on a result what it is of."""
        result.mode, result.bn, result.params = self.mode, self.bn, self.params
        result.weight_decay, result.of = self.weight_decay, repr(self)
        return result

    def _over_batches(self, count, k, **options):
        batches = self._batches
        if not 2 <= count <= len(batches):
            raise ValueError(f"over_batches is {count}; it must be 2 to {len(batches)}, the "
                             "probe's batches")

        def select(index):
            self._batches, self._graphs = [batches[index]], None

        rows = None if self._loss is not None else [row_count(b) for b in batches[:count]]
        estimator = Estimator(self._space, k=k, **options)
        try:
            with self._at_these_parameters():
                if k == 1:
                    return sampling.run(estimator, self.operator, rows, count=count, select=select)
                runs, rows = [], []
                for index in range(count):
                    select(index)
                    runs.append(estimator.run(self.operator, vectors=False))
                    rows.append(self._covered)
        finally:
            self._batches = batches
        found = sampling.from_results(runs, rows)
        found.others = [sampling.from_values([run.values[pair] for run in runs], rows)
                        for pair in range(1, min(len(run.values) for run in runs))]
        return found

    def matvec(self, v: numpy.ndarray | torch.Tensor) -> Any:
        """Return H v; v has n elements: an array, or a tensor where vectors are those."""
        with self._at_these_parameters():
            return self.operator.apply(v)

    def check(self, seed: int = 0) -> Check:
        """Say whether the products are one symmetric matrix; see absa.Operator.check()."""
        with self._at_these_parameters():
            return self.operator.check(seed)

    def to_scipy(self) -> LinearOperator:
        """Return a scipy.sparse.linalg.LinearOperator."""
        return self.operator.to_scipy()

    def _like(self, **changed):
        options = {"params": self.params, "mode": self.mode, "forward": self._forward,
                   "loss": self._loss, "bn": self.bn, "weight_decay": self.weight_decay,
                   "process_group": self._group, "host": self.on_host, **changed}
        return Hessian(self.model, self.loss_fn, self._batches, **options)

    def block(self, params: str | Sequence[str]) -> Hessian:
        """Return the Hessian of some of the parameters on the same probe."""
        return self._like(params=params)

    def with_mode(self, mode: Literal["hvp", "ggn", "fd"]) -> Hessian:
        """Return the operator of another mode on the same probe."""
        return self._like(mode=mode)

    def vector_to_dict(self,
                       v: numpy.ndarray | torch.Tensor) -> dict[str, torch.Tensor]:
        """Return a vector as tensors by parameter name, in the parameters' shapes."""
        return dict(zip(self._layout.names, self._layout.split(self._tensor(v))))

    def __repr__(self) -> str:
        decay = f", weight_decay={self.weight_decay:g}" if self.weight_decay else ""
        return (f"Hessian({type(self.model).__name__}, mode={self.mode}, n={self.n} in "
                f"{len(self.names)} parameters, {len(self._batches)} batches, bn={self.bn}{decay})")
