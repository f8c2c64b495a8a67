"""Time and memory of reading series and of drawing windows, beside pyarrow and other readers.

    python benchmarks/data.py read       100,000 series x 250 points from one Parquet file
    python benchmarks/data.py windows    windows a second (input 48, horizon 12) on one core
    python benchmarks/data.py large      200 million rows in a folder of parts, and a fit on them

Every measurement runs in a process of its own; memory is the peak of its resident set. ``read``
compares with neuralforecast's and mlforecast's readers where they are installed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet

H, INPUT_SIZE = 12, 48


def write_part(path: Path, first: int, n_series: int, length: int) -> None:
    """Daily series, sorted, ids as text, values float32."""
    rng = np.random.default_rng(first)
    names = pa.array([f"series-{number:08d}" for number in range(first, first + n_series)])
    codes = pa.array(np.repeat(np.arange(n_series, dtype=np.int32), length))
    days = np.arange(length).astype("timedelta64[D]") + np.datetime64("2023-01-01", "us")
    table = pa.table(
        {
            "unique_id": pa.DictionaryArray.from_arrays(codes, names).cast(pa.string()),
            "ds": np.tile(days, n_series),
            "y": rng.normal(10, 3, n_series * length).astype(np.float32),
        }
    )
    parquet.write_table(table, path)


def peak() -> float:
    """Peak of the resident set so far, in MB."""
    return resident()["VmHWM"]


def in_own_process(measure: Callable[..., dict[str, float]], *args: object) -> dict[str, float]:
    """Run a measurement where nothing else has been loaded or allocated."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, args)


def timed(work: Callable[[], object]) -> dict[str, float]:
    """Seconds and memory of a piece of work."""
    before = peak()
    begin = time.perf_counter()
    kept = work()
    seconds = time.perf_counter() - begin
    del kept
    return {"seconds": seconds, "MB above start": peak() - before, "MB peak": peak()}


def read_by_pyarrow(path: str) -> dict[str, float]:
    """The table alone."""
    return timed(lambda: parquet.read_table(path))


def read_by_tsmaml(path: str) -> dict[str, float]:
    """A ready collection."""
    import pandas  # noqa: F401  (counted as loading, not as reading)

    from tsmaml.series import read_series

    return timed(lambda: read_series(path))


def read_by_neuralforecast(path: str) -> dict[str, float]:
    """Its data set of a frame."""
    import pandas as pd
    from neuralforecast.tsdataset import TimeSeriesDataset

    return timed(lambda: TimeSeriesDataset.from_df(pd.read_parquet(path)))


def read_by_mlforecast(path: str) -> dict[str, float]:
    """Its series of a frame, without features."""
    import pandas as pd
    from mlforecast.core import TimeSeries

    def work() -> object:
        series = TimeSeries(freq="D", lags=[1])
        series._fit(pd.read_parquet(path), "unique_id", "ds", "y", static_features=[])
        return series

    return timed(work)


def compare_readers(n_series: int, length: int, repeats: int) -> dict[str, object]:
    """Median of several runs of each reader, in turns."""
    readers: dict[str, Callable[[str], dict[str, float]]] = {
        "pyarrow read_table": read_by_pyarrow,
        "tsmaml": read_by_tsmaml,
        "neuralforecast": read_by_neuralforecast,
        "mlforecast": read_by_mlforecast,
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "series.parquet"
        write_part(path, 0, n_series, length)
        table_mb = parquet.read_table(path).nbytes / 1e6
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in readers}
        for _ in range(repeats):
            for name, reader in list(readers.items()):
                try:
                    runs[name].append(in_own_process(reader, str(path)))
                except ImportError:
                    del readers[name]
    found: dict[str, object] = {
        name: {key: round(statistics.median(run[key] for run in each), 2) for key in each[0]}
        for name, each in runs.items()
        if each
    }
    ours, theirs = (
        statistics.median(run["seconds"] for run in runs[name])
        for name in ("tsmaml", "pyarrow read_table")
    )
    allowed = 3 * n_series * length * 4 / 1e6 + table_mb
    return {**found, "tsmaml / read_table": round(ours / theirs, 2), "MB allowed": round(allowed)}


def windows_a_second(n_series: int, length: int, seconds: float) -> dict[str, float]:
    """Windows that the sampler of meta-training cuts out and scales, on one core."""
    import tensorflow as tf

    from tsmaml.series import SeriesCollection
    from tsmaml.series.calendar import Frequency
    from tsmaml.tasks import WindowSpec, per_series
    from tsmaml.tasks.sampling import TaskSampler

    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    collection = SeriesCollection(
        np.array([f"s{number}" for number in range(n_series)], object),
        np.random.default_rng(0).normal(10, 3, n_series * length),
        np.arange(n_series + 1) * length,
        np.zeros(n_series, np.int64),
        Frequency(None),
    )
    spec = WindowSpec(INPUT_SIZE, H, 12, n_support=8, n_query=2)
    found = {}
    for n_tasks in (64, 1024):
        sampler = TaskSampler(collection, per_series(collection, spec), spec, n_tasks)

        @tf.function(jit_compile=True)
        def many(step: tf.Tensor, sampler: TaskSampler = sampler) -> tf.Tensor:
            def body(i: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
                batch = sampler(tf.stack([step, tf.cast(i, tf.int64)]))
                sums = [tf.reduce_sum(part) for part in tf.nest.flatten(batch)]
                return i + 1, total + tf.add_n(sums)

            return tf.while_loop(lambda i, _: i < 50, body, (0, tf.constant(0.0)))[1]

        many(tf.constant(0, tf.int64))
        # Seconds of the processor: other processes may share the core.
        begin, calls = time.process_time(), 0
        while time.process_time() - begin < seconds:
            calls += 1
            many(tf.constant(calls, tf.int64)).numpy()
        per_second = calls * 50 * n_tasks * 10 / (time.process_time() - begin)
        found[f"windows a second, {n_tasks} tasks a batch"] = round(per_second)
    return found


def resident() -> dict[str, float]:
    """Peak resident set, and what of the present one is not backed by a file, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    values = {
        line.split(":")[0]: line.split()[1] for line in lines if line.startswith(("Rss", "VmHWM"))
    }
    return {name: round(int(value) / 1024) for name, value in values.items()}


def read_large(folder: str) -> dict[str, float]:
    """A collection whose values lie in a file."""
    from tsmaml.series import read_series

    begin = time.perf_counter()
    collection = read_series(folder, storage=str(Path(folder).parent))
    seconds = time.perf_counter() - begin
    return {"rows": len(collection.values), "seconds": round(seconds, 1), **resident()}


def fit_large(folder: str) -> dict[str, float]:
    """The same, and a short run of meta-training."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from tsmaml import MetaForecaster
    from tsmaml.series import read_series

    begin = time.perf_counter()
    collection = read_series(folder, storage=str(Path(folder).parent))
    forecaster = MetaForecaster(
        h=H, input_size=INPUT_SIZE, model="mlp", steps=50, validate_every=50
    ).fit(collection)
    seconds = time.perf_counter() - begin
    return {"seconds": round(seconds, 1), "steps": forecaster.history_.step, **resident()}


def compare_sizes(rows: int, length: int, parts: int, fit: bool) -> dict[str, object]:
    """A quarter, a half and all of the rows: time is linear in them, memory nearly constant."""
    found: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as base:
        folder = Path(base) / "parts"
        folder.mkdir()
        each = rows // parts // length
        for part in range(parts):
            path = folder / f"{part:04d}.parquet"
            write_part(path, part * each, each, length)
            if part + 1 in (parts // 4, parts // 2, parts):
                found[f"{(part + 1) * each * length:,} rows"] = in_own_process(
                    read_large, str(folder)
                )
        if fit:
            found["fit"] = in_own_process(fit_large, str(folder))
    return found


def main() -> None:
    """Run one of the measurements."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["read", "windows", "large"])
    parser.add_argument("--series", type=int, default=100_000)
    parser.add_argument("--length", type=int, default=250)
    parser.add_argument("--rows", type=int, default=200_000_000)
    parser.add_argument("--parts", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--no-fit", action="store_true", help="large: read only.")
    given = parser.parse_args()
    found: dict[str, object]
    if given.what == "read":
        found = compare_readers(given.series, given.length, given.repeats)
    elif given.what == "windows":
        found = dict(in_own_process(windows_a_second, 1000, given.length, 5.0))
    else:
        found = compare_sizes(given.rows, given.length, given.parts, not given.no_fit)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
