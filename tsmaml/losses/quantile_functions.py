"""Quantiles of Student's t and of the negative binomial, for many parameters at once.

Both invert the regularised incomplete beta function, which TensorFlow has; SciPy is not needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import NormalDist

import numpy as np

_NEWTON_STEPS = 60
_PRECISION = 1e-12
# With more degrees of freedom the expansion at the normal quantile is exact in double precision, and
# the incomplete beta function no longer is.
_MOST_DEGREES = 1e4


def student_t_quantiles(levels: Sequence[float], degrees: np.ndarray) -> np.ndarray:
    """Quantiles of the standard Student distribution.

    Newton's method from the expansion at the normal quantile (Abramowitz and Stegun 26.7.5). Right
    of the centre the distribution function is concave: the steps come from one side after the first.

    Args:
        levels: between 0 and 1.
        degrees: ``[...]`` degrees of freedom, 2 or more.

    Returns:
        ``[..., levels]``.
    """
    upper = np.array([max(level, 1 - level) for level in levels])
    signs = np.sign(np.asarray(levels) - 0.5)
    degrees = degrees[..., np.newaxis]
    expanded = _expansion(np.array([NormalDist().inv_cdf(level) for level in upper]), degrees)
    found, few = expanded, np.minimum(degrees, _MOST_DEGREES)
    for _ in range(_NEWTON_STEPS):
        tail, density = _student_t_tail(found, few)
        step = (tail - (1 - upper)) / density
        found = np.maximum(found + step, 0)
        if np.all(np.abs(step) <= _PRECISION * (1 + found)):
            break
    return signs * np.where(degrees > _MOST_DEGREES, expanded, found)


def _expansion(z: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    return (
        z
        + (z**3 + z) / (4 * degrees)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * degrees**3)
    )


def _student_t_tail(t: np.ndarray, degrees: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``P(T > t)`` and the density at ``t``, for ``t`` of 0 or more."""
    import tensorflow as tf

    t, degrees = np.broadcast_arrays(t, degrees)
    half = degrees / 2
    share = degrees / (degrees + t**2)
    tail = 0.5 * tf.math.betainc(half, np.full_like(half, 0.5), share)
    log_density = (
        tf.math.lgamma(half + 0.5)
        - tf.math.lgamma(half)
        - 0.5 * np.log(degrees * np.pi)
        - (half + 0.5) * np.log1p(t**2 / degrees)
    )
    return np.asarray(tail), np.exp(log_density)


def negative_binomial_quantiles(
    levels: Sequence[float], mean: np.ndarray, size: np.ndarray
) -> np.ndarray:
    """The smallest counts that are not exceeded with probability of at least the levels.

    Args:
        levels: between 0 and 1.
        mean, size: ``[...]``, above 0; the variance is ``mean + mean^2 / size``.

    Returns:
        ``[..., levels]`` float64, whole numbers.
    """
    import tensorflow as tf

    level = np.asarray(levels, np.float64)
    mean, size, level = np.broadcast_arrays(mean[..., np.newaxis], size[..., np.newaxis], level)
    share = size / (size + mean)

    def reached(count: np.ndarray) -> np.ndarray:
        return np.asarray(tf.math.betainc(size, count + 1, share)) >= level

    # Cantelli's inequality: a quantile lies within so many deviations of the mean.
    deviation = np.sqrt(mean + mean**2 / size)
    below = np.floor(mean - deviation * np.sqrt((1 - level) / level)) - 1
    above = np.ceil(mean + deviation * np.sqrt(level / (1 - level))) + 1
    return _smallest(reached, np.maximum(below, -1), above)


def _smallest(
    reached: Callable[[np.ndarray], np.ndarray], below: np.ndarray, above: np.ndarray
) -> np.ndarray:
    """By bisection the smallest whole numbers, above ``below`` and up to ``above``, that reach it."""
    while np.any(above - below > 1):
        middle = np.floor((below + above) / 2)
        there = reached(np.maximum(middle, 0)) & (middle >= 0)
        below, above = np.where(there, below, middle), np.where(there, middle, above)
    return above
