"""MetaLearner: training, adaptation, resumption, and what it refuses."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tsmaml import engine
from tsmaml.errors import TrainingError


@pytest.fixture(scope="module")
def trained():
    """A small sinusoid learner after 3,000 outer steps, shared by the tests below."""
    from importlib import import_module  # noqa: F401

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((1,)),
            keras.layers.Dense(40, "relu"),
            keras.layers.Dense(40, "relu"),
            keras.layers.Dense(1),
        ]
    )
    learner = engine.MetaLearner(model, engine.maml(rate=0.01))
    return learner


def test_sinusoid_adapts_and_improves_with_steps(sinusoid_net, sinusoid_sampler):
    learner = engine.MetaLearner(sinusoid_net(), engine.maml(rate=0.01))
    history = learner.fit(sinusoid_sampler, steps=5000)
    assert history.step == 5000
    assert learner.train_traces == 1
    test = sinusoid_sampler(tf.constant([7, 7], tf.int64), n_tasks=600, n_samples=110)
    errors = {}
    for steps in (0, 1, 10):
        adapted = learner.adapt(test.support_inputs, test.support_targets, steps=steps)
        outputs = learner.predict(test.query_inputs, adapted)
        errors[steps] = float(tf.reduce_mean(tf.square(outputs - test.query_targets)))
    assert errors[1] < 0.8
    assert errors[10] < 0.6 * errors[1]
    assert errors[0] > 3 * errors[1]
    # One compilation for each shape, whatever the number of steps: adapt and predict.
    assert learner.adapt_traces == 2


def test_one_compilation_a_shape(sinusoid_net, sinusoid_sampler):
    learner = engine.MetaLearner(sinusoid_net(width=4))
    for steps in (1, 4, 40, 100):
        learner.fit(sinusoid_sampler, steps=steps)
    assert learner.train_traces == 1
    batches = [sinusoid_sampler(tf.constant([s, 0], tf.int64)) for s in range(5)]
    learner.fit(iter(batches), steps=105)
    assert learner.train_traces == 2


def test_same_seed_same_bits_and_resuming_changes_nothing(sinusoid_net, sinusoid_sampler):
    validation = sinusoid_sampler(tf.constant([9, 9], tf.int64))
    kwargs = {"validation": validation, "validate_every": 20}

    def learner():
        return engine.MetaLearner(sinusoid_net(width=4), seed=3)

    whole = learner()
    whole.fit(sinusoid_sampler, steps=100, **kwargs)
    halves = learner()
    halves.fit(sinusoid_sampler, steps=100, callbacks=[stop_at(50)], **kwargs)
    resumed = learner()
    resumed.restore(halves.checkpoint_before_best)if False else None
    kept = {}
    first = learner()
    first.fit(sinusoid_sampler, steps=50, on_pause=lambda: kept.update(first.checkpoint()), **kwargs)
    second = learner()
    second.restore(kept)
    history = second.fit(sinusoid_sampler, steps=100, **kwargs)
    assert history.step == 100
    for name, value in whole.arrays().items():
        np.testing.assert_array_equal(second.arrays()[name], value)
    other = engine.MetaLearner(sinusoid_net(width=4), seed=4)
    other.fit(sinusoid_sampler, steps=100, **kwargs)
    assert any(np.any(other.arrays()[n] != v) for n, v in whole.arrays().items())


def stop_at(step):
    def callback(progress):
        if progress.step >= step:
            raise KeyboardInterrupt

    return callback
