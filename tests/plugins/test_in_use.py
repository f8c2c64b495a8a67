"""A plugin from fit to a loaded file: its parts are stored by name, and it hears of every event."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

from tsmaml import MetaForecaster
from tsmaml.errors import MissingDependencyError, UsageError
from tsmaml.plugins import registry

SOURCE = """
from tsmaml import hookimpl

HEARD = []

@hookimpl
def register_losses(register):
    register("absolute", "tsmaml.losses:mae", help="Absolute error by another name")

@hookimpl
def register_scalers(register):
    register("plain", "tsmaml.tasks.scaling:mean_absolute", help="Mean absolute value")

@hookimpl
def fit_started(forecaster, collection):
    HEARD.append(("fit_started", len(collection)))

@hookimpl
def step_done(progress):
    HEARD.append(("step_done", progress.step))

@hookimpl
def validated(progress):
    HEARD.append(("validated", progress.step))

@hookimpl
def checkpointed(path):
    HEARD.append(("checkpointed", path.is_file()))

@hookimpl
def fit_finished(forecaster):
    HEARD.append(("fit_finished", forecaster.history_.step))

@hookimpl
def fit_failed(error):
    HEARD.append(("fit_failed", type(error).__name__))

@hookimpl
def forecast_done(forecaster, forecast):
    HEARD.append(("forecast_done", len(forecast)))
"""


@pytest.fixture
def plugin(install):
    install("own-plugin", "own_plugin", SOURCE)
    registry.cache_clear()
    yield
    registry.cache_clear()


def test_a_plugin_is_heard_stored_and_asked_for(plugin, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "unique_id": np.repeat([f"s{number}" for number in range(8)], 30),
            "ds": np.tile(pd.date_range("2024-01-01", periods=30), 8),
            "y": rng.normal(10, 2, 240),
        }
    )
    forecaster = MetaForecaster(
        3,
        input_size=6,
        season_length=1,
        model="mlp",
        model_options={"width": 4, "n_layers": 1},
        loss="absolute",
        scaling="plain",
        steps=2,
        validate_every=2,
        meta_batch=2,
        n_support=2,
        holdout=0.3,
    )
    forecaster.fit(frame, checkpoint=tmp_path / "kept", checkpoint_steps=1)
    made = forecaster.predict(frame)
    heard = sys.modules["own_plugin"].HEARD
    assert heard[0] == ("fit_started", 8)
    assert [fact for event, fact in heard if event == "step_done"][-1] == 2
    assert [fact for event, fact in heard if event == "validated"][-1] == 2
    assert ("checkpointed", True) in heard
    assert heard[-2:] == [("fit_finished", 2), ("forecast_done", 24)]
    with pytest.raises(UsageError, match="nothing to resume from"):
        forecaster.unfitted().fit(frame, resume=True)
    assert heard[-2:] == [("fit_started", 8), ("fit_failed", "UsageError")]

    path = tmp_path / "m.tsmaml"
    forecaster.save(path)
    again = MetaForecaster.load(path)
    pd.testing.assert_frame_equal(again.predict(frame), made)

    metadata = tmp_path / "own_plugin-2.5.dist-info" / "METADATA"
    metadata.write_text("Name: own-plugin\nVersion: 2.6\n")
    registry.cache_clear()
    with pytest.warns(UserWarning, match=r"own-plugin 2\.5 \(2\.6 is installed\)"):
        MetaForecaster.load(path)

    for source, hint in (
        ("import no_such_module", "own-plugin is installed, but can't be used: ModuleNotFound"),
        (SOURCE.replace('"plain"', '"other"'), "It was fitted with own-plugin 2.5, tsmaml"),
    ):
        tmp_path.joinpath("own_plugin.py").write_text(source)
        sys.modules.pop("own_plugin", None)
        registry.cache_clear()
        with pytest.raises(MissingDependencyError, match=hint):
            MetaForecaster.load(path)

    monkeypatch.setenv("TSMAML_PLUGINS", "")
    registry.cache_clear()
    with pytest.raises(MissingDependencyError, match=r"pip install own-plugin==2\.5") as caught:
        MetaForecaster.load(path)
    assert caught.value.exit_code == 3
