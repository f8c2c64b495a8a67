"""The study: Optuna's record of the trials, in one SQLite file, and what it was begun with."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tsmaml.errors import ArtifactError, UsageError
from tsmaml_tune.space import Space

if TYPE_CHECKING:
    import optuna

    from tsmaml import SeriesCollection

_NAME = "tsmaml"
# Options of reading that add columns to the series.
_BESIDE = ("hist_cols", "futr_cols", "static_cols", "static_df")
_SQLITE = b"SQLite format 3\0"
# What a trial notes at its end: one without it was cut short, is not counted, and is done again.
OUTCOME = "seconds"


def opened(path: str | Path | None, marks: Mapping[str, str], steps: int) -> optuna.Study:
    """The study in a file, begun there if there is none; without a file, one in memory.

    Args:
        path: of the file.
        marks: what has to be the same for a study to go on, as text.
        steps: outer steps of a trial, which say from when on one is stopped early.

    Raises:
        ArtifactError: if the file holds no study, or can't be written.
        UsageError: if it was begun with other marks; names them.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    if path is not None:
        _check_file(Path(path))
    try:
        with unwarned():
            found = optuna.create_study(
                storage=None if path is None else f"sqlite:///{Path(path)}",
                study_name=_NAME,
                direction="minimize",
                pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=steps // 5),
                load_if_exists=True,
            )
    except Exception as error:  # of SQLAlchemy and Alembic, which tell what SQLite says
        reason = str(error).splitlines()[0]
        raise ArtifactError(
            f"{path} can't be used as a study: {reason}", hint="Name another file: --study FILE"
        ) from None
    known = found.user_attrs
    if not known:
        for name, text in marks.items():
            found.set_user_attr(name, text)
        return found
    differ = [name for name in marks if known.get(name) != marks[name]]
    if differ:
        raise UsageError(
            f"{path} is a study of something else: {', '.join(differ)} differ.",
            hint="Go on with what it was begun with, or begin another: --study FILE. Was: "
            + "; ".join(f"{name} {known.get(name, 'not known')}" for name in differ),
        )
    _interrupt(found)
    return found


def marks_of(
    space: Space, collection: SeriesCollection, reading: Mapping[str, Any]
) -> dict[str, str]:
    """What has to be the same in all trials of a study, in words that a message can show."""
    beside = {name: reading[name] for name in _BESIDE if reading.get(name)}
    return {
        "space": " ".join(f"{name}={one}" for name, one in space.dimensions.items()),
        "settings": json.dumps({**space.base, **beside}, sort_keys=True, default=_named),
        "series": f"{len(collection)} series, {_digest(collection)}",
    }


def finished(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """Trials that have an outcome: a score, or a reason why there is none."""
    return [
        trial
        for trial in study.get_trials(deepcopy=False)
        if trial.state.is_finished() and OUTCOME in trial.user_attrs
    ]


@contextlib.contextmanager
def unwarned() -> Iterator[None]:
    """Without what Optuna warns its developers of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name a file: --study {path / 'study.db'}")
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent} to write {path.name} to.")
    if path.exists() and path.stat().st_size:
        with path.open("rb") as file:
            if file.read(len(_SQLITE)) != _SQLITE:
                raise ArtifactError(
                    f"{path} is no study, but another kind of file.",
                    hint="Name another file: --study FILE",
                )


def _interrupt(study: optuna.Study) -> None:
    """Trials that were running when the process was killed."""
    import optuna

    for trial in study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.RUNNING]):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)


def _digest(collection: SeriesCollection) -> str:
    """A hash of ids, times and values."""
    found = hashlib.sha256(" ".join(collection.fingerprints()).encode())
    found.update(str(collection.frequency).encode())
    for part in collection.parts():
        found.update(np.ascontiguousarray(part.lengths, np.int64).tobytes())
        found.update(np.ascontiguousarray(part.values, np.float64).tobytes())
    return found.hexdigest()[:16]


def _named(value: Any) -> str:
    return str(getattr(value, "name", None) or getattr(value, "__qualname__", type(value).__name__))
