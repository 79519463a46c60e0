"""A JAX loop whose batch grows with the Hessian's largest eigenvalue."""

import argparse

import jax
import jax.numpy as jnp

import absa
import absa.jax

ROWS, FEATURES, MICRO = 2048, 10, 32


def loss(params, batch):
    x, y = batch
    logits = jnp.tanh(x @ params["w1"] + params["b1"]) @ params["w2"]
    return jnp.mean(jnp.logaddexp(0.0, -y * logits))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=8, help="passes over the data (8)")
    o = parser.parse_args()
    if o.epochs < 1:
        parser.error("--epochs must be at least 1")
    keys = jax.random.split(jax.random.PRNGKey(0), 4)
    x = jax.random.normal(keys[0], (ROWS, FEATURES))
    y = jnp.sign(jnp.sum(x[:, :3], 1) + 0.3 * jax.random.normal(keys[1], (ROWS,)))
    params = {"w1": 0.3 * jax.random.normal(keys[2], (FEATURES, 16)), "b1": jnp.zeros(16),
              "w2": 0.3 * jax.random.normal(keys[3], (16,))}
    gradient = jax.jit(jax.grad(loss))
    ctl = absa.Controller(strategy="abs", samples=ROWS, epochs=o.epochs, batch=MICRO,
                          micro_batch=MICRO, batch_max=512, lr=0.1)
    total = jax.tree.map(jnp.zeros_like, params)
    updates = 0
    while not (plan := ctl.plan()).finished:
        if plan.measure_due:
            result = absa.jax.Hessian(loss, params, [(x[:512], y[:512])]).top()
            ctl.observe(result)
        elif plan.epoch_done:
            ctl.end_epoch()
            print(f"epoch {plan.epochs_ended + 1}  loss {float(loss(params, (x, y))):.4f}  "
                  f"batch {plan.batch}")
        else:
            micro = ctl.micro()
            rows = slice(micro.first, micro.first + micro.rows)
            weight = micro.weight
            total = jax.tree.map(lambda t, g: t + weight * g, total,
                                 gradient(params, (x[rows], y[rows])))
            ctl.advance(micro.global_rows)
            if micro.last:
                params = jax.tree.map(lambda p, g: p - plan.lr * g, params, total)
                total = jax.tree.map(jnp.zeros_like, params)
                updates += 1
    print(f"updates {updates} instead of {o.epochs * ROWS // MICRO}")


if __name__ == "__main__":
    main()
