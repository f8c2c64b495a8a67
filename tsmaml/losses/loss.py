"""What a loss is: a function of targets and outputs that gives one value a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tsmaml.errors import TrainingError, UsageError

if TYPE_CHECKING:
    import tensorflow as tf

Targets = Mapping[str, "tf.Tensor"]


@dataclass(frozen=True)
class Loss:
    """A loss of forecasts.

    Attributes:
        name: what messages call it.
        function: ``(targets, outputs) -> [..., h]``: one value a step, neither weighed nor averaged.
            ``targets`` holds ``y`` (scaled), ``observed`` ``[..., h]``, and ``location``, ``scale``,
            ``seasonal_error`` ``[..., 1]``; ``original = y * scale + location``.
        quantiles: the levels that the model's outputs stand for; empty for a point forecast. With
            any, the function is given outputs ``[..., h, quantiles]``.
    """

    name: str
    function: Callable[[Targets, Any], Any]
    quantiles: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        levels = self.quantiles
        if not levels:
            return
        if list(levels) != sorted(set(levels)) or not 0 < levels[0] <= levels[-1] < 1:
            raise UsageError(f"Quantiles lie between 0 and 1, in rising order, not {levels}.")
        if 0.5 not in levels:
            raise UsageError(f"Quantiles need 0.5, the point forecast; given are {levels}.")

    @property
    def n_outputs(self) -> int:
        """Values that the model gives for each step."""
        return max(1, len(self.quantiles))

    def __call__(self, targets: Targets, outputs: Any) -> Any:
        """One value a step, ``[..., h]``.

        Raises:
            TrainingError: if outputs and targets do not fit; they are never broadcast.
        """
        wanted = list(targets["y"].shape) + ([self.n_outputs] if self.n_outputs > 1 else [])
        if list(outputs.shape) != wanted:
            raise TrainingError(
                f"The loss {self.name} wants outputs of shape {wanted}, the model gives "
                f"{list(outputs.shape)}.",
                hint="A model is built with build(input_size, h, n_outputs) and returns [batch, h], "
                "or [batch, h, n_outputs] for several quantiles.",
            )
        if len(self.quantiles) == 1:
            outputs = outputs[..., None]
        return self.function(targets, outputs)


def as_loss(loss: Any) -> Loss:
    """Take a :class:`Loss`, a Keras loss or a function ``(y_true, y_pred)``.

    The function may return one value a step ``[windows, h]`` or one a window ``[windows]``. In the
    second case steps that are not observed are given to it as perfectly forecast, and its value
    is spread so that the engine's weighted mean is the mean over the observed steps.

    Raises:
        UsageError: for anything else.
    """
    import keras

    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, keras.losses.Loss):
        return Loss(loss.name, _of_observed(loss.call))
    if isinstance(loss, type):
        raise UsageError(f"The loss is the class {loss.__name__}; hand over an object of it.")
    if callable(loss):
        return Loss(getattr(loss, "__name__", type(loss).__name__), _of_observed(loss))
    raise UsageError(
        f"A loss is a registered name, a Keras loss or a function (y_true, y_pred), not {loss!r}."
    )


def _of_observed(function: Callable[[Any, Any], Any]) -> Callable[[Targets, Any], Any]:
    import tensorflow as tf

    def of_observed(targets: Targets, outputs: Any) -> Any:
        observed = targets["observed"]
        truth = tf.where(observed > 0, targets["y"], outputs)
        values = function(truth, outputs)
        if values.shape == truth.shape:
            return values
        if values.shape != truth.shape[:-1]:
            raise TrainingError(
                f"A loss returns one value a step or one a window; this one returned shape "
                f"{list(values.shape)} for targets of shape {list(truth.shape)}."
            )
        count = tf.reduce_sum(observed, axis=-1)
        whole = tf.cast(observed.shape[-1], values.dtype)
        spread = values * tf.math.divide_no_nan(whole, count)
        return tf.broadcast_to(spread[..., tf.newaxis], truth.shape)

    return of_observed
