"""The built-in losses. Each function makes a :class:`tsmaml.losses.Loss`.

``y`` and ``f`` below are the scaled target and forecast of one step, unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

from tsmaml.errors import UsageError
from tsmaml.losses.loss import Loss, Targets, levels_of

# Share of its parts below which a float32 sum of them is taken for 0.
_ROUNDING = 1e-5


def error_of(targets: Targets, outputs: Any) -> Any:
    """``(y - f) / unit``: what a loss of absolute or squared errors is taken of; no unit counts as 1.

    The unit is the mean seasonal difference of the whole series, in scales of the window
    (``targets["unit"]``): by the scale of its input alone, a history of a few points, which differ
    little by chance, would outweigh all others.
    """
    error = targets["y"] - outputs
    return error / targets["unit"] if "unit" in targets else error


def mse() -> Loss:
    """Squared error, ``(y - f)^2``."""

    def function(targets: Targets, outputs: Any) -> Any:
        import tensorflow as tf

        return tf.square(error_of(targets, outputs))

    return Loss("mse", function)


def mae() -> Loss:
    """Absolute error, ``|y - f|``."""

    def function(targets: Targets, outputs: Any) -> Any:
        import tensorflow as tf

        return tf.abs(error_of(targets, outputs))

    return Loss("mae", function)


def huber(delta: float = 1.0) -> Loss:
    """Huber (1964): ``e^2 / 2`` for ``|e| <= delta``, else ``delta (|e| - delta / 2)``.

    Args:
        delta: where the square turns linear, in the unit of :func:`error_of`.
    """
    if not isinstance(delta, Real) or not delta > 0:
        raise UsageError(f"delta is {delta!r}; wanted is a positive number.")

    def function(targets: Targets, outputs: Any) -> Any:
        import tensorflow as tf

        error = tf.abs(error_of(targets, outputs))
        inner = tf.minimum(error, delta)
        return inner * (error - 0.5 * inner)

    return Loss("huber", function)


def mape() -> Loss:
    """Percentage error in original units, ``100 |Y - F| / |Y|``; 0 where ``Y`` is 0.

    ``Y`` counts as 0 up to the rounding of its scaled value: an error of a rounding error has no
    meaning, and would drown all others.
    """

    def function(targets: Targets, outputs: Any) -> Any:
        import tensorflow as tf

        level = targets["location"] / targets["scale"]
        error = tf.abs(targets["y"] - outputs)
        size = tf.abs(targets["y"] + level)
        there = size > _ROUNDING * (tf.abs(targets["y"]) + tf.abs(level))
        return tf.where(there, 100 * error / tf.where(there, size, 1), tf.zeros_like(error))

    return Loss("mape", function)


def smape() -> Loss:
    """Symmetric percentage error in original units, ``200 |Y - F| / (|Y| + |F|)``; 0 for 0 / 0.

    Makridakis (1993), as scored in the M3 and M4 competitions: from 0 to 200.
    """

    def function(targets: Targets, outputs: Any) -> Any:
        import tensorflow as tf

        # Numerator and denominator are divided by the scale: tiny or huge units do no harm.
        level = targets["location"] / targets["scale"]
        error = tf.abs(targets["y"] - outputs)
        size = tf.abs(targets["y"] + level) + tf.abs(outputs + level)
        positive = size > 0
        return tf.where(positive, 200 * error / tf.where(positive, size, 1), tf.zeros_like(error))

    return Loss("smape", function)


def mase() -> Loss:
    """Absolute error by the mean absolute seasonal difference of the window's input.

    Hyndman and Koehler (2006), eq. 3, with the window's own input as sample.
    """

    def function(targets: Targets, outputs: Any) -> Any:
        import tensorflow as tf

        return tf.abs(targets["y"] - outputs) / targets["seasonal_error"]

    return Loss("mase", function)


def pinball(quantiles: Sequence[float] = (0.1, 0.5, 0.9)) -> Loss:
    """Quantile loss (Koenker and Bassett 1978), mean over the levels.

    ``max(q (y - f_q), (q - 1) (y - f_q))``, times 2, so that the median's is the absolute error.

    Args:
        quantiles: levels in rising order; 0.5 has to be one of them: it is the point forecast.
    """
    levels = levels_of(quantiles)

    def function(targets: Targets, outputs: Any) -> Any:
        import tensorflow as tf

        each = {name: tensor[..., tf.newaxis] for name, tensor in targets.items()}
        error = error_of(each, outputs)
        level = tf.constant(levels, error.dtype)
        return 2 * tf.reduce_mean(tf.maximum(level * error, (level - 1) * error), axis=-1)

    return Loss("pinball", function, levels)
