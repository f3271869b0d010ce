"""A shard set from elsewhere: what leads out of its files, or claims more than they have, is told and not followed."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hpcvox.errors import ShardError
from hpcvox.featurize.export import export
from hpcvox.shards.digest import attributes_of, content_digest, stored_digest
from hpcvox.shards.inspect import DAMAGED, info
from hpcvox.shards.inspect import verify as verify_set
from hpcvox.shards.layout import SET, shard_name
from hpcvox.shards.manifest import Manifest
from hpcvox.shards.merge import merge
from hpcvox.shards.reading.densities import read_densities
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.shards.statistics.file import FILE as STATISTICS
from hpcvox.shards.statistics.file import read_statistics
from hpcvox.shards.verify import verify
from hpcvox.shards.writing.virtual import write_set_file
from tests.support.random_shards import write_set

SECRET = "root:x:0:0"


@pytest.fixture
def shard_set(tmp_path: Path) -> Path:
    """Three shards, one of them without samples; and a secret that none of them has."""
    (tmp_path / "secret").write_text(SECRET * 100)
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["origin"] = np.array([SECRET.encode()] * 5)
        file["site_frac"] = np.zeros((15, 3))
        file["targets/gap"] = np.full(5, 6.28)
    return write_set(tmp_path / "set")


Change = Callable[[h5py.File, Path], None]


def _replace(name: str, make: Callable[[h5py.File, Path], Any]) -> Change:
    def change(file: h5py.File, folder: Path) -> None:
        labels = dict(file[name].attrs)
        made = make(file, folder)
        del file[name]
        file[name] = made
        if isinstance(file.get(name, getlink=True), h5py.HardLink):
            for label, value in labels.items():
                file[name].attrs[label] = value

    return change


def _externally_stored(file: h5py.File, folder: Path) -> None:
    del file["origin"]
    made = file.create_dataset("origin", (5,), "S10", external=[(str(folder.parent / "secret"), 0, 50)])
    made.attrs["axes"] = np.bytes_(b"sample")


def _virtual(name: str, shape: tuple[int, ...], dtype: str) -> Change:
    def change(file: h5py.File, folder: Path) -> None:
        labels = dict(file[name].attrs)
        del file[name]
        layout = h5py.VirtualLayout(shape, dtype)
        layout[:] = h5py.VirtualSource(str(folder.parent / "secret.h5"), "site_frac", shape)
        made = file.create_virtual_dataset(name, layout)
        for label, value in labels.items():
            made.attrs[label] = value

    return change


def _late(name: str, shape: tuple[int, ...], dtype: str) -> Change:
    """Rows that a header alone claims."""

    def change(file: h5py.File, folder: Path) -> None:
        labels = dict(file[name].attrs)
        del file[name]
        made = file.create_dataset(name, shape, dtype)
        for label, value in labels.items():
            made.attrs[label] = value

    return change


def _set(name: str, row: Any, value: Any) -> Change:
    def change(file: h5py.File, folder: Path) -> None:
        file[name][row] = value

    return change


def _external_group(file: h5py.File, folder: Path) -> None:
    del file["targets"]
    file["targets"] = h5py.ExternalLink(str(folder.parent / "secret.h5"), "targets")


def _many_chunks(file: h5py.File, folder: Path) -> None:
    del file["site_frac"]
    file.create_dataset("site_frac", (10**9, 3), "f8", chunks=(10**6, 3), compression="gzip")


FAULTS: dict[str, tuple[Change, str]] = {
    "an external link": (
        _replace("origin", lambda _, folder: h5py.ExternalLink(str(folder.parent / "secret.h5"), "origin")),
        "origin is a link to elsewhere",
    ),
    "a soft link": (_replace("origin", lambda *_: h5py.SoftLink("/id")), "origin is a link to elsewhere"),
    "a link to another file's group": (_external_group, "targets is a link to elsewhere"),
    "a link among the targets": (
        _replace(
            "targets/gap",
            lambda _, folder: h5py.ExternalLink(str(folder.parent / "secret.h5"), "targets/gap"),
        ),
        "targets/gap is a link to elsewhere",
    ),
    "external storage": (_externally_stored, "origin lie in another file"),
    "a virtual table": (_virtual("site_frac", (15, 3), "f8"), "site_frac is virtual"),
    "a virtual array": (_virtual("cell", (5, 3, 3), "f8"), "cell is virtual"),
    "chunks": (_many_chunks, "site_frac is chunked"),
    "a table that is only claimed": (
        _late("site_number", (10**12,), "u1"),
        r"site_number claims 1,0.* bytes",
    ),
    "an array that is only claimed": (_late("density", (5, 10**4, 10**4, 10**4), "f2"), "density claims"),
    "samples that are only claimed": (_late("checksum", (10**9, 16), "u1"), "checksum claims"),
    "text of any length": (_replace("id", lambda *_: np.array(["a"] * 5, object)), "id holds object"),
    "negative offsets": (_set("site_offset", 1, -5), "site_offset does not go from 0"),
    "offsets beyond the end": (_set("site_offset", 5, 10**15), "site_offset does not go from 0"),
    "offsets that go back": (_set("site_offset", 2, 14), "site_offset does not go from 0"),
    "offsets that begin late": (_set("site_offset", 0, 1), "site_offset does not go from 0"),
    "an atom that is no element": (_set("site_number", 3, 200), "site_number goes from 1 to 200"),
    "no atom": (_set("site_number", 3, 0), "site_number goes from 0 to 1"),
    "a coordinate that is no number": (_set("site_frac", (0, 0), np.nan), "site_frac is not finite"),
    "a cell that is no number": (_set("cell", (0, 0, 0), np.inf), "cell has a value that is not finite"),
    "ids of fewer samples": (_replace("id", lambda file, _: file["id"][:3]), "id has 3 rows, not 5"),
    "a target of more samples": (
        _replace("targets/gap", lambda *_: np.zeros(9)),
        "targets/gap has 9 rows, not 5",
    ),
    "a table of another type": (
        _replace("site_frac", lambda *_: np.zeros((15, 3), "f4")),
        "site_frac is float32",
    ),
}


def tampered(folder: Path, change: Change) -> None:
    """Change the first shard, and have digests and manifest say what it then is: a lie that no checksum tells."""
    path = folder / shard_name(0)
    with h5py.File(path, "r+") as file:
        change(file, folder)
    try:
        with h5py.File(path, "r+") as file:
            attributes = attributes_of(file)
            digest = stored_digest(file, attributes)
            file.attrs["digest"] = np.bytes_(digest.encode())
    except (ValueError, KeyError):  # there is no digest of what is not read
        with h5py.File(path) as file:
            digest = file.attrs["digest"].decode()
    tree = json.loads((folder / "manifest.json").read_text())
    tree["shards"][0] |= {"digest": digest, "bytes": path.stat().st_size}
    (folder / "manifest.json").write_text(json.dumps(tree))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_lying_shard_is_neither_exported_nor_whole(fault: str, shard_set: Path, tmp_path: Path) -> None:
    change, told = FAULTS[fault]
    tampered(shard_set, change)
    for out in ("out.csv", "out.extxyz", "npz"):
        with pytest.raises(ShardError, match=told) as error:
            export(shard_set, tmp_path / out)
        assert shard_name(0) in str(error.value)
        assert "\n" not in str(error.value)
        assert not (tmp_path / out).exists()
    damages = verify(shard_set)
    assert any(told.split()[0] in damage.what for damage in damages)
    assert verify_set(shard_set).exit_status == DAMAGED
    with pytest.raises(ShardError):
        merge(tmp_path / "merged", shard_set)


@pytest.mark.parametrize("fault", ["an external link", "a soft link", "a link to another file's group"])
def test_a_link_is_not_followed_by_anyone(fault: str, shard_set: Path) -> None:
    tampered(shard_set, FAULTS[fault][0])
    shards = ShardSet.open(shard_set)
    for read in (lambda: shards.origins, lambda: shards.target("gap")):
        try:
            found = str(read())
        except ShardError as error:
            found = str(error)
        assert SECRET not in found
        assert "6.28" not in found
    with pytest.raises(ShardError):
        write_set_file(shard_set, shards.manifest.shards)


def test_a_link_that_no_one_reads_is_damage(shard_set: Path) -> None:
    tampered(shard_set, lambda file, _: file.__setitem__("note", h5py.SoftLink("/id")))
    assert any("note is a link" in damage.what for damage in verify(shard_set))


def test_a_shard_of_other_arrays_is_not_read_by_the_places_of_the_first(shard_set: Path) -> None:
    with h5py.File(shard_set / shard_name(0), "r+") as file:
        labels = dict(file["density"].attrs)
        del file["density"]
        file["density"] = np.zeros((5, 8, 8, 8), "f4")
        file["density"].attrs.update(labels)
    tampered(shard_set, lambda *_: None)
    with pytest.raises(ShardError, match="other arrays than the shards before it"):
        read_densities(ShardSet.open(shard_set), [0, 7])


def manifest_of(folder: Path) -> dict[str, Any]:
    """The manifest as it lies there."""
    tree: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return tree


def _line(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(tree: dict[str, Any]) -> None:
        tree["shards"][0][name] = value

    return change


def _billion(tree: dict[str, Any]) -> None:
    tree["shards"][0] |= {"samples": 10**9, "bytes": 10**12}
    tree["n_samples"] = 10**9 + 3


LIES: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "a folder above": (_line("file", "../../secret.h5"), "no plain file name"),
    "a whole path": (_line("file", "/etc/passwd"), "no plain file name"),
    "a folder": (_line("file", ".."), "no plain file name"),
    "a nul": (_line("file", "shard\0.h5"), "no plain file name"),
    "a file twice": (_line("file", shard_name(2)), "same file"),
    "a name that is no text": (_line("file", 7), "file is 7, not a text"),
    "samples below zero": (_line("samples", -1), "samples is -1"),
    "samples that are no number": (_line("samples", "5"), "samples is '5'"),
    "samples beyond all numbers": (_line("samples", 10**30), "samples is 1000"),
    "more samples than bytes": (_line("samples", 10**9), "are not in"),
    "samples that do not add up": (_line("samples", 6), "n_samples is 8, and its shards have 9"),
    "rejects that do not add up": (lambda tree: tree.update(n_rejects=4), "n_rejects is 4"),
    "rejects by code": (lambda tree: tree.update(rejects_by_code={"cif": 1}), "rejects_by_code counts"),
    "codes that are none": (lambda tree: tree.update(rejects_by_code=[3]), "rejects_by_code is"),
    "entries that do not go on": (_line("first_entry", 3), "begins at entry 3, not at 0"),
    "entries that are lost": (_line("entries", 60), "are not 60 entries"),
    "no shards": (lambda tree: tree.update(shards=None), "damaged"),
    "a shard that is no object": (lambda tree: tree.update(shards=[1]), "damaged"),
    "settings that are none": (lambda tree: tree.update(settings=[]), "settings is"),
    "a descriptor that is none": (lambda tree: tree.update(descriptor=None), "descriptor is None"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_manifest_opens_no_set(lie: str, shard_set: Path) -> None:
    change, told = LIES[lie]
    tree = manifest_of(shard_set)
    change(tree)
    (shard_set / "manifest.json").write_text(json.dumps(tree))
    for job in (ShardSet.open, info, verify):
        with pytest.raises(ShardError, match=told) as error:
            job(shard_set)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["manifest.json", shard_name(0), SET, STATISTICS])
@pytest.mark.parametrize("kind", ["a pipe", "a device"])
def test_what_is_no_file_is_told_and_not_waited_for(name: str, kind: str, shard_set: Path) -> None:
    (shard_set / name).unlink(missing_ok=True)
    if kind == "a pipe":
        os.mkfifo(shard_set / name)
    else:
        (shard_set / name).symlink_to("/dev/zero")
    try:
        said = " ".join(str(damage.what) for damage in verify(shard_set))
        if name == STATISTICS:
            read_statistics(shard_set)
    except ShardError as error:
        said = str(error)
    assert "regular file" in said
    if name == shard_name(0):
        with pytest.raises(ShardError, match="regular file"):
            export(shard_set, shard_set.parent / "out.csv")


def test_nesting_without_end_is_told(shard_set: Path) -> None:
    (shard_set / "manifest.json").write_text("[" * 10**6)
    with pytest.raises(ShardError, match="cannot be read"):
        Manifest.load(shard_set)


def test_a_billion_samples_do_not_match_their_checksums(shard_set: Path, tmp_path: Path) -> None:
    tree = manifest_of(shard_set)
    _billion(tree)
    (shard_set / "manifest.json").write_text(json.dumps(tree))
    assert any("samples 5, not 1000000000" in damage.what for damage in verify(shard_set))
    shards = ShardSet.open(shard_set)
    for read in (
        lambda: shards.ids,
        lambda: shards.remarks,
        lambda: read_densities(shards, [0]),
        lambda: info(shard_set),
    ):
        with pytest.raises(ShardError, match="samples 5, not 1000000000"):
            read()
    with pytest.raises(ShardError, match="samples 5, not 1000000000"):
        export(shard_set, tmp_path / "out.csv")


def _retold(path: Path, change: Callable[[h5py.File], None]) -> None:
    """Change ``set.h5`` and have its digest say what it then is."""
    with h5py.File(path, "r+") as file:
        change(file)
        attributes = attributes_of(file)
        tables = {name: file[name][()] for name in ("checksum", "entry", "formula", "id", "origin", "remark")}
        tables |= {f"targets/{name}": file[f"targets/{name}"][()] for name in file["targets"]}
        kept = {key: value for key, value in attributes.items() if key != "digest"}
        file.attrs["digest"] = np.bytes_(content_digest(kept, tables).encode())


@pytest.mark.parametrize("place", ["another file", "another shard", "another array"])
def test_a_set_file_that_leads_elsewhere_is_damage(place: str, shard_set: Path) -> None:
    write_set_file(shard_set, Manifest.load(shard_set).shards)
    assert verify(shard_set) == []
    sources = {
        "another file": ((str(shard_set.parent / "secret.h5"), "site_frac"), (shard_name(2), "cell")),
        "another shard": ((shard_name(2), "cell"), (shard_name(0), "cell")),
        "another array": ((shard_name(0), "site_frac"), (shard_name(2), "cell")),
    }[place]

    def change(file: h5py.File) -> None:
        labels = dict(file["cell"].attrs)
        del file["cell"]
        layout = h5py.VirtualLayout((8, 3, 3), "f8")
        for (name, dataset), (start, end) in zip(sources, ((0, 5), (5, 8)), strict=True):
            layout[start:end] = h5py.VirtualSource(name, dataset, (end - start, 3, 3))
        file.create_virtual_dataset("cell", layout).attrs.update(labels)

    _retold(shard_set / SET, change)
    (damage,) = verify(shard_set)
    assert (damage.file, damage.sample) == (SET, None)
    assert "cell leads" in damage.what
