"""Every fault of a collection is told by file, series and row, with the way out."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

from tsmaml.errors import DataError, NotFoundError, TsmamlError
from tsmaml.series import read_series


def long(**series) -> pd.DataFrame:
    """Daily series from lists of values."""
    return pd.concat(
        pd.DataFrame({"unique_id": name, "ds": pd.date_range("2024-01-01", periods=len(y)), "y": y})
        for name, y in series.items()
    ).reset_index(drop=True)


GOOD = long(a=[1.0, 2, 3, 4], b=[5.0, 6, 7])


def swapped(frame: pd.DataFrame, first: int, second: int) -> pd.DataFrame:
    order = np.arange(len(frame))
    order[[first, second]] = second, first
    return frame.iloc[order].reset_index(drop=True)


FAULTS = {
    "missing column": (
        GOOD.rename(columns={"y": "sold"}),
        r"x.csv: there is no target column 'y' or 'target'.*'unique_id', 'ds', 'sold'.*\n"
        r".*--target-col NAME",
    ),
    "duplicate time": (
        GOOD.assign(ds=GOOD["ds"].where(GOOD.index != 6, GOOD["ds"][5])),
        r"x.csv, series 'b', row 6: the time 2024-01-02 stands twice",
    ),
    "gap": (
        GOOD.drop(index=2).reset_index(drop=True),
        r"x.csv, series 'a', row 2: there is a gap: after 2024-01-02 comes 2024-01-04",
    ),
    "gap in unsorted rows": (
        swapped(GOOD.drop(index=2).reset_index(drop=True), 2, 5),
        r"x.csv, series 'a', row 5: there is a gap",
    ),
    "not a number": (
        GOOD.assign(y=GOOD["y"].where(GOOD.index != 5)),
        r"x.csv, series 'b', row 5: the value in column 'y' at 2024-01-02 is missing",
    ),
    "infinite": (
        GOOD.assign(y=GOOD["y"].where(GOOD.index != 1, np.inf)),
        r"x.csv, series 'a', row 1: the value in column 'y' at 2024-01-02 is infinite",
    ),
    "no rows": (GOOD.head(0), r"x.csv: there are no rows"),
    "missing id": (
        GOOD.assign(unique_id=GOOD["unique_id"].where(GOOD.index != 3)),
        r"x.csv, row 3: the id in column 'unique_id' is missing",
    ),
    "missing time": (
        GOOD.assign(ds=GOOD["ds"].where(GOOD.index != 3)),
        r"x.csv.*, row 3: the time in column 'ds' is missing",
    ),
    "text that is no time": (
        GOOD.assign(ds=GOOD["ds"].astype(str).where(GOOD.index != 4, "soon")),
        r"x.csv, series 'b', row 4: the time 'soon' in column 'ds' is not understood",
    ),
    "mixed time zones": (
        GOOD.assign(ds=[f"{t}T00:00:00{'Z' if i != 4 else ''}" for i, t in
                        enumerate(GOOD["ds"].dt.date)]),
        r"x.csv, series 'b', row 4: the times in column 'ds' mix time zones",
    ),
    "text for a target": (
        GOOD.assign(y=GOOD["y"].astype(str).where(GOOD.index != 2, "many")),
        r"x.csv, series 'a', row 2: the target column 'y' holds .*: 'many'",
    ),
    "no frequency": (
        long(a=[1.0], b=[2.0]),
        r"x.csv: the frequency can't be inferred: no series has two points.*\n.*--freq D",
    ),
    "two frequencies": (
        pd.concat([GOOD, GOOD.query("unique_id == 'a'").assign(
            unique_id="h", ds=pd.date_range("2024-01-01", periods=4, freq="h"))]),
        r"x.csv, series 'h', row \d+: after 2024-01-01 comes 2024-01-01 01:00:00, less than one step",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_by_file_series_and_row(fault, tmp_path, monkeypatch):
    frame, message = FAULTS[fault]
    monkeypatch.chdir(tmp_path)
    frame.to_csv("x.csv", index=False)
    with pytest.raises(DataError, match=message) as caught:
        read_series("x.csv", gaps="error")
    assert caught.value.exit_code == 5
    assert caught.value.hint


def test_files_that_are_none(tmp_path):
    parquet = tmp_path / "x.parquet"
    GOOD.to_parquet(parquet)
    whole = parquet.read_bytes()
    contents = {
        "empty.parquet": b"",
        "empty.csv": b"",
        "foreign.parquet": b"hello",
        "truncated.parquet": whole[: len(whole) // 2],
        "damaged.parquet": whole[:20] + bytes(40) + whole[60:],
        "binary.csv": bytes(range(256)),
        "no.csv.gz": b"hello",
        "cut.csv.gz": gzip.compress(GOOD.to_csv(index=False).encode())[:40],
        "ragged.csv": b"unique_id,ds,y\na,2024-01-01\n",
        "nested.csv": b'unique_id,ds,y\n"a,2024-01-01,1\n',
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(TsmamlError) as caught:
            read_series(tmp_path / name)
        assert caught.value.exit_code == 5, name
        assert name in str(caught.value)
    with pytest.raises(NotFoundError, match="There is no file"):
        read_series(tmp_path / "none.parquet")
    with pytest.raises(DataError, match="several formats: CSV and Parquet"):
        read_series(tmp_path)


def test_what_was_done_for_the_user_is_noted():
    collection = read_series(long(a=[1.0, 2, 3], b=[4.0]).iloc[::-1])
    assert any("sorted" in note for note in collection.notes)
    assert any("single point" in note for note in collection.notes)
    np.testing.assert_array_equal(collection.series("a"), [1, 2, 3])


def test_other_names_and_options_are_understood():
    other = GOOD.set_axis(["item_id", "timestamp", "target"], axis=1)
    assert read_series(other).columns.time == "timestamp"
    named = GOOD.set_axis(["shop", "day", "sold"], axis=1)
    collection = read_series(named, id_col="shop", time_col="day", target_col="sold")
    pd.testing.assert_frame_equal(collection.to_frame(), named, check_dtype=False)
    assert str(collection.frequency) == "D"
    hourly = read_series(GOOD.assign(ds=np.arange(7) * 2), freq=2)
    assert hourly.frequency.is_integer
    with pytest.raises(TsmamlError, match="frequency 'fortnight' is unknown"):
        read_series(GOOD, freq="fortnight")
    with pytest.raises(DataError, match="times are dates, but the frequency is integer"):
        read_series(GOOD, freq=1)
