"""Whatever bytes come: every input of a source ends as crystals or as a rejection, soon, and none is lost.

Valid files are damaged in places: bytes, words and whole lines changed, cut out, doubled or swapped.
"""

import contextlib
import csv
import io
import json
import lzma
import math
import sqlite3
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

import ase.db
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ase import Atoms
from ase.io.cube import write_cube
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure
from pymatgen.io.vasp import Chgcar, Locpot, Poscar

from hpcvox.crystals.fields import Quantity
from hpcvox.crystals.fields.crystal import FieldCrystal
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal, Entry, Reject
from hpcvox.crystals.sources.source import open_fields, open_source
from hpcvox.errors import SourceError

SECONDS = 10
"""That one input may take."""
EXAMPLES = settings(
    max_examples=150,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

SALT = Structure(
    Lattice.from_parameters(4.1, 4.2, 4.4, 90, 97, 90), ["Cs", "Cl"], [[0.0, 0.0, 0.0], [0.5, 0.45, 0.5]]
)
CIF = """data_x
_cell_length_a 4.1(2)
_cell_length_b 4.1
_cell_length_c 6.3
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 120
_chemical_formula_sum 'Cs2 Cl2'
_space_group_name_H-M_alt 'P -3'
loop_
_space_group_symop_operation_xyz
'x, y, z'
'-y, x-y, z'
'-x+y, -x, z'
'-x, -y, -z'
'y, -x+y, -z'
'x-y, x, -z'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Cs1 Cs+ 0.3333 0.66667 0.2 1
Cl1 Cl- 0.3333 0.66667 0.8(1) 1.0
"""
FRAME = (
    '2\nLattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3 e=-1.5 pbc="T T T"\nCs 0 0 0\nCl 2 2 2\n'
)
WORDS = [
    *(
        b"",
        b"nan",
        b"-",
        b"-1",
        b"0",
        b"1e999",
        b"1e-320",
        b"1e5",
        b"\n",
        b'"',
        b"'",
        b";",
        b"[",
        b"}",
        b"null",
        b"#",
    ),
    *(b"_", b"loop_", b"data_", b"?", b"9" * 30, b"\xff", b"\0", b"\r", b","),
]
"""What is put in the place of bytes or words."""


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """``data`` with one to four places changed."""
    for _ in range(draw(st.integers(1, 4))):
        cut = draw(st.sampled_from([None, b" ", b"\n"]))  # bytes, words or lines
        parts = [data[i : i + 1] for i in range(len(data))] if cut is None else data.split(cut)
        at = draw(st.integers(0, len(parts)))
        count = draw(st.integers(0, 12 if cut is None else 2))
        old = parts[at : at + count]
        new = draw(
            st.one_of(
                st.sampled_from(WORDS).map(lambda word: [word]),
                st.binary(max_size=8).map(lambda word: [word]),
                st.just(old * 2),
                st.just(old[::-1]),
                st.just([]),
            )
        )
        data = (cut or b"").join([*parts[:at], *new, *parts[at + count :]])
    return data[: draw(st.integers(0, len(data)))] if draw(st.integers(0, 9)) == 0 else data


def table() -> bytes:
    """A CSV of three crystals."""
    text = io.StringIO()
    csv.writer(text).writerows([["id", "cif", "e"], ["a", CIF, -1.5], ["b", CIF, "nan"], ["c", CIF, ""]])
    return text.getvalue().encode()


def made(path: Path, write: Callable[[Path], object]) -> bytes:
    """The bytes of what ``write`` makes at ``path``."""
    write(path)
    data = path.read_bytes()
    path.unlink()
    return data


def archive(path: Path) -> None:
    """Two CIFs and a POSCAR in a tar or zip."""
    members = {"a.cif": CIF, "b/POSCAR": str(Poscar(SALT)), "c.cif": CIF}
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as packed:
            for name, text in members.items():
                packed.writestr(name, text)
        return
    mode: Literal["w:", "w:gz"] = "w:gz" if path.suffix == ".gz" else "w:"
    with tarfile.open(path, mode) as packed:
        for name, text in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            packed.addfile(info, io.BytesIO(text.encode()))


def database(path: Path) -> None:
    """Three rows of ASE's."""
    with ase.db.connect(path) as base:
        for i in range(3):
            base.write(Atoms("CsCl", scaled_positions=[[0, 0, 0], [0.5] * 3], cell=[4] * 3, pbc=True), n=i)
    with contextlib.closing(sqlite3.connect(path)) as base:
        base.executescript("PRAGMA page_size = 512; VACUUM")  # more of it is data then


def cube(path: Path) -> None:
    """A density of 4×3×2 points."""
    atoms = Atoms("CsCl", scaled_positions=[[0, 0, 0], [0.5] * 3], cell=[4] * 3, pbc=True)
    with path.open("w") as file:
        write_cube(file, atoms, np.arange(24.0).reshape(4, 3, 2))


GRID = {"total": np.arange(24.0).reshape(2, 3, 4), "diff": np.ones((2, 3, 4))}
SOURCES: dict[str, Callable[[Path], object]] = {
    "x.cif": lambda p: p.write_text(CIF),
    "POSCAR": lambda p: p.write_text(str(Poscar(SALT))),
    "x.extxyz": lambda p: p.write_text(FRAME * 3),
    "x.json": lambda p: p.write_text(json.dumps({"a": SALT.as_dict(verbosity=0), "b": SALT.as_dict()})),
    "x.jsonl": lambda p: p.write_text((json.dumps({"structure": SALT.as_dict(), "e": -1.5}) + "\n") * 3),
    "x.jsonl.xz": lambda p: p.write_bytes(lzma.compress((SALT.to_json() + "\n").encode() * 3)),
    "x.csv": lambda p: p.write_bytes(table()),
    "x.parquet": lambda p: pq.write_table(
        pa.table({"id": ["a", "b"], "cif": [CIF, SALT.to_json()], "e": [1.5, None]}), p
    ),
    "x.db": database,
    "x.tar": archive,
    "x.tar.gz": archive,
    "x.zip": archive,
}
FIELDS: dict[str, Callable[[Path], object]] = {
    "CHGCAR": lambda p: Chgcar(Poscar(SALT), GRID).write_file(p),
    "LOCPOT": lambda p: Locpot(Poscar(SALT), GRID).write_file(p),
    "x.cube": cube,
}


def ends(entries: Iterable[Entry]) -> list[Crystal | Reject]:
    """What the entries come to, each soon and in its turn."""
    results: list[Crystal | Reject] = []
    for number, entry in enumerate(entries):
        assert entry.index == number
        begun = time.monotonic()
        found = parse(entry)
        assert time.monotonic() - begun < SECONDS
        assert found
        for result in found:
            if isinstance(result, Crystal):
                assert np.isfinite(result.lattice).all()
                volume = np.linalg.det(result.lattice)
                # a field stays on the grid that it has, of either hand
                assert volume > 0 or (volume < 0 and isinstance(result, FieldCrystal))
                assert ((result.frac >= 0) & (result.frac < 1)).all()
                assert len(result.frac) == len(result.numbers) > 0
                assert all(math.isfinite(value) for value in result.targets.values())
            else:
                assert result.code
                assert result.message
        results += found
    return results


@pytest.mark.parametrize("name", SOURCES)
def test_no_damage_to_a_source_stops_it_or_loses_an_input(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    whole = made(path, SOURCES[name])

    @EXAMPLES
    @given(damaged(whole))
    def holds(data: bytes) -> None:
        path.write_bytes(data)
        begun = time.monotonic()
        with contextlib.suppress(SourceError):  # nothing of it can be read, and the user is told
            source = open_source(path)
            results = ends(source)
            lost = any(getattr(result, "code", "") == "damaged-archive" for result in results)
            assert lost or source.total in (None, len(list(source)))
            assert results or data.translate(None, b" \n\t\r") in (b"", b"[]", b"{}")
        assert time.monotonic() - begun < SECONDS

    path.write_bytes(whole)
    assert all(isinstance(result, Crystal) for result in ends(open_source(path)))
    holds()


@pytest.mark.parametrize("name", FIELDS)
def test_no_damage_to_a_field_raises(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    whole = made(path, FIELDS[name])
    kind: Quantity = "potential" if name == "LOCPOT" else "density"

    @EXAMPLES
    @given(damaged(whole))
    def holds(data: bytes) -> None:
        path.write_bytes(data)
        assert len(ends(open_fields(path, kind))) == 1

    path.write_bytes(whole)
    assert isinstance(ends(open_fields(path, kind))[0], Crystal)
    holds()
