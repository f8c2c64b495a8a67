"""The same N-BEATS in JAX, one jitted step a call: `forecast_jax.py ALGORITHM`."""

from __future__ import annotations

import sys

import jax
import jax.numpy as jnp
import optax
from forecasting import BLOCKS, INPUT_SIZE, LAYERS, QUERY, RATE, SUPPORT, TASKS, H, tasks, weights
from serve import serve

ALGORITHM = sys.argv[1]
PARTS = slice(SUPPORT), slice(SUPPORT, None)


def features_of(w, inputs):
    """What goes into each head, and the forecast."""
    past, mask = inputs
    residual, seen = past, {"head_linear": past}
    total = past @ w["head_linear/kernel"]
    for block in range(1, BLOCKS + 1):
        name = f"block_{block}_1"
        x = residual @ w[f"{name}_values/kernel"] + w[f"{name}_values/bias"]
        x = jax.nn.relu(x + mask @ w[f"{name}_mask/kernel"])
        for layer in range(2, LAYERS + 1):
            name = f"block_{block}_{layer}"
            x = jax.nn.relu(x @ w[f"{name}/kernel"] + w[f"{name}/bias"])
        seen[f"head_{block}"] = x
        total = total + x @ w[f"head_{block}/kernel"] + w[f"head_{block}/bias"]
        if block < BLOCKS:
            back = x @ w[f"backcast_{block}/kernel"] + w[f"backcast_{block}/bias"]
            residual = (residual - back) * mask
    return seen, total


def loss_of(w, inputs, target):
    return jnp.mean((features_of(w, inputs)[1] - target) ** 2)


def stepped(w, inputs, target):
    """One gradient step, of all weights or of the head."""
    moved = {name: part for name, part in w.items() if ALGORITHM == "maml" or "head" in name}
    grads = jax.grad(lambda part: loss_of({**w, **part}, inputs, target))(moved)
    return {**w, **jax.tree.map(lambda p, g: p - RATE * g, moved, grads)}


def solved(w, inputs, target):
    """The head by ridge regression towards what it is, in the dual form."""
    seen, outputs = features_of(w, inputs)
    parts = {}
    for name, x in seen.items():
        scale = jnp.exp(-0.5 * w[f"log_strength/{name}"])
        parts[name, "kernel"] = (x * scale, scale)
        if name != "head_linear":
            parts[name, "bias"] = (jnp.ones((len(x), 1)) * scale, scale)
    features = jnp.concatenate([part for part, _ in parts.values()], 1)
    gram = features @ features.T + jnp.eye(len(features))
    way = jax.scipy.linalg.cho_solve(jax.scipy.linalg.cho_factor(gram), target - outputs)
    found = {}
    for (name, kind), (part, scale) in parts.items():
        change = part.T @ way * scale
        found[f"{name}/{kind}"] = w[f"{name}/{kind}"] + (change[0] if kind == "bias" else change)
    return {**w, **found}


def adapted_loss(w, inputs, target):
    adapt = solved if ALGORITHM == "ridge" else stepped
    support, query = [tuple(x[part] for x in inputs) for part in PARTS]
    return loss_of(adapt(w, support, target[PARTS[0]]), query, target[PARTS[1]])


def meta_loss(w, past, target):
    inputs = (past, jnp.ones_like(past))
    return jnp.mean(jax.vmap(adapted_loss, (None, 0, 0))(w, inputs, target))


optimizer = optax.adam(1e-3)


@jax.jit
def step(w, slots, key):
    key, now = jax.random.split(key)
    shape = (TASKS, SUPPORT + QUERY, INPUT_SIZE + H)
    windows = jax.random.uniform(now, shape, minval=-1.7, maxval=1.7)
    loss, grads = jax.value_and_grad(meta_loss)(
        w, windows[..., :INPUT_SIZE], windows[..., INPUT_SIZE:]
    )
    updates, slots = optimizer.update(grads, slots)
    return optax.apply_updates(w, updates), slots, key, loss


start = {name: jnp.asarray(part) for name, part in weights().items()}
if ALGORITHM == "ridge":
    heads = ["linear", *range(1, BLOCKS + 1)]
    start |= {f"log_strength/head_{head}": jnp.zeros(()) for head in heads}
state = [start, optimizer.init(start), jax.random.key(0)]


def run(count: int) -> None:
    for _ in range(count):
        *state[:], loss = step(*state)
    loss.block_until_ready()


serve({"JAX": run}, float(meta_loss(start, *tasks())))
