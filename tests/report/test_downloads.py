"""Crystals to download from inside the page."""

import gzip
from pathlib import Path

from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal
from hpcvox.crystals.sources.source import open_source
from hpcvox.report import downloads
from hpcvox.report.reading import read_rows
from tests.support.report_run import make_generated, run_of


def test_downloads_are_whole_files_in_a_page_that_is_the_same_each_time(
    tmp_path: Path,
) -> None:
    generated = tmp_path / "generated"
    make_generated(generated)
    (generated / "cifs" / "c000.cif").write_text("data_x\nloop_\n")
    folder = run_of(tmp_path, generated=generated).generated
    rows = downloads.listed(folder, list(read_rows(generated / "candidates.csv")))
    packed, notes = downloads.pack("generated", rows, 5)
    assert packed is not None
    assert list(packed.cifs) == ["c001", "c002", "c004", "c005<b>"], "c000 is damaged, c003 has none"
    assert [note.split(" ")[:3] for note in notes] == [["1", "CIF", "cannot"], ["The", "first", "5"]]
    whole = gzip.decompress(packed.files["generated.cif"])
    for id, (name, start, end) in packed.cifs.items():
        assert whole[start:end] == (generated / "cifs" / name).read_bytes(), id
    assert downloads.pack("generated", rows, 5)[0] == packed
    (tmp_path / "again.csv").write_bytes(gzip.decompress(packed.files["generated.csv"]))
    read = [parse(entry)[0] for entry in open_source(tmp_path / "again.csv")]
    assert [(c.id, c.formula) for c in read if isinstance(c, Crystal)] == [
        ("c001", "MgO"), ("c002", "SrTiO3"), ("c004", "SrTiO3"), ("c005<b>", "MgO")
    ]  # fmt: skip
    assert downloads.pack("generated", rows, 0) == (None, [])
