"""Quiet TensorFlow that compiles quickly, and each program once."""

from __future__ import annotations

import os
import shutil
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")


def pytest_configure(config) -> None:
    """Keep what XLA compiles: sktime's checks train one small net again and again."""
    folder = tempfile.mkdtemp(prefix="tsmaml-sktime-")
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    flags = f"--tf_xla_persistent_cache_directory={folder}"
    os.environ["TF_XLA_FLAGS"] = " ".join([os.environ.get("TF_XLA_FLAGS", ""), flags]).strip()
