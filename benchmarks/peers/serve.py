"""What all peers of a speed benchmark share: the work, and taking turns with the others."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable

import numpy as np

TASKS, SHOTS, RATE = 25, 10, 0.01
SHAPES = [(1, 40), (40,), (40, 40), (40,), (40, 1), (1,)]


def weights() -> list[np.ndarray]:
    """Where every peer begins: Glorot's uniform, biases 0."""
    rng = np.random.default_rng(0)
    return [
        rng.uniform(-1, 1, shape).astype("float32") * np.float32(np.sqrt(6 / sum(shape)))
        if len(shape) == 2
        else np.zeros(shape, "float32")
        for shape in SHAPES
    ]


def tasks() -> tuple[np.ndarray, np.ndarray]:
    """The meta-batch on which all must agree: ``[25, 20, 1]``, the first 10 support."""
    rng = np.random.default_rng(1)
    amplitude, phase = rng.uniform(0.1, 5, (TASKS, 1, 1)), rng.uniform(0, np.pi, (TASKS, 1, 1))
    x = rng.uniform(-5, 5, (TASKS, 2 * SHOTS, 1))
    return x.astype("float32"), (amplitude * np.sin(x - phase)).astype("float32")


def serve(variants: dict[str, Callable[[int], None]], loss: float) -> None:
    """Tell the loss and the time to the first step, then time steps when asked to.

    Args:
        variants: by name, a function that does so many outer steps and waits for the last.
        loss: mean query loss of :func:`tasks` after adaptation, at :func:`weights`.
    """
    rates = {}
    for name, run in variants.items():
        began = time.perf_counter()
        run(1)
        first, steps = time.perf_counter() - began, 1
        while True:
            began = time.perf_counter()
            run(steps)
            took = time.perf_counter() - began
            if took > 0.2:
                break
            steps *= 4
        rates[name] = steps / took
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        said = {"variant": name, "first": first, "loss": float(loss), "peak": peak}
        print(json.dumps(said), flush=True)
    print("ready", flush=True)
    for line in sys.stdin:
        name, seconds = line.rsplit(maxsplit=1)
        steps = max(1, int(rates[name] * float(seconds)))
        began = time.perf_counter()
        variants[name](steps)
        rates[name] = steps / (time.perf_counter() - began)
        print(json.dumps({"rate": rates[name]}), flush=True)


def inner_steps() -> int:
    """As the benchmark asked for."""
    return int(sys.argv[1])
