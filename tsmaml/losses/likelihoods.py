"""Likelihoods: losses whose outputs are the parameters of a distribution of each step.

As in DeepAR (Salinas, Flunkert, Gasthaus, Januschowski 2020, section 3.1), which scales its windows
too. Everything is worked out in double precision: the logarithms of gamma functions of large counts
cancel. The forecast of a likelihood is its quantiles; the median is the point forecast.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log, pi
from statistics import NormalDist
from typing import Any

import numpy as np

from tsmaml.losses.loss import Distribution, Loss, Targets, levels_of
from tsmaml.losses.quantile_functions import negative_binomial_quantiles, student_t_quantiles

# Bounds of central intervals of 50, 80, 90 and 95 %, and the median.
LEVELS = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)
# The least deviation and the least mean of counts, in units of the window's scale: the likelihood
# of a constant series would otherwise grow without end.
_LEAST = 0.01


def normal(quantiles: Sequence[float] = LEVELS) -> Loss:
    """Minus the logarithm of the normal density of the scaled target.

    Outputs ``(m, s)``: mean ``m``, deviation ``softplus(s) + 0.01``.

    Args:
        quantiles: levels to forecast, in rising order; 0.5 has to be one of them.
    """

    def negative_log(targets: Targets, parts: Sequence[Any]) -> Any:
        import tensorflow as tf

        mean, deviation = parts[0], _positive(parts[1])
        error = (targets["y"] - mean) / deviation
        return tf.math.log(deviation) + (tf.square(error) + log(2 * pi)) / 2

    def quantiles_of(
        outputs: np.ndarray, location: np.ndarray, scale: np.ndarray, levels: tuple[float, ...]
    ) -> np.ndarray:
        errors = np.array([NormalDist().inv_cdf(level) for level in levels])
        return _located(outputs, errors, location, scale)

    distribution = Distribution(("mean", "deviation"), quantiles_of)
    return _likelihood("normal", negative_log, distribution, quantiles)


def student_t(quantiles: Sequence[float] = LEVELS) -> Loss:
    """Minus the logarithm of Student's density of the scaled target: tails as heavy as they are.

    Outputs ``(m, s, d)``: centre ``m``, width ``softplus(s) + 0.01``, degrees of freedom
    ``2 + softplus(d)``, so that there is a variance.

    Args:
        quantiles: levels to forecast, in rising order; 0.5 has to be one of them.
    """

    def negative_log(targets: Targets, parts: Sequence[Any]) -> Any:
        import tensorflow as tf

        centre, width, degrees = parts[0], _positive(parts[1]), _degrees(parts[2])
        error = (targets["y"] - centre) / width
        half = degrees / 2
        log_constant = tf.math.lgamma(half + 0.5) - tf.math.lgamma(half)
        log_width = tf.math.log(width) + tf.math.log(degrees * pi) / 2
        return log_width - log_constant + (half + 0.5) * tf.math.log1p(tf.square(error) / degrees)

    def quantiles_of(
        outputs: np.ndarray, location: np.ndarray, scale: np.ndarray, levels: tuple[float, ...]
    ) -> np.ndarray:
        errors = student_t_quantiles(levels, np.asarray(_degrees(outputs[..., 2])))
        return _located(outputs, errors, location, scale)

    distribution = Distribution(("centre", "width", "degrees of freedom"), quantiles_of)
    return _likelihood("student_t", negative_log, distribution, quantiles)


def negative_binomial(quantiles: Sequence[float] = LEVELS) -> Loss:
    """Minus the logarithm of the negative binomial probability of a count, in original units.

    Outputs ``(m, s)``. With location ``l`` and scale ``c`` of the window's input the mean is
    ``mu = c (softplus(m + l / c) + 0.01)``, which is about ``c m + l`` where that is well above 0; the
    variance is ``mu + (c (softplus(s) + 0.01))^2``, never less than Poisson's.

    Args:
        quantiles: levels to forecast, in rising order; 0.5 has to be one of them. Their forecasts
            are whole numbers.
    """

    def negative_log(targets: Targets, parts: Sequence[Any]) -> Any:
        import tensorflow as tf

        location, scale = targets["location"], targets["scale"]
        mean, size = _counts(parts[0], parts[1], location, scale)
        # The count again: what scaling in single precision made of it is near it.
        count = tf.maximum(tf.round(targets["y"] * scale + location), 0)
        log_ways = tf.math.lgamma(count + size) - tf.math.lgamma(size) - tf.math.lgamma(count + 1)
        return size * tf.math.log1p(mean / size) + count * tf.math.log1p(size / mean) - log_ways

    def quantiles_of(
        outputs: np.ndarray, location: np.ndarray, scale: np.ndarray, levels: tuple[float, ...]
    ) -> np.ndarray:
        mean, size = _counts(outputs[..., 0], outputs[..., 1], location, scale)
        return negative_binomial_quantiles(levels, np.asarray(mean), np.asarray(size))

    distribution = Distribution(("mean", "deviation"), quantiles_of, counts=True)
    return _likelihood("negative_binomial", negative_log, distribution, quantiles)


def _likelihood(
    name: str,
    negative_log: Callable[[Targets, Sequence[Any]], Any],
    distribution: Distribution,
    quantiles: Sequence[float],
) -> Loss:
    """A loss of parameters, given to ``negative_log`` one by one in double precision."""

    def function(targets: Targets, outputs: Any) -> Any:
        import tensorflow as tf

        wide = {part: tf.cast(tensor, tf.float64) for part, tensor in targets.items()}
        parts = tf.unstack(tf.cast(outputs, tf.float64), axis=-1)
        return tf.cast(negative_log(wide, parts), outputs.dtype)

    return Loss(name, function, levels_of(quantiles), distribution)


def _positive(raw: Any) -> Any:
    import tensorflow as tf

    return tf.math.softplus(raw) + _LEAST


def _degrees(raw: Any) -> Any:
    import tensorflow as tf

    return 2 + tf.math.softplus(raw)


def _counts(mean: Any, deviation: Any, location: Any, scale: Any) -> tuple[Any, Any]:
    """Mean and size of a negative binomial whose variance is ``mean + mean^2 / size``."""
    mean = _positive(mean + location / scale)
    size = (mean / _positive(deviation)) ** 2
    return mean * scale, size


def _located(
    outputs: np.ndarray, errors: np.ndarray, location: np.ndarray, scale: np.ndarray
) -> np.ndarray:
    """``outputs[..., 0]`` plus multiples of the width, ``[..., h, levels]``, in original units."""
    width = np.asarray(_positive(outputs[..., 1]))[..., np.newaxis]
    scaled = outputs[..., :1] + width * errors
    return scaled * scale[..., np.newaxis] + location[..., np.newaxis]
