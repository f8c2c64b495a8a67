"""Tasks of a new collection: support from the whole history, the forecast's window as query."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tsmaml.errors import UsageError
from tsmaml.tasks import TaskSet, WindowSpec, per_series
from tsmaml.tasks.adaptation import TaskMaker, adaptation_batches, compiled, rows_of

SPEC = WindowSpec(input_size=4, h=3, n_support=4, n_query=1)


def ramp(n: int, first: int = 0) -> list[float]:
    return [float(first + step) for step in range(n)]


def made(collection, task_set=None, spec=SPEC, **options):
    """Rows and all batches."""
    task_set = task_set or per_series(collection, spec)
    rows, batches = adaptation_batches(collection, task_set, spec, dtype="float64", **options)
    return rows, list(batches)


def in_units(batch, part: str):
    """Inputs and targets ``[rows, windows, ...]`` in units, NaN where masked."""
    inputs, targets = (getattr(batch.tasks, f"{part}_{kind}") for kind in ("inputs", "targets"))
    location, scale = (np.asarray(targets[name]) for name in ("location", "scale"))
    weights = np.asarray(getattr(batch.tasks, f"{part}_weights"))
    past = np.where(np.asarray(inputs["mask"]) > 0, inputs["past"] * scale + location, np.nan)
    y = np.where(weights > 0, targets["y"] * scale + location, np.nan)
    return past, y


def test_support_is_the_whole_history_and_the_query_the_last_values(collect):
    _, (batch,) = made(collect([ramp(12)]))
    past, y = in_units(batch, "support")
    np.testing.assert_allclose(past[0, :, -1], [8, 7, 6, 5])
    np.testing.assert_allclose(y[0], [[9, 10, 11], [8, 9, 10], [7, 8, 9], [6, 7, 8]])
    past, y = in_units(batch, "query")
    np.testing.assert_allclose(past[0, 0], [8, 9, 10, 11])
    assert np.isnan(y).all()


@pytest.mark.parametrize(("n", "kept"), [(12, 9), (7, 4), (5, 3), (4, 2), (3, 2), (2, 1), (1, 1)])
def test_points_are_held_back_but_a_single_series_keeps_half(collect, n, kept):
    _, (batch,) = made(collect([ramp(n)]), cut_backs=(3,))
    past, y = in_units(batch, "query")
    wanted = np.full(4, np.nan)
    wanted[-min(4, kept) :] = ramp(kept)[-4:]
    np.testing.assert_allclose(past[0, 0], wanted, atol=1e-9)
    wanted = np.full(3, np.nan)
    wanted[: n - kept] = ramp(n)[kept : kept + 3]
    np.testing.assert_allclose(y[0, 0], wanted, atol=1e-9)
    _, support = in_units(batch, "support")
    seen = support[np.isfinite(support)]
    assert seen.size == 0 or seen.max() == kept - 1


def test_in_a_group_points_are_held_back_from_one_moment_of_the_calendar(collect):
    # The first ends at time 10, the second at 7, the third begins at 8.
    collection = collect([ramp(10), ramp(5, 102), ramp(2, 208)], [0, 2, 8])
    spec = WindowSpec(input_size=4, h=3, n_support=6, n_query=3)
    _, (batch,) = made(collection, TaskSet.from_labels(["g"] * 3), spec, cut_backs=(3,))
    past, y = in_units(batch, "query")
    np.testing.assert_allclose(past[0, 0], [3, 4, 5, 6])
    np.testing.assert_allclose(y[0, 0], [7, 8, 9])
    np.testing.assert_allclose(past[0, 1], [103, 104, 105, 106])
    assert np.isnan(y[0, 1]).all()
    # No history before the moment: not there at all.
    assert np.isnan(past[0, 2]).all()
    assert np.isnan(y[0, 2]).all()
    _, support = in_units(batch, "support")
    times = support[np.isfinite(support)] % 100
    assert times.max() == 6


def test_a_group_wider_than_a_row_repeats_its_support(collect):
    rng = np.random.default_rng(0)
    collection = collect([rng.normal(size=9) for _ in range(6)])
    task_set = TaskSet.from_labels(["wide"] * 5 + ["own"])
    spec = WindowSpec(input_size=4, h=3, n_support=4, n_query=2)
    rows, (batch,) = made(collection, task_set, spec)
    np.testing.assert_array_equal(rows.task, [0, 1, 1, 1])
    np.testing.assert_array_equal(rows.members, [[5, -1], [0, 1], [2, 3], [4, -1]])
    past, _ = in_units(batch, "support")
    for row in (2, 3):
        np.testing.assert_array_equal(past[row], past[1])
    assert not np.array_equal(past[0], past[1])
    past, _ = in_units(batch, "query")
    for row, column in np.argwhere(rows.members >= 0):
        values = collection.series(f"s{rows.members[row, column]}")
        np.testing.assert_allclose(past[row, column], values[-4:])
    assert np.isnan(past[:4][rows.members < 0]).all()
    assert np.isnan(past[4:]).all()


def test_forecasts_and_what_judges_them_go_together(collect):
    collection = collect([ramp(5 + 3 * number) for number in range(3)])
    errors = np.array([4.0, np.nan, 2.0])
    rows, (both,) = made(collection, cut_backs=(0, 3), errors=errors)
    np.testing.assert_array_equal(rows.cut_back, [0, 0, 0, 3, 3, 3])
    np.testing.assert_array_equal(both.rows, np.arange(6))
    for at, cut_back in enumerate((0, 3)):
        _, (alone,) = made(collection, cut_backs=(cut_back,), errors=errors)
        for one, other in zip(
            tf.nest.flatten(both.tasks), tf.nest.flatten(alone.tasks), strict=True
        ):
            np.testing.assert_array_equal(one[3 * at : 3 * at + 3], other[:3])
        np.testing.assert_array_equal(both.filled[3 * at : 3 * at + 3], alone.filled[:3])
    weights = np.asarray(both.tasks.support_weights)
    np.testing.assert_array_equal(both.filled, (weights > 0).any(axis=2).sum(axis=1))
    # A forecast has nothing to be told in a unit of the series.
    unit = np.asarray(both.tasks.query_targets["unit"])[:, 0, 0]
    scale = np.asarray(both.units.scale)[:, 0, 0]
    np.testing.assert_allclose(unit[:6], [1, 1, 1, 4 / scale[3], 1, 2 / scale[5]])


def test_batches_have_one_shape_and_padding_has_no_query(collect):
    collection = collect([ramp(5 + number) for number in range(7)])
    rows, batches = made(collection, n_rows=3, cut_backs=(1,))
    assert [batch.rows.tolist() for batch in batches] == [[0, 1, 2], [3, 4, 5], [6]]
    assert {batch.tasks.query_weights.shape for batch in batches} == {(3, 1, 3)}
    assert {batch.units.location.shape for batch in batches} == {(3, 1, 1)}
    np.testing.assert_array_equal(rows.members[:, 0], np.arange(7))
    # Each task is judged once. Padding adapts to a real task: its arithmetic stays sound.
    judged = [np.any(batch.tasks.query_weights, axis=(1, 2)).tolist() for batch in batches]
    assert judged == [[True] * 3, [True] * 3, [True, False, False]]
    assert np.any(batches[2].tasks.support_weights, axis=(1, 2)).all()


@pytest.mark.parametrize(
    ("n_series", "n_rows", "wanted"),
    [
        (1, 256, 2),
        (2, 256, 16),
        (16, 256, 16),
        (17, 256, 64),
        (17, 40, 40),
        (65, 256, 256),
        (300, 256, 256),
    ],
)
def test_collections_of_many_sizes_share_few_shapes(collect, n_series, n_rows, wanted):
    _, batches = made(collect([ramp(3)] * n_series), n_rows=n_rows)
    assert {batch.tasks.query_weights.shape[0] for batch in batches} == {wanted}
    assert sum(len(batch.rows) for batch in batches) == n_series


def test_rows_of_tasks_of_all_sizes():
    rows = rows_of(TaskSet(np.array([4, 0, 3, 1, 2]), np.array([0, 1, 4, 5]), ("a", "b", "c")), 2)
    np.testing.assert_array_equal(rows.task, [0, 1, 1, 2])
    np.testing.assert_array_equal(rows.members, [[4, -1], [0, 3], [1, -1], [2, -1]])


@pytest.mark.parametrize(("members", "count"), [([0, 2], 0), ([0, 1, 1, 2], 2)])
def test_a_series_in_no_task_or_in_several_is_named(collect, members, count):
    task_set = TaskSet(
        np.array(members), np.arange(len(members) + 1), tuple("abcd"[: len(members)])
    )
    with pytest.raises(UsageError, match=f"series 's1' is in {count} tasks"):
        made(collect([ramp(4)] * 3), task_set)


def test_a_shape_is_traced_once_a_process(collect):
    # A spec that no other test has: counting starts at nothing traced for it.
    def spec():
        return WindowSpec(input_size=5, h=2, n_support=3, n_query=1, stride=2)

    def traces(n_series: int, length: int, **options: Any) -> int:
        found = compiled(TaskMaker(spec(), "float64"))
        before = found.experimental_get_tracing_count()
        for batch in made(collect([ramp(length)] * n_series), spec=spec(), **options)[1]:
            assert batch.tasks.query_weights.shape[0] == len(batch.cut.errors)
        return found.experimental_get_tracing_count() - before

    assert traces(7, 9, n_rows=2) == 1
    for _ in range(3):
        assert traces(7, 9, n_rows=2, cut_backs=(2,)) == 0
    # A second shape makes sizes variable, after which no shape is new.
    assert traces(3, 11) == 1
    assert sum(traces(n, 20 + n, n_rows=4) for n in range(1, 9)) == 0
