"""Pre-train an LSTM on the sales of 12 shops, then fine-tune it on a new one with 10 days known."""

import random

import numpy as np
import tensorflow as tf
from simplemaml import MAML
from tensorflow import keras

keras.utils.set_random_seed(1)
WINDOW = 6


def sales(days):
    level, swing, phase = (
        random.uniform(1, 3),
        random.uniform(0.2, 1),
        random.uniform(0, 7),
    )
    return level + swing * np.sin(2 * np.pi * (np.arange(days) + phase) / 7)


def to_task(series):
    starts = range(len(series) - WINDOW)
    return {
        "inputs": np.array([series[i : i + WINDOW] for i in starts]).reshape(-1, WINDOW, 1),
        "target": np.array([series[i + WINDOW] for i in starts]).reshape(-1, 1),
    }


shops = [to_task(sales(days)) for days in [random.randint(20, 35) for _ in range(12)]]
model = keras.models.Sequential(
    [
        keras.layers.Input(shape=(WINDOW, 1)),
        keras.layers.LSTM(8),
        keras.layers.Dense(1),
    ]
)
model, losses = MAML(
    model,
    alpha=0.01,
    beta=0.01,
    optimizer=keras.optimizers.Adam,
    c_loss=keras.losses.mse,
    f_loss=keras.losses.MeanSquaredError(),
    meta_epochs=30,
    meta_tasks_per_epoch=[3, 6],
    validation_split=[0.3, 0.6],
    tasks=shops,
)

new_shop = to_task(sales(40))
before = model.evaluate(new_shop["inputs"][10:], new_shop["target"][10:], verbose=0)
model.fit(new_shop["inputs"][:10], new_shop["target"][:10], epochs=40, verbose=0)
after = model.evaluate(new_shop["inputs"][10:], new_shop["target"][10:], verbose=0)
print(f"new shop: {before:.4f} before, {after:.4f} after fine-tuning, {tf.size(losses)} epochs")
