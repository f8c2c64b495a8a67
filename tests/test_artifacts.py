"""Artifacts: exact round trips, atomic writes, clear refusals."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest

from tsmaml import artifacts
from tsmaml.errors import ArtifactError, NotFoundError

ARRAYS = {
    "weights": np.array([[1.5, -2.0], [np.pi, 1e-40]], np.float32),
    "offsets": np.array([0, 2, 5], np.int64),
    "scalar": np.array(3.25),
    "empty": np.zeros((0, 4)),
}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "model.tsmaml"
    artifacts.save(path, "thing", {"name": "Zürich", "numbers": [1, 2.5, None]}, ARRAYS)
    return path


def test_round_trip_is_exact(path):
    manifest, arrays = artifacts.load(path, "thing")
    assert manifest["name"] == "Zürich"
    assert manifest["numbers"] == [1, 2.5, None]
    assert arrays.keys() == ARRAYS.keys()
    for name, value in ARRAYS.items():
        assert arrays[name].dtype == value.dtype
        assert arrays[name].shape == value.shape
        np.testing.assert_array_equal(arrays[name], value)


def test_equal_contents_give_equal_bytes(path, tmp_path):
    again = tmp_path / "again.tsmaml"
    artifacts.save(again, *_contents(path))
    assert again.read_bytes() == path.read_bytes()


def _contents(path):
    manifest, arrays = artifacts.load(path, "thing")
    return manifest.pop("kind"), manifest, arrays


def test_transposed_arrays_keep_their_values(tmp_path):
    array = np.arange(6.0).reshape(2, 3).T
    artifacts.save(tmp_path / "t", "thing", {}, {"array": array})
    np.testing.assert_array_equal(artifacts.load(tmp_path / "t", "thing")[1]["array"], array)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(path, share):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ArtifactError, match="truncated"):
        artifacts.load(path, "thing")


def test_a_changed_byte_is_refused(path):
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    path.write_bytes(whole)
    with pytest.raises(ArtifactError):
        artifacts.load(path, "thing")


@pytest.mark.parametrize("content", [b"hello", b"PK\x05\x06" + b"\0" * 18, b"\x93NUMPY"])
def test_a_foreign_file_is_refused(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ArtifactError, match="no tsmaml file"):
        artifacts.load(tmp_path / "x", "thing")


def rewrite(path, **changes):
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    manifest = {**json.loads(parts["manifest.json"]), **changes}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        archive.writestr("arrays.safetensors", parts["arrays.safetensors"])


def test_a_newer_format_names_the_version_that_wrote_it(path):
    rewrite(path, format=artifacts.FORMAT + 1, tsmaml="9.9")
    with pytest.raises(ArtifactError, match=r"tsmaml 9\.9.*\n.*Upgrade"):
        artifacts.load(path, "thing")


def test_another_kind_is_refused(path):
    with pytest.raises(ArtifactError, match="holds a 'thing', not a 'checkpoint'"):
        artifacts.load(path, "checkpoint")


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(NotFoundError, match="There is no file"):
        artifacts.load(tmp_path / "none", "thing")
    with pytest.raises(ArtifactError, match="is a folder"):
        artifacts.load(tmp_path, "thing")
    with pytest.raises(ArtifactError, match="can't be written"):
        artifacts.save(tmp_path / "no" / "folder", "thing", {}, {})


def test_a_failed_write_leaves_the_old_file_and_no_other(path):
    before = path.read_bytes()
    with pytest.raises(ValueError, match="not JSON compliant"):
        artifacts.save(path, "thing", {"bad": float("nan")}, {})
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]
