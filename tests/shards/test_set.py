"""The shard format: written bytes, reading, and the search for damage."""

import pickle
import resource
import threading
from pathlib import Path

import h5py
import numpy as np
import pytest

from hpcvox.errors import ShardError
from hpcvox.shards import reading
from hpcvox.shards.inspect import DAMAGED, info
from hpcvox.shards.inspect import verify as verify_set
from hpcvox.shards.layout import density_arrays, shard_name
from hpcvox.shards.manifest import Manifest
from hpcvox.shards.reading.densities import grid_voxels, read_densities
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.shards.verify import verify, verify_shard
from hpcvox.shards.writing.buffer import Provenance, ShardBuffer
from tests.support.random_shards import N, write_set, write_shard


@pytest.fixture(autouse=True, params=["the first reads", "later reads"])
def how(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read of a set is the same before Numba is loaded for it and afterwards."""
    if request.param == "later reads":
        monkeypatch.setattr(reading.shard_set, "FEW_ROWS", 0)
        monkeypatch.setattr(reading.densities, "FEW_VALUES", 0)


@pytest.fixture
def shard_set(tmp_path: Path) -> Path:
    """Three shards, one of them without samples."""
    return write_set(tmp_path / "set")


def test_same_samples_give_the_same_bytes(tmp_path: Path) -> None:
    for name, capacity in (("a", 1), ("b", 64)):
        (tmp_path / name).mkdir()
        write_shard(tmp_path / name, 0, 5, capacity=capacity)
    assert (tmp_path / "a" / shard_name(0)).read_bytes() == (tmp_path / "b" / shard_name(0)).read_bytes()


def test_h5py_alone_reads_a_shard(shard_set: Path) -> None:
    with h5py.File(shard_set / shard_name(0)) as file:
        assert file["density"].shape == (5, N, N, N)
        assert file["density"].chunks is None
        assert file["density"].attrs["unit"].decode() == "e/Å^3"
        assert file["density"].attrs["axes"].decode() == "sample,a,b,c"
        assert file["id"].asstr()[:].tolist() == [f"s0-{i}" for i in range(5)]
        np.testing.assert_array_equal(
            np.unpackbits(file["mask"][:], axis=-1), (file["species"][:] > 0).astype(np.uint8)
        )
        assert file["rejects/id"].asstr()[:].tolist() == ["bäd"]
        message = file["rejects/message"].asstr()[0]
        assert message.startswith("no␀data \\udcff")
        assert len(message.encode()) <= 1000


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_reads_any_samples_in_any_order(tmp_path: Path, dtype: str) -> None:
    folder = write_set(tmp_path / "set", dtype)
    shards = ShardSet.open(folder)
    assert (len(shards), grid_voxels(shards), shards.grid) == (8, N, "periodic")
    with h5py.File(folder / shard_name(0)) as first, h5py.File(folder / shard_name(2)) as third:
        density = np.concatenate([first["density"][:], third["density"][:]]).astype(np.float32)
        species = np.concatenate([first["species"][:], third["species"][:]])
    order = np.random.default_rng(0).permutation(np.repeat(np.arange(8), 3))
    got = read_densities(shards, order)
    np.testing.assert_array_equal(got[0], density[order])
    np.testing.assert_array_equal(got[1], species[order])
    assert got[0].dtype == np.float32
    buffers = np.empty((2, N, N, N), np.float32), np.empty((2, N, N, N), np.uint8)
    assert read_densities(shards, [7, 0], *buffers)[0] is buffers[0]
    np.testing.assert_array_equal(buffers[1], species[[7, 0]])
    assert read_densities(shards, [])[0].shape == (0, N, N, N)
    with pytest.raises(IndexError, match="0 to 7"):
        read_densities(shards, [8])


def test_tables(shard_set: Path) -> None:
    shards = ShardSet.open(shard_set)
    assert shards.ids == [f"s0-{i}" for i in range(5)] + [f"s2-{i}" for i in range(3)]
    assert shards.formulas[5:] == ["F0", "F1", "F2"]
    assert shards.target_names == ["energy/atom", "gap"]
    nan = np.nan
    np.testing.assert_array_equal(shards.target("energy/atom"), [0, nan, 2, nan, 4, 0, nan, 2])
    with pytest.raises(ShardError, match="energy/atom, gap"):
        shards.target("energy")
    assert shards.cells.shape == (8, 3, 3)
    numbers, frac = shards.sites(6)
    assert numbers.tolist() == [3, 3]
    assert frac.shape == (2, 3)
    clone = pickle.loads(pickle.dumps(shards))  # noqa: S301
    np.testing.assert_array_equal(read_densities(clone, [3])[0], read_densities(shards, [3])[0])


def test_threads_share_a_set(shard_set: Path) -> None:
    shards = ShardSet.open(shard_set)
    expected = read_densities(ShardSet.open(shard_set), range(8))[0]
    wrong: list[int] = []

    def work(seed: int) -> None:
        for order in np.random.default_rng(seed).integers(0, 8, (50, 4)):
            wrong.extend(np.flatnonzero(read_densities(shards, order)[0] != expected[order]).tolist())

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_whole_set_verifies(shard_set: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(shard_set) == []
    outcome = verify_set(shard_set)
    assert outcome.exit_status == 0
    assert "8 samples" in outcome.summary
    info(shard_set)
    table = capsys.readouterr().out
    assert "energy/atom" in table
    assert "cif-syntax" in table


def test_every_flipped_sample_byte_is_found_with_its_sample(shard_set: Path) -> None:
    path = shard_set / shard_name(0)
    with h5py.File(path) as file:
        places = {
            name: file[name].id.get_offset() + 3 * file[name][0].nbytes + 5
            for name in ("density", "species", "mask", "cell")
        }
    whole = path.read_bytes()
    for place in places.values():
        damaged = bytearray(whole)
        damaged[place] ^= 0x10
        path.write_bytes(damaged)
        assert [(d.file, d.sample) for d in verify(shard_set)] == [(shard_name(0), "s0-3")]
    assert verify_set(shard_set).exit_status == DAMAGED


def test_a_damaged_table_is_found(shard_set: Path) -> None:
    path = shard_set / shard_name(2)
    with h5py.File(path, "r+") as file:
        file["site_frac"][0, 0] += 1e-9
    (damage,) = verify(shard_set)
    assert damage.file == shard_name(2)
    assert damage.sample is None


def test_truncated_missing_and_foreign_files_are_found(shard_set: Path) -> None:
    path = shard_set / shard_name(0)
    whole = path.read_bytes()
    for size in (0, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        assert {d.file for d in verify(shard_set)} == {shard_name(0)}
        with pytest.raises(ShardError, match=shard_name(0)):
            read_densities(ShardSet.open(shard_set), [0])
    path.unlink()
    assert "missing" in verify(shard_set)[0].what
    with h5py.File(path, "w") as file:
        file["x"] = 1
    assert "not a whole shard" in verify(shard_set)[0].what


def test_a_shard_rebuilt_since_is_refused(shard_set: Path) -> None:
    shards = ShardSet.open(shard_set)
    write_shard(shard_set, 0, 4)
    with pytest.raises(ShardError, match="rebuilt since"):
        read_densities(shards, [0])
    assert "not the file that the manifest names" in verify(shard_set)[0].what


def test_what_is_not_a_set_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ShardError, match="does not exist"):
        ShardSet.open(tmp_path / "none")
    with pytest.raises(ShardError, match=r"no manifest.json"):
        ShardSet.open(tmp_path)
    for text in ("", "[]", "{}", '{"format": "hpcvox-shards", "version": 99}', '{"format": "hpcvox-shards"'):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(ShardError, match=r"manifest.json"):
            ShardSet.open(tmp_path)


def test_a_set_without_samples_says_so(tmp_path: Path) -> None:
    line = write_shard(tmp_path, 0, 0)
    assert verify_shard(tmp_path / line.file, line) == []
    Manifest("density", "periodic", {}, "0.1.0", "a", 1, 0, 1, {"x": 1}, (line,)).save(tmp_path)
    shards = ShardSet.open(tmp_path)
    assert shards.ids == []
    assert shards.target_names == []
    assert info(tmp_path).exit_status == 0
    with pytest.raises(ShardError, match="every input was rejected"):
        _ = grid_voxels(shards)


def test_a_density_beyond_the_type_is_refused(tmp_path: Path) -> None:
    buffer = ShardBuffer(density_arrays(N, "float16"), 1)
    buffer.slot()["density"][0, 0, 0] = np.inf
    buffer.commit(0, "hot", "H", "x", np.ones(1, np.uint8), np.zeros((1, 3)), {})
    with pytest.raises(ShardError, match=r"hot.*float32"):
        buffer.write(tmp_path / "x.h5", Provenance("density", "periodic", {}, "0", "", 0, 1))
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_leaves_the_old_shard(tmp_path: Path) -> None:
    write_shard(tmp_path, 0, 2)
    before = (tmp_path / shard_name(0)).read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, hard))
    try:
        with pytest.raises(ShardError, match="goes on where it was"):
            write_shard(tmp_path, 0, 5)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (tmp_path / shard_name(0)).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [shard_name(0)]
