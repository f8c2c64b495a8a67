"""Long frames in one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pandas as pd
import pytest

from tsmaml.errors import DataError
from tsmaml.series import read_series


def long_frame(
    series: Mapping[str, Sequence[float]], start: object = "2024-01-01", freq: object = "D"
) -> pd.DataFrame:
    """Series that all begin at ``start``, one row a point, one series after the other."""

    def times(n: int) -> object:
        if isinstance(start, int):
            return [start + freq * step for step in range(n)]
        return pd.date_range(start, periods=n, freq=freq)

    parts = [
        pd.DataFrame({"unique_id": name, "ds": times(len(y)), "y": [float(v) for v in y]})
        for name, y in series.items()
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def long() -> Callable[..., pd.DataFrame]:
    """``long({"a": [1, 2]}, start, freq)``: a long frame."""
    return long_frame


@pytest.fixture
def refusal() -> Callable[..., DataError]:
    """``refusal(source, **options)``: the error that reading ends with."""

    def read(source: object, **options: object) -> DataError:
        with pytest.raises(DataError) as caught:
            read_series(source, **options)
        return caught.value

    return read
