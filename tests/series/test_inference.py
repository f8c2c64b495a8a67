from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tsmaml.series.calendar import Frequency
from tsmaml.series.inference import infer


def dates(start: str, periods: int, freq: str) -> np.ndarray:
    return pd.date_range(start, periods=periods, freq=freq).to_numpy().astype("datetime64[us]")


@pytest.mark.parametrize("n", [2, 3, 30])
@pytest.mark.parametrize(
    "alias",
    ["s", "15min", "h", "2h", "D", "2D", "W-WED", "MS", "ME", "2MS", "QS-JAN", "QS-FEB", "QE-DEC",
     "YS-JAN", "YS-APR", "YE-DEC", "2YS-JAN"],
)  # fmt: skip
def test_regular_times_show_their_frequency(alias, n):
    assert infer([dates("2023-04-05", n, alias)]) == Frequency(alias)


@pytest.mark.parametrize("alias", ["B", "BME", "BMS", "BQE-DEC", "WOM-3THU", "30D"])
def test_longer_series_show_rarer_frequencies(alias):
    assert infer([dates("2023-04-05", 30, alias)]) == Frequency(alias)


@pytest.mark.parametrize("alias", ["15min", "h", "D", "W-WED", "MS", "ME", "QS-JAN", "YE-DEC"])
def test_a_gap_hides_no_frequency(alias):
    times = np.delete(dates("2023-04-05", 12, alias), 4)
    assert infer([times]) == Frequency(alias)


def test_a_few_weeks_from_monday_to_friday_are_no_days():
    working_week = dates("2024-01-01", 5, "D")
    assert infer([working_week]) == Frequency("D")
    across_weekend = dates("2024-01-03", 5, "B")
    assert infer([working_week] * 5 + [across_weekend]) == Frequency("B")


def test_the_frequency_of_most_series_is_taken():
    months, day = dates("2023-01-01", 6, "MS"), dates("2023-01-01", 6, "D")
    assert infer([day, months, months]) == Frequency("MS")
    assert infer([day, months, day]) == Frequency("D")


@pytest.mark.parametrize(
    ("times", "step"),
    [([1, 2, 3], 1), ([1960, 1961, 1963, 1964], 1), ([0, 3600, 7200], 3600), ([5, 15], 10)],
)
def test_integers_step_by_their_most_frequent_difference(times, step):
    assert infer([np.array(times)]) == Frequency(None, step)


def test_a_wide_gap_between_integers_costs_no_memory():
    assert infer([np.array([0, 1, 2, 2**60])]) == Frequency(None, 1)


@pytest.mark.parametrize(
    "times",
    [["2024-01-15", "2024-02-15", "2024-03-15"], ["2024-01-01", "2024-02-17", "2024-08-19"]],
)
def test_times_of_no_frequency_show_none(times):
    assert infer([np.array(times, "datetime64[us]")]) is None
    assert infer([]) is None


def test_business_hours_are_hours_with_gaps():
    times = pd.date_range("2024-01-01 09:00", periods=40, freq="bh").to_numpy()
    assert infer([times.astype("datetime64[us]")]) == Frequency("h")
