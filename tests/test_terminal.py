"""What is printed of strangers' texts is shown, and never obeyed by the terminal."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from hpcvox import cli
from hpcvox.terminal import printable, say


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
    say("3 Å")
    assert raw.getvalue() == b"3 \\xc5\n"


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
