"""tsmaml as an sktime forecaster."""

from tsmaml_sktime.forecaster import TsmamlForecaster

__all__ = ["TsmamlForecaster"]
