"""Shrinkage: how far of its way a task is taken."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from tsmaml import engine
from tsmaml.engine.shrinkage import shares_of_way


def test_shares_are_a_function_of_the_support_s_weights():
    shrinkage = tf.constant([[0.3, 0.0], [-1.0, 0.7]])
    weights = tf.constant([1.0, 0.0, 0.5])
    expected = 1 / (1 + np.exp(-np.array([0.3, -1.0 + 0.7 * np.log(2.5)])))
    np.testing.assert_allclose(shares_of_way(shrinkage, weights), expected, rtol=1e-6)


def test_tasks_are_taken_a_share_of_the_way_that_the_inner_loop_goes(
    float64, small_net, random_batch
):
    options = {"rate": 0.1, "learned_rates": "layer"}
    batch, net = random_batch(), small_net()
    whole = engine.MetaLearner(net, engine.maml(**options))
    part = engine.MetaLearner(net, engine.maml(**options, shrinkage="layer"))
    shrinkage = np.array([[0.4, -0.2], [-0.5, 0.3]])
    part.load_arrays({**part.arrays(), "rates/1": shrinkage})
    support = batch[:3]
    way, taken = (one.adapt(*support, steps=3) for one in (whole, part))
    np.testing.assert_array_equal(way.steps, taken.steps)
    np.testing.assert_allclose(way.zero_step_loss, taken.zero_step_loss)
    amount = np.log1p(np.sum(support[2], axis=1, keepdims=True))
    shares = 1 / (1 + np.exp(-(shrinkage[:, 0] + shrinkage[:, 1] * amount)))
    # A kernel and a bias a layer.
    for number, (start, far, near) in enumerate(
        zip(whole.meta.parameters, way.fast, taken.fast, strict=True)
    ):
        share = shares[:, number // 2].reshape([-1] + [1] * start.shape.rank)
        np.testing.assert_allclose(near, start + share * (far - start), rtol=1e-9, atol=1e-12)
    outputs = part.predict(support[0], taken)
    losses = np.mean(np.square(outputs - support[1]), -1)
    weighed = np.sum(losses * support[2], 1) / np.sum(support[2], 1)
    np.testing.assert_allclose(taken.support_loss, weighed)
    assert not np.allclose(taken.support_loss, way.support_loss)


def levels(seed):
    """Noisy points of a level that each task has: one point of support, or sixteen."""
    level = tf.random.stateless_normal([32, 1, 1], seed)
    noisy = level + tf.random.stateless_normal([32, 24, 1], seed + 1)
    few = tf.concat([tf.ones([16, 1]), tf.zeros([16, 15])], axis=1)
    weights = tf.concat([few, tf.ones([16, 16])], axis=0)
    x = tf.zeros([32, 24, 1])
    return engine.TaskBatch(
        x[:, :16], noisy[:, :16], weights, x[:, 16:], noisy[:, 16:], tf.ones([32, 8])
    )


def test_tasks_with_little_support_learn_to_stay_near_the_initialisation():
    # The best estimate of a level that is spread like its noise is n / (1 + n) of the mean of its n
    # points. A step of rate 0.5 goes all of the way to that mean.
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, name="head")])
    learner = engine.MetaLearner(
        model,
        engine.maml(rate=0.5, shrinkage="layer"),
        loss="mse",
        optimizer=keras.optimizers.Adam(0.02),
    )
    learner.fit(levels, steps=1500)
    shrinkage = learner.meta.rates[-1]
    few, many = (float(shares_of_way(shrinkage, tf.ones([n]))[0]) for n in (1, 16))
    np.testing.assert_allclose([few, many], [1 / 2, 16 / 17], atol=0.05)
