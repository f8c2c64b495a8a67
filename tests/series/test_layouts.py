"""Lists and wide tables say the same as long ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from tsmaml.series import read_series


def assert_same(one, other) -> None:
    assert one.ids.tolist() == other.ids.tolist()
    np.testing.assert_array_equal(one.values, other.values)
    assert one.starts.tolist() == other.starts.tolist()
    assert str(one.frequency) == str(other.frequency)


@pytest.fixture
def frame(long) -> pd.DataFrame:
    return long({"b": [1.5, 2, 3], "a": [4, 5, 6, 7]})


def lists(frame: pd.DataFrame, **columns: object) -> pa.Table:
    """One row a series, as fev stores it, or with other columns in the place of times."""
    grouped = frame.groupby("unique_id", sort=False)
    made = {
        "id": list(grouped.groups),
        "timestamp": [list(rows["ds"]) for _, rows in grouped],
        "target": [list(rows["y"]) for _, rows in grouped],
    }
    made.update(columns)
    return pa.table({name: column for name, column in made.items() if column is not None})


def test_lists_of_times_and_values(frame, tmp_path):
    parquet.write_table(lists(frame), tmp_path / "s.parquet")
    collection = read_series(tmp_path / "s.parquet")
    assert_same(collection, read_series(frame))
    assert collection.columns.target == "target"
    assert_same(read_series(lists(frame).to_pandas()), read_series(frame))


@pytest.mark.parametrize("kind", [pa.large_list(pa.float32()), pa.list_(pa.int64())], ids=str)
def test_lists_of_any_kind(frame, kind):
    table = lists(frame.assign(y=np.arange(7.0)))
    place = table.column_names.index("target")
    table = table.set_column(place, "target", table["target"].cast(kind))
    assert read_series(table).values.tolist() == [0, 1, 2, 3, 4, 5, 6]


def test_starts_and_a_frequency_as_gluonts_has_them(frame):
    starts = [pd.Timestamp("2024-01-01")] * 2
    table = lists(frame, timestamp=None, start=starts, freq=["D", "D"])
    assert_same(read_series(table), read_series(frame))
    without = lists(frame, timestamp=None, start=starts)
    assert_same(read_series(without, freq="D"), read_series(frame))
    as_text = lists(frame, timestamp=None, start=["2024-01-01"] * 2)
    assert_same(read_series(as_text, freq="D"), read_series(frame))
    hours = read_series(without, freq="h").to_frame()
    assert hours["ds" if "ds" in hours else "start"].max() == pd.Timestamp("2024-01-01 03:00")


@pytest.mark.parametrize(
    ("freq", "start", "first"),
    [
        ("M", "1990-01-01", "1990-01-31"),
        ("M", "1990-01-31", "1990-01-31"),
        ("MS", "1990-01-17", "1990-01-01"),
        ("QE", "1990-02-01", "1990-03-31"),
        ("YS", "1990-05-05", "1990-01-01"),
    ],
)
def test_a_period_may_be_told_by_any_of_its_days(frame, freq, start, first):
    table = lists(frame, timestamp=None, start=[pd.Timestamp(start)] * 2)
    assert read_series(table, freq=freq).starts[0] == np.datetime64(first)


def test_integer_starts(frame):
    collection = read_series(lists(frame, timestamp=None, start=[5, 7]), freq=2)
    assert collection.starts.tolist() == [5, 7]
    assert collection.times().tolist() == [5, 7, 9, 7, 9, 11, 13]


def test_missing_values_in_lists_are_masked():
    table = pa.table({"id": ["a"], "timestamp": [["2024-01-01", "2024-01-02", "2024-01-03"]],
                      "target": [[1.0, None, 3.0]]})  # fmt: skip
    assert np.isnan(read_series(table).values).tolist() == [False, True, False]


def test_faults_of_lists_name_the_row_of_the_table(frame, refusal):
    days = [list(pd.date_range("2024-01-01", periods=3))] * 2
    error = refusal(lists(frame, timestamp=days))
    assert (error.row, error.message) == (1, "data frame, row 1: there are 4 values and 3 times.")
    assert error.hint == "Each value needs a time."
    error = refusal(lists(frame, target=[[1.0, 2, 3], None]))
    assert error.message == "data frame, row 1: the list in column 'target' is missing."
    error = refusal(lists(frame, target=[[[1.0], [2]], [[3.0]]]))
    assert error.message == (
        "data frame: the target column 'target' holds list<item: list<item: double>>: several "
        "values a time."
    )
    error = refusal(lists(frame, target=[[1.0, 2, 3], [4, 5, np.inf, 7]]))
    assert (error.series, error.row) == ("a", 1)
    error = refusal(lists(frame, target=[[], []], timestamp=[[], []]))
    assert error.message == "data frame: there are no rows."


def test_faults_of_starts(frame, refusal):
    starts = [pd.Timestamp("2024-01-01")] * 2
    error = refusal(lists(frame, timestamp=None, start=starts))
    assert error.message == ("data frame: the column 'start' holds the start of each series alone.")
    assert error.hint.startswith("Give the step between values: --freq D")
    error = refusal(lists(frame, timestamp=None, start=starts, freq=["D", "h"]))
    assert error.message == (
        "data frame: the column 'freq' holds 'D', 'h': a collection has one frequency."
    )
    error = refusal(lists(frame, timestamp=None, start=starts), freq=1)
    assert error.message == (
        "data frame: the starts are dates, but the frequency is integer step 1."
    )
    zoned = [start.tz_localize("Europe/Berlin") for start in starts]
    error = refusal(lists(frame, timestamp=None, start=zoned), freq="D")
    assert "have a time zone, Europe/Berlin" in error.message


def wide(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.pivot(index="ds", columns="unique_id", values="y").reset_index()


@pytest.mark.parametrize("ending", ["parquet", "csv", None])
def test_wide_tables(frame, tmp_path, ending):
    table = wide(frame)
    if ending is None:
        source = table
    else:
        source = tmp_path / f"s.{ending}"
        (table.to_csv if ending == "csv" else table.to_parquet)(source, index=False)
    collection = read_series(source, wide=True)
    assert collection.ids.tolist() == ["a", "b"]
    assert collection.series("a").tolist() == [4, 5, 6, 7]
    np.testing.assert_array_equal(collection.series("b"), [1.5, 2, 3, np.nan])
    assert list(collection.to_frame()) == ["unique_id", "ds", "y"]


def test_faults_of_wide_tables(frame, refusal):
    table = wide(frame)
    assert (
        refusal(table[["ds"]], wide=True).message == "data frame: there is no column besides 'ds'."
    )
    error = refusal(table.assign(note="sunny"), wide=True)
    assert error.message == "data frame: the column 'note' holds string, not numbers." or (
        error.message == "data frame: the column 'note' holds large_string, not numbers."
    )
    assert refusal(table[:0], wide=True).message == "data frame: there are no rows."
    twice = table.set_axis(["ds", "a", "a"], axis=1)
    assert refusal(twice, wide=True).message == "data frame: there are 2 columns 'a'."
    error = refusal(table.assign(b=[1, np.inf, 3, 4]), wide=True)
    assert (error.series, error.row) == ("b", 1)
