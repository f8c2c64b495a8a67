"""Several files, folders, patterns, URIs and Arrow files."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from tsmaml.errors import NotFoundError
from tsmaml.series import read_series


@pytest.fixture
def frame(long) -> pd.DataFrame:
    return long({"b": [1.5, 2, 3], "a": [4, 5, 6], "c": [7, 8]})


def assert_same(one, other) -> None:
    assert one.ids.tolist() == other.ids.tolist()
    np.testing.assert_array_equal(one.values, other.values)
    assert one.starts.tolist() == other.starts.tolist()


def in_parts(frame: pd.DataFrame, folder: Path, ending: str) -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = []
    for number, rows in enumerate((frame[:4], frame[4:])):
        paths.append(folder / f"part-{number}.{ending}")
        if ending == "parquet":
            rows.to_parquet(paths[-1], index=False)
        elif ending == "feather":
            rows.reset_index(drop=True).to_feather(paths[-1])
        else:
            rows.to_csv(paths[-1], index=False)
    return paths


@pytest.mark.parametrize("ending", ["parquet", "csv", "csv.gz", "feather"])
def test_lists_patterns_folders_and_uris(frame, tmp_path, ending):
    folder = tmp_path / "parts"
    paths = in_parts(frame, folder, ending)
    (folder / "_SUCCESS").touch()
    (folder / ".hidden.parquet").write_text("no series")
    (folder / "README.md").write_text("no series")
    wanted = read_series(frame)
    assert_same(read_series(paths), wanted)
    assert_same(read_series(folder), wanted)
    assert_same(read_series(f"{folder}/*.{ending}"), wanted)
    assert_same(read_series(folder.as_uri()), wanted)
    assert_same(read_series(f"{folder.as_uri()}/part-*.{ending}"), wanted)
    assert_same(read_series([one.as_uri() for one in paths]), wanted)
    assert_same(read_series(paths[0].as_uri()), read_series(paths[0]))


def test_folders_named_after_partitions_are_columns(frame, tmp_path):
    for name, rows in frame.groupby("unique_id", sort=False):
        folder = tmp_path / f"unique_id={'007' if name == 'a' else name}"
        folder.mkdir()
        rows.drop(columns="unique_id").to_parquet(folder / "part.parquet", index=False)
    collection = read_series(tmp_path)
    assert collection.ids.tolist() == ["007", "b", "c"]
    assert collection.series("007").tolist() == [4, 5, 6]


def test_partitions_that_are_no_ids_are_not_used(frame, tmp_path):
    for year in (2023, 2024):
        (tmp_path / f"year={year}").mkdir()
    frame[:4].to_parquet(tmp_path / "year=2023" / "part.parquet", index=False)
    frame[4:].to_parquet(tmp_path / "year=2024" / "part.parquet", index=False)
    collection = read_series(tmp_path)
    assert_same(collection, read_series(frame))
    assert collection.notes == ("The column year is not used.",)


def test_both_formats_of_arrow(frame, tmp_path):
    table = pa.table(frame)
    with (
        pa.OSFile(str(tmp_path / "file.arrow"), "wb") as sink,
        pa.ipc.new_file(sink, table.schema) as writer,
    ):
        writer.write_table(table)
    with (
        pa.OSFile(str(tmp_path / "stream.arrow"), "wb") as sink,
        pa.ipc.new_stream(sink, table.schema) as writer,
    ):
        writer.write_table(table)
    for name in ("file.arrow", "stream.arrow"):
        assert_same(read_series(tmp_path / name), read_series(frame))


def test_rows_are_told_by_the_file_that_holds_them(frame, tmp_path, refusal):
    frame.loc[6, "y"] = np.inf
    paths = in_parts(frame, tmp_path / "parts", "parquet")
    error = refusal(tmp_path / "parts")
    assert error.message.startswith(f"{paths[1]}, series 'c', row 2: the value in column 'y'")


def test_a_file_without_a_column_that_others_have(frame, tmp_path, refusal):
    paths = in_parts(frame, tmp_path / "parts", "parquet")
    frame[4:].drop(columns="y").to_parquet(paths[1], index=False)
    error = refusal(tmp_path / "parts")
    assert error.message == f"{paths[1]}: there is no column 'y', which other files have."
    assert error.hint == "Write all files with the same columns."


def test_files_of_several_formats(frame, tmp_path, refusal):
    in_parts(frame, tmp_path, "parquet")
    in_parts(frame, tmp_path, "csv")
    error = refusal(tmp_path)
    assert error.message == f"{tmp_path}: there are files of several formats: CSV and Parquet."
    assert error.hint == "Name those of one format, for instance by a pattern: 'series/*.parquet'."


def test_one_broken_file_among_good_ones(frame, tmp_path, refusal):
    paths = in_parts(frame, tmp_path / "parts", "parquet")
    paths[1].write_bytes(paths[1].read_bytes()[:-20])
    assert refusal(tmp_path / "parts").message.startswith(
        f"{tmp_path / 'parts'}: can't be read as Parquet: "
    )


def test_what_is_not_there(tmp_path):
    for source, message in (
        (f"{tmp_path}/*.parquet", f"No file matches {tmp_path}/*.parquet."),
        (f"file://{tmp_path}/none.parquet", f"There is no file file://{tmp_path}/none.parquet."),
        (f"file://{tmp_path}/*.csv", f"No file matches file://{tmp_path}/*.csv."),
        ([tmp_path / "none.parquet"], f"There is no file {tmp_path}/none.parquet."),
    ):
        with pytest.raises(NotFoundError) as caught:
            read_series(source)
        assert caught.value.message == message


def test_a_scheme_that_nobody_knows(refusal):
    error = refusal("gopher://host/series.parquet")
    assert error.message.startswith("gopher://host/series.parquet: can't be reached: ")
    assert error.hint == "URIs are those of pyarrow.fs: s3://, gs://, hdfs://, file:///."


@pytest.mark.skipif(os.name == "nt", reason="devices of POSIX")
@pytest.mark.parametrize("kind", ["device", "pipe"])
def test_what_is_no_regular_file(tmp_path, refusal, kind):
    path = Path("/dev/zero")
    if kind == "pipe":
        path = tmp_path / "pipe.parquet"
        os.mkfifo(path)
    assert refusal(path).message == f"{path}: is no regular file."


def test_a_pattern_sign_in_a_name_is_a_name(frame, tmp_path):
    path = tmp_path / "sales[1].parquet"
    parquet.write_table(pa.table(frame), path)
    assert_same(read_series(path), read_series(frame))


def test_ids_of_compressed_parts_are_text(tmp_path):
    for number in range(2):
        text = f"unique_id,ds,y\n00{number},2024-01-01,1\n00{number},2024-01-02,1\n"
        (tmp_path / f"{number}.csv.gz").write_bytes(gzip.compress(text.encode()))
    assert read_series(tmp_path).ids.tolist() == ["000", "001"]
