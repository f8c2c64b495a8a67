"""Tasks as callers write them, read into one set of arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tsmaml.errors import DataError, UsageError

KEYS = ("inputs", "target")
DIVIDED = ("train", "test")


class Windows(NamedTuple):
    """The windows of all tasks, one after the other.

    Attributes:
        inputs: ``[windows, ...]``.
        targets: ``[windows, ...]``.
        offsets: ``[tasks + 1]``: task ``i`` is ``offsets[i] : offsets[i + 1]``.
        divided: ``[tasks]``, how many windows of each are its ``"train"``, the rest being its
            ``"test"``; None where tasks are not divided yet.
    """

    inputs: np.ndarray
    targets: np.ndarray
    offsets: np.ndarray
    divided: np.ndarray | None


def read_tasks(tasks: Any) -> Windows:
    """Read the tasks, all of one form and of one shape a window."""
    tasks = [] if tasks is None or isinstance(tasks, Mapping) else list(tasks)
    if not tasks:
        raise UsageError(
            "tasks is empty, or no list.",
            hint='Pass tasks=[{"inputs": [windows, ...], "target": [windows, ...]}, ...].',
        )
    divided = _has(tasks[0], DIVIDED)
    pairs = [pair for number, task in enumerate(tasks) for pair in _pairs(number, task, divided)]
    for index, pair in enumerate(pairs):
        for key, array, first in zip(KEYS, pair, pairs[0], strict=True):
            if array.shape[1:] != first.shape[1:]:
                raise DataError(
                    f"Task {index // (1 + divided)}: {key!r} has windows of shape "
                    f"{list(array.shape[1:])}, those of task 0 have {list(first.shape[1:])}."
                )
    lengths = np.array([len(inputs) for inputs, _ in pairs]).reshape(len(tasks), -1)
    return Windows(
        np.concatenate([inputs for inputs, _ in pairs]),
        np.concatenate([targets for _, targets in pairs]),
        np.concatenate([[0], np.cumsum(lengths.sum(axis=1))]),
        lengths[:, 0] if divided else None,
    )


def _has(task: Any, keys: Sequence[str]) -> bool:
    return isinstance(task, Mapping) and all(key in task for key in keys)


def _pairs(number: int, task: Any, divided: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    """Inputs and targets of a task: one pair, or one of ``"train"`` and one of ``"test"``."""
    parts = [task] if not divided else [task[p] for p in DIVIDED] if _has(task, DIVIDED) else []
    if not parts or not all(_has(part, KEYS) for part in parts):
        raise DataError(
            f"Task {number} should have 'inputs' and 'target'"
            f"{' in both its train and its test' if divided else ''}; "
            + (f"its keys are {list(task)}." if isinstance(task, Mapping) else "it is no dict."),
            hint="The first task says which form all tasks have.",
        )
    pairs = []
    for part, name in zip(parts, DIVIDED if divided else ("",), strict=True):
        where = f"Task {number}{', ' if name else ''}{name}"
        inputs, targets = (_array(where, key, part[key]) for key in KEYS)
        if len(inputs) != len(targets):
            raise DataError(f"{where}: {len(inputs)} inputs, but {len(targets)} targets.")
        pairs.append((inputs, targets))
    return pairs


def _array(where: str, key: str, values: Any) -> np.ndarray:
    """Finite numbers, at least one axis."""
    try:
        array = np.asarray(values)
    except ValueError:
        array = np.empty(0, object)
    if array.dtype.kind not in "biuf" or array.ndim == 0:
        raise DataError(
            f"{where}: {key!r} is no array of numbers.",
            hint="All windows of a task have one shape.",
        )
    for row in np.argwhere(~np.isfinite(array))[:1]:
        raise DataError(f"{where}: {key!r} is not finite in window {row[0]}.")
    return array
