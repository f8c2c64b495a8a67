"""What was read and what was chosen, printed."""

from __future__ import annotations

from typing import Any

from tsmaml.series.facts import described


def print_summary(out: Any, facts: dict[str, Any]) -> None:
    """The facts of :func:`tsmaml.series.facts.summary` as a few lines."""
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False, title_justify="left")
    table.title = str(facts["source"])
    for name, value in described(facts).items():
        table.add_row(name, value)
    out.print(table)
    for note in facts["notes"]:
        out.print(f"Note: {note}", markup=False)


def print_choices(out: Any, chosen: dict[str, Any]) -> None:
    """The choices of :func:`tsmaml.series.facts.choices_summary`, and why."""
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False)
    for name in ("horizon", "input_size", "season"):
        label = name.replace("_", " ")
        table.add_row(label, str(chosen[name]), f"({chosen['reasons'][name]})")
    out.print(table)
    if chosen["seasonality"] is not None:
        out.print(
            f"The season explains {chosen['seasonality']:.0%} of the changes of the median series."
        )
    if chosen["partly"]:
        out.print(
            f"{chosen['long_enough']} series are long enough; {chosen['partly']} are shorter than "
            "an input and two horizons: their windows are partly masked.",
            markup=False,
        )
