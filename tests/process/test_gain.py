"""Whether a start of a job has gained anything is told by what it has put on disk."""

from pathlib import Path

import pytest

from hpcvox.files import durable
from hpcvox.process import gain


@pytest.fixture
def no_gain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that says so until something is gained."""
    path = tmp_path / ".no-gain"
    path.touch()
    monkeypatch.setenv(gain.VARIABLE, str(path))
    return path


def test_a_new_file_is_a_gain(no_gain: Path, tmp_path: Path) -> None:
    durable.write_text(tmp_path / "shard.h5", "data")
    assert not no_gain.exists()
    durable.write_text(tmp_path / "shard-2.h5", "data")  # nobody waits any more


def test_other_bytes_are_a_gain_the_same_are_none(no_gain: Path, tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("1")
    durable.write_text(tmp_path / "state.json", "1")
    assert no_gain.exists()
    durable.write_text(tmp_path / "state.json", "2")
    assert not no_gain.exists()


def test_what_each_start_writes_is_none(no_gain: Path, tmp_path: Path) -> None:
    for name in gain.BOOKKEEPING:
        durable.write_text(tmp_path / name, "anything")
    assert no_gain.exists()


def test_nobody_asks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(gain.VARIABLE, raising=False)
    durable.write_text(tmp_path / "shard.h5", "data")
    gain.gained()
