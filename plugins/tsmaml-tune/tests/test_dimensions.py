"""What can be written after ``--search NAME=``."""

from __future__ import annotations

import pytest
from tsmaml_tune.dimensions import Choices, Range, dimension, parsed

from tsmaml.errors import UsageError


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("16:256", Range(16, 256, whole=True)),
        ("16:256:log", Range(16, 256, log=True, whole=True)),
        ("16:256:16", Range(16, 256, step=16, whole=True)),
        ("1e-4:1e-2:log", Range(1e-4, 1e-2, log=True)),
        ("0:1:0.25", Range(0, 1, step=0.25)),
        ("1,3,5", Choices((1, 3, 5))),
        ("nbeats, mlp", Choices(("nbeats", "mlp"))),
        ("true,null", Choices((True, None))),
        ("[1,2],[3]", Choices(([1, 2], [3]))),
        ('"1:2","3"', Choices(("1:2", "3"))),
    ],
)
def test_a_text_is_a_range_or_choices(text, wanted):
    found = dimension("x", text)
    assert found == wanted
    assert dimension("x", str(found)) == wanted


def test_python_gives_tuples_and_lists():
    assert dimension("x", (1, 9, "log")) == Range(1, 9, log=True, whole=True)
    assert dimension("x", (1, 2.5)) == Range(1, 2.5)
    assert dimension("x", [1, "a"]) == Choices((1, "a"))


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ("1:2:3:4", "no range"),
        ("a:b", "'a' is no finite number"),
        ("1:inf", "no finite number"),
        ("true:3", "no finite number"),
        ("3:3", "the range is empty"),
        ("0:3:log", "begins above 0"),
        ("1:3:lag", "'lag' is no step"),
        ("1:3:5", "5 is no step"),
        ("1:3:0", "0 is no step"),
        ("7", "two different values"),
        ("1,1", "two different values"),
        (7, "wanted is a text, a tuple or a list"),
    ],
)
def test_what_is_neither_is_refused(told, message):
    with pytest.raises(UsageError, match=message):
        dimension("x", told)


def test_texts_are_named_once_each():
    assert list(parsed(["learning-rate=1:2", "model.width=1,2"])) == [
        "learning_rate",
        "model.width",
    ]
    with pytest.raises(UsageError, match="'a' twice"):
        parsed(["a=1:2", "a=1,2"])
    for text in ("a", "=1", "a="):
        with pytest.raises(UsageError, match="not of the form"):
            parsed([text])


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("1:9", [1, 9, 4.0], [0, 10, 2.5, "4", True, None]),
        ("1:9:2", [1, 3, 9], [2, 8]),
        ("0:1:0.1", [0.3, 1], [0.35]),
        ("1,true,[1]", [1, True, [1], (1,)], [2, False, "1"]),
    ],
)
def test_a_dimension_knows_what_it_holds(text, inside, outside):
    one = dimension("x", text)
    assert all(one.holds(value) for value in inside)
    assert not any(one.holds(value) for value in outside)
