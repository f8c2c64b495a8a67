"""Windows of a whole collection, drawn at random: what one set of parameters is tuned on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tsmaml.series import SeriesCollection
from tsmaml.tasks.encoding import NOTHING, Encoded
from tsmaml.tasks.sampling import below, uniform_numbers
from tsmaml.tasks.scaling import series_errors
from tsmaml.tasks.spec import WindowSpec
from tsmaml.tasks.windows import FlatSeries, flat_series, gather_windows


class Histories(NamedTuple):
    """What is drawn from.

    Attributes:
        series: the collection.
        index: ``[n]`` int64, numbers of the series that have a window.
        lengths: ``[n]`` int64, how many of the points of each may be seen.
        errors: ``[n]`` float64, seasonal error of what may be seen.
    """

    series: FlatSeries
    index: tf.Tensor
    lengths: tf.Tensor
    errors: tf.Tensor


def histories_of(
    collection: SeriesCollection,
    errors: np.ndarray,
    cut_back: int = 0,
    encoded: Encoded = NOTHING,
) -> Histories:
    """Histories that end ``cut_back`` points before the end of each series, but keep half of them.

    Those of fewer than two points are left out, perhaps all.

    Args:
        collection: the series.
        errors: ``[series]``, from :func:`past_errors`.
        cut_back: points that are not seen.
        encoded: exogenous columns that the model takes.
    """
    lengths = _past_lengths(collection, cut_back)
    index = np.flatnonzero(lengths > 1)
    return Histories(
        flat_series(collection.values, collection.offsets, collection.positions, encoded),
        tf.constant(index, tf.int64),
        tf.constant(lengths[index], tf.int64),
        tf.constant(errors[index], tf.float64),
    )


def past_errors(collection: SeriesCollection, season_length: int, cut_back: int = 0) -> np.ndarray:
    """Seasonal errors of the same histories: ``[series]``, see :func:`.series_errors`."""
    lengths = _past_lengths(collection, cut_back)
    return series_errors(collection.values, collection.offsets, season_length, lengths)


def _past_lengths(collection: SeriesCollection, cut_back: int) -> np.ndarray:
    return np.maximum(collection.lengths - cut_back, (collection.lengths + 1) // 2)


@dataclass(frozen=True)
class WindowSampler:
    """``sampler(seed, histories) -> (inputs, targets, weights)``: a pure function.

    A window's series is drawn first, each as likely as any other, then its origin: anywhere from the
    second point to the last, so that short histories teach what they can. Targets end where the
    history ends.

    Attributes:
        spec: sizes of windows.
        n_windows: windows of a batch.
        dtype: of the results, the model's.
    """

    spec: WindowSpec
    n_windows: int
    dtype: str = "float32"

    def __call__(
        self, seed: tf.Tensor, histories: Histories
    ) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor], Any]:
        """Draw a batch.

        Args:
            seed: int64 ``[2]``.
            histories: of one point or more.

        Returns:
            inputs, targets and weights as the contract of task batches has them, each with one
            axis of ``n_windows`` in front.
        """
        uniform = uniform_numbers(seed, [2, self.n_windows])
        number = below(uniform[0], tf.size(histories.index, tf.int64))
        length = tf.gather(histories.lengths, number)
        first = tf.maximum(tf.minimum(length // 2, self.spec.input_size), 1)
        origin = first + below(uniform[1], length - first)
        windows = gather_windows(
            histories.series,
            tf.gather(histories.index, number),
            origin,
            tf.zeros_like(origin),
            length,
            tf.ones_like(origin, tf.bool),
            self.spec,
            self.dtype,
            tf.gather(histories.errors, number),
        )
        return windows.inputs, windows.targets, windows.weights
