"""The work of `forecasting_speed.py`: N-BEATS of four blocks, weights, tasks."""

from __future__ import annotations

import numpy as np

TASKS, SUPPORT, QUERY = 64, 16, 4
INPUT_SIZE, H, WIDTH, BLOCKS, LAYERS = 48, 12, 128, 4, 3
RATE = 0.01


def weights() -> dict[str, np.ndarray]:
    """Weights by the names that the layers of tsmaml's net have, kernel and bias apart."""
    rng = np.random.default_rng(0)
    shapes = {"head_linear/kernel": (INPUT_SIZE, H)}
    for block in range(1, BLOCKS + 1):
        shapes[f"block_{block}_1_values/kernel"] = (INPUT_SIZE, WIDTH)
        shapes[f"block_{block}_1_values/bias"] = (WIDTH,)
        shapes[f"block_{block}_1_mask/kernel"] = (INPUT_SIZE, WIDTH)
        for layer in range(2, LAYERS + 1):
            shapes[f"block_{block}_{layer}/kernel"] = (WIDTH, WIDTH)
            shapes[f"block_{block}_{layer}/bias"] = (WIDTH,)
        if block < BLOCKS:
            shapes[f"backcast_{block}/kernel"] = (WIDTH, INPUT_SIZE)
            shapes[f"backcast_{block}/bias"] = (INPUT_SIZE,)
        shapes[f"head_{block}/kernel"] = (WIDTH, H)
        shapes[f"head_{block}/bias"] = (H,)
    return {
        name: (rng.uniform(-1, 1, shape) * np.sqrt(6 / sum(shape))).astype("float32")
        if len(shape) == 2
        else np.zeros(shape, "float32")
        for name, shape in shapes.items()
    }


def tasks() -> tuple[np.ndarray, np.ndarray]:
    """The meta-batch on which both must agree: past ``[64, 20, 48]``, target ``[64, 20, 12]``."""
    rng = np.random.default_rng(1)
    size = (TASKS, SUPPORT + QUERY, INPUT_SIZE + H)
    windows = rng.normal(size=size).astype("float32")
    return windows[..., :INPUT_SIZE], windows[..., INPUT_SIZE:]
