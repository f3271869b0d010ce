"""The split of a whole set: that of its formulas, kept beside a large set and used only where it is whole."""

import os
from pathlib import Path

import numpy as np
import pytest

from hpcvox.files import durable
from hpcvox.shards.index import index
from hpcvox.shards.layout import SPLITS
from hpcvox.shards.manifest import Manifest
from hpcvox.shards.reading import held_out as module
from hpcvox.shards.reading.held_out import held_out
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.shards.selection import Selection
from hpcvox.shards.split import split
from hpcvox.shards.writing.virtual import write_set_file
from tests.support.random_shards import write_set


@pytest.fixture
def shard_set(tmp_path: Path) -> Path:
    """Eight samples with their index."""
    folder = write_set(tmp_path / "set")
    write_set_file(folder, Manifest.load(folder).shards)
    return folder


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every set is one whose splits are kept."""
    monkeypatch.setattr(module, "FEW", 0)


def marks(folder: Path, seed: int = 3, fraction: float = 0.5) -> list[int]:
    """Numbers of the samples that are held out."""
    return Selection(held_out(ShardSet.open(folder), seed, fraction)).tolist()


def expected(folder: Path, seed: int = 3, fraction: float = 0.5) -> list[int]:
    return np.flatnonzero(split(ShardSet.open(folder).formulas, seed, fraction)).tolist()


@pytest.mark.usefixtures("large")
def test_it_is_kept_and_is_that_of_the_formulas(shard_set: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {(seed, part): expected(shard_set, seed, part) for seed in (3, 4) for part in (0.5, 0.25)}
    assert len({tuple(numbers) for numbers in wanted.values()}) > 1
    for key, numbers in wanted.items():
        assert marks(shard_set, *key) == numbers
    assert len(list(shard_set.glob(SPLITS))) == len(wanted)
    monkeypatch.setattr(module, "split", None)  # it is not computed again
    for key, numbers in wanted.items():
        assert marks(shard_set, *key) == numbers


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("what", ["another byte", "cut", "longer", "empty", "of other settings", "a pipe"])
def test_one_that_is_damaged_or_of_others_is_computed_again(shard_set: Path, what: str) -> None:
    wanted = marks(shard_set)
    (path,) = shard_set.glob(SPLITS)
    data = path.read_bytes()
    if what == "of other settings":
        other = expected(shard_set, 5)
        assert marks(shard_set, 5) == other != wanted
        (strange,) = set(shard_set.glob(SPLITS)) - {path}
        strange.replace(path)
    elif what == "a pipe":
        path.unlink()
        os.mkfifo(path)
    else:
        changed = bytes([*data[:-1], data[-1] ^ 1])
        path.write_bytes(
            {"another byte": changed, "cut": data[:-1], "longer": data + b"\0", "empty": b""}[what]
        )
    assert marks(shard_set) == wanted
    assert path.read_bytes() == data


@pytest.mark.usefixtures("large")
def test_where_none_can_be_written_it_is_computed(shard_set: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path, data: bytes) -> None:
        raise PermissionError(f"{path}: {len(data)}")  # root may write anywhere

    monkeypatch.setattr(durable, "write_bytes", refused)
    assert marks(shard_set) == expected(shard_set)
    assert not list(shard_set.glob(SPLITS))


@pytest.mark.usefixtures("large")
def test_a_set_that_is_closed_anew_keeps_none_of_before(shard_set: Path) -> None:
    wanted = marks(shard_set)
    index(shard_set)
    assert not list(shard_set.glob(SPLITS))
    assert marks(shard_set) == wanted


def test_that_of_a_small_set_is_not_kept(shard_set: Path) -> None:
    assert marks(shard_set) == expected(shard_set)
    assert not list(shard_set.glob(SPLITS))
