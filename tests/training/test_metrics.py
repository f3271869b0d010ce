"""``metrics.jsonl`` as it is read back."""

from pathlib import Path

from hpcvox.training.folder.card import METRICS
from hpcvox.training.folder.metrics import Metrics, metrics_of, read_metrics


def test_a_torn_line_is_left_out_and_counted_wherever_it_is(tmp_path: Path) -> None:
    (tmp_path / METRICS).write_bytes(b'{"epoch": 1}\n{"epo\n\n7\n{"epoch": 2}\n{"epoch": 3, "train/l\xff')
    assert metrics_of(tmp_path) == Metrics([{"epoch": 1}, {"epoch": 2}], 3)
    assert read_metrics(tmp_path) == [{"epoch": 1}, {"epoch": 2}]


def test_where_there_is_no_file_there_are_no_lines(tmp_path: Path) -> None:
    assert metrics_of(tmp_path) == Metrics([], 0)
