"""The sampler of meta-training tasks."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tsmaml.errors import DataError
from tsmaml.tasks import TaskSet, WindowSpec, per_series
from tsmaml.tasks.sampling import TaskSampler
from tsmaml.tasks.scaling import series_errors

SPEC = WindowSpec(input_size=6, h=4, season_length=3, n_support=4, n_query=2)


def seed(number: int) -> tf.Tensor:
    return tf.constant([number, 0], tf.int64)


@pytest.fixture(scope="module")
def collection(collect):
    rng = np.random.default_rng(0)
    lengths, starts = [30, 7, 12, 3, 25, 1], [0, 5, 18, 2, 6, 0]
    return collect([rng.normal(size=n) for n in lengths], starts)


@pytest.fixture(scope="module")
def groups():
    return TaskSet.from_labels(["a", "a", "b", "b", "b", "a"])


def test_compiled_by_xla_it_draws_the_same(collection, groups):
    sampler = TaskSampler(collection, groups, SPEC, 16)
    compiled = tf.function(
        lambda seed: (sampler.draw(seed), sampler(seed)), autograph=False, jit_compile=True
    )
    for number in range(3):
        places, batch = compiled(seed(number))
        for one, other in zip(places, sampler.draw(seed(number)), strict=True):
            np.testing.assert_array_equal(one, other)
        for one, other in zip(
            tf.nest.flatten(batch), tf.nest.flatten(sampler(seed(number))), strict=True
        ):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    assert compiled.experimental_get_tracing_count() == 1


def test_queries_are_judged_in_units_of_the_whole_series(collection):
    sampler = TaskSampler(collection, per_series(collection, SPEC), SPEC, 64, "float64")
    batch, places = sampler(seed(4)), sampler.draw(seed(4))
    assert (np.asarray(batch.support_targets["unit"]) == 1).all()
    errors = series_errors(collection.values, collection.offsets, SPEC.season_length)
    of_series = errors[np.asarray(places.series)[:, SPEC.n_support :]]
    wanted = np.clip(of_series / np.asarray(batch.query_targets["scale"])[..., 0], 0.1, 50)
    assert len(np.unique(wanted)) > 10
    np.testing.assert_allclose(np.asarray(batch.query_targets["unit"])[..., 0], wanted)


def test_shapes_are_static_and_of_the_models_dtype(collection, groups):
    sampler = TaskSampler(collection, groups, SPEC, 5, "float64")
    traced = tf.function(sampler, autograph=False).get_concrete_function(
        tf.TensorSpec([2], tf.int64)
    )
    batch = traced.structured_outputs
    for windows, part in ((4, "support"), (2, "query")):
        inputs = getattr(batch, f"{part}_inputs")
        targets = getattr(batch, f"{part}_targets")
        assert {name: tuple(x.shape) for name, x in inputs.items()} == {
            "past": (5, windows, 6),
            "mask": (5, windows, 6),
        }
        sizes = {"y": 4, "observed": 4, "location": 1, "scale": 1, "seasonal_error": 1, "unit": 1}
        assert {name: tuple(x.shape) for name, x in targets.items()} == {
            name: (5, windows, size) for name, size in sizes.items()
        }
        assert getattr(batch, f"{part}_weights").shape == (5, windows, 4)
    assert {tensor.dtype.name for tensor in tf.nest.flatten(batch)} == {"float64"}


def test_every_series_long_enough_is_met_and_every_cut(collection):
    places = TaskSampler(collection, per_series(collection, SPEC), SPEC, 4000).draw(seed(1))
    series, cut = np.asarray(places.series)[:, 0], np.asarray(places.cut)[:, 0]
    # Of 30 points the last 4 can be a whole target; of 7 half can, of 3 the last one.
    latest = {0: 26, 1: 4, 2: 8, 3: 2, 4: 21}
    assert {name: set(cut[series == name]) for name in set(series)} == {
        name: set(range(2, last + 1)) for name, last in latest.items()
    }
    shares = np.bincount(series) / len(series)
    np.testing.assert_allclose(shares, 0.2, atol=0.03)


def test_query_windows_begin_at_the_cut_or_up_to_a_horizon_later(collection):
    places = TaskSampler(collection, per_series(collection, SPEC), SPEC, 1000).draw(seed(2))
    ahead = np.asarray(places.origin - places.cut)[:, SPEC.n_support :]
    assert set(ahead[:, 0]) == {0}
    assert set(ahead[:, 1]) == {0, 1, 2, 3, 4}


def test_the_share_of_cold_starts_is_kept(collection):
    places = TaskSampler(collection, per_series(collection, SPEC), SPEC, 4000).draw(seed(3))
    begin, cut = np.asarray(places.begin)[:, 0], np.asarray(places.cut)[:, 0]
    could_be_cut = cut > 3 * SPEC.season_length
    assert np.mean((begin > 0)[could_be_cut]) == pytest.approx(0.2, abs=0.03)


def test_windows_of_a_group_go_round_its_members(collect):
    rng = np.random.default_rng(1)
    group = collect([rng.normal(size=40) for _ in range(3)])
    spec = WindowSpec(input_size=6, h=4, n_support=7, n_query=3, cold_share=0)
    sampler = TaskSampler(group, TaskSet.from_labels(["g"] * 3), spec, 8)
    places = sampler.draw(seed(0))
    turn = np.asarray(places.series)[:, :1]
    slots = np.concatenate([np.arange(7), np.arange(3)])
    np.testing.assert_array_equal(places.series, (turn + slots) % 3)
    assert len(set(turn[:, 0])) > 1
    # Every member's latest window comes first, then the one before.
    long = np.asarray(places.cut)[:, 0] >= 20
    back = np.asarray(places.cut - places.origin)[long, :7]
    np.testing.assert_array_equal(back, np.broadcast_to([4, 4, 4, 6, 6, 6, 8], back.shape))


def test_series_too_short_to_be_divided_are_left_out(collect):
    short = collect([[1, 2], [3], [1, 2, 3], [4, 5, 6]])
    tasks = TaskSet.from_labels(["all short", "all short", "one", "two"])
    places = TaskSampler(short, tasks, SPEC, 200).draw(seed(0))
    assert set(np.ravel(places.series)) == {2, 3}
    mixed = TaskSet.from_labels(["g"] * 4)
    assert set(np.ravel(TaskSampler(short, mixed, SPEC, 50).draw(seed(0)).series)) == {2, 3}


def test_nothing_to_learn_from_is_an_error(collect):
    short = collect([[1, 2], [3]])
    with pytest.raises(DataError, match="no series has more than 2 values"):
        TaskSampler(short, per_series(short, SPEC), SPEC, 4)
