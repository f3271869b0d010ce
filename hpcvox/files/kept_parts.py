"""Keeps finished parts of a long job on disk, so that an interrupted run can go on where it was."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import xxhash

from hpcvox.errors import HpcvoxError
from hpcvox.files import durable
from hpcvox.terminal import say


class KeptParts:
    """JSON files in a folder; each holds the rows of one part of the work.

    Each file also has the hash of ``work``, which is everything that determines the rows (checksums of models, seeds,
    settings).  A part is used only if this hash is the same.
    """

    def __init__(self, folder: Path, work: Any) -> None:
        self.folder = folder
        self._digest = xxhash.xxh3_128_hexdigest(json.dumps(work, sort_keys=True).encode())
        self._told = False
        folder.mkdir(parents=True, exist_ok=True)

    def load(self, name: str) -> list[Any] | None:
        """The rows of part ``name``; None if it is missing, torn, another part or of other work."""
        try:
            part = json.loads((self.folder / f"{name}.json").read_text("utf-8"))
        except (OSError, ValueError):
            return None
        # a part of an older version has no name
        if not isinstance(part, dict) or part.get("part", name) != name:
            return None
        if part.get("work") != self._digest:
            if not self._told:
                say(f"{self.folder.parent}: made anew, because its inputs have changed since", error=True)
            self._told = True
            return None
        rows: list[Any] = part["rows"]
        return rows

    def save(self, name: str, rows: list[Any]) -> None:
        """Save the rows of part ``name``.

        Raises:
            HpcvoxError: the file cannot be written.
        """
        path = self.folder / f"{name}.json"
        part = {"work": self._digest, "part": name, "rows": rows}
        try:
            durable.write_text(path, json.dumps(part))
        except OSError as error:
            raise HpcvoxError(
                f"cannot write {path}: {error.strerror}. Free space there or choose another folder (out=...), "
                "then run the same command again: it goes on where it was"
            ) from None

    def remove_others(self, names: Iterable[str]) -> None:
        """Remove all parts except ``names``: they belong to a source, networks or references that have changed."""
        files = {f"{name}.json" for name in names}
        for path in self.folder.glob("*.json"):
            if path.name not in files:
                path.unlink()
