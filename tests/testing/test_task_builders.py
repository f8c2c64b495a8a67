"""Task builders that break one promise each, and the registered ones, which break none."""

from __future__ import annotations

import numpy as np
import pytest

from tsmaml.errors import UsageError
from tsmaml.plugins import registry
from tsmaml.tasks import TaskSet, per_series
from tsmaml.testing import check_task_builder


@pytest.mark.parametrize("name", [part.name for part in registry().parts("task builder")])
def test_a_registered_task_builder_does_what_is_wanted(name):
    check_task_builder(name, options={"column": "region"} if name == "by_static" else None)


def no_tasks(collection, windows):
    return list(collection.ids)


def half(collection, windows):
    some = max(1, len(collection) // 2)
    return TaskSet(np.arange(some), np.arange(some + 1), tuple(collection.ids[:some]))


def twice(collection, windows):
    members = np.repeat(np.arange(len(collection)), 2)
    return TaskSet(members, np.array([0, len(members)]), ("all",))


def nameless(collection, windows):
    count = len(collection)
    return TaskSet(np.arange(count), np.arange(count + 1), ("task",) * count)


def by_last_value(collection, windows):
    return TaskSet.from_labels(list(collection.last_values > 3))


def remembering():
    known = []

    def build(collection, windows):
        known.extend(collection.ids if not known else ())
        return TaskSet.from_labels([known.index(name) for name in collection.ids])

    return build


def many_alone(collection, windows):
    if len(collection) > 1:
        return per_series(collection, windows)
    return TaskSet(np.array([0, 0]), np.array([0, 1, 2]), ("one", "other"))


def searching(collection, windows):
    known = list(dict.fromkeys(collection.ids))
    return TaskSet.from_labels([known.index(name) for name in collection.ids])


def pairing(collection, windows):
    nearest = [max(len({*one} & {*two}) for two in collection.ids) for one in collection.ids]
    return TaskSet.from_labels(nearest)


def unseeded(collection, windows):
    return TaskSet.from_labels(np.random.default_rng().integers(0, 2, len(collection)))


@pytest.mark.parametrize(
    ("check", "build", "sentence"),
    [
        ("cover", no_tasks, "should return a tsmaml.tasks.TaskSet, and returned a list"),
        ("cover", half, "into one task; .*b-x/2, .* are in none or in several"),
        ("cover", twice, "should put each series into one task"),
        ("cover", nameless, "should give each task a name of its own"),
        ("future", by_last_value, "whatever the values after the first 4, the first input"),
        ("new_series", many_alone, "one task of a collection of one series, 'a-x/1'"),
        ("determinism", unseeded, "the same tasks of the same series each time"),
        (
            "speed",
            searching,
            r"in proportion to the number of series: 400 .* 1\d\.\d times the work",
        ),
        ("speed", pairing, r"in proportion to the number of series: 400 .* 1\d\.\d times the work"),
    ],
)
def test_a_broken_promise_is_told_in_words(check, build, sentence):
    with pytest.raises(AssertionError, match=f"The task builder {build.__name__!r} .*{sentence}"):
        check_task_builder(build, checks=[check])


def test_a_builder_that_knows_only_what_it_met_fails():
    with pytest.raises(ValueError, match="is not in list"):
        check_task_builder(remembering(), checks=["new_series"])


def test_options_have_to_fit_a_model_file():
    def build(collection, windows, labels):
        return per_series(collection, windows)

    with pytest.raises(AssertionError, match="options that a model file can hold, as JSON"):
        check_task_builder(build, options={"labels": {1, 2}}, checks=["determinism"])


def test_ids_can_be_given_and_unknown_checks_are_told():
    with pytest.raises(AssertionError, match="'p'"):
        check_task_builder(many_alone, ids=["p", "q"])
    with pytest.raises(UsageError, match=r"check of task builders named 'covers'\. .*'cover'"):
        check_task_builder(per_series, checks=["covers"])
