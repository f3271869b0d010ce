"""Folders: links are followed once, compressed files are read, and what is no structure is told."""

import bz2
import gzip
import lzma
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.limits import MAX_BYTES
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal, Entry
from hpcvox.crystals.sources.source import open_fields, open_source
from hpcvox.errors import SourceError

FRAC = np.array([[0, 0, 0], [0.5, 0.5, 0.5]])
CIF = cif_text(Crystal("salt", "", 4.1 * np.eye(3), FRAC, np.array([55, 17], dtype=np.uint8), {}))
POSCAR = "salt\n1\n4 0 0\n0 4 0\n0 0 4\nCs Cl\n1 1\nDirect\n0 0 0\n.5 .5 .5\n"
PACK: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


def outcome(entries: list[Entry]) -> dict[str, str]:
    """What each entry comes to, by its origin: ``crystal`` or the code of its rejection."""
    return {
        entry.origin.split("/", 1)[-1]: getattr(result, "code", "crystal")
        for entry in entries
        for result in parse(entry)
    }


def put(path: Path, data: str | bytes = CIF) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())


@pytest.mark.parametrize("suffix", PACK)
@pytest.mark.parametrize(
    "name", ["a.cif", "a.mcif", "A.CIF", "POSCAR", "CONTCAR_1", "poscar", "Contcar", "a.vasp", "a.poscar"]
)
def test_a_compressed_structure_is_read_alone_in_a_folder_and_in_an_archive(
    tmp_path: Path, name: str, suffix: str
) -> None:
    text = CIF if "cif" in name.lower() else POSCAR
    path = tmp_path / "set" / (name + suffix)
    put(path, PACK[suffix](text.encode()))
    with tarfile.open(tmp_path / "set.tar", "w") as tar, zipfile.ZipFile(tmp_path / "set.zip", "w") as packed:
        tar.add(path, path.name)
        packed.write(path, path.name)
    for place in (path, path.parent, tmp_path / "set.tar", tmp_path / "set.zip"):
        (entry,) = open_source(place)
        (crystal,) = parse(entry)
        assert isinstance(crystal, Crystal), crystal
        assert crystal.formula == "CsCl"
        assert crystal.id == name.split(".")[0]


def test_compressed_files_are_read_beside_plain_ones_and_of_one_name_the_second_is_a_reject(
    tmp_path: Path,
) -> None:
    put(tmp_path / "a.cif")
    put(tmp_path / "a.cif.gz", gzip.compress(CIF.encode()))
    put(tmp_path / "b.cif.xz", lzma.compress(CIF.encode()))
    put(tmp_path / "cut.cif.gz", gzip.compress(CIF.encode())[:-20])
    put(tmp_path / "false.cif.gz", CIF)
    put(tmp_path / "bomb.cif.bz2", bz2.compress(b" " * (8 * MAX_BYTES)))
    assert outcome(list(open_source(tmp_path))) == {
        "a.cif": "crystal",
        "a.cif.gz": "duplicate-id",
        "b.cif.xz": "crystal",
        "bomb.cif.bz2": "too-large",
        "cut.cif.gz": "unreadable",
        "false.cif.gz": "crystal",  # what a file is, its first bytes tell
    }
    assert max(len(entry.text) for entry in open_source(tmp_path)) < MAX_BYTES


def test_linked_folders_are_read_once(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "set", tmp_path / "elsewhere"
    put(folder / "real" / "a.cif")
    put(elsewhere / "deep" / "b.cif")
    (folder / "an_alias").symlink_to(folder / "real")
    (folder / "linked").symlink_to(elsewhere)
    (folder / "linked_again").symlink_to(elsewhere / "deep")
    (folder / "one.cif").symlink_to(folder / "real" / "a.cif")
    source = open_source(folder)
    assert [entry.id for entry in source] == ["linked/deep/b", "one", "real/a"]
    assert source.passed_over == "2 linked folders that are read already (an_alias, linked_again)"


def test_loops_of_links_end_and_are_told(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "set", tmp_path / "elsewhere"
    put(folder / "sub" / "a.cif")
    put(elsewhere / "b.cif")
    put(tmp_path / "beside.cif")
    (folder / "sub" / "up").symlink_to(folder)
    (folder / "sub" / "here").symlink_to(".")
    (folder / "above").symlink_to(tmp_path)  # what lies beside the folder is not asked for
    (folder / "out").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(folder)
    source = open_source(folder)
    assert [entry.id for entry in source] == ["out/b", "sub/a"]
    assert source.passed_over == "4 linked folders that are read already (above, sub/here, sub/up, …)"


def test_a_link_to_nothing_is_a_reject_where_it_is_named_as_a_structure(tmp_path: Path) -> None:
    put(tmp_path / "a.cif")
    (tmp_path / "b.cif").symlink_to(tmp_path / "lost.cif")
    (tmp_path / "c").symlink_to(tmp_path / "lost")
    source = open_source(tmp_path)
    assert outcome(list(source)) == {"a.cif": "crystal", "b.cif": "unreadable"}
    assert source.passed_over == "1 file of another kind (c)"


def test_a_pipe_or_a_device_named_as_a_structure_is_a_reject(tmp_path: Path) -> None:
    put(tmp_path / "a.cif")
    os.mkfifo(tmp_path / "pipe.cif")
    os.mkfifo(tmp_path / "POSCAR")
    (tmp_path / "zero.cif").symlink_to("/dev/zero")
    entries = list(open_source(tmp_path))
    assert outcome(entries) == {
        "POSCAR": "unreadable", "a.cif": "crystal", "pipe.cif": "unreadable", "zero.cif": "unreadable"
    }  # fmt: skip
    faults = {entry.id: entry.fault.message for entry in entries if entry.fault is not None}
    assert faults["pipe"] == "cannot read: it is a named pipe, and a regular file is needed"


@pytest.mark.parametrize(
    "name", ["x.cif", "x.tar.gz", "x.zip", "x.csv", "x.parquet", "x.xyz", "x.json", "x.jsonl", "x.db"]
)
def test_a_pipe_is_no_source(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(SourceError, match=r"it is no regular file \(a pipe, a device or a socket\)"):
        open_source(tmp_path / name)


def test_a_pipe_named_as_a_field_is_a_reject(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "CHGCAR")
    assert outcome(list(open_fields(tmp_path))) == {"CHGCAR": "unreadable"}
    assert outcome(list(open_fields(tmp_path / "CHGCAR"))) == {"CHGCAR": "unreadable"}


def test_files_of_other_kinds_are_counted_and_the_first_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    for name in ("a.cif", "README.txt", "x.png", "sub/OUTCAR", "sub/y.zip", ".hidden", ".git/config"):
        put(folder / name)
    told = "4 files of other kinds (README.txt, x.png, sub/OUTCAR, …)"
    source = open_source(folder)
    assert len(list(source)) == 1
    assert source.passed_over == told
    names = ["README.txt", "a.cif", "x.png", "sub/OUTCAR", "sub/y.zip", ".hidden"]
    with tarfile.open(tmp_path / "s.tar", "w") as tar, zipfile.ZipFile(tmp_path / "s.zip", "w") as packed:
        for name in names:
            tar.add(folder / name, name)
            packed.write(folder / name, name)
    for archive in ("s.tar", "s.zip"):
        source = open_source(tmp_path / archive)
        assert len(list(source)) == 1
        assert source.passed_over == told
    assert open_source(folder / "a.cif").passed_over == ""
    (folder / "a.cif").rename(folder / "a.cif.zst")
    with pytest.raises(SourceError, match=r"no structure file \(.*\), but 5 files of other kinds \(README"):
        open_source(folder)


def test_a_name_that_is_no_text_is_told_all_the_same(tmp_path: Path) -> None:
    put(tmp_path / "a.cif")
    put(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.txt")))
    assert open_source(tmp_path).passed_over == r"1 file of another kind (\udcff.txt)"


def test_ids_are_the_same_in_every_locale(tmp_path: Path) -> None:
    names = ["NaCl Å.cif", "salz/größe.vasp", "β.txt"]
    for name in names:
        put(tmp_path / "s" / name, POSCAR if name.endswith("vasp") else CIF)
    put(tmp_path / "fields" / "Å.cube")
    with tarfile.open(tmp_path / "s.tar", "w", format=tarfile.GNU_FORMAT) as archive:
        for name in names:
            archive.add(tmp_path / "s" / name, name)
    ascii_alone = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    of_ascii, of_utf8 = (
        subprocess.run(
            [sys.executable, "-c", LISTING, tmp_path],
            capture_output=True,
            check=True,
            env={"PATH": "/bin:/usr/bin", **locale},
        ).stdout
        for locale in (ascii_alone, {"PYTHONUTF8": "1"})
    )
    assert of_ascii == of_utf8
    (entry,) = open_fields(tmp_path / "fields")
    assert ascii(entry.id).encode() in of_ascii


LISTING = """
import sys
from pathlib import Path
from hpcvox.crystals.sources.source import open_fields, open_source
place = Path(sys.argv[1])
for source in (open_source(place / "s"), open_source(place / "s.tar"), open_fields(place / "fields")):
    print(ascii([[entry.id, entry.origin] for entry in source]), ascii(source.passed_over))
"""


def test_folders_of_fields_are_walked_in_the_same_way(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "set", tmp_path / "elsewhere"
    put(folder / "CHGCAR")
    put(folder / "POSCAR")
    put(elsewhere / "CHGCAR")
    (folder / "linked").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(folder)
    source = open_fields(folder)
    assert [entry.id for entry in source] == ["CHGCAR", "linked/CHGCAR"]
    assert source.passed_over == (
        "1 file of another kind (POSCAR); 1 linked folder that is read already (linked/back)"
    )


@pytest.mark.parametrize("name", ["h.cif.xz", "h.vasp.gz", "POSCAR.bz2"])
def test_a_file_that_is_not_compressed_as_its_name_says_is_told_so(tmp_path: Path, name: str) -> None:
    put(tmp_path / "lies" / name, b"\0\1notxz")
    (entry,) = open_source(tmp_path / "lies")
    assert entry.fault is not None
    assert entry.fault.code == "unreadable"
    assert "is not compressed as its name (." in entry.fault.message
    put(tmp_path / "lies" / name, CIF if ".cif" in name else POSCAR)  # compression is told by the bytes
    (entry,) = open_source(tmp_path / "lies")
    (crystal,) = parse(entry)
    assert isinstance(crystal, Crystal), crystal


def test_the_current_folder_is_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.cif").write_text("data_x")
    monkeypatch.chdir(tmp_path)
    assert [entry.id for entry in open_source(".")] == ["x"]
