"""Small problems on which the engine is checked, in float64."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tsmaml import engine


@pytest.fixture
def float64():
    """Keras in double precision, for finite differences and parity."""
    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    # The policy keeps its own dtype once a layer has been made.
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx(before[0])
    keras.config.set_dtype_policy(before[1])


@pytest.fixture
def small_net():
    """Makes a 2-5-2 net of smooth layers with its last layer as head."""

    def build(seed: int = 0) -> keras.Model:
        keras.utils.set_random_seed(seed)
        return keras.Sequential(
            [
                keras.Input((2,)),
                keras.layers.Dense(5, activation="tanh", name="body"),
                keras.layers.Dense(2, name="head"),
            ]
        )

    return build


@pytest.fixture
def random_batch():
    """Makes a batch of random tasks, ``[tasks, samples, 2]``, with some weights at zero."""

    def build(n_tasks: int = 3, n_support: int = 4, n_query: int = 3, seed: int = 1):
        rng = np.random.default_rng(seed)

        def part(n: int):
            x, y = rng.normal(size=(2, n_tasks, n, 2))
            weights = (rng.uniform(size=(n_tasks, n)) > 0.2).astype(float)
            weights[:, 0] = 1.0
            return tf.constant(x), tf.constant(y), tf.constant(weights)

        return engine.TaskBatch(*part(n_support), *part(n_query))

    return build


def sinusoids(seed, n_tasks=25, n_samples=20):
    """Sinusoid tasks of Finn et al. 2017, section 5.1."""
    draw = tf.random.stateless_uniform([n_tasks, 2, 1], seed)
    x = tf.random.stateless_uniform([n_tasks, n_samples, 1], seed + 1, -5, 5)
    y = (0.1 + 4.9 * draw[:, :1]) * tf.sin(x - np.pi * draw[:, 1:])
    return engine.TaskBatch.split(x, y, n_support=10)


@pytest.fixture
def sinusoid_sampler():
    return sinusoids


@pytest.fixture
def sinusoid_net():
    def build(seed: int = 0, width: int = 40) -> keras.Model:
        keras.utils.set_random_seed(seed)
        return keras.Sequential(
            [
                keras.Input((1,)),
                keras.layers.Dense(width, "relu"),
                keras.layers.Dense(width, "relu"),
                keras.layers.Dense(1),
            ]
        )

    return build
