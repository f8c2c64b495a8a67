"""Size and speed of every registered model at its default size. Prints Markdown.

    python benchmarks/models.py [MODEL ...] [--input-size 36] [--horizon 18] [--options JSON]

Each model is meta-trained as `tsmaml fit` does by default: ANIL of 5 inner steps at rates learned for
each layer, 64 tasks of 8 support and 2 query windows an outer step. ``compile`` is the time of the
first outer step, which is traced and compiled, ``step`` the mean time of 50 after it.
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

TASKS, N_SUPPORT, N_QUERY, STEPS = 64, 8, 2, 50
COLUMNS = {"n_hist_exog": "historic", "n_futr_exog": "future", "n_stat_exog": "static"}


def row(name: str, input_size: int, h: int, options: dict) -> list[str]:
    """Measure one model."""
    import keras
    import tensorflow as tf

    from tsmaml import engine
    from tsmaml.engine.mapping import choose, vectorized
    from tsmaml.losses import mae
    from tsmaml.plugins import registry

    part = registry().get("model", name)
    build = part.load()
    keras.utils.set_random_seed(0)
    model = build(input_size, h, **options)
    way, jit = choose(model, "auto", "auto")
    algorithm = engine.anil(steps=5, learned_rates="layer")
    learner = engine.MetaLearner(model, algorithm, mae())

    def sampler(seed: tf.Tensor) -> engine.TaskBatch:
        shape = [TASKS, N_SUPPORT + N_QUERY]
        past = tf.random.stateless_normal([*shape, input_size], seed)
        y = tf.random.stateless_normal([*shape, h], seed + 1)
        given = {"past": past, "mask": tf.ones_like(past)}
        taken = {tensor.name: given.get(tensor.name, past) for tensor in model.inputs}
        return engine.TaskBatch.split(taken, {"y": y}, N_SUPPORT)

    def seconds(steps: int) -> float:
        start = time.perf_counter()
        learner.fit(sampler, steps=steps)
        return time.perf_counter() - start

    first, others = seconds(1), seconds(1 + STEPS)
    taken = [
        word for option, word in COLUMNS.items() if option in inspect.signature(build).parameters
    ]
    return [
        f"`{name}`",
        f"{model.count_params():,}",
        ", ".join(taken) or "none",
        "side by side" if way is vectorized else "in a loop",
        "yes" if jit else "no",
        f"{first:.1f} s",
        f"{1000 * others / STEPS:.0f} ms",
    ]


def main() -> None:
    """Print the table."""
    from tsmaml.plugins import registry

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", help="registered names; default: all of tsmaml's own")
    parser.add_argument("--input-size", type=int, default=36)
    parser.add_argument("--horizon", type=int, default=18)
    parser.add_argument("--options", type=json.loads, default={}, help="of the models")
    given = parser.parse_args()
    own = [part.name for part in registry().parts("model") if part.plugin == "tsmaml"]
    head = ["model", "parameters", "columns", "tasks", "XLA", "compile", "step"]
    print("|", " | ".join(head), "|")
    print("|" + "---|" * len(head))
    for name in given.models or own:
        print("|", " | ".join(row(name, given.input_size, given.horizon, given.options)), "|")


if __name__ == "__main__":
    main()
