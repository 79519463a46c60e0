"""Products of absa.jax.Hessian against jax.hessian, and the same eigenvalue as from NumPy."""

import jax
import jax.numpy as jnp
import numpy
import pytest
from jax.flatten_util import ravel_pytree

import absa
import absa.jax

jax.config.update("jax_enable_x64", True)


def forward(params, batch):
    hidden = jnp.tanh(batch["x"] @ params["first"]["w"] + params["first"]["b"])
    return hidden @ params["last"]["w"]


def loss_of(outputs, batch):
    return -jnp.mean(jnp.sum(jax.nn.log_softmax(outputs) * batch["y"], 1))


def loss(params, batch):
    return loss_of(forward(params, batch), batch)


def problem(dtype=jnp.float64):
    keys = jax.random.split(jax.random.PRNGKey(0), 3)
    params = {"first": {"w": jax.random.normal(keys[0], (4, 5), dtype),
                        "b": jnp.zeros(5, dtype)},
              "last": {"w": jax.random.normal(keys[1], (5, 3), dtype)}}
    batches = []
    for rows in (6, 3):
        key = jax.random.fold_in(keys[2], rows)
        batches.append({"x": jax.random.normal(key, (rows, 4), dtype),
                        "y": jax.nn.one_hot(jnp.arange(rows) % 3, 3, dtype=dtype)})
    return params, batches


def whole(params, batches):
    flat, back = ravel_pytree(params)
    rows = sum(len(batch["x"]) for batch in batches)
    return numpy.asarray(jax.hessian(lambda x: sum(
        len(batch["x"]) * loss(back(x), batch) for batch in batches) / rows)(flat))


def dense(hessian):
    return numpy.array([hessian.matvec(unit) for unit in numpy.eye(hessian.n)]).T


def test_products_are_those_of_the_full_hessian():
    params, batches = problem()
    hessian = absa.jax.Hessian(loss, params, batches)
    assert numpy.allclose(dense(hessian), whole(params, batches), rtol=1e-10, atol=1e-12)
    assert hessian.check().good
    shifted = absa.jax.Hessian(loss, params, batches, weight_decay=0.5)
    assert numpy.allclose(dense(shifted), whole(params, batches) + 0.5 * numpy.eye(40), atol=1e-12)


def test_a_selection_is_a_block():
    params, batches = problem()
    matrix = whole(params, batches)
    last = absa.jax.Hessian(loss, params, batches, "last/*")
    assert last.n == 15
    assert numpy.allclose(dense(last), matrix[-15:, -15:], rtol=1e-10, atol=1e-12)
    tree = last.vector_to_tree(numpy.ones(15))
    assert float(tree["last"]["w"].sum()) == 15 and float(tree["first"]["w"].sum()) == 0


def test_gauss_newton_products_are_jlj():
    params, batches = problem()
    hessian = absa.jax.Hessian(loss_of, params, batches[:1], mode="ggn", forward=forward)
    flat, back = ravel_pytree(params)
    outputs = forward(params, batches[0])
    jacobian = jax.jacobian(lambda x: forward(back(x), batches[0]).reshape(-1))(flat)
    curvature = jax.hessian(lambda z: loss_of(z.reshape(outputs.shape), batches[0]))(
        outputs.reshape(-1))
    assert numpy.allclose(dense(hessian), jacobian.T @ curvature @ jacobian, atol=1e-12)


def test_the_eigenvalue_is_numpys_and_follows_the_parameters():
    params, batches = problem()
    hessian = absa.jax.Hessian(loss, params, batches)
    found = hessian.top(rule="certified", tol=1e-3, max_products=60)
    same = absa.eigenvalues(whole(params, batches), rule="certified", tol=1e-3, max_products=60)
    assert found.value == pytest.approx(same.value, rel=1e-10)
    assert found.products == same.products
    hessian.params = jax.tree_util.tree_map(lambda p: 2 * p, params)
    truth = numpy.linalg.eigvalsh(whole(hessian.params, batches))[-1]
    assert hessian.top(hint=found, tol=1e-3).value == pytest.approx(truth, rel=2e-3)


def test_single_precision_and_exceptions():
    params, batches = problem(jnp.float32)
    hessian = absa.jax.Hessian(loss, params, batches)
    truth = numpy.linalg.eigvalsh(whole(params, batches))[-1]
    assert hessian.top().value == pytest.approx(truth, rel=1e-2)

    def broken(params, batch):
        raise KeyError("mine")
    with pytest.raises(KeyError, match="mine"):
        absa.jax.Hessian(broken, params, batches).top()
    for wrong, kind in ((iter(batches), TypeError), ([], ValueError)):
        with pytest.raises(kind):
            absa.jax.Hessian(loss, params, wrong)
    with pytest.raises(ValueError, match="matches no parameter"):
        absa.jax.Hessian(loss, params, batches, "nothing")
    with pytest.raises(ValueError, match="needs forward"):
        absa.jax.Hessian(loss, params, batches, mode="ggn")
