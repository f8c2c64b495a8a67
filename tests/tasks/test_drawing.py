"""Windows of a whole collection: where they lie, and that none sees what is held back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from tsmaml.series import SeriesCollection
from tsmaml.series.calendar import Frequency
from tsmaml.tasks import WindowSpec
from tsmaml.tasks.drawing import WindowSampler, histories_of, past_errors

SPEC = WindowSpec(input_size=4, h=3, season_length=1, scaling="mean_absolute")
LENGTHS = (1, 2, 6, 20)


@pytest.fixture(scope="module")
def collection() -> SeriesCollection:
    """Series of which each value tells where it stands: 1000 times the series, plus the position."""
    values = [1000.0 * i + np.arange(1, n + 1) for i, n in enumerate(LENGTHS)]
    return SeriesCollection(
        np.array([f"s{i}" for i in range(len(LENGTHS))], object),
        np.concatenate(values),
        np.cumsum([0, *LENGTHS]),
        np.zeros(len(LENGTHS), np.int64),
        Frequency(None),
    )


def drawn(collection: SeriesCollection, cut_back: int, seed: int = 0):
    sampler = WindowSampler(SPEC, 400, "float64")
    histories = histories_of(collection, past_errors(collection, 1, cut_back), cut_back)
    found = sampler(tf.constant([seed, 0], tf.int64), histories)
    return tf.nest.map_structure(np.array, found)


def test_inputs_and_targets_follow_each_other_in_one_series(collection):
    inputs, targets, weights = drawn(collection, 0)
    past = inputs["past"] * targets["scale"] + targets["location"]
    ahead = targets["y"] * targets["scale"] + targets["location"]
    last = past[:, -1:]
    assert (inputs["mask"][:, -1] == 1).all()
    wanted = last + np.arange(1, 4)
    np.testing.assert_allclose(np.where(weights > 0, ahead, wanted), wanted)
    assert set(np.unique(last // 1000)) == {1, 2, 3}  # no window in a series of one point
    assert (weights.sum(axis=1) > 0).all()


def test_origins_lie_where_forecasts_begin_from_inputs_of_such_length(collection):
    inputs, targets, _ = drawn(collection, 0)
    last = np.rint(inputs["past"] * targets["scale"] + targets["location"])[:, -1]
    origins = {number: last[last // 1000 == number] % 1000 for number in (1, 2, 3)}
    assert {number: (part.min(), part.max()) for number, part in origins.items()} == {
        1: (1, 1),  # half of two points
        2: (3, 5),  # half of six
        3: (4, 19),  # an input's length
    }


def test_what_is_held_back_is_not_seen(collection):
    future = np.concatenate([np.arange(n) >= max(n - 3, (n + 1) // 2) for n in LENGTHS])
    changed = replace(collection, values=np.where(future, -7.0, collection.values))
    for one, other in zip(
        tf.nest.flatten(drawn(collection, 3)), tf.nest.flatten(drawn(changed, 3)), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(drawn(collection, 0)[1]["y"], drawn(changed, 0)[1]["y"])
