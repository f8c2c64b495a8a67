"""Split-conformal intervals against hand-worked cases."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from tsmaml import artifacts
from tsmaml.intervals import scores, supported, widths


def column(*values):
    return np.array(values, float)[:, np.newaxis]


def test_scores_of_a_point_forecast_are_its_absolute_errors_in_rising_order():
    truth = np.array([[1.0, 5.0], [4.0, -2.0], [2.0, 0.0]])
    point = np.array([[3.0, 5.0], [3.0, 1.0], [2.0, 4.0]])
    np.testing.assert_array_equal(scores(truth, point, point), [[0, 0], [1, 3], [2, 4]])


def test_scores_of_an_interval_are_negative_inside_and_positive_outside():
    lower, upper = column(0, 0, 0, 0), column(10, 10, 10, 10)
    truth = column(12, 3, -1, 10)
    np.testing.assert_array_equal(scores(truth, lower, upper), column(-3, 0, 1, 2))


@pytest.mark.parametrize(
    ("n", "level", "rank"),
    [
        (9, 0.9, 9),
        (9, 0.8, 8),
        (9, 0.81, 9),
        (19, 0.9, 18),
        (99, 0.95, 95),
        # 0.55 * 100 is 55.00000000000001 in floating point, 0.28 * 25 is 7.000000000000001.
        (99, 0.55, 55),
        (24, 0.28, 7),
        (1, 0.5, 1),
    ],
)
def test_width_is_the_score_of_the_finite_sample_rank(n, level, rank):
    sorted_scores = np.arange(1.0, n + 1)[:, np.newaxis]
    assert widths(sorted_scores, level) == [rank]


def test_a_level_that_has_too_few_scores_takes_the_largest_and_says_so():
    sorted_scores = column(*range(1, 10))
    assert supported(sorted_scores, 0.9)
    assert not supported(sorted_scores, 0.91)
    assert not supported(sorted_scores[:8], 0.9)
    assert widths(sorted_scores, 0.99) == [9]


def test_each_step_counts_the_scores_that_it_has():
    nothing = np.nan
    truth = np.array([[4.0, nothing], [1.0, 7.0], [3.0, nothing], [2.0, 5.0]])
    zero = np.zeros_like(truth)
    found = scores(truth, zero, zero)
    np.testing.assert_array_equal(found, [[1, 5], [2, 7], [3, nothing], [4, nothing]])
    np.testing.assert_array_equal(widths(found, 0.6), [3, 7])
    np.testing.assert_array_equal(widths(found, 0.3), [2, 5])
    # The second step has two scores: 2 / 3 is the highest level that they guarantee.
    assert supported(found, 0.66)
    assert not supported(found, 0.7)


def test_quantile_outputs_that_are_too_wide_are_narrowed():
    truth = np.arange(19.0)[:, np.newaxis]
    wide = np.full_like(truth, 30)
    width = widths(scores(truth, -wide, wide), 0.8)
    assert width == [-15]
    assert (truth <= 30 + width).sum() == 16


def test_scores_survive_an_artifact(tmp_path):
    truth = np.random.default_rng(3).normal(size=(20, 3))
    truth[15:, 1] = np.nan
    calibration = {"point": scores(truth, 0 * truth, 0 * truth), "0.8": scores(truth, truth, truth)}
    artifacts.save(tmp_path / "scores.tsmaml", "scores", {}, calibration)
    _, loaded = artifacts.load(tmp_path / "scores.tsmaml", "scores")
    assert loaded.keys() == calibration.keys()
    for name, values in calibration.items():
        np.testing.assert_array_equal(loaded[name], values)
        np.testing.assert_array_equal(widths(loaded[name], 0.8), widths(values, 0.8))


def test_intervals_need_numpy_only():
    code = (
        "import sys, tsmaml.intervals;"
        "heavy = {'tensorflow', 'keras', 'pandas', 'pyarrow', 'scipy'} & set(sys.modules);"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
