"""What tsmaml finds once the package is installed (``pip install .``)."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tsmaml.plugins import registry

NAMES = [("model", "gated"), ("loss", "asymmetric"), ("task builder", "by_origin")]


@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_parts_are_found_by_name_and_load(kind, name):
    part = registry().get(kind, name)
    assert part.plugin == "tsmaml-example"
    assert part.help
    assert callable(part.load())


def test_nothing_else_is_registered_and_nothing_is_broken():
    own = [(p.kind, p.name) for p in registry().parts() if p.plugin == "tsmaml-example"]
    assert sorted(own) == sorted(NAMES)
    assert "tsmaml-example" not in [broken.plugin for broken in registry().broken()]


def test_listing_imports_nothing_heavy():
    code = (
        "import sys; from tsmaml.plugins import registry; "
        "assert registry().get('model', 'gated').plugin == 'tsmaml-example'; "
        "print(sorted({'tensorflow', 'keras', 'pandas'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.stdout.strip(), run.stderr.strip()) == ("[]", "")
