"""Products of a vector with the Hessian, or the Gauss-Newton matrix, of a mean loss over one
batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

_MISSING = ("derivative for", "differentiate twice", "double backward")


def explained(error: BaseException) -> RuntimeError | None:
    """Return a RuntimeError that says what to do where an operation has no second derivative, or
    None where the failure is another one."""
    text = str(error).splitlines()[0] if str(error) else ""
    if not any(part in text for part in _MISSING):
        return None
    return RuntimeError(
        f"an operation of the model cannot be differentiated twice ({text}). Use mode='fd' "
        "(gradients only), or, for fused attention, the math kernel: with "
        "torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH)")


def _nodes(tensors):
    """Yield the nodes of the graph behind some tensors."""
    waiting, seen = [t.grad_fn for t in tensors if t is not None and t.grad_fn is not None], set()
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            yield node
            waiting += [following for following, _ in node.next_functions if following is not None]


def refuse_cut(firsts: Iterable[torch.Tensor | None], root: torch.Tensor) -> None:
    """Raise where a first derivative hangs on an operation that says it has no second one
    (once_differentiable): the second backward pass would leave its part out without a word. root:
    what was differentiated, whose graph has the operation's name."""
    if any(node.name() == "torch::autograd::Error" for node in _nodes(firsts)):
        once = sorted({type(node).__name__.removesuffix("Backward") for node in _nodes([root])
                       if hasattr(getattr(getattr(node, "_forward_cls", None), "backward", None),
                                  "__wrapped__")})
        raise RuntimeError(f"trying to differentiate twice {', '.join(once) or 'a function'}, "
                           "marked once_differentiable")


def with_graph(tensor: Any, what: str) -> Any:
    """Return a loss or an output; raise where nothing connects it with a parameter, for then all
    products would be zero, and the loss look flat."""
    if torch.is_tensor(tensor) and not tensor.requires_grad:
        raise ValueError(f"{what} depends on no trainable parameter: it is detached, or computed "
                         "under no_grad()")
    return tensor


def _grad(outputs, inputs, grad_outputs=None, create_graph=False, retain=True):
    if not outputs.requires_grad:
        return [None] * len(inputs)
    return torch.autograd.grad(outputs, inputs, grad_outputs, retain_graph=retain,
                               create_graph=create_graph, allow_unused=True)


def _against(firsts, vector, inputs):
    """Return the gradient of sum firsts[i]'vector[i]."""
    pairs = [(g, v) for g, v in zip(firsts, vector) if g is not None and g.requires_grad]
    if not pairs:
        return [None] * len(inputs)
    return torch.autograd.grad([g for g, _ in pairs], inputs, [v for _, v in pairs],
                               retain_graph=True, allow_unused=True)


class Hvp:
    """H v by a second backward pass over a kept graph."""

    count: int
    root: torch.Tensor
    firsts: Sequence[torch.Tensor | None]

    def __init__(self, parameters: Sequence[torch.Tensor], forward: Callable[[], Any],
                 loss: Callable[[Any], tuple[torch.Tensor, int]]) -> None:
        self._parameters = parameters
        mean, self.count = loss(forward())
        self.root = with_graph(mean, "the loss")
        self.firsts = _grad(mean, parameters, create_graph=True)

    def __call__(self, vector: Sequence[torch.Tensor]) -> Sequence[torch.Tensor | None]:
        return _against(self.firsts, vector, self._parameters)


class Ggn:
    """J' L J v: the Jacobian's product as the derivative of its transposed product in its argument,
    which is linear."""

    count: int
    root: torch.Tensor
    firsts: Sequence[torch.Tensor | None]

    def __init__(self, parameters: Sequence[torch.Tensor], forward: Callable[[], Any],
                 loss: Callable[[Any], tuple[torch.Tensor, int]]) -> None:
        self._parameters = parameters
        self._outputs = self.root = with_graph(forward(), "the output")
        if not torch.is_tensor(self._outputs):
            raise TypeError("mode 'ggn' needs a model whose output is one tensor, not "
                            f"{type(self._outputs).__name__}")
        self._leaf = self._outputs.detach().requires_grad_()
        mean, self.count = loss(self._leaf)
        self._slope, = torch.autograd.grad(mean, self._leaf, create_graph=True)
        self._dual = torch.zeros_like(self._leaf, requires_grad=True)
        self.firsts = _grad(self._outputs, parameters, self._dual, create_graph=True)

    def __call__(self, vector: Sequence[torch.Tensor]) -> Sequence[torch.Tensor | None]:
        moved, = _against(self.firsts, vector, [self._dual])
        if moved is None or not self._slope.requires_grad:
            return [None] * len(self._parameters)
        curved, = torch.autograd.grad(self._slope, self._leaf, moved, retain_graph=True)
        return _grad(self._outputs, self._parameters, curved)


class Gradient:
    """The gradient itself, for finite differences."""

    count: int
    values: Sequence[torch.Tensor | None]

    def __init__(self, parameters: Sequence[torch.Tensor], forward: Callable[[], Any],
                 loss: Callable[[Any], tuple[torch.Tensor, int]]) -> None:
        mean, self.count = loss(forward())
        self.values = _grad(with_graph(mean, "the loss"), parameters, retain=False)
