"""Scaling by the input window: nothing after a window's origin has a part in it.

A kind of scaling is a location and a spread. Both are computed of values relative to the largest of
the window, so that squares neither overflow nor vanish, whatever the units. Time is the first axis
here: sums over it run for many windows at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tsmaml.series.differences import mean_differences, means
from tsmaml.tasks.spec import check_scaling

# Share of the level below which variation counts as none: a nearly constant input would
# otherwise turn the least change into a huge one.
_FLOOR = 0.01
# One observation's worth of belief that a series varies by this share of its level: two or three
# points say little about how much it does.
_PRIOR = 0.1
# What is smaller is 0: near the smallest numbers that there are, quotients lose their digits.
_TINY = 1e-290
# The standard deviation of normal values, in units of their median absolute deviation.
_NORMAL_OF_MEDIAN = 1.4826
# Points of several series that are looked at together: a bound of memory.
_POINTS_AT_ONCE = 1_000_000
# More than any relative value and any distance between two.
_BEYOND = 4.0


class Window(NamedTuple):
    """Input windows that a spread is told from.

    Attributes:
        deviations: ``[input_size, windows]``, from the location, relative; 0 where not observed.
        mask: ``[input_size, windows]``, 1 where observed.
        count: ``[1, windows]``, how many are, at least 1.
        level: ``[1, windows]``, mean absolute value, relative.
        season_length: points in a season.
    """

    deviations: tf.Tensor
    mask: tf.Tensor
    count: tf.Tensor
    level: tf.Tensor
    season_length: int


class Scaling(NamedTuple):
    """A kind of scaling.

    Attributes:
        location: of relative values ``[input_size, windows]`` (0 where not observed), mask and count.
        spread: of a :class:`Window`; 0 where nothing varies.
    """

    location: Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]
    spread: Callable[[Window], tf.Tensor]


class Scaled(NamedTuple):
    """Scaled inputs and how to turn outputs back: ``original = scaled * scale + location``.

    Attributes:
        past: ``[input_size, windows]`` of the dtype asked for, 0 where not observed.
        location, scale: ``[1, windows]`` float64, finite, the scale positive.
    """

    past: tf.Tensor
    location: tf.Tensor
    scale: tf.Tensor


def scale_windows(
    past: tf.Tensor, mask: tf.Tensor, kind: str | Scaling = "standard", season_length: int = 1
) -> Scaled:
    """Scale windows by their observed values alone.

    The scale is the kind's spread, at least 1 % of the level (the mean absolute value), and 1 where
    all values are 0.

    Args:
        past: ``[input_size, windows]`` float64, 0 where the mask is.
        mask: ``[input_size, windows]``, 1 where observed, of the dtype that is wanted.
        kind: a name of :data:`SCALINGS`, or a scaling of your own.
        season_length: points in a season.

    Raises:
        UnknownNameError: if there is no such kind.
    """
    check_scaling(kind)
    scaling, dtype = SCALINGS[kind] if isinstance(kind, str) else kind, mask.dtype
    count = tf.maximum(_sum(mask), 1.0)
    unit = tf.reduce_max(tf.abs(past), 0, keepdims=True)
    unit = tf.where(unit > _TINY, unit, tf.ones_like(unit))
    relative = past / unit
    wide_mask = tf.cast(mask, past.dtype)
    location = scaling.location(relative, wide_mask, tf.cast(count, past.dtype))
    # Differences are taken in 64 bits; what they leave has digits to spare in fewer.
    deviations = tf.cast(relative - location, dtype) * mask
    level = _sum(tf.abs(tf.cast(relative, dtype))) / count
    spread = scaling.spread(Window(deviations, mask, count, level, season_length))
    spread = tf.maximum(spread, _FLOOR * level)
    spread = tf.where(spread > _TINY, spread, tf.ones_like(spread))
    return Scaled(deviations / spread, location * unit, tf.cast(spread, past.dtype) * unit)


def seasonal_error(scaled: tf.Tensor, mask: tf.Tensor, season_length: int) -> tf.Tensor:
    """Mean absolute difference at the season's lag within the input, in scaled units.

    The denominator of MASE (Hyndman and Koehler 2006) with the input as sample. Where no pair at
    that lag is observed, lag 1 is taken, and 1 where there is none either; at least 0.01.

    Args:
        scaled: ``[input_size, windows]``, 0 where not observed.
        mask: ``[input_size, windows]``.
        season_length: the lag.

    Returns:
        ``[1, windows]``.
    """
    seasonal, n_seasonal = _difference_sum(scaled, mask, season_length)
    naive, n_naive = _difference_sum(scaled, mask, 1)
    error = tf.where(
        n_seasonal > 0,
        tf.math.divide_no_nan(seasonal, n_seasonal),
        tf.where(n_naive > 0, tf.math.divide_no_nan(naive, n_naive), tf.ones_like(naive)),
    )
    return tf.maximum(error, tf.constant(_FLOOR, error.dtype))


def series_errors(
    values: np.ndarray,
    offsets: np.ndarray,
    season_length: int,
    lengths: np.ndarray | None = None,
) -> np.ndarray:
    """Mean absolute difference at the season's lag of each series as a whole: ``[series]``.

    The denominator of MASE (Hyndman and Koehler 2006). Where no pair at that lag is observed, lag 1
    is taken; at least 1 % of the mean absolute value; NaN where there is no pair, or nothing but 0.

    Args:
        values: of all series one after another, NaN where masked.
        offsets: where each begins, and where the last ends.
        season_length: the lag.
        lengths: how many points of each count; None: all.
    """
    offsets = np.asarray(offsets)
    lengths = np.diff(offsets) if lengths is None else lengths
    found = np.full(len(lengths), np.nan)
    marks = np.arange(0, offsets[-1], _POINTS_AT_ONCE)
    firsts = np.unique(np.append(np.searchsorted(offsets[:-1], marks), len(lengths)))
    for first, last in itertools.pairwise(firsts):
        part = values[offsets[first] : offsets[last]]
        counts = np.diff(offsets[first : last + 1])
        found[first:last] = _errors_of(part, counts, lengths[first:last], season_length)
    return found


def _errors_of(
    values: np.ndarray, counts: np.ndarray, lengths: np.ndarray, season_length: int
) -> np.ndarray:
    """:func:`series_errors` of series of so many points each, of which the first ``lengths`` count."""
    offsets = np.append(0, np.cumsum(counts))
    owner = np.repeat(np.arange(len(counts)), counts)
    known = np.isfinite(values) & (np.arange(len(values)) < (offsets[:-1] + lengths)[owner])
    sizes = np.abs(np.where(known, values, 0.0))
    unit, some = np.zeros(len(counts)), counts > 0
    unit[some] = np.maximum.reduceat(sizes, offsets[:-1][some]) if some.any() else 0.0
    relative = np.where(known, values, np.nan) / np.where(unit > 0, unit, 1)[owner]
    error = mean_differences(relative, offsets, season_length)
    if np.isnan(error).any():
        error = np.where(np.isnan(error), mean_differences(relative, offsets, 1), error)
    level = means(np.abs(relative[known]), owner[known], len(counts))
    return np.where(unit > 0, unit * np.maximum(error, _FLOOR * level), np.nan)


def _sum(values: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(values, 0, keepdims=True)


def _difference_sum(values: tf.Tensor, mask: tf.Tensor, lag: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Sum of the absolute differences at a lag, and how many pairs are observed."""
    if lag >= values.shape[0]:
        nothing = tf.zeros_like(values[:1])
        return nothing, nothing
    both = mask[lag:] * mask[:-lag]
    return _sum(both * tf.abs(values[lag:] - values[:-lag])), _sum(both)


def _mean(relative: tf.Tensor, mask: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    del mask
    return _sum(relative) / count


def _nothing(relative: tf.Tensor, mask: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    del mask, count
    return tf.zeros_like(relative[:1])


def _last(relative: tf.Tensor, mask: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    del count
    steps = tf.range(relative.shape[0])[:, tf.newaxis]
    last = tf.reduce_max(tf.where(mask > 0, steps, -1), 0, keepdims=True)
    return _at(relative, last)


def _median(relative: tf.Tensor, mask: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """The middle value, or the mean of the two; unobserved steps are sorted behind all others."""
    beyond = tf.fill(tf.shape(relative), tf.constant(_BEYOND, relative.dtype))
    ordered = tf.sort(tf.where(mask > 0, relative, beyond), axis=0)
    ordered = tf.where(ordered < _BEYOND, ordered, tf.zeros_like(ordered))
    count = tf.cast(count, tf.int32)
    return (_at(ordered, (count - 1) // 2) + _at(ordered, count // 2)) / 2


def _at(values: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    """The value of each window at a step ``[1, windows]``; 0 where the step is none."""
    steps = tf.range(values.shape[0])[:, tf.newaxis]
    return _sum(tf.where(steps == step, values, tf.zeros_like(values)))


def _root_mean_square(window: Window) -> tf.Tensor:
    """``sqrt((sum d^2 + (0.1 level)^2) / (n + 1))``: one observation of 10 % of the level is added."""
    squares = _sum(tf.square(window.deviations)) + tf.square(_PRIOR * window.level)
    return tf.sqrt(squares / (window.count + 1))


def _level(window: Window) -> tf.Tensor:
    return window.level


def _median_deviation(window: Window) -> tf.Tensor:
    """1.4826 times the median absolute deviation; the root mean square where half are equal."""
    middle = _median(tf.abs(window.deviations), window.mask, window.count)
    middle = _NORMAL_OF_MEDIAN * middle
    return tf.where(middle > _FLOOR * window.level, middle, _root_mean_square(window))


def _seasonal_difference(window: Window) -> tf.Tensor:
    """Mean absolute difference at the season's lag, else at lag 1, with the same prior."""
    seasonal, n_seasonal = _difference_sum(window.deviations, window.mask, window.season_length)
    naive, n_naive = _difference_sum(window.deviations, window.mask, 1)
    has_season = n_seasonal > 0
    total, count = (
        tf.where(has_season, *pair) for pair in ((seasonal, naive), (n_seasonal, n_naive))
    )
    return (total + _PRIOR * window.level) / (count + 1)


def standard() -> Scaling:
    """Mean and standard deviation."""
    return Scaling(_mean, _root_mean_square)


def mean_absolute() -> Scaling:
    """0 and mean absolute value."""
    return Scaling(_nothing, _level)


def last() -> Scaling:
    """Last value and root mean square distance from it."""
    return Scaling(_last, _root_mean_square)


def robust() -> Scaling:
    """Median and median absolute deviation."""
    return Scaling(_median, _median_deviation)


def seasonal() -> Scaling:
    """Mean and mean absolute seasonal difference."""
    return Scaling(_mean, _seasonal_difference)


SCALINGS = {make.__name__: make() for make in (standard, mean_absolute, last, robust, seasonal)}
