"""Finished parts of a long job on disk, so that an interrupted run goes on where it was."""

import json
from pathlib import Path
from typing import Any

import xxhash

from hpcvox.files import durable


class Parts:
    """JSON files in a folder, each the rows of one part of the work.

    A part counts only for the work it was made by: ``work`` (what determines the rows: checksums of
    models, seeds, settings) is hashed into it.
    """

    def __init__(self, folder: Path, work: Any) -> None:
        self.folder = folder
        self._digest = xxhash.xxh3_128_hexdigest(json.dumps(work, sort_keys=True).encode())
        folder.mkdir(parents=True, exist_ok=True)

    def load(self, name: str) -> list[dict[str, Any]] | None:
        """The rows of part ``name``, or None where it is not there, torn or of other work."""
        try:
            part = json.loads((self.folder / f"{name}.json").read_text("utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(part, dict) or part.get("work") != self._digest:
            return None
        rows: list[dict[str, Any]] = part["rows"]
        return rows

    def save(self, name: str, rows: list[dict[str, Any]]) -> None:
        """Keep the rows of part ``name``."""
        durable.write_text(self.folder / f"{name}.json", json.dumps({"work": self._digest, "rows": rows}))
