"""JAX as its users write it: `jit(vmap(...))` and optax, one step a call; and 50 in a `scan`."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
from serve import RATE, SHOTS, TASKS, inner_steps, serve, tasks, weights

UNROLLED = 50


def forward(parameters, x):
    w1, b1, w2, b2, w3, b3 = parameters
    return jax.nn.relu(jax.nn.relu(x @ w1 + b1) @ w2 + b2) @ w3 + b3


def loss_of(parameters, x, y):
    return jnp.mean((forward(parameters, x) - y) ** 2)


def adapted_loss(parameters, x, y):
    start = parameters
    for _ in range(inner_steps()):
        grads = jax.grad(loss_of)(start, x[:SHOTS], y[:SHOTS])
        start = jax.tree.map(lambda p, g: p - RATE * g, start, grads)
    return loss_of(start, x[SHOTS:], y[SHOTS:])


def meta_loss(parameters, x, y):
    return jnp.mean(jax.vmap(adapted_loss, (None, 0, 0))(parameters, x, y))


def sinusoids(key):
    a, b, c = jax.random.split(key, 3)
    amplitude = jax.random.uniform(a, (TASKS, 1, 1), minval=0.1, maxval=5.0)
    phase = jax.random.uniform(b, (TASKS, 1, 1), maxval=np.pi)
    x = jax.random.uniform(c, (TASKS, 2 * SHOTS, 1), minval=-5, maxval=5)
    return x, amplitude * jnp.sin(x - phase)


optimizer = optax.adam(1e-3)


def step(parameters, slots, key):
    key, now = jax.random.split(key)
    loss, grads = jax.value_and_grad(meta_loss)(parameters, *sinusoids(now))
    updates, slots = optimizer.update(grads, slots)
    return optax.apply_updates(parameters, updates), slots, key, loss


def many(parameters, slots, key):
    def body(carry, _):
        *carry, loss = step(*carry)
        return tuple(carry), loss

    carry, losses = jax.lax.scan(body, (parameters, slots, key), None, length=UNROLLED)
    return (*carry, losses[-1])


def runner(compiled, per_call):
    parameters = [jnp.asarray(w) for w in weights()]
    state = [parameters, optimizer.init(parameters), jax.random.key(0)]

    def run(count: int) -> None:
        for _ in range(-(-count // per_call)):
            *state[:], loss = compiled(*state)
        loss.block_until_ready()

    return run


start = [jnp.asarray(w) for w in weights()]
variants = {"JAX": runner(jax.jit(step), 1), "JAX scan": runner(jax.jit(many), UNROLLED)}
serve(variants, float(meta_loss(start, *tasks())))
