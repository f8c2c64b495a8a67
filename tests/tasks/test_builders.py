"""Task sets: which series form each task."""

from __future__ import annotations

import numpy as np
import pytest

from tsmaml.errors import UsageError
from tsmaml.tasks import TaskSet, WindowSpec, per_series


def members_of(task_set: TaskSet) -> dict[str, list[int]]:
    parts = np.split(task_set.members, task_set.offsets[1:-1])
    return {name: part.tolist() for name, part in zip(task_set.names, parts, strict=True)}


def test_per_series_makes_each_series_a_task_of_its_name(collect):
    task_set = per_series(collect([[1, 2], [3], [4, 5, 6]]), WindowSpec(2, 1))
    assert len(task_set) == 3
    assert members_of(task_set) == {"s0": [0], "s1": [1], "s2": [2]}


def test_labels_group_series_in_their_order():
    task_set = TaskSet.from_labels(["b", "a", "b", "c", "a"])
    assert members_of(task_set) == {"a": [1, 4], "b": [0, 2], "c": [3]}


def test_labels_may_be_anything_with_a_text():
    assert members_of(TaskSet.from_labels([2, None, 2])) == {"2": [0, 2], "None": [1]}


def test_a_task_without_series_is_named():
    with pytest.raises(UsageError, match="'empty' has no series"):
        TaskSet(np.array([0, 1]), np.array([0, 2, 2]), ("full", "empty"))


@pytest.mark.parametrize(
    ("offsets", "names"),
    [([0, 3], ("a",)), ([1, 2], ("a",)), ([0, 2], ("a", "b")), ([0], ()), ([[0, 2]], ("a",))],
)
def test_offsets_have_to_fit_members_and_names(offsets, names):
    with pytest.raises(UsageError, match="offsets from 0 to its 2 members"):
        TaskSet(np.array([0, 1]), np.array(offsets), names)


def test_no_series_form_no_task():
    with pytest.raises(UsageError, match="no series"):
        TaskSet.from_labels([])
