"""Series collections: reading, checking, calendars."""

from __future__ import annotations

from tsmaml.series.calendar import Frequency
from tsmaml.series.collection import Columns, SeriesCollection
from tsmaml.series.read import read_series

__all__ = ["Columns", "Frequency", "SeriesCollection", "read_series"]
