"""Readers that break one promise each, and the built-in ones, which break none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pytest

from tsmaml.errors import UsageError
from tsmaml.plugins import Part
from tsmaml.testing import check_reader


@pytest.fixture(scope="module")
def frame():
    days = pd.date_range("2024-01-01", periods=9)
    values = np.random.default_rng(0).normal(size=(2, 9))
    values[1, 4] = np.nan
    return pd.concat(
        [
            pd.DataFrame({"unique_id": name, "ds": days, "y": row})
            for name, row in zip("ab", values, strict=True)
        ],
        ignore_index=True,
    )


@pytest.fixture
def source(frame, tmp_path):
    """A file of series with an ending of its own."""
    path = tmp_path / "series.table"
    frame.to_parquet(path)
    return path


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".pq", ".arrow", ".feather", ".ipc"])
def test_a_built_in_reader_does_what_is_wanted(ending, frame, tmp_path):
    path = tmp_path / f"series{ending}"
    if ending == ".csv":
        frame.to_csv(path, index=False)
    elif ending in (".parquet", ".pq"):
        frame.to_parquet(path)
    else:
        pyarrow.feather.write_feather(pa.table(frame), path, compression="uncompressed")
    check_reader(ending, path, frame)


def test_so_does_a_function(source, frame):
    check_reader(pd.read_parquet, source, frame)


def rounded(source):
    return pd.read_parquet(source).round({"y": 2})


def filled(source):
    return pd.read_parquet(source).fillna(0.0)


def first_alone(source):
    return pd.read_parquet(source).iloc[:9]


def a_day_later(source):
    found = pd.read_parquet(source)
    return found.assign(ds=found["ds"] + pd.Timedelta(1, "D"))


def every_other_day(source):
    found = pd.read_parquet(source)
    start = found["ds"].min()
    return found.assign(ds=start + 2 * (found["ds"] - start))


def drawn(source):
    found = pd.read_parquet(source)
    return found.assign(y=np.random.default_rng().normal(size=len(found)))


def silent(source):
    if not Path(source).exists():
        return pd.DataFrame({"unique_id": [], "ds": [], "y": []})
    return pd.read_parquet(source)


def faulty(source):
    return pd.read_parquet({}[source] if not Path(source).exists() else source)


@pytest.mark.parametrize(
    ("check", "read", "sentence"),
    [
        ("series", rounded, "the values that the source holds, to the last digit"),
        ("series", filled, "and missing ones as missing"),
        (
            "series",
            first_alone,
            r"the ids that the source holds, \['a', 'b'\] \.\.\.; it gives \['a'\]",
        ),
        ("series", a_day_later, "the first times that the source holds"),
        ("series", every_other_day, "should give the times that the source holds, at"),
        ("repeatable", drawn, "should give the same twice"),
        ("absent", silent, "should raise OSError where a file is not there, and says nothing"),
        ("absent", faulty, "should raise OSError .* raises KeyError"),
    ],
)
def test_a_broken_promise_is_told_in_words(check, read, sentence, source, frame):
    with pytest.raises(AssertionError, match=f"The reader {read.__name__!r} .*{sentence}"):
        check_reader(read, source, frame, checks=[check])


def test_a_source_has_to_be_left_as_it_is(source, frame):
    def once(name):
        found = frame.copy()
        Path(name).write_bytes(b"read")
        return found

    with pytest.raises(AssertionError, match=r"should leave .* as it is; reading has changed it"):
        check_reader(once, source, frame, checks=["repeatable"])


def test_a_name_that_is_not_the_ending_is_told(source, frame):
    part = Part("reader", "table", "a frame", "a plugin", None, pd.read_parquet)
    with pytest.raises(
        AssertionError, match=r"should be asked for .*no reader is: its name is the"
    ):
        check_reader(part, source, frame)


def test_an_unknown_check_is_told(source, frame):
    with pytest.raises(UsageError, match=r"check of readers named 'serie'\. .*'series'"):
        check_reader(pd.read_parquet, source, frame, checks=["serie"])
