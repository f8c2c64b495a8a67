"""Part of the way from the initialisation: as given, or learned by how much support a task has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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


def between(
    start: Sequence[Any], end: Sequence[Any], share: float | Sequence[tf.Tensor]
) -> Parameters:
    """Parameters on the straight line from ``start`` (share 0) to ``end`` (share 1).

    Args:
        share: of all of them, or one of each.
    """
    of_each = share if isinstance(share, Sequence) else [share] * len(start)
    return tuple(
        one + part * (other - one) for one, other, part in zip(start, end, of_each, strict=True)
    )
