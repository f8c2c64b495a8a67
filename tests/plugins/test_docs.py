"""The plugin of docs/plugins.md works, and so do the tests that the page shows."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from tsmaml import SeriesCollection
from tsmaml.engine import Progress
from tsmaml.plugins import registry

PAGE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")


def block(beginning: str) -> dict:
    """What the page's one block of Python that begins so defines."""
    namespace: dict = {}
    (source,) = [one for one in blocks("python") if one.startswith(beginning)]
    exec(source, namespace)
    return namespace


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def page(install, tmp_path):
    """The page's plugin, installed, and its tests beside it."""
    source, *_, tests = blocks("python")
    project = tomllib.loads(blocks("toml")[0])["project"]
    ((entry, module),) = project["entry-points"]["tsmaml"].items()
    assert entry == project["name"]
    install(project["name"], module, source)
    tmp_path.joinpath("test_of_the_page.py").write_text(tests, encoding="utf-8")
    registry.cache_clear()
    yield tmp_path
    registry.cache_clear()
    sys.modules.pop("test_of_the_page", None)


def test_the_plugin_has_twenty_lines():
    assert len([line for line in blocks("python")[0].splitlines() if line.strip()]) <= 20


def test_the_tests_that_the_page_shows_pass_with_its_plugin(page, capfd):
    code = pytest.main(["-q", "-p", "no:cacheprovider", "--rootdir", str(page), str(page)])
    assert (code, "3 passed" in capfd.readouterr().out) == (pytest.ExitCode.OK, True)


def test_the_algorithm_of_the_page_is_one():
    made = block("from tsmaml.engine import Algorithm")["build"](rate=0.5)
    assert (made.steps, made.learned_rates, made.rate) == (3, "layer", 0.5)


def test_the_callback_of_the_page_rings_at_a_better_validation(capsys):
    ring = block("def build(sound=")["build"](sound="!")
    for loss in (None, 2.0, 1.0, 1.5):
        ring(Progress(1, 2, 0.0, 0.0, 0.0, validation_loss=loss))
    assert capsys.readouterr().out == "!!"


def test_the_baseline_of_the_page_goes_on_from_the_first_to_the_last_value():
    rows = pd.DataFrame({"unique_id": "a", "ds": range(5), "y": [1.0, 5.0, 2.0, 2.0, 9.0]})
    made = block("import numpy as np\n\nfrom tsmaml.evaluation")["build"](7)(
        SeriesCollection.from_frame(rows), 3, []
    )
    assert made.point.tolist() == [[11, 13, 15]]
    assert made.bounds == {}


def test_the_scaling_of_the_page_is_relative_to_the_first_value():
    import numpy as np

    from tsmaml.tasks.scaling import scale_windows

    past, mask = np.array([[0.0, 5], [3, 7], [9, 8]]), np.array([[0.0, 1], [1, 1], [1, 1]])
    scaled = scale_windows(past, mask.astype("float64"), block("def first")["first"]())
    assert scaled.location.numpy().tolist() == [[3.0, 5.0]]
    assert scaled.past.numpy()[[1, 0], [0, 1]].tolist() == [0.0, 0.0]
