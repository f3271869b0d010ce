"""What is opened is a file: a pipe or a device under a file's name is refused at once."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from hpcvox.files.regular import open_regular, read_text


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


KINDS: dict[str, Callable[[Path], None]] = {
    "a named pipe": os.mkfifo,
    "a device": _device,
    "a folder": Path.mkdir,
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_file_is_refused_by_its_kind(tmp_path: Path, kind: str) -> None:
    KINDS[kind](tmp_path / "x")
    with pytest.raises(OSError, match=f"it is {kind}, and a regular file is needed"):
        open_regular(tmp_path / "x")


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path is short
    _socket(Path("x"))
    with pytest.raises(OSError, match="No such device"):
        open_regular(Path("x"))


def test_a_file_is_read_also_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes("Å".encode())
    (tmp_path / "link").symlink_to("file")
    assert read_text(tmp_path / "link", 2) == "Å"
    with pytest.raises(OSError, match="it is longer than 0 KiB"):
        read_text(tmp_path / "link", 1)
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "absent")
