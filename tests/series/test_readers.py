"""Sources that plugins read, by ending and by scheme."""

from __future__ import annotations

import pandas as pd
import pytest
from plugged import point_of

from tsmaml import hookimpl
from tsmaml.errors import DataError, PluginError
from tsmaml.plugins import Registry
from tsmaml.plugins.manager import collect
from tsmaml.series import read_series, sources
from tsmaml.series.examine import examine

FRAME = pd.DataFrame(
    {
        "unique_id": ["a"] * 4,
        "ds": pd.date_range("2024-01-01", periods=4),
        "y": [1.0, 2.0, 3.0, 4.0],
    }
)


def read(source: str) -> pd.DataFrame:
    if "gone" in source:
        raise FileNotFoundError(2, "No such file", source)
    if "odd" in source:
        raise ZeroDivisionError("division by zero")
    return FRAME.drop(columns="y") if "short" in source else FRAME


@pytest.fixture(autouse=True)
def readers(monkeypatch):
    @hookimpl
    def register_readers(register):
        register(".xlsx", read, help="Spreadsheets")
        register("shop://", read, help="A shop's own store")

    found = Registry(collect([point_of("shops", register_readers)]))
    monkeypatch.setattr(sources, "registry", lambda: found)


@pytest.mark.parametrize("source", ["sales.xlsx", "SALES.XLSX", "shop://north/sales"])
def test_a_source_is_read_by_its_ending_or_scheme(source):
    collection = read_series(source)
    assert (collection.source, collection.values.tolist()) == (source, [1.0, 2.0, 3.0, 4.0])


def test_what_is_wrong_with_it_names_the_source():
    with pytest.raises(DataError, match=r"short\.xlsx: there is no target column"):
        read_series("short.xlsx")
    with pytest.raises(FileNotFoundError):
        read_series("gone.xlsx")
    with pytest.raises(PluginError, match=r"reader '\.xlsx' of plugin shops failed on odd\.xlsx"):
        read_series("odd.xlsx")


def test_it_can_be_examined():
    assert examine("sales.xlsx")


def test_files_that_have_no_reader_are_read_as_before(tmp_path):
    path = tmp_path / "sales.csv"
    FRAME.to_csv(path, index=False)
    assert len(read_series(path)) == 1
    assert sources.reader_of(path).plugin == "tsmaml"
    assert sources.reader_of([path]) is None
    assert sources.reader_of(tmp_path) is None
