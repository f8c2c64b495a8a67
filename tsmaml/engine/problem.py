"""What the engine works on: model, loss and algorithm, and the parameters that they share.

Meta-parameters are the model's parameters and what the inner loop itself learns. *Fast* parameters
are the subset that adaptation moves; the rest stays shared between the tasks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tsmaml.engine.algorithms import Algorithm
from tsmaml.engine.functional import FunctionalModel, Parameters
from tsmaml.engine.inner_rules import SGD
from tsmaml.engine.linear_head import LinearHead
from tsmaml.engine.objective import Loss, weighted_mean
from tsmaml.engine.shrinkage import initial_shrinkage
from tsmaml.errors import TrainingError


class Meta(NamedTuple):
    """What the outer loop learns.

    Attributes:
        parameters: the model's.
        rates: learned inner rates; for ``ridge`` the logarithms of its strengths. What shrinkage
            learns comes last.
    """

    parameters: Parameters
    rates: Parameters


class Problem(NamedTuple):
    """What stays the same for every task: model, loss, algorithm, which variables move.

    Attributes:
        net, loss, algorithm: as their names say.
        chosen: indices of the variables that move.
        layers: the layer that each of them belongs to.
        head: the linear head that they are, where what the algorithm does to it can be done to
            outputs (:class:`~tsmaml.engine.linear_head.View`).
    """

    net: FunctionalModel
    loss: Loss
    algorithm: Algorithm
    chosen: tuple[int, ...]
    layers: tuple[int, ...]
    head: LinearHead | None = None

    @classmethod
    def of(cls, net: FunctionalModel, loss: Loss, algorithm: Algorithm) -> Problem:
        """Resolve what the algorithm adapts on this model.

        Raises:
            TrainingError: if the model does not have what the algorithm adapts.
        """
        chosen = net.select(algorithm.adapts)
        if algorithm.outer == "reptile" and chosen == (net.context,):
            raise TrainingError("Reptile learns from the way that weights go; context has none.")
        head = None
        if algorithm.solver == "ridge":
            head = LinearHead(net, chosen)
        elif _moves_along_features(algorithm):
            head = LinearHead.of(net, chosen)
        return cls(net, loss, algorithm, chosen, net.layers_of(chosen), head)

    @property
    def solved_head(self) -> LinearHead | None:
        """The head that is solved for in closed form; None where steps are taken."""
        return self.head if self.algorithm.solver == "ridge" else None

    def head_for(self, n_support: int) -> LinearHead | None:
        """The head to see tasks of so many support samples through; None: to move its weights."""
        # Products of samples are smaller than weights up to as many samples as there are features.
        fits = self.head is not None and n_support <= self.head.n_features
        return self.head if fits else None


class Samples(NamedTuple):
    """Support or query of one task: inputs, targets, weights."""

    inputs: Any
    targets: Any
    weights: tf.Tensor


def initial_rates(problem: Problem) -> Parameters:
    """What the inner loop learns, before training.

    Returns:
        ``()``, ``([],)``, ``([layers],)``, ``([layers, steps],)`` or one tensor like each adapted
        variable, for ``learned_rates`` None, scalar, layer, layer_step and parameter, all equal to
        the algorithm's rate; for ``ridge`` ``([layers],)``, the logarithm of its strength. With
        shrinkage ``[layers, 2]`` comes after them.
    """
    algorithm, dtype = problem.algorithm, problem.net.dtype
    layers = max(problem.layers) + 1
    if algorithm.solver == "ridge":
        return (tf.math.log(tf.fill((layers,), tf.constant(algorithm.strength, dtype))),)
    shapes: dict[str | None, list[tuple[int, ...]]] = {
        None: [],
        "scalar": [()],
        "layer": [(layers,)],
        "layer_step": [(layers, algorithm.steps)],
        "parameter": [problem.net.shapes[i] for i in problem.chosen],
    }
    rates = tuple(
        tf.fill(shape, tf.constant(algorithm.rate, dtype))
        for shape in shapes[algorithm.learned_rates]
    )
    return rates if algorithm.shrinkage is None else (*rates, initial_shrinkage(layers, dtype))


def take(problem: Problem, parameters: Sequence[tf.Tensor]) -> Parameters:
    """The subset that adaptation moves. Context, which is nobody's parameter, begins at zero."""
    return tuple(
        tf.zeros(problem.net.shapes[i], problem.net.dtype)
        if i == problem.net.context
        else parameters[i]
        for i in problem.chosen
    )


def put(problem: Problem, parameters: Sequence[tf.Tensor], fast: Sequence[tf.Tensor]) -> Parameters:
    """All parameters, with the fast ones in their places; context, where adapted, comes last."""
    merged = list(parameters)
    for index, value in zip(problem.chosen, fast, strict=True):
        merged[index : index + 1] = [value]
    return tuple(merged)


def task_loss(
    problem: Problem,
    parameters: Sequence[tf.Tensor],
    samples: Samples,
    seed: tf.Tensor | None = None,
) -> tf.Tensor:
    """Weighted mean loss of one task's samples: a scalar."""
    outputs = outputs_for(problem, parameters, samples.inputs, seed)
    return loss_of(problem, outputs, samples)


def outputs_for(
    problem: Problem, parameters: Sequence[tf.Tensor], inputs: Any, seed: tf.Tensor | None = None
) -> Any:
    """Outputs ``[samples, ...]`` of one task.

    Random layers draw from ``seed``; without one they are off, as in adaptation for a forecast.
    """
    training = seed is not None or not problem.net.is_random
    outputs = problem.net(parameters, inputs, training=training, seed=seed)
    # Mixed precision ends here: losses and gradients are in the dtype of the variables.
    return tf.nest.map_structure(lambda output: tf.cast(output, problem.net.dtype), outputs)


def loss_of(problem: Problem, outputs: Any, samples: Samples) -> tf.Tensor:
    """Weighted mean loss of outputs for one task's samples: a scalar."""
    return weighted_mean(problem.loss(samples.targets, outputs), samples.weights)


def _moves_along_features(algorithm: Algorithm) -> bool:
    """Whether steps on a linear head are sums of ``F_k^T C``, with a factor for each layer alone."""
    return (
        algorithm.rule == SGD()
        and algorithm.outer == "gradient"
        and algorithm.learned_rates != "parameter"
        and algorithm.clip_norm is None
        and not algorithm.pull
    )
