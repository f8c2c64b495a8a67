"""Meta-training tasks, drawn inside the compiled loop from series that lie in memory as one tensor."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tsmaml.engine.batch import TaskBatch
from tsmaml.errors import DataError
from tsmaml.series import SeriesCollection
from tsmaml.tasks.builders import TaskSet
from tsmaml.tasks.encoding import NOTHING, Encoded
from tsmaml.tasks.mixing import Mixture, levels_of, mixture
from tsmaml.tasks.scaling import series_errors
from tsmaml.tasks.spec import WindowSpec
from tsmaml.tasks.windows import flat_series, gather_windows, support_origins

# A task's history holds at least so many points: two windows of one point each.
_SHORTEST = 2


class Drawn(NamedTuple):
    """What a meta-batch was drawn as, in positions: for tests and for looking at it.

    Attributes:
        series: ``[tasks, windows]``, series number of each window; support windows first.
        begin, cut, origin: ``[tasks, windows]``, in positions of that series.
        valid: ``[tasks, windows]`` bool.
        mixture: the series that those are mixed with; None: none.
    """

    series: tf.Tensor
    begin: tf.Tensor
    cut: tf.Tensor
    origin: tf.Tensor
    valid: tf.Tensor
    mixture: Mixture | None = None


class TaskSampler:
    """``sampler(seed) -> TaskBatch``: a pure function of the seed, by TensorFlow operations alone.

    For each task a member series, its anchor, and a cut in it are drawn, and turned into a moment of the
    calendar: the history of every member ends at that moment, support targets end before it and
    query targets begin at it or after. A share of the histories (``spec.cold_share``) is cut on the
    left too, to 3 points to 3 seasons. A share of the tasks (``spec.mix_share``) is mixed with one further
    series, whose own cut is the task's moment.

    Args:
        collection: the series.
        task_set: which series form each task; a task none of whose series has 3 points is left out.
        spec: sizes of windows.
        n_tasks: tasks of a meta-batch, drawn with replacement.
        dtype: of the results, the model's.
        encoded: exogenous columns that the model takes.

    Raises:
        DataError: if no task is long enough to learn from.
    """

    def __init__(
        self,
        collection: SeriesCollection,
        task_set: TaskSet,
        spec: WindowSpec,
        n_tasks: int,
        dtype: str = "float32",
        encoded: Encoded = NOTHING,
    ) -> None:
        self.spec, self.n_tasks, self.dtype = spec, n_tasks, dtype
        long_enough = collection.n_observed > _SHORTEST
        owner = np.repeat(np.arange(len(task_set)), np.diff(task_set.offsets))
        kept = long_enough[task_set.members]
        counts = np.bincount(owner[kept], minlength=len(task_set))
        if not kept.any():
            raise DataError(
                f"no series has more than {_SHORTEST} values: there is nothing to learn from.",
                source=collection.source,
            )
        counts = counts[counts > 0]
        self._members = tf.constant(task_set.members[kept], tf.int64)
        self._firsts = tf.constant(np.concatenate([[0], np.cumsum(counts)[:-1]]), tf.int64)
        self._counts = tf.constant(counts, tf.int64)
        self._series = flat_series(
            collection.values, collection.offsets, collection.positions, encoded
        )
        errors = series_errors(collection.values, collection.offsets, spec.season_length)
        self._errors = tf.constant(errors, tf.float64)
        self._levels = tf.constant(levels_of(collection.values, collection.offsets), tf.float64)
        self._mixes = spec.mix_share > 0 and not any(encoded.widths)
        self._lengths = tf.constant(collection.lengths, tf.int64)
        self._n_observed = tf.constant(collection.n_observed, tf.int64)
        # Where each value stands; None where every step has one.
        self._observed: tuple[tf.Tensor, tf.Tensor] | None = None
        if collection.has_gaps:
            first = np.concatenate([[0], np.cumsum(collection.n_observed)[:-1]])
            position = np.arange(len(collection.values)) - np.repeat(
                collection.offsets[:-1], collection.lengths
            )
            self._observed = (
                tf.constant(position[collection.is_observed], tf.int64),
                tf.constant(first, tf.int64),
            )

    def __call__(self, seed: tf.Tensor) -> TaskBatch:
        """Draw a meta-batch.

        Args:
            seed: int64 ``[2]``.
        """
        drawn = self.draw(seed)
        spec = self.spec
        is_support = tf.range(spec.n_support + spec.n_query) < spec.n_support
        limit = tf.where(is_support, drawn.cut, tf.gather(self._lengths, drawn.series))
        of_input = tf.constant(np.nan, self._errors.dtype)
        errors = tf.gather(self._errors, drawn.series)
        if drawn.mixture is not None:
            errors = drawn.mixture.errors(errors, tf.gather(self._errors, drawn.mixture.partner))
        windows = gather_windows(
            self._series,
            drawn.series,
            drawn.origin,
            drawn.begin,
            limit,
            drawn.valid,
            spec,
            self.dtype,
            tf.where(is_support, of_input, errors),
            drawn.mixture,
        )
        tensors = (windows.inputs, windows.targets, windows.weights)
        support, query = (
            tf.nest.map_structure(lambda tensor, part=part: tensor[:, part], tensors)
            for part in (slice(None, spec.n_support), slice(spec.n_support, None))
        )
        return TaskBatch(*support, *query)

    def draw(self, seed: tf.Tensor) -> Drawn:
        """Choose tasks, cuts and windows, in positions."""
        spec, n = self.spec, self.n_tasks
        n_drawn = 5 + spec.n_query
        uniform = uniform_numbers(seed, [n_drawn + 4, n])

        task = below(uniform[0], tf.shape(self._counts, tf.int64)[0])
        first, count = tf.gather(self._firsts, task), tf.gather(self._counts, task)
        turn = below(uniform[1], count)
        anchor = tf.gather(self._members, first + turn)
        moment = self._cut_of(anchor, uniform[2]) + tf.gather(self._series.positions, anchor)
        history = self._history_length(uniform[3], uniform[4])

        # Support slot k is window k // m of member k % m (m members, the anchor first): the
        # latest windows of every member first. Query slots go round the members too, so that
        # every task has a support and a query window: those of its anchor.
        turn, count, first = (x[:, tf.newaxis] for x in (turn, count, first))
        slot = tf.concat(
            [tf.range(spec.n_support, dtype=tf.int64), tf.range(spec.n_query, dtype=tf.int64)], 0
        )[tf.newaxis]
        series = tf.gather(self._members, first + (slot + turn) % count)
        length = tf.gather(self._lengths, series)
        cut = moment[:, tf.newaxis] - tf.gather(self._series.positions, series)
        cut = tf.clip_by_value(cut, tf.zeros_like(length), length)
        begin = tf.maximum(cut - history[:, tf.newaxis], 0)

        recency = slot[:, : spec.n_support] // count
        k = spec.n_support
        origin_s, valid_s = support_origins(begin[:, :k], cut[:, :k], recency, spec)
        ahead = below(tf.transpose(uniform[5:n_drawn]), tf.constant(spec.h + 1, tf.int64))
        ahead = tf.where(tf.range(spec.n_query) == 0, tf.zeros_like(ahead), ahead)
        origin_q = cut[:, k:] + ahead
        valid_q = (cut[:, k:] > begin[:, k:]) & (origin_q < length[:, k:])
        # A later query window sees no longer a history than the first.
        begin_q = tf.maximum(origin_q - history[:, tf.newaxis], 0)
        return Drawn(
            series,
            tf.concat([begin[:, :k], begin_q], 1),
            cut,
            tf.concat([origin_s, origin_q], 1),
            tf.concat([valid_s, valid_q], 1),
            self._mixture(uniform[n_drawn:], series, cut) if self._mixes else None,
        )

    def _mixture(self, uniform: tf.Tensor, series: tf.Tensor, cut: tf.Tensor) -> Mixture:
        """A further series for each task, cut where its history is as long as the task's, or late."""
        n_members = tf.shape(self._members, tf.int64)[0]
        drawn = tf.gather(self._members, below(uniform[0], n_members))
        own_cut = self._cut_of(drawn, uniform[1], cut[:, 0])[:, tf.newaxis]
        partner = tf.broadcast_to(drawn[:, tf.newaxis], tf.shape(series))
        levels = (tf.gather(self._levels, series), tf.gather(self._levels, partner))
        end = tf.gather(self._lengths, partner)
        return mixture(uniform[2:], self.spec.mix_share, levels, partner, own_cut - cut, end)

    def _cut_of(
        self, series: tf.Tensor, uniform: tf.Tensor, at_least: tf.Tensor | int = _SHORTEST
    ) -> tf.Tensor:
        """A cut from which a whole target follows, if the series has room; else within it.

        The cut stands at a value, and counts values: a gap is no place to learn from.

        Args:
            series: ``[tasks]``.
            uniform: ``[tasks]``, in [0, 1).
            at_least: so many values before it, if the series has them.
        """
        count = tf.gather(self._n_observed, series)
        last = tf.maximum(count - self.spec.h, tf.minimum(count // 2 + 1, count - 1))
        first = tf.minimum(tf.cast(at_least, tf.int64), last)
        number = first + below(uniform, last - first + 1)
        if self._observed is None:
            return number
        position, begin = self._observed
        return tf.gather(position, tf.gather(begin, series) + number)

    def _history_length(self, chance: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
        """Points that a history may hold at most: a few for cold starts, all for the others.

        The logarithm of a few is uniform: the fewer points there are, the more each further one says.
        """
        shortest, longest = self.spec.cold_lengths
        # By comparison, which XLA and TensorFlow agree on to the bit, unlike on powers.
        logs = np.log(np.arange(shortest, longest + 2) / shortest)
        chances = tf.constant(logs[1:-1] / logs[-1], uniform.dtype)
        further = tf.cast(uniform[:, tf.newaxis] >= chances, tf.int64)
        few = shortest + tf.reduce_sum(further, axis=1)
        everything = tf.reduce_max(self._lengths) + self.spec.h
        return tf.where(chance < self.spec.cold_share, few, everything)


def uniform_numbers(seed: tf.Tensor, shape: list[int]) -> tf.Tensor:
    """Numbers in [0, 1), float64."""
    # Whole numbers of a named generator: XLA draws others where TensorFlow chooses it.
    whole = tf.random.stateless_uniform(shape, seed, None, None, tf.uint32, alg="philox")
    return tf.cast(whole, tf.float64) / 2**32


def below(uniform: tf.Tensor, bound: tf.Tensor) -> tf.Tensor:
    """Whole numbers from 0 to ``bound - 1`` from numbers in [0, 1)."""
    drawn = tf.cast(tf.floor(uniform * tf.cast(bound, tf.float64)), tf.int64)
    return tf.minimum(drawn, bound - 1)
