"""The hooks: everything that a plugin can add to tsmaml.

A plugin is a module (or object) whose functions carry :data:`tsmaml.hookimpl` and the name of a hook,
named in the entry-point group ``tsmaml`` of its package. Each hook is handed a function ``register(name,
factory, *, help)``; ``factory`` is ``"module:attribute"``, imported when the part is first used, or a
callable. Give the string form, so that ``tsmaml plugins`` need not import TensorFlow.

The other hooks are events: a plugin that has one is called when something has happened. A listener
runs between compiled calls; what it raises is reported with the plugin's name, and the run goes on.

The hooks have a version, :data:`API_VERSION`. A plugin may say which it was made for,
``TSMAML_HOOKS = 1``; one made for a newer version is not loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pluggy

PROJECT = "tsmaml"
# Counts changes of the hooks that plugins have to know of.
API_VERSION = 1
# The attribute in which a plugin says for which of them it was made.
API_ATTRIBUTE = "TSMAML_HOOKS"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Register(Protocol):
    """What a hook is handed."""

    def __call__(self, name: str, factory: str | Callable[..., Any], *, help: str) -> None:
        """Register a part.

        :param name: what users write after ``--model``, ``--loss``, ``--tasks``, ``--algorithm``,
            ``--callback``, ``--baselines`` or ``--scaling``; of a reader the ending or scheme, of a
            command its name.
        :param factory: ``"module:attribute"`` or a callable.
        :param help: one line, shown by ``tsmaml plugins``.
        """


@hookspec
def register_models(register: Register) -> None:
    """Add architectures.

    The factory is ``build(input_size, h, n_outputs=1, **options)`` and returns a functional Keras
    model. Its inputs are found by name: ``past`` (scaled values, ``[batch, input_size]``; a single
    input of any name is ``past``) and ``mask`` (1 where observed). Its output is ``[batch, h]``, or
    ``[batch, h, n_outputs]`` where ``n_outputs`` is above 1. Layers whose names begin with ``head``
    are what ``anil`` adapts.

    :param register: see :class:`Register`.

    Example::

        @hookimpl
        def register_models(register):
            register("gated", "my_package.models:build_gated", help="Gated linear units")
    """


@hookspec
def register_losses(register: Register) -> None:
    """Add losses.

    The factory is ``build(**options)`` and returns a :class:`tsmaml.losses.Loss`: a function
    ``(targets, outputs) -> [..., h]``, one value a step, neither weighed nor averaged, with the
    number of outputs that it wants of the model.

    :param register: see :class:`Register`.

    Example::

        @hookimpl
        def register_losses(register):
            register("asymmetric", "my_package.losses:build", help="Dearer below than above")
    """


@hookspec
def register_task_builders(register: Register) -> None:
    """Add task builders.

    The factory is ``build(collection, windows, **options)`` and returns a
    :class:`tsmaml.tasks.TaskSet`: which series form each task. Windows are drawn by tsmaml, so that
    no builder can leak the future.

    :param register: see :class:`Register`.

    Example::

        @hookimpl
        def register_task_builders(register):
            register("by_origin", "my_package.tasks:by_origin", help="A task an airport")
    """


@hookspec
def register_algorithms(register: Register) -> None:
    """Add meta-learning algorithms.

    The factory is ``build(**options)`` and returns a :class:`tsmaml.engine.Algorithm`.

    :param register: see :class:`Register`.

    Example::

        @hookimpl
        def register_algorithms(register):
            register("slow_maml", "my_package.algorithms:slow", help="MAML at a tenth of the rate")
    """


@hookspec
def register_callbacks(register: Register) -> None:
    """Add callbacks of meta-training.

    The factory is ``build(**options)`` and returns a function that is told of every
    :class:`tsmaml.engine.Progress`: before the first step, after a few steps, after each validation.
    It runs between compiled calls, and may raise KeyboardInterrupt to stop, as Ctrl-C does.

    :param register: see :class:`Register`.

    Example::

        @hookimpl
        def register_callbacks(register):
            register("bell", "my_package.callbacks:ring", help="Rings at each better validation")
    """


@hookspec
def register_baselines(register: Register) -> None:
    """Add baselines, which evaluation sets beside the model.

    The factory is ``build(season_length, **options)`` and returns a function ``forecast(collection, h,
    levels)`` that gives a :class:`tsmaml.evaluation.BaselineForecast`. ``collection`` is a
    :class:`tsmaml.SeriesCollection` that ends where the forecasts begin, so that nothing of the future
    is at hand; NaN marks a missing step. ``h`` is the number of points to forecast, ``levels`` are
    central intervals in percent, rising, and may be none. ``BaselineForecast(point, bounds)`` holds
    arrays ``[series, h]`` in the series' order and units: ``point``, and for each level a pair
    ``bounds[level] = (lower, upper)``. A baseline without intervals leaves ``bounds`` empty. A row with a
    value that is not finite is a series that it could not forecast: evaluation takes the seasonal naive
    there, and says so. What it raises is reported, and leaves the others as they are.

    :param register: see :class:`Register`.

    Example::

        @hookimpl
        def register_baselines(register):
            register("drift", "my_package.baselines:drift", help="From the first to the last value on")
    """


@hookspec
def register_scalers(register: Register) -> None:
    """Add scalings of windows.

    The factory is ``build()`` and returns a :class:`tsmaml.tasks.scaling.Scaling`: the location and
    the spread of an input window, by which it and its target are scaled. Both see the input alone, so
    that nothing of the future has a part in them.

    :param register: see :class:`Register`.

    Example::

        @hookimpl
        def register_scalers(register):
            register("first", "my_package.scaling:first", help="First value and spread around it")
    """


@hookspec
def register_readers(register: Register) -> None:
    """Add readers of sources, by the ending of a file's name or the scheme of a URI.

    The factory is ``read(source)``: it is given the path or URI as text and returns a data frame (of
    pandas, or anything that speaks Arrow). Names are ``".xlsx"`` or ``"sqlite://"``, in lower case.

    :param register: see :class:`Register`.

    Example::

        @hookimpl
        def register_readers(register):
            register(".xlsx", "my_package.excel:read", help="First sheet of an Excel file")
    """


@hookspec
def register_commands(register: Register) -> None:
    """Add commands: ``tsmaml NAME``.

    The factory names a :class:`click.Command` or :class:`click.Group`. Its module is imported when the
    command is called; ``tsmaml --help`` shows no more than name and help. tsmaml's own commands can't
    be replaced.

    :param register: see :class:`Register`.

    Example::

        @hookimpl
        def register_commands(register):
            register("tune", "my_package.command:tune", help="Search for better options.")
    """


@hookspec
def fit_started(forecaster: Any, collection: Any) -> None:
    """Meta-training is about to begin.

    :param forecaster: the :class:`tsmaml.MetaForecaster`, not yet fitted.
    :param collection: the :class:`tsmaml.SeriesCollection` that it is fitted on.

    Example::

        @hookimpl
        def fit_started(forecaster, collection):
            print(f"{len(collection)} series, model {forecaster.settings.model}")
    """


@hookspec
def step_done(progress: Any) -> None:
    """Some outer steps are done: as many as one compiled call does.

    :param progress: a :class:`tsmaml.engine.Progress`.

    Example::

        @hookimpl
        def step_done(progress):
            print(progress.step, progress.query_loss)
    """


@hookspec
def validated(progress: Any) -> None:
    """The validation tasks were scored.

    :param progress: a :class:`tsmaml.engine.Progress` that has a ``validation_loss``.

    Example::

        @hookimpl
        def validated(progress):
            print(progress.step, progress.validation_loss, progress.zero_step_loss)
    """


@hookspec
def checkpointed(path: Path) -> None:
    """The state of meta-training was written.

    :param path: of the checkpoint, which is complete.

    Example::

        @hookimpl
        def checkpointed(path):
            shutil.copy(path, "/backup")
    """


@hookspec
def fit_finished(forecaster: Any) -> None:
    """Meta-training is over, the report is made, and the forecaster can be used.

    :param forecaster: the fitted :class:`tsmaml.MetaForecaster`.

    Example::

        @hookimpl
        def fit_finished(forecaster):
            print(forecaster.history_.best_step, forecaster.history_.stopped_by)
    """


@hookspec
def fit_failed(forecaster: Any, error: BaseException) -> None:
    """A fit that had started ended with an error, which goes on to the caller.

    A fit that is stopped by Ctrl-C in meta-training keeps its best state, and is finished.

    :param forecaster: the :class:`tsmaml.MetaForecaster`, as it was before.
    :param error: what was raised.

    Example::

        @hookimpl
        def fit_failed(forecaster, error):
            print(f"{forecaster} could not be fitted: {error}")
    """


@hookspec
def forecast_done(forecaster: Any, forecast: Any) -> None:
    """Series were forecast.

    :param forecaster: the :class:`tsmaml.MetaForecaster` that did it.
    :param forecast: the frame ``unique_id, ds, TSMAML, ...`` that the user gets; leave it as it is.

    Example::

        @hookimpl
        def forecast_done(forecaster, forecast):
            print(forecast["unique_id"].nunique(), "series forecast")
    """
