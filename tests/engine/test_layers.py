"""Layers that models are made of: mapped over tasks, differentiated twice, compiled."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from gradients import SEED, check_outer_gradient, flat, problem_of
from keras import layers

from tsmaml import engine
from tsmaml.engine.mapping import choose, loop, vectorized
from tsmaml.engine.outer import outer_gradient

STEPS, CHANNELS = 3, 2


def on_sequence(*parts):
    """Inputs ``[samples, STEPS, CHANNELS]``, the parts, one output."""

    def build():
        x = keras.Input((STEPS, CHANNELS))
        y = x
        for part in parts:
            y = part()(y)
        y = layers.Flatten()(y) if len(y.shape) > 2 else y
        return keras.Model(x, layers.Dense(1, name="head")(y))

    return build


def attention():
    x = keras.Input((STEPS, CHANNELS))
    y = layers.MultiHeadAttention(2, 2)(x, x)
    return keras.Model(x, layers.Dense(1, name="head")(layers.Flatten()(y)))


def embedding():
    x = keras.Input((STEPS,), dtype="int32")
    y = layers.Flatten()(layers.Embedding(5, 2)(x))
    return keras.Model(x, layers.Dense(1, name="head")(y))


def several_inputs():
    a, b = keras.Input((STEPS, CHANNELS), name="a"), keras.Input((2,), name="b")
    y = layers.Add()([layers.Dense(3)(layers.Flatten()(a)), layers.Dense(3)(b)])
    return keras.Model({"a": a, "b": b}, layers.Dense(1, name="head")(layers.Activation("tanh")(y)))


# Name: how a model with it is built, the way that tasks are mapped, whether XLA compiles it.
LAYERS = {
    "Dense": (on_sequence(lambda: layers.Dense(2, "tanh")), vectorized, True),
    "Conv1D": (on_sequence(lambda: layers.Conv1D(2, 2, activation="tanh")), loop, True),
    "LayerNormalization": (
        on_sequence(lambda: layers.Dense(3, "tanh"), layers.LayerNormalization),
        vectorized,
        True,
    ),
    "RMSNormalization": (
        on_sequence(lambda: layers.Dense(3, "tanh"), layers.RMSNormalization),
        vectorized,
        True,
    ),
    "GroupNormalization": (
        on_sequence(lambda: layers.Dense(4, "tanh"), lambda: layers.GroupNormalization(2)),
        vectorized,
        True,
    ),
    "BatchNormalization": (
        on_sequence(lambda: layers.Dense(2, "tanh"), layers.BatchNormalization),
        vectorized,
        True,
    ),
    "Dropout": (
        on_sequence(lambda: layers.Dense(6, "tanh"), lambda: layers.Dropout(0.5)),
        loop,
        True,
    ),
    "Embedding": (embedding, vectorized, True),
    "GRU": (on_sequence(lambda: layers.GRU(1)), loop, False),
    "LSTM": (on_sequence(lambda: layers.LSTM(1)), loop, False),
    "GRU unrolled": (on_sequence(lambda: layers.GRU(2, unroll=True)), vectorized, False),
    "Bidirectional": (
        on_sequence(lambda: layers.Bidirectional(layers.SimpleRNN(2))),
        loop,
        False,
    ),
    "MultiHeadAttention": (attention, vectorized, True),
    "several inputs": (several_inputs, vectorized, True),
}


def batch_for(model, n_tasks=2, n_samples=4):
    """Random tasks of the model's inputs, float64."""
    rng = np.random.default_rng(0)

    def inputs():
        def one(tensor):
            shape = (n_tasks, n_samples, *tensor.shape[1:])
            if tensor.dtype == "int32":
                return tf.constant(rng.integers(0, 5, shape), tf.int32)
            return tf.constant(rng.normal(size=shape))

        given = model.input
        return {k: one(v) for k, v in given.items()} if isinstance(given, dict) else one(given)

    def part():
        targets = tf.constant(rng.normal(size=(n_tasks, n_samples, 1)))
        return inputs(), targets, tf.ones((n_tasks, n_samples), tf.float64)

    return engine.TaskBatch(*part(), *part())


@pytest.mark.parametrize("name", LAYERS)
def test_mapped_equals_the_loop_and_the_second_order_is_that_of_finite_differences(float64, name):
    build, expected_way, expected_jit = LAYERS[name]
    keras.utils.set_random_seed(1)
    model = build()
    way, jit = choose(model, "auto", "auto")
    assert (way, jit) == (expected_way, expected_jit)
    problem, meta = problem_of(model, engine.maml(rate=0.3, steps=1))
    batch = batch_for(model)
    # Weights away from the initialisers' zeros and ones, where terms may vanish.
    meta = meta._replace(
        parameters=tuple(
            part + 0.3 * tf.random.stateless_normal(part.shape, [i, 5], dtype=tf.float64)
            for i, part in enumerate(meta.parameters)
        )
    )
    grads = check_outer_gradient(problem, meta, batch, way, jit=jit, rtol=2e-4, atol=2e-6)
    assert np.abs(grads).max() > 1e-3
    if way is vectorized:
        looped, _ = outer_gradient(problem, meta, batch, SEED, loop)
        np.testing.assert_allclose(grads, flat(looped), rtol=1e-8, atol=1e-11)


def test_batch_normalisation_takes_its_statistics_from_the_samples_at_hand():
    keras.utils.set_random_seed(1)
    model = LAYERS["BatchNormalization"][0]()
    before = [variable.numpy() for variable in model.non_trainable_variables]
    learner = engine.MetaLearner(model, engine.maml(rate=0.1), jit=False)
    batch = tf.nest.map_structure(lambda part: tf.cast(part, "float32"), batch_for(model))
    first = learner.predict(batch.query_inputs)
    learner.fit([batch] * 2, steps=2)
    adapted = learner.adapt(batch.support_inputs, batch.support_targets)
    learner.predict(batch.query_inputs, adapted)
    # Running statistics are neither changed nor used, in training or in use.
    for old, variable in zip(before, model.non_trainable_variables, strict=True):
        np.testing.assert_array_equal(old, variable.numpy())
    for task in range(2):
        np.testing.assert_allclose(
            model(batch.query_inputs[task], training=True), first[task], rtol=1e-5, atol=1e-6
        )
        for old, variable in zip(before, model.non_trainable_variables, strict=True):
            variable.assign(old)
