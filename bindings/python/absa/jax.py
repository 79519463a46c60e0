"""absa for JAX: the Hessian, or the Gauss-Newton matrix, of a loss over a pytree of parameters."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy
from jax.flatten_util import ravel_pytree

from .eigen import top
from .operator import Operator
from .space import Space

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Literal

    from .eigen import EigenResult
    from .operator import Check


def _rows(batch):
    """Return the rows of a batch: the first dimension of its arrays."""
    counts = {leaf.shape[0] for leaf in jax.tree_util.tree_leaves(batch) if jnp.ndim(leaf)}
    if len(counts) != 1 or not min(counts):
        raise ValueError(f"the arrays of a batch have {sorted(counts)} rows; they must share a "
                         "number above 0")
    return counts.pop()


class Hessian:
    """The Hessian of the mean loss over some batches, at parameters that may be moved.

    Parameters
    ----------
    loss : callable
        loss(params, batch) -> mean over the batch's rows; for mode "ggn" loss(outputs, batch)
    params : pytree of arrays
        where the Hessian is taken; assign `.params` to move on
    batches : list of pytrees
        the probe; weighted by rows
    select : str
        glob pattern on the paths of parameters, "layers/0/w"; others stay fixed
    mode : "hvp" or "ggn"
    forward : callable, for mode "ggn"
        forward(params, batch) -> array of outputs
    weight_decay : float
        added as weight_decay I
    """

    params: Any
    operator: Operator

    def __init__(self, loss: Callable[[Any, Any], jax.Array], params: Any, batches: Iterable[Any],
                 select: str = "*", mode: Literal["hvp", "ggn"] = "hvp", *,
                 forward: Callable[[Any, Any], jax.Array] | None = None,
                 weight_decay: float = 0.0) -> None:
        if mode not in ("hvp", "ggn"):
            raise ValueError(f"mode is {mode!r}; it must be 'hvp' or 'ggn'")
        if mode == "ggn" and forward is None:
            raise ValueError("mode 'ggn' needs forward=")
        if hasattr(batches, "__next__"):
            raise TypeError("batches is an iterator, which can be gone through once only")
        self._batches = list(batches)
        if not self._batches:
            raise ValueError("batches holds no batch: an empty loader is no flat loss")
        self._counts = [_rows(batch) for batch in self._batches]
        self._select, self.params = select, params
        chosen, _ = self._chosen(params)
        if not chosen:
            raise ValueError(f"select {select!r} matches no parameter")
        flat, _ = ravel_pytree(chosen)
        if flat.dtype not in (jnp.float32, jnp.float64):
            raise TypeError(f"the parameters are of {flat.dtype}; the Hessian needs float32 or "
                            "float64")
        self._space = Space(flat.size, str(flat.dtype))
        self._product = jax.jit(self._hvp(loss) if mode == "hvp" else self._gnvp(loss, forward))
        made = Operator.from_hvp(self._call, self._space, convention="sum")
        self.operator = made.shift(float(weight_decay)) if weight_decay else made

    @property
    def n(self) -> int:
        """Selected parameters."""
        return self._space.n

    def _chosen(self, params):
        """Return the selected leaves by path, and a function that puts others in their place."""
        leaves, tree = jax.tree_util.tree_flatten_with_path(params)
        names = ["/".join(str(getattr(key, "key", getattr(key, "idx", getattr(key, "name", key))))
                          for key in path) for path, _ in leaves]
        at = [i for i, name in enumerate(names) if fnmatch.fnmatchcase(name, self._select)]

        def place(values):
            moved = [leaf for _, leaf in leaves]
            for i, value in zip(at, values):
                moved[i] = value
            return jax.tree_util.tree_unflatten(tree, moved)
        return [leaves[i][1] for i in at], place

    def _hvp(self, loss):
        def product(params, batch, v):
            chosen, place = self._chosen(params)
            flat, back = ravel_pytree(chosen)
            slope = jax.grad(lambda x: loss(place(back(x)), batch))
            return jax.jvp(slope, (flat,), (v,))[1]
        return product

    def _gnvp(self, loss, forward):
        def product(params, batch, v):
            chosen, place = self._chosen(params)
            flat, back = ravel_pytree(chosen)
            outputs, moved = jax.jvp(lambda x: forward(place(back(x)), batch), (flat,), (v,))
            curved = jax.jvp(jax.grad(lambda z: loss(z, batch)), (outputs,), (moved,))[1]
            return jax.vjp(lambda x: forward(place(back(x)), batch), flat)[1](curved)[0]
        return product

    def _call(self, v, out):
        vector, total = jnp.asarray(v), None
        for batch, count in zip(self._batches, self._counts):
            part = count * self._product(self.params, batch, vector)
            total = part if total is None else total + part
        # On the CPU NumPy reads JAX's memory; the vector of the library is the only copy.
        numpy.copyto(out, numpy.asarray(total))
        return sum(self._counts)

    def top(self, k: int = 1, which: str = "LA", rule: str = "checked", tol: float = 1e-2,
            eta: float = 1e-2, **more: Any) -> EigenResult:
        """Return the k outermost eigenvalues, an absa.EigenResult; more: hint, threshold, seed,
        max_products and so on, see absa.eigenvalues() and absa.Estimator."""
        return top(self.operator, k, which, rule, tol, eta, **more)

    def matvec(self, v: numpy.ndarray) -> numpy.ndarray:
        """Return H v; v is an array of n elements."""
        return self.operator.apply(v)

    def check(self, seed: int = 0) -> Check:
        """Say whether the products are one symmetric matrix; see absa.Operator.check()."""
        return self.operator.check(seed)

    def vector_to_tree(self, v: numpy.ndarray | jax.Array) -> Any:
        """Return a vector in the shapes of the selected parameters, the others being zero."""
        chosen, _ = self._chosen(self.params)
        back = ravel_pytree(chosen)[1]
        zeros = jax.tree_util.tree_map(jnp.zeros_like, self.params)
        return self._chosen(zeros)[1](back(jnp.asarray(v)))

    def __repr__(self) -> str:
        return f"Hessian(n={self.n}, {len(self._batches)} batches, {sum(self._counts)} rows)"
