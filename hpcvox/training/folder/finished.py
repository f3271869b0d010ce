"""Marks a finished training, so that the same training, run again, ends before it starts a rank.

If the settings, the version, the inputs or a byte of the results differ, the training runs as usual.
"""

import json
from typing import Any, Final

from hpcvox import __version__
from hpcvox.files import durable
from hpcvox.training.folder.card import METRICS, WEIGHTS
from hpcvox.training.folder.damage import checksum, damage
from hpcvox.training.folder.inputs import changed
from hpcvox.training.network import find
from hpcvox.training.settings import TrainSettings

RECORD: Final = "finished.json"

MADE: Final = (WEIGHTS, METRICS)
"""Files that every training writes; the record of its network names further files."""

FREE: Final = {
    *("overwrite", "ranks", "threads", "backend", "device", "stall_s"),
    *("checkpoint_steps", "keep_checkpoints"),
}
"""Settings that do not change a finished run."""


def write(settings: TrainSettings, summary: str) -> None:
    """Write into the run folder that this training is done, and its last words."""
    durable.write_json(settings.out / RECORD, {**_state(settings), "summary": summary})


def summary(settings: TrainSettings) -> str | None:
    """The last words of this training, if it is done and all its files are undamaged; None if work is left."""
    try:
        record: dict[str, Any] = json.loads((settings.out / RECORD).read_bytes())
        said: str = record.pop("summary")
        # to go on from, if it is to have more epochs one day
        last = max((settings.out / "checkpoints").glob("step-*"))
        done = record == _state(settings) and not changed(settings) and damage(last) is None
    except (OSError, ValueError, KeyError, AttributeError):
        return None
    return said if done else None


def _state(settings: TrainSettings) -> dict[str, Any]:
    """The settings of a training, and the checksums of its files."""
    names = (*MADE, *find(settings.network).leaves)
    made = {name: checksum(path) if (path := settings.out / name).exists() else None for name in names}
    return {
        "hpcvox": __version__,
        "settings": settings.model_dump(mode="json", exclude=FREE),
        "made": made,
    }
