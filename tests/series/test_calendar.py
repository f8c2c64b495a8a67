from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from tsmaml.errors import UsageError
from tsmaml.series.calendar import Frequency


def days(*texts: str) -> np.ndarray:
    return np.array(texts, "datetime64[us]")


@pytest.mark.parametrize(
    ("given", "alias"),
    [
        ("D", "D"),
        ("d", "D"),
        ("W", "W-SUN"),
        ("W-WED", "W-WED"),
        ("MS", "MS"),
        ("15min", "15min"),
        ("1.5h", "90min"),
        (pd.Timedelta(hours=1), "h"),
        (pd.offsets.MonthBegin(), "MS"),
        # What pandas 3 no longer knows.
        ("H", "h"),
        ("15T", "15min"),
        ("S", "s"),
        ("M", "ME"),
        ("Q", "QE-DEC"),
        ("A-JUN", "YE-JUN"),
        ("AS", "YS-JAN"),
        # Two names of one grid.
        ("QS", "QS-JAN"),
        ("QS-OCT", "QS-JAN"),
        ("QS-MAY", "QS-FEB"),
        ("QE-MAR", "QE-DEC"),
        ("BQE-JAN", "BQE-OCT"),
    ],
)
def test_an_alias_has_one_name(given, alias):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Frequency.parse(given) == Frequency(alias)


@pytest.mark.parametrize(("given", "step"), [(1, 1), ("7", 7), ("+2", 2), (np.int64(3), 3)])
def test_whole_numbers_are_integer_steps(given, step):
    frequency = Frequency.parse(given)
    assert frequency == Frequency(None, step)
    assert frequency.is_integer
    assert str(frequency) == f"integer step {step}"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("fortnight", "The frequency 'fortnight' is unknown."),
        ("", "The frequency '' is unknown."),
        ("²", "The frequency '²' is unknown."),
        (1.0, "The frequency 1.0 is unknown."),
        (True, "The frequency True is unknown."),
        (0, "The frequency 0 is no step: it has to be 1 or more."),
        ("0D", "The frequency '0D' is no step forward in time."),
        ("-1D", "The frequency '-1D' is no step forward in time."),
        ("bh", "The frequency 'bh' is not supported: business hours have no fixed step."),
        ("500ns", "The frequency '500ns' is finer than a microsecond."),
    ],
)
def test_what_is_no_frequency_is_refused(given, message):
    with pytest.raises(UsageError) as caught:
        Frequency.parse(given)
    assert caught.value.message == message


def test_an_unknown_frequency_shows_known_ones():
    with pytest.raises(UsageError, match="Give a pandas alias such as h, D, W-SUN, MS"):
        Frequency.parse("monthly")


@pytest.mark.parametrize(
    ("alias", "unit", "season", "horizon"),
    [
        ("s", "s", 60, None),
        ("min", "min", 60, None),
        ("15min", "min", 96, None),
        ("7min", "min", None, None),
        ("h", "h", 24, 48),
        ("2h", "h", 12, None),
        ("48h", "h", 1, None),
        ("D", "D", 7, 14),
        ("2D", "D", None, None),
        ("7D", "W", 52, 13),
        ("10D", "D", 1, None),
        ("B", "B", 5, 10),
        ("W-MON", "W", 52, 13),
        ("2W-MON", "W", 26, None),
        ("MS", "M", 12, 18),
        ("BME", "M", 12, 18),
        ("3MS", "M", 4, None),
        ("QE-DEC", "Q", 4, 8),
        ("YS-JAN", "Y", 1, 6),
        ("SMS-15", None, None, None),
        ("ms", None, None, None),
    ],
)
def test_unit_season_and_horizon(alias, unit, season, horizon):
    frequency = Frequency.parse(alias)
    assert (frequency.unit, frequency.season_length, frequency.horizon) == (unit, season, horizon)


def test_integer_steps_have_no_season():
    frequency = Frequency.parse(1)
    assert (frequency.unit, frequency.season_length, frequency.horizon) == (None, None, None)


@pytest.mark.parametrize(
    ("alias", "counts"),
    [("h", False), ("24h", False), ("15min", False), ("D", True), ("7D", True), ("W", True),
     ("B", True), ("MS", True), ("YE", True), ("SMS", True)],
)  # fmt: skip
def test_days_and_longer_steps_go_by_the_wall_clock(alias, counts):
    assert Frequency.parse(alias).counts_days is counts
    assert not Frequency.parse(1).counts_days


def test_months_keep_the_time_of_day_of_each_series():
    times = Frequency("MS").times_of_many(days("2024-01-01T06:00", "2024-02-01"), np.zeros(2), 2)
    assert times.tolist() == days("2024-01-01T06:00", "2024-02-01T06:00",
                                  "2024-02-01", "2024-03-01").reshape(2, 2).tolist()  # fmt: skip


def test_steps_of_two_months_begin_where_the_series_begins():
    times = Frequency("2MS").times_of_many(days("2024-01-01", "2024-02-01"), np.zeros(2), 3)
    assert times[0].tolist() == days("2024-01-01", "2024-03-01", "2024-05-01").tolist()
    assert times[1].tolist() == days("2024-02-01", "2024-04-01", "2024-06-01").tolist()


def test_calendars_reach_beyond_the_nanoseconds_of_pandas_2():
    begins = days("1600-12-31", "2500-12-31")
    assert (
        Frequency.parse("YE").shift(begins, 10).tolist()
        == days("1610-12-31", "2510-12-31").tolist()
    )


@pytest.mark.parametrize("alias", ["h", "D", "MS", "B", "W-SUN"])
def test_no_series_have_no_times(alias):
    frequency = Frequency.parse(alias)
    none = np.zeros(0, "datetime64[us]")
    assert frequency.positions(none).shape == (0,)
    assert frequency.on_grid(none).shape == (0,)
    assert frequency.times_of_many(none, np.zeros(0, np.int64), 3).shape == (0, 3)
    assert frequency.times_of_many(days("2024-01-01"), np.zeros(1, np.int64), 0).shape == (1, 0)


@pytest.mark.parametrize(
    ("alias", "starts", "positions"),
    [
        ("D", ["2024-01-03", "2024-01-01"], [2, 0]),
        ("h", ["2024-01-01T00:30", "2024-01-01T02:10", "2024-01-01T02:40"], [0, 1, 2]),
        ("MS", ["2024-03-01", "2023-12-01", "2024-01-01"], [3, 0, 1]),
        ("MS", ["2023-12-01", "2024-01-15"], [0, 1]),
        ("2MS", ["2023-12-01", "2024-01-01", "2024-02-01"], [0, 0, 1]),
        ("B", ["2024-01-05", "2024-01-08", "2024-01-09"], [0, 1, 2]),
        ("W-MON", ["2024-01-01", "2024-01-10"], [0, 1]),
        ("YE-DEC", ["2020-12-31", "2023-12-31"], [0, 3]),
    ],
)
def test_positions_count_steps_from_the_earliest_start(alias, starts, positions):
    assert Frequency.parse(alias).positions(days(*starts)).tolist() == positions


def test_positions_of_integers():
    assert Frequency(None, 5).positions(np.array([25, 5, 12])).tolist() == [4, 0, 1]


@pytest.mark.parametrize(
    ("alias", "on", "off"),
    [
        ("MS", "2024-02-01T06:00", "2024-02-02"),
        ("ME", "2024-02-29", "2024-02-28"),
        ("B", "2024-01-05", "2024-01-06"),
        ("QS-FEB", "2024-05-01", "2024-04-01"),
        ("QE-DEC", "2024-03-31", "2024-04-30"),
        ("YS-JAN", "2024-01-01", "2024-02-01"),
        ("SMS-15", "2024-01-15", "2024-01-14"),
    ],
)
def test_on_grid(alias, on, off):
    frequency = Frequency.parse(alias)
    assert frequency.on_grid(days(on, off)).tolist() == [True, False]
    assert frequency.on_grid(days(off, on)).tolist() == [False, True]


def test_any_time_is_on_the_grid_of_equal_steps():
    assert Frequency("W-SUN").on_grid(days("2024-01-01", "2024-01-02")).all()
    assert Frequency(None, 7).on_grid(np.array([1, 2])).all()


@pytest.mark.parametrize(
    "alias", ["MS", "ME", "QS-FEB", "QE-MAR", "YS-JUL", "YE-JUN", "BME", "2MS"]
)
@pytest.mark.parametrize("n", [1, 30])
def test_grids_of_months_are_those_of_pandas(alias, n):
    frequency = Frequency.parse(alias)
    expected = pd.date_range("1899-11-03", periods=n + 5, freq=frequency.alias, unit="us")
    starts = expected.to_numpy()[:1]
    moved = frequency.shift(starts[:, np.newaxis], np.arange(n + 5))[0]
    assert (moved == expected.to_numpy()).all()
    steps, exact = frequency.steps_between(np.repeat(starts, n + 5), expected.to_numpy())
    assert steps.tolist() == list(range(n + 5))
    assert exact.all()
    between = expected.to_numpy()[1:] - np.timedelta64(1, "D")
    steps, exact = frequency.steps_between(np.repeat(starts, n + 4), between)
    assert steps.tolist() == list(range(n + 4))
    assert not exact.any()
