"""What a small file may take: members, rows and values that are too long are rejects, and none of them is held."""

import bz2
import contextlib
import csv
import gzip
import io
import json
import lzma
import sqlite3
import struct
import subprocess
import sys
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcvox.crystals.limits import MAX_BYTES, MAX_COLUMNS
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal
from hpcvox.crystals.sources.long_rows import MAX_ROW, _outline
from hpcvox.crystals.sources.source import open_source
from hpcvox.errors import SourceError
from tests.support.paths import ROOT
from tests.support.small_cifs import NACL, cif

pytestmark = pytest.mark.slow

MIB = 2**20
CIF = cif((5.64, 5.64, 5.64, 90, 90, 90), NACL)

READ = r"""
import re, sys, time
from pathlib import Path
from hpcvox.crystals.sources.source import open_source
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal
from hpcvox.errors import SourceError
def peak():  # not getrusage, which begins at what the process that started this one had
    return int(re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[1]) // 1024
before, began, said = peak(), time.monotonic(), {}
held = []
try:
    for entry in open_source(sys.argv[1]):
        if len(held) == 512: held.clear()
        held.append(entry)  # as an engine does until a shard is full
        for result in parse(entry):
            code = "crystal" if isinstance(result, Crystal) else result.code
            said[code] = said.get(code, 0) + 1
except SourceError as error:
    said["error"] = str(error)[:80].replace(" ", "_")
print(peak() - before, round(time.monotonic() - began, 2), *(f"{code}={n}" for code, n in said.items()))
"""


def measured(path: Path) -> tuple[int, float, dict[str, str]]:
    """MiB that reading a source takes at most, the seconds, and how many of its inputs came to what."""
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    mib, seconds, *said = done.stdout.split()
    return int(mib), float(seconds), dict(word.split("=", 1) for word in said)


def zip_of(path: Path, members: list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("kind", ["deflated", "bzip2", "lzma", "stored gzip"])
def test_a_zip_of_members_that_are_too_large_holds_none(kind: str, tmp_path: Path) -> None:
    huge, method = b" " * (MAX_BYTES + 100), zipfile.ZIP_DEFLATED
    name = "{}.cif"
    if kind == "bzip2":
        huge, method = b" " * (3 * MAX_BYTES), zipfile.ZIP_BZIP2
    elif kind == "lzma":
        huge, method = b" " * (3 * MAX_BYTES), zipfile.ZIP_LZMA
    elif kind == "stored gzip":
        huge, method, name = gzip.compress(huge), zipfile.ZIP_STORED, "{}.cif.gz"
    members = [(name.format(n), huge) for n in range(2 if method > zipfile.ZIP_DEFLATED else 20)]
    path = zip_of(tmp_path / "big.zip", [*members, ("good.cif", CIF.encode())], method)
    assert path.stat().st_size < 3 * MIB
    mib, _, said = measured(path)
    assert said == {"too-large": str(len(members)), "crystal": "1"}
    assert mib < 200


def test_a_tar_of_members_that_are_too_large_holds_none(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "big.tar.gz", "w:gz") as archive:
        for name, data in [
            *((f"{n}.cif", b" " * (MAX_BYTES + 100)) for n in range(20)),
            ("good.cif", CIF.encode()),
        ]:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    mib, _, said = measured(tmp_path / "big.tar.gz")
    assert said == {"too-large": "20", "crystal": "1"}
    assert mib < 200


LONG_NAMES = [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME]


def tar_of(path: Path, *members: tuple[bytes, bytes]) -> Path:
    """A tar of a good crystal and then of members that are a type and data, packed."""
    with gzip.open(path, "wb", 6) as file:
        for kind, data in ((tarfile.REGTYPE, CIF.encode()), *members):
            header = tarfile.TarInfo("a.cif")
            header.type, header.size = kind, len(data)
            file.write(header.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % 512))
        file.write(bytes(1024))
    return path


@pytest.mark.parametrize("kind", LONG_NAMES)
def test_a_tar_with_a_long_header_does_not_have_it_read(kind: bytes, tmp_path: Path) -> None:
    mib, seconds, said = measured(tar_of(tmp_path / "a.tar.gz", (kind, bytes(300 * MIB))))
    assert said == {"crystal": "1", "damaged-archive": "1"}
    assert mib < 200
    assert seconds < 10


def pax(**said: str) -> tuple[bytes, bytes]:
    """Attributes of the member that comes next."""
    lines = b""
    for key, value in said.items():
        rest = f" {key.replace('__', '.')}={value}\n".encode()
        length = len(rest) + len(str(len(rest)))
        length += len(str(length)) - len(str(len(rest)))
        lines += str(length).encode() + rest
    return tarfile.XHDTYPE, lines


SPARSE = {"GNU__sparse__major": "1", "GNU__sparse__minor": "0", "GNU__sparse__name": "a.cif"}

HEADERS: dict[str, list[tuple[bytes, bytes]]] = {
    "one upon another": [pax(comment="x")] * 3000,
    "a size that is no number": [pax(GNU__sparse__size="x"), (tarfile.REGTYPE, b"data_")],
    "a map that is none": [pax(GNU__sparse__map="x,y"), (tarfile.REGTYPE, b"data_")],
    "a map of any length": [pax(**SPARSE), (tarfile.REGTYPE, b"100000000\n" + b"0\n" * (20 * MIB))],
    "a sparse file": [(tarfile.GNUTYPE_SPARSE, b"data_")],
    "many for all": [(tarfile.XGLTYPE, pax(**{f"k{n}": "x" * (MIB - 100)})[1]) for n in range(300)],
}


@pytest.mark.parametrize("kind", HEADERS)
def test_a_tar_of_strange_headers_is_damaged(kind: str, tmp_path: Path) -> None:
    mib, seconds, said = measured(tar_of(tmp_path / "a.tar.gz", *HEADERS[kind]))
    assert said == {"crystal": "1", "damaged-archive": "1"}
    assert mib < 100
    assert seconds < 10


def test_a_tar_of_many_members_holds_none_of_their_headers(tmp_path: Path) -> None:
    long = [pax(comment="x" * (MIB - 100)), (tarfile.DIRTYPE, b"")] * 300
    mib, _, said = measured(tar_of(tmp_path / "a.tar.gz", *long))
    assert said == {"crystal": "1"}
    assert mib < 100


ROWS = "x'37000000' AS numbers, zeroblob(24) AS positions, zeroblob(72) AS cell, 7 AS pbc, 1.0 AS energy"
ENDLESS = "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n)"

MANY = "UPDATE systems SET numbers = zeroblob(8000000), positions = zeroblob(48000000)"

DATABASES: dict[str, tuple[str, str]] = {
    "a view": (f"CREATE VIEW systems AS {ENDLESS} SELECT id, {ROWS}, '' AS key_value_pairs FROM n", "error"),
    "a computed table": ("CREATE VIRTUAL TABLE systems USING fts4(id, numbers)", "error"),
    "a long row": (
        f"CREATE TABLE systems AS SELECT 1 AS id, {ROWS}, zeroblob(300000000) AS key_value_pairs",
        "error",
    ),
    "many atoms": (
        f"CREATE TABLE systems AS SELECT 1 AS id, {ROWS}, '' AS key_value_pairs;{MANY}",
        "too-many-sites",
    ),
    "ids that go back": (
        f"CREATE TABLE systems AS {ENDLESS} SELECT 9 - id AS id, {ROWS}, '' AS key_value_pairs FROM n LIMIT 2",
        "damaged-archive",
    ),
}


@pytest.mark.parametrize("kind", DATABASES)
def test_a_database_that_computes_or_claims_its_rows_is_told(kind: str, tmp_path: Path) -> None:
    made, told = DATABASES[kind]
    with contextlib.closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.executescript(made)
        connection.commit()
    mib, seconds, said = measured(tmp_path / "a.db")
    assert list(said)[-1] == told
    assert mib < 300
    assert seconds < 10


def test_an_entry_that_is_too_large_says_so_and_has_no_text(tmp_path: Path) -> None:
    zip_of(
        tmp_path / "a.zip",
        [("exact.cif", CIF.encode().ljust(MAX_BYTES)), ("more.cif", b" " * (MAX_BYTES + 1))],
    )
    exact, more = open_source(tmp_path / "a.zip")
    assert (len(exact.text), exact.fault) == (MAX_BYTES, None)
    assert isinstance(parse(exact)[0], Crystal)
    assert more.text == b""
    assert more.fault is not None
    assert (more.fault.code, more.fault.message) == ("too-large", "the text is longer than 16 MiB")


def without_directory(path: Path) -> Path:
    """The same zip, cut before its directory."""
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"PK\x01\x02")])
    return path


def results(path: Path) -> list[str]:
    """Names of crystals, and codes of rejects."""
    found = [(entry, result) for entry in open_source(path) for result in parse(entry)]
    return [entry.id if isinstance(result, Crystal) else result.code for entry, result in found]


def test_a_zip_without_its_directory_is_salvaged_in_time_that_goes_with_its_size(tmp_path: Path) -> None:
    times = []
    for n in (1500, 6000):
        members = [(f"{i}.cif", CIF.encode() + b"# %x" % hash((n, i))) for i in range(n)]
        path = without_directory(zip_of(tmp_path / f"{n}.zip", members))
        began = time.process_time()
        entries = list(open_source(path))
        times.append(time.process_time() - began)
        assert [entry.id for entry in entries[:-1]] == [str(i) for i in range(n)]
        assert entries[-1].fault is not None
    assert times[1] < 12 * times[0]
    assert times[1] < 5


def test_headers_that_all_lead_to_one_stream_are_salvaged_in_linear_time(tmp_path: Path) -> None:
    """Thirty thousand headers before a stream of 15 MB that ends in damage: each could be inflated, and is not."""
    stream = zlib.compressobj(9, wbits=-15)
    packed = stream.compress(b" " * 15_000_000) + stream.flush()
    count = 2000
    headers = b""
    for n in range(count):
        extra = (count - 1 - n) * 30
        headers += struct.pack("<4s2xHH4xII4xHH", b"PK\x03\x04", 8, 8, 0, 0, 0, min(extra, 65_535))
    (tmp_path / "a.zip").write_bytes(headers + packed[:-5] + b"\xff" * 50)
    _, seconds, said = measured(tmp_path / "a.zip")
    assert said == {"damaged-archive": "1"}
    assert seconds < 10


def test_what_follows_damage_in_a_zip_without_its_directory_is_found(tmp_path: Path) -> None:
    members = [(f"{i}.cif", CIF.encode() + b"#" + str(i).encode() * 3000) for i in range(6)]
    path = zip_of(tmp_path / "a.zip", [*members[:3], ("big.cif", b" " * (MAX_BYTES + 5)), *members[3:]])
    data = bytearray(without_directory(path).read_bytes())
    second = data.index(b"1.cif")
    data[second + 60] ^= 0xFF
    path.write_bytes(data)
    assert results(path) == ["0", "2", "too-large", "3", "4", "5", "damaged-archive"]


def test_an_empty_zip_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"")
    assert results(tmp_path / "a.zip") == ["damaged-archive"]


def table(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_table_with_one_long_line_is_not_held(suffix: str, tmp_path: Path) -> None:
    head, good = table([["id", "cif", "e"]]), table([["a", CIF, "1.5"]])
    path = tmp_path / f"t.csv{suffix}"
    path.write_bytes(
        PACKERS[suffix](head + good + b"b," + b"x" * (60 * MIB) + b",2\n" + good.replace(b"a,", b"c,"))
    )
    assert path.stat().st_size < MIB
    mib, seconds, said = measured(path)
    assert said == {"crystal": "2", "too-large": "1"}
    assert mib < 350
    assert seconds < 30


def test_a_line_without_an_end_ends_the_table(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(table([["id", "cif"], ["a", CIF]]) + b"b," + b"x" * (140 * MIB)))
    mib, _, said = measured(path)
    assert said == {"crystal": "1", "damaged-archive": "1"}
    assert mib < 350


LONG: dict[str, bytes] = {
    "a quoted CIF": table([["b", ("data_x\n_tag 'a, b'\n;\n\"quoted\"\n;\n" + "x" * 300) * 60_000, "2"]]),
    "quotation marks": b'b,"' + b'""' * (9 * MIB) + b'",2\n',
    "quotation marks apart": b'b,"' + b'""x' * (6 * MIB) + b'",2\n',
    "commas": b"b" + b"," * (17 * MIB) + b"\n",
    "cells": b"b" + b",ab" * (6 * MIB) + b"\n",
    "quoted cells": b"b" + (b',"a' + b"x" * 1000 + b'\n\n"') * 17_000 + b"\n",
    "a long third column": table([["b", CIF, ("y" * 200 + "\r\n") * 90_000]]),
}


@pytest.mark.parametrize("kind", LONG)
def test_a_row_that_is_too_long_is_a_reject_and_the_next_is_read(kind: str, tmp_path: Path) -> None:
    rows = table([["id", "cif", "e"], ["a", CIF, "1.5"]]) + LONG[kind] + table([["c", CIF, "3"]])
    (tmp_path / "t.csv").write_bytes(rows)
    source = open_source(tmp_path / "t.csv")
    entries = list(source)
    assert [entry.id for entry in entries] == ["a", "row-3", "c"]
    assert source.total == 3
    fault = entries[1].fault
    assert fault is not None
    assert (fault.code, fault.message) == ("too-large", "the row is longer than 16 MiB")
    assert entries[1].text == b""
    assert entries[2].targets == {"e": 3.0}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_long_row_in_another_encoding_is_a_reject(encoding: str, tmp_path: Path) -> None:
    text = (
        table([["id", "cif"], ["a", CIF]]) + b"b," + b"x" * (17 * MIB) + b"\n" + table([["c", CIF]])
    ).decode()
    (tmp_path / "t.csv").write_text(text, encoding=encoding, newline="")
    assert results(tmp_path / "t.csv") == ["a", "too-large", "c"]


def test_letters_of_several_bytes_count_as_bytes(tmp_path: Path) -> None:
    rows = table([["id", "cif"], ["a", CIF], ["b", "\u0a0a" * (6 * MIB)], ["c", CIF]])
    (tmp_path / "t.csv").write_bytes(rows)
    assert results(tmp_path / "t.csv") == ["a", "too-large", "c"]


def test_a_row_of_just_the_length_is_read(tmp_path: Path) -> None:
    comment = "#" + "x" * (MAX_ROW - 64 * 1024) + "\n"
    (tmp_path / "t.csv").write_bytes(table([["id", "cif"], ["a", CIF + comment], ["b", CIF]]))
    assert results(tmp_path / "t.csv") == ["a", "b"]


def test_a_quotation_that_is_never_closed_ends_the_table(tmp_path: Path) -> None:
    rows = table([["id", "cif"], ["a", CIF]]) + b'b,"data_\n' + table([["c", CIF.replace('"', "")]]) * 10
    (tmp_path / "t.csv").write_bytes(rows + (b"x" * 200 + b"\n") * 90_000)
    *first, last = results(tmp_path / "t.csv")
    assert first[0] == "a"
    assert last in ("row", "too-large", "damaged-archive")


@pytest.mark.parametrize("header", [b"x" * (2 * MIB), b",a" * (MAX_COLUMNS + 1), b'"' + b"x\n" * (2 * MIB)])
def test_a_header_that_is_too_long_is_an_error(header: bytes, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"cif," + header + b"\n1,2\n")
    with pytest.raises(SourceError, match=r"t\.csv: the header is longer than 1 MiB or 16,384 columns"):
        open_source(tmp_path / "t.csv")


JSON: dict[str, tuple[str, str]] = {
    "a list of empty lists": ("[" + "[]," * 5_000_000 + "[]]", "damaged-archive"),
    "a list of empty objects": ("[" + "{}," * 5_000_000 + "{}]", "damaged-archive"),
    "a list of numbers": ("[" + "1," * 8_000_000 + "1]", "damaged-archive"),
    "an object of empty lists": ('{"a": [' + "[]," * 5_000_000 + "[]]}", "damaged-archive"),
    "an object of many": ("{" + ",".join(f'"{n}":[]' for n in range(1_000_000)) + "}", "damaged-archive"),
    "a column of many": (
        '{"a": {' + ",".join(f'"{n}":[]' for n in range(2_000_000)) + "}}",
        "damaged-archive",
    ),
    "a row of many": (
        '{"columns": ["cif"], "index": [0], "data": [[' + "[]," * 5_000_000 + "1]]}",
        "damaged-archive",
    ),
    "many columns": (
        '{"columns": [' + '"a",' * 3_000_000 + '"cif"], "index": [], "data": []}',
        "damaged-archive",
    ),
    "many rows' names": (
        '{"columns": ["cif"], "index": [' + "1," * 6_000_000 + '1], "data": []}',
        "damaged-archive",
    ),
    "one of many parts": ('{"lattice": {}, "sites": [' + "[]," * 4_000_000 + "[]]}", "too-large"),
    "nesting": ("[" * 5_000_000, "damaged-archive"),
    "nesting of objects": ('{"a":' * 2_000_000, "damaged-archive"),
    "blanks": ("[" + " " * 60_000_000 + "]", ""),
}


@pytest.mark.parametrize("kind", JSON)
def test_json_of_many_parts_is_told_in_seconds(kind: str, tmp_path: Path) -> None:
    text, code = JSON[kind]
    path = tmp_path / "s.json.gz"
    path.write_bytes(gzip.compress(text.encode(), 6))
    mib, seconds, said = measured(path)
    assert (list(said)[-1:] or [""]) == [code]
    assert sum(map(int, said.values())) <= 1001
    assert mib < 400
    assert seconds < 40


def test_a_line_of_json_of_many_parts_is_a_reject_and_the_next_is_read(tmp_path: Path) -> None:
    many = '{"lattice": {}, "sites": [' + "[]," * 3_000_000 + "[]]}"
    long = '{"sites": "' + "x" * (40 * MIB) + '"}'
    good = json.dumps({"id": "good", "cif": CIF})
    (tmp_path / "s.jsonl").write_text("\n".join([many, long, "[" * 100_000, good]))
    mib, _, said = measured(tmp_path / "s.jsonl")
    assert said == {"too-large": "2", "json-syntax": "1", "crystal": "1"}
    assert mib < 400


@pytest.mark.parametrize("written", ["a dictionary", "plain"])
def test_cells_of_a_parquet_table_are_not_held_together(written: str, tmp_path: Path) -> None:
    cells = [CIF, *["x" * (MAX_BYTES + 1)] * 40, CIF + "\n"]
    made = pa.table({"id": [str(n) for n in range(len(cells))], "cif": cells, "e": [1.0] * len(cells)})
    pq.write_table(
        made,
        tmp_path / "t.parquet",
        compression="zstd",
        use_dictionary=written == "a dictionary",
        write_batch_size=1,
    )
    assert (tmp_path / "t.parquet").stat().st_size < MIB
    mib, _, said = measured(tmp_path / "t.parquet")
    assert said == {"crystal": "2", "too-large": "40"}
    assert mib < 500


def lines(text: str) -> int:
    """How many lines the first row has."""
    reader = csv.reader([f"{text}\n", "next\n", '"\n', "last\n"])
    next(reader)
    return reader.line_num


def test_the_outline_of_a_row_leaves_the_csv_module_where_it_was() -> None:
    @given(st.text(alphabet='ab",', max_size=12), st.text(alphabet='ab",', max_size=30))
    def check(before: str, long: str) -> None:
        """A row goes on after ``before + long`` exactly where it goes on after its outline."""
        assert lines(before + long) == lines(before + _outline(long))

    check()
