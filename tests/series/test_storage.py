"""Values in a file: the same collection as in memory, whatever the order and the gaps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tsmaml.errors import UsageError
from tsmaml.series import read, read_series, storage


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(storage, "_BATCH", 7)


def frame_of(n_series: int = 9, freq: str = "D", seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    parts = []
    for number in range(n_series):
        n = int(rng.integers(4, 15))
        start = pd.date_range("2024-01-01", periods=1 + int(rng.integers(5)), freq=freq)[-1]
        times = pd.date_range(start, periods=n, freq=freq)
        parts.append(
            pd.DataFrame({"unique_id": f"s{number}", "ds": times, "y": rng.normal(size=n)})
        )
    return pd.concat(parts, ignore_index=True)


def write(frame: pd.DataFrame, folder, parts: int = 3) -> None:
    for number, rows in enumerate(np.array_split(np.arange(len(frame)), parts)):
        frame.iloc[rows].to_parquet(folder / f"{number}.parquet", index=False)


def assert_same(stored, plain) -> None:
    assert isinstance(stored.values, np.memmap)
    assert stored.ids.tolist() == plain.ids.tolist()
    np.testing.assert_array_equal(stored.values, plain.values)
    np.testing.assert_array_equal(stored.offsets, plain.offsets)
    np.testing.assert_array_equal(stored.starts, plain.starts)
    np.testing.assert_array_equal(stored.n_observed, plain.n_observed)
    assert stored.frequency == plain.frequency
    assert stored.has_gaps == plain.has_gaps
    assert (stored.time_zone, stored.wall_clock) == (plain.time_zone, plain.wall_clock)


@pytest.mark.parametrize("freq", ["D", "h", "MS", "B"])
@pytest.mark.parametrize("gaps", ["mask", "fill", "zero"])
def test_a_stored_collection_equals_one_in_memory(tmp_path, freq, gaps):
    frame = frame_of(freq=freq)
    frame.loc[[3, 20], "y"] = None
    frame = frame.drop(index=[5, 6, 30])
    write(frame, tmp_path)
    plain = read_series(tmp_path, gaps=gaps, freq=freq)
    stored = read_series(tmp_path, gaps=gaps, freq=freq, storage=tmp_path)
    assert_same(stored, plain)
    assert stored.notes == plain.notes
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{i}.parquet" for i in range(3)]


def test_rows_of_any_order(tmp_path):
    frame = frame_of().sample(frac=1, random_state=3)
    write(frame, tmp_path)
    assert_same(read_series(tmp_path, storage=tmp_path), read_series(tmp_path))


def test_many_rows_are_stored_without_being_asked(tmp_path, monkeypatch):
    frame_of().to_parquet(tmp_path / "s.parquet", index=False)
    assert not isinstance(read_series(tmp_path / "s.parquet").values, np.memmap)
    monkeypatch.setattr(read, "_MANY_ROWS", 50)
    assert isinstance(read_series(tmp_path / "s.parquet").values, np.memmap)


def test_zones_and_integers(tmp_path):
    frame = frame_of()
    frame["ds"] = frame["ds"].dt.tz_localize("Europe/Berlin")
    write(frame, tmp_path)
    assert_same(read_series(tmp_path, storage=tmp_path), read_series(tmp_path))
    frame["ds"] = frame.groupby("unique_id").cumcount() * 2
    write(frame, tmp_path)
    assert_same(read_series(tmp_path, storage=tmp_path), read_series(tmp_path))


def test_parts_of_a_stored_collection_are_in_memory(tmp_path):
    write(frame_of(), tmp_path)
    stored = read_series(tmp_path, storage=tmp_path)
    chosen = stored.select([2, 4])
    assert not isinstance(chosen.values, np.memmap)
    np.testing.assert_array_equal(chosen.series("s2"), stored.series("s2"))
    assert chosen.n_observed.tolist() == chosen.lengths.tolist()


FAULTS = {
    "infinite": (lambda f: f.assign(y=f["y"].where(f.index != 30, np.inf)), {},
                 "the value in column 'y' at"),
    "twice": (lambda f: pd.concat([f, f.iloc[[30]]]), {}, "stands twice."),
    "twice in a batch": (lambda f: pd.concat([f[:31], f[30:]]), {}, "stands twice."),
    "off the grid": (lambda f: f.assign(ds=f["ds"].where(f.index != 30, f["ds"] + pd.Timedelta("1h"))),
                     {}, "is no whole number of steps of frequency D after"),
    "mistyped": (lambda f: f.assign(ds=f["ds"].where(f.index != 30, pd.Timestamp("2124-01-01"))),
                 {}, "is nearly all gap"),
    "gap": (lambda f: f.drop(index=30), {"gaps": "error"}, "there are 1 missing values or steps."),
    "empty": (lambda f: f.assign(y=f["y"].where(f["unique_id"] != "s3")), {}, "no value at all."),
    "kind": (lambda f: f, {"freq": 1}, "the times are dates, but the frequency is integer step 1"),
    "start": (lambda f: f, {"freq": "MS"}, "which frequency MS never meets"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_told(tmp_path, refusal, fault):
    change, options, message = FAULTS[fault]
    frame = frame_of()
    assert frame.loc[30, "unique_id"] == frame.loc[29, "unique_id"] == frame.loc[31, "unique_id"]
    write(change(frame), tmp_path)
    error = refusal(tmp_path, storage=tmp_path, **options)
    assert message in error.message
    assert error.hint


def test_the_last_of_repeated_times_may_be_taken(tmp_path):
    frame = frame_of()
    write(pd.concat([frame, frame.iloc[[8]].assign(y=77.0)]), tmp_path)
    stored = read_series(tmp_path, storage=tmp_path, duplicates="last")
    assert_same(stored, read_series(tmp_path, duplicates="last"))


def test_what_can_not_be_stored(tmp_path):
    write(frame_of(), tmp_path)
    with pytest.raises(UsageError, match="needs the rows in memory"):
        read_series(tmp_path, storage=tmp_path, duplicates="mean")
    with pytest.raises(
        UsageError, match="Only long files without exogenous columns can be read into"
    ):
        read_series(frame_of(), storage=tmp_path)
    with pytest.raises(UsageError, match=r"can't be made in .*nowhere: No such file") as caught:
        read_series(tmp_path, storage=tmp_path / "nowhere")
    assert "--storage FOLDER" in caught.value.hint
