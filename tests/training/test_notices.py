"""What ranks of an elastic training tell their launcher, and nobody else can; in a job: slurm/test_trainings.py."""

from pathlib import Path

import pytest

from hpcvox.training.ranks import notices

HERE = {"ib0": [("10.0.0.2", 20_000)], "lo": [("127.0.0.1", 20_000)]}


@pytest.fixture
def key(tmp_path: Path) -> bytes:
    return notices.make_key(tmp_path)


def test_the_key_is_one_for_all_and_for_nobody_else(tmp_path: Path, key: bytes) -> None:
    assert notices.read_key(tmp_path) == key
    assert len(key) == 32
    assert [file.stat().st_mode & 0o777 for file in tmp_path.iterdir()] == [0o600]
    with pytest.raises(FileExistsError):
        notices.make_key(tmp_path)


def test_what_a_rank_tells_is_taken(key: bytes) -> None:
    assert notices.unsealed(key, "node2:0", notices.sealed(key, "node2:0", HERE)) == HERE


def test_what_another_tells_is_not(key: bytes) -> None:
    told = notices.sealed(key, "node2:0", HERE)
    assert key.hex().encode() not in told
    assert notices.unsealed(bytes(32), "node2:0", told) is None
    assert notices.unsealed(key, "node1:0", told) is None, "of another rank"
    assert notices.unsealed(key, "node2:0", told.replace(b"10.0.0.2", b"10.0.0.3")) is None
    assert notices.unsealed(key, "node2:0", b"") is None
