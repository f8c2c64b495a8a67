"""Adaptation to one large task: Adam against NumPy, and a learner at other parameters."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tsmaml import engine
from tsmaml.engine.shrinkage import between

STEPS, RATE = 12, 0.05


def linear_learner() -> engine.MetaLearner:
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    return engine.MetaLearner(model, engine.maml())


def first_rows(seed: tf.Tensor, data: tuple[tf.Tensor, tf.Tensor]):
    """Rows in turn: which ones, the step in the seed says."""
    rows = (2 * tf.cast(seed[1], tf.int32) + tf.range(4)) % 8
    inputs, targets = (tf.gather(part, rows) for part in data)
    return inputs, targets, tf.ones([4])


def adam_by_hand(weights, bias, x, y):
    """Kingma and Ba's algorithm 1 on the mean squared error, the rate falling as a cosine to 1 %."""
    theta = np.concatenate([weights.ravel(), bias]).astype(np.float64)
    first, second = np.zeros((2, 3))
    for step in range(STEPS):
        rows = (2 * step + np.arange(4)) % 8
        design = np.concatenate([x[rows], np.ones((4, 1))], 1)
        grad = 2 * design.T @ (design @ theta - y[rows, 0]) / 4
        first, second = 0.9 * first + 0.1 * grad, 0.999 * second + 0.001 * grad**2
        hat = first / (1 - 0.9 ** (step + 1)), second / (1 - 0.999 ** (step + 1))
        rate = RATE * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * step / STEPS)))
        theta -= rate * hat[0] / (np.sqrt(hat[1]) + 1e-7)
    return theta[:2, np.newaxis], theta[2:]


def test_tuning_is_adam_on_the_batches_that_are_drawn():
    learner, rng = linear_learner(), np.random.default_rng(0)
    x, y = rng.normal(size=(8, 2)).astype("float32"), rng.normal(size=(8, 1)).astype("float32")
    start = [np.array(part) for part in learner.meta.parameters]
    data = tf.constant(x), tf.constant(y)
    tuned = learner.tune(first_rows, data, STEPS, rate=RATE)
    for found, wanted in zip(tuned, adam_by_hand(*start, x, y), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
    for now, before in zip(learner.meta.parameters, start, strict=True):
        np.testing.assert_array_equal(now, before)


def test_steps_without_a_finite_gradient_are_left_out():
    learner = linear_learner()
    start = learner.meta.parameters
    data = tf.ones([8, 2]), tf.fill([8, 1], np.float32(np.nan))
    for found, wanted in zip(learner.tune(first_rows, data, 3), start, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_a_learner_at_other_parameters_predicts_and_adapts_from_them():
    learner = linear_learner()
    x, y = tf.ones([1, 3, 2]), tf.ones([1, 3, 1])
    moved = [part + 1 for part in learner.meta.parameters]
    there = learner.at(moved)
    zero_step = np.array(there.predict(x))
    np.testing.assert_allclose(zero_step[0], np.array(x[0]) @ np.array(moved[0]) + moved[1], 1e-6)
    assert not np.array_equal(learner.predict(x), zero_step)
    error = float(np.mean((zero_step - 1) ** 2))
    assert float(there.adapt(x, y).zero_step_loss[0]) == pytest.approx(error, rel=1e-5)
    traces = learner.adapt_traces, there.adapt_traces
    learner.at(learner.meta.parameters).adapt(x, y)
    assert (learner.adapt_traces, there.adapt_traces) == traces


def test_between_two_sets_of_parameters():
    start, end = (np.array([0.0, 2.0]),), (np.array([4.0, 4.0]),)
    np.testing.assert_array_equal(between(start, end, 0.25)[0], [1.0, 2.5])
