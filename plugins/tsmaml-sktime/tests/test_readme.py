"""The README's code runs as it stands: on fewer routes, and with fewer steps of a smaller net."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent
FEWER = '"steps": 2, "model": "linear", "algorithm": "reptile", "meta_batch": 2'


def test_the_readme_s_code_runs(monkeypatch, capsys):
    code = "\n".join(
        re.findall(r"```python\n(.*?)```", HERE.with_name("README.md").read_text(), flags=re.DOTALL)
    )
    monkeypatch.chdir(HERE.parents[2])
    flights = pd.read_parquet("datasets/nyc_flights_daily.parquet")
    routes = ["JFK-LAX", *flights["unique_id"].unique()[:8]]
    few = flights[flights["unique_id"].isin(routes)]
    monkeypatch.setattr(pd, "read_parquet", lambda path: few.copy())
    assert code.count('"steps": 300') == 2
    code = code.replace('"steps": 300', FEWER).replace("KFold(3", "KFold(2")
    exec(compile(code, "README.md", "exec"), {})
    errors = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert list(errors) == ["TsmamlForecaster", "NaiveForecaster"]
    assert all(0 < float(error) < 10 for error in errors.values())
