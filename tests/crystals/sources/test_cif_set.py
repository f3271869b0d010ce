"""The CIFs of a run in a folder or in one file: the same source, whole at any moment, and nothing of others touched."""

import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from hpcvox.crystals.record import Entry
from hpcvox.crystals.sources.cif_set import COMMENT, CifSet, Form
from hpcvox.crystals.sources.source import open_source
from hpcvox.errors import SourceError
from tests.support.small_cifs import NACL, cif

SALT = cif((5.6, 5.6, 5.6, 90, 90, 90), NACL)
TEXTS = {
    "b.cif": SALT,
    "a.cif": SALT.replace("data_", "data_a"),
    "%2Ec#.cif": SALT,
    "torn.cif": "data_x\nloop_\n",
}


def write(folder: Path, form: Form, texts: dict[str, str] = TEXTS) -> CifSet:
    folder.parent.mkdir(parents=True, exist_ok=True)
    crystals = CifSet(folder)
    with crystals.replaced(form) as add:
        for name, text in texts.items():
            add(name, text)
    return crystals


def entries(path: Path) -> list[Entry]:
    source = open_source(path)
    found = list(source)
    assert source.total == len(found)
    return found


def test_as_a_source_a_zip_is_the_folder_that_it_stands_for(tmp_path: Path) -> None:
    write(tmp_path / "loose/cifs", "folder")
    write(tmp_path / "packed/cifs", "zip")
    loose = entries(tmp_path / "loose/cifs")
    assert [entry.origin for entry in loose] == [f"cifs/{name}" for name in sorted(TEXTS)]
    assert entries(tmp_path / "packed/cifs") == loose
    assert entries(tmp_path / "packed/cifs.zip") == loose
    assert open_source(tmp_path / "packed/cifs").kind == open_source(tmp_path / "loose/cifs").kind


def test_any_program_opens_the_zip_and_the_same_crystals_are_the_same_bytes(tmp_path: Path) -> None:
    archive = write(tmp_path / "cifs", "zip").archive
    with zipfile.ZipFile(archive) as opened:
        assert {info.date_time[0] for info in opened.infolist()} == {1980}
        opened.extractall(tmp_path / "unpacked")
    assert {p.name: p.read_text() for p in (tmp_path / "unpacked").iterdir()} == TEXTS
    os.utime(archive, (1, 1))
    write(tmp_path / "cifs", "zip")
    assert archive.stat().st_mtime == 1, "what is the same is not written anew"
    assert write(tmp_path / "other/cifs", "zip").archive.read_bytes() == archive.read_bytes()


def test_one_form_takes_the_place_of_the_other_and_leaves_what_is_not_ours(tmp_path: Path) -> None:
    crystals = write(tmp_path / "cifs", "folder")
    assert crystals.place == tmp_path / "cifs"
    (tmp_path / "cifs/notes.txt").write_text("mine")
    crystals = write(tmp_path / "cifs", "zip", {"new.cif": SALT})
    assert crystals.place == tmp_path / "cifs.zip"
    assert [path.name for path in (tmp_path / "cifs").iterdir()] == ["notes.txt"]
    assert [entry.id for entry in entries(tmp_path / "cifs")] == ["new"]
    crystals = write(tmp_path / "cifs", "folder")
    assert crystals.names() == sorted(TEXTS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cifs"]
    (tmp_path / "cifs/notes.txt").unlink()
    write(tmp_path / "cifs", "zip", {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cifs.zip"]
    with pytest.raises(SourceError, match="holds no CIF"):
        open_source(tmp_path / "cifs")


def test_a_zip_of_ones_own_beside_a_folder_is_not_taken_for_it(tmp_path: Path) -> None:
    write(tmp_path / "mine", "folder")
    with zipfile.ZipFile(tmp_path / "mine.zip", "w") as archive:
        archive.writestr("other.cif", SALT)
    assert [entry.id for entry in entries(tmp_path / "mine")] == sorted(name[:-4] for name in TEXTS)
    assert [entry.origin for entry in entries(tmp_path / "mine.zip")] == ["mine.zip!other.cif"]
    with pytest.raises(SourceError, match="there is no such file or folder"):
        open_source(tmp_path / "absent")


KILLED = """
import os, signal, sys
from pathlib import Path
from hpcvox.crystals.sources.cif_set import CifSet
with CifSet(Path(sys.argv[1])).replaced(sys.argv[2]) as add:
    add("a.cif", "changed")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(("before", "after"), [("zip", "zip"), ("folder", "zip"), ("zip", "folder")])
def test_whoever_reads_after_a_kill_finds_what_was_there_before(
    tmp_path: Path, before: Form, after: Form
) -> None:
    write(tmp_path / "cifs", before)
    whole = entries(tmp_path / "cifs")
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, tmp_path / "cifs", after], check=False, timeout=120
    )
    assert killed.returncode == -signal.SIGKILL
    assert entries(tmp_path / "cifs") == whole
    write(tmp_path / "cifs", after, {"a.cif": "changed"})
    assert [entry.text for entry in entries(tmp_path / "cifs")] == [b"changed"]
    assert len(list(tmp_path.iterdir())) == 1, "nothing is left lying about"


def test_an_error_leaves_the_zip_as_it_was(tmp_path: Path) -> None:
    crystals = write(tmp_path / "cifs", "zip")
    before = crystals.archive.read_bytes()

    def stopped() -> None:
        with crystals.replaced("zip") as add:
            add("x.cif", SALT)
            raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError, match="full"):
        stopped()
    assert crystals.archive.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["cifs.zip"]


def test_a_damaged_zip_is_said_and_made_again(tmp_path: Path) -> None:
    archive = write(tmp_path / "cifs", "zip").archive
    whole = archive.read_bytes()
    archive.write_bytes(whole.replace(SALT.encode()[:40], SALT.encode()[:39] + b"?", 1))
    faults = [entry.fault for entry in entries(tmp_path / "cifs") if entry.fault is not None]
    assert [fault.code for fault in faults] == ["unreadable"]
    archive.write_bytes(whole[:-100])
    with pytest.raises(SourceError, match=r"cifs\.zip: the zip is damaged .*: run again what has made it"):
        open_source(tmp_path / "cifs")
    assert write(tmp_path / "cifs", "zip").archive.read_bytes() == whole


def test_files_of_a_strangers_zip_stay_in_it(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "cifs.zip", "w") as archive:
        archive.comment = COMMENT
        for name in ("../out.cif", "/etc/out.cif", "sub/in.cif", "fine.cif", "notes.txt"):
            archive.writestr(name, SALT)
    crystals = CifSet(tmp_path / "cifs")
    assert crystals.names() == ["fine.cif"]
    assert [entry.id for entry in entries(tmp_path / "cifs")] == ["fine"]
    with pytest.raises(FileNotFoundError):
        crystals.read("absent.cif")
