"""What every meta-learning algorithm has to do: one check for each promise, on a net of a few units.

Call :func:`check_algorithm` in a test of your plugin::

    from tsmaml.testing import check_algorithm

    def test_my_algorithm():
        check_algorithm("my_algorithm", options={"steps": 2})
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tsmaml import engine
from tsmaml.engine.functional import FunctionalModel
from tsmaml.engine.mapping import vectorized
from tsmaml.engine.outer import outer_gradient
from tsmaml.engine.problem import Meta, Problem, initial_rates
from tsmaml.losses import mse
from tsmaml.plugins import Part, registry
from tsmaml.plugins.calls import call_part
from tsmaml.testing.common import as_stored, double_precision, run_checks, want
from tsmaml.testing.derivatives import is_slope, plain_loop

_TASKS, _SUPPORT, _QUERY, _WIDTH = 3, 5, 4, 2
_STEPS = 30


@dataclass(frozen=True)
class Subject:
    """An algorithm under test.

    Attributes:
        part: that makes it.
        options: of the algorithm.
    """

    part: Part
    options: Mapping[str, Any] = field(default_factory=dict)

    def make(self) -> engine.Algorithm:
        """The algorithm, of its options as a model file holds them."""
        made = call_part(self.part, options=as_stored(self, self.options))
        want(
            isinstance(made, engine.Algorithm),
            f"{self} should be made as a tsmaml.engine.Algorithm, and is a {type(made).__name__}.",
        )
        return made

    def learner(self) -> engine.MetaLearner:
        """A learner of a small net by this algorithm."""
        adam = keras.optimizers.Adam(0.02)
        optimizer = None if self.make().outer == "reptile" else adam
        return engine.MetaLearner(
            _net(), self.make(), mse(), optimizer=optimizer, vectorize="vectorized", jit=False
        )

    def __str__(self) -> str:
        return f"The algorithm {self.part.name!r}"


def check_algorithm(
    algorithm: str | Part | engine.Algorithm | Callable[..., engine.Algorithm],
    *,
    options: Mapping[str, Any] | None = None,
    checks: Iterable[str] | None = None,
) -> None:
    """Check that an algorithm does all that tsmaml wants of it.

    Args:
        algorithm: a registered name, a registered part, an :class:`tsmaml.engine.Algorithm`, or a
            function ``build(**options) -> Algorithm``.
        options: of the algorithm; few steps keep the checks quick.
        checks: some of the names of :data:`ALGORITHM_CHECKS`; None: all.

    Raises:
        AssertionError: at the first check that fails; the message says what is wanted.
        UsageError, PluginError: if the algorithm can't be made at all, or there is no such check.
    """
    if isinstance(algorithm, engine.Algorithm):
        given = algorithm
        algorithm = Part("algorithm", given.name, "given in Python", None, None, lambda: given)
    if not isinstance(algorithm, Part):
        algorithm = registry().resolve("algorithm", algorithm)
    subject = Subject(algorithm, dict(options or {}))
    run_checks("algorithms", ALGORITHM_CHECKS, checks, subject)


def check_storage(subject: Subject) -> None:
    """Made again, of the options as a model file holds them, it is equal."""
    want(
        subject.make() == subject.make(),
        f"{subject} should be equal when it is made again with the same options, as when a model file "
        "is loaded: a rule of its own is a frozen dataclass.",
    )


def check_adaptation(subject: Subject) -> None:
    """A task adapts to its own support, to what counts in it, and to nothing else."""
    learner, batch = subject.learner(), _batch()
    weights = np.ones((_TASKS, _SUPPORT), "float32")
    weights[:, 0] = 0

    def adapted(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        found = learner.adapt({"x": x}, {"y": y}, weights)
        want(
            all(np.isfinite(part).all() for part in tf.nest.flatten(found.fast)),
            f"{subject} should adapt to finite parameters.",
        )
        return np.asarray(learner.predict({"x": x}, found))

    x, y = np.array(batch.support_inputs["x"]), np.array(batch.support_targets["y"])
    zero_step, outputs = np.asarray(learner.predict({"x": x})), adapted(x, y)

    def error(made: np.ndarray) -> np.ndarray:
        return np.mean((weights[..., np.newaxis] * (made - y)) ** 2, axis=(1, 2))

    want(
        bool((error(outputs) < error(zero_step)).all()),
        f"{subject} should fit each task's support better once it has adapted to it; mean squared "
        f"errors go from {error(zero_step).round(4)} to {error(outputs).round(4)}.",
    )
    want(
        bool(np.array_equal(adapted(x, y), outputs)),
        f"{subject} should adapt to the same parameters twice: nothing random outside of training.",
    )
    silent, other = y.copy(), y.copy()
    silent[:, 0] += 100
    other[0] += 1
    want(
        bool(np.allclose(adapted(x, silent), outputs, atol=1e-6)),
        f"{subject} should not adapt to a window whose weight is 0.",
    )
    changed = adapted(x, other)
    want(
        bool(np.allclose(changed[1:], outputs[1:], atol=1e-6) and (changed[0] != outputs[0]).any()),
        f"{subject} should adapt each task to its own support and to no other task's.",
    )


def check_gradient(subject: Subject) -> None:
    """The outer gradient of tasks side by side is that of a plain loop, and the one that it says."""
    algorithm = subject.make()
    with double_precision():
        problem = Problem.of(FunctionalModel(_net()), mse(), algorithm)
        batch, seed = _batch("float64"), tf.constant([0, 0], tf.int64)
        meta = Meta(problem.net.initial(), initial_rates(problem))

        def gradient(parts: Any, map_tasks: Any = vectorized) -> Any:
            point = tf.nest.pack_sequence_as(meta, list(parts))
            return outer_gradient(problem, point, batch, seed, map_tasks)

        mapped, point = tf.function(gradient, autograph=False), tf.nest.flatten(meta)
        found, losses = mapped(point)
        wanted, wanted_losses = gradient(point, plain_loop)
        pairs = zip(
            tf.nest.flatten((found, losses)), tf.nest.flatten((wanted, wanted_losses)), strict=True
        )
        want(
            all(np.allclose(one, other, rtol=1e-7, atol=1e-10) for one, other in pairs),
            f"{subject} should have the same outer gradient and losses when its tasks are mapped as "
            "when they come one after the other.",
        )
        if (algorithm.outer, algorithm.order, algorithm.first_order_share) != ("gradient", 2, 0.0):
            return  # It is none that differences would find.
        rng = np.random.default_rng(4)
        direction = [rng.normal(size=part.shape) for part in point]
        slope = sum(
            float(np.sum(np.asarray(part) * way))
            for part, way in zip(tf.nest.flatten(found), direction, strict=True)
        )

        def query_loss(length: float) -> float:
            moved = [part + length * way for part, way in zip(point, direction, strict=True)]
            return float(mapped(moved)[1].query)

        want(
            is_slope(query_loss, slope),
            f"{subject} should have the second-order gradient that differences of the query loss "
            "have: its rule has to be differentiable, or its order is 1.",
        )


def check_training(subject: Subject) -> None:
    """Meta-training lowers the query loss after adaptation, twice to the same bits; arrays hold it."""
    learner, batch = subject.learner(), _batch()
    start, before = learner.checkpoint(), learner.score(batch)[1]
    learner.fit([batch] * _STEPS, steps=_STEPS)
    first, after = learner.arrays(), learner.score(batch)[1]
    want(
        all(np.isfinite(part).all() for part in first.values()),
        f"{subject} should meta-train to finite parameters.",
    )
    want(
        after < before,
        f"{subject} should lower the query loss after adaptation in meta-training; in {_STEPS} steps "
        f"on one batch it went from {before:.4g} to {after:.4g}.",
    )
    learner.restore(start)
    learner.fit([batch] * _STEPS, steps=_STEPS)
    again = learner.arrays()
    want(
        all(np.array_equal(first[name], again[name]) for name in first),
        f"{subject} should meta-train to the same parameters from the same start.",
    )
    learner.restore(start)
    learner.load_arrays(first)
    want(
        learner.score(batch)[1] == after,
        f"{subject} should forecast the same with the parameters that were stored: all that it learns "
        "belongs into them.",
    )


def _net() -> keras.Model:
    """``tanh(x V + c U + b) W + d``, of smooth layers, with a head and context inputs."""
    keras.utils.set_random_seed(0)
    x, context = keras.Input((_WIDTH,), name="x"), keras.Input((2,), name="context")
    hidden = keras.layers.Add(name="sum")(
        [
            keras.layers.Dense(4, name="of_x")(x),
            keras.layers.Dense(4, use_bias=False, name="of_context")(context),
        ]
    )
    output = keras.layers.Dense(_WIDTH, name="head")(keras.layers.Activation("tanh")(hidden))
    return keras.Model([x, context], output)


def _batch(dtype: str = "float32") -> engine.TaskBatch:
    """Tasks that are linear maps of their own, near one another."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(_TASKS, _SUPPORT + _QUERY, _WIDTH))
    maps = np.eye(_WIDTH) + 0.3 * rng.normal(size=(_TASKS, _WIDTH, _WIDTH))
    inputs = {"x": tf.constant(x, dtype)}
    return engine.TaskBatch.split(inputs, {"y": tf.constant(x @ maps, dtype)}, _SUPPORT)


ALGORITHM_CHECKS: dict[str, Callable[[Subject], None]] = {
    "storage": check_storage,
    "adaptation": check_adaptation,
    "gradient": check_gradient,
    "training": check_training,
}
