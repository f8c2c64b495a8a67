"""Series collection -> task batches: windows, scaling, task builders.

Importing this loads no TensorFlow; :mod:`tsmaml.tasks.sampling` and
:mod:`tsmaml.tasks.adaptation`, which do the work, are imported by the forecaster.
"""

from __future__ import annotations

from tsmaml.tasks.builders import TaskSet, per_series
from tsmaml.tasks.spec import WindowSpec

__all__ = ["TaskSet", "WindowSpec", "per_series"]
