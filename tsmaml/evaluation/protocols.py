"""Who is meta-trained on what, and forecasts what: no forecaster sees what it is judged by.

Cutoffs are counted from the end of each series. What is meta-trained here is given all series up to
their first cutoff alone, those of the other folds too: what they have in common with the points that
are judged, such as a holiday of all, is not told beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from tsmaml.errors import DataError
from tsmaml.evaluation.request import Forecaster, Request
from tsmaml.evaluation.windows import Window, rolling_windows
from tsmaml.series import SeriesCollection
from tsmaml.series.words import counted


class Cut(NamedTuple):
    """One thing to forecast.

    Attributes:
        model: fitted, and told nothing after the cutoffs.
        window: cutoffs and truth.
        past: what the model is shown of the histories; shorter than ``window.past`` in a cold start.
        length: to which histories were cut; None: not at all.
        is_last: whether few-shot curves are drawn from it.
    """

    model: Forecaster
    window: Window
    past: SeriesCollection
    length: int | None
    is_last: bool


Train = Callable[[SeriesCollection], Forecaster]


def trainer(
    forecaster: Forecaster, h: int, callbacks: Sequence[Any], report: Callable[[str], None]
) -> Train:
    """A function that meta-trains a new forecaster; Ctrl-C while it does so stops the evaluation."""

    def train(collection: SeriesCollection) -> Forecaster:
        report(f"meta-training on {counted(len(collection), 'series')}")
        model = forecaster.unfitted(h)
        model.fit(collection, callbacks=callbacks, progress=False)
        if model.history_.stopped_by == "interrupt":
            raise KeyboardInterrupt
        return model

    return train


def cuts_of(
    forecaster: Forecaster, collection: SeriesCollection, h: int, request: Request, train: Train
) -> Iterator[Cut]:
    """All that is to be forecast, in order; forecasters are meta-trained on the way."""
    if request.protocol == "time":
        return _in_time(forecaster, collection, h, request, train)
    if request.protocol == "cold-start" and forecaster.is_fitted:
        return _shown(forecaster, collection, h, request, True)
    return _by_folds(collection, h, request, train)


def _in_time(
    forecaster: Forecaster, collection: SeriesCollection, h: int, request: Request, train: Train
) -> Iterator[Cut]:
    windows = _windows(collection, h, request)
    model = forecaster
    for number, window in enumerate(windows):
        again = bool(request.refit) and number % int(request.refit) == 0
        if again or not model.is_fitted:
            model = train(collection.head_of_each(window.drop))
        yield Cut(model, window, window.past, None, number == len(windows) - 1)


def _by_folds(
    collection: SeriesCollection, h: int, request: Request, train: Train
) -> Iterator[Cut]:
    if len(collection) < 2 * request.folds:
        raise DataError(
            f"{counted(len(collection), 'series')} make no {request.folds} folds of two or more.",
            source=collection.source,
            hint=f"Ask for fewer: --folds {max(2, len(collection) // 2)}."
            if len(collection) >= 4
            else "Give more series.",
        )
    earliest = max(window.drop for window in _windows(collection, h, request))
    order = np.random.default_rng(request.seed).permutation(len(collection))
    for fold in range(request.folds):
        judged = np.sort(order[fold :: request.folds])
        others = np.setdiff1d(np.arange(len(collection)), judged)
        model = train(collection.select(others).head_of_each(earliest))
        is_last = fold == request.folds - 1
        yield from _shown(model, collection.select(judged), h, request, is_last)


def _shown(
    model: Forecaster, collection: SeriesCollection, h: int, request: Request, is_last: bool
) -> Iterator[Cut]:
    """The windows of some series, with their histories whole or cut."""
    windows = _windows(collection, h, request)
    lengths: Sequence[int | None] = [None]
    if request.protocol == "cold-start":
        lengths = request.lengths or lengths_of(model.choices_.season_length)
    for number, window in enumerate(windows):
        for place, length in enumerate(lengths):
            past = window.past if length is None else window.past.tail_of_each(length)
            last = is_last and number == len(windows) - 1 and place == len(lengths) - 1
            yield Cut(model, window, past, length, last)


def _windows(collection: SeriesCollection, h: int, request: Request) -> list[Window]:
    return rolling_windows(collection, h, request.n_windows, request.step_size or h)


def lengths_of(season_length: int) -> tuple[int, ...]:
    """Lengths of a cold start where none are asked for: one point to three seasons."""
    season = max(season_length, 4)
    return tuple(sorted({1, season // 2, season, 2 * season, 3 * season}))


def thinned(window: Window, most: int, seed: int) -> Window:
    """Some of the series of a window, drawn at random."""
    if len(window.past) <= most:
        return window
    kept = np.sort(np.random.default_rng([seed, 2]).permutation(len(window.past))[:most])
    return Window(window.past.select(kept), window.truth[kept], window.drop)
