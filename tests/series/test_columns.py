"""Ids and values of every fitting Arrow type, and what fits not."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tsmaml.series import read_series


def table(
    ids: object = ("a", "a", "b"), times: object = (1, 2, 1), y: object = (1, 2, 3)
) -> pa.Table:
    return pa.table({"unique_id": ids, "ds": times, "y": y})


@pytest.mark.parametrize(
    "ids",
    [
        pa.array(["b", "b", "a"]),
        pa.array(["b", "b", "a"], pa.large_string()),
        pa.array(["b", "b", "a"], pa.string_view()),
        pa.array([b"b", b"b", b"a"]),
        pa.array(["b", "b", "a"]).dictionary_encode(),
        # Names that no row uses, in another order.
        pa.DictionaryArray.from_arrays(pa.array([2, 2, 0], pa.int8()), ["a", "z", "b"]),
        # A name that stands twice.
        pa.DictionaryArray.from_arrays([0, 2, 1], ["b", "a", "b"]),
        # Chunks with dictionaries of their own.
        pa.chunked_array(
            [pa.array(["b", "b"]).dictionary_encode(), pa.array(["a"]).dictionary_encode()]
        ),
    ],
    ids=lambda ids: str(ids.type),
)
def test_text_is_an_id(ids):
    collection = read_series(table(ids))
    assert collection.ids.tolist() == ["b", "a"]
    assert collection.ids.dtype == object
    assert all(type(name) is str for name in collection.ids)
    assert collection.values.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("ids", "names"),
    [
        (pa.array([7, 7, 5]), ["7", "5"]),
        (pa.array([7, 7, 5], pa.uint8()), ["7", "5"]),
        (pa.array([True, True, False]), ["true", "false"]),
        (pa.array([0, 0, 1], pa.date32()), ["1970-01-01", "1970-01-02"]),
    ],
)
def test_other_ids_become_text(ids, names):
    assert read_series(table(ids)).ids.tolist() == names


def test_ids_of_a_pandas_category(long):
    frame = long({"b": [1, 2], "a": [3]})
    frame["unique_id"] = pd.Categorical(frame["unique_id"], ["z", "a", "b"])
    assert read_series(frame).ids.tolist() == ["b", "a"]


def test_an_empty_text_is_an_id_of_a_frame():
    assert read_series(table(["", "", "a"])).ids.tolist() == ["", "a"]


@pytest.mark.parametrize(
    "ids",
    [
        pa.array(["a", None, "b"]),
        pa.array(["a", None, "b"]).dictionary_encode(),
        pa.DictionaryArray.from_arrays([0, 1, 2], ["a", None, "b"]),
    ],
)
def test_a_missing_id_is_told_by_its_row(ids, refusal):
    error = refusal(table(ids))
    assert (error.series, error.row) == (None, 1)
    message = "data frame, row 1: the id in column 'unique_id' is missing (1 row)."
    assert error.message == message
    assert error.hint == "Drop these rows or fill them in."


def test_ids_that_are_all_missing(refusal):
    message = "row 0: the id in column 'unique_id' is missing (3 rows)."
    assert refusal(table(pa.nulls(3))).message.endswith(message)


def test_a_list_is_no_id(refusal):
    assert refusal(table([["a"], ["a"], ["b"]])).message == (
        "data frame: the id column 'unique_id' holds list<item: string>; wanted is text."
    ).replace("item", pa.list_(pa.string()).value_field.name)


def test_bytes_that_are_no_text_are_no_id(refusal):
    error = refusal(table([b"a", b"a", b"\xff"]))
    assert error.message == (
        "data frame: the id column 'unique_id' can't be used: Invalid UTF8 payload."
    )
    assert error.hint == "Convert it to text."


@pytest.mark.parametrize(
    "y",
    [
        pa.array([1, 2, 3], pa.int8()),
        pa.array([1, 2, 3], pa.uint64()),
        pa.array([1, 2, 3], pa.float32()),
        pa.array(np.array([1, 2, 3], np.float16)),
        pa.array([Decimal("1.0"), Decimal("2.0"), Decimal("3.0")]),
        pa.array([Decimal(1), Decimal(2), Decimal(3)], pa.decimal256(50, 10)),
        pa.array([1, 2, 3]).dictionary_encode(),
        pa.chunked_array([[1], [2, 3]]),
    ],
    ids=lambda y: str(y.type),
)
def test_numbers_of_any_kind_are_float64(y):
    values = read_series(table(y=y)).values
    assert values.dtype == np.float64
    assert values.tolist() == [1, 2, 3]


def test_true_and_false_are_1_and_0():
    assert read_series(table(y=[True, False, True])).values.tolist() == [1, 0, 1]


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "boolean", "Float32"])
def test_nullable_pandas_columns(long, dtype):
    frame = long({"a": [1, 0, 1]})
    assert read_series(frame.astype({"y": dtype})).values.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    "y",
    [
        pd.array([1, None, 3], "Int64"),
        pd.array([1, None, 3], "Float64"),
        pd.array([True, None, True], "boolean"),
        pd.array([Decimal(1), None, Decimal(3)], object),
        [1, np.nan, 3],
    ],
    ids=["Int64", "Float64", "boolean", "decimal", "float"],
)
def test_a_missing_value_is_masked_or_told_by_series_and_row(long, refusal, y):
    frame = long({"a": [1, 2, 3]}).assign(y=y)
    collection = read_series(frame)
    assert np.isnan(collection.values).tolist() == [False, True, False]
    assert collection.notes == ("1 missing value is masked.",)
    error = refusal(frame, gaps="error")
    assert (error.series, error.row) == ("a", 1)
    assert "the value in column 'y' at 2024-01-02 is missing or not a number" in error.message


def test_a_target_that_is_all_missing(refusal):
    error = refusal(table(y=pa.nulls(3)))
    assert error.message == "data frame, series 'a', row 0: no value at all (2 of 2 series)."
    assert error.hint == "Drop these series, or give --gaps zero if nothing means 0."


@pytest.mark.parametrize(
    ("y", "kind", "row"),
    [
        (pa.array(["1", "2", "many"]), "string", 2),
        (pa.array(["1", None, "many"], pa.large_string()), "large_string", 2),
        (pa.array(["1", "2", "many"], pa.string_view()), "string_view", 2),
        (pa.array(["1", "2", "many"]).dictionary_encode(), "string", 2),
        (pa.array(["1", "2", "3"]), "string", 0),
        (pa.array([{"a": 1}] * 3), "struct", 0),
        (pa.array([1, 2, 3], pa.timestamp("s")), "timestamp", 0),
    ],
    ids=str,
)
def test_what_is_no_number_is_told_by_series_and_row(y, kind, row, refusal):
    error = refusal(table(y=y))
    assert (error.source, error.series, error.row) == ("data frame", "ab"[row // 2], row)
    assert f"the target column 'y' holds {kind}" in error.message
    assert f", not numbers: {y[row].as_py()!r}." in error.message
    assert error.hint == "Name the numeric column with --target-col, or convert this one."


def test_values_are_a_copy(long):
    frame = long({"a": [1, 2, 3]})
    collection = read_series(frame)
    frame["y"].array[0] = 7
    frame.iloc[1, 2] = 7
    assert collection.values.tolist() == [1, 2, 3]
