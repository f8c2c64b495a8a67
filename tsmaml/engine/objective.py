"""Losses as the engine sees them: a value an element, weighed and averaged here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from tsmaml.errors import TrainingError

Loss = Callable[[Any, Any], tf.Tensor]


def as_loss(loss: Any) -> Loss:
    """Turn a name that Keras knows, a Keras loss or a function into ``loss(targets, outputs)``.

    The result may be one value a sample ``[samples]`` or one an element ``[samples, ...]``.

    Raises:
        TrainingError: for anything else.
    """
    if isinstance(loss, str):
        try:
            loss = keras.losses.get(loss)
        except ValueError:
            raise TrainingError(
                f"Keras knows no loss named {loss!r}.",
                hint="Pass a name such as 'mse' or a function.",
            ) from None
    if isinstance(loss, keras.losses.Loss):
        return _checked(loss.call)
    if callable(loss):
        return loss if hasattr(loss, "n_outputs") else _checked(loss)
    raise TrainingError(f"A loss is a function (targets, outputs), not {type(loss).__name__}.")


def _checked(loss: Loss) -> Loss:
    """Refuse targets and outputs of different shapes, which broadcasting would hide."""

    def checked(targets: Any, outputs: Any) -> tf.Tensor:
        for target, output in zip(tf.nest.flatten(targets), tf.nest.flatten(outputs), strict=True):
            if target.shape != output.shape:
                raise TrainingError(
                    f"The model's output has shape {list(output.shape)}, the target "
                    f"{list(target.shape)}: they have to be equal.",
                    hint="The first axis counts samples; give the model's last layer as many "
                    "units as the target has values.",
                )
        return loss(targets, outputs)

    return checked


def weighted_mean(values: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """``sum(w * l) / sum(w)``, and 0 where all weights are 0.

    Args:
        values: ``[samples]`` or ``[samples, ...]``.
        weights: ``[samples]`` or ``[samples, ...]``. Where they are finer than the values they are
            averaged over the extra axes; where they are coarser, they hold for each element.
    """
    weights = tf.cast(weights, values.dtype)
    if weights.shape.rank > values.shape.rank:
        weights = tf.reduce_mean(weights, axis=list(range(values.shape.rank, weights.shape.rank)))
    while weights.shape.rank < values.shape.rank:
        weights = weights[..., tf.newaxis]
    weights = tf.broadcast_to(weights, values.shape)
    # A weight of 0 must also silence what is not finite: 0 * inf is NaN.
    values = tf.where(weights > 0, values, tf.zeros_like(values))
    return tf.math.divide_no_nan(tf.reduce_sum(weights * values), tf.reduce_sum(weights))
