"""``set.h5``: a shard set as one file, for whoever has h5py alone."""

import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hpcvox.errors import ShardError
from hpcvox.shards.layout import SET, shard_name
from hpcvox.shards.manifest import Manifest
from hpcvox.shards.verify import verify
from hpcvox.shards.writing.virtual import write_set_file
from tests.support.paths import ROOT
from tests.support.random_shards import N, write_set, write_shard
from tests.support.set_files import check_equal

DOCUMENT = ROOT / "docs" / "shards.md"


@pytest.fixture
def shard_set(tmp_path: Path) -> Path:
    """Three shards, one of them without samples, and targets that not every sample has."""
    folder = write_set(tmp_path / "set")
    write_set_file(folder, Manifest.load(folder).shards)
    return folder


def test_equals_the_shards_wherever_the_folder_is(
    shard_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_equal(shard_set)
    moved = tmp_path / "elsewhere" / "moved"
    moved.parent.mkdir()
    shard_set.rename(moved)
    check_equal(moved)
    decoy = write_set(tmp_path / "decoy", "float32")  # shards of the same names where the program runs
    monkeypatch.chdir(decoy)
    check_equal(moved)
    monkeypatch.chdir(moved.parent)
    check_equal(Path("moved"))


def test_labels_and_provenance_are_those_of_the_shards(shard_set: Path) -> None:
    with h5py.File(shard_set / SET) as file, h5py.File(shard_set / shard_name(0)) as shard:
        for name in ("density", "species", "mask", "cell", "id", "entry", "checksum", "targets/gap"):
            labels = dict(file[name].attrs)
            assert labels.pop("missing", None) == (5 if name == "targets/gap" else None)
            assert labels == dict(shard[name].attrs)
        for name in ("descriptor", "grid", "arrays", "settings", "code_version"):
            assert file.attrs[name] == shard.attrs[name]
        assert file["entry"][:].tolist() == [0, 1, 2, 3, 4, 7, 8, 9]
        assert file.attrs["n_samples"] == 8
        assert not {"site_offset", "site_frac", "rejects"} & set(file)


def test_a_target_that_a_shard_lacks_is_nan_and_text_is_as_wide_as_the_widest(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    line = write_shard(folder, 3, 1)  # energy/atom alone, an id of four bytes
    with h5py.File(folder / shard_name(0)) as first, h5py.File(folder / line.file) as last:
        assert "gap" in first["targets"]
        assert "gap" not in last["targets"]
        assert first["origin"].dtype.itemsize == last["origin"].dtype.itemsize
    long = write_shard(folder, 100, 1)
    lines = (*Manifest.load(folder).shards, line, long)
    write_set_file(folder, lines)
    with h5py.File(folder / SET) as file:
        np.testing.assert_array_equal(
            file["targets/gap"][:], [np.nan, 1.5, np.nan, 1.5, np.nan, np.nan, 1.5, np.nan, np.nan, np.nan]
        )
        assert file["id"].asstr()[[0, 8, 9]].tolist() == ["s0-0", "s3-0", "s100-0"]


def test_the_same_shards_give_the_same_bytes(shard_set: Path) -> None:
    before = (shard_set / SET).read_bytes()
    code = (
        "import sys; from pathlib import Path; from hpcvox.shards.manifest import Manifest;"
        "from hpcvox.shards.writing.virtual import write_set_file as w; junk = [bytes([7]) * 997 for _ in range(9999)];"
        "del junk; f = Path(sys.argv[1]); w(f, Manifest.load(f).shards)"
    )
    subprocess.run([sys.executable, "-c", code, str(shard_set)], check=True)
    assert (shard_set / SET).read_bytes() == before


def test_a_set_without_samples_has_empty_datasets(tmp_path: Path) -> None:
    line = write_shard(tmp_path, 0, 0)
    write_set_file(tmp_path, [line])
    with h5py.File(tmp_path / SET) as file:
        assert file["density"].shape == (0, N, N, N)
        assert len(file["id"]) == 0


def test_verify_knows_the_set_file(shard_set: Path) -> None:
    path = shard_set / SET
    assert verify(shard_set) == []
    whole = path.read_bytes()
    place = whole.index(b"s2-1")
    path.write_bytes(whole[:place] + b"s2-7" + whole[place + 4 :])
    (damage,) = verify(shard_set)
    assert (damage.file, damage.sample) == (SET, None)
    for size in (0, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        assert [damage.file for damage in verify(shard_set)] == [SET]
    with h5py.File(path, "w") as file:
        file["x"] = 1
    assert [damage.file for damage in verify(shard_set)] == [SET]
    path.write_bytes(whole)
    manifest = Manifest.load(shard_set)
    write_set_file(shard_set, manifest.shards[:1])
    (damage,) = verify(shard_set)
    assert "other shards" in damage.what
    path.unlink()  # sets of earlier versions have none
    assert verify(shard_set) == []


def test_a_shard_that_is_not_the_one_of_its_line_is_refused(shard_set: Path) -> None:
    lines = Manifest.load(shard_set).shards
    before = (shard_set / SET).read_bytes()
    write_shard(shard_set, 2, 2)
    with pytest.raises(ShardError, match=r"shard-00002.*not the shard that was just made"):
        write_set_file(shard_set, lines)
    (shard_set / shard_name(2)).write_bytes(b"")
    with pytest.raises(ShardError, match=r"shard-00002"):
        write_set_file(shard_set, lines)
    assert (shard_set / SET).read_bytes() == before


def test_what_is_missing_reads_as_a_value_that_no_sample_has(shard_set: Path) -> None:
    (shard_set / shard_name(2)).unlink()
    with h5py.File(shard_set / SET) as file:
        assert np.isfinite(file["density"][:5]).all()
        assert np.isnan(file["density"][5:]).all()
        assert (file["species"][5:] == 255).all()
        assert file["id"].asstr()[5] == "s2-0"


def test_past_the_limit_of_open_files_nothing_looks_like_data(tmp_path: Path) -> None:
    base = write_shard(tmp_path, 0, 5)
    lines = [base._replace(file=shard_name(i)) for i in range(200)]
    for line in lines[1:]:
        shutil.copy(tmp_path / base.file, tmp_path / line.file)  # HDF5 knows links for the same file
    write_set_file(tmp_path, lines)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with (tmp_path / base.file).open() as probe:
        free = probe.fileno()  # the lowest number that is not taken
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + 60, hard))
    try:
        with h5py.File(tmp_path / SET) as file:
            assert file["id"].asstr()[:].tolist() == [f"s0-{i}" for i in range(5)] * 200
            density = file["density"][:]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with h5py.File(tmp_path / base.file) as file:
        whole = file["density"][:]
    for start in range(0, 1000, 5):
        part = density[start : start + 5]
        assert np.isnan(part).all() or (part == whole).all()
    assert np.isnan(density[-1]).all()
    assert (density[0] == whole[0]).all()


def test_the_examples_of_the_documentation_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "runs" / "shards"
    folder.mkdir(parents=True)
    write_set_file(folder, [write_shard(folder, 0, 20)])
    monkeypatch.chdir(tmp_path)
    first, second = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    names: dict[str, Any] = {"numpy": np}
    exec(first, names)  # noqa: S102
    second = second.replace("data_type, count", "numpy.float16, 512")
    exec(second, names)  # noqa: S102
    assert names["name"] == "s0-17"
    np.testing.assert_array_equal(names["sample"], names["density"].ravel())
    names["file"].close()


def test_a_disk_that_refuses_leaves_the_old_file(shard_set: Path) -> None:
    before = (shard_set / SET).read_bytes()
    names = sorted(path.name for path in shard_set.iterdir())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, hard))
    try:
        with pytest.raises(ShardError, match=r"set\.h5.*Free space"):
            write_set_file(shard_set, Manifest.load(shard_set).shards)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (shard_set / SET).read_bytes() == before
    assert sorted(path.name for path in shard_set.iterdir()) == names
