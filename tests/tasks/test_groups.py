"""Task builders that form groups."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tsmaml.errors import DataError, UsageError
from tsmaml.tasks import WindowSpec
from tsmaml.tasks.groups import at_random, by_length, by_level, by_prefix

WINDOWS = WindowSpec(input_size=2, h=1)


def groups(task_set) -> list[set[int]]:
    return [set(part.tolist()) for part in np.split(task_set.members, task_set.offsets[1:-1])]


@pytest.fixture
def shops(collect):
    """Seven series; the lengths fall, the levels of the first two points rise and fall."""
    values = [
        [5] * 9,
        [50] * 8,
        [500] * 7,
        [7, 7, 900, 900, 900, 900],
        [40] * 5,
        [700] * 4,
        [6] * 3,
    ]
    return collect(values)


def test_ids_alike_up_to_a_separator(shops):
    ids = ["n-a", "s-a", "n-b", "n-c-d", "s-b", "w-a", "w-b"]
    named = replace(shops, ids=np.array(ids, object))
    task_set = by_prefix(named, WINDOWS, separator="-")
    assert task_set.names == ("n", "s", "w")
    assert groups(task_set) == [{0, 2, 3}, {1, 4}, {5, 6}]
    with pytest.raises(DataError, match="series 'n-a': the id holds no '/' \\(7 such ids in all"):
        by_prefix(named, WINDOWS)
    with pytest.raises(UsageError, match="separator is empty"):
        by_prefix(named, WINDOWS, separator="")


def test_groups_of_like_length(shops):
    assert groups(by_length(shops, WINDOWS, size=3)) == [{4, 5, 6}, {2, 3}, {0, 1}]


def test_groups_of_like_level_look_at_the_first_points_alone(shops):
    assert groups(by_level(shops, WINDOWS, size=4)) == [{0, 3, 6, 4}, {1, 2, 5}]


def test_random_groups_are_of_equal_size_and_decided_by_the_seed(shops):
    one, again, other = (groups(at_random(shops, WINDOWS, size=2, seed=s)) for s in (0, 0, 1))
    assert sorted(map(len, one)) == [1, 2, 2, 2]
    assert set().union(*one) == set(range(7))
    assert one == again
    assert one != other


@pytest.mark.parametrize("size", [0, -1, 2.5, True, "3"])
def test_sizes_that_are_none(shops, size):
    for build in (at_random, by_length, by_level):
        with pytest.raises(UsageError, match=r"size is .*; wanted is a whole number of 1 or more"):
            build(shops, WINDOWS, size=size)
