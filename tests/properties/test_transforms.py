"""Properties of transforms: each inverts, whatever the units; changes add up to the values."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tsmaml.series import SeriesCollection
from tsmaml.series.calendar import Frequency
from tsmaml.tasks.transforms import TRANSFORMS, changes_of

some = settings(deadline=None)
magnitudes = st.one_of(
    st.just(0.0),
    st.builds(
        lambda sign, digits, exponent: sign * digits * 10.0**exponent,
        st.sampled_from([-1, 1]),
        st.floats(1, 9.99),
        st.integers(-30, 29),
    ),
)


def collection_of(series: list[list[float]]) -> SeriesCollection:
    return SeriesCollection(
        np.array([f"s{number}" for number in range(len(series))], object),
        np.concatenate([np.array(values, float) for values in series]),
        np.cumsum([0, *map(len, series)]),
        np.zeros(len(series), np.int64),
        Frequency(None),
    )


@some
@given(st.lists(magnitudes, min_size=1), st.sampled_from(sorted(TRANSFORMS)))
def test_the_inverse_inverts(values, name):
    transform = TRANSFORMS[name]
    values = np.array(values)
    values = np.abs(values) if transform.above > -np.inf else values
    there_and_back = transform.inverse(transform.forward(values))
    np.testing.assert_allclose(there_and_back, values, rtol=1e-12)


@some
@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(sorted(TRANSFORMS)))
def test_the_inverse_of_anything_is_finite_and_keeps_order(value, name):
    found = TRANSFORMS[name].inverse(np.array([value, np.nextafter(value, 0)]))
    assert np.isfinite(found).all()
    assert (found[0] >= found[1]) == (value >= 0) or found[0] == found[1]


@some
@given(
    st.lists(
        st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(np.nan)), min_size=1, max_size=9),
        min_size=1,
        max_size=4,
    )
)
def test_changes_add_up_to_the_values(series):
    collection = collection_of(series)
    changes = changes_of(collection.values, collection.offsets)
    for number, values in enumerate(map(np.array, series)):
        found = changes[collection.offsets[number] : collection.offsets[number + 1]]
        seen = ~np.isnan(values)
        # The first value has none before it; every other has its change.
        assert np.isnan(found[~seen]).all()
        wanted = np.diff(values[seen])
        np.testing.assert_array_equal(found[seen][1:], wanted)
        assert np.isnan(found[seen][:1]).all()


@some
@given(st.lists(st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=9), min_size=1, max_size=4))
def test_sums_of_changes_go_on_from_the_last_value(series):
    whole, past = collection_of(series), collection_of([values[:-3] for values in series])
    difference = TRANSFORMS["difference"]
    applied = difference.applied(whole)
    future = np.stack([applied.series(name)[-3:] for name in whole.ids])
    levels = difference.summed(future[..., np.newaxis], past)[..., 0]
    np.testing.assert_allclose(levels, [values[-3:] for values in series], rtol=1e-9, atol=1e-6)
