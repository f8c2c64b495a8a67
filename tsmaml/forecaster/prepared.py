"""A collection as a pipeline adapts to it: what several adaptations have in common, made once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tsmaml.series import SeriesCollection
from tsmaml.tasks import TaskSet, WindowSpec
from tsmaml.tasks.adaptation import AdaptationBatch, Rows, adaptation_batches
from tsmaml.tasks.drawing import Histories, histories_of, past_errors
from tsmaml.tasks.encoding import Encoded

# Windows that are forecast in one call, members of a group that one row forecasts, and support
# windows of a group.
ROWS = 256
_WIDEST_ROW = 16
_MOST_SUPPORT = 128


@dataclass(frozen=True, eq=False)
class Prepared:
    """Series, and the tasks that they form.

    Attributes:
        collection: as the user gave it.
        seen: the same, transformed.
        task_set: which series form each task.
        spec: windows of meta-training.
        dtype: the model's.
        encoded: exogenous columns that the model takes.
    """

    collection: SeriesCollection
    seen: SeriesCollection
    task_set: TaskSet
    spec: WindowSpec
    dtype: str
    encoded: Encoded
    _errors: dict[int, np.ndarray] = field(default_factory=dict, init=False, repr=False)

    def errors(self, cut_back: int) -> np.ndarray:
        """Seasonal errors of histories without their last points: ``[series]``."""
        if cut_back not in self._errors:
            self._errors[cut_back] = past_errors(self.seen, self.spec.season_length, cut_back)
        return self._errors[cut_back]

    def histories(self, cut_back: int) -> Histories:
        """What windows of the whole collection are drawn from."""
        return histories_of(self.seen, self.errors(cut_back), cut_back, self.encoded)

    def batches(
        self, cut_backs: Sequence[int] = (0,), errors: np.ndarray | None = None
    ) -> tuple[Rows, Iterator[AdaptationBatch]]:
        """Rows and batches that adapt to the tasks, see :mod:`tsmaml.tasks.adaptation`.

        Args:
            cut_backs: points held back at the end; several make rows for each of them.
            errors: ``[series]``, in which losses are told; None: those of the shortest histories.
        """
        if errors is None and max(cut_backs):
            errors = self.errors(max(cut_backs))
        largest = int(np.diff(self.task_set.offsets).max())
        width = min(_WIDEST_ROW, largest)
        # A group learns from the windows of all its members, not of the first few.
        n_support = min(self.spec.n_support * largest, max(self.spec.n_support, _MOST_SUPPORT))
        return adaptation_batches(
            self.seen,
            self.task_set,
            replace(self.spec, n_query=width, n_support=n_support),
            n_rows=max(1, ROWS // width),
            cut_backs=cut_backs,
            dtype=self.dtype,
            encoded=self.encoded,
            errors=errors,
        )
