"""Sessions: `nox` runs those named below, which is what CI runs; the others by name."""

from __future__ import annotations

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "types", "tests", "baselines", "integrations", "sktime"]

PYPROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PYPROJECT)
PLACES = ("tsmaml", "tests", "plugins", "datasets", "benchmarks", "noxfile.py")
TWO_AT_A_TIME = ("-n", "2", "--dist", "loadfile")  # files share fixtures that take long to make
PYTEST = ("pytest>=8.2", "pytest-xdist>=3.6")


def group(name: str) -> list[str]:
    """A dependency group of pyproject.toml."""
    return nox.project.dependency_groups(PYPROJECT, name)


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff: rules and format."""
    session.install(*group("lint"))
    session.run("ruff", "check", *PLACES)
    session.run("ruff", "format", "--check", *PLACES)


@nox.session
def types(session: nox.Session) -> None:
    """Mypy on the package."""
    session.install(*group("types"), "numpy>=2.0", "click>=8.1.7", "rich>=13.7")
    session.run("mypy", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Pytest on the installed package and on the example plugin."""
    session.install(".[plot,report,tensorboard]", "./plugins/tsmaml-example", *group("test"))
    session.run("pytest", *TWO_AT_A_TIME, *session.posargs)


@nox.session
def baselines(session: nox.Session) -> None:
    """The plugin of other libraries' baselines, apart: it decides on versions of pandas and SciPy."""
    session.install(".[baselines]", "./plugins/tsmaml-baselines", "pytest>=8.2")
    session.run("pytest", "plugins/tsmaml-baselines/tests", *session.posargs)


@nox.session
def integrations(session: nox.Session) -> None:
    """The plugins that lead to other tools."""
    names = ("tsmaml-mlflow", "tsmaml-tune")
    session.install(".[report]", *(f"./plugins/{name}" for name in names), *PYTEST)
    for name in names:
        session.run("pytest", *TWO_AT_A_TIME, f"plugins/{name}/tests", *session.posargs)


@nox.session
def sktime(session: nox.Session) -> None:
    """The forecaster of sktime, which decides on pandas' version too; sktime's own checks among it."""
    session.install(".[sktime]", "./plugins/tsmaml-sktime", *PYTEST)
    session.run("pytest", *TWO_AT_A_TIME, "plugins/tsmaml-sktime/tests", *session.posargs)


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """The main job on the bundled data: meta-train, adapt, forecast."""
    session.install(".")
    folder = session.create_tmp()
    series = "datasets/nyc_flights_daily.parquet"
    model, forecast = f"{folder}/nyc_flights_daily.tsmaml", f"{folder}/forecast.csv"
    session.run("tsmaml", "inspect", series)
    session.run("tsmaml", "fit", series, "--out", model, *session.posargs)
    session.run("tsmaml", "forecast", series, "-m", model, "--level", "80", "-o", forecast)


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """The pages and the API reference as a site, in the folder site; warnings are errors."""
    session.install(*group("docs"))
    session.run("mkdocs", "build", "--strict", *session.posargs)


@nox.session(default=False, python=PYTHONS)
def pythons(session: nox.Session) -> None:
    """The tests on every Python that is supported and at hand."""
    session.install(".[plot,report,tensorboard]", "./plugins/tsmaml-example", *group("test"))
    session.run("pytest", *TWO_AT_A_TIME, *session.posargs)


@nox.session(default=False, venv_backend="uv")
def minimums(session: nox.Session) -> None:
    """The tests on the lowest versions that pyproject.toml allows."""
    session.install(
        "--resolution=lowest-direct",
        "--prerelease=disallow",
        ".[plot,report,tensorboard]",
        "./plugins/tsmaml-example",
        *group("test"),
    )
    session.run("pytest", *TWO_AT_A_TIME, *session.posargs)
