"""Which series form a task."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tsmaml_example.by_origin import build

from tsmaml import SeriesCollection
from tsmaml.errors import DataError, UsageError
from tsmaml.tasks import WindowSpec
from tsmaml.testing import check_task_builder

WINDOWS = WindowSpec(input_size=4, h=2)


def collection_of(*ids: str) -> SeriesCollection:
    days = pd.date_range("2013-01-01", periods=6)
    return SeriesCollection.from_frame(
        pd.concat([pd.DataFrame({"unique_id": i, "ds": days, "y": np.arange(6.0)}) for i in ids])
    )


def groups(collection: SeriesCollection, **options: str) -> dict[str, set[str]]:
    tasks = build(collection, WINDOWS, **options)
    return {
        name: set(collection.ids[tasks.members[tasks.offsets[t] : tasks.offsets[t + 1]]])
        for t, name in enumerate(tasks.names)
    }


@pytest.mark.parametrize(
    ("ids", "options"),
    [(["JFK-LAX", "JFK-SFO", "EWR-ATL"], {}), (["n/1", "n/2", "s/1"], {"separator": "/"})],
)
def test_it_does_what_tsmaml_wants_of_a_task_builder(ids, options):
    check_task_builder("by_origin", ids=ids, options=options)


def test_series_of_one_origin_form_a_task():
    collection = collection_of("JFK-LAX", "EWR-ATL", "JFK-SFO")
    assert groups(collection) == {"JFK": {"JFK-LAX", "JFK-SFO"}, "EWR": {"EWR-ATL"}}


def test_the_first_separator_ends_the_origin():
    assert groups(collection_of("A-B-C", "A-D")) == {"A": {"A-B-C", "A-D"}}


def test_separator_is_an_option():
    collection = collection_of("north-1/a", "north-1/b", "north-2/a")
    assert groups(collection, separator="/") == {
        "north-1": {"north-1/a", "north-1/b"},
        "north-2": {"north-2/a"},
    }


@pytest.mark.parametrize("name", ["LGA", "-LGA"])
def test_an_id_without_origin_is_named(name):
    with pytest.raises(DataError, match="no origin") as error:
        build(collection_of("JFK-LAX", name), WINDOWS)
    assert error.value.series == name


def test_empty_separator_is_refused():
    with pytest.raises(UsageError, match="separator"):
        build(collection_of("JFK-LAX"), WINDOWS, separator="")
