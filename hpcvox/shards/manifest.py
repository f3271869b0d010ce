"""The manifest: a file that lists what a shard set holds; it is written when the set is complete."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import xxhash

from hpcvox.errors import ShardError
from hpcvox.files import durable, regular
from hpcvox.shards.layout import FORMAT, MANIFEST, VERSION

MAX_BYTES: Final = 256 * 1024 * 1024
"""Longest manifest in bytes that is read: that of a million shards has 200 MB."""

_LEAST: Final = 8
"""Least number of bytes of a sample or reject: those for the number of its entry."""

_DO = "make the set with `hpcvox featurize`, and run it to its end"


class ShardLine(NamedTuple):
    """The line of a shard in the manifest."""

    file: str
    samples: int
    rejects: int
    first_entry: int
    entries: int
    bytes: int
    digest: str


def shards_digest(lines: Sequence[ShardLine]) -> str:
    """XXH3-128 (hex) of the shards' digests in their order, which identifies a whole set."""
    return xxhash.xxh3_128_hexdigest("\n".join(line.digest for line in lines).encode())


@dataclass(frozen=True)
class Manifest:
    """Contents of ``manifest.json``."""

    descriptor: str
    grid: str
    settings: Mapping[str, Any]
    code_version: str
    source: str
    n_entries: int
    n_samples: int
    n_rejects: int
    rejects_by_code: Mapping[str, int]
    shards: tuple[ShardLine, ...]
    remarks_by_code: Mapping[str, int] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Write ``manifest.json`` into ``folder`` atomically."""
        tree = {"format": FORMAT, "version": VERSION, **asdict(self)}
        tree["shards"] = [line._asdict() for line in self.shards]
        durable.write_json(folder / MANIFEST, tree)

    @classmethod
    def load(cls, folder: Path) -> "Manifest":
        """Read the manifest of the shard set in ``folder``.

        Raises:
            ShardError: there is none, it is damaged, or this code cannot read its version.
        """
        path = folder / MANIFEST
        try:
            if (size := path.stat().st_size) > MAX_BYTES:
                raise ShardError(f"{path} has {size:,} bytes, which no manifest has: {_DO} again")
            tree = json.loads(regular.read_text(path, MAX_BYTES))
        except FileNotFoundError:
            what = "has no manifest.json" if folder.is_dir() else "does not exist"
            raise ShardError(f"{folder} {what}, so it is not a whole shard set: {_DO}") from None
        except (OSError, ValueError, RecursionError) as error:
            raise ShardError(f"{path} cannot be read ({error}): {_DO} again") from None
        if not isinstance(tree, dict) or tree.pop("format", None) != FORMAT:
            raise ShardError(f"{path} is not the manifest of a shard set: {_DO}")
        if (version := tree.pop("version", None)) != VERSION:
            raise ShardError(f"{path} has format version {version}, this code reads {VERSION}: {_DO} again")
        try:
            tree["shards"] = tuple(ShardLine(**line) for line in tree["shards"])
            manifest = cls(**tree)
            manifest.check()
        except (KeyError, TypeError, ValueError) as error:
            raise ShardError(f"{path} is damaged ({error}): {_DO} again") from None
        return manifest

    def check(self) -> None:
        """Check types, names and sums, without reading the shards.

        Raises:
            ValueError: a check fails.
        """
        for name in ("descriptor", "grid", "code_version", "source"):
            if not isinstance(value := getattr(self, name), str):
                raise ValueError(f"{name} is {_shown(value)}, not a text")
        if not isinstance(self.settings, dict):
            raise ValueError(f"settings is {_shown(self.settings)}, not an object")
        for name in ("n_entries", "n_samples", "n_rejects"):
            _check_count(name, getattr(self, name))
        for name in ("rejects_by_code", "remarks_by_code"):
            if not isinstance(codes := getattr(self, name), dict):
                raise ValueError(f"{name} is {_shown(codes)}, not an object")
            for code, count in codes.items():
                _check_count(f"{name} {code}", count)
        entries = 0
        for number, line in enumerate(self.shards):
            _check_line(f"shard {number}", line)
            if line.first_entry != entries:
                raise ValueError(
                    f"{line.file} begins at entry {line.first_entry}, not at {entries}, where others end"
                )
            entries += line.entries
        if len({line.file for line in self.shards}) < len(self.shards):
            raise ValueError("two shards have the same file")
        sums = {
            "n_entries": entries,
            "n_samples": sum(line.samples for line in self.shards),
            "n_rejects": sum(line.rejects for line in self.shards),
        }
        for name, total in sums.items():
            if getattr(self, name) != total:
                raise ValueError(f"{name} is {getattr(self, name)}, and its shards have {total} together")
        if sum(self.rejects_by_code.values()) != self.n_rejects:
            raise ValueError(f"rejects_by_code counts other than the {self.n_rejects} rejects")


def _check_line(where: str, line: ShardLine) -> None:
    for name in ("file", "digest"):
        if not isinstance(value := getattr(line, name), str):
            raise ValueError(f"{where}: {name} is {_shown(value)}, not a text")
    if line.file in ("", ".", "..") or {"/", "\\", "\0"} & set(line.file):
        raise ValueError(f"{where}: {line.file[:80]!r} is no plain file name of the set's own folder")
    for name in ("samples", "rejects", "first_entry", "entries", "bytes"):
        _check_count(f"{where}: {name}", getattr(line, name))
    if line.samples + line.rejects < line.entries:
        raise ValueError(
            f"{where}: {line.samples} samples and {line.rejects} rejects are not {line.entries} entries"
        )
    if (line.samples + line.rejects) * _LEAST > line.bytes:
        raise ValueError(
            f"{where}: {line.samples} samples and {line.rejects} rejects are not in {line.bytes} bytes"
        )


def _check_count(what: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise ValueError(f"{what} is {_shown(value)}, not a number of things")


def _shown(value: object) -> str:
    return repr(value)[:40]
