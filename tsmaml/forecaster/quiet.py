"""TensorFlow without its log lines."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def log_lines_aside() -> Iterator[None]:
    """Keep off the terminal what TensorFlow logs while it is loaded, which means nothing to a forecaster.

    Some lines are written by C++ code before any setting is read, so that stderr itself is turned
    away. What was written is shown if an error ends it.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            yield
        except BaseException:
            aside.seek(0)
            os.write(kept, aside.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def quiet_tensorflow() -> None:
    """Load TensorFlow and look for devices, with its log lines aside."""
    with log_lines_aside():
        import tensorflow as tf

        tf.get_logger().setLevel("ERROR")
        tf.config.list_physical_devices()
        tf.zeros([])  # starts the runtime, which logs once more
