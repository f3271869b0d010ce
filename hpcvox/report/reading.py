"""Reads what the other rooms wrote: configs, JSON and CSV tables; a torn file is said, not fatal."""

import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from hpcvox import scalars
from hpcvox.files import regular

JSON_LIMIT_BYTES = 16 * 2**20
"""A larger JSON file is data, not a summary, and is left to its own reader."""

csv.field_size_limit(2**27)  # a CIF may stand in a field


@dataclass(frozen=True)
class Folder:
    """A folder that a verb wrote: ``problem`` says why it has nothing to show (else it is empty).

    ``facts`` are the scalars of its top-level JSON files by dotted key, ``config`` its config.yaml.
    """

    verb: str
    path: Path | None
    problem: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    config_text: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def file(self, *names: str) -> Path | None:
        """The first of ``names`` that is a file here."""
        if self.path is None or self.problem:
            return None
        return next((self.path / name for name in names if (self.path / name).is_file()), None)

    def fact(self, *names: str) -> Any:
        """The first fact or setting whose key is, or ends in ``.``, one of ``names``; None without one."""
        for name in names:
            for known in (self.facts, flatten(self.config)):
                for key, value in known.items():
                    if key == name or key.endswith("." + name):
                        return value
        return None


def open_folder(verb: str, path: Path | None) -> Folder:
    """What ``hpcvox VERB`` left in ``path``."""
    if path is None:
        return Folder(verb, None, "This part was not asked for: its folder is null in the report's config.")
    if not path.is_dir():
        return Folder(verb, path, f"There is no folder {path}. `hpcvox {verb}` with out={path} makes it.")
    if not any(entry for entry in path.iterdir() if not entry.name.startswith(".")):
        return Folder(verb, path, f"{path} is empty: `hpcvox {verb}` has not finished a step there.")
    notes: list[str] = []
    config, text = _read_config(path / "config.yaml", notes)
    facts: dict[str, Any] = {}
    for file in sorted(path.glob("*.json")):
        try:
            if file.stat().st_size <= JSON_LIMIT_BYTES:
                facts.update(flatten(json.loads(file.read_text("utf-8"))))
        except (OSError, ValueError, RecursionError) as error:
            notes.append(f"{file.name} cannot be read ({error}); what it says is left out.")
    return Folder(verb, path, "", config, text, facts, tuple(notes))


def _read_config(path: Path, notes: list[str]) -> tuple[dict[str, Any], str]:
    if not path.is_file():
        return {}, ""
    try:
        text = regular.read_text(path, JSON_LIMIT_BYTES)
        tree = scalars.plain(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        notes.append(f"{path.name} cannot be read ({error}).")
        return {}, ""
    return (tree if isinstance(tree, dict) else {}), text


def flatten(tree: object, prefix: str = "") -> dict[str, Any]:
    """The scalars of nested mappings by dotted key; lists are left out unless short and of scalars."""
    if not isinstance(tree, Mapping):
        return {}
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat.update(flatten(value, name + "."))
        elif isinstance(value, str | int | float | bool):
            flat[name] = value
        elif (
            isinstance(value, list) and len(value) <= 8 and not any(isinstance(v, dict | list) for v in value)
        ):
            flat[name] = ", ".join(str(v) for v in value)
    return flat


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a CSV table as text; a short row has empty fields, a formula ``NaN`` stays a formula."""
    with path.open(newline="", encoding="utf-8", errors="replace") as handle:
        for row in csv.DictReader(handle, restval=""):
            yield {key: value for key, value in row.items() if key is not None}


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
