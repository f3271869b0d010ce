"""Tables of CSV: what is written is what is read again, whatever a cell holds."""

import csv
from pathlib import Path

from hpcvox.crystals.sources.source import open_source
from hpcvox.files import durable
from hpcvox.report.reading import read_rows
from tests.support.paths import ROOT
from tests.support.small_cifs import NACL, cif

ODD = [
    "=1+1",
    "+1",
    "-x",
    "@a",
    "\t=a",
    "\r=a",
    "a\rb",
    "a\r\nb",
    "a\nb",
    'a"b',
    "a,b",
    "007",
    " a ",
    "Å",
    "'=a",
    "",
]


def test_a_table_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    """Whatever a cell holds: also what a spreadsheet takes for a formula, which docs/tables.md speaks of."""
    path = tmp_path / "x.csv"
    durable.write_csv(path, ("id", "n"), ({"id": text, "n": n} for n, text in enumerate(ODD)))
    with path.open(encoding="utf-8", newline="") as file:
        assert [(row["id"], row["n"]) for row in csv.DictReader(file)] == [
            (text, str(n)) for n, text in enumerate(ODD)
        ]
    assert [row["id"] for row in read_rows(path)] == ODD
    assert path.read_bytes().startswith(b"id,n\n=1+1,0\n+1,1\n")


def test_ids_that_a_spreadsheet_would_run_are_those_of_the_source(tmp_path: Path) -> None:
    text = cif((5.64, 5.64, 5.64, 90, 90, 90), NACL)
    rows = ({"id": text_id, "cif": text} for text_id in ODD if text_id.strip() == text_id and text_id)
    durable.write_csv(tmp_path / "x.csv", ("id", "cif"), rows)
    entries = list(open_source(tmp_path / "x.csv"))
    assert [entry.id for entry in entries] == [one for one in ODD if one.strip() == one and one]
    assert all(entry.fault is None for entry in entries)


def test_the_page_on_tables_says_which_cells_a_spreadsheet_runs() -> None:
    page = " ".join((ROOT / "docs" / "tables.md").read_text("utf-8").split())
    assert "begins with `=`, `+`, `-`, `@`, a tab or a carriage return" in page
