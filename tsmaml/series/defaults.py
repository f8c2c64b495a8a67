"""Horizon, input size and season where the user names none, and why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tsmaml.errors import DataError, UsageError
from tsmaml.series.collection import SeriesCollection
from tsmaml.series.seasons import estimate_season_length
from tsmaml.series.words import counted

# How many seasons the model looks back: a week of hourly data, whose days differ, two months of
# daily data, three years of months, four of quarters; two seasons of any other length.
_SEASONS_BACK = {24: 7, 7: 8, 5: 8, 12: 3, 4: 4}


@dataclass(frozen=True)
class Choices:
    """What a model of a collection looks back at and forecasts.

    Attributes:
        h: forecast horizon, in points.
        input_size: past points that the model sees.
        season_length: points in a season; 1: no season.
        frequency: of the collection, as text.
        reasons: for each of the three, where it came from, in words.
    """

    h: int
    input_size: int
    season_length: int
    frequency: str
    reasons: dict[str, str]


def choose(
    collection: SeriesCollection,
    h: int | None = None,
    input_size: int | None = None,
    season_length: int | None = None,
) -> Choices:
    """Fill in what is None.

    Raises:
        UsageError: if a number given is below 1.
        DataError: if there is no series, or none long enough for a support and a query window.
    """
    for name, value in (("horizon", h), ("input size", input_size), ("season", season_length)):
        if value is not None and value < 1:
            raise UsageError(f"The {name} is {value}; wanted is 1 or more.")
    if not len(collection):
        raise DataError("there are no series.", source=collection.source)
    reasons = dict.fromkeys(("h", "input_size", "season_length"), "given")
    if season_length is None:
        season_length, reasons["season_length"] = _season(collection)
    median = int(np.median(collection.n_observed))
    if h is None:
        h, reasons["h"] = _horizon(collection, season_length, median)
    if input_size is None:
        input_size, reasons["input_size"] = _input_size(h, season_length, median)
    longest = int(collection.n_observed.max())
    if longest < h + 2:
        raise DataError(
            f"the longest series has {counted(longest, 'point')}: too few to learn forecasts of "
            f"{counted(h, 'point')} from.",
            source=collection.source,
            hint=f"Ask for a shorter horizon, for instance --horizon {longest // 4}."
            if longest >= 4
            else "Give longer series.",
        )
    return Choices(h, input_size, season_length, str(collection.frequency), reasons)


def _season(collection: SeriesCollection) -> tuple[int, str]:
    known = collection.frequency.season_length
    if known is not None:
        return known, f"usual for frequency {collection.frequency}"
    found = estimate_season_length(collection)
    return found, "the strongest period of the values" if found > 1 else "no period in the values"


def _horizon(collection: SeriesCollection, season_length: int, median: int) -> tuple[int, str]:
    usual = collection.frequency.horizon
    if usual is not None:
        wanted, reason = usual, f"usual for frequency {collection.frequency}"
    elif season_length > 1:
        wanted, reason = 2 * season_length, f"2 x season {season_length}"
    else:
        wanted, reason = 6, "usual without a season"
    most = max(1, median // 4)
    if wanted > most:
        return most, f"a quarter of the median length {median}"
    return wanted, reason


def _input_size(h: int, season_length: int, median: int) -> tuple[int, str]:
    wanted, reason = 2 * h, f"2 x horizon {h}"
    seasons = _SEASONS_BACK.get(season_length, 2)
    if seasons * season_length > wanted:
        wanted, reason = seasons * season_length, f"{seasons} x season {season_length}"
    if wanted < 4:
        wanted, reason = 4, "the smallest"
    room = median - 2 * h
    if wanted > room:
        most = max(4, season_length, room)
        if most < wanted:
            return most, f"what the median length {median} leaves beside 2 x horizon {h}"
    return wanted, reason
