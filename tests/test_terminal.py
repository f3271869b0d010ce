"""What is printed of strangers' texts is shown, and never obeyed by the terminal."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from hpcvox import cli
from hpcvox.terminal import counted, printable, say


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Å → 3, Fe₂O₃", "Å → 3, Fe₂O₃"),
        ("\x1b]0;title\x07\x1b[2J", r"\x1b]0;title\x07\x1b[2J"),
        ("over\rwritten\x08", r"over\rwritten\x08"),
        ("\x9b31m", r"\x9b31m"),
        ("turned \u202ecif.exe", r"turned \u202ecif.exe"),
        ("no text \udcff", r"no text \udcff"),
        ("two\n\tlines", "two\n\tlines"),
    ],
)
def test_control_characters_are_shown_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_what_the_encoding_of_the_terminal_lacks_is_shown_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, "ascii"))
    say("3 Ω of Å.csv and 'Å'")
    assert raw.getvalue() == b"3 \\u03a9 of \\xc5.csv and '\\xc5'\n"


def test_the_signs_of_sentences_have_letters_where_the_encoding_lacks_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for encoding, shown in (("ascii", b"2 x a -> b ...\n"), ("latin-1", b"2 \xd7 a -> b ...\n")):
        raw = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding))
        say("2 × a → b …")
        assert raw.getvalue() == shown


def test_units_have_letters_where_the_encoding_lacks_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for encoding, shown in (("ascii", "4 A, 0.5 e/A^3, 90 deg"), ("latin-1", "4 Å, 0.5 e/Å³, 90°")):
        raw = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding))
        say("4 Å, 0.5 e/Å³, 90°")
        assert raw.getvalue() == f"{shown}\n".encode(encoding)


def test_counts_have_their_plural() -> None:
    assert [counted(n, "shard") for n in (0, 1, 2, 1000)] == [
        "0 shards",
        "1 shard",
        "2 shards",
        "1,000 shards",
    ]
    assert counted(2, "entry", "entries") == "2 entries"


def test_a_name_that_the_locale_cannot_write_is_told_in_one_line(tmp_path: Path) -> None:
    environment = {"PATH": "/bin:/usr/bin", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "hpcvox", "featurize", "source=Å.csv"]
    done = subprocess.run(command, capture_output=True, env=environment, timeout=120, check=False)
    assert done.returncode == 2
    assert b"is no text in this locale" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_file_of_a_config_that_the_locale_cannot_name_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "Å.csv").write_text("id,cif\n")
    (tmp_path / "x.yaml").write_bytes(f"source: {tmp_path}/Å.csv\n".encode())
    environment = {"PATH": "/bin:/usr/bin", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "hpcvox", "featurize", str(tmp_path / "x.yaml")]
    done = subprocess.run(command, capture_output=True, env=environment, timeout=120, check=False)
    assert done.returncode == 2
    assert b"/\\xc5.csv' is no text in this locale (ascii): set LC_ALL=C.UTF-8" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_errors_of_the_command_line_hold_no_control_character(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert cli.main(["featurize", f"source={tmp_path}/\x1b[31mred.cif"]) == 2
    said = capsys.readouterr().err
    assert r"\x1b[31mred.cif: there is no such file or folder" in said
    assert "\x1b" not in said


def test_with_a_locale_of_ascii_help_is_printed_and_a_config_is_read(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes("# in Å\nsource: Å.csv\n".encode())
    environment = {"PATH": "/bin:/usr/bin", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "hpcvox", "featurize", str(tmp_path / "x.yaml"), "--help"]
    done = subprocess.run(command, capture_output=True, env=environment, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"source=\\xc5.csv" in done.stdout
    assert b"(0.001: 0.004 A in a cell of 4 A)" in done.stdout
