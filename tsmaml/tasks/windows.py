"""Windows gathered by index from the flat array of a collection; all shapes static.

Positions count from the first point of a series. A *history* of a series is what lies
between ``begin`` (included) and ``cut`` (not included).
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from tsmaml.tasks.scaling import scale_windows, seasonal_error
from tsmaml.tasks.spec import WindowSpec


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
    """A collection as tensors: values float64 (NaN where masked), offsets and positions int64."""

    values: tf.Tensor
    offsets: tf.Tensor
    positions: tf.Tensor


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
) -> Windows:
    """Cut windows out of series and scale each by its own input.

    Args:
        series: the collection.
        index: ``[...]`` int64, number of the series.
        origins: ``[...]`` int64, position of the first target point.
        begin: ``[...]`` int64, first position that an input may see.
        limit: ``[...]`` int64, first position that a target may not see.
        valid: ``[...]`` bool; the weights of other windows are 0.
        spec: sizes.
        dtype: of the results, the model's.
    """
    base = tf.gather(series.offsets, index)[..., tf.newaxis]
    last = tf.shape(series.values, tf.int64)[0] - 1
    origins, begin, limit = (x[..., tf.newaxis] for x in (origins, begin, limit))

    def at(positions: tf.Tensor, there: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        values = tf.gather(series.values, tf.clip_by_value(base + positions, 0, last))
        there &= ~tf.math.is_nan(values)
        return tf.where(there, values, tf.zeros_like(values)), tf.cast(there, tf.float64)

    back = origins + tf.range(-spec.input_size, 0, dtype=tf.int64)
    past, mask = at(back, (back >= begin) & valid[..., tf.newaxis])
    ahead = origins + tf.range(spec.h, dtype=tf.int64)
    # A window with nothing in its input has no scale, and says nothing.
    seen = tf.reduce_any(mask > 0, -1, keepdims=True)
    y, observed = at(ahead, (ahead < limit) & valid[..., tf.newaxis] & seen)

    location, scale = scale_windows(past, mask)
    past = mask * (past - location) / scale
    y = observed * (y - location) / scale
    inputs, targets = tf.nest.map_structure(
        lambda tensor: tf.cast(tensor, dtype),
        (
            {"past": past, "mask": mask},
            {
                "y": y,
                "observed": observed,
                "location": location,
                "scale": scale,
                "seasonal_error": seasonal_error(past, mask, spec.season_length),
            },
        ),
    )
    return Windows(inputs, targets, targets["observed"], location, scale)


def flat_series(values: object, offsets: object, positions: object) -> FlatSeries:
    """Arrays of a collection as tensors."""
    return FlatSeries(
        tf.constant(values, tf.float64),
        tf.constant(offsets, tf.int64),
        tf.constant(positions, tf.int64),
    )
