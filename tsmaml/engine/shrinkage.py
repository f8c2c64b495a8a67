"""How far of the way that its inner loop went a task is taken: by how much support it has."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from tsmaml.engine.functional import Parameters

# Nearly all of the way, whatever the support: where meta-training begins, nothing is held back yet.
_START = (2.0, 0.0)


def initial_shrinkage(n_layers: int, dtype: str) -> tf.Tensor:
    """What is learned of it, before training: ``[layers, 2]``."""
    return tf.constant([_START] * n_layers, dtype)


def shares_of_way(shrinkage: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """The share of its way that each layer is taken: ``[layers]``, between 0 and 1.

    ``sigmoid(a + b log(1 + n))``, with a pair ``a, b`` a layer and ``n`` the sum of the support's
    weights: a task that has much to go by may leave the initialisation further behind than one that
    has little (an estimate is drawn to the mean the more, the less it rests on: James and Stein 1961).

    Args:
        shrinkage: ``[layers, 2]``.
        weights: ``[support samples]``.
    """
    amount = tf.math.log1p(tf.reduce_sum(weights))
    return tf.sigmoid(shrinkage[:, 0] + shrinkage[:, 1] * amount)


def shrunk(
    start: Sequence[tf.Tensor], fast: Sequence[tf.Tensor], shares: Sequence[tf.Tensor]
) -> Parameters:
    """``start + share (fast - start)``, each variable by a share of its own."""
    return tuple(
        before + share * (after - before)
        for before, after, share in zip(start, fast, shares, strict=True)
    )
