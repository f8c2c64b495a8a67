"""Windows gathered by index from the flat array of a collection; all shapes static.

Positions count from the first point of a series. A *history* of a series is what lies
between ``begin`` (included) and ``cut`` (not included).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

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
    """A collection as tensors, or as arrays.

    Values float64 (NaN where masked), offsets and positions int64; ``hist``, ``futr``, ``stat`` as
    :class:`tsmaml.tasks.encoding.Encoded` has them, None where there are none.
    """

    values: Any
    offsets: Any
    positions: Any
    hist: Any = None
    futr: Any = None
    stat: Any = None


class Places(NamedTuple):
    """Where windows lie: ``[windows]`` int64 each.

    Attributes:
        index: number of the series.
        origin: position of the first target point.
        begin: first position that the window may see.
        limit: first position that it may not see, the origin at the earliest.
        valid: 0 for a window that is none.
    """

    index: Any
    origin: Any
    begin: Any
    limit: Any
    valid: Any


def support_origins(
    begin: Any, cut: Any, recency: Any, spec: WindowSpec, xp: Any = tf
) -> tuple[Any, Any]:
    """Origins of the support windows of histories.

    The latest origin leaves a whole target before the cut; in a history shorter than two horizons it
    leaves half of the points as target. Earlier origins follow at the stride, closer together where
    the history is too short for it.

    Args:
        begin, cut: int64, of one shape.
        recency: int64 of a shape that broadcasts with them: 0 is the latest window.
        spec: sizes.
        xp: TensorFlow or NumPy, whose they are.

    Returns:
        ``(origins, valid)``; an origin is valid if its input and target hold a point each.
    """
    n = cut - begin
    latest = xp.where(n >= 2 * spec.h, cut - spec.h, begin + (n + 1) // 2)
    room = (latest - begin - 1) // max(1, spec.n_support - 1)
    stride = xp.minimum(xp.maximum(room, 1), spec.stride)
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
    there = tf.cast(valid, tf.int64)
    places, values = _cut_once(series, Places(index, origins, begin, limit, there), spec)
    if mixture is not None:
        shift = mixture.shift
        limit = tf.minimum(limit + shift, mixture.end)
        partner = Places(
            mixture.partner, origins + shift, tf.maximum(begin + shift, 0), limit, there
        )
        values = mixture.values(values, _cut_once(series, partner, spec)[1])
    beside = exogenous_of(series, places, spec)
    if errors is None:
        errors = tf.fill(tf.shape(index), tf.constant(np.nan, values.dtype))
    return scaled_windows(values, beside, errors, spec, dtype)


def scaled_windows(
    values: tf.Tensor,
    beside: Mapping[str, tf.Tensor],
    errors: tf.Tensor,
    spec: WindowSpec,
    dtype: str,
) -> Windows:
    """Windows that were cut out, each scaled by its own input.

    Args:
        values, beside: from :func:`cut_out` and :func:`exogenous_of`.
        errors: ``[...]`` float64, as in :func:`gather_windows`; the windows take its shape.
        spec: sizes.
        dtype: of the results.
    """
    shape = tf.shape(errors)
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
    for name, tensor in beside.items():
        inputs[name] = tf.cast(tf.reshape(tensor, tf.concat([shape, tensor.shape[1:]], 0)), dtype)
    location, scale = turned(location), turned(scale)
    targets = {
        "y": turned(y),
        "observed": turned(observed),
        "location": tf.cast(location, dtype),
        "scale": tf.cast(scale, dtype),
        "seasonal_error": turned(seasonal_error(past, mask, spec.season_length)),
    }
    unit = tf.clip_by_value(errors[..., tf.newaxis] / scale, _SMALLEST_UNIT, _LARGEST_UNIT)
    unit = tf.where(tf.math.is_nan(unit), tf.ones_like(unit), unit)
    targets["unit"] = tf.cast(unit, dtype)
    return Windows(inputs, targets, targets["observed"], location, scale)


def exogenous_of(
    series: FlatSeries, places: Places, spec: WindowSpec, xp: Any = tf
) -> dict[str, Any]:
    """Exogenous inputs of windows, 0 before the history begins: ``[windows, (steps,) n]`` each.

    Args:
        series: the collection.
        places: of the windows.
        spec: sizes.
        xp: TensorFlow or NumPy, whose they are.
    """
    if series.hist is None and series.futr is None and series.stat is None:
        return {}
    steps = np.arange(-spec.input_size, spec.h)
    positions = places.origin[:, xp.newaxis] + steps
    seen = (positions >= places.begin[:, xp.newaxis]) & (places.valid[:, xp.newaxis] > 0)
    rows = _taken(series.offsets, places.index, xp)[:, xp.newaxis] + positions

    def rows_of(table: Any, rows: Any, there: Any) -> Any:
        return xp.where(there[..., xp.newaxis], _taken(table, rows, xp), np.float32(0))

    found, size = {}, spec.input_size
    if series.hist is not None:
        found["hist_exog"] = rows_of(series.hist, rows[:, :size], seen[:, :size])
    if series.futr is not None:
        # Each series before this one has its future behind it.
        ahead = places.index[:, xp.newaxis] * spec.h
        found["futr_exog"] = rows_of(series.futr, rows + ahead, seen)
    if series.stat is not None:
        found["stat_exog"] = _taken(series.stat, places.index, xp)
    return found


def cut_out(series: FlatSeries, places: Places, spec: WindowSpec, xp: Any = tf) -> Any:
    """Values of windows, NaN where there is none to be seen: ``[input_size + h, windows]``.

    Args:
        series: the collection.
        places: of the windows.
        spec: sizes.
        xp: TensorFlow or NumPy, whose they are.
    """
    index, origins, begin, limit, valid = (part[:, xp.newaxis] for part in places)
    steps = np.arange(-spec.input_size, spec.h)
    positions = origins + steps
    values = _taken(series.values, _taken(series.offsets, index, xp) + positions, xp)
    inside = (positions >= begin) & (positions < limit) & (valid > 0)
    return xp.transpose(xp.where(inside, values, np.float64(np.nan)))


def _taken(table: Any, rows: Any, xp: Any) -> Any:
    """Rows of a table; of its first or last row where there is none."""
    if xp is np:
        return np.take(table, rows, axis=0, mode="clip")
    return tf.gather(table, tf.clip_by_value(rows, 0, tf.shape(table, tf.int64)[0] - 1))


def _cut_once(series: FlatSeries, places: Places, spec: WindowSpec) -> tuple[Places, tf.Tensor]:
    """Places as ``[windows]``, and the values of :func:`cut_out`, each computed once."""
    index, n_windows = places.index, tf.size(places.index)
    flat = _computed_once(
        lambda: tf.stack([tf.reshape(part, [-1]) for part in places]),
        tf.zeros([len(places), n_windows], tf.int64),
        index,
    )
    # Windows first where they are cut out, for a window lies in one piece; then time first, for
    # sums over it then run for many windows at once.
    values = _computed_once(
        lambda: cut_out(series, Places(*tf.unstack(flat)), spec),
        tf.zeros([spec.input_size + spec.h, n_windows], series.values.dtype),
        index,
    )
    return Places(*tf.unstack(flat)), values


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
