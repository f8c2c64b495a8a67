"""Windows gathered by index from the flat array of a collection; all shapes static.

Positions count from the first point of a series. A *history* of a series is what lies
between ``begin`` (included) and ``cut`` (not included).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tsmaml.tasks.encoding import NOTHING, Encoded
from tsmaml.tasks.mixing import Mixture
from tsmaml.tasks.scaling import scale_windows, seasonal_error
from tsmaml.tasks.spec import WindowSpec

# Bounds of the unit of a window's error, in its scales: a series of hardly any seasonal error would
# outweigh all others.
_SMALLEST_UNIT, _LARGEST_UNIT = 0.1, 50.0


class Windows(NamedTuple):
    """Scaled windows, ready for a model and a loss.

    Attributes:
        inputs, targets, weights: as the contract of task batches has them.
        location, scale: ``[..., 1]`` float64, to turn outputs back into the user's units.
    """

    inputs: dict[str, tf.Tensor]
    targets: dict[str, tf.Tensor]
    weights: tf.Tensor
    location: tf.Tensor
    scale: tf.Tensor


class FlatSeries(NamedTuple):
    """A collection as tensors.

    Values float64 (NaN where masked), offsets and positions int64; ``hist``, ``futr``, ``stat`` as
    :class:`tsmaml.tasks.encoding.Encoded` has them, None where there are none.
    """

    values: tf.Tensor
    offsets: tf.Tensor
    positions: tf.Tensor
    hist: tf.Tensor | None = None
    futr: tf.Tensor | None = None
    stat: tf.Tensor | None = None


def support_origins(
    begin: tf.Tensor, cut: tf.Tensor, recency: tf.Tensor, spec: WindowSpec
) -> tuple[tf.Tensor, tf.Tensor]:
    """Origins of the support windows of histories.

    The latest origin leaves a whole target before the cut; in a history shorter than two horizons it
    leaves half of the points as target. Earlier origins follow at the stride, closer together where
    the history is too short for it.

    Args:
        begin, cut: int64, of one shape.
        recency: int64 of a shape that broadcasts with them: 0 is the latest window.
        spec: sizes.

    Returns:
        ``(origins, valid)``; an origin is valid if its input and target hold a point each.
    """
    n = cut - begin
    latest = tf.where(n >= 2 * spec.h, cut - spec.h, begin + (n + 1) // 2)
    room = (latest - begin - 1) // max(1, spec.n_support - 1)
    stride = tf.clip_by_value(room, 1, spec.stride)
    origins = latest - recency * stride
    return origins, (origins > begin) & (origins < cut)


def gather_windows(
    series: FlatSeries,
    index: tf.Tensor,
    origins: tf.Tensor,
    begin: tf.Tensor,
    limit: tf.Tensor,
    valid: tf.Tensor,
    spec: WindowSpec,
    dtype: str,
    errors: tf.Tensor | None = None,
    mixture: Mixture | None = None,
) -> Windows:
    """Cut windows out of series and scale each by its own input.

    Args:
        series: the collection.
        index: ``[...]`` int64, number of the series.
        origins: ``[...]`` int64, position of the first target point.
        begin: ``[...]`` int64, first position that a window may see.
        limit: ``[...]`` int64, first position that it may not see, the origin at the earliest.
        valid: ``[...]`` bool; the weights of other windows are 0.
        spec: sizes.
        dtype: of the results, the model's.
        errors: ``[...]`` float64, seasonal errors of the series (:func:`.series_errors`), of which the
            unit of the loss is made; NaN or None: the unit is the scale.
        mixture: series that these are mixed with, masked where either is.
    """
    shape = tf.shape(index)
    there = tf.cast(valid, tf.int64)
    steps = tf.range(-spec.input_size, spec.h, dtype=tf.int64)
    places, values = _places_and_values(series, (index, origins, begin, limit, there), steps)
    if mixture is not None:
        shift = mixture.shift
        limit = tf.minimum(limit + shift, mixture.end)
        beside = (mixture.partner, origins + shift, tf.maximum(begin + shift, 0), limit, there)
        values = mixture.values(values, _places_and_values(series, beside, steps)[1])
    index, origins, begin, _, there = tf.unstack(places)
    positions = origins + steps[:, tf.newaxis]
    known = ~tf.math.is_nan(values)
    values = tf.where(known, values, tf.zeros_like(values))
    mask, observed = tf.split(tf.cast(known, dtype), [spec.input_size, spec.h])
    # A window with nothing in its input has no scale, and says nothing.
    observed *= tf.reduce_max(mask, 0, keepdims=True)

    past, location, scale = scale_windows(
        values[: spec.input_size], mask, spec.scaling, spec.season_length
    )
    y = observed * tf.cast((values[spec.input_size :] - location) / scale, dtype)

    def turned(tensor: tf.Tensor) -> tf.Tensor:
        return tf.reshape(tf.transpose(tensor), tf.concat([shape, [tensor.shape[0]]], 0))

    inputs = {"past": turned(past), "mask": turned(mask)}
    exogenous = _exogenous(series, index, positions, (positions >= begin) & (there > 0), spec)
    for name, tensor in exogenous.items():
        inputs[name] = tf.cast(tf.reshape(tensor, tf.concat([shape, tensor.shape[1:]], 0)), dtype)
    location, scale = turned(location), turned(scale)
    targets = {
        "y": turned(y),
        "observed": turned(observed),
        "location": tf.cast(location, dtype),
        "scale": tf.cast(scale, dtype),
        "seasonal_error": turned(seasonal_error(past, mask, spec.season_length)),
    }
    unit = tf.ones_like(scale)
    if errors is not None:
        of_series = tf.clip_by_value(errors[..., tf.newaxis] / scale, _SMALLEST_UNIT, _LARGEST_UNIT)
        unit = tf.where(tf.math.is_nan(of_series), unit, of_series)
    targets["unit"] = tf.cast(unit, dtype)
    return Windows(inputs, targets, targets["observed"], location, scale)


def _places_and_values(
    series: FlatSeries, numbers: tuple[tf.Tensor, ...], steps: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Windows as rows of numbers, and their values; see :func:`_cut_out`.

    Args:
        series: the collection.
        numbers: series, origin, begin, limit, and 0 for a window that is none, of one shape.
        steps: ``[input_size + h]``, from the origin.

    Returns:
        ``[5, windows]`` and ``[input_size + h, windows]``.
    """
    index, n_windows = numbers[0], tf.size(numbers[0])
    places = _computed_once(
        lambda: tf.stack([tf.reshape(x, [-1]) for x in numbers]),
        tf.zeros([len(numbers), n_windows], tf.int64),
        index,
    )
    # Windows first where they are cut out, for a window lies in one piece; then time first, for
    # sums over it then run for many windows at once.
    values = _computed_once(
        lambda: _cut_out(series, places, steps),
        tf.zeros([steps.shape[0], n_windows], series.values.dtype),
        index,
    )
    return places, values


def _exogenous(
    series: FlatSeries, index: tf.Tensor, positions: tf.Tensor, seen: tf.Tensor, spec: WindowSpec
) -> dict[str, tf.Tensor]:
    """Exogenous inputs of windows, 0 before the history begins: ``[windows, (steps,) n]`` each.

    Args:
        series: the collection.
        index: ``[windows]``, number of the series.
        positions, seen: ``[input_size + h, windows]``.
        spec: sizes.
    """

    def rows_of(table: tf.Tensor, rows: tf.Tensor, there: tf.Tensor) -> tf.Tensor:
        rows = tf.clip_by_value(rows, 0, tf.shape(table, tf.int64)[0] - 1)
        found = tf.gather(table, rows)
        found *= tf.cast(there, found.dtype)[..., tf.newaxis]
        return tf.transpose(found, [1, 0, 2])

    found = {}
    rows, size = tf.gather(series.offsets, index) + positions, spec.input_size
    if series.hist is not None:
        found["hist_exog"] = rows_of(series.hist, rows[:size], seen[:size])
    if series.futr is not None:
        # Each series before this one has its future behind it.
        found["futr_exog"] = rows_of(series.futr, rows + index * spec.h, seen)
    if series.stat is not None:
        found["stat_exog"] = tf.gather(series.stat, index)
    return found


def _cut_out(series: FlatSeries, places: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
    """Values of windows, NaN where there is none to be seen: ``[windows, input_size + h]``.

    Args:
        series: the collection.
        places: ``[5, windows]``: series, origin, begin, limit, and 0 for a window that is none.
        steps: ``[input_size + h]``, from the origin.
    """
    index, origins, begin, limit, valid = tf.unstack(places[..., tf.newaxis])
    positions = origins + steps
    last = tf.shape(series.values, tf.int64)[0] - 1
    where = tf.clip_by_value(tf.gather(series.offsets, index) + positions, 0, last)
    inside = (positions >= begin) & (positions < limit) & (valid > 0)
    values = tf.gather(series.values, where)
    return tf.transpose(tf.where(inside, values, tf.constant(np.nan, values.dtype)))


def _computed_once(
    make: Callable[[], tf.Tensor], otherwise: tf.Tensor, index: tf.Tensor
) -> tf.Tensor:
    """What ``make`` returns, there before it is used.

    XLA would draw the place of a window, and look up its values, anew for each use of each value,
    which takes eight times as long; what a branch returns is computed once. That the number of a
    series is never below 0 is more than XLA knows.
    """
    return tf.cond(tf.reduce_max(index) >= 0, make, lambda: otherwise)


def flat_series(
    values: object, offsets: object, positions: object, encoded: Encoded = NOTHING
) -> FlatSeries:
    """Arrays of a collection as tensors."""
    return FlatSeries(
        tf.constant(values, tf.float64),
        tf.constant(offsets, tf.int64),
        tf.constant(positions, tf.int64),
        *(None if part is None else tf.constant(part, tf.float32) for part in encoded),
    )
