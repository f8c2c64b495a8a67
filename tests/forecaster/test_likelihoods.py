"""A forecaster whose loss is a likelihood: counts in, counts and conformalised intervals out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tsmaml import MetaForecaster
from tsmaml.errors import DataError


@pytest.fixture(scope="module")
def counts(frame) -> pd.DataFrame:
    """Daily counts of a few, zeros among them."""
    rng = np.random.default_rng(5)
    return frame.assign(y=rng.poisson(np.maximum(frame["y"] - frame["y"].median(), 0.2)))


@pytest.fixture(scope="module")
def fitted_to_counts(counts, small):
    settings = {**small, "steps": 30, "loss": "negative_binomial"}
    return MetaForecaster(**settings).fit(counts)


def test_forecasts_are_counts_within_their_intervals(fitted_to_counts, counts, tmp_path):
    result = fitted_to_counts.predict(counts, level=[50, 80])
    np.testing.assert_array_equal(result["TSMAML"], np.round(result["TSMAML"]))
    assert (result["TSMAML"] >= 0).all()
    for inner, outer in (("TSMAML-lo-50", "TSMAML-lo-80"), ("TSMAML", "TSMAML-lo-50")):
        assert (result[inner] >= result[outer]).all()
        assert (result[inner.replace("lo", "hi")] <= result[outer.replace("lo", "hi")]).all()
    fitted_to_counts.save(tmp_path / "counts.tsmaml")
    again = MetaForecaster.load(tmp_path / "counts.tsmaml")
    pd.testing.assert_frame_equal(again.predict(counts, level=[50, 80]), result)


def test_its_own_quantiles_are_conformalised(fitted_to_counts):
    from tsmaml.forecaster.calibration import intervals_of

    pipeline, fit = fitted_to_counts._fitted
    assert list(intervals_of(pipeline)) == ["point", "0.95", "0.9", "0.8", "0.5"]
    assert {name for name in fit.calibration if "/" not in name} == set(intervals_of(pipeline))


def test_what_is_no_count_is_refused(fitted_to_counts, counts, small):
    broken = counts.copy()
    broken.loc[broken.index[broken["unique_id"] == "s03"][2], "y"] = -2
    with pytest.raises(DataError, match="series 's03': the value -2 is no count"):
        MetaForecaster(**small, loss="negative_binomial").fit(broken)
    broken["y"] = counts["y"] + 0.5
    with pytest.raises(DataError, match=r"'s00'.* is no count"):
        fitted_to_counts.predict(broken)
