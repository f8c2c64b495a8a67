"""tsmaml's public API on N-BEATS: `forecast_tsmaml.py ALGORITHM`."""

from __future__ import annotations

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf
from forecasting import (
    BLOCKS,
    INPUT_SIZE,
    LAYERS,
    QUERY,
    RATE,
    SUPPORT,
    TASKS,
    WIDTH,
    H,
    tasks,
    weights,
)
from serve import serve

from tsmaml import engine
from tsmaml.models import nbeats

tf.config.threading.set_intra_op_parallelism_threads(2)
tf.config.threading.set_inter_op_parallelism_threads(2)


def batch_of(past: tf.Tensor, target: tf.Tensor) -> engine.TaskBatch:
    inputs = {"past": past, "mask": tf.ones_like(past)}
    return engine.TaskBatch.split(inputs, target, n_support=SUPPORT)


def sample(seed: tf.Tensor) -> engine.TaskBatch:
    shape = [TASKS, SUPPORT + QUERY, INPUT_SIZE + H]
    windows = tf.random.stateless_uniform(shape, seed, -1.7, 1.7, alg="philox")
    return batch_of(windows[..., :INPUT_SIZE], windows[..., INPUT_SIZE:])


model = nbeats.build(INPUT_SIZE, H, width=WIDTH, n_blocks=BLOCKS, n_layers=LAYERS)
given = weights()
for layer in model.layers:
    for variable in layer.trainable_variables:
        name = f"{layer.name}/{variable.name}"
        # The last block's backcast leads nowhere.
        variable.assign(given.get(name, tf.zeros_like(variable)))
algorithm = {
    "maml": engine.maml(rate=RATE),
    "anil": engine.anil(rate=RATE),
    "ridge": engine.ridge(),
}[sys.argv[1]]
learner = engine.MetaLearner(model, algorithm, optimizer=keras.optimizers.Adam(1e-3))
loss = learner.score(batch_of(*map(tf.constant, tasks())))
done = 0


def run(count: int) -> None:
    global done
    done += count
    learner.fit(sample, done)


serve({"tsmaml": run}, loss[1])
