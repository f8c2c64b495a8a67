"""Checks of the engine's gradients, shared by tests of several rooms."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tsmaml.engine.functional import FunctionalModel
from tsmaml.engine.mapping import vectorized
from tsmaml.engine.objective import as_loss
from tsmaml.engine.outer import outer_gradient
from tsmaml.engine.problem import Meta, Problem, initial_rates

SEED = tf.constant([0, 0], tf.int64)


def problem_of(model, algorithm, loss="mse"):
    """The problem and where its meta-parameters start."""
    net = FunctionalModel(model)
    problem = Problem.of(net, as_loss(loss), algorithm)
    return problem, Meta(net.initial(), initial_rates(problem))


def flat(tensors) -> np.ndarray:
    """All numbers of a nest in one vector."""
    return np.concatenate([np.ravel(t) for t in tf.nest.flatten(tensors)])


def numeric_gradient(function, point: np.ndarray, width: float = 1e-6) -> np.ndarray:
    """Central differences."""
    result = np.zeros_like(point)
    for i in range(point.size):
        up, down = point.copy(), point.copy()
        up[i] += width
        down[i] -= width
        result[i] = (function(up) - function(down)) / (2 * width)
    return result


def check_outer_gradient(
    problem, meta, batch, map_tasks=vectorized, *, jit=False, rtol=1e-5, atol=1e-7
) -> np.ndarray:
    """Compare the outer gradient with central differences of the query loss; needs float64."""
    compiled = tf.function(
        lambda parts: outer_gradient(
            problem, tf.nest.pack_sequence_as(meta, parts), batch, SEED, map_tasks
        ),
        autograph=False,
        jit_compile=jit,
    )
    shapes = [tuple(part.shape) for part in tf.nest.flatten(meta)]
    sizes = [int(np.prod(shape)) for shape in shapes]

    def unflat(vector):
        parts = np.split(vector, np.cumsum(sizes)[:-1])
        return [tf.constant(p.reshape(s)) for p, s in zip(parts, shapes, strict=True)]

    point = flat(meta)
    grads = flat(compiled(unflat(point))[0])
    numeric = numeric_gradient(lambda v: float(compiled(unflat(v))[1].query), point)
    np.testing.assert_allclose(grads, numeric, rtol=rtol, atol=atol)
    return grads
