"""One ``.tsmaml`` file: a zip of ``manifest.json`` and ``arrays.safetensors``. No code, no pickle.

The manifest says what the file is (``kind``), which format it has (``format``) and how the model is
put together, by registered names; the arrays hold every number. Equal contents give equal bytes.
"""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tsmaml.errors import ArtifactError, NotFoundError

FORMAT = 1
_MANIFEST, _ARRAYS = "manifest.json", "arrays.safetensors"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold, the same for all files


def save(
    path: str | Path, kind: str, manifest: Mapping[str, Any], arrays: Mapping[str, Any]
) -> None:
    """Write an artifact: to a temporary name in the same folder, then renamed.

    Args:
        path: where to; a file that is there is replaced, or left whole if writing fails.
        kind: what the file is, checked by :func:`load`.
        manifest: JSON values.
        arrays: NumPy arrays by name.

    Raises:
        ArtifactError: if the folder is missing or can't be written to.
    """
    from safetensors.numpy import save as to_bytes

    path = Path(path)
    header = {"format": FORMAT, "kind": kind, **manifest}
    contents = {
        _MANIFEST: json.dumps(header, indent=1, sort_keys=True, allow_nan=False).encode(),
        _ARRAYS: to_bytes({name: np.asarray(arrays[name], order="C") for name in sorted(arrays)}),
    }
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", suffix=".part", delete=False
        ) as file:
            temporary = Path(file.name)
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                for name, data in contents.items():
                    archive.writestr(zipfile.ZipInfo(name, _EPOCH), data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise ArtifactError(
            f"{path} can't be written: {error.strerror or error}.",
            hint="Name a file in a folder that exists and that you may write to.",
        ) from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def load(path: str | Path, kind: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read an artifact back: ``(manifest, arrays)``.

    Raises:
        NotFoundError: if there is no such file.
        ArtifactError: if it is truncated, foreign, of another kind, or of a newer format.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    path = Path(path)
    with _refusing(path, ValueError, SafetensorError), zipfile.ZipFile(path) as archive:
        manifest = _manifest(path, archive, kind)
        return manifest, from_bytes(archive.read(_ARRAYS))


def check(path: str | Path, kind: str) -> dict[str, Any]:
    """The manifest alone, by the same checks as :func:`load`; quick, whatever the size."""
    path = Path(path)
    with _refusing(path, ValueError), zipfile.ZipFile(path) as archive:
        return _manifest(path, archive, kind)


@contextmanager
def _refusing(path: Path, *damaged: type[Exception]) -> Iterator[None]:
    """Turn what a bad file makes libraries raise into errors that say what is wrong."""
    if not path.exists():
        raise NotFoundError(
            f"There is no file {path}.", hint="`tsmaml fit series.parquet` makes a model file."
        )
    try:
        yield
    except IsADirectoryError:
        raise ArtifactError(f"{path} is a folder, not a model file.") from None
    except OSError as error:
        raise ArtifactError(f"{path} can't be read: {error.strerror or error}.") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, RuntimeError):
        raise ArtifactError(
            f"{path} is no tsmaml file, or is truncated.",
            hint="Copy it again, or make a new one with `tsmaml fit`.",
        ) from None
    except damaged as error:
        raise ArtifactError(f"{path} is damaged: {error}.") from None


def _manifest(path: Path, archive: zipfile.ZipFile, kind: str) -> dict[str, Any]:
    manifest = json.loads(archive.read(_MANIFEST))
    if not isinstance(manifest, dict) or not isinstance(manifest.get("format"), int):
        raise ArtifactError(f"{path} is no tsmaml file: its manifest names no format.")
    if manifest["format"] > FORMAT:
        raise ArtifactError(
            f"{path} has format {manifest['format']}, written by tsmaml "
            f"{manifest.get('tsmaml', 'of a later version')}; this one reads up to {FORMAT}.",
            hint="Upgrade: python -m pip install --upgrade tsmaml",
        )
    if manifest.get("kind") != kind:
        raise ArtifactError(f"{path} holds a {manifest.get('kind')!r}, not a {kind!r}.")
    return manifest


def _umask() -> int:
    """The process's mask for new files; it can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
