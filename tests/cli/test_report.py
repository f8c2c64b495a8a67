"""``tsmaml report``: one file that holds everything, in a browser too."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from tsmaml.cli import main
from tsmaml.plots import extras

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
OF_MODEL = {"held-out", "training", "adaptation", "intervals", "model", "repeat"}
OF_SERIES = {"data", "scores", "few-shot", "cases", "gains"}
DRAWN_OF_SERIES = {
    *("calibration", "few-shot-curve", "inner-steps-curve", "gains-by-series"),
    *("best-series", "median-series", "worst-series"),
}
DRAWN_OF_MODEL = {"training-curve", "interval-widths"}


class Page(HTMLParser):
    """Ids by tag, addresses, and the text of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: dict[str, set[str]] = {}
        self.addresses: list[str] = []
        self.text = ""
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name == "id":
                self.ids.setdefault(tag, set()).add(value)
            if name in ("src", "href", "action", "data", "poster", "xlink:href"):
                self.addresses.append(value)

    def handle_data(self, data):
        self.text += data


def check_self_contained(page: Page) -> None:
    assert all(address.startswith(("#", "data:")) for address in page.addresses)
    assert "://" not in page.source
    assert "@import" not in page.source
    assert "<script" not in page.source
    assert "prefers-color-scheme: dark" in page.source
    assert 'name="viewport" content="width=device-width' in page.source


@pytest.fixture(scope="module")
def of_model(fitted, tmp_path_factory):
    """A report on a model alone."""
    path = tmp_path_factory.mktemp("report") / "model.html"
    result = CliRunner().invoke(main, ["report", str(fitted[0]), "-o", str(path)])
    assert result.exit_code == 0, result.output
    return path, result


def test_a_report_on_a_model_alone(of_model, fitted, flights):
    path, result = of_model
    page = Page(path)
    check_self_contained(page)
    assert page.ids["section"] == OF_MODEL
    assert page.ids["figure"] == DRAWN_OF_MODEL
    text = " ".join(page.text.split())
    for part in (
        "On 3 held-out series its MASE is",
        "than seasonal naive",
        "20 outer steps on 24 series; all steps were done.",
        "head",
        "7 points (given)",
        f"tsmaml fit {flights} --horizon 7",
        f"tsmaml report {fitted[0]} --out {path}",
        "TensorFlow2.",
    ):
        assert part in text, part
    assert f"Wrote {path}" in result.stderr.replace("\n", "")
    assert [one.name for one in path.parent.iterdir()] == [path.name]


@pytest.fixture(scope="module")
def of_series(fitted, flights, tmp_path_factory):
    """A report on a model and on new series, whose ids are no fit company for HTML."""
    folder = tmp_path_factory.mktemp("data")
    frame = pd.read_parquet(flights)
    frame = frame[frame["unique_id"].isin(frame["unique_id"].unique()[:6])]
    frame["unique_id"] = "<b>$" + frame["unique_id"] + "</b>"
    frame.to_csv(folder / "new.csv", index=False)
    path = folder / "series.html"
    result = CliRunner().invoke(
        main,
        [
            *("report", str(fitted[0]), "--data", str(folder / "new.csv"), "-o", str(path)),
            *("--baselines", "seasonal_naive,mean"),
        ],
    )
    assert result.exit_code == 0, result.output
    return path


def test_a_report_on_series(of_series):
    page = Page(of_series)
    check_self_contained(page)
    assert page.ids["section"] == OF_MODEL | OF_SERIES
    assert page.ids["figure"] == DRAWN_OF_MODEL | DRAWN_OF_SERIES
    assert len(re.findall(r'id="([^"]+)"', page.source)) == len(
        set(re.findall(r'id="([^"]+)"', page.source))
    )
    assert "<b>" not in page.source
    assert "&lt;b&gt;$" in page.source
    text = " ".join(page.text.split())
    for part in (
        "rows2,190",
        "6 series, forecast from 3 cutoffs at their ends.",
        "mean",
        "p is of a paired test",
        "history is given than so many points; each is adapted to by itself.",
        "Best: <b>$",
        "of 6 series are forecast adapted",
    ):
        assert part in text, part
    assert "has seen" not in text


def test_series_that_were_trained_on_are_named(run, fitted, flights, tmp_path):
    frame = pd.read_parquet(flights)
    names = frame["unique_id"].unique()
    short = frame[frame["unique_id"].isin(names[:2])].groupby("unique_id").head(5)
    short.to_csv(tmp_path / "short.csv", index=False)
    path = tmp_path / "r.html"
    run("report", fitted[0], "--data", tmp_path / "short.csv", "-o", path, "--quiet")
    page = Page(path)
    assert page.ids["section"] == OF_MODEL | {"data"}
    assert "meta-training has seen 2 of these 2 series" in page.text
    assert "All are too short to forecast points of them that are known." in page.text


def browser() -> str | None:
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def measured(page: Path, width: int, folder: Path) -> tuple[dict[str, str], str]:
    """What a browser of that width says of a page, and its log."""
    script = """<script>
      const root = document.documentElement;
      const drawn = [...document.querySelectorAll("figure svg")].filter(
        svg => svg.getBoundingClientRect().width > 200 && svg.querySelector("path").getBBox());
      root.dataset.scroll = root.scrollWidth;
      root.dataset.width = root.clientWidth;
      root.dataset.drawn = drawn.map(svg => svg.parentElement.id).join(" ");
      const name = getComputedStyle(document.querySelector("figure svg text")).fill;
      root.dataset.fill = name;
    </script></body>"""
    copy = folder / f"{width}.html"
    copy.write_text(page.read_text(encoding="utf-8").replace("</body>", script), encoding="utf-8")
    done = subprocess.run(
        [
            *(browser(), "--headless=new", "--no-sandbox", "--disable-gpu"),
            *(f"--user-data-dir={folder / 'profile'}", f"--window-size={width},800"),
            *("--enable-logging=stderr", "--dump-dom", copy.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    root = re.search("<html[^>]*>", done.stdout)[0]
    return dict(re.findall(r'data-(\w+)="([^"]*)"', root)), done.stderr


@pytest.mark.skipif(browser() is None, reason="no Chromium is installed")
@pytest.mark.parametrize("width", [360, 1200])
def test_a_browser_shows_every_figure_without_sideways_scrolling(of_series, tmp_path, width):
    found, log = measured(of_series, width, tmp_path)
    assert "CONSOLE" not in log
    assert int(found["scroll"]) <= int(found["width"])
    assert set(found["drawn"].split()) == DRAWN_OF_MODEL | DRAWN_OF_SERIES
    assert found["fill"].startswith("rgb(")


def test_what_can_not_be_written(run, fitted, tmp_path, monkeypatch):
    model = fitted[0]
    refused = run("report", model, "-o", tmp_path / "r.pdf", code=2)
    assert "a report is an HTML file" in refused.stderr
    refused = run("report", model, "-o", tmp_path / "no" / "r.html", code=2)
    assert "There is no folder" in refused.stderr
    assert "There is no file" in run("report", "no.tsmaml", code=4).stderr
    refused = run("report", model, "--baselines", "mean", code=2)
    assert "Baselines need series" in refused.stderr
    refused = run("report", model, "--data", "no.csv", "--baselines", "means", code=2)
    assert "no baseline named 'means'" in refused.stderr
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    refused = run("report", model, "-o", tmp_path / "r.html", code=3)
    assert 'Reports need jinja2.\n  Hint: python -m pip install "tsmaml[report]"' in refused.stderr
