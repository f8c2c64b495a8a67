"""Quiet TensorFlow that compiles quickly, and MLflow without its own lines."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
# Newer versions of MLflow open a store of files only where that is asked for.
os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
