"""Sorting, packing and notes."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from tsmaml.errors import DataError, UsageError
from tsmaml.series import read_series

NOT_SORTED = "The rows were not sorted by series and time; they have been sorted."


@pytest.fixture
def frame(long) -> pd.DataFrame:
    return long({"b": [1, 2, 3], "a": [4, 5, 6], "c": [7]})


def test_series_stand_in_order_of_first_appearance(frame):
    collection = read_series(frame)
    assert collection.ids.tolist() == ["b", "a", "c"]
    assert collection.offsets.tolist() == [0, 3, 6, 7]
    assert collection.values.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert collection.offsets.dtype == np.int64
    assert collection.positions.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    "order",
    [[2, 1, 0, 3, 4, 5, 6], [0, 3, 6, 1, 4, 2, 5], [3, 4, 0, 1, 2, 5, 6], [6, 5, 4, 3, 2, 1, 0]],
    ids=["times", "by time", "split series", "backwards"],
)
def test_rows_of_any_order_are_sorted(frame, order):
    shuffled = frame.iloc[order]
    collection = read_series(shuffled)
    assert collection.ids.tolist() == list(dict.fromkeys(shuffled["unique_id"]))
    for name in "abc":
        assert collection.series(name).tolist() == read_series(frame).series(name).tolist()
    assert NOT_SORTED in collection.notes


def test_sorted_rows_are_not_noted(frame):
    assert NOT_SORTED not in read_series(frame).notes


def test_one_series_that_begins_before_the_last_ends_is_sorted(long):
    frame = pd.concat([long({"a": [1, 2]}, "2024-05-01"), long({"b": [3, 4]}, "2024-01-01")])
    collection = read_series(frame)
    assert collection.notes == ()
    assert collection.positions.tolist() == [121, 0]


def test_single_points_are_noted(frame, long):
    assert read_series(frame).notes == (
        "1 series has a single point: it can be forecast, not learned from.",
    )
    assert read_series(long({"a": [1], "b": [2], "c": [3, 4]})).notes == (
        "2 series have a single point: they can be forecast, not learned from.",
    )


def test_columns_that_are_not_used_are_noted(frame, tmp_path):
    one, two = frame.assign(price=1.0), frame.assign(price=1.0, promotion=0)
    assert read_series(one).notes[-1] == "The column price is not used."
    note = "The columns price, promotion are not used."
    assert read_series(two).notes[-1] == note
    two.to_parquet(tmp_path / "s.parquet", index=False)
    two.to_csv(tmp_path / "s.csv", index=False)
    for name in ("s.parquet", "s.csv"):
        assert read_series(tmp_path / name).notes[-1] == note


def test_a_single_row(long):
    collection = read_series(long({"a": [5]}), freq="D")
    assert (len(collection), collection.values.tolist()) == (1, [5])


def test_a_collection_is_returned_as_it_is(frame):
    collection = read_series(frame)
    assert read_series(collection) is collection


def test_no_rows(frame, refusal, tmp_path):
    frame[:0].to_parquet(tmp_path / "s.parquet")
    frame[:0].to_csv(tmp_path / "s.csv", index=False)
    for source in (frame[:0], tmp_path / "s.parquet", tmp_path / "s.csv"):
        error = refusal(source)
        assert error.message.endswith(": there are no rows.")
        assert error.hint == "Check what wrote it."


def test_a_wrong_frequency_is_told_before_the_file_is_read():
    with pytest.raises(UsageError, match="'fortnight' is unknown"):
        read_series("none.parquet", freq="fortnight")


def test_importing_series_loads_nothing_heavy():
    code = "import tsmaml.series, sys; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "numpy" in loaded.stdout.split()
    assert not {"pandas", "pyarrow", "tensorflow", "keras"} & set(loaded.stdout.split())


def test_static_columns_say_one_thing_a_series(frame, tmp_path):
    towns = frame["unique_id"].map({"a": "Bath", "b": "Ely", "c": None})
    known = frame.assign(town=towns, area=frame["unique_id"].map({"a": 2.0, "b": 1.0, "c": 3.0}))
    known.loc[1, "town"] = None  # a row that says nothing contradicts nothing
    path = tmp_path / "shops.parquet"
    known.sample(frac=1, random_state=0).sort_values("y").to_parquet(path, index=False)
    for source in (known, path):
        collection = read_series(source, static_cols=["town", "area"])
        static = collection.exogenous.stat
        assert collection.ids.tolist() == ["b", "a", "c"]
        assert static["town"].shown().tolist() == ["Ely", "Bath", None]
        assert static["area"].values.tolist() == [1, 2, 3]
    more = pd.DataFrame({"unique_id": ["a", "b", "c"], "staff": [1, 2, 3]})
    both = read_series(known, static_cols=["town"], static_df=more)
    assert sorted(both.exogenous.stat) == ["staff", "town"]


def test_static_columns_survive_gaps(frame):
    frame = frame.assign(town="Ely")[lambda x: x.index != 1]
    collection = read_series(frame, static_cols=["town"])
    assert collection.lengths.tolist() == [3, 3, 1]
    assert collection.exogenous.stat["town"].shown().tolist() == ["Ely"] * 3


def test_a_column_that_changes_is_not_static(frame):
    with pytest.raises(DataError, match=r"'b': the static column 'y2' says 1\.0 and 3\.0 of it"):
        read_series(frame.assign(y2=frame["y"]), static_cols=["y2"])
