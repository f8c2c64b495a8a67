"""Settings are judged by the meta-validation series, and by no others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tsmaml import MetaForecaster
from tsmaml.errors import DataError
from tsmaml.forecaster import validate

TINY = {
    "h": 3,
    "input_size": 6,
    "season_length": 1,
    "model": "linear",
    "algorithm": "fomaml",
    "steps": 4,
    "meta_batch": 2,
    "n_support": 2,
    "validate_every": 2,
}


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=40)
    return pd.concat(
        pd.DataFrame({"unique_id": f"s{i:02}", "ds": days, "y": rng.normal(i, 1, 40).cumsum()})
        for i in range(20)
    )


def split_of(frame):
    from tsmaml.forecaster.fitting import split
    from tsmaml.series import read_series

    return split(read_series(frame), 0.2, 3, 0)


def test_scores_are_of_the_validation_series_and_do_not_know_those_to_report_on(frame):
    parts = split_of(frame)
    steps = []
    found = validate(MetaForecaster(**TINY), frame, callbacks=[lambda p: steps.append(p.step)])
    assert set(found.scores.per_series["unique_id"]) == set(parts.validation.ids)
    assert found.scores.n_origins == 3
    assert found.history.step == steps[-1] == 4
    spoilt = frame.assign(y=frame["y"].where(~frame["unique_id"].isin(parts.report.ids), 1e6))
    assert validate(MetaForecaster(**TINY), spoilt).scores.mean == found.scores.mean


def test_input_sizes_are_compared_by_the_same_origins(frame):
    long = MetaForecaster(**{**TINY, "input_size": 32})
    assert validate(long, frame).scores.n_origins == 2
    assert validate(long, frame, shortest=6).scores.n_origins == 3


def test_what_a_callback_raises_ends_the_run(frame):
    def stop(progress):
        raise StopIteration(progress.step)

    with pytest.raises(StopIteration, match="0"):
        validate(MetaForecaster(**TINY), frame, callbacks=[stop])


def test_an_interrupted_run_has_no_score(frame):
    def interrupt(progress):
        if progress.step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        validate(MetaForecaster(**TINY), frame, callbacks=[interrupt])


def test_series_must_be_held_out(frame):
    with pytest.raises(DataError, match="no series are held out"):
        validate(MetaForecaster(**TINY, holdout=0.0), frame)
