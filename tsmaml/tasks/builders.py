"""Task builders: which series form each task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tsmaml.errors import UsageError

if TYPE_CHECKING:
    from tsmaml.series import SeriesCollection
    from tsmaml.tasks.spec import WindowSpec


@dataclass(frozen=True, eq=False)
class TaskSet:
    """Tasks as lists of series.

    Attributes:
        members: ``[members]`` int64, series numbers of the collection, task after task.
        offsets: ``[tasks + 1]`` int64: task ``t`` is ``members[offsets[t] : offsets[t + 1]]``.
        names: one for each task.
    """

    members: np.ndarray
    offsets: np.ndarray
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        members = np.asarray(self.members, np.int64)
        offsets = np.asarray(self.offsets, np.int64)
        fits = (
            offsets.ndim == members.ndim == 1
            and len(offsets) == len(self.names) + 1
            and len(offsets) > 1
            and offsets[0] == 0
            and offsets[-1] == len(members)
        )
        if not fits:
            raise UsageError(
                f"A task set of {len(self.names)} names needs 1 task or more and offsets from 0 to "
                f"its {members.size} members, one more than names; given are {offsets.shape} offsets."
            )
        if (np.diff(offsets) < 1).any():
            empty = int(np.flatnonzero(np.diff(offsets) < 1)[0])
            raise UsageError(f"The task {self.names[empty]!r} has no series.")
        object.__setattr__(self, "members", members)
        object.__setattr__(self, "offsets", offsets)

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def from_labels(cls, labels: Sequence[object]) -> TaskSet:
        """One task for each distinct label; ``labels[i]`` is that of series ``i``."""
        if not len(labels):
            raise UsageError("There are no series to form tasks of.")
        names, codes = np.unique(np.asarray([str(label) for label in labels]), return_inverse=True)
        members = np.argsort(codes, kind="stable")
        offsets = np.concatenate([[0], np.cumsum(np.bincount(codes))])
        return cls(members, offsets, tuple(str(name) for name in names))


def per_series(collection: SeriesCollection, windows: WindowSpec) -> TaskSet:
    """Each series is a task.

    Args:
        collection: the series.
        windows: sizes of the windows; no part in it.
    """
    del windows
    count = len(collection)
    return TaskSet(np.arange(count), np.arange(count + 1), tuple(collection.ids))
