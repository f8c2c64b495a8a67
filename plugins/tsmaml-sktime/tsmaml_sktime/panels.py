"""sktime's panels as the long frames that tsmaml meta-trains on."""

from __future__ import annotations

import numpy as np
import pandas as pd


def panel_of(y: pd.DataFrame, batch: int) -> pd.DataFrame:
    """Rows ``unique_id, ds, y`` of a panel; each column of an instance is a series.

    Args:
        y: a row for each instance (one level of the index, or several) and point (the last level).
        batch: number of the panel among those of one forecaster: the same instance may come again,
            with other points.

    Returns:
        ids ``batch/instance/column``, and points numbered from 0 for each series.
    """
    instances = y.index.droplevel(-1)
    codes, _ = pd.factorize(instances)
    steps = pd.Series(codes).groupby(codes).cumcount().to_numpy()
    names = [
        "/".join(map(str, one if isinstance(one, tuple) else (one,))) for one in instances.tolist()
    ]
    parts = [
        pd.DataFrame(
            {
                "unique_id": [f"{batch}/{name}/{y.columns[column]}" for name in names],
                "ds": steps,
                "y": y.iloc[:, column].to_numpy(float),
            }
        )
        for column in range(y.shape[1])
    ]
    return pd.concat(parts, ignore_index=True)


def n_batches(panel: pd.DataFrame) -> int:
    """How many panels the rows are of."""
    return int(panel["unique_id"].str.partition("/")[0].nunique())


def series_of(values: np.ndarray) -> pd.DataFrame:
    """Rows ``unique_id, ds, y`` of series ``[points, series]`` that end at the same point."""
    length, n_series = values.shape
    return pd.DataFrame(
        {
            "unique_id": np.repeat([f"{number:06d}" for number in range(n_series)], length),
            "ds": np.tile(np.arange(length), n_series),
            "y": values.T.ravel(),
        }
    )
