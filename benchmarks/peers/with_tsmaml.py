"""tsmaml's public API: a Keras model, `MetaLearner.fit`, tasks drawn inside the compiled loop."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from serve import RATE, SHOTS, TASKS, inner_steps, serve, tasks, weights

from tsmaml import engine

tf.config.threading.set_intra_op_parallelism_threads(2)
tf.config.threading.set_inter_op_parallelism_threads(2)


def sinusoids(seed: tf.Tensor) -> engine.TaskBatch:
    # Threefry, which XLA takes if not told, is slower than the whole rest of the sampler.
    draw = tf.random.stateless_uniform([TASKS, 2, 1], seed, alg="philox")
    x = tf.random.stateless_uniform([TASKS, 2 * SHOTS, 1], seed + 1, -5, 5, alg="philox")
    y = (0.1 + 4.9 * draw[:, :1]) * tf.sin(x - np.pi * draw[:, 1:])
    return engine.TaskBatch.split(x, y, n_support=SHOTS)


dense = keras.layers.Dense
model = keras.Sequential([keras.Input((1,)), dense(40, "relu"), dense(40, "relu"), dense(1)])
model.set_weights(weights())
algorithm = engine.maml(rate=RATE, steps=inner_steps())
learner = engine.MetaLearner(model, algorithm, optimizer=keras.optimizers.Adam(1e-3))
loss = learner.score(engine.TaskBatch.split(*map(tf.constant, tasks()), n_support=SHOTS))
done = 0


def run(count: int) -> None:
    global done
    done += count
    learner.fit(sinusoids, done)


serve({"tsmaml": run}, loss[1])
