"""Task builders that form groups."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tsmaml.errors import DataError, UsageError
from tsmaml.series.exogenous import Column, Exogenous
from tsmaml.tasks import WindowSpec
from tsmaml.tasks.groups import (
    at_random,
    by_length,
    by_level,
    by_prefix,
    by_similarity,
    by_static,
)

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


def test_groups_of_series_that_move_alike(collect):
    rng = np.random.default_rng(0)
    steps = np.arange(24)
    kinds = [
        lambda: np.sin(2 * np.pi * (steps + rng.integers(6)) / 6),
        lambda: steps / 5 + 0.1 * rng.normal(size=24),
        lambda: 3 * rng.normal(size=24),
    ]
    values = [10.0**number + kinds[number % 3]() for number in range(9) for _ in range(2)]
    values[4][3] = np.nan
    windows = WindowSpec(input_size=24, h=6, season_length=6)
    found = groups(by_similarity(collect(values), windows, size=6))
    alike = [{2 * n + i for n in range(9) if n % 3 == kind for i in (0, 1)} for kind in range(3)]
    assert sorted(map(sorted, found)) == sorted(map(sorted, alike))
    # What comes after the first values decides nothing.
    longer = collect([np.append(one, [number] * number) for number, one in enumerate(values)])
    assert groups(by_similarity(longer, windows, size=6)) == found
    parts = groups(by_similarity(collect(values[:7]), windows, size=3))
    assert sorted(map(len, parts)) == [2, 2, 3]
    flat = collect([[0.0] * 5, [2.0] * 5, [1.0]])
    assert sum(map(len, groups(by_similarity(flat, WINDOWS, size=2)))) == 3


def test_groups_of_a_static_column(shops):
    region = Column(np.array([0, 1, 0, np.nan, 1, 1, 0.0]), ("north", "south"))
    known = replace(shops, exogenous=Exogenous(stat={"region": region}))
    task_set = by_static(known, WINDOWS, column="region")
    assert dict(zip(task_set.names, groups(task_set), strict=True)) == {
        "north": {0, 2, 6},
        "south": {1, 4, 5},
        "None": {3},
    }
    with pytest.raises(DataError, match="no static column 'size'; there are 'region'"):
        by_static(known, WINDOWS, column="size")
    with pytest.raises(DataError, match="no static column ''; there are none at all"):
        by_static(shops, WINDOWS)


def test_random_groups_are_of_equal_size_and_decided_by_the_seed(shops):
    one, again, other = (groups(at_random(shops, WINDOWS, size=2, seed=s)) for s in (0, 0, 1))
    assert sorted(map(len, one)) == [1, 2, 2, 2]
    assert set().union(*one) == set(range(7))
    assert one == again
    assert one != other


@pytest.mark.parametrize("size", [0, -1, 2.5, True, "3"])
def test_sizes_that_are_none(shops, size):
    for build in (at_random, by_length, by_level, by_similarity):
        with pytest.raises(UsageError, match=r"size is .*; wanted is a whole number of 1 or more"):
            build(shops, WINDOWS, size=size)
