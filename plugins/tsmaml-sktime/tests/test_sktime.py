"""sktime's own checks, all of them, with meta-training inside."""

from __future__ import annotations

import pytest
import tensorflow as tf
from sktime.utils.estimator_checks import check_estimator
from tsmaml_sktime import TsmamlForecaster


@pytest.fixture
def not_compiled():
    """The checks train 36 nets for two steps each, which takes a third of what compiling them would."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.usefixtures("not_compiled")
def test_sktime_s_own_checks():
    results = check_estimator(TsmamlForecaster, raise_exceptions=False, verbose=False)
    assert len(results) > 700
    assert {name: outcome for name, outcome in results.items() if outcome != "PASSED"} == {}
