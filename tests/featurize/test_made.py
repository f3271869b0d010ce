"""An interrupted run goes on from its notes, and reads a shard only where they do not fit."""

import os
from pathlib import Path

import pytest

from hpcvox.actors.campaign import Part
from hpcvox.crystals.record import Entry
from hpcvox.featurize.made import MADE, Made, forget
from hpcvox.featurize.settings import CoulombSettings
from hpcvox.featurize.worker import ShardWorker, found

TEXT = b"x\n1\n4 0 0\n0 4 0\n0 0 4\nCs Cl\n1 1\nDirect\n.1 .2 .3\n.6 .7 .8\n"


def part(number: int, text: bytes = TEXT) -> Part[Entry]:
    return Part(number, [Entry(number, f"x{number}", "x", text, {}, None, "poscar")])


@pytest.fixture
def settings(tmp_path: Path) -> CoulombSettings:
    """Settings of a run that was killed after two shards."""
    settings = CoulombSettings(out=tmp_path, entries_per_shard=1)
    worker, made = ShardWorker(settings), Made(tmp_path)
    for number in range(2):
        result = worker(part(number))
        assert result.line is not None
        made.note(result.key, result.line)
    with (tmp_path / MADE).open("ab") as file:
        file.write(b'["00ff", 17, ["shard-000')  # as a kill leaves it
    return settings


def test_a_noted_shard_is_not_read(settings: CoulombSettings) -> None:
    shard = settings.out / "shard-00001.h5"
    times = shard.stat()
    result = found(settings, Made(settings.out), part(1))
    assert result is not None
    shard.write_bytes(bytes(times.st_size))
    os.utime(shard, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert found(settings, Made(settings.out), part(1)) == result
    assert ShardWorker(settings)(part(1)) == result
    forget(settings.out)
    assert found(settings, Made(settings.out), part(1)) is None  # now every byte is read


def test_a_shard_that_was_touched_or_is_of_other_entries_is_made_anew(settings: CoulombSettings) -> None:
    assert found(settings, Made(settings.out), part(1, TEXT.replace(b"4 0 0", b"5 0 0"))) is None
    assert found(settings, Made(settings.out), part(2)) is None
    whole = (settings.out / "shard-00001.h5").read_bytes()
    (settings.out / "shard-00001.h5").write_bytes(bytes(len(whole)))
    assert found(settings, Made(settings.out), part(1)) is None
    assert not ShardWorker(settings)(part(1)).kept
    assert (settings.out / "shard-00001.h5").read_bytes() == whole
    assert ShardWorker(settings)(part(0)).kept
