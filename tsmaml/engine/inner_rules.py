"""Inner rules: the direction in which a step of adaptation moves the parameters.

A rule is a frozen dataclass with two pure functions: ``start(fast)`` makes its slots, and
``direction(grads, slots, count)`` turns gradients into a direction. The step itself,
``fast - rate * direction``, is the same for all rules (:mod:`tsmaml.engine.adaptation`), so
that learned rates, clipping and the proximal pull go with each of them. Every rule is
differentiable, also where a gradient is exactly zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import tensorflow as tf

Tensors = tuple[tf.Tensor, ...]


class InnerRule(Protocol):
    """What a rule has to offer."""

    def start(self, fast: Sequence[tf.Tensor]) -> Any:
        """Slots before the first step: a nest of tensors (may be empty)."""

    def direction(self, grads: Sequence[tf.Tensor], slots: Any, count: Any) -> tuple[Tensors, Any]:
        """The direction of step ``count`` (1, 2, ...), and the slots after it."""


@dataclass(frozen=True)
class SGD:
    """Gradient descent: the direction is the gradient (Finn et al. 2017, eq. 1).

    Args:
        momentum: share of the last direction that is kept (heavy ball, as in Keras' SGD).
    """

    momentum: float = 0.0

    def start(self, fast: Sequence[tf.Tensor]) -> Any:
        """The last direction of each variable, at zero; nothing without momentum."""
        return tuple(tf.zeros_like(part) for part in fast) if self.momentum else ()

    def direction(self, grads: Sequence[tf.Tensor], slots: Any, count: Any) -> tuple[Tensors, Any]:
        """``momentum * last direction + gradient``."""
        if not self.momentum:
            return tuple(grads), slots
        moved = tuple(self.momentum * s + g for s, g in zip(slots, grads, strict=True))
        return moved, moved


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma and Ba 2015, algorithm 1), differentiable through its moments.

    Args:
        beta_1: decay of the first moment.
        beta_2: decay of the second moment.
        epsilon: added to the root of the second moment, after the bias correction as in the
            paper (Keras adds it before, which differs for gradients near epsilon).
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7

    def start(self, fast: Sequence[tf.Tensor]) -> Any:
        """First and second moments, at zero."""
        zeros = tuple(tf.zeros_like(part) for part in fast)
        return zeros, zeros

    def direction(self, grads: Sequence[tf.Tensor], slots: Any, count: Any) -> tuple[Tensors, Any]:
        """``m_hat / (sqrt(v_hat) + epsilon)``."""
        first, second = slots
        first = tuple(
            self.beta_1 * m + (1 - self.beta_1) * g for m, g in zip(first, grads, strict=True)
        )
        second = tuple(
            self.beta_2 * v + (1 - self.beta_2) * tf.square(g)
            for v, g in zip(second, grads, strict=True)
        )
        count = tf.cast(count, grads[0].dtype)
        correct_1 = 1 - tf.pow(tf.constant(self.beta_1, grads[0].dtype), count)
        correct_2 = 1 - tf.pow(tf.constant(self.beta_2, grads[0].dtype), count)
        directions = tuple(
            (m / correct_1) / (_root(v / correct_2) + self.epsilon)
            for m, v in zip(first, second, strict=True)
        )
        return directions, (first, second)


def _root(x: tf.Tensor) -> tf.Tensor:
    """Square root whose derivative at 0 is 0: a zero gradient must not turn into NaN."""
    positive = x > 0
    return tf.where(positive, tf.sqrt(tf.where(positive, x, tf.ones_like(x))), tf.zeros_like(x))
