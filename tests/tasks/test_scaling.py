"""Location, scale and seasonal error against numbers worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tsmaml.errors import UnknownNameError
from tsmaml.tasks.scaling import scale_windows, seasonal_error, series_errors


def scaled(past, mask=None, kind="standard", season_length=1):
    """Location and scale of one window; what the mask hides is 0."""
    mask = np.ones(np.shape(past)) if mask is None else np.array(mask, float)
    past = np.where(mask > 0, past, 0.0).T
    made = scale_windows(tf.constant(past), tf.constant(mask.T), kind, season_length)
    return np.asarray(made.location).tolist(), np.asarray(made.scale).tolist()


def test_location_is_the_mean_and_scale_the_root_of_variance_with_a_prior():
    # Level 2: deviations of 1 each, and one observation with a deviation of 0.2.
    location, scale = scaled([[1, 3, 1, 3]])
    assert location == [[2]]
    np.testing.assert_allclose(scale, [[np.sqrt((4 + 0.2**2) / 5)]], rtol=1e-12)


def test_only_observed_values_count():
    location, scale = scaled([[9e9, np.nan, 1, 3]], [[0, 0, 1, 1]])
    assert location == [[2]]
    np.testing.assert_allclose(scale, [[np.sqrt((2 + 0.2**2) / 3)]], rtol=1e-12)


@pytest.mark.parametrize("value", [1.0, -1.0, 1e-30, -1e30])
@pytest.mark.parametrize("mask", [[1, 1, 1, 1], [0, 0, 0, 1]])
def test_a_constant_or_a_single_point_has_the_prior_as_scale(value, mask):
    location, scale = scaled([[value] * 4], [mask])
    assert location == [[value]]
    prior = 0.1 * abs(value) / np.sqrt(sum(mask) + 1)
    np.testing.assert_allclose(scale, [[prior]], rtol=1e-12)


def test_variation_below_a_hundredth_of_the_size_does_not_shrink_the_scale():
    _, scale = scaled([[1000, 1001] * 100])
    np.testing.assert_allclose(scale, [[10.005]])


@pytest.mark.parametrize("mask", [[1, 1, 1], [0, 0, 0]])
def test_zeros_and_nothing_at_all_have_location_0_and_scale_1(mask):
    assert scaled([[0, 0, 0]], [mask]) == ([[0]], [[1]])


def error_of(values, mask, season_length):
    found = seasonal_error(
        tf.constant(values, tf.float64)[:, None],
        tf.constant(mask, tf.float64)[:, None],
        season_length,
    )
    assert found.shape == (1, 1)
    return float(found[0, 0])


def test_seasonal_error_is_the_mean_absolute_difference_at_the_lag():
    # |0.5 - 1|, |4 - 2|, |1 - 0.5|
    assert error_of([1, 2, 0.5, 4, 1], [1] * 5, 2) == pytest.approx(1.0)
    # Of these the first pair is not observed.
    assert error_of([0, 2, 0.5, 4, 1], [0, 1, 1, 1, 1], 2) == pytest.approx(1.25)


def test_without_a_pair_at_the_lag_it_is_that_of_lag_1_and_without_any_pair_1():
    assert error_of([1, 2, 4], [1, 1, 1], 7) == pytest.approx(1.5)
    assert error_of([0, 2, 4], [0, 1, 1], 2) == pytest.approx(2)
    assert error_of([0, 0, 4], [0, 0, 1], 2) == 1
    assert error_of([4], [1], 1) == 1


def test_seasonal_errors_of_series_are_those_of_each_by_itself(monkeypatch):
    rng = np.random.default_rng(0)
    lengths = np.append(rng.integers(0, 12, 60), [3, 3, 0])
    offsets = np.append(0, np.cumsum(lengths))
    values = rng.normal(size=offsets[-1]) * 10.0 ** rng.integers(-200, 200, offsets[-1])
    values[rng.random(len(values)) < 0.2] = np.nan
    values[offsets[60] : offsets[61]] = 0
    values[offsets[61] : offsets[62]] = 5
    seen = rng.integers(0, lengths + 1)
    seen[60:] = lengths[60:]

    def of_one(series):
        for lag in (4, 1):
            changes = np.abs(series[lag:] - series[:-lag])
            if np.isfinite(changes).any():
                return max(np.nanmean(changes), 0.01 * np.nanmean(np.abs(series)))
        return np.nan

    wanted = [of_one(values[o : o + n]) for o, n in zip(offsets[:-1], seen, strict=True)]
    wanted[60] = np.nan  # nothing but 0
    assert wanted[61] == pytest.approx(0.05)
    assert np.isfinite(wanted).sum() > 30
    for at_once in (1_000_000, 20):
        monkeypatch.setattr("tsmaml.tasks.scaling._POINTS_AT_ONCE", at_once)
        np.testing.assert_allclose(series_errors(values, offsets, 4, seen), wanted, rtol=1e-9)
    assert series_errors(np.array([]), np.array([0]), 4).shape == (0,)


def test_seasonal_error_is_never_below_a_hundredth():
    assert error_of([3, 3, 3, 3], [1] * 4, 2) == 0.01


@pytest.mark.parametrize(
    ("kind", "location", "scale"),
    [
        # Of 1, 3, 2, 6 the level is 3; the prior of 0.1 levels counts once.
        ("mean_absolute", 0, 3),
        ("last", 6, np.sqrt((25 + 9 + 16 + 0.3**2) / 5)),
        ("robust", 2.5, 1.4826 * 1.0),
        ("seasonal", 3, (1 + 3 + 0.3) / 3),
    ],
)
def test_other_kinds(kind, location, scale):
    found = scaled([[1, 3, 2, 6]], kind=kind, season_length=2)
    np.testing.assert_allclose(found, ([[location]], [[scale]]), rtol=1e-12)
    masked = scaled([[1, np.nan, 3, 2, 6]], [[1, 0, 1, 1, 1]], kind)
    assert masked[0] == [[location]]


def test_the_robust_scale_of_mostly_equal_values_is_the_standard_one():
    values = [[0, 0, 0, 0, 0, 5]]
    location, scale = scaled(values, kind="robust")
    assert location == [[0]]
    np.testing.assert_allclose(scale, [[np.sqrt((25 + (0.5 / 6) ** 2) / 7)]], rtol=1e-12)


def test_a_kind_that_nobody_knows():
    with pytest.raises(UnknownNameError, match="Did you mean 'robust'") as caught:
        scaled([[1]], kind="robst")
    assert "mean_absolute" in caught.value.hint


def test_dtype_is_kept():
    for dtype in ("float32", "float64"):
        assert seasonal_error(tf.ones([2, 3], dtype), tf.ones([2, 3], dtype), 2).dtype == dtype
