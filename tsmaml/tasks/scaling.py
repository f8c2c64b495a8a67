"""Scaling by the input window: nothing after a window's origin has a part in it."""

from __future__ import annotations

import tensorflow as tf

# Share of the level below which variation counts as none: a nearly constant input would
# otherwise turn the least change into a huge one.
_FLOOR = 0.01
# One observation's worth of belief that a series varies by this share of its level: two or three
# points say little about how much it does.
_PRIOR = 0.1
# What is smaller is 0: near the smallest numbers that there are, quotients lose their digits.
_TINY = 1e-290


def scale_windows(past: tf.Tensor, mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Location and scale of windows, from the observed input values alone.

    The location is their mean. The scale is the root of their variance, to which one observation
    with a deviation of 10 % of the level (their mean absolute value) is added; at least 1 % of the
    level, and 1 where all are 0: ``sqrt((sum (x - mean)^2 + (0.1 level)^2) / (n + 1))``.

    Args:
        past: ``[..., input_size]`` float64, anything where the mask is 0.
        mask: ``[..., input_size]`` float64, 1 where observed.

    Returns:
        ``(location, scale)``, ``[..., 1]`` float64, finite and the scale positive.
    """
    past = tf.where(mask > 0, past, tf.zeros_like(past))
    count = tf.maximum(tf.reduce_sum(mask, -1, keepdims=True), 1.0)
    # Relative to the largest value, so that squares neither overflow nor vanish.
    unit = tf.reduce_max(tf.abs(past), -1, keepdims=True)
    unit = tf.where(unit > _TINY, unit, tf.ones_like(unit))
    relative = past / unit
    mean = tf.reduce_sum(relative, -1, keepdims=True) / count
    size = tf.reduce_sum(tf.abs(relative), -1, keepdims=True) / count
    deviations = tf.reduce_sum(mask * tf.square(relative - mean), -1, keepdims=True)
    variance = (deviations + tf.square(_PRIOR * size)) / (count + 1)
    scale = tf.maximum(tf.sqrt(variance), _FLOOR * size)
    return mean * unit, tf.where(scale > _TINY, scale * unit, tf.ones_like(scale))


def seasonal_error(scaled: tf.Tensor, mask: tf.Tensor, season_length: int) -> tf.Tensor:
    """Mean absolute difference at the season's lag within the input, in scaled units.

    The denominator of MASE (Hyndman and Koehler 2006) with the input as sample. Where no pair at
    that lag is observed, lag 1 is taken, and 1 where there is none either; at least 0.01.

    Args:
        scaled: ``[..., input_size]``, 0 where not observed.
        mask: ``[..., input_size]``.
        season_length: the lag.

    Returns:
        ``[..., 1]``.
    """

    def mean_difference(lag: int) -> tuple[tf.Tensor, tf.Tensor]:
        if lag >= scaled.shape[-1]:
            nothing = tf.zeros_like(scaled[..., :1])
            return nothing, nothing
        both = mask[..., lag:] * mask[..., :-lag]
        total = tf.reduce_sum(
            both * tf.abs(scaled[..., lag:] - scaled[..., :-lag]), -1, keepdims=True
        )
        count = tf.reduce_sum(both, -1, keepdims=True)
        return tf.math.divide_no_nan(total, count), count

    seasonal, n_seasonal = mean_difference(season_length)
    naive, n_naive = mean_difference(1)
    error = tf.where(n_seasonal > 0, seasonal, tf.where(n_naive > 0, naive, tf.ones_like(naive)))
    return tf.maximum(error, tf.constant(_FLOOR, error.dtype))
