"""What a training leaves when it is done, so that the same one, run again, ends before a rank is started.

Nothing is taken on trust: where settings, version, what it was made from or a byte of what was made differ, the
training goes its usual way.
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
"""What every training leaves; its network's record says what it leaves beside."""

FREE: Final = {"ranks", "threads", "backend", "device", "stall_s", "checkpoint_steps", "keep_checkpoints"}
"""Settings of a run that has nothing left to do."""


def write(settings: TrainSettings, summary: str) -> None:
    """Note in the run folder that this training is done, and what it said last."""
    durable.write_json(settings.out / RECORD, {**_state(settings), "summary": summary})


def summary(settings: TrainSettings) -> str | None:
    """What this training said last, if all of it is there; None where there is something to do."""
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
    """The settings of a training, and the checksums of what it has made."""
    names = (*MADE, *find(settings.network).leaves)
    made = {name: checksum(path) if (path := settings.out / name).exists() else None for name in names}
    return {
        "hpcvox": __version__,
        "settings": settings.model_dump(mode="json", exclude=FREE),
        "made": made,
    }
