"""Tasks mixed of two series."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from tsmaml.tasks import WindowSpec, per_series
from tsmaml.tasks.encoding import Encoded
from tsmaml.tasks.mixing import levels_of
from tsmaml.tasks.sampling import TaskSampler
from tsmaml.tasks.scaling import series_errors

SPEC = WindowSpec(6, 4, season_length=3, n_support=4, n_query=3, cold_share=0.3, mix_share=0.6)


def seed(number: int) -> tf.Tensor:
    return tf.constant([number, 0], tf.int64)


@pytest.fixture(scope="module")
def collection(collect):
    rng = np.random.default_rng(0)
    return collect([rng.gamma(5.0, 10.0**i, n) for i, n in enumerate((30, 17, 22, 3, 25, 1))])


def sampler_of(collection, spec=SPEC, n_tasks=300, **options):
    return TaskSampler(
        collection, per_series(collection, spec), spec, n_tasks, "float64", **options
    )


def test_windows_are_those_of_a_collection_of_the_mixed_series(collection):
    sampler = sampler_of(collection)
    drawn, batch = sampler.draw(seed(1)), sampler(seed(1))
    of, values = drawn.mixture, [collection.series(name) for name in collection.ids]
    pasts, ys = (
        np.concatenate([np.asarray(part[name]) for part in pair], 1)
        for name, pair in (
            ("past", (batch.support_inputs, batch.query_inputs)),
            ("y", (batch.support_targets, batch.query_targets)),
        )
    )
    location, scale = (
        np.concatenate([batch.support_targets[name], batch.query_targets[name]], 1)
        for name in ("location", "scale")
    )
    n_seen = 0
    for task, window in np.ndindex(*drawn.series.shape):
        if not drawn.valid[task, window]:
            continue
        own, other = (
            np.pad(values[number], 100, constant_values=np.nan)
            for number in (drawn.series[task, window], of.partner[task, window])
        )
        begin, origin, cut = (int(x[task, window]) for x in (drawn.begin, drawn.origin, drawn.cut))
        at = np.arange(origin - 6, origin + 4)
        mixed = own[at + 100] * float(of.own[task, 0])
        if of.other[task, window] > 0:
            shifted = at + int(of.shift[task, window])
            mixed = mixed + other[shifted + 100] * float(of.other[task, window])
        mixed[: max(0, begin - at[0])] = np.nan
        if window < SPEC.n_support:
            mixed[at >= cut] = np.nan
        if np.isnan(mixed[:6]).all():
            mixed[:] = np.nan
        turned = np.concatenate([pasts[task, window], ys[task, window]])
        found = turned * scale[task, window] + location[task, window]
        known = ~np.isnan(mixed)
        n_seen += known[6:].sum()
        np.testing.assert_allclose(found[known], mixed[known], rtol=1e-9)
        assert (turned[~known] == 0).all()
    assert n_seen > 1000


def test_the_share_is_kept_and_the_own_series_counts_for_half_or_more(collection):
    of = sampler_of(collection, n_tasks=4000).draw(seed(2)).mixture
    mixed = np.asarray(of.other)[:, 0] > 0
    assert mixed.mean() == pytest.approx(0.6, abs=0.03)
    own = np.asarray(of.own)[:, 0]
    assert (own[~mixed] == 1).all()
    assert own[mixed].min() >= 0.5
    assert own[mixed].max() <= 1
    assert own[mixed].mean() == pytest.approx(0.75, abs=0.02)
    # The series of one value is nobody's partner.
    assert set(np.ravel(of.partner)) == {0, 1, 2, 3, 4}


def test_the_other_series_comes_at_the_level_of_the_own(collection):
    drawn = sampler_of(collection).draw(seed(3))
    levels = np.array([np.mean(collection.series(name)) for name in collection.ids])
    own, other = (np.asarray(x) for x in (drawn.mixture.own, drawn.mixture.other))
    wanted = (
        (1 - own) * levels[np.asarray(drawn.series)] / levels[np.asarray(drawn.mixture.partner)]
    )
    np.testing.assert_allclose(other, np.where(other > 0, wanted, 0))


def test_the_partner_has_as_long_a_history_where_it_can(collection):
    drawn = sampler_of(collection).draw(seed(4))
    own = np.asarray(drawn.cut)[:, 0]
    other = own + np.asarray(drawn.mixture.shift)[:, 0]
    lengths = collection.lengths[np.asarray(drawn.mixture.partner)[:, 0]]
    latest = np.maximum(lengths - SPEC.h, np.minimum(lengths // 2 + 1, lengths - 1))
    assert (other >= np.minimum(own, latest)).all()
    assert (other <= latest).all()


def test_units_are_those_of_the_mixed_series(collection):
    sampler = sampler_of(collection)
    drawn, batch = sampler.draw(seed(5)), sampler(seed(5))
    errors = series_errors(collection.values, collection.offsets, SPEC.season_length)
    own, other = (
        np.asarray(factor) * errors[np.asarray(number)]
        for factor, number in (
            (drawn.mixture.own, drawn.series),
            (drawn.mixture.other, drawn.mixture.partner),
        )
    )
    scale = np.asarray(batch.query_targets["scale"])[..., 0]
    wanted = np.clip(np.hypot(own, other)[:, SPEC.n_support :] / scale, 0.1, 50)
    np.testing.assert_allclose(np.asarray(batch.query_targets["unit"])[..., 0], wanted)


def test_support_sees_nothing_from_the_cut_on_of_either_series(collect):
    rng = np.random.default_rng(6)
    values = [rng.normal(size=40) for _ in range(3)]
    drawn = sampler_of(collect(values)).draw(seed(6))
    number, partner = (np.asarray(x)[:, 0] for x in (drawn.series, drawn.mixture.partner))
    mixed = np.asarray(drawn.mixture.other)[:, 0] > 0
    task = int(np.flatnonzero(mixed & (number != partner))[0])
    cuts = {number[task]: int(drawn.cut[task, 0])}
    cuts[partner[task]] = cuts[number[task]] + int(drawn.mixture.shift[task, 0])
    changed = [x.copy() for x in values]
    for name, cut in cuts.items():
        # Turned round, the future leaves the level of the series as it was.
        changed[name][cut:] = -changed[name][cut:]
    before, after = (sampler_of(collect(one))(seed(6)) for one in (values, changed))
    for part in ("support_inputs", "support_targets"):
        for name in ("past", "y", "mask", "observed", "scale", "unit"):
            if name in getattr(before, part):
                one, other = (np.asarray(getattr(x, part)[name])[task] for x in (before, after))
                np.testing.assert_allclose(one, other, rtol=1e-12, err_msg=name)
    assert np.any(before.query_targets["y"][task] != after.query_targets["y"][task])


def test_exogenous_columns_do_not_mix(collection):
    stat = Encoded(stat=np.zeros((len(collection), 1), np.float32))
    assert sampler_of(collection, encoded=stat).draw(seed(0)).mixture is None
    assert sampler_of(collection, replace(SPEC, mix_share=0.0)).draw(seed(0)).mixture is None


def test_levels_are_mean_absolute_values():
    values = np.array([1.0, -3.0, np.nan, 0.0, 0.0, 1e308, 1e308, np.nan])
    np.testing.assert_allclose(levels_of(values, [0, 3, 5, 7, 8]), [2, 1, 1e308, 1])
