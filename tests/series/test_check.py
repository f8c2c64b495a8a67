"""Each check, its whole message, and the row of the source that it names."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tsmaml.series import read_series

# Rows as a reader meets them: not sorted, two series mixed.
MIXED_UP = [7, 2, 5, 0, 9, 4, 1, 8, 3, 6]


@pytest.fixture
def frame(long):
    """Two series of five days: rows 0 to 4 are a, 5 to 9 are b."""
    return long({"a": [0, 1, 2, 3, 4], "b": [5, 6, 7, 8, 9]})


@pytest.fixture(params=["sorted", "mixed up"])
def arranged(request):
    """Rows in order of the series, or not; and the row where one of them ends up."""

    def arrange(frame: pd.DataFrame, row: int) -> tuple[pd.DataFrame, int]:
        if request.param == "sorted":
            return frame, row
        order = [i for i in MIXED_UP if i < len(frame)]
        return frame.iloc[order], order.index(row)

    return arrange


def test_a_duplicate_time(frame, arranged, refusal):
    frame.loc[7, "ds"] = frame.loc[6, "ds"]
    frame, row = arranged(frame, 7)
    error = refusal(frame)
    assert (error.source, error.series) == ("data frame", "b")
    assert error.row in (row, list(frame.index).index(6))
    assert error.message.endswith("the time 2024-01-02 stands twice (1 repeated row in all).")
    assert error.hint == (
        "Aggregate them: --duplicates mean (or sum, min, max, first, last), in Python "
        "duplicates='mean'."
    )


def test_of_two_rows_of_one_time_the_later_is_named(frame, refusal):
    frame.loc[3, "ds"] = frame.loc[1, "ds"]
    frame.loc[4, "ds"] = frame.loc[1, "ds"]
    error = refusal(frame.iloc[::-1])
    assert (error.series, error.row) == ("a", 6)
    assert "stands twice (2 repeated rows in all)" in error.message


def test_a_gap(frame, arranged, refusal):
    frame, row = arranged(frame.drop(index=7).reset_index(drop=True), 7)
    error = refusal(frame, gaps="error")
    assert (error.source, error.series, error.row) == ("data frame", "b", row)
    assert error.message == (
        f"data frame, series 'b', row {row}: there is a gap: after 2024-01-02 comes 2024-01-04, "
        "at frequency D 2024-01-03 was due (1 of 2 series)."
    )
    assert error.hint.startswith("Let gaps be masked (--gaps mask, in Python gaps='mask')")


def test_gaps_of_several_series_are_counted(frame, refusal):
    assert "(2 of 2 series)" in refusal(frame.drop(index=[1, 6, 8]), freq="D", gaps="error").message


def test_a_gap_of_months(long, refusal):
    months = long({"a": [1] * 6}, freq="MS").drop(index=2)
    assert "after 2024-02-01 comes 2024-04-01, at frequency MS 2024-03-01 was due" in (
        refusal(months, gaps="error").message
    )


def test_a_gap_of_business_days(long, refusal):
    working_days = long({"a": [1] * 12}, start="2024-01-01", freq="B").drop(index=5)
    assert "after 2024-01-05 comes 2024-01-09, at frequency B 2024-01-08 was due" in (
        refusal(working_days, freq="B", gaps="error").message
    )


def test_a_gap_of_integers(long, refusal):
    years = long({"a": [1] * 6}, start=1990, freq=1).drop(index=2)
    message = refusal(years, gaps="error").message
    assert "after 1991 comes 1993, at frequency integer step 1 1992 was due" in message


def test_hours_in_a_zone_are_shown_in_utc(long, refusal):
    hours = long({"a": [1] * 6}, start=pd.Timestamp("2024-01-01", tz="Europe/Berlin"), freq="h")
    assert "after 2024-01-01 UTC comes 2024-01-01 02:00:00 UTC, at frequency h" in (
        refusal(hours.drop(index=2), gaps="error").message
    )


def test_mixed_frequencies(long, refusal):
    frame = pd.concat([long({"a": [1] * 6, "b": [1] * 6}), long({"c": [1] * 6}, freq="12h")])
    error = refusal(frame)
    assert (error.series, error.row) == ("c", 13)
    assert error.message.endswith(
        "after 2024-01-01 comes 2024-01-01 12:00:00, less than one step of frequency D "
        "(1 of 3 series)."
    )
    assert error.hint.startswith("All series need one frequency")


def test_a_series_of_longer_steps_has_gaps(long, refusal):
    frame = pd.concat([long({"a": [1] * 6, "b": [1] * 6}), long({"c": [1] * 6}, freq="MS")])
    error = refusal(frame, gaps="error")
    assert (error.series, error.row) == ("c", 13)
    assert "after 2024-01-01 comes 2024-02-01, at frequency D 2024-01-02 was due" in error.message


def test_a_series_begun_between_two_months(long, refusal):
    frame = pd.concat([long({"a": [1] * 6}, freq="MS"), long({"b": [1]}, start="2024-02-10")])
    error = refusal(frame)
    assert (error.series, error.row) == ("b", 6)
    assert error.message.endswith(
        "starts at 2024-02-10, which frequency MS never meets (1 of 2 series)."
    )


@pytest.mark.parametrize(
    ("value", "what"),
    [(np.nan, "missing or not a number"), (np.inf, "infinite"), (-np.inf, "infinite")],
)
def test_values_that_are_no_numbers(frame, arranged, refusal, value, what):
    frame.loc[7, "y"] = value
    frame, row = arranged(frame, 7)
    error = refusal(frame, gaps="error")
    assert (error.series, error.row) == ("b", row)
    assert error.message == (
        f"data frame, series 'b', row {row}: the value in column 'y' at 2024-01-03 is {what} "
        "(1 such value in all)."
    )
    assert error.hint.startswith("Fill such values (df['y'].ffill() within each series")


def test_the_hint_names_the_column_of_the_user(frame, refusal):
    frame.loc[7, "y"] = np.nan
    error = refusal(frame.rename(columns={"y": "sold"}), target_col="sold", gaps="error")
    assert "df['sold'].ffill()" in error.hint


def test_a_frequency_that_can_not_be_inferred(long, refusal):
    error = refusal(long({"a": [1] * 3}, start="2024-01-15", freq=pd.DateOffset(months=1)))
    assert error.message == (
        "data frame: the frequency can't be inferred from series 'a', whose times begin "
        "2024-01-15, 2024-02-15, 2024-03-15."
    )
    assert error.hint.startswith("Give it: --freq D (or h, W, MS, QS, YS, 15min, ...)")


def test_single_points_show_no_frequency(long, refusal):
    frame = long({"a": [1], "b": [2]})
    message = "data frame: the frequency can't be inferred: no series has two points."
    assert refusal(frame).message == message
    assert str(read_series(frame, freq="MS").frequency) == "MS"


def test_single_points_of_integers_step_by_one(long):
    assert str(read_series(long({"a": [1], "b": [2]}, 5, 1)).frequency) == "integer step 1"


def test_the_frequency_of_dates_is_no_number(long, refusal):
    error = refusal(long({"a": [1, 2]}), freq=1)
    message = "data frame: the times are dates, but the frequency is integer step 1."
    assert error.message == message
    assert error.hint == "Give --freq D, h, MS, ..."


def test_the_frequency_of_whole_numbers_is_no_alias(long, refusal):
    error = refusal(long({"a": [1, 2]}, 5, 1), freq="D")
    assert error.message == "data frame: the times are whole numbers, but the frequency is D."
    assert error.hint == "Give --freq 1 (a whole number)."


def test_a_given_frequency_that_no_step_meets(frame, refusal):
    message = refusal(frame, freq="h", gaps="error").message
    assert (
        "after 2024-01-01 comes 2024-01-02, at frequency h 2024-01-01 01:00:00 was due" in message
    )
    error = refusal(frame, freq="h")
    assert error.message == (
        "data frame: no two rows are one step of frequency h apart: series 'a' begins 2024-01-01, "
        "2024-01-02, 2024-01-03."
    )
    assert error.hint == "Give the frequency of the rows with --freq, or leave it to be inferred."
    message = refusal(frame, freq="W").message
    assert "after 2024-01-01 comes 2024-01-02, less than one step of frequency W-SUN" in message
