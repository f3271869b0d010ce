"""``hpcvox shards export``: the crystals of a shard set in formats that other programs read.

It is here and not among the shards because it writes crystals, of which that room knows nothing.
"""

import csv
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ase import Atoms
from ase.io.extxyz import write_extxyz

from hpcvox import durable
from hpcvox.crystals.record import Crystal
from hpcvox.crystals.writing import cif_text
from hpcvox.errors import MissingDependencyError, ShardError
from hpcvox.outcome import Outcome
from hpcvox.progress import Progress
from hpcvox.shards.layout import encode_name
from hpcvox.shards.reader import ShardSet
from hpcvox.shards.shard_file import ShardFile

Batches = Iterator[tuple[str, list[Crystal]]]
"""Crystals shard by shard, each with its shard's file name: one shard is in memory at a time."""

ID = "material_id"
_COLUMNS = (ID, "formula", "origin", "cif")


def export(folder: Path, out: Path) -> Outcome:
    """Write the crystals of the shard set ``folder`` to ``out``, whose suffix says the format.

    Raises:
        ShardError: there is no whole set, its shards hold no cells, the suffix is unknown, ``out`` is a
            folder that holds something, or it cannot be written.
        MissingDependencyError: Parquet is asked for and pyarrow is not installed.
    """
    form = FORMATS.get(out.suffix.lower())
    if form is None:
        raise ShardError(
            f"{out}: the format cannot be told from the suffix {out.suffix!r}; valid: "
            + ", ".join(f"{suffix or 'no suffix'} ({f.about})" for suffix, f in FORMATS.items())
        )
    shards = ShardSet.open(folder)
    with Progress("export", len(shards), "crystals") as progress:

        def batches() -> Batches:
            for name, crystals in _read(shards):
                yield name, crystals
                progress.advance(len(crystals))

        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            form.write(out, batches(), shards.target_names)
        except OSError as error:
            raise ShardError(
                f"cannot write {out}: {error}. Free space there or choose another place"
            ) from error
    return Outcome(f"export: {len(shards):,} crystals of {folder} as {form.about} in {out}")


def _read(shards: ShardSet) -> Batches:
    for line in shards.manifest.shards:
        with ShardFile(shards.folder / line.file) as shard:
            if shard.attributes.get("digest") != line.digest:
                raise ShardError(
                    f"{shard.path} is not the shard that the manifest names: run `hpcvox featurize` to its end"
                )
            if "cell" not in shard.file:
                raise ShardError(
                    f"{shards.folder}: shards of the descriptor {shards.manifest.descriptor} hold no cells, so the "
                    "crystals cannot be written: export a set that was made of the same source with the density"
                )
            yield line.file, _crystals(shard)


def _crystals(shard: ShardFile) -> list[Crystal]:
    ids, origins, cells = shard.texts("id"), shard.texts("origin"), shard.table("cell")
    ends, numbers, frac = shard.table("site_offset"), shard.table("site_number"), shard.table("site_frac")
    targets = {name: shard.table(f"targets/{encode_name(name)}") for name in shard.target_names}
    return [
        Crystal(
            ids[i],
            origins[i],
            cells[i],
            frac[ends[i] : ends[i + 1]],
            numbers[ends[i] : ends[i + 1]],
            {name: float(values[i]) for name, values in targets.items() if np.isfinite(values[i])},
        )
        for i in range(shard.n_samples)
    ]


def _write_extxyz(out: Path, batches: Batches, targets: Sequence[str]) -> None:
    keys = _info_keys(targets)
    with durable.written_aside(out) as part, part.open("w", encoding="utf-8") as file:
        for _, crystals in batches:
            for crystal in crystals:
                texts = {"id": crystal.id, "formula": crystal.formula, "origin": crystal.origin}
                info = {
                    key: " ".join(text.split()) for key, text in texts.items()
                }  # a frame's head is one line
                info |= {keys[name]: value for name, value in crystal.targets.items()}  # type: ignore[misc]
                atoms = Atoms(
                    crystal.numbers, scaled_positions=crystal.frac, cell=crystal.lattice, pbc=True, info=info
                )
                write_extxyz(file, [atoms])


def _info_keys(targets: Sequence[str]) -> dict[str, str]:
    """Targets' names as keys of a frame's head: no equals sign, no control characters, each but once."""
    taken = {"lattice", "properties", "pbc", "id", "formula", "origin"}
    keys = {}
    for name in targets:
        key = (
            "".join("_" if ch in "=\"'\\" or ch.isspace() or not ch.isprintable() else ch for ch in name)
            or "_"
        )
        while key.lower() in taken:
            key += "_"
        taken.add(key.lower())
        keys[name] = key
    return keys


def _write_csv(out: Path, batches: Batches, targets: Sequence[str]) -> None:
    _check_columns(out, targets)
    with durable.written_aside(out) as part, part.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow([*_COLUMNS, *targets])
        for _, crystals in batches:
            for crystal in crystals:
                values = [repr(crystal.targets[name]) if name in crystal.targets else "" for name in targets]
                table.writerow([*_texts(crystal), *values])


def _texts(crystal: Crystal) -> tuple[str, str, str, str]:
    return crystal.id, crystal.formula, crystal.origin, cif_text(crystal)


def _check_columns(out: Path, targets: Sequence[str]) -> None:
    if both := sorted({*_COLUMNS} & {*targets}):
        raise ShardError(
            f"{out}: the target {both[0]!r} has the name of another column ({', '.join(_COLUMNS)}): "
            "export as .extxyz, or make the set again with other targets=[...]"
        )


def _write_parquet(out: Path, batches: Batches, targets: Sequence[str]) -> None:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingDependencyError(
            "Parquet needs pyarrow, which is not installed: `pip install pyarrow`, or export as .csv"
        ) from None
    _check_columns(out, targets)
    cell, numbers, frac = "cell", "site_number", "site_frac"
    kinds: dict[str, Any] = dict.fromkeys(_COLUMNS, pyarrow.string())
    kinds |= {cell: pyarrow.list_(pyarrow.float64(), 9), numbers: pyarrow.list_(pyarrow.uint8())}
    kinds |= {frac: pyarrow.list_(pyarrow.float64())} | dict.fromkeys(targets, pyarrow.float64())
    schema = pyarrow.schema(list(kinds.items()))
    with durable.written_aside(out) as part, pyarrow.parquet.ParquetWriter(part, schema) as writer:
        for _, crystals in batches:
            columns: dict[str, list[Any]] = {
                name: [c.targets.get(name) for c in crystals] for name in targets
            } | dict(zip(_COLUMNS, map(list, zip(*map(_texts, crystals), strict=True)), strict=False))
            columns |= {
                cell: [c.lattice.ravel() for c in crystals],
                numbers: [c.numbers for c in crystals],
                frac: [c.frac.ravel() for c in crystals],
            }
            if crystals:
                writer.write_table(pyarrow.table(columns, schema=schema))


def _write_npz(out: Path, batches: Batches, targets: Sequence[str]) -> None:
    """One file a shard, with the names and shapes of the shards' own tables."""
    if out.exists() and (not out.is_dir() or next(out.iterdir(), None) is not None):
        raise ShardError(f"{out} is there already: give a new folder, or remove this one")
    part = out.with_name(f".{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    for name, crystals in batches:
        ends = np.cumsum([0, *(c.n_sites for c in crystals)])
        columns = {
            "id": np.array([c.id for c in crystals], str),
            "formula": np.array([c.formula for c in crystals], str),
            "origin": np.array([c.origin for c in crystals], str),
            "cell": np.array([c.lattice for c in crystals]).reshape(-1, 3, 3),
            "site_offset": ends,
            "site_number": np.concatenate([np.zeros(0, np.uint8), *(c.numbers for c in crystals)]),
            "site_frac": np.concatenate([np.zeros((0, 3)), *(c.frac for c in crystals)]),
        }
        for target in targets:
            values = [c.targets.get(target, np.nan) for c in crystals]
            columns[f"targets.{encode_name(target)}"] = np.array(values, float)
        np.savez(part / name.replace(".h5", ".npz"), allow_pickle=False, **columns)
    part.replace(out)


class Format(NamedTuple):
    """How crystals are written; ``write`` gets the place, the crystals and the names of all targets."""

    write: Callable[[Path, Batches, Sequence[str]], None]
    about: str


FORMATS = {
    ".extxyz": Format(_write_extxyz, "extended XYZ"),
    ".csv": Format(_write_csv, "a table with a CIF column"),
    ".parquet": Format(_write_parquet, "a Parquet table"),
    "": Format(_write_npz, "a folder of .npz files"),
}
