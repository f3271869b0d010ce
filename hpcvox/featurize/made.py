"""What an interrupted run has made, a line a shard, so that the next run need not read the shards to go on.

The file is there only while a set is being made.  Once there is a manifest, a run reads every byte of the shards again:
it is how damage is found and mended.
"""

import json
from pathlib import Path
from typing import Final

import xxhash

from hpcvox.files import durable
from hpcvox.shards.manifest import ShardLine
from hpcvox.shards.writing.buffer import Provenance

MADE: Final = ".made.jsonl"


def key_of(provenance: Provenance) -> str:
    """A hash of everything that determines the bytes of a shard."""
    return xxhash.xxh3_128_hexdigest(json.dumps(provenance.attributes(), sort_keys=True).encode())


class Made:
    """The shards that earlier runs have noted in the folder ``out``."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._lines: dict[str, tuple[str, int, ShardLine]] = {}
        try:
            lines = (out / MADE).read_text("utf-8").splitlines()
        except (OSError, ValueError):
            lines = []
        for text in lines:
            try:
                key, changed_ns, line = json.loads(text)
                self._lines[line[0]] = (key, int(changed_ns), ShardLine(*line))
            except (ValueError, TypeError, LookupError, RecursionError):
                continue  # a kill has left half of it

    def __bool__(self) -> bool:
        return bool(self._lines)

    def find(self, name: str, key: str) -> ShardLine | None:
        """The line of the shard ``name`` if it was made from what ``key`` says, and nobody has touched it since."""
        noted = self._lines.get(name)
        if noted is None or noted[0] != key:
            return None
        _, changed_ns, line = noted
        try:
            found = (self._out / name).stat()
        except OSError:
            return None
        return line if (found.st_mtime_ns, found.st_size) == (changed_ns, line.bytes) else None

    def note(self, key: str, line: ShardLine) -> None:
        """Note that a shard is whole."""
        if key and self.find(line.file, key) is None:
            changed_ns = (self._out / line.file).stat().st_mtime_ns
            with open(self._out / MADE, "ab", opener=_made) as file:
                file.write(json.dumps([key, changed_ns, line]).encode() + b"\n")
            self._lines[line.file] = (key, changed_ns, line)


def forget(out: Path) -> None:
    """Remove the notes of the folder, so that the next run reads the shards themselves."""
    (out / MADE).unlink(missing_ok=True)


def _made(path: str, flags: int) -> int:
    return durable.own_file(path, flags)
