"""Baselines that break one promise each, and the registered ones, which break none."""

from __future__ import annotations

import numpy as np
import pytest

from tsmaml.errors import UsageError
from tsmaml.evaluation import BaselineForecast
from tsmaml.evaluation.baselines import build_seasonal_naive
from tsmaml.plugins import registry
from tsmaml.testing import check_baseline


@pytest.mark.parametrize("season_length", [1, 7])
@pytest.mark.parametrize(
    "name", [part.name for part in registry().parts("baseline") if part.plugin == "tsmaml"]
)
def test_a_built_in_baseline_does_what_is_wanted(name, season_length):
    check_baseline(name, season_length=season_length)


def changed(change):
    """A builder of the seasonal naive whose forecasts are changed by ``change(made, levels)``."""

    def build(season_length):
        sound = build_seasonal_naive(season_length)
        return lambda collection, h, levels: change(sound(collection, h, levels), levels)

    return build


def with_bounds(made, of_level):
    return BaselineForecast(made.point, {level: of_level(made, level) for level in made.bounds})


def unseeded(made, levels):
    return BaselineForecast(made.point * np.random.default_rng().normal(1, 1e-3, made.point.shape))


def without_gaps(season_length):
    def forecast(collection, h, levels):
        if collection.has_gaps:
            raise ValueError("NaN in y")
        return build_seasonal_naive(season_length)(collection, h, levels)

    return forecast


def remembering():
    known = {}

    def build(season_length):
        def forecast(collection, h, levels):
            sound = build_seasonal_naive(season_length)
            return known.setdefault(tuple(collection.ids), sound(collection, h, levels))

        return forecast

    return build


@pytest.mark.parametrize(
    ("check", "build", "sentence"),
    [
        ("shapes", changed(lambda made, _: made.point), "BaselineForecast, and returned a ndarray"),
        (
            "shapes",
            changed(lambda made, _: BaselineForecast(made.point.T)),
            r"arrays \[series, h\], here \[3, 1\]; that of 'point' is \[1, 3\]",
        ),
        (
            "shapes",
            changed(lambda made, _: BaselineForecast(made.point * np.nan)),
            "should forecast finite values for ten seasons of history",
        ),
        (
            "units",
            changed(lambda made, _: BaselineForecast(made.point[::-1])),
            "each series in its row and in its units",
        ),
        (
            "bounds",
            changed(lambda made, _: with_bounds(made, lambda m, level: m.bounds[level][::-1])),
            "lower bounds below upper ones",
        ),
        (
            "bounds",
            changed(lambda made, _: with_bounds(made, lambda m, level: m.bounds[level][:1])),
            "a pair of lower and upper bounds for the level 50.0",
        ),
        (
            "bounds",
            changed(lambda made, _: BaselineForecast(made.point, dict([*made.bounds.items()][:1]))),
            r"those for \[80.0, 95.0\] are missing",
        ),
        ("history", remembering(), "the same for series of the same ids that are twice as large"),
        ("determinism", changed(unseeded), "should forecast the same twice"),
        ("gaps", without_gaps, "leave rows that are not finite .* it raised ValueError: NaN in y"),
    ],
)
def test_a_broken_promise_is_told_in_words(check, build, sentence):
    with pytest.raises(AssertionError, match=f"The baseline .*{sentence}"):
        check_baseline(build, checks=[check])


def test_one_bad_series_must_not_spoil_the_others():
    def spoilt(made, levels):
        return BaselineForecast(made.point * np.nan) if len(made.point) > 3 else made

    with pytest.raises(AssertionError, match="a plain series whatever series stand beside it"):
        check_baseline(changed(spoilt), checks=["gaps"])


def test_bounds_need_not_be_given():
    check_baseline(changed(lambda made, _: BaselineForecast(made.point)))


def test_an_unknown_check_is_told():
    with pytest.raises(UsageError, match=r"check of baselines named 'bound'\. .*'bounds'"):
        check_baseline("naive", checks=["bound"])
