"""What a loss is: a function of targets and outputs that gives one value a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tsmaml.errors import TrainingError, UsageError

if TYPE_CHECKING:
    import numpy as np
    import tensorflow as tf

Targets = Mapping[str, "tf.Tensor"]


@dataclass(frozen=True)
class Distribution:
    """What the outputs of a likelihood are the parameters of.

    Attributes:
        parameters: the name of each output of a step.
        quantiles: ``(outputs, location, scale, levels) -> [..., h, levels]`` in original units, of
            float64 arrays; ``outputs`` is ``[..., h, parameters]``, ``location`` and ``scale`` are
            ``[..., 1]``.
        counts: whether it holds for whole numbers from 0 alone.
    """

    parameters: tuple[str, ...]
    quantiles: Callable[[np.ndarray, np.ndarray, np.ndarray, tuple[float, ...]], np.ndarray]
    counts: bool = False


@dataclass(frozen=True)
class Loss:
    """A loss of forecasts.

    Attributes:
        name: what messages call it.
        function: ``(targets, outputs) -> [..., h]``: one value a step, neither weighed nor averaged.
            ``targets`` holds ``y`` (scaled), ``observed`` ``[..., h]``, and ``location``, ``scale``,
            ``seasonal_error``, ``unit`` ``[..., 1]``; ``original = y * scale + location``.
        quantiles: the levels that are forecast; empty for a point forecast. Without
            ``distribution`` they are what the model's outputs stand for, and the function is given
            outputs ``[..., h, quantiles]``.
        distribution: what the outputs are the parameters of, for a likelihood: outputs
            ``[..., h, parameters]``.
    """

    name: str
    function: Callable[[Targets, Any], Any]
    quantiles: tuple[float, ...] = ()
    distribution: Distribution | None = None

    def __post_init__(self) -> None:
        levels = self.quantiles
        if not levels:
            if self.distribution is not None:
                raise UsageError(f"The loss {self.name} has a distribution but no quantiles.")
            return
        if list(levels) != sorted(set(levels)) or not 0 < levels[0] <= levels[-1] < 1:
            raise UsageError(f"Quantiles lie between 0 and 1, in rising order, not {levels}.")
        if 0.5 not in levels:
            raise UsageError(f"Quantiles need 0.5, the point forecast; given are {levels}.")

    @property
    def n_outputs(self) -> int:
        """Values that the model gives for each step."""
        if self.distribution is not None:
            return len(self.distribution.parameters)
        return max(1, len(self.quantiles))

    def predict_quantiles(self, outputs: Any, location: Any, scale: Any) -> np.ndarray:
        """What the model's outputs forecast, in original units.

        Args:
            outputs: ``[..., h]`` or ``[..., h, n_outputs]``, scaled.
            location, scale: ``[..., 1]`` float64, of the window's input.

        Returns:
            ``[..., h, max(1, quantiles)]`` float64: the levels of ``quantiles``, or the point
            forecast alone.
        """
        import numpy as np

        outputs, location, scale = (np.asarray(x, np.float64) for x in (outputs, location, scale))
        if self.n_outputs == 1:
            outputs = outputs[..., np.newaxis]
        if self.distribution is not None:
            return self.distribution.quantiles(outputs, location, scale, self.quantiles)
        return outputs * scale[..., np.newaxis] + location[..., np.newaxis]

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
                "or [batch, h, n_outputs] for several quantiles or parameters.",
            )
        if self.quantiles and self.n_outputs == 1:
            outputs = outputs[..., None]
        return self.function(targets, outputs)


def levels_of(quantiles: Sequence[float]) -> tuple[float, ...]:
    """The option ``quantiles`` of a loss as levels.

    Raises:
        UsageError: if it is no list of numbers, or an empty one.
    """
    try:
        levels = tuple(float(level) for level in quantiles)
    except (TypeError, ValueError):
        raise UsageError(f"quantiles is {quantiles!r}; wanted is a list of levels.") from None
    if not levels:
        raise UsageError("There have to be quantiles, 0.5 at least; none are given.")
    return levels


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
