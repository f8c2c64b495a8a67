"""What a fan chart shows: history, forecasts, bounds, truth, in the time zone of the series."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tsmaml.errors import MissingDependencyError, UsageError
from tsmaml.plots import evenly, extras, fans_of, fans_of_series, require
from tsmaml.series import read_series


def series(n: int = 3, length: int = 20, zone: str | None = None) -> pd.DataFrame:
    times = pd.date_range("2024-03-20", periods=length, freq="D", tz=zone)
    return pd.concat(
        pd.DataFrame({"shop": f"s{i}", "day": times, "sold": 100.0 * i + np.arange(length)})
        for i in range(n)
    )


COLUMNS = {"id_col": "shop", "time_col": "day", "target_col": "sold"}


def forecasts(frame: pd.DataFrame, first: int, h: int = 3) -> pd.DataFrame:
    made = frame[["shop", "day"]].groupby("shop").nth(list(range(first, first + h)))
    made["TSMAML"] = np.arange(len(made), dtype=float)
    for level, width in ((80, 1), (95, 2)):
        made[f"TSMAML-lo-{level}"] = made["TSMAML"] - width
        made[f"TSMAML-hi-{level}"] = made["TSMAML"] + width
    return made.assign(note="none", cutoff=0, theta=7)


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_history_ends_where_forecasts_begin_and_truth_is_what_came(zone):
    frame = series(zone=zone)
    fans = fans_of(read_series(frame, **COLUMNS), forecasts(frame, 18), history=6)
    assert [fan.name for fan in fans] == ["s0", "s1", "s2"]
    fan = fans[1]
    assert list(fan.values) == [112, 113, 114, 115, 116, 117]
    assert fan.times[-1] == np.datetime64("2024-04-06")
    assert list(fan.ahead) == [np.datetime64("2024-04-07"), np.datetime64("2024-04-08")]
    assert list(fan.truth) == [118, 119]
    assert list(fan.forecasts) == ["TSMAML", "theta"]
    assert [(level, low[0], high[0]) for level, (low, high) in fan.bounds["TSMAML"].items()] == [
        (95.0, 0.0, 4.0),
        (80.0, 1.0, 3.0),
    ]


def test_without_truth_and_with_five_horizons_of_history():
    frame = series(length=30)
    collection = read_series(frame[frame["day"] < "2024-04-16"], **COLUMNS)
    (fan,) = fans_of(collection, forecasts(frame, 27).query("shop == 's2'"))
    assert fan.name == "s2"
    assert len(fan.values) == 15
    assert fan.values[-1] == 226
    assert np.isnan(fan.truth).all()


def test_whole_series_and_a_few_of_many():
    collection = read_series(series(10), **COLUMNS)
    fans = fans_of_series(evenly(collection, 4))
    assert [fan.name for fan in fans] == ["s0", "s3", "s6", "s9"]
    assert all(len(fan.values) == 20 and not fan.forecasts for fan in fans)
    assert len(evenly(collection, 50)) == 10
    some = fans_of(collection, forecasts(series(10), 17), most=2)
    assert [fan.name for fan in some] == ["s0", "s9"]


def test_integer_times():
    frame = series().assign(day=lambda df: df.groupby("shop").cumcount())
    (fan, *_) = fans_of(read_series(frame, **COLUMNS), forecasts(frame, 17))
    assert list(fan.ahead) == [17, 18, 19]
    assert list(fan.truth) == [17, 18, 19]


def test_forecasts_that_do_not_fit():
    collection = read_series(series(), **COLUMNS)
    made = forecasts(series(), 17)
    with pytest.raises(UsageError, match="no column 'day'"):
        fans_of(collection, made.rename(columns={"day": "ds"}))
    with pytest.raises(UsageError, match="no numeric column"):
        fans_of(collection, made[["shop", "day"]])
    with pytest.raises(UsageError, match="None of the forecasts is of a series of data frame"):
        fans_of(collection, made.assign(shop="other"))


def test_a_missing_package_is_named_with_its_cure(monkeypatch):
    require("numpy", "Numbers need", "plot")
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError) as caught:
        require("matplotlib", "Pictures need", "plot")
    assert caught.value.message == "Pictures need matplotlib."
    assert caught.value.hint == 'python -m pip install "tsmaml[plot]"'
    assert caught.value.exit_code == 3
