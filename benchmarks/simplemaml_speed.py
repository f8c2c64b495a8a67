"""How fast ``tsmaml.MAML`` is beside simplemaml 1.2.13, on the same calls. Prints Markdown.

    python benchmarks/simplemaml_speed.py PYTHON [--cases dense lstm] [--epochs 100]

simplemaml fails on Keras 3 and needs an environment of its own, whose interpreter is ``PYTHON``:

    uv venv legacy && uv pip install -p legacy tensorflow tf_keras simplemaml==1.2.13
    python benchmarks/simplemaml_speed.py legacy/bin/python

Both get the same tasks and nets and simplemaml's defaults: 10 to 30 tasks an epoch, SGD in both
loops. The rate is that of the epochs after the first, which carries the compilation.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def dense():
    """Sinusoids of Finn et al.: 100 tasks of 20 points, half of them support; 1-40-40-1."""
    import numpy as np
    from tensorflow import keras

    rng = np.random.default_rng(0)
    tasks = []
    for amplitude, phase in zip(rng.uniform(0.1, 5, 100), rng.uniform(0, np.pi, 100), strict=True):
        x = rng.uniform(-5, 5, (20, 1)).astype("float32")
        tasks.append({"inputs": x, "target": amplitude * np.sin(x - phase).astype("float32")})
    hidden = [keras.layers.Dense(40, "relu"), keras.layers.Dense(40, "relu")]
    net = keras.Sequential([keras.layers.Input((1,)), *hidden, keras.layers.Dense(1)])
    return net, tasks, {"validation_split": 0.5}


def lstm():
    """Seasonal series: 50 tasks of 20 to 40 windows of 12 values, shares drawn; LSTM(16)."""
    import numpy as np
    from tensorflow import keras

    rng = np.random.default_rng(0)
    tasks = []
    for length in rng.integers(20, 40, 50):
        days = np.arange(length + 12) + rng.uniform(0, 7)
        series = rng.uniform(0.5, 2) * np.sin(2 * np.pi * days / 7).astype("float32")
        windows = np.stack([series[i : i + 12] for i in range(length)])[..., None]
        tasks.append({"inputs": windows, "target": series[12:, None]})
    net = keras.Sequential(
        [keras.layers.Input((12, 1)), keras.layers.LSTM(16), keras.layers.Dense(1)]
    )
    return net, tasks, {"validation_split": [0.3, 0.7]}


CASES = {"dense": dense, "lstm": lstm}


def measure(package: str, case: str, epochs: int) -> None:
    """Time the call in this interpreter; print JSON."""
    import importlib
    import random

    call = importlib.import_module(package).MAML
    net, tasks, options = CASES[case]()

    def seconds(count: int) -> float:
        random.seed(0)
        started = time.monotonic()
        with contextlib.redirect_stdout(io.StringIO()):
            call(net, tasks=tasks, meta_epochs=count, **options)
        return time.monotonic() - started

    one, whole, count = seconds(1), seconds(epochs), epochs
    result = {"call": whole}
    while whole - one < 5:  # too few to be seen beside the compilation
        count *= 5
        whole = seconds(count)
    print(json.dumps(result | {"rate": (count - 1) / (whole - one)}))


def run(python: str, package: str, case: str, epochs: int) -> dict[str, float]:
    """Measure in an interpreter of its own."""
    keras = {"TF_USE_LEGACY_KERAS": "1"} if package == "simplemaml" else {}
    command = [python, __file__, python, "--measure", package, case, "--epochs", str(epochs)]
    done = subprocess.run(
        command, env=os.environ | keras, check=True, text=True, stdout=subprocess.PIPE
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure both, print a row for each case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("python", help="interpreter that simplemaml is installed for")
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=list(CASES))
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--measure", nargs=2, metavar=("PACKAGE", "CASE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        measure(*given.measure, given.epochs)
        return
    print(
        f"| case | simplemaml: {given.epochs} epochs | tsmaml: {given.epochs} epochs "
        "| simplemaml: epochs/s | tsmaml: epochs/s | ratio |\n|---|---|---|---|---|---|"
    )
    for case in given.cases:
        theirs = run(given.python, "simplemaml", case, given.epochs)
        ours = run(sys.executable, "tsmaml", case, given.epochs)
        print(
            f"| {case} | {theirs['call']:.1f} s | {ours['call']:.1f} s | {theirs['rate']:.3g} "
            f"| {ours['rate']:.4g} | {ours['rate'] / theirs['rate']:.2g} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
