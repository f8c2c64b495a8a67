"""Ensembles: nets side by side in one, trained, adapted and stored together; their median forecasts.

Members differ in their first weights, in how far they look back and, if asked for, in their losses
(Oreshkin et al. 2020, N-BEATS, section 3.4: an ensemble over input sizes, losses and seeds, joined by
the median). No weight belongs to
two of them and the loss is a sum over them, so that each learns and adapts as it would alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tsmaml.errors import TrainingError, UsageError
from tsmaml.losses import Loss

# How much of the input the members see, in turn.
_SHARES = (1.0, 0.5, 0.75)


def side_by_side(build: Callable[[], keras.Model], n_members: int) -> keras.Model:
    """One net of several on the same inputs, each but for the points that it does not look back to.

    Args:
        build: makes a net that takes a dictionary of inputs.
        n_members: how many.

    Returns:
        a net of the same inputs, whose outputs have the members as their last axis.
    """
    outputs: list[Any] = []
    inputs: dict[str, Any] = {}
    for number in range(n_members):
        with keras.name_scope(f"member_{number + 1}"):
            model = build()
        model.name = f"member_{number + 1}"
        if not inputs:
            inputs = {
                tensor.name: keras.Input(tensor.shape[1:], name=tensor.name)
                for tensor in model.inputs
            }
        seen = _latest(inputs, _SHARES[number % len(_SHARES)], number + 1)
        outputs.append(model({**inputs, **seen}))
    return keras.Model(inputs, _Stack(name="members")(outputs), name="ensemble")


def _latest(inputs: Mapping[str, Any], share: float, number: int) -> dict[str, Any]:
    """Past and mask with the older points masked."""
    size = inputs["past"].shape[1]
    seen = np.arange(size) >= size - max(1, round(share * size))
    if seen.all():
        return {}
    return {
        name: _Times(seen, name=f"latest_{name}_{number}")(inputs[name])
        for name in ("past", "mask")
    }


class _Stack(keras.layers.Layer):
    """Tensors of one shape along a new last axis."""

    def call(self, inputs: Any) -> Any:
        return keras.ops.stack(inputs, axis=-1)


class _Times(keras.layers.Layer):
    """A product with a constant vector."""

    def __init__(self, factors: np.ndarray, **options: Any) -> None:
        super().__init__(**options)
        self.factors = factors

    def call(self, inputs: Any) -> Any:
        return inputs * keras.ops.cast(self.factors, inputs.dtype)


@dataclass(frozen=True)
class MembersLoss(Loss):
    """The loss of an ensemble: that of its members, each by itself.

    Attributes:
        members: the loss of each. Outputs have them as one more axis, the last.
    """

    members: tuple[Loss, ...] = ()

    def predict_quantiles(self, outputs: Any, location: Any, scale: Any) -> np.ndarray:
        """The median over the members of each level; see :meth:`Loss.predict_quantiles`."""
        each = np.moveaxis(np.asarray(outputs, np.float64), -1, 0)
        return np.median(
            [
                loss.predict_quantiles(of_one, location, scale)
                for loss, of_one in zip(self.members, each, strict=True)
            ],
            axis=0,
        )

    def __call__(self, targets: Any, outputs: Any) -> Any:
        """The mean over the members, with the gradient of the sum."""
        import tensorflow as tf

        n_members = len(self.members)
        if outputs.shape[-1] != n_members:
            raise TrainingError(
                f"An ensemble of {n_members} gives outputs of shape {list(outputs.shape)}; "
                f"wanted is {n_members} along the last axis."
            )
        each = tf.unstack(outputs, axis=-1)
        total = tf.add_n([loss(targets, one) for loss, one in zip(self.members, each, strict=True)])
        # A member's inner rate means what it means for one net.
        return total - tf.stop_gradient(total * (1 - 1 / n_members))


def loss_of_members(losses: Sequence[Loss], n_members: int) -> Loss:
    """The loss of an ensemble of so many, whose members have these in turn; of one net, the first.

    Raises:
        UsageError: if the losses do not forecast the same quantiles in the same way.
    """
    first = losses[0]
    if n_members == 1:
        return first
    for other in losses[1:]:
        if _forecasts(other) != _forecasts(first):
            raise UsageError(
                f"The losses {first.name} and {other.name} do not forecast the same quantiles from as "
                "many outputs: the nets of an ensemble can't have both.",
                hint="Those of point forecasts go together: mae, mse, huber, smape, mape, mase.",
            )
    members = tuple(losses[number % len(losses)] for number in range(n_members))
    return MembersLoss(first.name, first.function, first.quantiles, first.distribution, members)


def _forecasts(loss: Loss) -> tuple[Any, ...]:
    """What a loss wants of a net, and gives."""
    of_counts = loss.distribution is not None and loss.distribution.counts
    return loss.n_outputs, loss.quantiles, of_counts
