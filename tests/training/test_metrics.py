"""``metrics.jsonl`` as it is read back."""

import os
from pathlib import Path

import pytest

from hpcvox.training.folder.card import METRICS
from hpcvox.training.folder.metrics import Metrics, metrics_of, read_metrics


def test_a_torn_line_is_left_out_and_counted_wherever_it_is(tmp_path: Path) -> None:
    (tmp_path / METRICS).write_bytes(b'{"epoch": 1}\n{"epo\n\n7\n{"epoch": 2}\n{"epoch": 3, "train/l\xff')
    assert metrics_of(tmp_path) == Metrics([{"epoch": 1}, {"epoch": 2}], 3)
    assert read_metrics(tmp_path) == [{"epoch": 1}, {"epoch": 2}]


def test_where_there_is_no_file_there_are_no_lines(tmp_path: Path) -> None:
    assert metrics_of(tmp_path) == Metrics([], 0)


def test_nesting_without_end_is_a_torn_line(tmp_path: Path) -> None:
    (tmp_path / METRICS).write_text('{"epoch": 1}\n' + "[" * 100_000 + "\n", "utf-8")
    assert metrics_of(tmp_path) == Metrics([{"epoch": 1}], 1)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / METRICS)
    with pytest.raises(OSError, match="named pipe"):
        metrics_of(tmp_path)
