"""Formats: one crystal is the same through each; ids, targets and order; and no text that raises."""

import bz2
import csv
import gzip
import io
import json
import lzma
import math
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ase.db
import ase.io
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Element, Lattice, Structure

from hpcvox.crystals.cells import lattice_from_parameters
from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.parse import READERS, parse
from hpcvox.crystals.record import Crystal, Entry, Reject
from hpcvox.crystals.sources.digest import entries_digest
from hpcvox.crystals.sources.json_files import scanner as json_scanner
from hpcvox.crystals.sources.source import kinds, open_source
from hpcvox.errors import SourceError
from hpcvox.featurize.job import run
from hpcvox.featurize.settings import DensitySettings
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.testing.sources import check_source

CELLS = {
    "cubic": (4.12, 4.12, 4.12, 90, 90, 90),
    "primitive": (3.9, 3.9, 3.9, 60, 60, 60),
    "triclinic": (4.1, 5.2, 6.3, 81, 97, 105),
}


def crystal(cell: str = "cubic", name: str = "x") -> Crystal:
    frac = np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.25, 0.5, 0.0]])
    return Crystal(name, "", lattice_from_parameters(*CELLS[cell]), frac, np.array([55, 17, 8], np.uint8), {})


def atoms(of: Crystal, rotate: float = 0.0, **info: Any) -> Atoms:
    made = Atoms(of.numbers, scaled_positions=of.frac, cell=of.lattice, pbc=True, info=info)
    if rotate:
        made.rotate(rotate, (1, 2, 3), rotate_cell=True)
    return made


def structure(of: Crystal) -> Structure:
    return Structure(Lattice(of.lattice), [Element.from_Z(int(z)) for z in of.numbers], of.frac)


def written(made: Atoms, kind: str, **options: Any) -> str:
    text = io.StringIO()
    ase.io.write(text, made, format=kind, **options)
    return text.getvalue()


def poscar(of: Crystal) -> str:
    return written(atoms(of), "vasp", direct=True)


def table(path: Path, **columns: Any) -> None:
    pq.write_table(pa.table(columns), path, row_group_size=2)


def database(path: Path, *rows: tuple[Atoms, dict[str, Any]]) -> None:
    with ase.db.connect(path) as base:
        for made, pairs in rows:
            base.write(made, **pairs)


WRITERS: dict[str, Callable[[Path, Crystal], object]] = {
    "x.cif": lambda p, c: p.write_text(cif_text(c)),
    "POSCAR": lambda p, c: p.write_text(poscar(c)),
    "CONTCAR_x": lambda p, c: p.write_text(written(atoms(c, 33.0), "vasp", direct=False)),
    "x.vasp": lambda p, c: p.write_text(structure(c).to(fmt="poscar")),
    "x.extxyz": lambda p, c: p.write_text(written(atoms(c, 70.0), "extxyz")),
    "x.xyz.gz": lambda p, c: p.write_bytes(gzip.compress(written(atoms(c), "extxyz").encode())),
    "x.json": lambda p, c: p.write_text(structure(c).to_json()),
    "x.json.xz": lambda p, c: p.write_bytes(lzma.compress(json.dumps([structure(c).as_dict()]).encode())),
    "x.jsonl": lambda p, c: p.write_text(json.dumps({"structure": structure(c).as_dict(verbosity=0)})),
    "x.jsonl.bz2": lambda p, c: p.write_bytes(bz2.compress(structure(c).to_json().encode())),
    "x.parquet": lambda p, c: table(p, cif=[cif_text(c)]),
    "y.parquet": lambda p, c: table(p, structure=[structure(c).to_json()]),
    "x.db": lambda p, c: database(p, (atoms(c, 70.0), {})),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("cell", CELLS)
def test_a_crystal_is_the_same_through_every_format(tmp_path: Path, name: str, cell: str) -> None:
    given = crystal(cell)
    WRITERS[name](tmp_path / name, given)
    (entry,) = check_source(tmp_path / name)
    (got,) = parse(entry)
    assert isinstance(got, Crystal), got
    np.testing.assert_allclose(got.lattice, given.lattice, atol=1e-6)
    offset = got.frac - given.frac
    np.testing.assert_allclose(offset - np.rint(offset), 0, atol=1e-6)
    np.testing.assert_array_equal(got.numbers, given.numbers)
    assert got.formula == given.formula


def text_of(format: str, text: str | bytes) -> Crystal | Reject:
    data = text.encode() if isinstance(text, str) else text
    (result,) = parse(Entry(0, "x", "file", data, {}, None, format))
    return result


def read(format: str, text: str) -> Crystal:
    result = text_of(format, text)
    assert isinstance(result, Crystal), result
    return result


HEADER = "title\n{}\n4 0 0\n0 4 0\n0 0 4\n{}\n1 1\n"
SITES = "0 0 0\n.5 .5 .5\n"


@pytest.mark.parametrize(
    ("text", "length", "x"),
    [
        (HEADER.format(1, "Cs Cl") + "Direct\n" + SITES, 4, 0.5),
        (HEADER.format(2, "Cs Cl") + "Direct\n" + SITES, 8, 0.5),
        (HEADER.format(2, "Cs Cl") + "Cartesian\n0 0 0\n2 2 2\n", 8, 0.5),
        (HEADER.format("-125 ! the volume", "Cs Cl") + "Direct\n" + SITES, 5, 0.5),
        (HEADER.format("2 2 2", "Cs Cl ! elements") + "k\n0 0 0\n-1 3 3\n", 8, 0.75),
        (
            HEADER.format(1, "Cs_sv Cl/0a1b") + "Selective dynamics\nDirect\n0 0 0 T T T\n.5 .5 .5 F F F\n",
            4,
            0.5,
        ),
        (HEADER.format(1, "Cs Cl") + "Direct\n" + SITES + "\n0 0 0\n1e-3 0 0\n", 4, 0.5),
    ],
)
def test_what_a_poscar_may_hold(text: str, length: float, x: float) -> None:
    for newline in ("\n", "\r\n"):
        got = read("poscar", text.replace("\n", newline))
        np.testing.assert_allclose(got.lattice, length * np.eye(3), atol=1e-12)
        assert got.frac[1, 0] == pytest.approx(x)
        assert got.formula == "CsCl"


def test_an_empty_site_of_a_structure_is_left_out() -> None:
    got = read("json", dumped(lambda d: d["sites"][2]["species"][0].update(occu=0)))
    assert got.numbers.tolist() == [55, 17]


def test_a_left_handed_cell_is_the_same_crystal() -> None:
    right = crystal("triclinic")
    left = Crystal("x", "", right.lattice[[1, 0, 2]], right.frac[:, [1, 0, 2]] + 0.1, right.numbers, {})
    assert np.linalg.det(left.lattice) < 0
    got = read("poscar", poscar(left))
    assert np.linalg.det(got.lattice) > 0
    # The vectors and the coordinates change sign together, so that every atom stays where it is.
    np.testing.assert_allclose(got.lattice @ got.lattice.T, left.lattice @ left.lattice.T, atol=1e-9)
    offset = got.frac + left.frac
    np.testing.assert_allclose(offset - np.rint(offset), 0, atol=1e-9)


def dumped(change: Callable[[dict[str, Any]], object]) -> str:
    value = structure(crystal()).as_dict()
    change(value)
    return json.dumps(value)


FRAME = '2\nLattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3 pbc="T T T"\nCs 0 0 0\nCl 2 2 2\n'

TEXTS = [kind for kind in READERS if not kind.startswith("field-")]  # a field's entry has a file
BAD: list[tuple[str, str, str | bytes, str, str]] = [
    *((f"{kind}: empty", kind, b"", "empty", "") for kind in TEXTS),
    *((f"{kind}: blank", kind, b" \n\n", "empty", "") for kind in TEXTS),
    *((f"{kind}: too long", kind, b" x" * 9_000_000, "too-large", "16 MiB") for kind in TEXTS),
    ("poscar: binary", "poscar", gzip.compress(b"POSCAR"), "poscar-syntax|incomplete", ""),
    ("poscar: NUL", "poscar", b"\0" * 500, "poscar-syntax", "not a text"),
    ("poscar: header only", "poscar", HEADER.format(1, "Cs Cl"), "incomplete", "header"),
    ("poscar: cut", "poscar", HEADER.format(1, "Cs Cl") + "Direct\n0 0 0\n", "incomplete", "1 of 2"),
    ("poscar: half a line", "poscar", HEADER.format(1, "Cs Cl") + "Direct\n0 0 0\n.5 .5", "coordinates", ""),
    ("poscar: VASP 4", "poscar", "t\n1\n4 0 0\n0 4 0\n0 0 4\n1 1\nDirect\n" + SITES, "element", "VASP 4"),
    ("poscar: element", "poscar", HEADER.format(1, "Cs Zz") + "D\n" + SITES, "element", "'Zz'"),
    ("poscar: vacancy", "poscar", HEADER.format(1, "Cs Va") + "D\n" + SITES, "element", "'Va'"),
    ("poscar: dummy", "poscar", HEADER.format(1, "X Cl_pv") + "D\n" + SITES, "element", "'X'"),
    ("poscar: 1_0 scale", "poscar", HEADER.format("1_0", "Cs Cl") + "D\n" + SITES, "poscar-syntax", "'1_0'"),
    ("poscar: 4_0 cell", "poscar", (HEADER + "D\n").replace("4 0 0", "4_0 0 0").format(1, "Cs Cl") + SITES, "cell",
     "'4_0' is not a number"),
    ("poscar: 0_5", "poscar", HEADER.format(1, "Cs Cl") + "D\n0 0 0\n0_5 0 0\n", "coordinates", "'0_5'"),
    ("poscar: digits", "poscar", HEADER.format(1, "Cs Cl") + "D\n0 0 0\n.٥ .٥ .٥\n", "coordinates", "'.٥'"),
    ("poscar: counts of digits", "poscar", (HEADER + "D\n").format(1, "Cs Cl").replace("1 1", "1 ١") + SITES,
     "poscar-syntax", ""),
    ("poscar: scale 0", "poscar", HEADER.format(0, "Cs Cl") + "D\n" + SITES, "cell", "scale"),
    ("poscar: scale word", "poscar", HEADER.format("one", "Cs Cl") + "D\n" + SITES, "poscar-syntax", "scale"),
    ("poscar: 2 scales", "poscar", HEADER.format("1 2", "Cs Cl") + "D\n" + SITES, "poscar-syntax", "two scales"),
    ("poscar: 1 of 3 scales", "poscar", HEADER.format("1 -1 1", "Cs Cl") + "D\n" + SITES, "cell", "scale"),
    ("poscar: NaN cell", "poscar", (HEADER + "D\n").replace("4 0 0", "nan 0 0").format(1, "Cs Cl") + SITES,
     "cell", "finite"),
    ("poscar: flat cell", "poscar", (HEADER + "D\n").format(1, "Cs Cl").replace("0 4 0", "4 0 0") + SITES,
     "cell", "volume"),
    ("poscar: overlap", "poscar", HEADER.format(1, "Cs Cl") + "D\n0 0 0\n0 0 .05\n", "overlapping-sites", "0.2"),
    ("poscar: NaN site", "poscar", HEADER.format(1, "Cs Cl") + "D\n0 0 0\nnan 0 0\n", "coordinates", "atom 2"),
    ("poscar: counts", "poscar", HEADER.format(1, "Cs") + "D\n" + SITES, "poscar-syntax", "1 elements and 2"),
    ("poscar: many", "poscar", (HEADER + "D\n").format(1, "Cs Cl").replace("1 1", "1 99999") + SITES,
     "too-many-sites", ""),
    ("poscar: none", "poscar", (HEADER + "D\n").format(1, "Cs Cl").replace("1 1", "0 0"), "no-structure", ""),
    ("extxyz: molecule", "extxyz", "1\nwater\nO 0 0 0\n", "cell", "Lattice"),
    ("extxyz: slab", "extxyz", FRAME.replace("T T T", "T T F"), "cell", "periodic"),
    ("extxyz: element", "extxyz", FRAME.replace("Cl ", "Zz "), "element", "'Zz'"),
    ("extxyz: 4_0 cell", "extxyz", FRAME.replace('"4 0', '"4_0 0'), "cell", "'4_0'"),
    ("extxyz: 2_0", "extxyz", FRAME.replace("2 2 2", "2_0 2 2"), "coordinates", "'2_0'"),
    ("extxyz: dummy", "extxyz", FRAME.replace("Cl ", "X "), "element", "'X'"),
    ("extxyz: near", "extxyz", FRAME.replace("2 2 2", "1 0 0"), "overlapping-sites", "Cs and Cl atoms"),
    ("extxyz: NaN cell", "extxyz", FRAME.replace('"4 0', '"nan 0'), "cell", ""),
    ("extxyz: cell of 8", "extxyz", FRAME.replace('"4 0 0', '"4 0'), "cell", "9 numbers"),
    ("extxyz: flat", "extxyz", FRAME.replace("0 4 0 0", "0 0 0 0"), "cell", ""),
    ("extxyz: cut", "extxyz", FRAME[:-12], "coordinates|incomplete", ""),
    ("extxyz: no pos", "extxyz", FRAME.replace("pos:R:3", "place:R:3"), "extxyz-syntax", "pos"),
    ("extxyz: infinite site", "extxyz", FRAME.replace("2 2 2", "inf 2 2"), "coordinates", ""),
    ("extxyz: no atoms", "extxyz", '0\nLattice="4 0 0 0 4 0 0 0 4"\n', "no-structure", ""),
    ("extxyz: binary", "extxyz", bytes(range(256)), "extxyz-syntax", ""),
    ("json: cut", "json", structure(crystal()).to_json()[:200], "json-syntax", "JSON"),
    ("json: binary", "json", bytes(range(128, 256)), "json-syntax", ""),
    ("json: deep", "json", "[" * 100_000, "json-syntax", ""),
    ("json: number", "json", "17", "no-structure", ""),
    ("json: no lattice", "json", dumped(lambda d: d.pop("lattice")), "no-structure", "lattice"),
    ("json: lattice null", "json", dumped(lambda d: d.update(lattice=None)), "cell", ""),
    ("json: lattice empty", "json", dumped(lambda d: d.update(lattice={})), "cell", "matrix"),
    ("json: ragged", "json", dumped(lambda d: d["lattice"].update(matrix=[[1], [2, 3]])), "cell", "3 numbers"),
    ("json: NaN cell", "json", dumped(lambda d: d["lattice"]["matrix"][0].__setitem__(0, math.nan)), "cell",
     "finite"),
    ("json: volume", "json", dumped(lambda d: d["lattice"].update(volume=99.5)), "cell", "volume of 99.5"),
    ("json: slab", "json", dumped(lambda d: d["lattice"].update(pbc=[True, True, False])), "cell", "periodic"),
    ("json: negative length", "json",
     dumped(lambda d: (d["lattice"].pop("matrix"), d["lattice"].update(a=-4))), "cell", "positive"),
    ("json: sites", "json", dumped(lambda d: d.update(sites=[])), "no-structure", ""),
    ("json: no species", "json", dumped(lambda d: d["sites"][1].pop("species")), "element", "site 2"),
    ("json: no place", "json", dumped(lambda d: d["sites"][1].pop("abc") and d["sites"][1].pop("xyz")),
     "coordinates", "abc"),
    ("json: element", "json", dumped(lambda d: d["sites"][1]["species"][0].update(element="Zz")), "element", ""),
    ("json: half", "json", dumped(lambda d: d["sites"][1]["species"][0].update(occu=0.5)), "disordered", "1 of"),
    ("json: shared", "json",
     dumped(lambda d: d["sites"][1].update(species=[{"element": e, "occu": 0.5} for e in ("Cl", "Br")])),
     "disordered", ""),
    ("json: all empty", "json", dumped(lambda d: [s["species"][0].update(occu=0) for s in d["sites"]]),
     "no-structure", "occupancy 0"),
    ("json: 0_5", "json", dumped(lambda d: d["sites"][1].update(abc=["0_5", "0.5", "0.5"])), "coordinates", "'0_5'"),
    ("json: occupancy", "json", dumped(lambda d: d["sites"][1]["species"][0].update(occu=-1)), "occupancy", ""),
    ("json: word", "json", dumped(lambda d: d["sites"][1]["species"][0].update(occu="all")), "occupancy", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("format", "text", "code", "words"), [row[1:] for row in BAD], ids=[r[0] for r in BAD]
)
def test_what_cannot_be_used_says_why(format: str, text: str | bytes, code: str, words: str) -> None:
    result = text_of(format, text)
    assert isinstance(result, Reject)
    assert result.code in code.split("|")
    assert words in result.message


GOOD = {
    "cif": cif_text(crystal()),
    "poscar": poscar(crystal()),
    "extxyz": FRAME,
    "json": structure(crystal()).to_json(),
}


@st.composite
def mutated(draw: st.DrawFn, text: str) -> bytes:
    """A text with a few bytes changed, a piece cut out or put in twice."""
    data = bytearray(text.encode())
    for _ in range(draw(st.integers(1, 3))):
        at, length = draw(st.integers(0, len(data))), draw(st.integers(0, 12))
        data[at : at + length] = draw(
            st.one_of(
                st.binary(max_size=8),
                st.sampled_from([b"", b"nan", b"-", b"1e999", b"\n", b'"', b"[", b"}", b"null", b"9" * 30]),
                st.just(bytes(data[at : at + length]) * 2),
            )
        )
    return bytes(data)


@pytest.mark.parametrize("format", sorted(set(GOOD) - {"cif"}))
def test_no_text_raises(format: str) -> None:
    @settings(max_examples=150)
    @given(st.one_of(st.binary(max_size=300), st.text(max_size=200).map(str.encode), mutated(GOOD[format])))
    def holds(data: bytes) -> None:
        for result in parse(Entry(0, "x", "file", data, {}, None, format)):
            if isinstance(result, Crystal):
                assert np.isfinite(result.lattice).all()
                assert np.linalg.det(result.lattice) > 0
                assert ((result.frac >= 0) & (result.frac < 1)).all()
                assert len(result.frac) == len(result.numbers) > 0
            else:
                assert result.code
                assert result.message

    holds()


STREAMS = {
    "s.extxyz": FRAME * 3,
    "s.json": json.dumps([structure(crystal()).as_dict(verbosity=0)] * 2),
    "t.json": json.dumps({"a": structure(crystal()).as_dict(verbosity=0), "b": {"structure": None}}),
    "s.jsonl": "\n".join([structure(crystal()).to_json()] * 3),
}


@pytest.mark.parametrize("name", STREAMS)
def test_no_stream_raises_or_stops_short(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    path = tmp_path_factory.mktemp("fuzz") / name

    @settings(max_examples=100)
    @given(st.one_of(st.binary(min_size=1, max_size=300), mutated(STREAMS[name])))
    def holds(data: bytes) -> None:
        path.write_bytes(data or b"x")
        try:
            source = open_source(path)
        except SourceError:  # what begins as if it were compressed and is not
            assert data.startswith((b"BZh", b"\x1f\x8b", b"\xfd7zXZ"))
            return
        entries = list(source)
        assert [entry.index for entry in entries] == list(range(len(entries)))
        assert repr(list(source)) == repr(entries)
        for entry in entries:
            assert parse(entry)
        assert entries or bytes(data).translate(None, b" \n\t\r") in (b"", b"[]", b"{}")

    holds()


def faults(entries: list[Entry]) -> list[tuple[str, str]]:
    return [(entry.origin, entry.fault.code) for entry in entries if entry.fault is not None]


def test_frames_have_ids_and_targets(tmp_path: Path) -> None:
    frames = [atoms(crystal(), material_id="mp-1", e=-1.5, name="salt", flag=True, note="two words")]
    frames += [atoms(crystal(), id=7, gap="nan"), atoms(crystal(), tag="z", data={"deep": [1]})]
    frames[2].calc = SinglePointCalculator(frames[2], energy=-3.25, forces=np.zeros((3, 3)))
    ase.io.write(tmp_path / "f.extxyz", frames)
    source = open_source(tmp_path / "f.extxyz")
    entries = list(source)
    assert [e.id for e in entries] == ["mp-1", "7", "f.extxyz#2"]
    assert [e.targets for e in entries] == [{"e": -1.5}, {}, {"energy": -3.25}]
    assert [e.origin for e in entries] == [f"f.extxyz:frame {i}" for i in range(3)]
    assert all(isinstance(parse(e)[0], Crystal) for e in entries)
    assert [e.id for e in open_source(tmp_path / "f.extxyz", "tag")] == ["f.extxyz#0", "f.extxyz#1", "z"]
    assert [e.targets for e in open_source(tmp_path / "f.extxyz", targets=["e"])] == [{"e": -1.5}, {}, {}]
    asked = list(open_source(tmp_path / "f.extxyz", targets=["note"]))
    assert faults(asked) == [("f.extxyz:frame 0", "target")]


@pytest.mark.parametrize("cut", [FRAME.index("Cl"), 1, FRAME.index("Lattice"), 0])
@pytest.mark.parametrize("suffix", ["", ".gz", ".xz"])
def test_a_cut_or_spoilt_file_of_frames_is_one_fault(tmp_path: Path, cut: int, suffix: str) -> None:
    path = tmp_path / f"f.xyz{suffix}"
    tail = FRAME[:cut] or "not a count\n" + FRAME
    data = (FRAME * 5 + tail).encode()
    pack: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".xz": lzma.compress}
    path.write_bytes(pack[suffix](data))
    entries = list(open_source(path))
    assert len(entries) == 6
    assert faults(entries) == [(path.name, "damaged-archive")]
    assert [e.fault is None for e in entries] == [True] * 5 + [False]


def test_a_frame_too_long_is_one_reject_and_the_next_is_read(tmp_path: Path) -> None:
    head, line = FRAME.splitlines()[1], "Cs 0 0 0" + " " * 4000 + "\n"
    (tmp_path / "f.xyz").write_text(FRAME + f"5000\n{head}\n" + line * 5000 + FRAME)
    results = [result for entry in open_source(tmp_path / "f.xyz") for result in parse(entry)]
    assert [getattr(result, "code", "crystal") for result in results] == ["crystal", "too-large", "crystal"]


def test_cut_compressed_files_give_what_is_there_and_one_fault(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frames = [FRAME.replace("pbc", f"note={rng.random()} pbc") for _ in range(3000)]
    objects = [
        json.dumps({"structure": structure(crystal()).as_dict(), "e": rng.random()}) for _ in range(800)
    ]
    for name, text in (
        ("f.xyz.gz", "".join(frames)),
        ("f.jsonl.gz", "\n".join(objects)),
        ("f.json.gz", "[" + ",".join(objects) + "]"),
    ):
        data = gzip.compress(text.encode())
        (tmp_path / name).write_bytes(data[: len(data) * 2 // 3])
        entries = list(open_source(tmp_path / name))
        assert faults(entries) == [(name, "damaged-archive")]
        assert 100 < len(entries) < 3000
        assert isinstance(parse(entries[-2])[0], Crystal)


def records() -> list[dict[str, Any]]:
    one = structure(crystal()).as_dict(verbosity=0)
    return [
        {"structure": one, "material_id": "mp-1", "e": -1.5, "n": 3, "stable": True, "note": "x"},
        {"id": 7, "e": None, "structure": one, "gap": "0.25"},
        one,
        {"structure": {}, "e": 2},
    ]


@pytest.mark.parametrize("kind", ["list", "lines", "spread"])
def test_json_records_have_ids_and_targets(tmp_path: Path, kind: str) -> None:
    text = "\n".join(map(json.dumps, records())) if kind == "lines" else json.dumps(records())
    name = "r.jsonl" if kind == "lines" else "r.json"
    (tmp_path / name).write_text(json.dumps(records(), indent=3) if kind == "spread" else text)
    source = open_source(tmp_path / name)
    entries = list(source)
    first = 1 if kind == "lines" else 0
    assert [e.id for e in entries] == ["mp-1", "7", f"{name}#{first + 2}", f"{name}#{first + 3}"]
    assert [e.targets for e in entries] == [{"e": -1.5, "n": 3}, {"gap": 0.25}, {}, {"e": 2}]
    assert [type(parse(e)[0]) for e in entries] == [Crystal, Crystal, Crystal, Reject]
    assert list(source) == entries


def test_an_object_of_structures_by_id(tmp_path: Path) -> None:
    one, record = structure(crystal()).as_dict(), records()[0]
    (tmp_path / "r.json").write_text(json.dumps({"a": one, "b": None, "c": record, "d": {"structure": one}}))
    entries = list(open_source(tmp_path / "r.json"))
    assert [e.id for e in entries] == ["a", "b", "mp-1", "d"]
    assert [e.origin for e in entries] == ["r.json:a", "r.json:b", "r.json:c", "r.json:d"]
    assert [type(parse(e)[0]) for e in entries] == [Crystal, Reject, Crystal, Crystal]


def test_long_lists_are_scanned_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_scanner, "_CHUNK", 7)
    (tmp_path / "r.json").write_text(" [ " + " , ".join(map(json.dumps, records())) + " ] \n")
    assert [len(parse(e)) for e in open_source(tmp_path / "r.json")] == [1, 1, 1, 1]
    (tmp_path / "n.json").write_text("[123456789012345, 17, 1.5e3]")
    assert [e.text for e in open_source(tmp_path / "n.json")] == [b"123456789012345", b"17", b"1.5e3"]


@pytest.mark.parametrize(
    ("text", "before", "words"),
    [
        ("[{}, {}", 2, "comma"),
        ("[{}, {}] []", 2, "jsonl"),
        ('{"a": {}, "b" {}}', 1, "colon"),
        ('{"a": {}, 3: {}}', 1, "key"),
        ('[{}, {"structure": {"latt', 1, "Unterminated"),
        ("[" * 50_000, 0, "deep"),
        ("17", 0, "list or an object"),
    ],
)
def test_a_spoilt_list_gives_what_is_there_and_one_fault(
    tmp_path: Path, text: str, before: int, words: str
) -> None:
    (tmp_path / "r.json").write_text(text)
    *good, last = open_source(tmp_path / "r.json")
    assert len(good) == before
    assert last.fault is not None
    assert (last.origin, last.fault.code) == ("r.json", "damaged-archive")
    assert words in last.fault.message


def test_a_single_structure_that_is_cut_is_one_reject(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(structure(crystal()).to_json()[:300])
    (entry,) = open_source(tmp_path / "s.json")
    (result,) = parse(entry)
    assert isinstance(result, Reject)
    assert (result.id, result.code) == ("s", "json-syntax")


def test_parquet(tmp_path: Path) -> None:
    cifs = [cif_text(crystal()), structure(crystal()).to_json(), None, "garbage", cif_text(crystal())]
    columns = {"note": list("vwxyz"), "id": [f"p{i}" for i in range(5)], "cif": cifs}
    table(tmp_path / "t.parquet", **columns, e=[1.5, None, math.nan, 4.0, 5.0], n=[1, 2, 3, 4, None])
    source = open_source(tmp_path / "t.parquet")
    entries = list(source)
    assert (source.kind, source.total, source.target_names) == ("parquet", 5, ("e", "n"))
    assert [e.id for e in entries] == ["p0", "p1", "p2", "p3", "p4"]
    assert [e.targets for e in entries] == [
        {"e": 1.5, "n": 1},
        {"n": 2},
        {"n": 3},
        {"e": 4, "n": 4},
        {"e": 5},
    ]
    codes = [getattr(parse(e)[0], "code", "crystal") for e in entries]
    assert codes == ["crystal", "crystal", "empty", "cif-syntax", "crystal"]
    assert list(source) == entries
    assert [e.id for e in open_source(tmp_path / "t.parquet", id_column="note")] == list("vwxyz")
    assert open_source(tmp_path / "t.parquet", targets=["n"]).target_names == ("n",)
    for options, words in (
        ({"id_column": "key"}, "'key'"),
        ({"targets": ["note"]}, "e, n"),
        ({"cif_column": "e"}, "not text"),
    ):
        with pytest.raises(SourceError, match=words):
            open_source(tmp_path / "t.parquet", **options)
    table(tmp_path / "o.parquet", text=cifs)
    with pytest.raises(SourceError, match="no column 'cif': the table has: text"):
        open_source(tmp_path / "o.parquet")


def test_parquet_of_categories_and_damage(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    rng = np.random.default_rng(0)
    cifs = [cif_text(crystal()) + f"# {rng.random()}\n" for _ in range(1200)]
    made = pa.table(
        {"cif": pa.array(cifs), "id": pa.array([f"p{i}" for i in range(1200)]).dictionary_encode()}
    )
    pq.write_table(made, path, row_group_size=300, write_page_checksum=True, use_dictionary=False)
    assert [e.id for e in open_source(path)] == [f"p{i}" for i in range(1200)]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)
    entries = list(open_source(path))
    assert faults(entries) == [("t.parquet", "damaged-archive")]
    assert 1 < len(entries) < 1200
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(SourceError, match="cannot read the table"):
        open_source(path)


def test_a_database_of_ase(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    counted = atoms(crystal())
    counted.calc = SinglePointCalculator(counted, energy=-3.25)
    slab = atoms(crystal())
    slab.pbc = (True, True, False)
    database(
        path,
        (counted, {"gap": 0.5, "name": "first", "metal": False, "note": "words"}),
        (atoms(crystal("triclinic")), {"material_id": "mp-2", "n": 3}),
        (slab, {}),
        (Atoms("XCl", scaled_positions=[[0, 0, 0], [0.5, 0.5, 0.5]], cell=[4, 4, 4], pbc=True), {}),
        (atoms(crystal()), {}),
    )
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE systems SET positions = x'00' WHERE id = 5")
        connection.execute("INSERT INTO systems (id) VALUES (9)")
    before = path.read_bytes()
    source = open_source(path)
    entries = list(source)
    assert (source.kind, source.total) == ("ase", 6)
    assert [e.id for e in entries] == ["first", "mp-2", "a.db#3", "a.db#4", "a.db#5", "a.db#9"]
    assert [e.targets for e in entries][:2] == [{"energy": -3.25, "gap": 0.5}, {"n": 3}]
    codes = [getattr(parse(e)[0], "code", "crystal") for e in entries]
    assert codes == ["crystal", "crystal", "cell", "element", "unreadable", "unreadable"]
    assert list(source) == entries
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.db"]


def test_what_is_no_database_or_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    for data in (b"", b"garbage" * 300):
        path.write_bytes(data)
        with pytest.raises(SourceError, match="database of ASE"):
            open_source(path)
        assert path.read_bytes() == data
    path.unlink()
    database(path, *[(atoms(crystal()).repeat((2, 2, 2)), {"n": i}) for i in range(60)])
    data = path.read_bytes()
    source = open_source(path)
    path.write_bytes(data[: len(data) // 2])
    entries = list(source)
    assert faults(entries)[-1] == ("a.db", "damaged-archive")
    assert len(faults(entries)) == 1


def fill(folder: Path) -> None:
    """Four crystals in two formats, and six structure files that cannot be used, two for their ids."""
    texts: dict[str, str | bytes] = {
        "a.cif": cif_text(crystal()),
        "b.vasp": poscar(crystal()),
        "calc/CONTCAR": poscar(crystal()),
        "calc/POSCAR": poscar(crystal("primitive")),
        "calc/POSCAR.old": poscar(crystal())[:120],
        "calc/z.CIF": cif_text(crystal()),
        "b.cif": "garbage",
        "empty.poscar": "",
        "c.vasp": poscar(crystal()).replace("Cs", "Zz"),
        "calc/POSCAR.gz": gzip.compress(poscar(crystal()).encode()),
        "notes.txt": "not a structure",
        ".POSCAR": "hidden",
    }
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)


FORMATS = {"a": "cif", "b": "cif", "c": "poscar", "calc/CONTCAR": "poscar", "calc/POSCAR": "poscar",
           "calc/POSCAR.old": "poscar", "calc/z": "cif", "empty": "poscar"}  # fmt: skip


def test_folders_and_archives_mix_formats(tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    fill(folder)
    entries = list(open_source(folder))
    assert {e.id: e.format for e in entries if e.fault is None} == FORMATS
    assert faults(entries) == [("mixed/b.vasp", "duplicate-id"), ("mixed/calc/POSCAR.gz", "duplicate-id")]
    names = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
    with (
        tarfile.open(tmp_path / "m.tar.gz", "w:gz") as tar,
        zipfile.ZipFile(tmp_path / "m.zip", "w") as packed,
    ):
        for name in names:
            tar.add(folder / name, name)
            packed.write(folder / name, name)
    for archive in ("m.tar.gz", "m.zip"):
        got = list(open_source(tmp_path / archive))
        assert sorted((e.id, e.format, e.text) for e in got) == sorted(
            (e.id, e.format, e.text) for e in entries
        )
    (tmp_path / "cut.tar.gz").write_bytes((tmp_path / "m.tar.gz").read_bytes()[:900])
    cut = list(open_source(tmp_path / "cut.tar.gz"))
    assert faults(cut)[-1] == ("cut.tar.gz", "damaged-archive")


@pytest.mark.slow
def test_featurize_a_mixed_folder(tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    fill(folder)
    out = tmp_path / "shards"
    outcome = run(DensitySettings(source=folder, out=out, voxels=8, entries_per_shard=4, actors=1))
    assert outcome.summary.endswith("; passed over: 1 file of another kind (notes.txt)")
    shards = ShardSet.open(out)
    with (out / "rejects.csv").open() as file:
        codes = {row["origin"].removeprefix("mixed/"): row["code"] for row in csv.DictReader(file)}
    assert shards.ids == ["a", "calc/CONTCAR", "calc/POSCAR", "calc/z"]
    assert codes["b.vasp"] == "duplicate-id"
    assert codes["empty.poscar"] == "empty"
    assert codes["c.vasp"] == "element"
    assert codes["b.cif"] == "cif-syntax"
    assert len(shards) + len(codes) == shards.manifest.n_entries == 10


def test_the_digest_covers_the_format_and_keeps_that_of_cifs() -> None:
    entry = Entry(0, "x", "f", b"text", {})
    assert entries_digest([entry]) != entries_digest([entry._replace(format="poscar")])
    assert entries_digest([entry._replace(format="json")]) != entries_digest(
        [entry._replace(format="poscar")]
    )
    assert entries_digest([entry]) == "fa8dc1035897e5ceb9b5c909d47c29ac"


def test_the_kinds_are_listed_with_all_their_names(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        open_source(tmp_path / "absent")
    for word in ("POSCAR*", ".extxyz", ".jsonl", ".json.gz", ".parquet", ".db", ".zip", ".csv"):
        assert word in str(caught.value)
    assert len(kinds()) == 10  # each said once


@pytest.mark.parametrize(
    ("rows", "mode", "expected"),
    [
        ("0 0 0 Cs\n.5 .5 .5 Cl", "Direct", ""),
        ("0 0 0 Cs1+\n.5 .5 .5 Cl-", "Direct", ""),
        ("0 0 0 F F F\n.5 .5 .5 F F F", "Selective dynamics\nDirect", ""),
        ("0 0 0 T T F Cs\n.5 .5 .5 T T F Cl", "Selective dynamics\nDirect", ""),
        ("0 0 0 Cl\n.5 .5 .5 Cs", "Direct", "site 1 is Cs by the list of elements, and Cl"),
        ("0 0 0 T T F Cs\n.5 .5 .5 T T F Br", "Selective dynamics\nDirect", "site 2 is Cl by the list"),
    ],
)
def test_elements_behind_the_coordinates_of_a_poscar_are_held_against_its_list(
    rows: str, mode: str, expected: str
) -> None:
    result = text_of("poscar", f"{HEADER.format(1, 'Cs Cl')}{mode}\n{rows}\n")
    if expected:
        assert isinstance(result, Reject)
        assert result.code == "element"
        assert expected in result.message
    else:
        assert isinstance(result, Crystal), result
        assert result.formula == "CsCl"


@pytest.mark.parametrize(
    ("mode", "second", "expected"),
    [
        ("Direct", ".5 1.5 -.5", ()),
        ("Direct", "3.5 2.5 3.5", ("far-coordinates",)),
        ("Cartesian", "10 10 10", ()),
        ("Direct", "4 8 4", "coordinates"),
    ],
)
def test_direct_coordinates_of_a_poscar_that_may_be_none_are_told(
    mode: str, second: str, expected: object
) -> None:
    result = text_of("poscar", f"{HEADER.format(1, 'Cs Cl')}{mode}\n0 0 0\n{second}\n")
    assert (result.remarks if isinstance(result, Crystal) else result.code) == expected


def test_a_poscar_without_the_kind_of_its_coordinates_loses_no_site() -> None:
    result = text_of("poscar", f"{HEADER.format(1, 'Cs Cl')}{SITES}.1 .1 .1\n.2 .2 .2\n")
    assert isinstance(result, Reject)
    assert result.code == "poscar-syntax"
    assert "line 8 must say Direct or Cartesian" in result.message


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda d: d["sites"][1].update(xyz=[1, 1, 1]), "coordinates"),
        (lambda d: d["lattice"].update(a=5.0), "cell"),
        (lambda d: d["lattice"].update(gamma=100.0), "cell"),
        (lambda d: [site.pop("xyz") for site in d["sites"]], ""),
        (lambda d: [site.pop("abc") for site in d["sites"]], ""),
    ],
)
def test_what_a_structure_in_json_says_twice_must_agree(change: Any, code: str) -> None:
    result = text_of("json", dumped(change))
    assert getattr(result, "code", "") == code, result


@pytest.mark.parametrize("key", ["lattice", "matrix", "sites"])
def test_a_key_with_two_values_in_a_structure_in_json_is_named(key: str) -> None:
    text = dumped(lambda d: None)
    other = text.replace(f'"{key}": ', f'"{key}": [[9, 0, 0], [0, 9, 0], [0, 0, 9]], "{key}": ', 1)
    result = text_of("json", other)
    assert isinstance(result, Reject)
    assert result.code == "json-syntax"
    assert f"'{key}' twice" in result.message
