"""Checksums of what a training reads from disk (a shard set, trained networks), to notice when these have changed."""

import json
from pathlib import Path
from typing import Final

from hpcvox.files import durable
from hpcvox.shards.layout import MANIFEST
from hpcvox.training.folder.card import WEIGHTS
from hpcvox.training.folder.damage import checksum
from hpcvox.training.folder.shipped import located
from hpcvox.training.settings import TrainSettings

RECORD: Final = "inputs.json"


def note(settings: TrainSettings) -> None:
    """Write the checksums of the inputs into the run folder, unless they were written when the run began."""
    if not (settings.out / RECORD).exists():
        durable.write_json(settings.out / RECORD, _checksums(settings))


def changed(settings: TrainSettings) -> list[str]:
    """The settings whose inputs have changed since the run in the folder began; missing inputs do not count.

    Raises:
        FileNotFoundError: the run folder has no checksums of its inputs.
    """
    before: dict[str, str] = json.loads((settings.out / RECORD).read_bytes())
    return [name for name, now in _checksums(settings).items() if now != before.get(name)]


def others(settings: TrainSettings) -> list[str]:
    """The inputs that have changed since the run in the folder began, in words.

    With these, the result would belong neither to the old nor to the new ones.
    """
    try:
        differ = changed(settings)
    except FileNotFoundError:  # the run began with a version that did not write them
        return []
    return [
        f"another {name} ({getattr(settings, name)}), made anew or trained further since" for name in differ
    ]


def _checksums(settings: TrainSettings) -> dict[str, str]:
    """The checksum of each input that exists, by the setting that names it."""
    return {name: checksum(path) for name, path in _paths(settings).items() if path.exists()}


def _paths(settings: TrainSettings) -> dict[str, Path]:
    folders: dict[str, Path | None] = {name: getattr(settings, name) for name in settings.takes}
    networks = {name: located(folder) / WEIGHTS for name, folder in folders.items() if folder is not None}
    return {"shards": settings.shards / MANIFEST, **networks}
