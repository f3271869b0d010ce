"""Merging shard sets: nothing lost, nothing mixed, the same bytes however often it is interrupted."""

import csv
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hpcvox.cli import main
from hpcvox.errors import ShardError
from hpcvox.shards.layout import shard_name
from hpcvox.shards.manifest import ShardLine
from hpcvox.shards.merge import merge
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.shards.verify import verify
from hpcvox.shards.writing.closing import close_set
from tests.support.random_shards import PER_SHARD, N, write_shard
from tests.support.set_files import check_equal


def make_set(folder: Path, first: int, samples: tuple[int, ...] = PER_SHARD, **differing: Any) -> Path:
    """A set whose shards hold the samples of :func:`write_shard` from number ``first`` on."""
    folder.mkdir()
    lines: list[ShardLine] = []
    for i, count in enumerate(samples):
        line = write_shard(folder, first + i, count, first=sum(line.entries for line in lines))
        (folder / line.file).rename(folder / shard_name(i))
        lines.append(line._replace(file=shard_name(i)))
    entries = lines[-1].first_entry + lines[-1].entries
    fixed: dict[str, Any] = {
        "descriptor": "density",
        "grid": "periodic",
        "settings": {"voxels": N},
        "code_version": "0.1.0",
    }
    close_set(folder, lines, **(fixed | {"source": f"{folder.name}.csv", "n_entries": entries} | differing))
    return folder


@pytest.fixture
def sets(tmp_path: Path) -> tuple[Path, Path]:
    """Two sets of other samples, of three shards and of two."""
    return make_set(tmp_path / "a", 0), make_set(tmp_path / "b", 3, (2, 4))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


def test_every_sample_and_reject_of_every_set_is_there(sets: tuple[Path, Path], tmp_path: Path) -> None:
    outcome = merge(tmp_path / "m", *sets)
    assert "14 samples and 5 rejects of 2 sets in 5 shards" in outcome.summary
    assert str(tmp_path / "m") in outcome.summary
    assert verify(tmp_path / "m") == []
    a, b, m = (ShardSet.open(folder) for folder in (*sets, tmp_path / "m"))
    assert m.ids == [*a.ids, *b.ids]
    assert m.origins == [*a.origins, *b.origins]
    for name in ("density", "species", "mask", "cell"):
        parts = [s.read_array(name, range(len(s))) for s in (a, b)]
        np.testing.assert_array_equal(m.read_array(name, range(14)), np.concatenate(parts))
    for name in ("energy/atom", "gap"):
        np.testing.assert_array_equal(m.target(name), np.concatenate([a.target(name), b.target(name)]))
    for i in range(14):
        of, j = (a, i) if i < 8 else (b, i - 8)
        for got, want in zip(m.sites(i), of.sites(j), strict=True):
            np.testing.assert_array_equal(got, want)
    check_equal(tmp_path / "m")
    manifest = m.manifest
    assert [line.file for line in manifest.shards] == [shard_name(i) for i in range(5)]
    assert manifest.n_entries == a.manifest.n_entries + b.manifest.n_entries
    assert (manifest.source, manifest.n_rejects) == ("a.csv + b.csv", 5)
    with (tmp_path / "m" / "rejects.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 5


def test_entries_go_on_from_set_to_set(sets: tuple[Path, Path], tmp_path: Path) -> None:
    merge(tmp_path / "m", *sets)
    shift = ShardSet.open(sets[0]).manifest.n_entries
    for i, line in enumerate(ShardSet.open(tmp_path / "m").manifest.shards):
        here, before = tmp_path / "m" / line.file, sets[i >= 3] / shard_name(i % 3)
        with h5py.File(here) as merged, h5py.File(before) as source:
            moved = shift if i >= 3 else 0
            for name in ("entry", "rejects/entry"):
                np.testing.assert_array_equal(merged[name][:], source[name][:] + moved)
            assert merged.attrs["first_entry"] == line.first_entry == source.attrs["first_entry"] + moved
            assert merged.attrs["entries_digest"] == source.attrs["entries_digest"]
    plan = json.loads((tmp_path / "m" / "merge.json").read_text())["merged_from"]
    assert [(s["source"], s["first_entry"], s["n_samples"]) for s in plan] == [
        ("a.csv", 0, 8),
        ("b.csv", shift, 6),
    ]


def test_bytes_are_the_writers_own(sets: tuple[Path, Path], tmp_path: Path) -> None:
    """A shard moved by nothing is its source to the byte, whatever the folders are called."""
    merge(tmp_path / "one", sets[0])
    for i in range(3):
        assert (tmp_path / "one" / shard_name(i)).read_bytes() == (sets[0] / shard_name(i)).read_bytes()
    merge(tmp_path / "m", *sets)
    for folder in sets:
        folder.rename(folder.with_name(f"moved-{folder.name}"))
    merge(tmp_path / "n", *(folder.with_name(f"moved-{folder.name}") for folder in sets))
    assert contents(tmp_path / "n") == contents(tmp_path / "m")


def test_a_merged_set_can_be_merged(sets: tuple[Path, Path], tmp_path: Path) -> None:
    merge(tmp_path / "m", *sets)
    merge(tmp_path / "again", make_set(tmp_path / "c", 8, (1,)), tmp_path / "m")
    assert verify(tmp_path / "again") == []
    assert len(ShardSet.open(tmp_path / "again")) == 15
    assert ShardSet.open(tmp_path / "again").manifest.source == "c.csv + a.csv + b.csv"


@pytest.mark.parametrize(
    ("differing", "message"),
    [
        ({"descriptor": "soap"}, "differ in descriptor: density and soap"),
        ({"grid": "padded"}, "differ in grid: periodic and padded"),
        ({"settings": {"voxels": 16}}, "differ in the setting voxels: 8 and 16"),
        ({"settings": {"voxels": 8, "dtype": "float32"}}, "differ in the setting dtype: None and float32"),
        ({"code_version": "0.2.0"}, "differ in the version of hpcvox that made them: 0.1.0 and 0.2.0"),
    ],
)
def test_sets_made_otherwise_are_refused(
    sets: tuple[Path, Path], tmp_path: Path, differing: dict[str, object], message: str
) -> None:
    other = make_set(tmp_path / "other", 5, (1,), **differing)
    with pytest.raises(ShardError, match=message):
        merge(tmp_path / "m", *sets, other)
    assert not (tmp_path / "m").exists()


def test_ids_that_occur_twice_are_refused(sets: tuple[Path, Path], tmp_path: Path) -> None:
    other = make_set(tmp_path / "other", 0, (5, 7))
    with pytest.raises(
        ShardError, match=r"5 ids occur twice .*'s0-0' \(.*/a and .*/other\).*'s0-4'"
    ) as error:
        merge(tmp_path / "m", *sets, other)
    assert "hpcvox featurize" in str(error.value)
    with pytest.raises(ShardError, match=r"6 ids occur twice.* and 1 more"):
        merge(tmp_path / "m", make_set(tmp_path / "x", 20, (6,)), make_set(tmp_path / "y", 20, (6,)))
    assert not (tmp_path / "m").exists()


def test_the_same_folder_twice_is_refused(sets: tuple[Path, Path], tmp_path: Path) -> None:
    for folders in ((tmp_path / "m", sets[0], sets[0]), (sets[0], sets[0], sets[1])):
        with pytest.raises(ShardError, match="given twice"):
            merge(*folders)


def test_a_set_is_never_overwritten(sets: tuple[Path, Path], tmp_path: Path) -> None:
    other = make_set(tmp_path / "c", 8, (1,))
    before = contents(other)
    with pytest.raises(ShardError, match="no merge of these"):
        merge(other, *sets)
    (other / "manifest.json").unlink()  # a featurization that has not come to its end
    with pytest.raises(ShardError, match="choose another folder"):
        merge(other, *sets)
    assert contents(other) == {name: data for name, data in before.items() if name != "manifest.json"}
    merge(tmp_path / "m", *sets)
    with pytest.raises(ShardError, match="merge of other sets"):
        merge(tmp_path / "m", sets[0])


def test_a_damaged_shard_is_refused_with_its_file_and_sample(sets: tuple[Path, Path], tmp_path: Path) -> None:
    path = sets[1] / shard_name(1)
    whole = path.read_bytes()
    with h5py.File(path) as file:
        place = file["density"].id.get_offset() + 2 * file["density"][0].nbytes + 9
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    with pytest.raises(ShardError, match=r"b/shard-00001\.h5: s4-2: .*checksum.*hpcvox featurize"):
        merge(tmp_path / "m", *sets)
    assert not (tmp_path / "m" / "manifest.json").exists()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ShardError, match=r"b/shard-00001\.h5"):
        merge(tmp_path / "m", *sets)
    path.write_bytes(whole)
    summary = merge(tmp_path / "m", *sets).summary
    assert "4 kept from an earlier run" in summary
    assert verify(tmp_path / "m") == []


def test_a_damaged_shard_of_the_result_is_made_again(sets: tuple[Path, Path], tmp_path: Path) -> None:
    merge(tmp_path / "m", *sets)
    whole = contents(tmp_path / "m")
    path = tmp_path / "m" / shard_name(1)
    path.write_bytes(path.read_bytes()[:-1])
    (tmp_path / "m" / "set.h5").unlink()
    assert "4 kept" in merge(tmp_path / "m", *sets).summary
    assert contents(tmp_path / "m") == whole


def test_a_disk_that_refuses_is_an_error_and_the_next_run_goes_on(
    sets: tuple[Path, Path], tmp_path: Path
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    sizes = [line.bytes for folder in sets for line in ShardSet.open(folder).manifest.shards]
    limit = sorted(sizes)[2]
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(ShardError, match="goes on where it was"):
            merge(tmp_path / "m", *reversed(sets))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not (tmp_path / "m" / "manifest.json").exists()
    assert not list((tmp_path / "m").glob(".*.part"))
    assert "1 kept" in merge(tmp_path / "m", *reversed(sets)).summary
    merge(tmp_path / "n", *reversed(sets))
    assert contents(tmp_path / "m") == contents(tmp_path / "n")


@pytest.mark.slow
def test_kill_9_and_again_gives_the_same_bytes(tmp_path: Path) -> None:
    folders = [make_set(tmp_path / f"s{k}", 30 * k, (2,) * 8) for k in (1, 2)]
    merge(tmp_path / "whole", *folders)
    out = tmp_path / "killed"
    # the copying of each shard is slowed so that the kill meets it in the middle on any machine
    code = (
        "import sys, time; from pathlib import Path; import hpcvox.shards.merge as m; write = Path.write_bytes\n"
        "def slow(self, data): time.sleep(0.2); return write(self, data)\n"
        "Path.write_bytes = slow; m.merge(*map(Path, sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, str(out), *map(str, folders)]
    job = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while len(list(out.glob("shard-*.h5"))) < 3:
        assert job.poll() is None
        time.sleep(0.01)
    job.kill()
    job.wait()
    assert not (out / "manifest.json").exists()
    kept = len(list(out.glob("shard-*.h5")))
    assert kept < 16
    (out / f".{shard_name(kept)}.part").write_bytes(b"cut short")
    assert f"{kept} kept from an earlier run" in merge(out, *folders).summary
    assert contents(out) == contents(tmp_path / "whole")


def test_the_command(sets: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "m"
    assert main(["shards", "merge", str(out), *map(str, sets)]) == 0
    assert capsys.readouterr().out.strip().splitlines()[-1].endswith(f"in {out}")
    assert main(["shards", "verify", str(out)]) == 0
    assert main(["shards", "merge", str(out)]) == 2
    assert "usage: hpcvox shards merge OUT SET [SET ...]" in capsys.readouterr().err
    assert main(["shards", "merge", "--help"]) == 0
    assert "OUT is a new folder" in capsys.readouterr().out
    assert main(["shards", "merge", str(tmp_path / "x"), str(tmp_path / "none")]) == 2
    assert "does not exist" in capsys.readouterr().err
