"""What the data that a command line names has by name: columns of a table, targets of a shard set; for completion.

A tab must not complain: where something cannot be read, there is nothing to complete.
"""

import bz2
import csv
import gzip
import lzma
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, Final

from hpcvox.cli import typed
from hpcvox.config import Settings
from hpcvox.errors import HpcvoxError

_COLUMNS: Final = ("id_column", "cif_column", "targets")
_TARGETS: Final = ("condition", "target")
"""Last parts of keys whose values are such names."""

_OPENED: Final[dict[str, Callable[..., IO[str]]]] = {
    ".csv": open,
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
}


def names(key: str, before: Sequence[str], kind: type[Settings]) -> list[str]:
    """What the value of ``key`` may be, or an item of it, after the words ``before`` of a verb with ``kind``."""
    try:
        given = dict(word.partition("=")[::2] for word in typed.read([*before], kind).overrides)
    except HpcvoxError:
        return []
    last = key.rpartition(".")[2]
    table = (last == "targets" and _path("targets_file", given, kind)) or _path("source", given, kind)
    try:
        if last in _COLUMNS:
            return [] if table is None else columns(table)
        if last in _TARGETS:
            shards = _path("shards", given, kind)
            return targets(shards) if shards is not None else [] if table is None else columns(table)
    except Exception:
        return []
    return []


def columns(table: Path) -> list[str]:
    """The columns of a table, CSV (compressed, too) or Parquet."""
    if table.suffix == ".parquet":
        from pyarrow.parquet import read_schema

        return [str(name) for name in read_schema(table).names]
    opened = _OPENED.get(table.suffix)
    if opened is None or ".csv" not in table.suffixes:
        return []
    with opened(table, "rt", encoding="utf-8-sig", newline="") as handle:
        return next(csv.reader(handle), [])


def targets(shards: Path) -> list[str]:
    """The targets of a shard set."""
    from hpcvox.shards.reading.shard_set import ShardSet  # here alone: h5py takes its time

    return ShardSet.open(shards).target_names


def _path(key: str, given: dict[str, Any], kind: type[Settings]) -> Path | None:
    """The file or folder that a setting names, or else its default; None where there is none."""
    field = kind.model_fields.get(key)
    value = None if field is None else given.get(key, field.default)
    return Path(value) if isinstance(value, str | Path) and Path(value).exists() else None
