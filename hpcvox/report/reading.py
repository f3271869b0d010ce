"""Reads tables, configs and summaries of a folder; a damaged file is left out or mentioned, and raises no error."""

import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import yaml
from numpy.typing import NDArray

from hpcvox import scalars
from hpcvox.files import regular
from hpcvox.process.settings_files import CONFIG

JSON_LIMIT_BYTES: Final = 16 * 2**20
"""Largest JSON file that is shown; larger files are data, not summaries."""


ID: Final = "id"
FORMULA: Final = "formula"
CIF: Final = "cif"
"""Columns that every table of crystals has."""

csv.field_size_limit(2**27)  # a CIF may stand in a field


class Config(NamedTuple):
    """The config of a run: its text, and the seed where it has one."""

    text: str = ""
    seed: int | None = None


NOTHING: Final = Config()
"""The config of a folder without one."""


def read_config(folder: Path, notes: list[str]) -> Config:
    """Read the ``config.yaml`` of a folder; append a note to ``notes`` if it cannot be read."""
    path = folder / CONFIG
    if not path.is_file():
        return NOTHING
    try:
        text = regular.read_text(path, JSON_LIMIT_BYTES)
        tree = scalars.plain(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        notes.append(f"{path.name} cannot be read ({error}).")
        return NOTHING
    seed = tree.get("seed") if isinstance(tree, dict) else None
    return Config(text, seed if isinstance(seed, int) else None)


def recorded(folder: Path) -> list[str]:
    """Every scalar of a folder's JSON files as a line ``key: value``, for people to read."""
    lines: list[str] = []
    for file in sorted(folder.glob("*.json")):
        try:
            tree = json.loads(regular.read_text(file, JSON_LIMIT_BYTES))
        except (OSError, ValueError, RecursionError):
            continue
        lines += [f"{key}: {value}" for key, value in _scalars(tree)]
    return lines


def _scalars(tree: object, prefix: str = "") -> Iterator[tuple[str, object]]:
    """The scalars of nested mappings by dotted key; lists are left out unless short and of scalars."""
    if not isinstance(tree, Mapping):
        return
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _scalars(value, name + ".")
        elif isinstance(value, str | int | float | bool):
            yield name, value
        elif (
            isinstance(value, list) and len(value) <= 8 and not any(isinstance(v, dict | list) for v in value)
        ):
            yield name, ", ".join(str(v) for v in value)


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a CSV table as text; a short row has empty fields, a formula ``NaN`` stays a formula."""
    with path.open(newline="", encoding="utf-8", errors="replace") as handle:
        for row in csv.DictReader(handle, restval=""):
            yield {key: value for key, value in row.items() if key is not None}


def numbers(rows: Sequence[Mapping[str, str]], column: str) -> NDArray[np.float64]:
    """The finite numbers of a column."""
    values = (number(row.get(column, "")) for row in rows)
    return np.array([value for value in values if value is not None])


def pairs(first: Sequence[str], second: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two columns as numbers, without the rows where either is none."""
    both = ((number(a), number(b)) for a, b in zip(first, second, strict=True))
    known = np.array([(a, b) for a, b in both if a is not None and b is not None]).reshape(-1, 2)
    return known[:, 0], known[:, 1]


def number(value: object) -> float | None:
    """``value`` as a finite float, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        result = float(value)
    except ValueError:
        return None
    return result if math.isfinite(result) else None
