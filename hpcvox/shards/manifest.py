"""The manifest: what a shard set holds, written when the set is whole."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hpcvox import durable
from hpcvox.errors import ShardError
from hpcvox.shards.layout import FORMAT, MANIFEST, VERSION
from hpcvox.shards.writer import ShardLine

_DO = "make the set with `hpcvox featurize`, and run it to its end"


@dataclass(frozen=True)
class Manifest:
    """Contents of ``manifest.json``."""

    descriptor: str
    grid: str
    settings: Mapping[str, Any]
    code_version: str
    source: str
    n_entries: int
    n_samples: int
    n_rejects: int
    rejects_by_code: Mapping[str, int]
    shards: tuple[ShardLine, ...]
    remarks_by_code: Mapping[str, int] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Write ``manifest.json`` into ``folder``, whole or not at all."""
        tree = {"format": FORMAT, "version": VERSION, **asdict(self)}
        tree["shards"] = [line._asdict() for line in self.shards]
        durable.write_json(folder / MANIFEST, tree)

    @classmethod
    def load(cls, folder: Path) -> "Manifest":
        """Read the manifest of the shard set in ``folder``.

        Raises:
            ShardError: there is none, or it is damaged or of a version that this code cannot read.
        """
        path = folder / MANIFEST
        try:
            tree = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            what = "has no manifest.json" if folder.is_dir() else "does not exist"
            raise ShardError(f"{folder} {what}, so it is not a whole shard set: {_DO}") from None
        except (OSError, ValueError) as error:
            raise ShardError(f"{path} cannot be read ({error}): {_DO} again") from None
        if not isinstance(tree, dict) or tree.pop("format", None) != FORMAT:
            raise ShardError(f"{path} is not the manifest of a shard set: {_DO}")
        if (version := tree.pop("version", None)) != VERSION:
            raise ShardError(f"{path} has format version {version}, this code reads {VERSION}: {_DO} again")
        try:
            tree["shards"] = tuple(ShardLine(**line) for line in tree["shards"])
            return cls(**tree)
        except (KeyError, TypeError) as error:
            raise ShardError(f"{path} is damaged ({error}): {_DO} again") from None
