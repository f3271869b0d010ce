"""Finds damage in a shard set: compares every byte of every sample with its checksum."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import xxhash

from hpcvox.errors import ShardError
from hpcvox.shards.contained import UNREADABLE, names
from hpcvox.shards.digest import stored_digest
from hpcvox.shards.layout import REJECT, SET, TABLES
from hpcvox.shards.manifest import Manifest, ShardLine
from hpcvox.shards.reading.shard_file import ShardFile, differences, read_at
from hpcvox.shards.writing.virtual import fault

_LATER: Final = ("cell", "remark")
"""Tables that sets of older versions lack."""


class Damage(NamedTuple):
    """A damage in a shard set; ``sample`` is the id of the damaged sample, or None if the whole file is damaged."""

    file: str
    sample: str | None
    what: str


def verify(folder: Path, advance: Callable[[int], None] = lambda samples: None) -> list[Damage]:
    """Find all damages in the shard set in ``folder``; empty if it is undamaged.

    Args:
        folder: the shard set.
        advance: called after each shard with the number of its samples.

    Raises:
        ShardError: ``folder`` has no readable manifest.
    """
    manifest = Manifest.load(folder)
    what = fault(folder, manifest.shards)
    damages = [] if what is None else [Damage(SET, None, what)]
    for line in manifest.shards:
        damages += verify_shard(folder / line.file, line)
        advance(line.samples)
    return damages


def verify_shard(path: Path, line: ShardLine | None = None) -> list[Damage]:
    """Find all damages in one shard: inconsistencies in itself, and with its manifest line if given."""
    try:
        with ShardFile(path) as shard:
            return _verify_open(shard, line)
    except ShardError as error:
        return [Damage(path.name, None, str(error))]


def _verify_open(shard: ShardFile, line: ShardLine | None) -> list[Damage]:
    name = shard.path.name
    damages = []
    found = shard.line
    if line is not None and (what := differences(found, line)):
        damages.append(Damage(name, None, f"is not the file that the manifest names: it has {what}"))
    try:
        if stored_digest(shard.file, shard.attributes) != found.digest:
            damages.append(Damage(name, None, "its tables or attributes do not match its digest"))
    except UNREADABLE as error:
        return [*damages, Damage(name, None, f"its tables cannot be read ({error})")]
    checksums, ids = shard.table("checksum"), shard.texts("id")
    damages += (Damage(name, None, what) for what in _contradictions(shard, found))
    descriptor = os.open(shard.path, os.O_RDONLY)
    try:
        for i in range(shard.n_samples):
            if _checksum(shard, descriptor, i) != checksums[i].tobytes():
                damages.append(Damage(name, ids[i], f"sample {i} does not match its checksum"))
    except ShardError as error:
        damages.append(Damage(name, ids[i], str(error)))
    finally:
        os.close(descriptor)
    return damages


def _contradictions(shard: ShardFile, line: ShardLine) -> Iterator[str]:
    """Sentences about tables that contradict each other or the manifest line, also if the digest is right."""
    try:
        shard.sites()
        shard.targets()
        present = names(shard.file)
        for name, spec in TABLES.items():
            if name in present or name not in _LATER:
                rows = len(shard.table(name))
                if spec.rows == REJECT and rows != line.rejects:
                    yield f"{name} has {rows} rows, not {line.rejects}"
        if "cell" in shard.arrays:
            shard.cells()
    except ShardError as error:
        yield str(error)
    entries = np.unique(np.concatenate([shard.table("entry"), shard.table("rejects/entry")]))
    if len(entries) != line.entries or (len(entries) and entries[[0, -1]].tolist() != _ends(line)):
        yield f"its entries are not the {line.entries} from {line.first_entry} on, each as a sample or a reject"


def _ends(line: ShardLine) -> list[int]:
    """The first and the last entry of a shard."""
    return [line.first_entry, line.first_entry + line.entries - 1]


def _checksum(shard: ShardFile, descriptor: int, index: int) -> bytes:
    state = xxhash.xxh3_128()
    for place in shard.arrays.values():
        start, size = place.bytes(index)
        data = bytearray(size)
        read_at(descriptor, memoryview(data), start, shard.path)
        state.update(data)
    return state.digest()
