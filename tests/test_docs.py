"""The documents' code runs, and does what they say."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import click
import pandas as pd
import pytest
from click.testing import CliRunner

from tsmaml import MetaForecaster
from tsmaml.cli import main

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))]
# Pages whose Python begins with series `df` and `new_df`, and goes on from block to block.
WITH_SERIES = [
    "README.md",
    "docs/index.md",
    "docs/short-series.md",
    "docs/evaluation.md",
    "docs/series.md",
    "docs/algorithms.md",
    "docs/from-neuralforecast.md",
]
# Pages whose Python other tests run.
ELSEWHERE = {
    "docs/engine.md": "tests/test_docs.py",
    "docs/from-simplemaml.md": "tests/test_docs.py",
    "docs/plugins.md": "tests/plugins/test_docs.py",
    "docs/plugin-tutorial.md": "tests/plugins/test_tutorial.py",
}
TINY = {
    "model": "linear",
    "algorithm": "fomaml",
    "steps": 2,
    "meta_batch": 2,
    "n_support": 2,
    "validate_every": 2,
}


def code_blocks(page: str, language: str = "python") -> list[str]:
    fences = re.findall(r"^```(\w*)\n(.*?)^```$", (ROOT / page).read_text(), re.M | re.S)
    return [block for found, block in fences if found == language]


def run(page: str, block: str, names: dict | None = None) -> dict:
    """The names that a code block leaves behind."""
    names = {} if names is None else names
    exec(compile(block, page, "exec"), names)
    return names


@pytest.fixture(scope="module")
def fits() -> dict:
    """Forecasters that pages fitted, by horizon and columns: most pages begin with the same one."""
    return {}


@pytest.fixture
def small(monkeypatch, tmp_path, fits):
    """Names that pages begin with, and settings with which their fits take no time."""
    frame = pd.read_parquet(ROOT / "datasets" / "nyc_flights_daily.parquet")
    routes = frame["unique_id"].unique()
    frame["promotion"] = frame["ds"].dt.day_of_week.astype(float)
    defaults = {**MetaForecaster.__init__.__kwdefaults__, **TINY}
    monkeypatch.setattr(MetaForecaster.__init__, "__kwdefaults__", defaults)
    fit = MetaForecaster.fit

    def fit_once(forecaster, df, **options):
        # Algorithms have tests of their own: here they are made, and not trained.
        _ = forecaster.settings.parts
        key = repr((forecaster.settings.h, options))
        if key not in fits:
            fits[key] = fit(forecaster, df, **options)
        return fits[key]

    monkeypatch.setattr(MetaForecaster, "fit", fit_once)
    monkeypatch.chdir(tmp_path)
    return {
        "df": frame[frame["unique_id"].isin(routes[:12])],
        "new_df": frame[frame["unique_id"].isin(routes[20:23])].query("ds < '2013-02-01'"),
    }


@pytest.mark.parametrize("page", WITH_SERIES)
def test_the_python_of_a_page_runs(page, small):
    names = dict(small)
    for block in code_blocks(page):
        run(page, block, names)
    assert isinstance(names["forecaster"], MetaForecaster)


def test_the_python_of_every_page_is_run_somewhere():
    pages = {page for page in PAGES if code_blocks(page)}
    assert pages == {*WITH_SERIES, *ELSEWHERE}


@pytest.mark.parametrize("page", PAGES)
def test_commands_have_the_options_that_pages_give_them(page):
    """Each ``tsmaml`` command of a page is parsed, and not run."""
    blocks = "\n".join(code_blocks(page, "sh") + code_blocks(page, ""))
    lines = blocks.replace("\\\n", " ").splitlines()
    for line in lines:
        for part in re.split(r"&&|\|", line.partition(" #")[0]):
            words = shlex.split(part.partition(" > ")[0])
            while words and "=" in words[0]:  # a variable of the environment
                words.pop(0)
            if words[:1] != ["tsmaml"]:
                continue
            with click.Context(main) as context:
                name, command, rest = main.resolve_command(context, words[1:])
                command.make_context(name, rest, parent=context)


def test_the_console_of_the_options_page_does_what_it_says(small, monkeypatch):
    """Each command is run, but that ``fit`` takes over what another page's fit has learned."""
    done, asked = MetaForecaster(h=14).fit(small["df"]), []

    def fit(forecaster, collection, **_):
        asked.append(forecaster.settings)
        forecaster._trained = done._trained

    monkeypatch.setattr(MetaForecaster, "fit", fit)
    small["df"].drop(columns="promotion").to_parquet("series.parquet")
    printed = []
    for line in "".join(code_blocks("docs/options.md", "console")).splitlines():
        command, _, file = line.partition(" > ")
        result = CliRunner().invoke(main, shlex.split(command)[1:])
        assert result.exit_code == 0, result.output
        printed.append(result.stdout)
        if file:
            Path(file).write_text(result.stdout)
    begins = [text.partition(":")[0] for text in printed[:4]]
    assert begins == ["nbeats", "huber", "by_prefix", "anil"]
    written, (excerpt,) = tomllib.loads(printed[4]), code_blocks("docs/options.md", "toml")
    assert tomllib.loads(excerpt).items() <= written.items()
    assert [(one.model, one.model_options, one.steps) for one in asked] == [
        ("mlp", {"width": 64}, 500),
        ("mlp", {"width": 64}, 1000),
    ]


def test_the_engine_page_s_example_learns_the_sinusoid(capsys):
    (example,) = code_blocks("docs/engine.md")
    assert len([line for line in example.splitlines() if line and "import" not in line]) <= 15
    run("docs/engine.md", example)
    assert float(capsys.readouterr().out) < 0.6


def test_the_simplemaml_page_s_example_learns_to_adapt():
    _, example = code_blocks("docs/from-simplemaml.md")
    losses = run("docs/from-simplemaml.md", example)["losses"]
    assert losses[-1] < 0.75 * losses[0]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)", (ROOT / page).read_text()):
        if "://" not in target:
            assert ((ROOT / page).parent / target).exists(), target
