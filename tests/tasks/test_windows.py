"""Origins and windows against numbers worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tsmaml.tasks import WindowSpec
from tsmaml.tasks.windows import flat_series, gather_windows, support_origins


def origins_of(begin: int, cut: int, **sizes: int) -> list[int]:
    """Valid support origins of one history, latest first."""
    spec = WindowSpec(**{"input_size": 4, "h": 4, "n_support": 4, **sizes})
    recency = tf.range(spec.n_support, dtype=tf.int64)
    origins, valid = support_origins(
        tf.constant(begin, tf.int64), tf.constant(cut, tf.int64), recency, spec
    )
    return np.asarray(origins)[np.asarray(valid)].tolist()


@pytest.mark.parametrize(
    ("begin", "cut", "wanted"),
    [
        # A long history: the latest target ends at the cut, the others follow at the stride of 2.
        (0, 40, [36, 34, 32, 30]),
        (10, 50, [46, 44, 42, 40]),
        # Room for a stride of 1 only.
        (0, 9, [5, 4, 3, 2]),
        (0, 8, [4, 3, 2, 1]),
        # Shorter than two horizons: half of the points are target.
        (0, 7, [4, 3, 2, 1]),
        (0, 4, [2, 1]),
        (3, 6, [5, 4]),
        (0, 2, [1]),
        # Not enough for an input and a target.
        (0, 1, []),
        (5, 5, []),
    ],
)
def test_support_origins(begin, cut, wanted):
    assert origins_of(begin, cut) == wanted


def test_stride_and_number_are_options():
    assert origins_of(0, 40, stride=5) == [36, 31, 26, 21]
    # (36 - 1) / 3 is the largest stride at which the earliest input still holds a point.
    assert origins_of(0, 40, stride=20) == [36, 25, 14, 3]
    assert origins_of(0, 40, n_support=1) == [36]
    assert origins_of(0, 5, h=1, n_support=6) == [4, 3, 2, 1]


SPEC = WindowSpec(input_size=3, h=2, season_length=2)
VALUES = [10.0, 20.0, 40.0, 20.0, 0.0, 5.0, 7.0]


def gather(origin, begin=0, limit=5, valid=True, dtype="float64", index=1, errors=None):
    """One window of the second of three series, ``[10, 20, 40, 20, 0]``."""
    series = flat_series([1.0, 2.0, *VALUES[:5], 8.0, 9.0], [0, 2, 7, 9], [0, 0, 0])
    places = (tf.constant([x], tf.int64) for x in (index, origin, begin, limit))
    known = None if errors is None else tf.constant([errors], tf.float64)
    made = gather_windows(series, *places, tf.constant([valid]), SPEC, dtype, known)
    return tf.nest.map_structure(lambda x: np.asarray(x)[0].tolist(), made)


def in_units(window, name="past"):
    of = window.inputs if name == "past" else window.targets
    return np.round(np.multiply(of[name], window.scale) + window.location, 9).tolist()


def test_a_window_in_the_middle():
    window = gather(3)
    assert window.location == [pytest.approx(70 / 3)]
    # Three deviations, and the prior of a tenth of the level.
    variance = (3 * np.var([10, 20, 40]) + (7 / 3) ** 2) / 4
    assert window.scale == [pytest.approx(np.sqrt(variance))]
    assert window.inputs["mask"] == [1, 1, 1]
    assert in_units(window) == [10, 20, 40]
    assert in_units(window, "y") == [20, 0]
    assert window.weights == window.targets["observed"] == [1, 1]
    assert window.targets["location"] == window.location
    assert window.targets["scale"] == window.scale
    # |40 - 10| at lag 2, in units of the scale.
    assert window.targets["seasonal_error"] == [pytest.approx(30 / window.scale[0])]


def test_the_unit_is_what_the_series_varies_by_within_bounds_or_the_scale():
    scale = gather(3).scale[0]
    for error, wanted in ((3 * scale, 3), (1e9, 50), (1e-9, 0.1), (np.nan, 1), (None, 1)):
        assert gather(3, errors=error).targets["unit"] == [pytest.approx(wanted)]


def test_a_short_input_is_padded_on_the_left():
    window = gather(1)
    assert window.inputs == {"past": [0, 0, 0], "mask": [0, 0, 1]}
    assert (window.location, window.scale) == ([10], [pytest.approx(np.sqrt(1 / 2))])
    assert in_units(window, "y") == [20, 40]
    assert gather(3, begin=1).inputs["mask"] == [0, 1, 1]


def test_a_target_ends_at_the_limit():
    window = gather(3, limit=4)
    assert window.weights == [1, 0]
    assert window.targets["y"][1] == 0
    window = gather(5)
    assert window.weights == [0, 0]
    assert window.targets["y"] == [0, 0]
    assert in_units(window) == [40, 20, 0]


@pytest.mark.parametrize("index", [0, 2])
def test_neighbours_in_memory_are_never_seen(index):
    window = gather(2, limit=2, index=index)
    assert window.inputs["mask"] == [0, 1, 1]
    assert in_units(window)[1:] == [[1, 2], [0, 0], [8, 9]][index]
    assert window.weights == [0, 0]


def test_a_window_that_is_not_valid_is_all_zeros():
    window = gather(3, valid=False)
    assert window.inputs == {"past": [0, 0, 0], "mask": [0, 0, 0]}
    assert (window.weights, window.targets["y"]) == ([0, 0], [0, 0])
    assert (window.location, window.scale) == ([0], [1])
    assert window.targets["seasonal_error"] == [1]


def test_a_small_change_at_a_high_level_survives_float32():
    level = 1e9
    series = flat_series(level + np.array([10.0, 20.0, 40.0, 20.0]), [0, 4], [0])
    places = (tf.constant([x], tf.int64) for x in (0, 3, 0, 4))
    window = gather_windows(series, *places, tf.constant([True]), SPEC, "float32")
    past = np.asarray(window.inputs["past"], np.float64) * np.asarray(window.scale)
    assert window.inputs["past"].dtype == window.weights.dtype == "float32"
    assert window.location.dtype == window.scale.dtype == "float64"
    np.testing.assert_allclose(
        past + np.asarray(window.location) - level, [[10, 20, 40]], rtol=1e-5
    )
