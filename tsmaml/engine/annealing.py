"""What changes in the course of meta-training (Antoniou, Edwards, Storkey 2019, section 4)."""

from __future__ import annotations

import math
from typing import NamedTuple

import tensorflow as tf


class Moment(NamedTuple):
    """How far meta-training has come: int64 scalars.

    Attributes:
        step: outer steps done.
        total: outer steps wanted.
    """

    step: tf.Tensor
    total: tf.Tensor

    def share(self, of: float, dtype: str) -> tf.Tensor:
        """0 at the start, 1 from ``of * total`` steps on."""
        end = tf.maximum(of * tf.cast(self.total, dtype), 1)
        return tf.minimum(tf.cast(self.step, dtype) / end, 1)


def multi_step_weights(n_steps: int, done: tf.Tensor) -> tf.Tensor:
    """Weights of the query losses after each inner step: ``[steps]``, which add up to 1.

    All equal at the start, more and more on the last step, at the end on that alone ("Multi-Step
    Loss Optimization", equation 3).
    """
    early = tf.fill([n_steps - 1], (1 - done) / n_steps)
    return tf.concat([early, [1 - (n_steps - 1) * (1 - done) / n_steps]], 0)


def cosine(done: tf.Tensor, last: float = 0.01) -> tf.Tensor:
    """Factor of the outer rate: from 1 to ``last`` along half a cosine (Loshchilov, Hutter 2017)."""
    return last + (1 - last) * 0.5 * (1 + tf.cos(math.pi * done))
