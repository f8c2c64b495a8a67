"""What a fan chart shows of one series, put together from a collection and a frame of forecasts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tsmaml.errors import UsageError
from tsmaml.series import SeriesCollection

if TYPE_CHECKING:
    import pandas as pd

_BOUND = re.compile(r"(?P<forecast>.+)-(?P<side>lo|hi)-(?P<level>\d+(\.\d+)?)")
# Columns of forecast and cross-validation frames that are no forecasts.
_BESIDE = ("cutoff", "y")
# So many horizons of history stand before a forecast.
_HORIZONS_BEFORE = 5


@dataclass(frozen=True)
class Fan:
    """One series: its history and, where there are any, forecasts of what follows.

    Attributes:
        name: id of the series.
        times, values: ``[points]``, the history; NaN where a value is missing.
        ahead: ``[h]``, the times that are forecast; empty where nothing is.
        forecasts: ``[h]`` by name.
        bounds: ``{name: {level in percent: (lower, upper)}}``, each ``[h]``.
        truth: ``[h]``, what came; NaN where it is not known.
    """

    name: str
    times: np.ndarray
    values: np.ndarray
    ahead: np.ndarray = field(default_factory=lambda: np.empty(0))
    forecasts: Mapping[str, np.ndarray] = field(default_factory=dict)
    bounds: Mapping[str, Mapping[float, tuple[np.ndarray, np.ndarray]]] = field(
        default_factory=dict
    )
    truth: np.ndarray = field(default_factory=lambda: np.empty(0))


def evenly(collection: SeriesCollection, count: int) -> SeriesCollection:
    """Up to ``count`` series, spread evenly over the collection."""
    count = min(count, len(collection))
    return collection.select(np.linspace(0, len(collection) - 1, count).astype(int))


def fans_of_series(collection: SeriesCollection) -> list[Fan]:
    """Every series of a collection, whole and with no forecasts."""
    times = _plain(collection.in_zone(collection.times()))
    return [
        Fan(str(name), times[part], collection.values[part])
        for name, part in zip(collection.ids, _parts(collection), strict=True)
    ]


def fans_of(
    collection: SeriesCollection,
    forecasts: pd.DataFrame,
    history: int | None = None,
    most: int | None = None,
) -> list[Fan]:
    """The series of a collection that are forecast, in its order.

    Args:
        collection: histories; points at and after the first time that is forecast are the truth.
        forecasts: frame of the id and time columns of the collection, a numeric column for each
            forecast, and bounds ``<forecast>-lo-80``, ``<forecast>-hi-80``.
        history: points of history to show; None: five horizons.
        most: so many of them, spread evenly; None: all.

    Raises:
        UsageError: if a column is missing, or no series of the collection is forecast.
    """
    columns = collection.columns
    for name in (columns.id, columns.time):
        if name not in forecasts.columns:
            raise UsageError(f"The forecasts have no column {name!r}.")
    names, bounds = _roles(forecasts, {columns.id, columns.time, columns.target, *_BESIDE})
    if not names:
        raise UsageError("The forecasts have no numeric column beside ids and times.")
    rows = dict(iter(forecasts.groupby(forecasts[columns.id].astype(str), sort=False)))
    known = np.isin(collection.ids.astype(str), list(rows))
    if not known.any():
        raise UsageError(
            f"None of the forecasts is of a series of {collection.source}.",
            hint="Pass the series that were forecast.",
        )
    collection = evenly(collection.select(np.flatnonzero(known)), most or len(collection))
    times = _plain(collection.in_zone(collection.times()))
    found = []
    for name, part in zip(collection.ids, _parts(collection), strict=True):
        mine = rows[str(name)].sort_values(columns.time)
        ahead = _plain(mine[columns.time])
        past = times[part] < ahead[0]
        seen = slice(-max(history or _HORIZONS_BEFORE * len(ahead), 1), None)
        found.append(
            Fan(
                str(name),
                times[part][past][seen],
                collection.values[part][past][seen],
                ahead,
                {one: mine[one].to_numpy(np.float64) for one in names},
                {
                    one: {
                        level: (mine[low].to_numpy(np.float64), mine[high].to_numpy(np.float64))
                        for level, (low, high) in sorted(levels.items(), reverse=True)
                    }
                    for one, levels in bounds.items()
                },
                _at(times[part], collection.values[part], ahead),
            )
        )
    return found


def _roles(
    forecasts: pd.DataFrame, others: set[str]
) -> tuple[list[str], dict[str, dict[float, tuple[str, str]]]]:
    """Columns of forecasts, and by forecast and level the columns of its bounds."""
    names: list[str] = []
    bounds: dict[str, dict[float, tuple[str, str]]] = {}
    for column in forecasts.columns:
        bound = _BOUND.fullmatch(str(column))
        if bound is None:
            if column not in others and forecasts[column].dtype.kind in "fiu":
                names.append(str(column))
        elif bound["side"] == "lo":
            upper = f"{bound['forecast']}-hi-{bound['level']}"
            if upper in forecasts.columns:
                levels = bounds.setdefault(bound["forecast"], {})
                levels[float(bound["level"])] = (str(column), upper)
    return names, bounds


def _parts(collection: SeriesCollection) -> Sequence[slice]:
    return [slice(*ends) for ends in zip(collection.offsets, collection.offsets[1:], strict=False)]


def _plain(times: Any) -> np.ndarray:
    """Times as an axis takes them: local times without their zone, or whole numbers."""
    import pandas as pd

    index = pd.Index(times)
    if isinstance(index, pd.DatetimeIndex):
        return index.tz_localize(None).to_numpy("datetime64[us]")
    return index.to_numpy()


def _at(times: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Values at the times wanted; NaN where there are none."""
    where = np.minimum(np.searchsorted(times, wanted), len(times) - 1)
    return np.where(times[where] == wanted, values[where], np.nan)
