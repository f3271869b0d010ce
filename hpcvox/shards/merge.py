"""``hpcvox shards merge``: joins several shard sets with the same descriptor, grid and settings.

A shard is copied; only its position changes: ``first_entry``, the two ``entry`` tables and the digest.  These are
numbers of fixed size at fixed places, so the copy has the same bytes as if the writer had made it.
"""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import xxhash
from numpy.typing import NDArray

from hpcvox.errors import ShardError
from hpcvox.files import durable
from hpcvox.process.outcome import Outcome
from hpcvox.progress import Progress
from hpcvox.shards.digest import attributes_of, stored_digest
from hpcvox.shards.layout import MANIFEST, SET, shard_name
from hpcvox.shards.manifest import Manifest, ShardLine, shards_digest
from hpcvox.shards.reading.shard_file import open_named
from hpcvox.shards.verify import Damage, verify_shard
from hpcvox.shards.writing.closing import close_set
from hpcvox.terminal import counted

PLAN = "merge.json"
"""File that lists the sets of the merge; it is written first, so that an interrupted merge can be recognised."""

_SHOWN = 5


class _Move(NamedTuple):
    """A shard, and its place in the merged set."""

    source: Path
    line: ShardLine
    target: Path
    shift: int  # number that is added to its entry indices


def merge(out: Path, *folders: Path) -> Outcome:
    """Join the shard sets ``folders``, in this order, into one in ``out``.

    Shards get new numbers, and entry indices continue from set to set; samples keep their bytes.  The result depends
    only on the sets.  An interrupted merge goes on where it was when it is run again.

    Raises:
        ShardError: a folder is no complete set, the sets differ in descriptor, grid, settings or version, an id occurs
            twice, a shard is damaged, or ``out`` holds something else or cannot be written.
        BusyError: another run is writing ``out``.
    """
    places = [folder.resolve() for folder in (out, *folders)]
    if len(set(places)) < len(places):
        raise ShardError("the same folder is given twice: name the new folder first, then each set once")
    manifests = [Manifest.load(folder) for folder in folders]
    for folder, manifest in zip(folders[1:], manifests[1:], strict=True):
        _check_same(folders[0], manifests[0], folder, manifest)
    _check_ids(folders)
    _check_out(out, plan := _plan(manifests))
    try:
        with durable.sole_writer(out):
            durable.write_json(out / PLAN, plan)
            merged, kept = _write(out, folders, manifests)
    except OSError as error:
        raise ShardError(
            f"cannot write {out}: {error}. Free space there, then run the same command again: "
            "it goes on where it was"
        ) from error
    size = sum(line.bytes for line in merged.shards) / 1e6
    earlier = f" ({kept:,} kept from an earlier run)" if kept else ""
    held = f"{counted(merged.n_samples, 'sample')} and {counted(merged.n_rejects, 'reject')}"
    kept_in = f"{counted(len(merged.shards), 'shard')} ({size:,.1f} MB)"
    return Outcome(
        f"merge: {held} of {counted(len(folders), 'set')} in {kept_in}{earlier}, with {SET} and {MANIFEST}; in {out}"
    )


def _write(out: Path, folders: Sequence[Path], manifests: Sequence[Manifest]) -> tuple[Manifest, int]:
    """Write the shards and the other files of the set; return its manifest, and how many shards existed already."""
    first = manifests[0]
    lines, kept = [], 0
    with Progress("merge", sum(manifest.n_samples for manifest in manifests), "samples") as progress:
        for move in _moves(out, folders, manifests):
            line, was_there = _copy(move)
            lines.append(line)
            kept += was_there
            progress.advance(line.samples)
    merged = close_set(
        out,
        lines,
        descriptor=first.descriptor,
        grid=first.grid,
        settings=first.settings,
        code_version=first.code_version,
        source=" + ".join(dict.fromkeys(manifest.source for manifest in manifests)),
        n_entries=sum(manifest.n_entries for manifest in manifests),
    )
    return merged, kept


def _check_same(one: Path, ours: Manifest, other: Path, theirs: Manifest) -> None:
    """Raise :class:`ShardError`, which says where two sets differ, unless they were made in the same way."""
    pairs: dict[str, tuple[Any, Any]] = {
        "descriptor": (ours.descriptor, theirs.descriptor),
        "grid": (ours.grid, theirs.grid),
    }
    for key in sorted({*ours.settings, *theirs.settings}):
        pairs[f"the setting {key}"] = (ours.settings.get(key), theirs.settings.get(key))
    pairs["the version of hpcvox that made them"] = (ours.code_version, theirs.code_version)
    for name, (a, b) in pairs.items():
        if a != b:
            raise ShardError(
                f"{one} and {other} differ in {name}: {a} and {b}. Only sets that are made alike can be "
                "merged: make one of them again with `hpcvox featurize` and the other's settings"
            )


def _check_ids(folders: Sequence[Path]) -> None:
    """Raise :class:`ShardError` if an id occurs twice."""
    marks = np.concatenate([np.zeros(0, np.uint64), *(_marks(ids) for _, ids in _ids(folders))])
    marks.sort()
    alike = set(marks[1:][marks[1:] == marks[:-1]].tolist())
    del marks
    seen: dict[str, Path] = {}
    twice: dict[str, tuple[Path, Path]] = {}
    for folder, ids in _ids(folders) if alike else ():
        for name, mark in zip(ids, _marks(ids).tolist(), strict=True):
            if mark not in alike:
                continue
            if name in seen:
                twice.setdefault(name, (seen[name], folder))
            seen[name] = folder
    if twice:
        some = ", ".join(f"{name!r} ({a} and {b})" for name, (a, b) in islice(twice.items(), _SHOWN))
        more = f" and {len(twice) - _SHOWN:,} more" if len(twice) > _SHOWN else ""
        raise ShardError(
            f"{len(twice):,} ids occur twice among the sets: {some}{more}. Leave one of the sets out, or take these "
            "crystals (or give them other ids) in one of the sources and run `hpcvox featurize` on it again"
        )


def _ids(folders: Sequence[Path]) -> Iterator[tuple[Path, list[str]]]:
    """The ids of each shard of the sets."""
    for folder in folders:
        for line in Manifest.load(folder).shards:
            with open_named(folder, line) as shard:
                yield folder, shard.texts("id")


def _marks(ids: Sequence[str]) -> NDArray[np.uint64]:
    """A hash of each id, (m,): eight bytes, where the ids of a million crystals take a hundred in memory."""
    return np.array(
        [xxhash.xxh3_64_intdigest(name.encode(errors="surrogateescape")) for name in ids], np.uint64
    )


def _plan(manifests: Sequence[Manifest]) -> dict[str, Any]:
    """A description of the merged sets, without names of folders, so that a set that was moved counts as the same."""
    sets, start = [], 0
    for manifest in manifests:
        sets.append(
            {
                "source": manifest.source,
                "first_entry": start,
                "n_entries": manifest.n_entries,
                "n_samples": manifest.n_samples,
                "shards_digest": shards_digest(manifest.shards),
            }
        )
        start += manifest.n_entries
    return {"merged_from": sets}


def _check_out(out: Path, plan: Mapping[str, Any]) -> None:
    """Raise :class:`ShardError` unless ``out`` is new, or holds an earlier run of this merge."""
    path = out / PLAN
    try:
        if path.exists() and json.loads(path.read_text("utf-8")) == plan:
            return
    except (OSError, ValueError) as error:
        raise ShardError(f"{path} cannot be read ({error}): choose another folder, or remove {out}") from None
    if path.exists():
        what = "the merge of other sets, or of these before they were made again"
    elif (out / MANIFEST).exists() or next(out.glob("shard-*.h5"), None) is not None:
        what = "a shard set that is no merge of these"
    else:
        return
    raise ShardError(f"{out} holds {what}: choose another folder for the merged set, or remove this one")


def _moves(out: Path, folders: Sequence[Path], manifests: Sequence[Manifest]) -> Iterator[_Move]:
    number = shift = 0
    for folder, manifest in zip(folders, manifests, strict=True):
        for line in manifest.shards:
            yield _Move(folder / line.file, line, out / shard_name(number), shift)
            number += 1
        shift += manifest.n_entries


def _copy(move: _Move) -> tuple[ShardLine, bool]:
    """Write one shard of the merged set; return its manifest line, and True if it existed already."""
    for damage in verify_shard(move.source, move.line):
        raise _damaged(move.source, damage)
    data, digest = _renumbered(move)
    line = move.line._replace(
        file=move.target.name,
        first_entry=move.line.first_entry + move.shift,
        bytes=len(data),
        digest=digest,
    )
    if move.target.exists() and move.target.read_bytes() == data:
        return line, True
    with durable.written_aside(move.target) as part:
        part.write_bytes(data)
        for damage in verify_shard(part, line):
            raise ShardError(f"{move.target} does not read back as it was written: {damage.what}")
    return line, False


def _damaged(path: Path, damage: Damage) -> ShardError:
    return ShardError(
        f"{path}: {damage.sample or 'the file'}: {damage.what}. Run the same `hpcvox featurize` again, which "
        "rebuilds this shard alone, then the same merge"
    )


def _renumbered(move: _Move) -> tuple[bytes, str]:
    """The bytes of the shard with its new entry indices, and the new digest."""
    memory = io.BytesIO(move.source.read_bytes())
    with h5py.File(memory, "r+") as file:
        for name in ("entry", "rejects/entry"):
            file[name][...] = file[name][()] + move.shift
        _overwrite(file, "first_entry", np.array(move.line.first_entry + move.shift, np.int64))
        attributes = attributes_of(file)
        digest = stored_digest(file, attributes)
        _overwrite(file, "digest", np.array(digest.encode()))
    return memory.getvalue(), digest


def _overwrite(file: h5py.File, name: str, value: Any) -> None:
    """Overwrite an attribute in place by a value of the same type and size."""
    attribute = h5py.h5a.open(file.id, name.encode())
    attribute.write(value, mtype=attribute.get_type())
