"""Finished parts of a long job on disk, so that an interrupted run goes on where it was."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import xxhash

from hpcvox import config, durable
from hpcvox.config import Settings
from hpcvox.errors import ConfigError


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
            part = json.loads((self.folder / f"{name}.json").read_text())
        except (OSError, ValueError):
            return None
        if not isinstance(part, dict) or part.get("work") != self._digest:
            return None
        rows: list[dict[str, Any]] = part["rows"]
        return rows

    def save(self, name: str, rows: list[dict[str, Any]]) -> None:
        """Keep the rows of part ``name``."""
        durable.write_text(self.folder / f"{name}.json", json.dumps({"work": self._digest, "rows": rows}))


def claim(settings: Settings, out: Path, may_change: Iterable[str]) -> None:
    """Save the resolved settings in ``out``; refuse a folder with results of other settings.

    Raises:
        ConfigError: names every setting that differs.
    """
    path = out / "config.yaml"
    if path.exists():
        ignored = {*may_change, "out"}
        before = config.load(type(settings), path).model_dump(mode="json", exclude=ignored)
        now = settings.model_dump(mode="json", exclude=ignored)
        changed = [f"{key} ({before[key]!r} → {now[key]!r})" for key in now if before[key] != now[key]]
        if changed:
            raise ConfigError(
                f"{out} holds results of other settings: {', '.join(changed)}; "
                "choose another out, or remove that folder to begin anew"
            )
    config.save(settings, path)
