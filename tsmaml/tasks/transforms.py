"""Transforms of the target before it is cut into windows, each with its inverse.

A transform works on values one by one (log1p, asinh), or on the changes from value to value. The
model learns and is judged in transformed values; forecasts come back in the user's units.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from tsmaml.errors import DataError, UnknownNameError
from tsmaml.series import SeriesCollection

# The greatest argument whose exponential is a number.
_MOST = 709.0

Function = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Transform:
    """A transform of the target.

    Attributes:
        name: what users call it.
        help: one line.
        forward, inverse: of each value; the inverse of anything finite is finite.
        changes: whether what is learned are the changes from value to value.
        above: values have to be greater than this.
    """

    name: str
    help: str
    forward: Function
    inverse: Function
    changes: bool = False
    above: float = -np.inf

    def applied(self, collection: SeriesCollection) -> SeriesCollection:
        """The collection as the model sees it.

        Raises:
            DataError: naming series and time of a value that the transform can't take.
        """
        if self.name == "none":
            return collection
        self._check(collection)
        values = self.forward(collection.values)
        if self.changes:
            values = changes_of(values, collection.offsets)
        return replace(collection, values=values, counts=None)

    def summed(self, forecasts: np.ndarray, collection: SeriesCollection) -> np.ndarray:
        """Forecast changes as levels, which begin at the last value; others as they are.

        Args:
            forecasts: ``[series, h, ...]``, transformed.
            collection: the series as the user gave them.
        """
        if not self.changes:
            return forecasts
        last = self.forward(collection.last_values)
        return np.cumsum(forecasts, axis=1) + last.reshape(-1, *[1] * (forecasts.ndim - 1))

    def _check(self, collection: SeriesCollection) -> None:
        bad = np.flatnonzero(collection.values <= self.above)
        if bad.size:
            at = int(bad[0])
            owner = int(np.searchsorted(collection.offsets, at, side="right")) - 1
            raise DataError(
                f"the value {collection.values[at]:g} can't be transformed by {self.name}, which "
                f"takes values above {self.above:g} ({bad.size} such values in all).",
                source=collection.source,
                series=str(collection.ids[owner]),
                hint="Give --transform asinh, which takes any value.",
            )


def changes_of(values: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """The change of each value since the one before it in its series: ``[points]``.

    NaN where there is none before. A masked step has no change; the next value has that since the
    last one before the gap, so that changes always add up to the values.
    """
    there = ~np.isnan(values)
    begins = np.repeat(offsets[:-1], np.diff(offsets))
    at = np.where(there, np.arange(len(values)), -1)
    latest = np.maximum.accumulate(at)
    before = np.concatenate([[-1], latest[:-1]])
    known = there & (before >= begins)
    return np.where(known, values - values[np.maximum(before, 0)], np.nan)


def _same(values: np.ndarray) -> np.ndarray:
    return values


def _expm1(values: np.ndarray) -> np.ndarray:
    return np.expm1(np.minimum(values, _MOST))


def _sinh(values: np.ndarray) -> np.ndarray:
    return np.sinh(np.clip(values, -_MOST, _MOST))


TRANSFORMS = {
    transform.name: transform
    for transform in (
        Transform("none", "values as they are", _same, _same),
        Transform("log1p", "log(1 + y)", np.log1p, _expm1, above=-1.0),
        Transform("asinh", "asinh(y), like a logarithm on both sides of 0", np.arcsinh, _sinh),
        Transform("difference", "changes from value to value", _same, _same, changes=True),
    )
}


def transform_of(name: str) -> Transform:
    """The transform of a name.

    Raises:
        UnknownNameError: if there is none.
    """
    if name not in TRANSFORMS:
        raise UnknownNameError("transform", name, TRANSFORMS)
    return TRANSFORMS[name]
