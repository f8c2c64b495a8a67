"""TensorFlow without its log lines."""

from __future__ import annotations

import os
import sys
import tempfile


def quiet_tensorflow() -> None:
    """Load TensorFlow; its log lines, which mean nothing to a forecaster, stay off the terminal.

    Some are written by C++ code before any setting is read, so that stderr itself is turned away
    while the library loads and looks for devices. What it wrote is shown if loading fails.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            import tensorflow as tf

            tf.get_logger().setLevel("ERROR")
            tf.config.list_physical_devices()
            tf.zeros([])  # starts the runtime, which logs once more
        except BaseException:
            aside.seek(0)
            os.write(kept, aside.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
