"""Properties of tasks: every window is a slice of its series, and none sees the future."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tsmaml.series import SeriesCollection
from tsmaml.series.calendar import Frequency
from tsmaml.tasks import TaskSet, WindowSpec
from tsmaml.tasks.adaptation import adaptation_batches, rows_of
from tsmaml.tasks.sampling import TaskSampler
from tsmaml.tasks.scaling import SCALINGS, scale_windows, seasonal_error
from tsmaml.tasks.windows import flat_series, gather_windows, support_origins

# Few specs: adaptation traces one function for each.
SPEC = WindowSpec(input_size=4, h=3, season_length=2, n_support=5, n_query=3, cold_share=0.5)
ONE_QUERY = replace(SPEC, n_query=1)
# Input, mask, target and weights of a window that is not there.
NOTHING = tuple(np.zeros(size) for size in (4, 4, 3, 3))

finite = st.floats(-1e6, 1e6, allow_subnormal=False)
seeds = st.tuples(st.integers(0, 2**31), st.integers(0, 2**31))
# Each example runs some hundred small operations.
some = settings(max_examples=20)


def collection_of(series: list[list[float]], starts: list[int]) -> SeriesCollection:
    return SeriesCollection(
        np.array([f"s{number}" for number in range(len(series))], object),
        np.concatenate([np.asarray(values, float) for values in series]),
        np.cumsum([0, *map(len, series)]),
        np.array(starts),
        Frequency(None),
    )


class Drawn(NamedTuple):
    """Values and start of each series, and which of them form a task."""

    series: list[list[float]]
    starts: list[int]
    labels: list[int]

    @property
    def collection(self) -> SeriesCollection:
        return collection_of(self.series, self.starts)

    @property
    def task_set(self) -> TaskSet:
        return TaskSet.from_labels(self.labels)

    def with_values(self, values: np.ndarray) -> Drawn:
        parts = np.split(values, np.cumsum([len(part) for part in self.series])[:-1])
        return self._replace(series=[part.tolist() for part in parts])


@st.composite
def grouped(draw, shortest: int = 1, gaps: bool = False):
    """Series of differing length and start, one of 3 values or more, in groups."""
    lengths = [draw(st.integers(3, 12)), *draw(st.lists(st.integers(shortest, 12), max_size=4))]
    value = st.one_of(finite, st.just(np.nan)) if gaps else finite
    return Drawn(
        [
            [
                *draw(st.lists(value, min_size=n, max_size=n)),
                *draw_values(draw, gaps and not number),
            ]
            for number, n in enumerate(lengths)
        ],
        [draw(st.integers(0, 10)) for _ in lengths],
        [draw(st.integers(0, 2)) for _ in lengths],
    )


def draw_values(draw, wanted: bool) -> list[float]:
    return draw(st.lists(finite, min_size=3, max_size=3)) if wanted else []


def arrays_of(tensors) -> list[np.ndarray]:
    return [np.asarray(tensor) for tensor in tf.nest.flatten(tensors)]


def assert_same_bits(left, right) -> None:
    for one, other in zip(arrays_of(left), arrays_of(right), strict=True):
        np.testing.assert_array_equal(one, other)


def slice_of(values: np.ndarray, begin: int, origin: int, limit: int, spec: WindowSpec):
    """Input, mask, target and weights of one window, by plain slices."""
    past, mask = np.zeros((2, spec.input_size))
    target, weight = np.zeros((2, spec.h))
    seen = values[max(begin, origin - spec.input_size) : origin]
    past[spec.input_size - len(seen) :] = np.nan_to_num(seen)
    mask[spec.input_size - len(seen) :] = ~np.isnan(seen)
    ahead = values[origin : min(origin + spec.h, limit)]
    if mask.any():
        target[: len(ahead)], weight[: len(ahead)] = np.nan_to_num(ahead), ~np.isnan(ahead)
    return past, mask, target, weight


def assert_is_slice(batch, part: str, place, wanted) -> None:
    inputs, targets = getattr(batch, f"{part}_inputs"), getattr(batch, f"{part}_targets")
    window = {**inputs, **targets, "weights": getattr(batch, f"{part}_weights")}
    window = {name: np.asarray(tensor[place]) for name, tensor in window.items()}
    past, mask, target, weight = wanted
    np.testing.assert_array_equal(window["mask"], mask)
    np.testing.assert_array_equal(window["weights"], weight)
    np.testing.assert_array_equal(window["observed"], weight)
    location, scale = window["location"], window["scale"]
    close = {"rtol": 1e-9, "atol": 1e-9 * np.abs(past).max()}
    np.testing.assert_allclose(mask * (window["past"] * scale + location), past, **close)
    close["atol"] = 1e-9 * max(np.abs(past).max(), np.abs(target).max())
    np.testing.assert_allclose(weight * (window["y"] * scale + location), target, **close)
    assert not window["past"][mask == 0].any()
    assert not window["y"][weight == 0].any()


@some
@given(st.one_of(grouped(), grouped(gaps=True)), seeds)
def test_every_drawn_window_is_a_slice_of_its_series(drawn, seed):
    collection = drawn.collection
    sampler = TaskSampler(collection, drawn.task_set, SPEC, 3, "float64")
    seed = tf.constant(seed, tf.int64)
    batch, places = sampler(seed), sampler.draw(seed)
    for task, slot in np.ndindex(*places.series.shape):
        series, begin, cut, origin, valid = (int(part[task, slot]) for part in places[:5])
        values = np.array(drawn.series[series])
        is_support = slot < SPEC.n_support
        wanted = NOTHING
        if valid:
            wanted = slice_of(values, begin, origin, cut if is_support else len(values), SPEC)
        place = (task, slot if is_support else slot - SPEC.n_support)
        assert_is_slice(batch, "support" if is_support else "query", place, wanted)


@some
@given(grouped(gaps=True), seeds)
def test_a_task_begins_at_a_value_however_many_are_missing(drawn, seed):
    collection = drawn.collection
    sampler = TaskSampler(collection, drawn.task_set, replace(SPEC, cold_share=0.0), 8)
    places = sampler.draw(tf.constant(seed, tf.int64))
    anchors = zip(
        places.series[:, SPEC.n_support].numpy(), places.cut[:, SPEC.n_support].numpy(), strict=True
    )
    for series, cut in anchors:
        values = np.array(drawn.series[series])
        assert not np.isnan(values[cut])
        assert np.count_nonzero(~np.isnan(values[:cut])) >= 2


@some
@given(grouped(), seeds)
def test_support_targets_end_before_the_moment_at_which_query_targets_begin(drawn, seed):
    sampler = TaskSampler(drawn.collection, drawn.task_set, SPEC, 4)
    places = sampler.draw(tf.constant(seed, tf.int64))
    places = places._make(np.asarray(part) for part in places)
    k = SPEC.n_support
    position = np.array(drawn.starts) - min(drawn.starts)
    # The anchor stands first among the queries, and its first query begins at the cut.
    moment = (position[places.series] + places.cut)[:, k : k + 1]
    np.testing.assert_array_equal(places.origin[:, k], places.cut[:, k])
    first = position[places.series] + places.origin
    last = position[places.series] + np.minimum(places.origin + SPEC.h, places.cut) - 1
    assert (last < moment)[:, :k][places.valid[:, :k]].all()
    assert (first >= moment)[:, k:][places.valid[:, k:]].all()
    # Each task can learn, and be judged.
    assert places.valid[:, 0].all()
    assert places.valid[:, k].all()


@some
@given(grouped(), seeds, st.data())
def test_values_at_or_after_the_cut_reach_neither_support_nor_the_query_at_the_cut(
    drawn, seed, data
):
    seed = tf.constant(seed, tf.int64)
    collection = drawn.collection
    sampler = TaskSampler(collection, drawn.task_set, SPEC, 1)
    batch, places = sampler(seed), sampler.draw(seed)
    anchor, cut = (int(part[0, SPEC.n_support]) for part in (places.series, places.cut))
    moment = drawn.starts[anchor] + cut
    is_future = collection.times() >= moment
    other = data.draw(arrays(float, len(is_future), elements=finite))
    edited = drawn.with_values(np.where(is_future, other, collection.values))
    after = TaskSampler(edited.collection, drawn.task_set, SPEC, 1)(seed)
    assert_same_bits(after[:3], batch[:3])

    def at_the_cut(made):
        # Not the unit of the loss, which is of the whole series: no model sees it.
        of_input = [made.query_targets[name] for name in ("location", "scale", "seasonal_error")]
        return tf.nest.map_structure(lambda x: x[:, 0], (made.query_inputs, of_input))

    assert_same_bits(at_the_cut(after), at_the_cut(batch))
    assert_same_bits(after.query_weights, batch.query_weights)


@some
@given(grouped(), seeds)
def test_editing_query_targets_moves_nothing_but_them(drawn, seed):
    seed = tf.constant(seed, tf.int64)
    sampler = TaskSampler(drawn.collection, drawn.task_set, ONE_QUERY, 1, "float64")
    batch, places = sampler(seed), sampler.draw(seed)
    series, origin = (int(part[0, ONE_QUERY.n_support]) for part in (places.series, places.origin))
    edited = [list(values) for values in drawn.series]
    for step in range(origin, min(origin + ONE_QUERY.h, len(edited[series]))):
        edited[series][step] += 1e6
    collection = drawn._replace(series=edited).collection
    after = TaskSampler(collection, drawn.task_set, ONE_QUERY, 1, "float64")(seed)
    moved = np.asarray(after.query_targets["y"] != batch.query_targets["y"])
    np.testing.assert_array_equal(moved, np.asarray(batch.query_weights) > 0)
    for made in (batch, after):
        del made.query_targets["y"], made.query_targets["unit"]  # of the whole series
    assert_same_bits(after, batch)


@some
@given(grouped(), seeds, st.lists(finite, min_size=1, max_size=4), st.data())
def test_appending_points_changes_no_earlier_window(drawn, seed, future, data):
    lengths = np.array([len(values) for values in drawn.series])
    series = data.draw(arrays(np.int64, (6,), elements=st.integers(0, len(lengths) - 1)))
    cut = np.array([data.draw(st.integers(0, n)) for n in lengths[series]])
    begin = np.array([data.draw(st.integers(0, n)) for n in cut])
    recency = np.arange(6) % SPEC.n_support

    def made(of: Drawn):
        collection = of.collection
        flat = flat_series(collection.values, collection.offsets, collection.positions)
        begins, cuts = tf.constant(begin), tf.constant(cut)
        origins, valid = support_origins(begins, cuts, tf.constant(recency), SPEC)
        return gather_windows(flat, series, origins, begins, cuts, valid, SPEC, "float32")

    longer = drawn._replace(series=[values + future for values in drawn.series])
    assert_same_bits(made(longer), made(drawn))


@some
@given(
    st.lists(st.lists(finite, min_size=1, max_size=12), min_size=1, max_size=5),
    st.booleans(),
    st.data(),
)
def test_points_that_are_held_back_are_as_good_as_absent(series, is_group, data):
    # Series of a group end together; a single one keeps at least half of its points.
    n_held = data.draw(st.integers(1, 4 if len(series) > 1 and is_group else min(map(len, series))))
    starts = [20 - len(values) for values in series]
    labels = [0] * len(series) if is_group else list(range(len(series)))
    drawn = Drawn(series, starts, labels)
    future = [data.draw(st.lists(finite, min_size=n_held, max_size=n_held)) for _ in series]
    longer = drawn._replace(series=[a + b for a, b in zip(series, future, strict=True)])
    rows, batches = adaptation_batches(drawn.collection, drawn.task_set, SPEC)
    same_rows, held = adaptation_batches(
        longer.collection, drawn.task_set, SPEC, cut_backs=(n_held,)
    )
    assert_same_bits(rows[:2], same_rows[:2])
    for batch, other in zip(batches, held, strict=True):
        assert_same_bits(other.tasks[:4], batch.tasks[:4])
        assert_same_bits(other.units, batch.units)
        # A forecast's target is not known; one that is held back is, as far as it goes.
        assert not np.any(batch.tasks.query_weights)
        known = np.arange(SPEC.h) < n_held
        there = np.zeros(other.tasks.query_weights.shape[:2], bool)
        there[: len(batch.rows)] = (rows.members >= 0)[batch.rows]
        np.testing.assert_array_equal(other.tasks.query_weights, there[..., np.newaxis] & known)


@some
@given(st.one_of(grouped(), grouped(gaps=True)))
def test_the_query_of_a_forecast_ends_with_the_last_step(drawn):
    rows, batches = adaptation_batches(
        drawn.collection, drawn.task_set, SPEC, n_rows=2, dtype="float64"
    )
    seen = []
    for batch in batches:
        for row, number in enumerate(batch.rows):
            for column, series in enumerate(rows.members[number]):
                if series < 0:
                    wanted = NOTHING
                else:
                    values = np.array(drawn.series[series])
                    wanted = slice_of(values, 0, len(values), len(values), SPEC)
                    seen.append(series)
                assert_is_slice(batch.tasks, "query", (row, column), wanted)
    assert sorted(seen) == list(range(len(drawn.series)))


@given(st.lists(st.integers(0, 6), min_size=1, max_size=40), st.integers(1, 5))
def test_rows_hold_every_member_once_beside_its_own_task(labels, width):
    task_set = TaskSet.from_labels(labels)
    rows = rows_of(task_set, width)
    assert rows.members.shape == (len(rows.task), width)
    there = rows.members >= 0
    np.testing.assert_array_equal(np.sort(rows.members[there]), np.arange(len(labels)))
    names = np.array(task_set.names)[rows.task]
    owners = np.broadcast_to(names[:, np.newaxis], there.shape)[there]
    np.testing.assert_array_equal(owners, np.array(labels, str)[rows.members[there]])
    # No row is empty, and only a task's last row may have room left.
    assert there[:, 0].all()
    assert len(rows.task) == sum(-(-labels.count(label) // width) for label in set(labels))


magnitudes = st.one_of(
    st.just(0.0),
    st.builds(
        lambda sign, digits, exponent: sign * digits * 10.0**exponent,
        st.sampled_from([-1, 1]),
        st.floats(1, 9.99),
        st.integers(-30, 29),
    ),
)
SHAPE = (4, 6)


@st.composite
def windows(draw, elements=magnitudes):
    mask = draw(arrays(float, SHAPE, elements=st.sampled_from([0.0, 1.0])))
    return draw(arrays(float, SHAPE, elements=elements)), mask


def scaled(past, mask, kind, dtype="float64"):
    """Scale windows of which time is the last axis, as NumPy arrays of the same."""
    made = scale_windows(
        tf.constant((past * mask).T), tf.constant(mask.T.astype(dtype)), kind, season_length=2
    )
    return (np.asarray(part).T for part in made)


@given(windows(), st.sampled_from(sorted(SCALINGS)))
def test_scaling_is_finite_and_inverts(made, kind):
    past, mask = made
    inside, location, scale = scaled(past, mask, kind)
    assert np.isfinite(location).all()
    assert (np.isfinite(scale) & (scale > 0)).all()
    # At most 2 / 0.01 from the location, in units of the scale, for each of the n points.
    assert (np.abs(inside) <= 200 * SHAPE[-1]).all()
    assert np.isfinite(np.stack([location, scale]).astype("float32")).all()
    largest = np.abs(mask * past).max(-1, keepdims=True)
    assert (np.abs(inside * scale + location - past) * mask <= 1e-12 * largest).all()
    small, *_ = scaled(past, mask, kind, "float32")
    np.testing.assert_allclose(small, inside, rtol=1e-4, atol=1e-4)


@given(windows(), st.integers(-40, 40), st.sampled_from(sorted(SCALINGS)))
def test_scaling_follows_units_exactly(made, power, kind):
    past, mask = made
    inside, location, scale = scaled(past, mask, kind)
    unit = 2.0**power
    nothing = ~(past * mask).any(-1, keepdims=True)
    wanted = inside, location * unit, np.where(nothing, 1.0, scale * unit)
    assert_same_bits(list(scaled(past * unit, mask, kind)), list(wanted))


@given(windows(st.floats(-9, 9)), st.sampled_from(sorted(SCALINGS)))
def test_locations_equal_those_of_numpy(made, kind):
    past, mask = made
    _, location, _ = scaled(past, mask, kind)
    of = {
        "standard": np.mean,
        "mean_absolute": lambda x: 0.0,
        "last": lambda x: x[-1],
        "robust": np.median,
        "seasonal": np.mean,
    }[kind]
    for row in range(SHAPE[0]):
        seen = past[row][mask[row] > 0]
        wanted = of(seen) if seen.size else 0.0
        np.testing.assert_allclose(location[row], [wanted], rtol=1e-12, atol=1e-12)


@given(windows(st.floats(5, 9)))
def test_constants_of_any_kind_have_a_scale_of_their_level(made):
    past, mask = made
    past = np.broadcast_to(past[:, :1], SHAPE)
    for kind in SCALINGS:
        inside, _, scale = scaled(past, mask, kind)
        for row in np.flatnonzero(mask.any(axis=1)):
            assert 0.0099 * past[row, 0] <= scale[row, 0] <= 1.0001 * past[row, 0]
        assert (np.abs(inside) <= 1.0001).all()


@given(windows(st.floats(-9, 9)), st.integers(1, 8))
def test_seasonal_error_equals_a_plain_loop(made, season_length):
    past, mask = made
    past = past * mask
    found = np.asarray(seasonal_error(tf.constant(past.T), tf.constant(mask.T), season_length)).T
    for row in range(SHAPE[0]):
        for lag in (season_length, 1):
            differences = [
                abs(past[row, step] - past[row, step - lag])
                for step in range(lag, SHAPE[1])
                if mask[row, step] and mask[row, step - lag]
            ]
            if differences:
                break
        wanted = max(0.01, np.mean(differences)) if differences else 1.0
        np.testing.assert_allclose(found[row], [wanted], rtol=1e-12)


@some
@given(grouped(shortest=3), seeds)
def test_cold_starts_have_three_points_to_three_seasons(drawn, seed):
    sampler = TaskSampler(drawn.collection, drawn.task_set, replace(SPEC, cold_share=1.0), 8)
    places = sampler.draw(tf.constant(seed, tf.int64))
    k = SPEC.n_support
    history = np.array(places.origin - places.begin)
    history[:, :k] = np.asarray(places.cut - places.begin)[:, :k]
    assert (history <= 3 * SPEC.season_length).all()
    assert (history >= np.minimum(3, np.asarray(places.cut))).all()
    warm = TaskSampler(drawn.collection, drawn.task_set, replace(SPEC, cold_share=0.0), 8)
    assert not np.any(warm.draw(tf.constant(seed, tf.int64)).begin)


@some
@given(grouped(), seeds, seeds)
def test_drawing_is_a_function_of_the_seed(drawn, seed, other):
    assume(seed != other)
    sampler = TaskSampler(drawn.collection, drawn.task_set, SPEC, 3)
    before = sampler(tf.constant(seed, tf.int64))
    sampler(tf.constant(other, tf.int64))
    assert_same_bits(sampler(tf.constant(seed, tf.int64)), before)
