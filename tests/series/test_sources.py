"""Files and frames: which columns are found, how each kind of file is read."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from tsmaml.errors import NotFoundError, UsageError
from tsmaml.series import Columns, read_series


@pytest.fixture
def frame(long) -> pd.DataFrame:
    return long({"b": [1.5, 2, 3], "a": [4, 5, 6]})


def same(one, other) -> bool:
    return (
        one.ids.tolist() == other.ids.tolist()
        and one.values.tolist() == other.values.tolist()
        and one.starts.tolist() == other.starts.tolist()
        and str(one.frequency) == str(other.frequency)
    )


# Columns


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["unique_id", "ds", "y"], ["unique_id", "ds", "y"]),
        (["item_id", "timestamp", "target"], ["item_id", "timestamp", "target"]),
        (["unique_id", "timestamp", "y"], ["unique_id", "timestamp", "y"]),
    ],
)
def test_usual_names_are_recognised(frame, names, found):
    columns = read_series(frame.set_axis(names, axis=1)).columns
    assert columns == Columns(*found)


def test_of_two_usual_names_the_first_is_taken(frame):
    collection = read_series(frame.assign(target=0.0, item_id="x"))
    assert collection.columns == Columns()
    assert collection.values.sum() == 21.5


def test_names_that_are_given_come_before_usual_ones(frame):
    assert read_series(frame.assign(sold=7.0), target_col="sold").values.tolist() == [7] * 6


@pytest.mark.parametrize(
    ("role", "column", "names", "option"),
    [
        (
            "id",
            "unique_id",
            "'unique_id' or 'item_id' or 'id'",
            "--id-col NAME, in Python id_col='NAME'",
        ),
        (
            "time",
            "ds",
            "'ds' or 'timestamp' or 'start'",
            "--time-col NAME, in Python time_col='NAME'",
        ),
        ("target", "y", "'y' or 'target'", "--target-col NAME, in Python target_col='NAME'"),
    ],
)
def test_a_missing_column_names_those_that_are_there(frame, refusal, role, column, names, option):
    error = refusal(frame.rename(columns={column: "other"}))
    there = ", ".join(repr("other" if name == column else name) for name in frame.columns)
    assert error.message == (
        f"data frame: there is no {role} column {names}; the columns are {there}."
    )
    assert error.hint == (
        f"Say which it is: {option}. A table with a column for each series is read by --wide."
    )


def test_a_column_that_is_given_and_missing(frame, refusal):
    assert (
        "there is no target column 'sold'; the columns are"
        in refusal(frame, target_col="sold").message
    )


def test_many_columns_are_not_all_named(frame, refusal):
    wide = pd.concat([frame, pd.DataFrame(0, frame.index, [f"x{i}" for i in range(40)])], axis=1)
    message = refusal(wide, id_col="shop").message
    assert message.endswith("'x15', 'x16' and 23 more.")


def test_a_frame_of_no_columns(refusal):
    assert refusal(pd.DataFrame()).message.endswith("; the columns are none.")


def test_one_name_twice(frame, refusal):
    twice = frame.assign(z=0.0).set_axis(["unique_id", "ds", "y", "y"], axis=1)
    assert refusal(twice).message == "data frame: there are 2 columns 'y'."
    assert refusal(pa.table([[1], [1], [1], [1]], ["unique_id", "ds", "y", "y"])).message == (
        "data frame: there are 2 columns 'y'."
    )


def test_one_column_for_two_roles(frame):
    with pytest.raises(UsageError) as caught:
        read_series(frame, id_col="ds")
    assert caught.value.message == "The column 'ds' is named for two of id, time and target."


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".csv.gz"])
def test_a_file_says_the_same_as_a_frame(frame, refusal, tmp_path, suffix):
    path = write(frame.rename(columns={"y": "sold"}), tmp_path / f"series{suffix}")
    assert refusal(path).message == (
        f"{path}: there is no target column 'y' or 'target'; "
        "the columns are 'unique_id', 'ds', 'sold'."
    )


# Files


def write(frame: pd.DataFrame, path: Path) -> Path:
    """Write a frame as the ending of the name says."""
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    "name",
    ["s.parquet", "s.pq", "s", "s.csv.parquet", "s.csv", "s.CSV", "s.csv.gz", "s.csv.bz2",
     "s.2024.csv"],
)  # fmt: skip
def test_files_are_told_by_the_ending_of_their_names(frame, tmp_path, name):
    path = tmp_path / name
    is_csv = ".csv" in name.lower() and not name.endswith(".parquet")
    frame.to_csv(path, index=False) if is_csv else frame.to_parquet(path)
    collection = read_series(path)
    assert same(collection, read_series(frame))
    assert collection.source == str(path)
    assert same(read_series(str(path)), collection)


@pytest.mark.parametrize(
    "options",
    [{"row_group_size": 2}, {"use_dictionary": False}, {"compression": "zstd"},
     {"data_page_version": "2.0"}, {"store_schema": False}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()], ids=str)
def test_parquet_of_any_layout(frame, tmp_path, options, kind):
    table = pa.table(frame)
    table = table.set_column(0, "unique_id", table["unique_id"].cast(kind))
    parquet.write_table(table, tmp_path / "s.parquet", **options)
    assert same(read_series(tmp_path / "s.parquet"), read_series(frame))


def test_parquet_keeps_zone_integer_ids_and_categories(frame, tmp_path):
    frame["ds"] = frame["ds"].dt.tz_localize("Europe/Berlin")
    for ids in ([7, 7, 7, 5, 5, 5], pd.Categorical(list("bbbaaa"))):
        path = write(frame.assign(unique_id=ids), tmp_path / "s.parquet")
        collection = read_series(path)
        assert collection.ids.tolist() == [str(ids[0]), str(ids[-1])]
        assert (collection.time_zone, collection.wall_clock) == ("Europe/Berlin", True)


def test_names_with_dots_are_columns_of_parquet(frame, tmp_path):
    path = write(frame.rename(columns={"y": "sold.units"}), tmp_path / "s.parquet")
    assert read_series(path, target_col="sold.units").values.sum() == 21.5


def test_only_the_columns_that_are_used_are_read(frame, tmp_path, monkeypatch):
    path = write(frame.assign(other="text"), tmp_path / "s.parquet")
    asked = []
    read = parquet.ParquetFile.read

    def spy(self, columns=None, **options):
        asked.append(columns)
        return read(self, columns=columns, **options)

    monkeypatch.setattr(parquet.ParquetFile, "read", spy)
    read_series(path)
    assert asked == [["unique_id", "ds", "y"]]


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_ids_of_csv_are_text_whatever_they_look_like(tmp_path, suffix):
    text = (
        "unique_id,ds,y\n007,2024-01-01,1\nNA,2024-01-01,2\nnull,2024-01-01,3\n1e3,2024-01-01,4\n"
    )
    content = text.encode()
    path = tmp_path / f"s{suffix}"
    path.write_bytes(gzip.compress(content) if suffix == ".csv.gz" else content)
    assert read_series(path, freq="D").ids.tolist() == ["007", "NA", "null", "1e3"]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["", "2024-01-02", "2"], "row 1: the id in column 'unique_id' is missing (1 row)."),
        (["a", "", "2"], "series 'a', row 1: the time in column 'ds' is missing (1 row)."),
        (["a", "2024-01-02", ""], "series 'a', row 1: the value in column 'y' at 2024-01-02 is "
         "missing or not a number (1 such value in all)."),
        (["a", "2024-01-02", "nan"], "series 'a', row 1: the value in column 'y' at 2024-01-02 is "
         "missing or not a number (1 such value in all)."),
        (["a", "2024-01-02", "inf"], "series 'a', row 1: the value in column 'y' at 2024-01-02 is "
         "infinite (1 such value in all)."),
        (["a", "2024-01-02", "NA"], "series 'a', row 1: the target column 'y' holds string, not "
         "numbers: 'NA'."),
        (["a", "soon", "2"], "series 'a', row 1: the time 'soon' in column 'ds' is not understood "
         "(1 row)."),
        (["a", "2024-01-02T00:00Z", "2"], "series 'a', row 1: the times in column 'ds' mix time "
         "zones: '2024-01-01' and '2024-01-02T00:00Z'."),
    ],
)  # fmt: skip
def test_cells_of_csv(tmp_path, refusal, cells, message):
    path = tmp_path / "s.csv"
    path.write_text(f"unique_id,ds,y\na,2024-01-01,1\n{','.join(cells)}\n")
    assert refusal(path, gaps="error").message == f"{path}, {message}"


def test_csv_with_a_byte_order_mark_quotes_and_windows_lines(tmp_path):
    path = tmp_path / "s.csv"
    path.write_bytes('\ufeff"unique_id","ds","y"\r\n"a, b","2024-01-01","1"\r\n'.encode())
    collection = read_series(path, freq="D")
    assert collection.ids.tolist() == ["a, b"]
    assert collection.values.tolist() == [1]


def test_csv_of_integer_times(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("unique_id,ds,y\na,2001,1\na,2002,2\n")
    assert str(read_series(path).frequency) == "integer step 1"


def test_a_file_that_is_not_there(tmp_path):
    for path in (tmp_path / "none.parquet", tmp_path / "none.csv"):
        with pytest.raises(NotFoundError) as caught:
            read_series(path)
        assert caught.value.message == f"There is no file {path}."


def test_a_path_through_a_file(frame, tmp_path):
    path = write(frame, tmp_path / "s.csv") / "t.csv"
    with pytest.raises(NotFoundError):
        read_series(path)


def test_a_folder(tmp_path, refusal):
    (tmp_path / "notes.txt").write_text("no series")
    error = refusal(tmp_path)
    assert error.message == f"{tmp_path}: the folder holds no series."
    assert error.hint.startswith("Files that are read end in .csv, .arrow")


@pytest.mark.skipif(os.name == "nt" or not os.geteuid(), reason="root may read everything")
@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_a_file_without_permission(frame, tmp_path, refusal, suffix):
    path = write(frame, tmp_path / f"s{suffix}")
    path.chmod(0)
    assert refusal(path).message == f"{path}: may not be read: no permission."


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_a_file_that_the_system_refuses(frame, tmp_path, refusal, monkeypatch, suffix):
    path = write(frame, tmp_path / f"s{suffix}")

    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "stat", refuse)
    monkeypatch.setattr(Path, "is_dir", lambda self: False)
    assert refusal(str(path)).message == f"{path}: may not be read: no permission."


# Frames


def test_columns_in_the_index(frame):
    expected = read_series(frame)
    assert same(read_series(frame.set_index("unique_id")), expected)
    assert same(read_series(frame.set_index(["unique_id", "ds"])), expected)
    assert same(read_series(frame.set_index("unique_id", drop=False)), expected)
    indexed = read_series(frame.set_index("ds"))
    assert same(indexed, expected)
    assert indexed.notes == ()


def test_any_other_index_is_nothing(frame):
    collection = read_series(frame.iloc[[3, 4, 5]])
    assert collection.ids.tolist() == ["a"]
    assert collection.notes == ()


def test_rows_are_counted_whatever_the_index(frame, refusal):
    frame.loc[4, "y"] = np.nan
    assert refusal(frame.set_axis(range(100, 106)), gaps="error").row == 4


def test_other_columns_may_hold_anything(frame):
    frame["mixed"] = pd.Series([1, "two", None, 3.0, [], {}], dtype=object)
    frame["complex"] = 1j
    assert same(read_series(frame), read_series(frame[["unique_id", "ds", "y"]]))


@pytest.mark.parametrize(
    ("column", "values", "where", "message"),
    [
        ("y", [1, "x", 3, 4, 5, 6], "series 'b', row 1", "the column 'y' mixes int and str."),
        ("ds", [pd.NaT, pd.Timestamp("2024"), "2025", 1, 2, 3], "series 'b', row 2",
         "the column 'ds' mixes Timestamp and str."),
        ("unique_id", [1, 1, 1, "a", "a", "a"], "row 3",
         "the column 'unique_id' mixes int and str."),
    ],
)  # fmt: skip
def test_columns_of_mixed_types(frame, refusal, column, values, where, message):
    error = refusal(frame.assign(**{column: pd.Series(values, dtype=object)}))
    assert error.message == f"data frame, {where}: {message}"
    assert error.hint == f"Give it one type: df['{column}'] = df['{column}'].astype(...)."


def test_columns_of_no_arrow_type(frame, refusal):
    message = refusal(frame.assign(y=1j)).message
    assert message.startswith("data frame: the column 'y' can't be read: ")
    assert message.endswith(".")


def test_arrow_tables(frame):
    table = pa.table(frame)
    assert same(read_series(table), read_series(frame))
    assert same(read_series(table.combine_chunks().to_batches()[0]), read_series(frame))
    assert same(read_series(table.to_reader()), read_series(frame))


def test_polars_frames(frame):
    polars = pytest.importorskip("polars")
    collection = read_series(polars.DataFrame(frame.to_dict("list")))
    assert same(collection, read_series(frame))
    categories = polars.DataFrame(frame.to_dict("list")).with_columns(
        polars.col("unique_id").cast(polars.Categorical)
    )
    assert same(read_series(categories), collection)


@pytest.mark.parametrize("thing", [{"a": 1}, [1, 2], None, np.zeros((2, 3)), 3])
def test_what_is_no_frame(thing, refusal):
    error = refusal(thing)
    assert error.message == (
        f"series come as a path or a data frame, not as {type(thing).__name__}."
    )
    assert error.hint == "Pass a long frame with the columns unique_id, ds, y."


def test_a_single_column_is_no_frame(refusal):
    assert "is no table" in refusal(pa.chunked_array([[1, 2]])).message
    assert (
        "Series" in refusal(pd.Series([1, 2])).message
        or "is no table" in refusal(pd.Series([1, 2])).message
    )
