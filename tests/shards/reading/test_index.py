"""The index of a set: what is read from ``set.h5`` is what the shards hold, and without a right one they are read."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcvox.errors import ShardError
from hpcvox.shards.index import index
from hpcvox.shards.layout import SET, shard_name
from hpcvox.shards.manifest import Manifest, ShardLine
from hpcvox.shards.reading import index as reading_index
from hpcvox.shards.reading.index import Column, Index, Texts
from hpcvox.shards.reading.shard_file import ShardFile
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.shards.writing.virtual import write_set_file
from tests.support.random_shards import PER_SHARD, write_set, write_shard

TEXTS = ("ids", "formulas", "origins", "remarks")


@pytest.fixture
def shard_set(tmp_path: Path) -> Path:
    """Three shards with their index."""
    folder = write_set(tmp_path / "set")
    write_set_file(folder, Manifest.load(folder).shards)
    return folder


@pytest.fixture
def without(shard_set: Path, tmp_path: Path) -> ShardSet:
    """The same set without an index."""
    folder = Path(shutil.copytree(shard_set, tmp_path / "without"))
    (folder / SET).unlink()
    return ShardSet.open(folder)


def check_same(one: ShardSet, other: ShardSet) -> None:
    for name in TEXTS:
        assert list(getattr(one, name)) == list(getattr(other, name)), name
    assert one.target_names == other.target_names
    for name in one.target_names:
        np.testing.assert_array_equal(one.target(name), other.target(name))


def test_with_and_without_it_a_set_says_the_same(shard_set: Path, without: ShardSet) -> None:
    check_same(ShardSet.open(shard_set), without)


def without_notes(folder: Path) -> ShardSet:
    """The set with an index as version 1 wrote it."""
    with h5py.File(folder / SET, "r+") as file:
        del file.attrs["largest_cosine"]
        for target in file["targets"].values():
            del target.attrs["missing"]
        file.attrs["version"] = 1
    return ShardSet.open(folder)


def test_it_says_of_all_cells_and_targets_what_their_values_say(shard_set: Path) -> None:
    write_shard(shard_set, 0, PER_SHARD[0])
    oblique = np.array([[4.0, 0, 0], [1, 4, 0], [0, 0, 4]])
    with h5py.File(shard_set / shard_name(0), "r+") as file:
        file["cell"][2] = oblique
        file["targets/gap"][...] = 1.0
    with h5py.File(shard_set / shard_name(2), "r+") as file:
        file["targets/gap"][...] = 2.0
    index(shard_set)
    shards = ShardSet.open(shard_set)
    assert shards.largest_cosine == pytest.approx(1 / np.sqrt(17))
    assert {name: shards.has_whole(name) for name in shards.target_names} == {
        "energy/atom": False,
        "gap": True,
    }
    assert not shards.has_whole("none")
    of_before = without_notes(shard_set)
    assert Index.open(shard_set, of_before.manifest) is not None
    assert of_before.largest_cosine == shards.largest_cosine
    assert not any(map(of_before.has_whole, of_before.target_names))
    check_same(of_before, shards)


def test_no_shard_is_opened_for_what_the_index_has(shard_set: Path, without: ShardSet) -> None:
    for path in shard_set.glob("shard-*.h5"):
        path.unlink()
    shards = ShardSet.open(shard_set)
    check_same(shards, without)
    assert shards.largest_cosine == 0
    with pytest.raises(ShardError, match=f"{shard_name(0)} is missing"):
        shards.sites(0)


@pytest.mark.parametrize("what", ["of other shards", "cut", "text", "a link", "rows", "virtual"])
def test_one_that_is_not_of_these_shards_is_not_used(
    shard_set: Path, without: ShardSet, tmp_path: Path, what: str
) -> None:
    path = shard_set / SET
    if what == "of other shards":
        other = write_set(tmp_path / "other", "float32")
        write_set_file(other, Manifest.load(other).shards)
        shutil.copy(other / SET, path)
    elif what == "cut":
        path.write_bytes(path.read_bytes()[:-2000])
    elif what == "text":
        path.write_text("no HDF5")
    else:
        with h5py.File(path, "r+") as file:
            values = file["formula"][()]
            del file["formula"]
            if what == "a link":
                file["formula"] = h5py.SoftLink("/id")
            elif what == "rows":
                file["formula"] = values[:-1]
            else:
                layout = h5py.VirtualLayout(values.shape, values.dtype)
                layout[:] = h5py.VirtualSource(".", "id", values.shape)
                file.create_virtual_dataset("formula", layout)
    shards = ShardSet.open(shard_set)
    assert Index.open(shard_set, shards.manifest) is None
    check_same(shards, without)


def test_written_anew_it_has_the_same_bytes(shard_set: Path) -> None:
    before = (shard_set / SET).read_bytes()
    (shard_set / SET).unlink()
    assert index(shard_set).summary == f"index: 8 samples; {shard_set / SET}"
    assert (shard_set / SET).read_bytes() == before


def test_a_shard_that_was_rebuilt_since_is_not_indexed(shard_set: Path) -> None:
    before = (shard_set / SET).read_bytes()
    write_shard(shard_set, 0, 4)
    with pytest.raises(ShardError, match=shard_name(0)):
        index(shard_set)
    assert (shard_set / SET).read_bytes() == before


@given(
    texts=st.lists(st.text(st.characters(exclude_characters="\0"), max_size=5), min_size=1, max_size=40),
    block=st.integers(1, 9),
    start=st.integers(-45, 45) | st.none(),
    stop=st.integers(-45, 45) | st.none(),
    step=st.sampled_from([None, 1, 2, -1, -3]),
)
def test_a_column_of_texts_is_a_list(
    tmp_path_factory: pytest.TempPathFactory,
    texts: list[str],
    block: int,
    start: int | None,
    stop: int | None,
    step: int | None,
) -> None:
    data = np.array([text.encode(errors="replace") for text in texts])
    texts = [text.encode(errors="replace").decode() for text in texts]
    path = tmp_path_factory.mktemp("column") / "x"
    path.write_bytes(b"head" + data.tobytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading_index, "BLOCK", block)
        column = Texts(Column(path, 4, len(data), data.dtype, ()))
        assert list(column) == texts
        assert column == texts
        assert column != [*texts, ""]
        assert column[start:stop:step] == texts[start:stop:step]
        assert [column[i] for i in range(-len(texts), len(texts))] == texts * 2
        assert column.index(texts[-1]) == texts.index(texts[-1])
        assert texts[0] in column
        with pytest.raises(IndexError):
            column[len(texts)]


def test_sites_of_a_sample_are_those_of_its_shard(shard_set: Path) -> None:
    shards, row = ShardSet.open(shard_set), 0
    for number, count in enumerate(PER_SHARD):
        with ShardFile(shard_set / shard_name(number)) as shard:
            sites = shard.sites()
        for start, end in zip(sites.offsets[:count], sites.offsets[1:], strict=True):
            numbers, frac = shards.sites(row)
            np.testing.assert_array_equal(numbers, sites.numbers[start:end])
            np.testing.assert_array_equal(frac, sites.frac[start:end])
            assert (numbers.dtype.str, frac.dtype.str) == ("|u1", "<f8")
            row += 1
    for strange in (-1, row):
        with pytest.raises(IndexError, match="0 to 7"):
            shards.sites(strange)


@pytest.mark.parametrize(
    ("table", "row", "value", "said"),
    [
        ("site_offset", 3, 99, "sample 2 has no sites 3 to 99 of 15"),
        ("site_offset", 3, -1, "sample 2 has no sites 3 to -1"),
        ("site_number", 4, 0, "site_number goes from 0"),
        ("site_number", 4, 119, "to 119, and elements to 118"),
        ("site_frac", 4, np.nan, "site_frac is not finite"),
    ],
)
def test_damaged_sites_are_told(shard_set: Path, table: str, row: int, value: float, said: str) -> None:
    with h5py.File(shard_set / shard_name(0), "r+") as file:
        file[table][row] = value
    line: ShardLine = Manifest.load(shard_set).shards[0]
    shards = ShardSet.open(shard_set)
    with pytest.raises(ShardError, match=said):
        shards.sites(2)
    assert shards.sites(0)[0].tolist() == [line.first_entry + 1]
