"""The sinusoid of Finn et al. 2017: mean squared error after 0 to 10 adaptation steps on unseen tasks.

    python benchmarks/sinusoid.py [--algorithms maml anil ...] [--shots 10] [--steps 20000]
                                  [--plot docs/sinusoid.png]

Amplitude 0.1 to 5, phase 0 to pi, x in -5 to 5, ``y = A sin(x - phase)``, a 1-40-40-1 ReLU net,
meta-batch 25, K support and K query points, Adam 1e-3 (Reptile: SGD 0.1), inner rate 0.01 where an
algorithm does not say otherwise below; scored on 600 unseen tasks and a grid of 100 points of each,
with 95 % intervals over the tasks. ``joint`` is one net trained on all tasks without adaptation, then
fine-tuned like the others. Prints Markdown.
"""

from __future__ import annotations

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from tsmaml import engine

TEST_TASKS, TEST_POINTS = 600, 100
SHOWN = (0, 1, 5, 10, 100)

ALGORITHMS = {
    "joint": engine.fomaml(rate=0.01),
    "maml": engine.maml(rate=0.01),
    "fomaml": engine.fomaml(rate=0.01),
    "reptile": engine.reptile(rate=0.01),
    "anil": engine.anil(rate=0.01),
    "boil": engine.boil(rate=0.01),
    "metasgd": engine.metasgd(rate=0.01),
    "mamlpp": engine.mamlpp(rate=0.01, clip_norm=10.0),
    "cavia": engine.cavia(rate=1.0),
    "imaml": engine.imaml(rate=0.01, steps=16, pull=1.0, clip_norm=3.0),
    "ridge": engine.ridge(),
}


def net(name: str, seed: int) -> keras.Model:
    """1-40-40-1; with five context inputs beside x for CAVIA."""
    keras.utils.set_random_seed(seed)
    dense = keras.layers.Dense
    x = keras.Input((1,), name="x")
    if name != "cavia":
        return keras.Model(x, dense(1)(dense(40, "relu")(dense(40, "relu")(x))))
    context = keras.Input((5,), name="context")
    both = keras.layers.Add()([dense(40)(x), dense(40, use_bias=False)(context)])
    return keras.Model(
        [x, context], dense(1)(dense(40, "relu")(keras.layers.Activation("relu")(both)))
    )


def sampler(shots: int, n_tasks: int, grid: bool = False):
    """Sinusoid tasks with ``shots`` support points and as many query points, or a grid of them."""

    def sample(seed: tf.Tensor) -> engine.TaskBatch:
        draw = tf.random.stateless_uniform([n_tasks, 2, 1], seed)
        x = tf.random.stateless_uniform([n_tasks, 2 * shots, 1], seed + 1, -5, 5)
        if grid:
            points = tf.tile(
                tf.reshape(tf.linspace(-5.0, 5.0, TEST_POINTS), [1, -1, 1]), [n_tasks, 1, 1]
            )
            x = tf.concat([x[:, :shots], points], 1)
        y = (0.1 + 4.9 * draw[:, :1]) * tf.sin(x - np.pi * draw[:, 1:])
        return engine.TaskBatch.split(x, y, n_support=shots)

    return sample


def meta_train(name: str, shots: int, steps: int, seed: int) -> engine.MetaLearner:
    """One of the algorithms, trained by the protocol."""
    algorithm, model = ALGORITHMS[name], net(name, seed)
    learner = engine.MetaLearner(model, algorithm, seed=seed)
    if name == "joint":
        # With an inner rate of 0 the outer loop minimises the loss of the net as it is.
        joint = engine.MetaLearner(model, engine.fomaml(rate=0.0), seed=seed)
        joint.fit(sampler(shots, 25), steps)
        learner.load_arrays(joint.arrays())
    else:
        learner.fit(sampler(shots, 25), steps)
    return learner


def errors_after(learner: engine.MetaLearner, test: engine.TaskBatch, steps: int) -> np.ndarray:
    """Mean squared error of each test task."""
    adapted = learner.adapt(test.support_inputs, test.support_targets, steps=steps)
    outputs = learner.predict(test.query_inputs, adapted)
    return np.mean(np.square(outputs - test.query_targets), axis=(1, 2))


def main() -> None:
    """Meta-train with each algorithm, score, print, plot."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--algorithms", nargs="+", default=list(ALGORITHMS), choices=ALGORITHMS)
    parser.add_argument("--shots", type=int, default=10)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plot", metavar="PNG", help="draw error against steps")
    given = parser.parse_args()
    test = sampler(given.shots, TEST_TASKS, grid=True)(tf.constant([2**40, 0], tf.int64))
    print(f"{given.shots} shots, {given.steps} outer steps, seed {given.seed}\n")
    titles = [f"{steps} step{'s' * (steps != 1)}" for steps in SHOWN]
    print(f"| algorithm | {' | '.join(titles)} | training |\n|---{'|---' * (len(SHOWN) + 1)}|")
    curves = {}
    for name in given.algorithms:
        started = time.monotonic()
        learner = meta_train(name, given.shots, given.steps, given.seed)
        seconds = time.monotonic() - started
        errors = {n: errors_after(learner, test, n) for n in sorted({*SHOWN, *range(11)})}
        means = {n: (e.mean(), 1.96 * e.std() / np.sqrt(len(e))) for n, e in errors.items()}
        curves[name] = [means[n] for n in range(11)]
        cells = [f"{means[n][0]:.3f} ± {means[n][1]:.3f}" for n in SHOWN]
        print(f"| `{name}` | {' | '.join(cells)} | {seconds:.0f} s |", flush=True)
    if given.plot:
        plot(curves, given.shots, given.steps, given.plot)


def plot(curves: dict[str, list[tuple[float, float]]], shots: int, steps: int, path: str) -> None:
    """Error against adaptation steps, a line an algorithm, with 95 % intervals."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    for name, points in sorted(curves.items(), key=lambda item: -item[1][-1][0]):
        mean, half = np.array(points).T
        (line,) = axes.plot(mean, marker="o", markersize=3, label=name)
        axes.fill_between(
            range(len(mean)), mean - half, mean + half, alpha=0.15, color=line.get_color()
        )
    axes.set(yscale="log", xlabel="adaptation steps", ylabel="mean squared error, 600 unseen tasks")
    axes.set_title(f"Sinusoid, {shots} shots, {steps:,} outer steps")
    figure.legend(loc="outside right upper")
    axes.grid(alpha=0.3, which="both")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
