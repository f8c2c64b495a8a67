"""sktime's own checks, all of them, with meta-training inside."""

from __future__ import annotations

from sktime.utils.estimator_checks import check_estimator
from tsmaml_sktime import TsmamlForecaster


def test_sktime_s_own_checks():
    results = check_estimator(TsmamlForecaster, raise_exceptions=False, verbose=False)
    assert len(results) > 700
    assert {name: outcome for name, outcome in results.items() if outcome != "PASSED"} == {}
