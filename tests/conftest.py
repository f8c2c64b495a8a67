"""Settings for every test: quiet TensorFlow, a fixed Hypothesis profile, each net compiled once."""

from __future__ import annotations

import os
import shutil
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
# Tests compile for longer than they compute: a seventh of their time is what the optimiser takes.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

from hypothesis import HealthCheck, settings

settings.register_profile(
    "tsmaml",
    deadline=None,
    derandomize=True,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("tsmaml")


def pytest_configure(config) -> None:
    """Share what XLA compiles among tests, processes and commands of one run; it is most of the time."""
    if hasattr(config, "workerinput"):  # a second process: it has inherited the folder
        return
    folder = tempfile.mkdtemp(prefix="tsmaml-tests-")
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    flags = f"--tf_xla_persistent_cache_directory={folder}"
    os.environ["TF_XLA_FLAGS"] = " ".join([os.environ.get("TF_XLA_FLAGS", ""), flags]).strip()
