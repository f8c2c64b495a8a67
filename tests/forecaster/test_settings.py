"""What a forecaster is asked for, before anything is loaded."""

from __future__ import annotations

import pytest

from tsmaml import MetaForecaster
from tsmaml.errors import UnknownNameError
from tsmaml.forecaster.settings import SIZES


@pytest.mark.parametrize("size", SIZES)
def test_a_size_says_how_long_and_how_many(size):
    settings = MetaForecaster(size=size).settings
    assert (settings.steps, settings.ensemble) == SIZES[size]


def test_what_is_given_wins_over_the_size():
    settings = MetaForecaster(size="large", steps=7).settings
    assert (settings.steps, settings.ensemble) == (7, SIZES["large"].ensemble)
    assert MetaForecaster().settings.steps == SIZES["default"].steps


def test_a_misspelt_size_names_the_nearest():
    with pytest.raises(UnknownNameError, match=r"no size named 'tinny'\. Did you mean 'tiny'"):
        MetaForecaster(size="tinny")
