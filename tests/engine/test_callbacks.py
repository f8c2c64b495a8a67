"""Records of meta-training."""

from __future__ import annotations

import json
import math
import sys

import pytest

from tsmaml.engine import Progress
from tsmaml.engine.callbacks import JsonLines, TensorBoard
from tsmaml.errors import MissingDependencyError, UsageError

REPORTS = [
    Progress(0, 20, math.nan, math.nan, 0.0, compiling=True),
    Progress(10, 20, 2.0, 1.5, 0.4),
    Progress(20, 20, math.nan, 1.0, 0.9, validation_loss=0.75, zero_step_loss=1.25),
]


def test_json_lines_hold_each_report(tmp_path):
    path = tmp_path / "log.jsonl"
    for _ in range(2):  # a second run from the start begins the file anew
        log = JsonLines(path)
        for report in REPORTS:
            log(report)
    first, second = (json.loads(line) for line in path.read_text().splitlines())
    assert first == {
        "step": 10,
        "support_loss": 2.0,
        "query_loss": 1.5,
        "zero_step_loss": None,
        "validation_loss": None,
        "seconds": 0.4,
    }
    assert second["support_loss"] is None
    assert (second["zero_step_loss"], second["validation_loss"]) == (1.25, 0.75)
    resumed = JsonLines(path)
    resumed(Progress(20, 30, math.nan, math.nan, 0.0, compiling=True))
    resumed(Progress(30, 30, 1.0, 0.5, 0.2))
    assert [json.loads(line)["step"] for line in path.read_text().splitlines()] == [10, 20, 30]


def test_json_lines_want_a_folder_that_exists(tmp_path):
    with pytest.raises(UsageError, match="There is no folder"):
        JsonLines(tmp_path / "nowhere" / "log.jsonl")


def test_tensorboard_reads_what_was_written(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    write = TensorBoard(tmp_path)
    for report in REPORTS:
        write(report)
    read = accumulator.EventAccumulator(str(tmp_path)).Reload()
    tags = {"loss/support", "loss/query", "loss/zero_step", "loss/validation"}
    assert set(read.Tags()["scalars"]) == tags
    assert [(s.step, s.value) for s in read.Scalars("loss/query")] == [(10, 1.5), (20, 1.0)]
    assert [(s.step, s.value) for s in read.Scalars("loss/validation")] == [(20, 0.75)]


def test_tensorboard_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto.event_pb2", None)
    with pytest.raises(MissingDependencyError, match="TensorBoard is not installed") as caught:
        TensorBoard(tmp_path)
    assert caught.value.hint == "pip install 'tsmaml[tensorboard]'"
