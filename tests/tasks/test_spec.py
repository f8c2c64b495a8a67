"""Sizes of windows: what is filled in and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from tsmaml.errors import UsageError
from tsmaml.tasks import WindowSpec


@pytest.mark.parametrize(("h", "stride"), [(1, 1), (2, 1), (7, 3), (48, 24)])
def test_stride_is_half_the_horizon_unless_given(h, stride):
    assert WindowSpec(8, h).stride == stride
    assert WindowSpec(8, h, stride=5).stride == 5


@pytest.mark.parametrize(("season_length", "lengths"), [(1, (3, 12)), (2, (3, 6)), (12, (3, 36))])
def test_a_cold_start_has_three_points_to_three_seasons_and_to_twelve_points_without(
    season_length, lengths
):
    assert WindowSpec(8, 4, season_length).cold_lengths == lengths


@pytest.mark.parametrize(
    "name", ["input_size", "h", "season_length", "n_support", "n_query", "stride"]
)
@pytest.mark.parametrize("value", [-1, 1.5, "3", None, True])
def test_sizes_are_whole_numbers(name, value):
    with pytest.raises(UsageError, match=f"{name} is {value!r}"):
        WindowSpec(**{"input_size": 4, "h": 2, name: value})


@pytest.mark.parametrize("name", ["input_size", "h", "season_length", "n_support", "n_query"])
def test_sizes_are_above_zero(name):
    with pytest.raises(UsageError, match=f"{name} is 0; wanted is a whole number of 1 or more"):
        WindowSpec(**{"input_size": 4, "h": 2, name: 0})


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_is_from_0_to_1(share):
    with pytest.raises(UsageError, match="cold_share"):
        WindowSpec(4, 2, cold_share=share)


def test_whole_numbers_of_numpy_are_taken_as_such():
    spec = WindowSpec(np.int64(4), np.int32(2), season_length=np.int64(7))
    assert spec == WindowSpec(4, 2, 7)
    assert type(spec.h) is int
