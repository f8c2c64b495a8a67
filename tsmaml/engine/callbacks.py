"""Functions that are told how meta-training goes, to keep a record of it."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsmaml.errors import MissingDependencyError, UsageError

if TYPE_CHECKING:
    from tsmaml.engine.training import Progress

_FIELDS = ("step", "support_loss", "query_loss", "zero_step_loss", "validation_loss", "seconds")


class JsonLines:
    """Writes a line of JSON for each report: step, losses, seconds.

    Losses that were not measured, or are not finite, are null. A run that begins at step 0 begins
    the file anew; one that is resumed appends to it.

    Args:
        path: the file.

    Raises:
        UsageError: if it can't be written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.parent.is_dir():
            raise UsageError(f"There is no folder {self.path.parent} to write {self.path.name} to.")

    def __call__(self, progress: Progress) -> None:
        """Append a line."""
        begins = progress.compiling and progress.step == 0
        with self.path.open("w" if begins else "a", encoding="utf-8") as file:
            if not progress.compiling:
                values = {name: _finite(getattr(progress, name)) for name in _FIELDS}
                file.write(json.dumps(values) + "\n")


class TensorBoard:
    """Writes losses as scalars for TensorBoard (extra ``tsmaml[tensorboard]``).

    Args:
        folder: what ``tensorboard --logdir`` is given, or a folder in it.

    Raises:
        MissingDependencyError: if TensorBoard is not installed.
    """

    def __init__(self, folder: str | Path) -> None:
        try:
            from tensorboard.compat.proto.event_pb2 import Event
            from tensorboard.compat.proto.summary_pb2 import Summary
            from tensorboard.summary.writer.event_file_writer import EventFileWriter
        except ImportError:
            raise MissingDependencyError(
                "TensorBoard is not installed.", hint="pip install 'tsmaml[tensorboard]'"
            ) from None
        self._event, self._summary = Event, Summary
        self._writer = EventFileWriter(str(folder))

    def __call__(self, progress: Progress) -> None:
        """Write what this report knows."""
        values: dict[str, Any] = {
            f"loss/{name.removesuffix('_loss')}": _finite(getattr(progress, name))
            for name in _FIELDS
            if name.endswith("_loss")
        }
        summary = self._summary(
            value=[
                self._summary.Value(tag=tag, simple_value=value)
                for tag, value in values.items()
                if value is not None
            ]
        )
        if summary.value:
            self._writer.add_event(
                self._event(wall_time=time.time(), step=progress.step, summary=summary)
            )
            self._writer.flush()


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
