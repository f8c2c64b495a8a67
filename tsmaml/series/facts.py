"""What a collection holds and what is chosen for it: as numbers, and in words."""

from __future__ import annotations

from typing import Any

import numpy as np

from tsmaml.series.collection import Columns, SeriesCollection
from tsmaml.series.defaults import Choices
from tsmaml.series.examine import is_constant
from tsmaml.series.seasons import seasonal_strength
from tsmaml.series.words import counted


def summary(collection: SeriesCollection) -> dict[str, Any]:
    """Facts of a collection, as JSON values."""
    lengths = collection.lengths
    zeros = negative = constant = 0
    for part in collection.parts():  # one that lies in a file may not fit into memory
        zeros += int(np.count_nonzero(part.values == 0))
        negative += int(np.count_nonzero(part.values < 0))
        constant += int(np.count_nonzero(is_constant(part)))
    points, observed = len(collection.values), int(collection.n_observed.sum())
    times = collection.frequency.times_of_many(collection.starts, lengths - 1, 1)[:, 0]
    columns: Columns = collection.columns
    return {
        "source": collection.source,
        "columns": {"id": columns.id, "time": columns.time, "target": columns.target},
        "series": len(collection),
        "rows": points,
        "frequency": str(collection.frequency),
        "time_zone": collection.time_zone,
        "first": str(collection.starts.min()),
        "last": str(times.max()),
        "lengths": dict(
            zip(
                ("min", "q25", "median", "q75", "max"),
                (int(q) for q in np.quantile(lengths, [0, 0.25, 0.5, 0.75, 1])),
                strict=True,
            )
        ),
        "missing": (points - observed) / points,
        "series_with_gaps": int(np.sum(collection.n_observed < lengths)),
        "zeros": zeros / observed,
        "negative": negative / observed,
        "constant_series": constant,
        "notes": list(collection.notes),
    }


def choices_summary(collection: SeriesCollection, choices: Choices) -> dict[str, Any]:
    """What fit chooses and how many series are long enough for it, as JSON values."""
    lengths = collection.n_observed
    return {
        "horizon": choices.h,
        "input_size": choices.input_size,
        "season": choices.season_length,
        "reasons": {
            "horizon": choices.reasons["h"],
            "input_size": choices.reasons["input_size"],
            "season": choices.reasons["season_length"],
        },
        "seasonality": seasonal_strength(collection, choices.season_length),
        "long_enough": int(np.sum(lengths >= choices.input_size + 2 * choices.h)),
        "partly": int(np.sum(lengths < choices.input_size + 2 * choices.h)),
    }


def described(facts: dict[str, Any]) -> dict[str, str]:
    """The facts of :func:`summary` in words, by what they are of."""
    lengths, columns = facts["lengths"], facts["columns"]
    return {
        "series": f"{facts['series']:,}",
        "rows": f"{facts['rows']:,}",
        "columns": f"id {columns['id']}, time {columns['time']}, target {columns['target']}"
        + (f"; not used: {', '.join(columns['unused'])}" if columns.get("unused") else ""),
        "frequency": facts["frequency"]
        + (f" ({facts['time_zone']})" if facts["time_zone"] else ""),
        "span": f"{_short(facts['first'])} to {_short(facts['last'])}",
        "lengths": f"{lengths['min']} to {lengths['max']}, median {lengths['median']}, "
        f"quartiles {lengths['q25']} and {lengths['q75']}",
        "missing": f"{facts['missing']:.1%} of the steps, in {counted(facts['series_with_gaps'], 'series')}"
        if facts["missing"]
        else "none",
        "values": f"{facts['zeros']:.1%} zero, {facts['negative']:.1%} negative, "
        f"{facts['constant_series']} constant series",
    }


def _short(time: str) -> str:
    return time.removesuffix(".000000").removesuffix("T00:00:00").replace("T", " ")
