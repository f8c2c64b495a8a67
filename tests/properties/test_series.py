"""Properties of reading: it equals pandas' own group-by, whatever the order, format and gaps."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tsmaml.series import read_series

some = settings(max_examples=40, deadline=None)
finite = st.floats(-1e30, 1e30)
FREQUENCIES = ("h", "D", "B", "W-SUN", "MS", "ME", "QS", "YS", "15min")


@st.composite
def long_frames(draw, missing: bool = True):
    """Long frames on a grid, some rows of which are not there, and some of whose values are not."""
    freq = draw(st.sampled_from(FREQUENCIES))
    parts = []
    for number in range(draw(st.integers(1, 4))):
        n = draw(st.integers(3, 12))
        grid = pd.date_range("2020-01-01", periods=n + 5, freq=freq)
        begin = draw(st.integers(0, 5))
        y = draw(st.lists(finite, min_size=n, max_size=n))
        frame = pd.DataFrame({"unique_id": f"s{number}", "ds": grid[begin : begin + n], "y": y})
        if missing:
            # The first two rows stay: a frequency has to be seen somewhere.
            gone = draw(st.lists(st.sampled_from(["", "row", "value"]), min_size=n, max_size=n))
            gone[:2] = ["", ""]
            frame.loc[[what == "value" for what in gone], "y"] = np.nan
            frame = frame[[what != "row" for what in gone]]
        parts.append(frame)
    return pd.concat(parts, ignore_index=True), freq


def expected(frame: pd.DataFrame, freq: str) -> dict[str, pd.Series]:
    """Each series on its own grid, by pandas."""
    return {
        name: rows.set_index("ds")["y"].sort_index().asfreq(freq)
        for name, rows in frame.groupby("unique_id")
    }


def assert_equals(collection, wanted: dict[str, pd.Series]) -> None:
    assert set(collection.ids) == set(wanted)
    times = collection.times()
    for number, name in enumerate(collection.ids):
        part = slice(collection.offsets[number], collection.offsets[number + 1])
        np.testing.assert_array_equal(collection.values[part], wanted[name].to_numpy())
        np.testing.assert_array_equal(
            times[part], wanted[name].index.to_numpy().astype("datetime64[us]")
        )


@some
@given(long_frames(), st.randoms(use_true_random=False))
def test_reading_equals_a_group_by_in_any_order_of_rows(made, random):
    frame, freq = made
    wanted = expected(frame, freq)
    assert_equals(read_series(frame, freq=freq), wanted)
    order = list(range(len(frame)))
    random.shuffle(order)
    assert_equals(read_series(frame.iloc[order], freq=freq), wanted)


@some
@given(long_frames())
def test_masks_mark_exactly_what_is_missing(made):
    frame, freq = made
    collection = read_series(frame, freq=freq)
    present = frame.dropna()
    assert collection.is_observed.sum() == len(present)
    seen = set(zip(present["unique_id"], present["ds"], strict=True))
    found = collection.to_frame()[collection.is_observed]
    assert set(zip(found["unique_id"], found["ds"], strict=True)) == seen
    np.testing.assert_array_equal(
        collection.n_observed, present.groupby("unique_id").size().loc[list(collection.ids)]
    )
    assert collection.has_gaps == (len(collection.values) > len(present))
    last = present.groupby("unique_id")["y"].last()
    np.testing.assert_array_equal(collection.last_values, last.loc[list(collection.ids)])


@some
@given(long_frames())
def test_filling_equals_that_of_pandas(made):
    frame, freq = made
    wanted = expected(frame, freq)
    filled = read_series(frame, freq=freq, gaps="fill")
    assert_equals(filled, {name: series.ffill() for name, series in wanted.items()})
    zeros = read_series(frame, freq=freq, gaps="zero")
    assert_equals(zeros, {name: series.fillna(0.0) for name, series in wanted.items()})


@some
@given(long_frames(), st.sampled_from(["mean", "sum", "min", "max", "first", "last"]), st.data())
def test_aggregating_equals_that_of_pandas(made, how, data):
    frame, freq = made
    rows = data.draw(st.lists(st.integers(0, len(frame) - 1), min_size=1, max_size=6))
    again = frame.iloc[rows].assign(y=[float(number) for number in range(len(rows))])
    both = pd.concat([frame, again], ignore_index=True)
    options = {"min_count": 1} if how == "sum" else {}
    merged = getattr(both.groupby(["unique_id", "ds"], sort=False)["y"], how)(**options)
    wanted = expected(merged.reset_index(), freq)
    found = read_series(both, freq=freq, duplicates=how)
    for name in found.ids:
        np.testing.assert_allclose(found.series(name), wanted[name].to_numpy(), rtol=1e-12)


def lists_of(frame: pd.DataFrame) -> pa.Table:
    grouped = frame.groupby("unique_id", sort=False)
    return pa.table(
        {
            "unique_id": list(grouped.groups),
            "ds": [list(rows["ds"]) for _, rows in grouped],
            "y": [list(rows["y"]) for _, rows in grouped],
        }
    )


@settings(max_examples=15, deadline=None)
@given(long_frames())
def test_a_round_trip_through_each_format_is_exact(made):
    frame, freq = made
    collection = read_series(frame, freq=freq)
    wanted = expected(frame, freq)
    again = collection.to_frame()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        again.to_parquet(folder / "s.parquet")
        again.to_csv(folder / "s.csv", index=False)
        again.to_csv(folder / "s.csv.gz", index=False)
        again.to_feather(folder / "s.feather")
        pa.parquet.write_table(lists_of(again), folder / "lists.parquet")
        sources = [again, lists_of(again), pa.table(again), *sorted(folder.iterdir())]
        for source in sources:
            assert_equals(read_series(source, freq=freq), wanted)


@some
@given(long_frames(), st.integers(0, 6), st.integers(0, 8), st.integers(0, 8))
def test_what_is_observed_between_equals_a_count(made, which, begin, end):
    frame, freq = made
    collection = read_series(frame, freq=freq)
    n = len(collection)
    found = collection.observed_between(np.full(n, begin), np.full(n, end))
    index = which % n
    part = collection.series(collection.ids[index])[begin : max(begin, end)]
    assert found[index] == np.count_nonzero(~np.isnan(part))
