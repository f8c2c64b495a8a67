"""Times of every fitting Arrow type, zones across clock changes, text, and what fits not."""

from __future__ import annotations

import datetime
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tsmaml.series import SeriesCollection, read_series

BERLIN, SAO_PAULO = "Europe/Berlin", "America/Sao_Paulo"


def table(times: object) -> pa.Table:
    return pa.table({"unique_id": ["a"] * len(times), "ds": times, "y": range(len(times))})


def frame_of(times: object) -> pd.DataFrame:
    return pd.DataFrame({"unique_id": "a", "ds": times, "y": np.arange(len(times), dtype=float)})


def zoned(collection: SeriesCollection) -> tuple[str | None, bool, str]:
    return collection.time_zone, collection.wall_clock, str(collection.frequency)


@pytest.mark.parametrize(
    "kind",
    [pa.date32(), pa.date64(), *(pa.timestamp(unit) for unit in ("s", "ms", "us", "ns"))],
    ids=str,
)
def test_dates_of_any_unit_are_microseconds(kind):
    days = pa.array([datetime.date(2024, 1, day) for day in (30, 31)]).cast(kind)
    collection = read_series(table(days))
    assert collection.starts.dtype == np.dtype("datetime64[us]")
    assert str(collection.starts[0]) == "2024-01-30T00:00:00.000000"
    assert str(collection.frequency) == "D"


@pytest.mark.parametrize(
    "times",
    [
        pa.array([3, 4], pa.int8()),
        pa.array([3, 4], pa.uint64()),
        pa.array([3.0, 4.0]),
        pa.array([3, 4]).dictionary_encode(),
    ],
    ids=lambda times: str(times.type),
)
def test_whole_numbers_are_int64(times):
    collection = read_series(table(times))
    assert collection.starts.dtype == np.int64
    assert collection.starts.tolist() == [3]
    assert str(collection.frequency) == "integer step 1"


def test_python_dates():
    times = [datetime.date(2024, 1, 30), datetime.date(2024, 1, 31)]
    assert str(read_series(frame_of(times)).frequency) == "D"


def test_a_category_of_dates():
    times = pd.Categorical(pd.date_range("2024-01-30", periods=3))
    assert str(read_series(frame_of(times)).starts[0])[:10] == "2024-01-30"


@pytest.mark.parametrize(
    ("times", "kind"),
    [
        (pa.array([1.5, 2.5]), "double"),
        (pa.array([float("nan"), 2.0]), "double"),
        (pa.array([1, 2], pa.time32("s")), "time32[s]"),
        (pa.array([True, False]), "bool"),
    ],
)
def test_what_is_no_time(times, kind, refusal):
    error = refusal(table(times))
    assert error.message == (
        f"data frame: the time column 'ds' holds {kind}; wanted are dates, timestamps or whole "
        "numbers."
    )
    assert error.hint


def test_periods_begin_at_their_starts():
    months = frame_of(pd.period_range("2024-01", periods=3, freq="M"))
    collection = read_series(months)
    assert str(collection.frequency) == "MS"
    assert collection.starts[0] == np.datetime64("2024-01-01")


@pytest.mark.parametrize(
    ("times", "reason"),
    [
        (pa.array([1, 2], pa.timestamp("ns")), "would lose data: 1"),
        (pa.array([2**60, 2**60 + 1], pa.timestamp("s")), "out of bounds timestamp"),
        (pa.array([2**63, 2**63 + 1], pa.uint64()), "9223372036854775808"),
    ],
    ids=["finer than a microsecond", "too late", "too large"],
)
def test_times_out_of_range(times, reason, refusal):
    message = refusal(table(times)).message
    assert message.startswith("data frame: the time column 'ds' can't be used: ")
    assert reason in message


@pytest.mark.parametrize(
    "times",
    [
        pa.array([1, None, 3]),
        pa.array([1, None, 3], pa.timestamp("s")),
        pa.array(["2024-01-01", None, "2024-01-03"]),
        pa.array(["2024-01-01", None, "2024-01-03"]).dictionary_encode(),
        pa.DictionaryArray.from_arrays([0, 1, 2], ["2024-01-01", None, "2024-01-03"]),
    ],
    ids=lambda times: str(times.type),
)
def test_a_missing_time_is_told_by_series_and_row(times, refusal):
    error = refusal(table(times))
    assert (error.series, error.row) == ("a", 1)
    assert error.message.endswith("the time in column 'ds' is missing (1 row).")


# Text


@pytest.mark.parametrize(
    ("texts", "start", "frequency"),
    [
        (["2024-01-30", "2024-01-31", "2024-02-01"], "2024-01-30T00:00:00", "D"),
        (["2024-01-30 05:00", "2024-01-30 06:00"], "2024-01-30T05:00:00", "h"),
        (["2024-01-30T05:00:00.5", "2024-01-30T05:00:01.5"], "2024-01-30T05:00:00.5", "s"),
        (["2024-01", "2024-02", "2024-03"], "2024-01-01T00:00:00", "MS"),
        (["2001", "2002", "2003"], "2001-01-01T00:00:00", "YS-JAN"),
        (["2024Q1", "2024Q2", "2024Q3"], "2024-01-01T00:00:00", "QS-JAN"),
        (["30 Jan 2024", "31 Jan 2024", "1 Feb 2024"], "2024-01-30T00:00:00", "D"),
        # Either place of the day is told by the others.
        (["01/30/2024", "01/31/2024", "02/01/2024"], "2024-01-30T00:00:00", "D"),
        (["30/01/2024", "31/01/2024", "01/02/2024"], "2024-01-30T00:00:00", "D"),
        (["01/02/2024", "31/01/2024"], "2024-01-31T00:00:00", "D"),
        (["01-30-2024", "01-31-2024", "02-01-2024"], "2024-01-30T00:00:00", "D"),
        (["30.01.2024", "31.01.2024", "01.02.2024"], "2024-01-30T00:00:00", "D"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
def test_text_of_one_meaning(texts, start, frequency, kind):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        collection = read_series(table(pa.array(texts, kind)))
    assert collection.starts[0] == np.datetime64(start)
    assert str(collection.frequency) == frequency
    assert collection.time_zone is None


def test_day_or_month_is_not_guessed(refusal):
    error = refusal(table(["01/01/2024", "01/02/2024", "01/03/2024"]))
    assert (error.series, error.row) == ("a", 1)
    assert error.message.endswith(
        "the time '01/02/2024' in column 'ds' may be day/month or month/day (2 rows)."
    )
    assert error.hint == (
        "Write times as 2024-01-31 or 2024-01-31T12:00:00, in Python "
        "pd.to_datetime(df['ds'], format='...')."
    )


@pytest.mark.parametrize(
    ("texts", "bad", "rows"),
    [
        (["2024-01-01", "2024-13-01", "x"], "2024-13-01", "2 rows"),
        (["01/30/2024", "soon", "02/01/2024"], "soon", "1 row"),
        (["1", "2", "3"], "1", "3 rows"),
        (["", "2024-01-01", "2024-01-02"], "", "1 row"),
    ],
)
def test_text_of_no_meaning(texts, bad, rows, refusal):
    error = refusal(table(texts))
    assert (error.series, error.row) == ("a", texts.index(bad))
    message = f"the time {bad!r} in column 'ds' is not understood ({rows})."
    assert error.message.endswith(message)


def test_text_repeats_in_every_series(refusal):
    texts = ["2024-01-01", "2024-01-02", "2024-01-01", "2024-01-02"]
    frame = frame_of(texts).assign(unique_id=list("aabb"))
    assert (
        read_series(frame).future_times(1).astype(str).tolist()
        == [["2024-01-03T00:00:00.000000"]] * 2
    )
    error = refusal(frame.assign(ds=[*texts[:2], "x", "x"]))
    assert (error.series, error.row) == ("b", 2)
    assert "(2 rows)" in error.message


# Zones


def test_hours_in_a_zone_step_in_utc_across_the_clock_change():
    times = pd.date_range("2024-03-30", periods=72, freq="h", tz=BERLIN)
    collection = read_series(frame_of(times))
    assert zoned(collection) == (BERLIN, False, "h")
    assert str(collection.starts[0]) == "2024-03-29T23:00:00.000000"
    assert (collection.to_frame()["ds"] == times).all()


@pytest.mark.parametrize("freq", ["D", "W-SUN", "MS", "B", "YS-JAN"])
def test_local_midnights_step_by_the_clock_on_the_wall(freq):
    times = pd.date_range("2023-10-20", periods=30, freq=freq, tz=BERLIN)
    collection = read_series(frame_of(times))
    assert zoned(collection) == (BERLIN, True, freq)
    assert collection.starts[0] == times[0].tz_localize(None)
    assert (collection.to_frame()["ds"] == times).all()


def test_days_of_different_hours_in_different_series():
    one = pd.date_range("2024-03-25 06:00", periods=10, freq="D", tz=BERLIN)
    other = pd.date_range("2024-03-25 07:00", periods=10, freq="D", tz=BERLIN)
    frame = pd.concat([frame_of(one), frame_of(other).assign(unique_id="b")])
    collection = read_series(frame)
    assert zoned(collection) == (BERLIN, True, "D")
    assert (collection.to_frame()["ds"] == one.append(other)).all()


@pytest.mark.parametrize("first", ["2017-10-10", "2017-10-15"])
def test_a_midnight_that_does_not_exist_is_still_a_day(first):
    times = pd.date_range(first, periods=9).tz_localize(SAO_PAULO, nonexistent="shift_forward")
    collection = read_series(frame_of(times))
    assert zoned(collection) == (SAO_PAULO, True, "D")
    assert (collection.to_frame()["ds"] == times).all()


def test_midnights_of_another_zone_are_days_in_utc():
    times = pd.date_range("2024-03-25", periods=10, freq="D", tz="UTC").tz_convert(BERLIN)
    for freq in (None, "D"):
        collection = read_series(frame_of(times), freq=freq)
        assert zoned(collection) == (BERLIN, False, "D")
        assert (collection.to_frame()["ds"] == times).all()


def test_single_points_go_by_the_frequency_that_is_given():
    times = pd.DatetimeIndex(["2024-03-31 01:00"] * 2).tz_localize(BERLIN)
    frame = frame_of(times).assign(unique_id=["a", "b"])
    hours, days = read_series(frame, freq="h"), read_series(frame, freq="D")
    assert not hours.wall_clock
    assert str(hours.in_zone(hours.future_times(1)[0])[0]) == "2024-03-31 03:00:00+02:00"
    assert days.wall_clock
    assert str(days.in_zone(days.future_times(1)[0])[0]) == "2024-04-01 01:00:00+02:00"


@pytest.mark.parametrize("zone", ["UTC", "+05:30"])
def test_zones_without_clock_changes(zone):
    times = pd.date_range("2024-03-25", periods=10, freq="6h", tz=zone)
    collection = read_series(frame_of(times))
    assert zoned(collection) == (zone, False, "6h")
    assert (collection.to_frame()["ds"] == times).all()


def test_text_with_offsets_is_utc():
    texts = ["2024-03-31T01:00:00+01:00", "2024-03-31T03:00:00+02:00", "2024-03-31T02:00:00Z"]
    collection = read_series(table(texts))
    assert zoned(collection) == ("UTC", False, "h")
    assert str(collection.starts[0]) == "2024-03-31T00:00:00.000000"


@pytest.mark.parametrize(
    "times",
    [
        ["2024-01-01T00:00:00Z", "2024-01-02T00:00:00"],
        ["2024-01-01T00:00", "2024-01-02T00:00+01"],
        [pd.Timestamp("2024-01-01", tz="UTC"), pd.Timestamp("2024-01-02", tz=BERLIN)],
        [pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-02", tz=BERLIN)],
    ],
    ids=["text", "short offset", "objects", "with and without"],
)
def test_mixed_zones(times, refusal):
    error = refusal(frame_of(pd.Series(times, dtype=object)))
    assert (error.source, error.series, error.row) == ("data frame", "a", 1)
    assert error.message.endswith(
        f"the times in column 'ds' mix time zones: {str(times[0])!r} and {str(times[1])!r}."
    )
    assert error.hint == "Convert all to one zone, or drop the zone from all."


def test_objects_of_one_zone():
    times = pd.date_range("2024-03-30", periods=3, freq="D", tz=BERLIN)
    assert zoned(read_series(frame_of(times.astype(object)))) == (BERLIN, True, "D")


def test_a_zone_that_does_not_exist(refusal):
    message = refusal(table(pa.array([0, 1], pa.timestamp("s", "Mars/Olympus")))).message
    assert message == "data frame: there is no time zone 'Mars/Olympus'."
