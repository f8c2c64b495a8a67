"""Linear heads, adapted by their outputs: the same as moving their weights."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tsmaml import engine
from tsmaml.engine.adaptation import adapted_outputs
from tsmaml.engine.functional import FunctionalModel
from tsmaml.engine.linear_head import LinearHead
from tsmaml.engine.mapping import loop, vectorized
from tsmaml.engine.objective import as_loss
from tsmaml.engine.outer import outer_gradient
from tsmaml.engine.problem import Meta, Problem, Samples, initial_rates
from tsmaml.errors import TrainingError


def two_heads():
    """Heads with a bias, without one, and one that is used twice; their sum in another shape."""
    keras.utils.set_random_seed(3)
    x = keras.Input((2,))
    first, second = (keras.layers.Dense(3, "tanh")(x) for _ in range(2))
    head = keras.layers.Dense(2, name="head")
    straight = keras.layers.Dense(2, use_bias=False, name="head_linear")
    total = keras.layers.Add()([head(first), head(second), straight(x)])
    return keras.Model(x, keras.layers.Reshape((2,))(total))


def ensemble():
    """Two nets whose outputs are the two places of a last axis."""
    keras.utils.set_random_seed(4)
    x = keras.Input((2,))
    members = []
    for number in (1, 2):
        features = keras.layers.Dense(5, "tanh")(x)
        heads = [keras.layers.Dense(2, name=f"head_{number}_{i}")(features) for i in (1, 2)]
        members.append(keras.layers.Reshape((2, 1))(keras.layers.Add()(heads)))
    return keras.Model(x, keras.layers.Concatenate()(members))


def mean_squared(targets, outputs):
    return tf.reduce_mean(tf.square(outputs - targets[..., tf.newaxis]), -1)


mean_squared.n_outputs = 2


def problem_and_meta(model, algorithm, loss="mse"):
    net = FunctionalModel(model)
    problem = Problem.of(net, as_loss(loss), algorithm)
    rng = np.random.default_rng(5)
    # Other rates for each layer and step than one for all.
    rates = tuple(
        tf.constant(rng.uniform(0.05, 0.3, part.shape)) for part in initial_rates(problem)
    )
    return problem, Meta(net.initial(), rates)


ALGORITHMS = {
    "one step": engine.anil(rate=0.1),
    "a constant rate": engine.anil(steps=4, rate=0.1),
    "one learned rate": engine.anil(steps=3, learned_rates="scalar"),
    "a rate a layer": engine.anil(steps=3, learned_rates="layer"),
    "a rate a layer and step": engine.anil(
        steps=3, learned_rates="layer_step", objective="multi_step"
    ),
    "first order": engine.anil(steps=3, learned_rates="layer", order=1),
    "shrunk": engine.anil(
        steps=3, learned_rates="layer", shrinkage="layer", objective="multi_step"
    ),
    "shrunk at a constant rate": engine.anil(steps=2, rate=0.1, shrinkage="layer"),
    "ridge": engine.ridge(strength=0.7),
}


@pytest.mark.parametrize("algorithm", ALGORITHMS.values(), ids=ALGORITHMS)
def test_by_outputs_is_by_weights(float64, random_batch, algorithm):
    problem, meta = problem_and_meta(two_heads(), algorithm)
    compare(problem, meta, random_batch(), loop if algorithm.steps == 4 else vectorized)


def test_members_of_an_ensemble_move_by_themselves(float64, random_batch):
    algorithm = engine.anil(steps=3, learned_rates="layer")
    problem, meta = problem_and_meta(ensemble(), algorithm, mean_squared)
    assert problem.head.n_features == 12
    compare(problem, meta, random_batch(), vectorized)


def compare(problem, meta, batch, map_tasks):
    algorithm, seed = problem.algorithm, tf.constant([0, 0])
    assert problem.head_for(4) is not None
    by_weights = Problem(problem.net, problem.loss, algorithm, problem.chosen, problem.layers)
    if algorithm.solver == "ridge":
        # Solving needs to know the head, and takes it for as few samples as it has features.
        by_weights = problem._replace(head=_Weighty(problem.net, problem.chosen))
    assert by_weights.head_for(4) is None

    def both(of):
        grads, losses = outer_gradient(of, meta, batch, seed, map_tasks)
        support = Samples(*batch[:3])
        found = adapted_outputs(
            of, meta, support, batch.query_inputs, tf.constant(algorithm.steps + 2), map_tasks
        )
        return grads, losses, found

    compiled = [
        tf.function(lambda of=of: both(of), autograph=False)() for of in (problem, by_weights)
    ]
    tf.nest.map_structure(
        lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12), *compiled
    )
    _, _, found = compiled[0]
    assert not np.allclose(found.adapted, found.zero_step)
    assert all(np.abs(part).max() > 0 for part in compiled[0][0].rates)


class _Weighty(LinearHead):
    """A head that says it has no features, so that its weights are moved."""

    n_features = 0


def test_each_task_keeps_its_best_finite_outputs(float64, random_batch):
    batch = random_batch()
    learner = engine.MetaLearner(two_heads(), engine.anil(rate=30.0), jit=False)
    assert learner.problem.head is not None
    far = learner.adapt_and_predict(lambda data: (data, ()), batch, steps=2000)
    np.testing.assert_array_equal(far.steps, 0)
    np.testing.assert_array_equal(far.adapted.outputs, far.zero_step.outputs)
    careful = engine.MetaLearner(two_heads(), engine.anil(rate=0.1), jit=False)
    near = careful.adapt_and_predict(lambda data: (data, ()), batch, steps=50)
    assert (np.array(near.steps) > 10).all()


def test_more_samples_than_features_move_weights(random_batch):
    problem, _ = problem_and_meta(two_heads(), engine.anil())
    # Three features and a bias, and two straight ones.
    assert problem.head.n_features == 6
    assert problem.head_for(6) is problem.head
    assert problem.head_for(7) is None


@pytest.mark.parametrize(
    "options",
    [
        {"rule": engine.Adam()},
        {"rule": engine.SGD(momentum=0.9)},
        {"learned_rates": "parameter"},
        {"clip_norm": 1.0},
        {"pull": 0.1},
        {"adapts": "all"},
        {"adapts": "head/kernel"},
    ],
    ids=lambda options: next(iter(options)),
)
def test_what_does_not_move_along_features_moves_weights(options):
    problem, _ = problem_and_meta(two_heads(), engine.anil(**options))
    assert problem.head is None


def curved(x):
    return keras.layers.Dense(2, "tanh", name="head")(x)


def squared(x):
    return keras.layers.Dense(2, name="head")(x) ** 2


def one_after_the_other(x):
    first = keras.layers.Dense(2, name="head")(x)
    return keras.layers.Add()([first, keras.layers.Dense(2, name="head_2")(first)])


def bounded(x):
    return keras.ops.clip(keras.layers.Dense(2, name="head")(x), -50, 50)


def over_time(x):
    return keras.layers.Flatten()(
        keras.layers.Dense(2, name="head")(keras.layers.Reshape((1, 2))(x))
    )


@pytest.mark.parametrize("build", [curved, squared, one_after_the_other, bounded, over_time])
def test_outputs_that_are_not_linear_in_the_head_have_none(build):
    x = keras.Input((2,))
    net = FunctionalModel(keras.Model(x, build(x)))
    assert LinearHead.of(net, net.select("head")) is None
    assert Problem.of(net, as_loss("mse"), engine.anil()).head is None


def test_a_layer_whose_kernel_stays_is_no_linear_head():
    x = keras.Input((2,))
    head = keras.layers.Dense(2, name="head")
    model = keras.Model(x, head(keras.layers.Dense(3)(x)))
    head.kernel.trainable = False
    net = FunctionalModel(model)
    assert LinearHead.of(net, net.select("head")) is None
    with pytest.raises(TrainingError, match="not for a part of 'head'"):
        engine.MetaLearner(model, engine.ridge())


def test_models_that_do_not_say_what_they_take_have_none():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.head = keras.layers.Dense(2, name="head")

        def call(self, inputs):
            return self.head(inputs)

    model = Own()
    model(np.zeros((1, 2), "float32"))
    net = FunctionalModel(model)
    assert LinearHead.of(net, net.select("head")) is None
