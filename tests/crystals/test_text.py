"""Byte-order marks, UTF-16 and old line ends are no damage, in any format that is text."""

import codecs
import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal
from hpcvox.crystals.sources.source import open_source
from hpcvox.crystals.text import decoded

CIF = (
    "# a comment\ndata_x\n"
    + "".join(f"_cell_length_{axis} 4.1\n" for axis in "abc")
    + "".join(f"_cell_angle_{angle} 90\n" for angle in ("alpha", "beta", "gamma"))
    + "loop_\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"
    + "Cs 0 0 0\nCl 0.5 0.5 0.5\n"
)
FRAME = '2\nLattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3 e=1.5\nCs 0 0 0\nCl 2 2 2\n'
STRUCTURE = {
    "lattice": {"matrix": [[4, 0, 0], [0, 4, 0], [0, 0, 4]], "pbc": [True] * 3},
    "sites": [{"species": [{"element": e}], "abc": [x] * 3} for e, x in (("Cs", 0), ("Cl", 0.5))],
}


def table() -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([["id", "cif", "e"], ["é", CIF, 1.5], ["b", CIF, 2]])
    return text.getvalue()


TEXTS = {
    "x.cif": CIF,
    "x.vasp": "salt\n1\n4 0 0\n0 4 0\n0 0 4\nCs Cl\n1 1\nDirect\n0 0 0\n.5 .5 .5\n",
    "x.extxyz": FRAME * 2,
    "x.json": json.dumps([{"structure": STRUCTURE, "e": 1.5}] * 2, indent=1),
    "y.json": json.dumps(STRUCTURE, indent=1),
    "x.jsonl": (json.dumps({"structure": STRUCTURE, "e": 1.5}) + "\n") * 2,
    "x.csv": table(),
}
ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "UTF-8 with a mark": lambda text: codecs.BOM_UTF8 + text.encode(),
    "UTF-16 LE": lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
    "UTF-16 BE": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    "UTF-16 LE without a mark": lambda text: text.encode("utf-16-le"),
    "UTF-16 BE without a mark": lambda text: text.encode("utf-16-be"),
    "UTF-32": lambda text: text.encode("utf-32"),
    "old Mac": lambda text: text.replace("\n", "\r").encode(),
    "old Mac, the last line not": lambda text: text.rstrip().replace("\n", "\r").encode() + b"\n",
    "DOS": lambda text: text.replace("\n", "\r\n").encode(),
    "DOS in UTF-16": lambda text: text.replace("\n", "\r\n").encode("utf-16"),
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("packed", ["", ".gz"])
def test_every_format_is_read_in_every_encoding(
    tmp_path: Path, name: str, encoding: str, packed: str
) -> None:
    def read(data: bytes) -> list[tuple[str, str, dict[str, float]]]:
        (tmp_path / (name + packed)).write_bytes(gzip.compress(data) if packed else data)
        found = [result for entry in open_source(tmp_path / (name + packed)) for result in parse(entry)]
        assert all(isinstance(one, Crystal) for one in found), found
        return [(one.id, one.formula, dict(one.targets)) for one in found if isinstance(one, Crystal)]

    assert read(ENCODINGS[encoding](TEXTS[name])) == read(TEXTS[name].encode())


def test_files_that_were_put_together_have_a_mark_each(tmp_path: Path) -> None:
    for name, text in (("x.cif", CIF), ("x.extxyz", FRAME), ("x.jsonl", json.dumps(STRUCTURE) + "\n")):
        (tmp_path / name).write_bytes(2 * (codecs.BOM_UTF8 + text.encode()))
        found = [result for entry in open_source(tmp_path / name) for result in parse(entry)]
        assert [type(one) for one in found] == [Crystal, Crystal], found


def test_what_needs_no_decoding_is_not_even_copied() -> None:
    for data in (CIF.encode(), b"", b"\xff", b"\xc3\xa9t\xc3\xa9"):
        assert decoded(data) is data
