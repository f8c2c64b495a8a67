"""Algorithms that adapt something else than weights by gradient steps, as a forecaster uses them."""

from __future__ import annotations

import numpy as np
import pytest

from tsmaml import MetaForecaster
from tsmaml.errors import UsageError

OPTIONS = {"mamlpp": {"steps": 2}}


@pytest.mark.parametrize("name", ["mamlpp", "cavia", "ridge"])
def test_an_algorithm_fits_and_forecasts(frame, new_frame, small, name):
    forecaster = MetaForecaster(
        **{**small, "steps": 2, "holdout": 0.0},
        algorithm=name,
        algorithm_options=OPTIONS.get(name, {}),
    ).fit(frame)
    adapted = forecaster.predict(new_frame)["TSMAML"]
    assert np.isfinite(adapted).all()
    assert not np.allclose(adapted, forecaster.predict(new_frame, zero_step=True)["TSMAML"])


def test_context_has_to_have_a_place_in_the_model(frame, small):
    with pytest.raises(UsageError, match="has no option n_context"):
        MetaForecaster(
            **{**small, "model_options": {}, "model": lambda input_size, h: None},
            algorithm="cavia",
        ).fit(frame)
