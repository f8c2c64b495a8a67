"""Meta-train in processes that kill themselves, go on from the checkpoint, compare. Prints JSON.

    python killed_runs.py FOLDER

The processes are forks of this one, so that TensorFlow is imported once.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

import tsmaml.forecaster.fitting  # noqa: F401  before the forks
from tsmaml import MetaForecaster

OPTIONS = {
    "h": 4,
    "input_size": 7,
    "model": "mlp",
    "model_options": {"width": 4, "n_layers": 1},
    "steps": 30,
    "meta_batch": 4,
    "n_support": 2,
    "validate_every": 10,
    "holdout": 0.3,
}


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(step: int):
    def callback(progress) -> None:
        if progress.step >= step:
            die()

    return callback


def fit(folder: Path, name: str, frame: pd.DataFrame, callbacks=(), **options) -> None:
    forecaster = MetaForecaster(**OPTIONS)
    forecaster.fit(frame, callbacks=callbacks, checkpoint=folder / f"{name}.checkpoint", **options)
    forecaster.save(folder / f"{name}.tsmaml")


def die_writing(archive, *entry) -> None:
    """What writes an entry of a checkpoint, until one is half written."""
    die_writing.entries += 1
    write_entry(archive, *entry)
    if die_writing.entries == 3:
        die()


write_entry, die_writing.entries = zipfile.ZipFile.writestr, 0


def in_child(function) -> int:
    """Run a function in a fork; returns the signal that ended it."""
    child = os.fork()
    if child == 0:
        try:
            function()
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit("a run failed")
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def main(folder: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "unique_id": np.repeat([f"s{i}" for i in range(10)], 30),
            "ds": np.tile(pd.date_range("2024-01-01", periods=30), 10),
            "y": rng.normal(size=300).cumsum(),
        }
    )

    def caught_writing() -> None:
        zipfile.ZipFile.writestr = die_writing
        fit(folder, "killed", frame, resume=True, checkpoint_steps=1)

    runs = {
        "whole": lambda: fit(folder, "whole", frame),
        "between checkpoints": lambda: fit(
            folder, "killed", frame, [die_at(8)], checkpoint_steps=3
        ),
        "in a checkpoint": caught_writing,
        "after a validation": lambda: fit(
            folder, "killed", frame, [die_at(20)], checkpoint_steps=7, resume=True
        ),
        "to the end": lambda: fit(folder, "killed", frame, resume=True),
    }
    signals = {name: in_child(run) for name, run in runs.items()}
    same = (folder / "whole.tsmaml").read_bytes() == (folder / "killed.tsmaml").read_bytes()
    print(json.dumps({"signals": signals, "same": same}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
