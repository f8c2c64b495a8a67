"""Series mixed two at a time: more series to meta-train on than there are.

Zhang et al. (2018), mixup, of whole series: Ansari et al. (2024), Chronos, section 4.2 (TSMixup).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf


class Mixture(NamedTuple):
    """What windows are mixed with; all of the shape of the windows.

    Attributes:
        partner: int64, number of the other series.
        shift: int64, position in the other series less the position in the window's own.
        end: int64, length of the other series.
        own, other: float64, factors of the two series; ``other`` is 0 where nothing is mixed.
    """

    partner: tf.Tensor
    shift: tf.Tensor
    end: tf.Tensor
    own: tf.Tensor
    other: tf.Tensor

    def values(self, own: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
        """Mixed values; NaN where either is masked.

        Args:
            own, other: ``[..., windows]`` values of the windows of both series.
        """
        of_own, of_other = (tf.reshape(factor, [-1]) for factor in (self.own, self.other))
        return tf.where(of_other > 0, of_own * own + of_other * other, own)

    def errors(self, own: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
        """Seasonal errors of the mixed series, as if the two were independent.

        Args:
            own, other: of the two series; NaN where one has none.
        """
        both = tf.sqrt(tf.square(self.own * own) + tf.square(self.other * other))
        return tf.where((self.other > 0) & ~tf.math.is_nan(other), both, self.own * own)


def mixture(
    uniform: tf.Tensor,
    share: float,
    levels: tuple[tf.Tensor, tf.Tensor],
    partner: tf.Tensor,
    shift: tf.Tensor,
    end: tf.Tensor,
) -> Mixture:
    """Decide which tasks are mixed, and how much of either series goes in.

    The series counts for half or more, at the level that it has; the other is brought to that level.

    Args:
        uniform: ``[2, tasks]``, in [0, 1).
        share: of the tasks that are mixed.
        levels: ``[tasks, windows]`` each, mean absolute values of both series.
        partner, shift, end: as of :class:`Mixture`, ``[tasks, windows]``.
    """
    chance, weight = uniform[0][:, tf.newaxis], 0.5 + 0.5 * uniform[1][:, tf.newaxis]
    ratio = levels[0] / levels[1]
    mixed = (chance < share) & (ratio > 0) & tf.math.is_finite(ratio)
    return Mixture(
        partner,
        shift,
        end,
        tf.where(mixed, weight, tf.ones_like(weight)),
        tf.where(mixed, (1 - weight) * ratio, tf.zeros_like(ratio)),
    )


def levels_of(values: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Mean absolute value of each series, 1 where that is 0: ``[series]``.

    Args:
        values: of all series one after another, NaN where masked.
        offsets: where each begins, and where the last ends.
    """
    lengths = np.diff(offsets)
    owner, known = np.repeat(np.arange(len(lengths)), lengths), np.isfinite(values)
    counts = np.maximum(np.bincount(owner, known, len(lengths)), 1)
    levels = np.bincount(owner, np.where(known, np.abs(values), 0) / counts[owner], len(lengths))
    return np.where(levels > 0, levels, 1.0)
