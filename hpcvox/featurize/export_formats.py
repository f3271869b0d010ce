"""The formats of ``hpcvox shards export``: how crystals are written in each."""

import csv
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ase import Atoms
from ase.io.extxyz import write_extxyz
from numpy.typing import NDArray

from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.record import Crystal
from hpcvox.errors import MissingDependencyError, ShardError
from hpcvox.files import durable
from hpcvox.files.rows import Lines
from hpcvox.shards.layout import encode_name

Batches = Iterator[tuple[str, list[Crystal]]]
"""For each shard its file name and its crystals; only one shard is in memory at a time."""

_COLUMNS = ("material_id", "formula", "origin", "cif")
_ARRAYS = ("cell", "site_number", "site_frac")


def _write_extxyz(out: Path, batches: Batches, targets: Sequence[str]) -> None:
    keys = info_keys(targets)
    with durable.written_aside(out) as part, part.open("w", encoding="utf-8") as file:
        for _, crystals in batches:
            for crystal in crystals:
                texts = {"id": crystal.id, "formula": crystal.formula, "origin": crystal.origin}
                info = {
                    key: " ".join(text.split()) for key, text in texts.items()
                }  # the comment line of a frame holds all of these
                info |= {keys[name]: value for name, value in crystal.targets.items()}  # type: ignore[misc]
                atoms = Atoms(
                    crystal.numbers, scaled_positions=crystal.frac, cell=crystal.lattice, pbc=True, info=info
                )
                write_extxyz(file, [atoms])


def info_keys(targets: Sequence[str]) -> dict[str, str]:
    """A key for each target in a frame's comment line: no equals sign, no control characters, all different."""
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
    _check_columns(out, _COLUMNS, targets)
    with durable.written_aside(out) as part, part.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(Lines(file))
        table.writerow([*_COLUMNS, *targets])
        for _, crystals in batches:
            for crystal in crystals:
                values = [repr(crystal.targets[name]) if name in crystal.targets else "" for name in targets]
                table.writerow([*_texts(crystal), *values])


def _texts(crystal: Crystal) -> tuple[str, str, str, str]:
    return crystal.id, crystal.formula, crystal.origin, cif_text(crystal)


def _check_columns(out: Path, columns: Sequence[str], targets: Sequence[str]) -> None:
    if both := sorted({*columns} & {*targets}):
        raise ShardError(
            f"{out}: the target {both[0]!r} has the name of another column ({', '.join(columns)}): "
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
    _check_columns(out, (*_COLUMNS, *_ARRAYS), targets)
    numbers, real = pyarrow.list_(pyarrow.uint8()), pyarrow.float64()
    arrays = zip(_ARRAYS, (pyarrow.list_(real, 9), numbers, pyarrow.list_(real)), strict=True)
    kinds = {**dict.fromkeys(_COLUMNS, pyarrow.string()), **dict(arrays), **dict.fromkeys(targets, real)}
    schema = pyarrow.schema(list(kinds.items()))
    with durable.written_aside(out) as part, pyarrow.parquet.ParquetWriter(part, schema) as writer:
        for _, crystals in batches:
            rows = [_parquet_row(crystal) for crystal in crystals]
            writer.write_table(pyarrow.Table.from_pylist(rows, schema=schema))


def _parquet_row(crystal: Crystal) -> dict[str, Any]:
    """A row of the table: lists instead of arrays; a target that the crystal lacks is left out and becomes null."""
    arrays = (crystal.lattice.ravel().tolist(), crystal.numbers.tolist(), crystal.frac.ravel().tolist())
    texts = zip(_COLUMNS, _texts(crystal), strict=True)
    return {**dict(texts), **dict(zip(_ARRAYS, arrays, strict=True)), **crystal.targets}


def _write_npz(out: Path, batches: Batches, targets: Sequence[str]) -> None:
    """Write one file for each shard; names and shapes are those of the tables of a shard."""
    if out.exists() and (not out.is_dir() or next(out.iterdir(), None) is not None):
        raise ShardError(f"{out} is there already: give a new folder, or remove this one")
    part = out.with_name(f".{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    try:
        for name, crystals in batches:
            np.savez(part / name.replace(".h5", ".npz"), allow_pickle=False, **_columns(crystals, targets))
        part.replace(out)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _columns(crystals: Sequence[Crystal], targets: Sequence[str]) -> dict[str, NDArray[Any]]:
    columns: dict[str, NDArray[Any]] = {
        "id": np.array([c.id for c in crystals], str),
        "formula": np.array([c.formula for c in crystals], str),
        "origin": np.array([c.origin for c in crystals], str),
        "cell": np.array([c.lattice for c in crystals]).reshape(-1, 3, 3),
        "site_offset": np.cumsum([0, *(c.n_sites for c in crystals)]),
        "site_number": np.concatenate([np.zeros(0, np.uint8), *(c.numbers for c in crystals)]),
        "site_frac": np.concatenate([np.zeros((0, 3)), *(c.frac for c in crystals)]),
    }
    for target in targets:
        values = [c.targets.get(target, np.nan) for c in crystals]
        columns[f"targets.{encode_name(target)}"] = np.array(values, float)
    return columns


class Format(NamedTuple):
    """An export format; ``write`` takes the path, the crystals by shard and the names of all targets."""

    write: Callable[[Path, Batches, Sequence[str]], None]
    about: str


FORMATS = {
    ".extxyz": Format(_write_extxyz, "extended XYZ"),
    ".csv": Format(_write_csv, "a table with a CIF column"),
    ".parquet": Format(_write_parquet, "a Parquet table"),
    "": Format(_write_npz, "a folder of .npz files"),
}
