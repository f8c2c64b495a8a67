"""Tasks of different sizes, drawn and divided inside the compiled outer loop.

The samples of all tasks lie one after the other. A draw picks tasks and, of each, a *boundary* and
an *end*: its support is ``samples[:boundary]``, its query ``samples[boundary:end]``. How the two
are chosen is a function ``bounds(lengths, tasks, draws)`` of this module or the caller's own; it
must not fall as ``draws``, uniform in [0, 1), rises: the largest sets follow from its two ends.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from tsmaml.engine.batch import TaskBatch
from tsmaml.errors import TrainingError

Bounds = Callable[[tf.Tensor, Any, Any], tuple[tf.Tensor, tf.Tensor]]


def split_at(boundaries: Any) -> Bounds:
    """Each task at a boundary of its own: int ``[tasks]``."""
    table = tf.constant(boundaries, tf.int32)
    return lambda lengths, tasks, draws: (tf.gather(table, tasks), lengths)


def split_between(low: float, high: float) -> Bounds:
    """Support is a share between ``low`` and ``high``, drawn anew each time, rounded down."""

    def bounds(lengths: tf.Tensor, tasks: Any, draws: Any) -> tuple[tf.Tensor, tf.Tensor]:
        share = low + (high - low) * draws
        return tf.cast(tf.cast(lengths, tf.float64) * share, tf.int32), lengths

    return bounds


def expanding_folds(n_folds: int) -> Bounds:
    """Query is one of ``n_folds`` folds but the first; support is everything before it.

    The last fold takes what is left when the folds do not divide a task evenly.
    """

    def bounds(lengths: tf.Tensor, tasks: Any, draws: Any) -> tuple[tf.Tensor, tf.Tensor]:
        fold = 1 + tf.cast((n_folds - 1) * tf.cast(draws, tf.float64), tf.int32)
        size = lengths // n_folds
        return fold * size, tf.where(fold == n_folds - 1, lengths, (fold + 1) * size)

    return bounds


class RaggedSampler:
    """A sampler for :meth:`MetaLearner.fit <tsmaml.engine.MetaLearner.fit>` over stored tasks.

    Args:
        inputs, targets: nests of arrays ``[samples, ...]``, task after task.
        offsets: int ``[tasks + 1]``: task ``i`` is ``offsets[i] : offsets[i + 1]``.
        bounds: how a task is divided.
        n_tasks: ``(low, high)``, both included: how many tasks a batch draws, with replacement.
            A batch always has ``high``; those beyond the number drawn have no query weight.

    Attributes:
        padded: whether some sets are filled up to the size of the largest.

    Raises:
        TrainingError: naming the first task whose support or query can be empty.
    """

    def __init__(
        self, inputs: Any, targets: Any, offsets: Any, bounds: Bounds, n_tasks: tuple[int, int]
    ) -> None:
        self.inputs, self.targets = (
            tf.nest.map_structure(tf.convert_to_tensor, part) for part in (inputs, targets)
        )
        self.low, self.high = n_tasks
        self._starts = tf.constant(offsets[:-1], tf.int32)
        self._lengths = tf.constant(np.diff(offsets), tf.int32)
        self._bounds = bounds
        self._dtype = tf.nest.flatten(self.targets)[0].dtype
        self._sizes, self.padded = self._largest()

    def _largest(self) -> tuple[tuple[int, int], bool]:
        """Size of the largest support and query, and whether others are smaller."""
        everything = np.arange(len(self._starts))
        sizes = []
        for draw in (0.0, np.nextafter(1.0, 0.0)):
            boundary, end = self._bounds(self._lengths, everything, np.full(len(everything), draw))
            sizes.append(np.stack([boundary, end - boundary]))
        smallest, largest = np.minimum(*sizes), np.maximum(*sizes)
        for task in np.flatnonzero((smallest < 1).any(axis=0))[:1]:
            raise TrainingError(
                f"Task {task} has {self._lengths[task]} samples, of which its support gets "
                f"{smallest[0, task]} and its query {smallest[1, task]}; each needs 1 or more."
            )
        support, query = (int(size) for size in largest.max(axis=1))
        return (support, query), bool((smallest < largest.max(axis=1, keepdims=True)).any())

    def __call__(self, seed: tf.Tensor) -> TaskBatch:
        """Draw a task batch from an int64 seed ``[2]``."""
        # Philox integers are the same under XLA and without; other generators and floats are not.
        integers = tf.random.stateless_uniform(
            [2 * self.high + 1], seed, None, None, tf.uint32, alg="philox"
        )
        draws = tf.cast(integers, tf.float64) / 2**32
        tasks = tf.cast(draws[: self.high] * len(self._starts), tf.int32)
        first, lengths = tf.gather(self._starts, tasks), tf.gather(self._lengths, tasks)
        boundary, end = self._bounds(lengths, tasks, draws[self.high : -1])
        support = self._samples(first, boundary, self._sizes[0])
        inputs, targets, weights = self._samples(first + boundary, end - boundary, self._sizes[1])
        n_drawn = self.low + tf.cast(draws[-1] * (self.high - self.low + 1), tf.int32)
        drawn = tf.cast(tf.range(self.high) < n_drawn, self._dtype)
        return TaskBatch(*support, inputs, targets, weights * drawn[:, tf.newaxis])

    def _samples(self, first: tf.Tensor, count: tf.Tensor, size: int) -> tuple[Any, Any, Any]:
        """``count`` samples from ``first`` on; the last is repeated up to ``size``, unweighted."""
        steps, count = tf.range(size), count[:, tf.newaxis]
        rows = first[:, tf.newaxis] + tf.minimum(steps, count - 1)
        gather = partial(tf.nest.map_structure, lambda part: tf.gather(part, rows))
        return gather(self.inputs), gather(self.targets), tf.cast(steps < count, self._dtype)
