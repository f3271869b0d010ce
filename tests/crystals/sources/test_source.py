"""Sources: every kind, in a fixed order, with each input counted, and damage named."""

import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal, Entry
from hpcvox.crystals.sources.source import open_source
from hpcvox.errors import SourceError
from hpcvox.testing.sources import check_source

Mode = Literal["w", "w:gz", "w:xz", "w:bz2"]
"""How a tar archive is written."""


def salt(a: float) -> str:
    frac = np.array([[0, 0, 0], [0.5, 0.5, 0.5]])
    return cif_text(Crystal("salt", "", a * np.eye(3), frac, np.array([55, 17], dtype=np.uint8), {}))


def good(entries: list[Entry]) -> list[str]:
    return [r.id for e in entries for r in parse(e) if isinstance(r, Crystal)]


def faults(entries: list[Entry]) -> list[tuple[str, str]]:
    return [(e.origin, e.fault.code) for e in entries if e.fault is not None]


def test_a_folder_is_read_in_the_order_of_paths(tmp_path: Path) -> None:
    for name in ("b.cif", "sub/a.CIF", "a.cif", "notes.txt", ".hidden.cif"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(salt(4))
    source = open_source(tmp_path)
    entries = check_source(tmp_path)
    assert (source.kind, source.total) == ("folder", 3)
    assert [e.id for e in entries] == ["a", "b", "sub/a"]
    assert entries[2].origin == f"{tmp_path.name}/sub/a.CIF"
    assert good(entries) == ["a", "b", "sub/a"]


def test_one_file(tmp_path: Path) -> None:
    (tmp_path / "x.cif").write_text(salt(4))
    source = open_source(tmp_path / "x.cif")
    assert (source.kind, source.total, good(list(source))) == ("cif", 1, ["x"])


def tar(path: Path, mode: Mode, count: int = 5) -> bytes:
    with tarfile.open(path, mode) as archive:
        for i in range(count):
            data = salt(4 + i / 10).encode()
            info = tarfile.TarInfo(f"./c{i}.cif")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        archive.addfile(tarfile.TarInfo("README"), io.BytesIO())
    return path.read_bytes()


@pytest.mark.parametrize(
    ("suffix", "mode"), [("tar", "w"), ("tar.gz", "w:gz"), ("tar.xz", "w:xz"), ("tar.bz2", "w:bz2")]
)
def test_a_tar_archive(tmp_path: Path, suffix: str, mode: Mode) -> None:
    path = tmp_path / f"x.{suffix}"
    tar(path, mode)
    source = open_source(path)
    entries = check_source(path)
    assert source.kind == "tar"
    assert good(entries) == ["c0", "c1", "c2", "c3", "c4"]
    assert entries[1].origin == f"x.{suffix}!./c1.cif"
    assert faults(entries) == []


@pytest.mark.parametrize(
    ("suffix", "mode"), [("tar", "w"), ("tar.gz", "w:gz"), ("tar.xz", "w:xz"), ("tar.bz2", "w:bz2")]
)
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.97])
def test_a_cut_tar_gives_what_is_there_and_one_fault(
    tmp_path: Path, suffix: str, mode: Mode, kept: float
) -> None:
    path = tmp_path / f"x.{suffix}"
    data = tar(path, mode)
    whole = len(data) if suffix != "tar" else data.index(b"README")  # without the padding of a plain tar
    path.write_bytes(data[: int(kept * whole)])
    entries = check_source(path)
    assert faults(entries) == [(path.name, "damaged-archive")]
    assert entries[-1].fault is not None
    assert len(good(entries)) == len(entries) - 1


def test_a_tar_cut_between_two_members_is_not_taken_for_a_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    data = tar(path, "w", count=2)
    path.write_bytes(data[: data.index(b"README")])
    entries = check_source(path)
    assert good(entries) == ["c0", "c1"]
    assert faults(entries) == [("x.tar", "damaged-archive")]


def packed(path: Path, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    with zipfile.ZipFile(path, "w", method) as archive:
        for i in range(5):
            archive.writestr(f"set/c{i}.cif", salt(4 + i / 10))
        archive.writestr("README", "none")
    return path.read_bytes()


def test_a_zip_archive(tmp_path: Path) -> None:
    packed(tmp_path / "x.zip")
    source = open_source(tmp_path / "x.zip")
    assert (source.kind, source.total) == ("zip", 5)
    assert good(list(source)) == [f"set/c{i}" for i in range(5)]


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_a_cut_zip_is_salvaged(tmp_path: Path, method: int) -> None:
    data = packed(tmp_path / "x.zip", method)
    (tmp_path / "x.zip").write_bytes(data[: data.index(b"set/c3") + 60])
    source = open_source(tmp_path / "x.zip")
    entries = list(source)
    assert source.total is None
    assert good(entries) == ["set/c0", "set/c1", "set/c2"]
    assert faults(entries) == [("x.zip", "damaged-archive")]


def test_a_damaged_member_of_a_zip_is_one_fault(tmp_path: Path) -> None:
    data = bytearray(packed(tmp_path / "x.zip", zipfile.ZIP_STORED))
    data[data.index(b"_cell", data.index(b"set/c1"))] ^= 255
    (tmp_path / "x.zip").write_bytes(data)
    entries = check_source(tmp_path / "x.zip")
    assert good(entries) == ["set/c0", "set/c2", "set/c3", "set/c4"]
    assert faults(entries) == [("x.zip!set/c1.cif", "damaged-member")]


HEADER = ",material_id,cif,formula,e,gap,kind\n"


def rows(*cells: str) -> str:
    return HEADER + "".join(cells)


def row(name: str, e: str = "1.0", gap: str = "", formula: str = "CsCl") -> str:
    return f'7,{name},"{salt(4)}",{formula},{e},{gap},salt\n'


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "csv.xz", "csv.bz2"])
def test_a_table(tmp_path: Path, suffix: str) -> None:
    import bz2

    path = tmp_path / f"t.{suffix}"
    data = rows(row("m-1", "-1.5", "0.2"), row("m-2", "", "nan", "NaN"), row("m-3", "2e-1")).encode()
    pack: dict[str, Callable[[bytes], bytes]] = {
        "csv": bytes,
        "csv.gz": gzip.compress,
        "csv.xz": lzma.compress,
        "csv.bz2": bz2.compress,
    }
    path.write_bytes(pack[suffix](data))
    source = open_source(path)
    entries = check_source(path)
    assert (source.kind, source.total, source.target_names) == ("csv", 3, ("e", "gap"))
    assert [e.targets for e in entries] == [{"e": -1.5, "gap": 0.2}, {}, {"e": 0.2}]
    assert entries[1].origin == f"t.{suffix}:row 3"
    assert good(entries) == ["m-1", "m-2", "m-3"]


def test_rows_that_cannot_be_used_are_named_as_a_spreadsheet_numbers_them(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(
        rows(row("a"), "7,b,,CsCl,1,,salt\n", "too,short\n", row("a"), row("d", e="high"), row("e"))
        + row("f").replace('",CsCl', "")[:-30]
    )
    source, entries = open_source(path, targets=["e"]), check_source(path, targets=["e"])
    assert source.total == len(entries) == 7
    assert faults(entries) == [
        ("t.csv:row 3", "empty"),
        ("t.csv:row 4", "row"),
        ("t.csv:row 5", "duplicate-id"),
        ("t.csv:row 6", "target"),
        ("t.csv:row 8", "row"),
    ]
    assert good(entries) == ["a", "e"]


def test_a_column_is_numeric_only_if_all_its_cells_are(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(rows(row("a"), row("b", e="high"), row("c", gap="N/A")))
    assert open_source(path).target_names == ()


def test_a_damaged_table_gives_what_is_there_and_one_fault(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.xz"
    rng = np.random.default_rng(0)
    text = rows(*(row(f"m{i}", str(rng.random())) for i in range(3000)))
    data = lzma.compress(text.encode())
    path.write_bytes(data[: len(data) // 2])
    source = open_source(path)
    entries = check_source(path)
    assert source.total == len(entries)
    assert faults(entries) == [("t.csv.xz", "damaged-archive")]
    assert 0 < len(entries) < 3000


def test_ids_by_a_column_of_choice_and_by_row(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("structure,tag\n" + f'"{salt(4)}",p\n"{salt(5)}",q\n')
    assert [e.id for e in open_source(path, "tag", "structure")] == ["p", "q"]
    assert [e.id for e in open_source(path, cif_column="structure")] == ["row-2", "row-3"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cif_column": "structure"}, ["'structure'", "material_id, cif, formula"]),
        ({"id_column": "key"}, ["'key'", "material_id, cif, formula"]),
        ({"targets": ["volume"]}, ["'volume'", "e"]),
    ],
)
def test_a_missing_column_is_answered_with_those_there_are(
    tmp_path: Path, options: dict[str, Any], words: list[str]
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(rows(row("a")))
    with pytest.raises(SourceError) as caught:
        open_source(path, **options)
    assert all(word in str(caught.value) for word in words)


def test_what_is_no_source_is_answered_with_the_kinds_there_are(tmp_path: Path) -> None:
    (tmp_path / "x.hdf5").write_bytes(b"HDF")
    for name in ("x.hdf5", "absent"):
        with pytest.raises(SourceError, match=r"folder.*\.tar.*\.zip.*\.csv"):
            open_source(tmp_path / name)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match=r"no structure file \(\.cif"):
        open_source(tmp_path / "empty")
    (tmp_path / "empty.csv").write_bytes(b"")
    with pytest.raises(SourceError, match="header"):
        open_source(tmp_path / "empty.csv")
    (tmp_path / "fake.csv.xz").write_bytes(b"not xz")
    with pytest.raises(SourceError, match=r"fake\.csv\.xz"):
        open_source(tmp_path / "fake.csv.xz")


def test_real_tables_as_they_are(shared_data: Path) -> None:
    source = open_source(shared_data / "perov5_val.csv.xz")
    entries = list(source)
    assert source.total == len(entries) == 3787
    assert source.target_names == ("heat_all", "heat_ref", "dir_gap", "ind_gap")
    assert len(good(entries)) == 3787
    assert all(len(e.targets) == 4 for e in entries)


def test_what_only_python_takes_for_a_number_is_no_target(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,cif,e,n\na,data_a,1.5,1\nb,data_b,1_000,2\n")
    assert open_source(tmp_path / "t.csv").target_names == ("n",)
    first, second = open_source(tmp_path / "t.csv", targets=["e"])
    assert first.targets == {"e": 1.5}
    assert second.fault is not None
    assert (second.fault.code, "'1_000'" in second.fault.message) == ("target", True)
    (tmp_path / "f.xyz").write_text('1\nLattice="4 0 0 0 4 0 0 0 4" e=1_000 n=2\nO 0 0 0\n')
    assert [entry.targets for entry in open_source(tmp_path / "f.xyz")] == [{"n": 2}]
