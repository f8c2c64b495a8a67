from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tsmaml.errors import NotFoundError, UsageError
from tsmaml.series import Columns, Frequency, SeriesCollection, read_series


@pytest.fixture
def collection(long) -> SeriesCollection:
    """Months of b (4 points), a (2) and c (1)."""
    return read_series(long({"b": [1, 2, 3, 4], "a": [5, 6], "c": [7]}, freq="MS"))


def starts_of(collection: SeriesCollection) -> list[str]:
    return [str(start)[:10] for start in collection.starts]


def test_length_and_words(collection):
    assert len(collection) == 3
    assert collection.lengths.tolist() == [4, 2, 1]
    assert repr(collection) == "SeriesCollection(3 series, 7 points, MS, from data frame)"


def test_nothing_can_be_written(collection):
    for name in ("ids", "values", "offsets", "starts"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(collection, name)[0] = 0
    with pytest.raises(AttributeError):
        collection.values = np.zeros(7)
    with pytest.raises(ValueError, match="read-only"):
        collection.series("a")[0] = 0


def test_a_series_by_its_id(collection):
    assert collection.series("a").tolist() == [5, 6]
    assert collection.index_of("c") == 2


def test_an_unknown_id_is_not_found(collection):
    with pytest.raises(NotFoundError, match=r"^data frame has no series 'd'\.$"):
        collection.series("d")


def test_select_by_number_from_the_end_or_mask(collection):
    chosen = collection.select([2, 0])
    assert chosen.ids.tolist() == ["c", "b"]
    assert chosen.values.tolist() == [7, 1, 2, 3, 4]
    assert chosen.offsets.tolist() == [0, 1, 5]
    assert collection.select([-1]).values.tolist() == [7]
    assert collection.select(np.array([True, False, True])).ids.tolist() == ["b", "c"]
    assert len(collection.select([])) == 0
    with pytest.raises(IndexError):
        collection.select([3])


def test_series_go_on_with_the_points_that_are_given(collection):
    longer = collection.continued(np.array([[10.0, 20], [30, 40], [50, np.nan]]))
    np.testing.assert_array_equal(longer.values, [1, 2, 3, 4, 10, 20, 5, 6, 30, 40, 7, 50, np.nan])
    assert longer.offsets.tolist() == [0, 6, 10, 13]
    assert longer.n_observed.tolist() == [6, 4, 2]
    assert starts_of(longer) == starts_of(collection)
    assert len(collection.values) == 7


def test_head_leaves_out_what_is_dropped_whole(collection):
    head = collection.head_of_each(1)
    assert head.ids.tolist() == ["b", "a"]
    assert head.values.tolist() == [1, 2, 3, 5]
    assert starts_of(head) == ["2024-01-01"] * 2
    assert collection.head_of_each(0).values.tolist() == collection.values.tolist()
    with pytest.raises(UsageError, match="drop is -1; wanted is 0 or more"):
        collection.head_of_each(-1)


def test_tail_begins_later(collection):
    tail = collection.tail_of_each(2)
    assert tail.values.tolist() == [3, 4, 5, 6, 7]
    assert starts_of(tail) == ["2024-03-01", "2024-01-01", "2024-01-01"]
    for points in (0, -1):
        with pytest.raises(UsageError, match=f"points is {points}; wanted is 1 or more"):
            collection.tail_of_each(points)


def test_parts_keep_what_the_whole_is(collection):
    part = collection.select([0])
    for name in ("frequency", "columns", "source", "time_zone", "wall_clock"):
        assert getattr(part, name) == getattr(collection, name)


def test_positions_align_series_by_calendar(collection):
    assert collection.tail_of_each(1).positions.tolist() == [3, 1, 0]


def test_times_of_every_point(collection):
    firsts = pd.date_range("2024-01-01", periods=4, freq="MS").to_numpy()
    expected = np.concatenate([firsts, firsts[:2], firsts[:1]])
    np.testing.assert_array_equal(collection.times(), expected)
    assert collection.select([]).times().shape == (0,)


def test_one_long_series_costs_the_others_nothing():
    lengths = np.array([200_000] + [1] * 10_000)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    ids = np.array([f"s{i}" for i in range(len(lengths))], dtype=object)
    uneven = SeriesCollection(
        ids, np.zeros(offsets[-1]), offsets, np.zeros(len(ids), np.int64), Frequency(None, 1)
    )
    # A row for each series and a column for each time would be 16 GB.
    assert uneven.times().sum() == lengths[0] * (lengths[0] - 1) // 2


def test_future_times_follow_each_end(collection):
    future = collection.future_times(2)
    assert future.dtype == np.dtype("datetime64[us]")
    assert [[str(time)[:7] for time in row] for row in future] == [
        ["2024-05", "2024-06"],
        ["2024-03", "2024-04"],
        ["2024-02", "2024-03"],
    ]


def test_times_in_no_zone_are_plain(collection):
    assert collection.in_zone(collection.starts) is collection.starts


def test_future_hours_step_over_the_clock_change(long):
    zone = "Europe/Berlin"
    hours = read_series(long({"a": [1, 2]}, pd.Timestamp("2024-03-31", tz=zone), "h"))
    future = hours.in_zone(hours.future_times(2).ravel())
    assert [str(time) for time in future] == [
        "2024-03-31 03:00:00+02:00",
        "2024-03-31 04:00:00+02:00",
    ]


def test_future_days_are_local_midnights(long):
    zone = "Europe/Berlin"
    days = read_series(long({"a": [1, 2]}, pd.Timestamp("2024-03-30", tz=zone), "D"))
    assert days.wall_clock
    future = days.in_zone(days.future_times(2).ravel())
    assert [str(time) for time in future] == [
        "2024-04-01 00:00:00+02:00",
        "2024-04-02 00:00:00+02:00",
    ]


def test_a_future_midnight_that_does_not_exist_moves_on(long):
    zone = "America/Sao_Paulo"
    days = read_series(long({"a": [1, 2]}, pd.Timestamp("2017-10-12", tz=zone), "D"))
    future = days.in_zone(days.future_times(3).ravel())
    assert [str(time) for time in future] == [
        "2017-10-14 00:00:00-03:00",
        "2017-10-15 01:00:00-02:00",
        "2017-10-16 00:00:00-02:00",
    ]


def test_a_future_midnight_that_comes_twice_is_the_first(long):
    zone = "America/Havana"
    days = read_series(long({"a": [1, 2]}, pd.Timestamp("2023-11-03", tz=zone), "D"))
    assert [str(time) for time in days.in_zone(days.future_times(1)[0])] == [
        "2023-11-05 00:00:00-04:00"
    ]


def test_the_frame_has_the_names_of_the_user(long):
    frame = long({"b": [1, 2], "a": [3]}).rename(
        columns={"unique_id": "shop", "ds": "day", "y": "sold"}
    )
    options = {"id_col": "shop", "time_col": "day", "target_col": "sold"}
    collection = SeriesCollection.from_frame(frame, **options)
    assert collection.columns == Columns("shop", "day", "sold")
    pd.testing.assert_frame_equal(collection.to_frame(), frame, check_dtype=False)
    again = read_series(collection.to_frame(), **options)
    assert again.ids.tolist() == ["b", "a"]


def test_fingerprints_tell_ids_apart_and_last(collection):
    prints = collection.fingerprints()
    assert len(set(prints)) == 3
    assert prints[1] == "40f89e395b66422f"
    assert collection.select([1]).fingerprints() == [prints[1]]
