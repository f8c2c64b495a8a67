"""Peak memory of meta-training as a meta-batch grows. Prints Markdown.

    python benchmarks/memory.py [--tasks 25 250 2500] [--model sinusoid nbeats]

Each line is a process of its own: three outer steps of MAML with one inner step on tasks of 20
samples, after which its peak resident memory is read. ``before`` is that of the same process before
the first step, most of which is TensorFlow itself.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

MODELS = ("sinusoid", "nbeats")
STEPS = 3


def peak() -> float:
    """Peak resident memory so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(model: str, n_tasks: int) -> None:
    """Meta-train in this process; print JSON."""
    import keras
    import tensorflow as tf

    from tsmaml import engine
    from tsmaml.models import nbeats

    keras.utils.set_random_seed(0)
    if model == "sinusoid":
        dense = keras.layers.Dense
        net = keras.Sequential([keras.Input((1,)), dense(40, "relu"), dense(40, "relu"), dense(1)])
    else:
        net = nbeats.build(48, 12, width=128, n_blocks=4)

    def sample(seed: tf.Tensor) -> engine.TaskBatch:
        x, y = (
            tf.random.stateless_normal([n_tasks, 20, size], seed + i)
            for i, size in enumerate((net.inputs[0].shape[1], net.outputs[0].shape[1]))
        )
        inputs = x if model == "sinusoid" else {"past": x, "mask": tf.ones_like(x)}
        return engine.TaskBatch.split(inputs, y, n_support=16)

    learner = engine.MetaLearner(net, engine.maml())
    before = peak()
    learner.fit(sample, steps=STEPS)
    print(json.dumps({"before": before, "peak": peak()}))


def main() -> None:
    """One process a line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", type=int, default=[25, 250, 2500])
    parser.add_argument("--model", nargs="+", default=list(MODELS), choices=MODELS)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        measure(given.measure[0], int(given.measure[1]))
        return
    print("| model | tasks | before | peak |\n|---|---|---|---|")
    for model in given.model:
        for n_tasks in given.tasks:
            command = [sys.executable, __file__, "--measure", model, str(n_tasks)]
            done = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE)
            found = json.loads(done.stdout.splitlines()[-1])
            print(
                f"| {model} | {n_tasks} | {found['before']:.0f} MB | {found['peak']:.0f} MB |",
                flush=True,
            )


if __name__ == "__main__":
    main()
