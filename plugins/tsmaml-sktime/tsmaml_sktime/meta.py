"""Meta-training and forecasts of :class:`tsmaml.MetaForecaster`, which travels as the bytes of its file."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tsmaml_sktime.panels import series_of

if TYPE_CHECKING:
    from tsmaml import MetaForecaster

# Models read back from their bytes. Clones and copies share the bytes, and so the compiled functions.
_MOST_LOADED = 4


def trained(
    panel: pd.DataFrame, h: int | None, season_length: int, options: Mapping[str, Any]
) -> bytes:
    """The model file of a forecaster that was meta-trained on rows ``unique_id, ds, y``.

    Raises:
        TsmamlError: if the series or the options can't be used.
    """
    from tsmaml import MetaForecaster

    forecaster = MetaForecaster(h=h, season_length=season_length, freq=1, **options)
    forecaster.fit(panel, progress=False)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tsmaml"
        forecaster.save(path)
        return path.read_bytes()


@lru_cache(maxsize=_MOST_LOADED)
def _loaded(model: bytes) -> MetaForecaster:
    from tsmaml import MetaForecaster

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tsmaml"
        path.write_bytes(model)
        return MetaForecaster.load(path)


def forecasts(
    model: bytes, values: np.ndarray, h: int, alpha: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """Adapt to series and forecast them.

    Args:
        model: a model file.
        values: ``[points, series]``, NaN where not observed.
        h: points to forecast.
        alpha: levels of the quantiles; 0.5 is the forecast itself.

    Returns:
        ``[h, series]`` and ``[h, series, alpha]``.

    Raises:
        TsmamlError: if the series can't be forecast, or the model has no quantiles since it was
            trained without held-out series.
    """
    levels = [_level(one) for one in alpha]
    asked = sorted({level for level in levels if level > 0})
    made = _loaded(model).predict(series_of(values), h=h, level=asked or None)

    def of(column: str) -> np.ndarray:
        return made[column].to_numpy(float).reshape(-1, h).T

    columns = [
        f"TSMAML-{'lo' if one < 0.5 else 'hi'}-{level:g}" if level > 0 else "TSMAML"
        for one, level in zip(alpha, levels, strict=True)
    ]
    found = np.stack([of(column) for column in ("TSMAML", *columns)], axis=-1)
    return found[..., 0], found[..., 1:]


def _level(quantile: float) -> float:
    """The central interval that it bounds, in percent, as exact as tsmaml's names of columns are."""
    return float(f"{100 * abs(1 - 2 * quantile):g}")
