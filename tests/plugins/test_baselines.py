"""A plugin's baseline stands beside the model by its name."""

from __future__ import annotations

import numpy as np
import pandas as pd
from stand_in import StandIn

from tsmaml import hookimpl
from tsmaml.evaluation import BaselineForecast, evaluate, request
from tsmaml.plugins import Registry
from tsmaml.plugins.manager import collect


def build_flat(season_length, *, height=3.0):
    def forecast(collection, h, levels):
        return BaselineForecast(np.full((len(collection), h), height * season_length))

    return forecast


@hookimpl
def register_baselines(register):
    register("flat", build_flat, help="The same value everywhere")


def test_it_is_found_by_name_takes_options_and_has_its_version_noted(point, monkeypatch):
    found = Registry(collect([point("flats", register_baselines, version="4.2")]))
    monkeypatch.setattr(request, "registry", lambda: found)
    rows = pd.DataFrame({"unique_id": ["a"] * 6 + ["b"] * 6, "ds": [*range(6)] * 2, "y": 1.0})
    made = evaluate(
        StandIn(), rows, baselines={"flat": {"height": 5.0}, "naive": {}}, metrics=["mae"]
    )
    assert set(made.forecasts["flat"]) == {10.0}
    assert made.settings["baselines"] == ["flat", "naive"]
    assert request.plugins_of(["flat", "naive"]) == {"flats": "4.2"}
