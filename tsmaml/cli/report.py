"""``tsmaml report``."""

from __future__ import annotations

from pathlib import Path

import click

from tsmaml.cli._common import console, sentences, typed


@click.command(name="report")
@click.argument("model", type=click.Path())
@click.option(
    "--out", "-o", type=click.Path(), help="HTML file; default: name of MODEL, ending .html."
)
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
@sentences
def command(model: str, out: str | None, quiet: bool) -> None:
    """Write all that is known of a model to one HTML file, to be read in a browser.

    MODEL is a file that `tsmaml fit` or `adapt` made. The page needs no network: figures are part of it.

    \b
    Examples:
      tsmaml report flights.tsmaml
    """
    from tsmaml import artifacts
    from tsmaml.forecaster import MetaForecaster
    from tsmaml.forecaster.quiet import quiet_tensorflow
    from tsmaml.report import check_report, write_report

    path = Path(out) if out else Path(Path(model).stem + ".html")
    check_report(path)
    artifacts.check(model, "forecaster")
    quiet_tensorflow()
    forecaster = MetaForecaster.load(model)
    made_by = typed(click.get_current_context(), ("quiet", "traceback"))
    write_report(forecaster, path, title=Path(model).name, command=made_by)
    if not quiet:
        console().print(f"Wrote {path} ({path.stat().st_size / 1e3:.0f} kB)", markup=False)
