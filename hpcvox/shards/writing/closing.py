"""Completes a shard set: when all shards exist, writes the files that describe them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import h5py

from hpcvox.errors import ShardError
from hpcvox.files import durable
from hpcvox.shards.layout import REJECT_COLUMNS, REJECTS, SET
from hpcvox.shards.manifest import Manifest, ShardLine
from hpcvox.shards.reading.shard_file import ShardFile
from hpcvox.shards.writing.virtual import write_set_file

_BLOCK: Final = 65536
"""Samples of which something is read at once."""


def close_set(
    folder: Path,
    lines: Sequence[ShardLine],
    *,
    descriptor: str,
    grid: str,
    settings: Mapping[str, Any],
    code_version: str,
    source: str,
    n_entries: int,
) -> Manifest:
    """Write ``rejects.csv``, ``set.h5`` and, last, the manifest of the shards ``lines`` in ``folder``.

    Raises:
        ShardError: a shard cannot be read or does not fit its line, or ``set.h5`` cannot be written.
    """
    codes: Counter[str] = Counter()
    durable.write_csv(folder / REJECTS, REJECT_COLUMNS, _rejects(folder, lines, codes))
    write_set_file(folder, lines)
    manifest = Manifest(
        descriptor=descriptor,
        grid=grid,
        settings=settings,
        code_version=code_version,
        source=source,
        n_entries=n_entries,
        n_samples=sum(line.samples for line in lines),
        n_rejects=sum(line.rejects for line in lines),
        rejects_by_code=_by_frequency(codes),
        shards=tuple(lines),
        remarks_by_code=_by_frequency(_remarks(folder, lines)),
    )
    if sum(codes.values()) != manifest.n_rejects:
        raise ShardError(
            f"{folder}: {manifest.n_rejects} rejects were counted, {sum(codes.values())} are listed"
        )
    manifest.save(folder)
    return manifest


def _by_frequency(codes: Counter[str]) -> dict[str, int]:
    return dict(sorted(codes.items(), key=lambda item: (-item[1], item[0])))


def _remarks(folder: Path, lines: Sequence[ShardLine]) -> Counter[str]:
    """How many samples have each remark, read from ``set.h5``, which holds the remarks of all shards."""
    if not lines:
        return Counter()
    with h5py.File(folder / SET, "r", locking=False) as file:
        if "remark" not in file:  # as in sets of older versions
            return Counter()
        remarks = file["remark"]
        blocks = (remarks[start : start + _BLOCK] for start in range(0, len(remarks), _BLOCK))
        return Counter(code.decode() for block in blocks for text in block for code in text.split())


def _rejects(folder: Path, lines: Sequence[ShardLine], codes: Counter[str]) -> Iterator[dict[str, str]]:
    for line in lines:
        if not line.rejects:
            continue
        with ShardFile(folder / line.file) as shard:
            columns = [shard.texts(f"rejects/{column}") for column in REJECT_COLUMNS]
        for row in zip(*columns, strict=True):
            reject = dict(zip(REJECT_COLUMNS, row, strict=True))
            codes[reject["code"]] += 1
            yield reject
