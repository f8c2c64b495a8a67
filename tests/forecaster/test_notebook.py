"""Forecasters and meta-training as a notebook shows them."""

from __future__ import annotations

import math
import sys
from types import SimpleNamespace

import pandas as pd

from tsmaml import MetaForecaster
from tsmaml.engine import Progress
from tsmaml.evaluation import Scores
from tsmaml.forecaster.notebook import Bar, bars, card, scores_table


def test_a_forecaster_that_is_not_fitted():
    shown = MetaForecaster(steps=7, model="mlp")._repr_html_()
    assert "MetaForecaster, not fitted" in shown
    for part in ("mlp", "anil", "mae", "per_series", ">7<"):
        assert part in shown


def test_text_is_escaped():
    assert '<td style="text-align: left">&lt;b&gt;</td>' in card("t", {"id": "<b>"})


def test_scores():
    mean = {
        "mase": {"seasonal naive": 2.0, "adapted": 1.5},
        "smape": {"seasonal naive": 9, "adapted": 8},
    }
    shown = scores_table(Scores(pd.DataFrame(), mean, 3, 0))
    assert "3 held-out series" in shown
    assert "<th>MASE</th><th>sMAPE</th>" in shown
    assert "adapted</th><td>1.500</td><td>8.000</td>" in shown


def test_a_bar_tells_losses_once_there_are_some():
    bar = Bar()
    first = bar.html(Progress(0, 10, math.nan, math.nan, 0.0, compiling=True))
    assert 'value="0" max="10"' in first
    assert "compiling" in first
    bar.html(Progress(0, 10, math.nan, math.nan, 1.0, 0.75, 1.25))
    later = bar.html(Progress(5, 10, 2.0, 1.5, 2.0))
    assert "step 5 of 10, 2 s: loss 1.500" in later
    assert "held-out series 1.250 zero-step, 0.750 adapted" in later


def test_a_bar_is_shown_in_a_notebook_alone(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert bars() == ()
    shown = []
    handle = SimpleNamespace(update=shown.append)
    display = SimpleNamespace(HTML=str, display=lambda first, display_id: handle)
    shell = SimpleNamespace(kernel=None)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    (callback,) = bars()
    callback(Progress(3, 10, 2.0, 1.5, 2.0))
    assert "step 3 of 10" in shown[0]
