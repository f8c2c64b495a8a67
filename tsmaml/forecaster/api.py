"""MetaForecaster: the one object that a notebook needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from tsmaml.errors import DataError, UsageError
from tsmaml.forecaster.events import teller_of
from tsmaml.forecaster.settings import Settings, size_of
from tsmaml.plugins import registry
from tsmaml.series import SeriesCollection, read_series
from tsmaml.series.sources import static_columns_of

if TYPE_CHECKING:
    import pandas as pd

    from tsmaml.engine import History, Progress
    from tsmaml.evaluation import Scores
    from tsmaml.forecaster.adapted import AdaptedSeries
    from tsmaml.forecaster.fitting import Fit
    from tsmaml.forecaster.pipeline import Pipeline
    from tsmaml.plots import Fan
    from tsmaml.plots.drawing import Chart
    from tsmaml.series.defaults import Choices
    from tsmaml.series.options import ReadOptions


class MetaForecaster:
    """Meta-trains on many related series, adapts to new ones, and forecasts them.

    Args:
        h: forecast horizon, in points; None chooses it from the frequency.
        input_size: past points that the model sees; None chooses it.
        season_length: points in a season (1: none); None takes it from the frequency or the values.
        freq: pandas alias, or a whole number for integer times; None infers it.
        model: registered name (``tsmaml plugins`` lists them), or a function
            ``(input_size, h) -> keras.Model``.
        loss: registered name, a :class:`tsmaml.losses.Loss`, a Keras loss, or a function
            ``(y_true, y_pred)``.
        tasks: registered name, or a function ``(collection, windows) -> tsmaml.tasks.TaskSet``.
        algorithm: registered name, a :class:`tsmaml.engine.Algorithm`, or a function that makes one.
            The default ``anil`` takes 5 inner steps at rates learned for each layer.
        model_options, loss_options, tasks_options, algorithm_options: handed to the part.
        size: ``tiny`` for a first look, ``default``, or ``large`` for what there is to gain: how long
            to train and how many nets, where ``steps`` and ``ensemble`` do not say
            (:data:`tsmaml.forecaster.settings.SIZES`).
        steps: outer steps of meta-training; None: by ``size``.
        meta_batch: tasks of an outer step.
        learning_rate: peak of the outer learning rate (warm-up, then cosine decay).
        n_support: support windows of a task.
        n_query: query windows of a task in meta-training.
        cold_share: share of meta-training tasks whose history is cut, to 3 points to 3 seasons.
        mix_share: share of meta-training tasks that are mixed with a second series, so that there are
            more to learn from; none with exogenous columns or counts, which do not mix.
        holdout: share of the series held out, half to validate on, half to report on.
        validate_every: outer steps between two validations.
        patience: stop after so many validations without a better one; None: never.
        seed: decides everything that is random.
        scaling: how windows are scaled, each by its own input: ``standard``, ``mean_absolute``,
            ``last``, ``robust`` or ``seasonal`` (:data:`tsmaml.tasks.spec.SCALING_KINDS`).
        transform: of the target, before: ``none``, ``log1p``, ``asinh`` or ``difference``
            (:data:`tsmaml.tasks.transforms.TRANSFORMS`).
        non_negative: whether forecasts and bounds below 0 become 0.
        calendar: features of the calendar that the model is given: ``hour``, ``weekday``, ``month``,
            ... (:data:`tsmaml.tasks.encoding.CALENDAR`).
        ensemble: so many nets side by side, of other first weights and lengths of input, trained and
            adapted together; the forecast is their median. None: by ``size``.
        member_losses: names of losses that nets of the ensemble have in turn, after ``loss``.

    Example::

        forecaster = MetaForecaster(h=28).fit(df)      # long frame: unique_id, ds, y
        forecaster.predict(new_df, level=[80])         # adapts to every new series, then forecasts

    Attributes after :meth:`fit`: ``choices_`` (horizon, input size, season, and why), ``history_``
    (outer loop), ``report_`` (scores on held-out series); after :meth:`predict`: ``explain_``.
    """

    def __init__(
        self,
        h: int | None = None,
        *,
        input_size: int | None = None,
        season_length: int | None = None,
        freq: str | int | None = None,
        model: str | Callable[..., Any] = Settings.model,
        loss: Any = Settings.loss,
        tasks: str | Callable[..., Any] = Settings.tasks,
        algorithm: Any = Settings.algorithm,
        model_options: Mapping[str, Any] | None = None,
        loss_options: Mapping[str, Any] | None = None,
        tasks_options: Mapping[str, Any] | None = None,
        algorithm_options: Mapping[str, Any] | None = None,
        size: str = "default",
        steps: int | None = None,
        meta_batch: int = Settings.meta_batch,
        learning_rate: float = Settings.learning_rate,
        n_support: int = Settings.n_support,
        n_query: int = Settings.n_query,
        cold_share: float = Settings.cold_share,
        mix_share: float = Settings.mix_share,
        holdout: float = Settings.holdout,
        validate_every: int = Settings.validate_every,
        patience: int | None = Settings.patience,
        seed: int = Settings.seed,
        scaling: str = Settings.scaling,
        transform: str = Settings.transform,
        non_negative: bool = Settings.non_negative,
        calendar: Sequence[str] = Settings.calendar,
        ensemble: int | None = None,
        member_losses: Sequence[str] = Settings.member_losses,
    ) -> None:
        usual = size_of(size)
        self.settings = Settings(
            h,
            input_size,
            season_length,
            freq,
            model,
            loss,
            tasks,
            algorithm,
            dict(model_options or {}),
            dict(loss_options or {}),
            dict(tasks_options or {}),
            dict(algorithm_options or {}),
            usual.steps if steps is None else steps,
            meta_batch,
            learning_rate,
            n_support,
            n_query,
            cold_share,
            mix_share,
            holdout,
            validate_every,
            patience,
            seed,
            scaling,
            transform,
            non_negative,
            tuple(calendar),
            usual.ensemble if ensemble is None else ensemble,
            tuple(member_losses),
        )
        self._trained: tuple[Pipeline, Fit] | None = None
        self._kept: AdaptedSeries | None = None
        self._collection: SeriesCollection | None = None
        self._explanation: dict[str, np.ndarray] | None = None

    def __repr__(self) -> str:
        parts = ", ".join(f"{role}={part.name}" for role, part in self.settings.parts.items())
        state = "not fitted" if self._trained is None else f"h={self.choices_.h}"
        return f"MetaForecaster({state}, {parts})"

    def _repr_html_(self) -> str:
        from tsmaml.forecaster.notebook import forecaster_card, settings_card

        if self._trained is None:
            return settings_card(self.settings)
        return forecaster_card(*self._trained, self._kept)

    def fit(
        self,
        df: Any,
        *,
        callbacks: Sequence[Callable[[Progress], None]] = (),
        checkpoint: str | Path | None = None,
        checkpoint_steps: int | None = None,
        checkpoint_minutes: float = 1.0,
        resume: bool = False,
        progress: bool = True,
        **reading: Unpack[ReadOptions],
    ) -> MetaForecaster:
        """Meta-train on a collection of series.

        Args:
            df: data frame, path, or :class:`tsmaml.SeriesCollection`: all that
                :func:`tsmaml.series.read_series` takes.
            callbacks: functions that are told of every :class:`tsmaml.engine.Progress`.
            checkpoint: file in which the state is kept, written anew as a whole each time.
            checkpoint_steps: keep it at each multiple of so many outer steps; None: by time alone.
            checkpoint_minutes: keep it when so many minutes have passed; and at the end.
            resume: go on from that file; the result is the same, bit for bit, as of a run that was
                never interrupted.
            progress: show a bar where this runs in a notebook.
            reading: ``id_col``, ``time_col``, ``target_col``, ``wide``, ``gaps``, ``duplicates``, and
                the exogenous ``hist_cols``, ``futr_cols``, ``static_cols`` and ``static_df``: how
                ``df`` is read, see :func:`tsmaml.series.read_series`.

        Returns:
            itself. Ctrl-C keeps the best state so far; ``history_.stopped_by`` says so.

        Raises:
            DataError: if the series can't be used, naming file, series and row.
            UsageError, PluginError, TrainingError: if the parts do not fit together.
        """
        from tsmaml.series.defaults import choose

        for name, value in (
            ("checkpoint_steps", checkpoint_steps),
            ("checkpoint_minutes", checkpoint_minutes),
        ):
            if value is not None and not value > 0:
                raise UsageError(f"{name} is {value}; wanted is a number above 0.")
        collection = self._read(df, reading)
        self.settings.check_parts()
        if len(collection) < 2:
            raise DataError(
                "there is one series; meta-learning wants many related ones.",
                source=collection.source,
                hint="Name the id column with --id-col, or add related series.",
            )
        s = self.settings
        choices = choose(collection, s.h, s.input_size, s.season_length)

        from tsmaml.forecaster.notebook import bars, quiet

        quiet()
        from tsmaml.forecaster.fitting import meta_train, split
        from tsmaml.forecaster.pipeline import build
        from tsmaml.tasks.encoding import Encoder

        parts = split(collection, s.holdout, choices.h, s.seed)
        encoder = Encoder.learned(parts.train, s.calendar)
        pipeline = build(self.settings, choices, encoder)
        plugins = registry()
        plugins.tell("fit_started", forecaster=self, collection=collection)
        try:
            fit = meta_train(
                pipeline,
                collection,
                parts,
                callbacks=[*callbacks, *teller_of(plugins), *(bars() if progress else ())],
                checkpoint=None if checkpoint is None else Path(checkpoint),
                checkpoint_steps=checkpoint_steps,
                checkpoint_minutes=checkpoint_minutes,
                resume=resume,
            )
        except BaseException as error:
            plugins.tell("fit_failed", forecaster=self, error=error)
            raise
        self._trained, self._collection, self._kept = (pipeline, fit), collection, None
        plugins.tell("fit_finished", forecaster=self)
        return self

    def predict(
        self,
        df: Any = None,
        *,
        h: int | None = None,
        level: Sequence[float] | float | None = None,
        quantiles: Sequence[float] | None = None,
        adapt_to: str | None = None,
        zero_step: bool = False,
        with_zero_step: bool = False,
        inner_steps: int | None = None,
        **reading: Unpack[ReadOptions],
    ) -> pd.DataFrame:
        """Adapt to every series at once and forecast it; the forecaster stays as it is.

        Args:
            df: the series, as in :meth:`fit`; None: those adapted to, or those fitted on.
            h: points to forecast; None: the trained horizon. Beyond it, with a warning, forecasts are
                fed back as input, and intervals widen by those of the points that they start from;
                a model with historic columns can't.
            level: central intervals in percent: ``[80, 95]``.
            quantiles: the same as quantiles: ``[0.1, 0.9]`` is level 80.
            adapt_to: ``"series"`` (each one, or each task), ``"collection"`` (all of ``df`` as a whole,
                which takes some seconds more), ``"both"`` (first the one, then the other) or
                ``"none"``; each only as far as it helps on points held back. None: both for 20 new
                series or more, else each series.
            zero_step: the same as ``adapt_to="none"``, to see what adaptation is worth.
            with_zero_step: add that forecast as ``zero-step, zero-step-lo-80, ...``.
            inner_steps: take so many inner steps, and use what comes of them without judging it on
                points held back; None: as many as in meta-training, judged.
            reading: how ``df`` is read, as in :meth:`fit`; exogenous columns are those of the fit.
                ``futr_df`` tells the future ones, see :meth:`make_future`.

        Returns:
            frame ``unique_id, ds, TSMAML[, TSMAML-lo-80, TSMAML-hi-80, ...]``; where adaptation did
            worse than the zero-step forecast on points held back from it, the latter is used, and
            ``explain_`` says so.
        """
        from tsmaml.forecaster.ahead import forecast_ahead, forecast_unjudged
        from tsmaml.forecaster.frames import both_frame, explanation, forecast_frame
        from tsmaml.intervals import levels_of

        pipeline, fit = self._fitted
        levels = levels_of(level, quantiles)
        h = self._horizon(h)
        collection = self._series_to_forecast(df, reading)
        if inner_steps is None:
            adapt_to = "none" if zero_step else adapt_to
            made = forecast_ahead(pipeline, fit, self._kept, collection, h, adapt_to)
        else:
            made = forecast_unjudged(pipeline, collection, h, inner_steps)
        self._explanation = explanation(collection, made)
        frame_of = both_frame if with_zero_step else forecast_frame
        frame = frame_of(pipeline, collection, made, fit.calibration, h, levels)
        registry().tell("forecast_done", forecaster=self, forecast=frame)
        return frame

    def cross_validation(
        self,
        df: Any,
        *,
        h: int | None = None,
        n_windows: int = 1,
        step_size: int | None = None,
        refit: bool | int = False,
        level: Sequence[float] | float | None = None,
        **reading: Unpack[ReadOptions],
    ) -> pd.DataFrame:
        """Forecast the last windows of each series, from the points before each.

        A forecaster that is not fitted is meta-trained on what precedes the first cutoff; this one stays
        as it is. For scores, baselines and few-shot curves see :func:`tsmaml.evaluation.evaluate`.

        Args:
            df: the series, as in :meth:`fit`.
            h: points to forecast; None: all of the horizon.
            n_windows: cutoffs, the last one ``h`` points before the end of each series.
            step_size: points between two cutoffs; None: ``h``.
            refit: meta-train anew for each cutoff, or for every so many.
            level: central intervals in percent: ``[80, 95]``.
            reading: how ``df`` is read, as in :meth:`fit`.

        Returns:
            frame ``unique_id, ds, cutoff, y, TSMAML[, TSMAML-lo-80, TSMAML-hi-80, ...]``, with a warning if
            the model was meta-trained on series that are forecast.
        """
        from tsmaml.evaluation import cross_validation

        return cross_validation(
            self,
            self._read(df, reading),
            h=h,
            n_windows=n_windows,
            step_size=step_size,
            refit=refit,
            level=level,
        )

    def unfitted(self, h: int | None = None) -> MetaForecaster:
        """A forecaster of the same settings that is not fitted; ``h`` replaces the horizon."""
        made = MetaForecaster()
        made.settings = replace(self.settings, h=self.settings.h if h is None else h)
        return made

    def plot(
        self,
        df: Any = None,
        forecasts: pd.DataFrame | None = None,
        *,
        ids: Sequence[str] | None = None,
        h: int | None = None,
        level: Sequence[float] | float | None = None,
        adapt_to: str | None = None,
        history: int | None = None,
        theme: str = "light",
        **reading: Unpack[ReadOptions],
    ) -> Chart:
        """Fan charts: history, forecasts and their intervals, and the truth where it is known.

        Args:
            df, forecasts, ids, h, level, adapt_to, history, reading: see :meth:`fans`.
            theme: ``light`` or ``dark``.

        Returns:
            a matplotlib figure; ``figure.savefig("fan.png")`` writes it.

        Raises:
            MissingDependencyError: if matplotlib (extra ``[plot]``) is not installed.
        """
        from tsmaml.plots import require

        require("matplotlib", "Pictures need", "plot")
        from tsmaml.plots.drawing import charts

        fans = self.fans(
            df,
            forecasts,
            ids=ids,
            h=h,
            level=level,
            adapt_to=adapt_to,
            history=history,
            **reading,
        )
        return charts(fans, theme=theme)

    def fans(
        self,
        df: Any = None,
        forecasts: pd.DataFrame | None = None,
        *,
        ids: Sequence[str] | None = None,
        h: int | None = None,
        level: Sequence[float] | float | None = None,
        adapt_to: str | None = None,
        history: int | None = None,
        most: int = 9,
        **reading: Unpack[ReadOptions],
    ) -> list[Fan]:
        """What :meth:`plot` draws, as numbers.

        Args:
            df: the series, as in :meth:`predict`; with ``forecasts``, points at and after the first
                time of a forecast are the truth.
            forecasts: a frame of :meth:`predict`, with as many further columns as you like; None:
                forecasts are made, and the zero-step forecast stands beside them.
            ids: series to show; None: up to ``most``, spread evenly over the collection.
            h, level, adapt_to: of the forecasts that are made, as in :meth:`predict`; a level of None
                is 80, if the model has intervals.
            history: points of history to show; None: five horizons.
            most: so many series where ``ids`` is None.
            reading: how ``df`` is read, as in :meth:`fit`.
        """
        from tsmaml.forecaster.ahead import forecast_ahead
        from tsmaml.forecaster.frames import compared_frame
        from tsmaml.intervals import levels_of
        from tsmaml.plots import fans_of

        pipeline, fit = self._fitted
        collection = self._series_to_forecast(df, reading)
        if forecasts is None:
            h = self._horizon(h)
            made = forecast_ahead(pipeline, fit, self._kept, collection, h, adapt_to)
            levels = levels_of(level, None) or ([80.0] if fit.calibration else [])
            forecasts = compared_frame(pipeline, collection, made, fit.calibration, h, levels)
        if ids is None:
            return fans_of(collection, forecasts, history, most)
        chosen = collection.select([collection.index_of(name) for name in ids])
        return fans_of(chosen, forecasts, history)

    def make_future(
        self, df: Any = None, *, h: int | None = None, **reading: Unpack[ReadOptions]
    ) -> pd.DataFrame:
        """A frame of the times to forecast, with the future columns to fill in.

        Args:
            df: the series, as in :meth:`predict`.
            h: points to forecast, as in :meth:`predict`. The model looks at a whole trained horizon
                at a time, so that the frame may hold some more.
            reading: how ``df`` is read, as in :meth:`fit`.

        Returns:
            frame ``unique_id, ds`` and a column for each future column, with what is known of it.
        """
        import pandas as pd

        from tsmaml.series.exogenous import known_ahead

        pipeline, _ = self._fitted
        collection, trained = self._series_to_forecast(df, reading), pipeline.choices.h
        h = -(-self._horizon(h) // trained) * trained
        ahead = known_ahead(collection, pipeline.encoder.names("futr"), h)
        return pd.DataFrame(
            {
                collection.columns.id: np.repeat(collection.ids, h),
                collection.columns.time: collection.in_zone(collection.future_times(h).ravel()),
                **ahead,
            }
        )

    def adapt(
        self,
        df: Any,
        *,
        adapt_to: str | None = None,
        **reading: Unpack[ReadOptions],
    ) -> MetaForecaster:
        """A forecaster that keeps what it adapted to.

        Its ``predict()`` forecasts these series, and ``predict(df)`` with later points of them uses
        the parameters of now. This forecaster stays as it is. ``adapt_to`` is as in :meth:`predict`,
        ``reading`` as in :meth:`fit`.
        """
        from tsmaml.forecaster.adapted import adapt
        from tsmaml.forecaster.tuned import level_of

        pipeline, fit = self._fitted
        collection = self._read(df, reading)
        self._check_frequency(collection)
        level = level_of(adapt_to, collection, set(fit.fingerprints))
        return self._of(pipeline, fit, adapt(pipeline, collection, level))

    def save(self, path: str | Path, *, command: str | None = None) -> None:
        """Write the forecaster to one ``.tsmaml`` file: JSON and numbers, no code, no series.

        (An adapted forecaster's file holds the last points of the series that it adapted to.)

        Args:
            path: where to.
            command: that made the model, kept in the file so that it can be repeated.
        """
        from tsmaml.forecaster import storage

        if command is not None:
            self._fitted[1].command = command

        storage.save(path, *self._fitted, self._kept)

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        model: Any = None,
        loss: Any = None,
        tasks: Any = None,
        algorithm: Any = None,
    ) -> MetaForecaster:
        """Read a forecaster back. Nothing in the file is run.

        Args:
            path: the file.
            model, loss, tasks, algorithm: functions that were given in Python when it was fitted, and
                that a file can't hold.
        """
        from tsmaml.forecaster.notebook import quiet

        quiet()
        from tsmaml.forecaster import storage

        given = {"model": model, "loss": loss, "tasks": tasks, "algorithm": algorithm}
        return cls._of(*storage.load(path, given))

    @classmethod
    def _of(cls, pipeline: Pipeline, fit: Fit, kept: AdaptedSeries | None) -> MetaForecaster:
        """A forecaster of parts that are there already."""
        made = cls()
        made.settings, made._trained, made._kept = pipeline.settings, (pipeline, fit), kept
        return made

    @property
    def is_fitted(self) -> bool:
        """Whether it can predict."""
        return self._trained is not None

    @property
    def fingerprints_(self) -> list[str]:
        """64-bit hashes of the ids of all series that it was fitted on, those held out too."""
        return self._fitted[1].fingerprints

    @property
    def choices_(self) -> Choices:
        """Horizon, input size and season, and where each came from."""
        return self._fitted[0].choices

    @property
    def history_(self) -> History:
        """What happened in the outer loop."""
        return self._fitted[1].history

    @property
    def report_(self) -> Scores | None:
        """Scores on held-out series: seasonal naive, zero-step, adapted; None if there are none.

        A loaded forecaster has their means alone: a file holds no ids.
        """
        return self._fitted[1].report

    @property
    def split_(self) -> tuple[int, int, int]:
        """How many series were trained on, validated on and reported on."""
        fit = self._fitted[1]
        return fit.n_train, fit.n_validation, fit.n_report

    @property
    def adapted_ids_(self) -> list[str]:
        """Ids of the series that an adapted forecaster keeps."""
        return [] if self._kept is None else list(self._kept.context.ids)

    @property
    def explain_(self) -> pd.DataFrame:
        """What adaptation did for each series of the last :meth:`predict`.

        Columns: id, ``used`` (``adapted`` or ``zero-step``), ``level`` (what it was adapted to:
        ``series``, ``collection``, ``both`` or ``none``), ``zero_step_error`` and
        ``adapted_error`` (the model's loss on the last points, held back from adaptation; for
        ``mae`` in units of the window's scale, or of the history's mean seasonal difference where that
        is larger), ``inner_steps``, ``support_windows``.
        """
        import pandas as pd

        if self._explanation is None:
            raise UsageError("There is nothing to explain yet.", hint="Call predict(df) first.")
        return pd.DataFrame(self._explanation)

    @property
    def _fitted(self) -> tuple[Pipeline, Fit]:
        if self._trained is None:
            raise UsageError("The forecaster is not fitted.", hint="Call fit(df) first.")
        return self._trained

    def _horizon(self, h: int | None) -> int:
        h = self.choices_.h if h is None else h
        if h < 1:
            raise UsageError(f"h is {h}; wanted is 1 or more.")
        return h

    def _read(self, df: Any, reading: ReadOptions) -> SeriesCollection:
        options: ReadOptions = {"freq": self.settings.freq}
        if self._trained is not None:
            encoder = self._trained[0].encoder
            options["hist_cols"] = encoder.names("hist")
            options["futr_cols"] = encoder.names("futr")
            if not isinstance(df, SeriesCollection):
                options["static_cols"] = static_columns_of(df, encoder.names("stat"), reading)
        options.update(reading)
        return read_series(df, **options)

    def _series_to_forecast(self, df: Any, reading: ReadOptions) -> SeriesCollection:
        if df is not None:
            collection = self._read(df, reading)
            self._check_frequency(collection)
            return collection
        known = self._collection if self._kept is None else self._kept.context
        if known is not None:
            return read_series(known, **reading)
        raise UsageError(
            "A loaded model holds no series.", hint="Pass the series to forecast: predict(df)."
        )

    def _check_frequency(self, collection: SeriesCollection) -> None:
        """A model of one frequency says nothing about another; a step of 1 may be anything."""
        trained, given = self.choices_.frequency, str(collection.frequency)
        if given != trained and "integer" not in given + trained:
            raise DataError(
                f"the series have frequency {given}; the model was trained on {trained}.",
                source=collection.source,
                hint="Resample the series, or fit a model of their own.",
            )
