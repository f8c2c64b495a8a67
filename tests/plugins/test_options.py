"""What options parts declare, and how wrong ones are refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pytest

from tsmaml.errors import UsageError
from tsmaml.plugins import Part
from tsmaml.plugins.calls import call_part
from tsmaml.plugins.options import GIVEN, check_options, fits, options_of


def build(
    input_size: int, h: int, *, width: int = 64, kinds: str | Sequence[str] = "all", share: float
):
    """A model.

    Args:
        input_size: past values.
        h: steps.
        width: units of
            each layer.
        kinds, share: told together.
    """
    return input_size, h, width, kinds, share


@dataclass(frozen=True)
class Rule:
    """A rule.

    Attributes:
        name: no option.
        rate: of learning.
    """

    name: str = "rule"
    rate: float = 0.5
    steps: int = 1


def make_rule(**options) -> Rule:
    """A rule with a rate of its own."""
    return Rule(**{"rate": 0.25, **options})


def part(factory, kind="model"):
    return Part(kind, "mine", "help", "its-plugin", "1.0", factory)


def test_options_are_the_keywords_of_the_factory_with_their_help():
    width, kinds, share = options_of(part(build))
    assert (width.name, width.type, width.default) == ("width", "int", 64)
    assert width.help == "units of each layer."
    assert (kinds.default, kinds.required, kinds.help) == ("all", False, "told together.")
    assert (share.required, share.help) == (True, "told together.")


def test_options_of_a_factory_that_passes_them_on_are_the_fields_of_what_it_makes():
    rate, steps = options_of(part(make_rule, "algorithm"))
    assert (rate.name, rate.default, rate.help) == ("rate", 0.25, "of learning.")
    assert (steps.name, steps.kind) == ("steps", int)


def test_a_factory_that_takes_anything_declares_nothing_and_is_let_through():
    anything = part(lambda **options: options, "loss")
    assert options_of(anything) is None
    assert call_part(anything, options={"odd": 1}) == {"odd": 1}


def test_what_tsmaml_gives_is_no_option():
    for kind, names in GIVEN.items():
        source = f"def factory({', '.join(names)}, own=1): pass"
        exec(source, namespace := {})
        assert [one.name for one in options_of(part(namespace["factory"], kind))] == ["own"]


def test_an_unknown_option_names_the_nearest():
    with pytest.raises(
        UsageError, match=r"'mine' has no option 'wdth'. Did you mean 'width'\?"
    ) as e:
        call_part(part(build), 1, 2, options={"wdth": 3, "share": 0.5})
    assert e.value.hint == "It takes width (64), kinds ('all'), share."


@pytest.mark.parametrize("value", ["wide", 1.5, True, None, [1]])
def test_a_value_of_another_type_is_refused(value):
    with pytest.raises(
        UsageError, match=r"The option 'width' of the model 'mine' is .*wanted is int"
    ):
        check_options(part(build), {"width": value})


def test_right_values_are_handed_on():
    made = call_part(part(build), 1, 2, options={"width": 3, "kinds": ["a"], "share": 1})
    assert made == (1, 2, 3, ["a"], 1)


@pytest.mark.parametrize(
    ("value", "kind", "does"),
    [
        (1, float, True),
        (True, float, False),
        (None, int | None, True),
        ("a", Literal["a", "b"], True),
        ("c", Literal["a", "b"], False),
        ((0.1, 0.5), Sequence[float], True),
        ("0.1", Sequence[float], False),
        (object(), Rule, True),
    ],
)
def test_fits(value, kind, does):
    assert fits(value, kind) is does
