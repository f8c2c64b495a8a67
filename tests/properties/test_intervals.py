"""What conformal intervals promise, on data for which the promise can be checked."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tsmaml.intervals import scores, supported, widths

# Whole numbers: every sum and difference below is exact, so that equality can be asked for.
whole = st.integers(-1000, 1000).map(float)
shapes = st.tuples(st.integers(1, 30), st.integers(1, 4))
levels = st.floats(0.01, 0.99)


@st.composite
def forecasts(draw):
    """Truth, lower and upper bounds ``[series, h]``, lower at most upper."""
    shape = draw(shapes)
    truth, one, other = (draw(arrays(float, shape, elements=whole)) for _ in range(3))
    return truth, np.minimum(one, other), np.maximum(one, other)


def covered_in_repetitions(draw_bounds, level: float, n: int = 19, repetitions: int = 20_000):
    """Whether each of many independent new series is covered: ``[repetitions]`` bool.

    Every column is a repetition of its own: a level and a spread of its own (so the series of a
    repetition are exchangeable but not independent), n series to calibrate on, one more to cover.
    """
    rng = np.random.default_rng(11)
    shared = rng.normal(size=repetitions) * 2
    spread = np.exp(rng.normal(size=(n + 1, repetitions)))
    truth = shared + spread * rng.standard_t(3, size=(n + 1, repetitions))
    lower, upper = draw_bounds(rng, truth.shape)
    width = widths(scores(truth[:n], lower[:n], upper[:n]), level)
    return (truth[n] >= lower[n] - width) & (truth[n] <= upper[n] + width)


def points(rng, shape):
    point = rng.normal(size=shape)
    return point, point


def too_narrow(rng, shape):
    middle = rng.normal(size=shape)
    return middle - 0.1, middle + 0.2


def too_wide(rng, shape):
    middle = rng.normal(size=shape)
    return middle - 30, middle + 40


@pytest.mark.parametrize("draw_bounds", [points, too_narrow, too_wide])
@pytest.mark.parametrize("level", [0.5, 0.72, 0.95])
def test_coverage_on_exchangeable_series_is_the_level(draw_bounds, level):
    covered = covered_in_repetitions(draw_bounds, level)
    expected = math.ceil(round(20 * level, 9)) / 20  # exact for continuous scores
    margin = 4 * math.sqrt(expected * (1 - expected) / covered.size)
    assert expected >= level
    assert covered.mean() == pytest.approx(expected, abs=margin)


@given(st.lists(st.integers(-10_000, 10_000), min_size=2, max_size=40, unique=True), levels)
def test_leaving_out_each_series_in_turn_covers_exactly_the_rank(errors, level):
    errors = np.abs(np.array(errors, float)) + np.linspace(0, 0.5, len(errors))
    rank = math.ceil(round(len(errors) * level, 9))
    covered = 0
    for left_out in range(len(errors)):
        others = np.delete(errors, left_out)[:, np.newaxis]
        found = scores(others, 0 * others, 0 * others)
        assert supported(found, level) == (rank < len(errors))
        covered += errors[left_out] <= widths(found, level)[0]
    # One series is always the largest of all: where the level wants it too, it can't be had.
    assert covered == min(rank, len(errors) - 1)


@given(forecasts(), levels, levels)
def test_a_higher_level_is_never_narrower(made, one, other):
    found = scores(*made)
    assert (widths(found, min(one, other)) <= widths(found, max(one, other))).all()


@given(forecasts(), levels)
def test_an_interval_about_a_point_never_crosses(made, level):
    truth, point, _ = made
    assert (widths(scores(truth, point, point), level) >= 0).all()


@given(forecasts(), levels, st.randoms(use_true_random=False))
def test_the_order_of_the_series_does_not_matter(made, level, random):
    order = list(range(len(made[0])))
    random.shuffle(order)
    shuffled = [values[order] for values in made]
    np.testing.assert_array_equal(widths(scores(*shuffled), level), widths(scores(*made), level))


@given(forecasts(), levels, whole, st.integers(0, 500), st.sampled_from([0.25, 2.0, 1024.0]))
def test_width_follows_shift_scale_and_margin(made, level, shift, margin, scale):
    truth, lower, upper = made
    width = widths(scores(truth, lower, upper), level)
    shifted = scores(truth + shift, lower + shift, upper + shift)
    np.testing.assert_array_equal(widths(shifted, level), width)
    scaled = scores(truth * scale, lower * scale, upper * scale)
    np.testing.assert_array_equal(widths(scaled, level), width * scale)
    # What the model already adds to its interval, the calibration does not add again.
    wider = scores(truth, lower - margin, upper + margin)
    np.testing.assert_array_equal(widths(wider, level), width - margin)
