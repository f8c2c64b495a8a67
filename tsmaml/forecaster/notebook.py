"""How a forecaster and its meta-training look in a notebook: plain HTML in the notebook's own style."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from tsmaml.series.words import counted, listed

if TYPE_CHECKING:
    from tsmaml.engine import Progress
    from tsmaml.evaluation import Scores
    from tsmaml.forecaster.adapted import AdaptedSeries
    from tsmaml.forecaster.fitting import Fit
    from tsmaml.forecaster.pipeline import Pipeline
    from tsmaml.forecaster.settings import Settings

_LEFT = ' style="text-align: left"'


def card(title: str, rows: Mapping[str, str], below: str = "") -> str:
    """A title, and what is known by name; ``below`` is HTML already."""
    lines = "".join(
        f"<tr><th{_LEFT}>{escape(name)}</th><td{_LEFT}>{escape(value)}</td></tr>"
        for name, value in rows.items()
    )
    return f"<div><b>{escape(title)}</b><table><tbody>{lines}</tbody></table>{below}</div>"


def settings_card(settings: Settings) -> str:
    """A forecaster that is not fitted."""
    parts = {role: part.name for role, part in settings.parts.items()}
    return card("MetaForecaster, not fitted", {**parts, "outer steps": str(settings.steps)})


def forecaster_card(pipeline: Pipeline, fit: Fit, kept: AdaptedSeries | None) -> str:
    """A fitted forecaster, or one that keeps what it adapted to."""
    choices = pipeline.choices
    rows = {
        "forecasts": f"{counted(choices.h, 'point')} from {choices.input_size}, "
        f"frequency {choices.frequency}, season {choices.season_length}",
        "parts": ", ".join(f"{role} {part.name}" for role, part in pipeline.parts.items()),
        "trained on": f"{counted(fit.n_train, 'series')}, {fit.history.step} outer steps, "
        f"the best after {fit.history.best_step}",
    }
    title = "MetaForecaster, fitted"
    if kept is not None:
        title = f"MetaForecaster, adapted to {counted(len(kept.context), 'series')}"
        rows["keeps"] = listed([str(name) for name in kept.context.ids])
        rows["adaptation helps"] = f"{int(kept.helps.sum())} of {len(kept.helps)}"
    return card(title, rows, "" if fit.report is None else scores_table(fit.report))


def scores_table(scores: Scores) -> str:
    """Means of the scores, a row for each forecast."""
    metrics = list(scores.mean)
    head = "".join(f"<th>{escape(_METRICS.get(metric, metric))}</th>" for metric in metrics)
    lines = "".join(
        f"<tr><th{_LEFT}>{escape(name)}</th>"
        + "".join(f"<td>{scores.mean[metric][name]:.3f}</td>" for metric in metrics)
        + "</tr>"
        for name in scores.mean[metrics[0]]
    )
    caption = f"{counted(scores.n_series, 'held-out series')}"
    return (
        f"<table><thead><tr><th{_LEFT}>{caption}</th>{head}</tr></thead>"
        f"<tbody>{lines}</tbody></table>"
    )


_METRICS = {"mase": "MASE", "smape": "sMAPE"}


def in_notebook() -> bool:
    """Whether this runs in a kernel of Jupyter."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and hasattr(shell, "kernel")


def quiet() -> None:
    """Keep TensorFlow's log lines out of a notebook, if it is not loaded yet."""
    if in_notebook() and "tensorflow" not in sys.modules:
        from tsmaml.forecaster.quiet import quiet_tensorflow

        quiet_tensorflow()


def bars() -> Sequence[Callable[[Progress], None]]:
    """A callback that shows a bar, where this runs in a notebook; else none."""
    if not in_notebook():
        return ()
    from IPython.display import HTML, display

    handle: Any = display(HTML(""), display_id=True)
    bar = Bar()

    def callback(progress: Progress) -> None:
        handle.update(HTML(bar.html(progress)))

    return (callback,)


class Bar:
    """Meta-training as a bar and a line of losses."""

    def __init__(self) -> None:
        self._held_out = ""

    def html(self, progress: Progress) -> str:
        """The bar as it is after a report."""
        if progress.validation_loss is not None:
            self._held_out = (
                f", held-out series {progress.zero_step_loss:.3f} zero-step, "
                f"{progress.validation_loss:.3f} adapted"
            )
        losses = f"loss {progress.query_loss:.3f}" if math.isfinite(progress.query_loss) else ""
        # The first step compiles: until it is done there is no loss to show.
        text = losses + self._held_out if losses else "compiling"
        return (
            f'<div><progress value="{progress.step}" max="{progress.steps}"></progress> '
            f"step {progress.step} of {progress.steps}, {progress.seconds:.0f} s: {text}</div>"
        )
