"""Tasks of different sizes: what is drawn, and where support ends and query begins."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tsmaml.engine.ragged import RaggedSampler, expanding_folds, split_at, split_between
from tsmaml.errors import TrainingError

LENGTHS = np.array([10, 7, 23])
OFFSETS = np.concatenate([[0], np.cumsum(LENGTHS)])
# The value of a sample tells its task and its place: 100 * task + place.
NUMBERED = np.concatenate([100 * t + np.arange(n) for t, n in enumerate(LENGTHS)]).astype(float)


def sampler_of(bounds, n_tasks=(2, 6)) -> RaggedSampler:
    inputs = {"x": NUMBERED[:, None], "z": -NUMBERED}
    return RaggedSampler(inputs, NUMBERED[:, None], OFFSETS, bounds, n_tasks)


def drawn_sets(sampler, n_batches=60):
    """``(task, support places, query places)`` of every task that was drawn."""
    for step in range(n_batches):
        batch = sampler(tf.constant([3, step], tf.int64))
        np.testing.assert_array_equal(batch.support_inputs["x"], batch.support_targets)
        np.testing.assert_array_equal(batch.query_inputs["z"], -batch.query_targets[..., 0])
        assert (np.array(batch.support_weights).sum(axis=1) > 0).all()
        for task in range(len(batch.query_weights)):
            support, query = (
                np.array(targets[task, :, 0])[np.array(weights[task]) > 0]
                for targets, weights in (batch[1:3], batch[4:])
            )
            if len(query):
                assert len({*(support // 100), *(query // 100)}) == 1
                yield int(query[0] // 100), list(support % 100), list(query % 100)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.7])
def test_a_fixed_share_is_rounded_down_as_python_does(share):
    seen = set()
    for task, support, query in drawn_sets(sampler_of(split_between(share, share))):
        boundary = int(LENGTHS[task] * share)
        assert support == list(range(boundary))
        assert query == list(range(boundary, LENGTHS[task]))
        seen.add(task)
    assert seen == {0, 1, 2}


def test_a_range_of_shares_is_drawn_anew_for_each_task():
    sizes = {task: set() for task in range(3)}
    for task, support, query in drawn_sets(sampler_of(split_between(0.2, 0.8)), 150):
        assert support + query == list(range(LENGTHS[task]))
        sizes[task].add(len(support))
    for task, length in enumerate(LENGTHS):
        # The last size is reached with a share of exactly 0.8 only where 0.8 * length is whole.
        assert sizes[task] >= set(range(int(0.2 * length), int(np.ceil(0.8 * length))))
        assert max(sizes[task]) <= int(0.8 * length)


def test_folds_learn_from_what_comes_before_them_only():
    seen = set()
    for task, support, query in drawn_sets(sampler_of(expanding_folds(3))):
        size = LENGTHS[task] // 3
        fold = query[0] // size
        assert support == list(range(int(query[0])))
        end = LENGTHS[task] if fold == 2 else (fold + 1) * size
        assert query == list(range(int(fold * size), int(end)))
        seen.add((task, fold))
    assert seen == {(task, fold) for task in range(3) for fold in (1, 2)}


def test_given_boundaries_hold():
    for task, support, query in drawn_sets(sampler_of(split_at([9, 1, 5])), 10):
        assert len(support) == [9, 1, 5][task]
        assert len(support) + len(query) == LENGTHS[task]


def test_the_number_of_tasks_covers_its_range():
    sampler = sampler_of(split_between(0.5, 0.5), (2, 5))
    counts = [
        int(np.any(sampler(tf.constant([0, step], tf.int64)).query_weights, axis=1).sum())
        for step in range(100)
    ]
    assert set(counts) == {2, 3, 4, 5}


@pytest.mark.parametrize(
    "bounds", [split_between(0.2, 0.8), expanding_folds(3), split_at([1, 2, 3])]
)
def test_xla_draws_the_same(bounds):
    sampler = sampler_of(bounds)
    compiled = tf.function(sampler, jit_compile=True, autograph=False)
    for step in range(5):
        seed = tf.constant([1, step], tf.int64)
        tf.nest.map_structure(np.testing.assert_array_equal, compiled(seed), sampler(seed))


def test_padding_is_there_only_where_it_must_be():
    equal = RaggedSampler(NUMBERED, NUMBERED, [0, 20, 40], split_between(0.3, 0.3), (1, 2))
    assert not equal.padded
    assert equal(tf.constant([0, 0], tf.int64)).support_weights.shape == (2, 6)
    assert sampler_of(split_between(0.3, 0.3)).padded


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        (split_between(0.1, 0.1), "Task 1 has 7 samples, of which its support gets 0"),
        (split_between(0.5, 1.0), "Task 0 has 10 samples.*its query 0"),
        (expanding_folds(8), "Task 1 has 7 samples"),
        (split_at([5, 5, 23]), "Task 2 has 23 samples, of which its support gets 23"),
    ],
)
def test_a_task_that_can_be_empty_is_named(bounds, message):
    with pytest.raises(TrainingError, match=message):
        sampler_of(bounds)
