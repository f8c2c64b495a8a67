from __future__ import annotations

import pytest

from tsmaml.errors import DataError, UsageError
from tsmaml.series import read_series
from tsmaml.series.defaults import Choices, choose


def collection_of(long, *lengths: int, freq: object = "D", start: object = "2020-01-01"):
    values = {f"s{i}": [float(j % 7) for j in range(n)] for i, n in enumerate(lengths)}
    return read_series(long(values, start, freq), freq=freq)


@pytest.mark.parametrize(
    ("freq", "length", "h", "input_size", "season", "reason"),
    [
        ("h", 1000, 48, 168, 24, "7 x season 24"),
        ("D", 365, 14, 56, 7, "8 x season 7"),
        ("B", 365, 10, 40, 5, "8 x season 5"),
        ("W", 300, 13, 104, 52, "2 x season 52"),
        ("MS", 200, 18, 36, 12, "2 x horizon 18"),
        ("QS", 100, 8, 16, 4, "2 x horizon 8"),
        ("YS", 60, 6, 12, 1, "2 x horizon 6"),
    ],
)
def test_usual_choices(long, freq, length, h, input_size, season, reason):
    collection = collection_of(long, length, freq=freq)
    chosen = choose(collection)
    assert (chosen.h, chosen.input_size, chosen.season_length) == (h, input_size, season)
    usual = f"usual for frequency {collection.frequency}"
    assert chosen.reasons == {"h": usual, "season_length": usual, "input_size": reason}
    assert chosen.frequency == str(collection.frequency)


def test_what_is_given_is_taken(long):
    chosen = choose(collection_of(long, 365), h=3, input_size=5, season_length=2)
    assert (chosen.h, chosen.input_size, chosen.season_length) == (3, 5, 2)
    assert set(chosen.reasons.values()) == {"given"}


def test_what_is_given_decides_the_rest(long):
    chosen = choose(collection_of(long, 365), h=40)
    assert (chosen.input_size, chosen.reasons["input_size"]) == (80, "2 x horizon 40")


def test_without_a_usual_season_the_values_tell(long):
    chosen = choose(collection_of(long, 200, 200, start=0, freq=1))
    assert (chosen.season_length, chosen.h) == (7, 14)
    assert chosen.reasons["season_length"] == "the strongest period of the values"
    assert chosen.reasons["h"] == "2 x season 7"


def test_without_any_season_six_points(long):
    constant = read_series(long({"a": [1.0] * 100}, 0, 1))
    chosen = choose(constant)
    assert (chosen.season_length, chosen.h, chosen.input_size) == (1, 6, 12)
    assert chosen.reasons["season_length"] == "no period in the values"
    assert chosen.reasons["h"] == "usual without a season"


def test_short_series_have_short_horizons_and_inputs(long):
    chosen = choose(collection_of(long, 24, 24, 200))
    assert (chosen.h, chosen.reasons["h"]) == (6, "a quarter of the median length 24")
    assert (chosen.input_size, chosen.reasons["input_size"]) == (
        12, "what the median length 24 leaves beside 2 x horizon 6",
    )  # fmt: skip


def test_the_shortest_input_is_four(long):
    chosen = choose(collection_of(long, 60, freq="YS"), h=1)
    assert (chosen.input_size, chosen.reasons["input_size"]) == (4, "the smallest")


@pytest.mark.parametrize(
    ("options", "name"),
    [({"h": 0}, "horizon"), ({"input_size": -1}, "input size"), ({"season_length": 0}, "season")],
)
def test_numbers_below_one_are_refused(long, options, name):
    value = next(iter(options.values()))
    with pytest.raises(UsageError) as caught:
        choose(collection_of(long, 100), **options)
    assert caught.value.message == f"The {name} is {value}; wanted is 1 or more."


def test_too_short_series_are_refused(long):
    with pytest.raises(DataError) as caught:
        choose(collection_of(long, 8), h=7)
    assert caught.value.message == (
        "data frame: the longest series has 8 points: too few to learn forecasts of 7 points from."
    )
    assert caught.value.hint == "Ask for a shorter horizon, for instance --horizon 2."
    assert isinstance(choose(collection_of(long, 8), h=2), Choices)


def test_single_points_teach_nothing(long):
    with pytest.raises(DataError) as caught:
        choose(collection_of(long, 1, 1))
    assert "the longest series has 1 point: too few" in caught.value.message
    assert caught.value.hint == "Give longer series."


def test_no_series_teach_nothing(long):
    with pytest.raises(DataError, match=r"^data frame: there are no series\.$"):
        choose(collection_of(long, 10).select([]))
