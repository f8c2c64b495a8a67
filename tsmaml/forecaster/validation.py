"""How good settings are, told by the meta-validation series alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

from tsmaml.errors import DataError

if TYPE_CHECKING:
    from tsmaml.engine import History, Progress
    from tsmaml.evaluation import Scores
    from tsmaml.forecaster.api import MetaForecaster
    from tsmaml.series.options import ReadOptions


class Validation(NamedTuple):
    """The outcome of :func:`validate`.

    Attributes:
        scores: of the meta-validation series: seasonal naive, zero-step, adapted.
        history: of the outer loop.
    """

    scores: Scores
    history: History


def validate(
    forecaster: MetaForecaster,
    df: Any,
    *,
    shortest: int | None = None,
    callbacks: Sequence[Callable[[Progress], None]] = (),
    **reading: Unpack[ReadOptions],
) -> Validation:
    """Meta-train, and score the forecasts of the meta-validation series.

    It is for choosing settings. The series are split as :meth:`MetaForecaster.fit` splits them; those
    to report on are not looked at, so that a report on the choice stays honest. The scores are of the
    data's own units, and comparable whatever the loss.

    Args:
        forecaster: the settings; it stays as it is, not fitted.
        df: the series, as in :meth:`MetaForecaster.fit`.
        shortest: history that an origin but the last has to leave, in points; None: a whole input
            window. Give the same to compare settings of several input sizes by the same forecasts.
        callbacks: functions that are told of every :class:`tsmaml.engine.Progress`; what one raises
            ends the run.
        reading: how ``df`` is read, as in :meth:`MetaForecaster.fit`.

    Raises:
        DataError: if the series can't be used, or are too few to hold some out.
        KeyboardInterrupt: if the run is interrupted: what it learned by then is not to be compared.
        UsageError, PluginError, TrainingError: if the parts do not fit together.
    """
    from tsmaml.forecaster.notebook import quiet

    quiet()
    from tsmaml.forecaster.fitting import report, split, train
    from tsmaml.forecaster.pipeline import build
    from tsmaml.series import read_series
    from tsmaml.series.defaults import choose
    from tsmaml.tasks.encoding import Encoder

    s = forecaster.settings
    options: ReadOptions = {"freq": s.freq}
    options.update(reading)
    collection = read_series(df, **options)
    choices = choose(collection, s.h, s.input_size, s.season_length)
    parts = split(collection, s.holdout, choices.h, s.seed)
    if not len(parts.validation):
        raise DataError(
            "no series are held out to validate on.",
            source=collection.source,
            hint="Give five series or more that are long enough to be scored, and a holdout above 0.",
        )
    pipeline = build(s, choices, Encoder.learned(parts.train, s.calendar))
    history = train(pipeline, parts, callbacks=callbacks)
    if history.stopped_by == "interrupt":
        raise KeyboardInterrupt
    return Validation(report(pipeline, parts.validation, shortest), history)
