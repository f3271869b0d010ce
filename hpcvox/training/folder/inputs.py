"""What a training takes from disk beside its settings: a shard set and trained networks, known by their checksums."""

import json
from pathlib import Path
from typing import Final

from hpcvox.errors import ConfigError
from hpcvox.files import durable
from hpcvox.shards.layout import MANIFEST
from hpcvox.training.folder.card import WEIGHTS
from hpcvox.training.folder.damage import checksum
from hpcvox.training.folder.shipped import located
from hpcvox.training.settings import TrainSettings

RECORD: Final = "inputs.json"


def note(settings: TrainSettings) -> None:
    """Write down in the run folder what a run that begins takes."""
    durable.write_json(settings.out / RECORD, _checksums(settings))


def changed(settings: TrainSettings) -> list[str]:
    """The settings that name something else than what the run in the folder began with.

    What is not there any more is not counted.

    Raises:
        FileNotFoundError: nobody wrote down what that was.
    """
    before: dict[str, str] = json.loads((settings.out / RECORD).read_bytes())
    return [name for name, now in _checksums(settings).items() if now != before.get(name)]


def claim(settings: TrainSettings) -> None:
    """Go on with what the run in the folder began with.

    Raises:
        ConfigError: something of it has changed since, and the end would be neither of the old nor of the new.
    """
    try:
        differ = changed(settings)
    except FileNotFoundError:  # of a version that did not write it down
        note(settings)
        return
    if differ:
        named = ", ".join(f"{name} ({getattr(settings, name)})" for name in differ)
        raise ConfigError(
            f"{settings.out} holds a training that began with another {named}, made anew or trained further since: "
            "choose another out, or remove that folder to begin anew"
        )


def _checksums(settings: TrainSettings) -> dict[str, str]:
    """Of each that is there, by the setting that names it."""
    return {name: checksum(path) for name, path in _paths(settings).items() if path.exists()}


def _paths(settings: TrainSettings) -> dict[str, Path]:
    folders: dict[str, Path | None] = {name: getattr(settings, name) for name in settings.takes}
    networks = {name: located(folder) / WEIGHTS for name, folder in folders.items() if folder is not None}
    return {"shards": settings.shards / MANIFEST, **networks}
