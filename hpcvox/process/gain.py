"""Whether a start of a job has gained anything: told to what starts it again, which else would do so for ever."""

import os
from pathlib import Path
from typing import Final

VARIABLE: Final = "HPCVOX_NO_GAIN"
"""Names a file that ``slurm/lib.sh`` makes, and that goes with the first thing that is new on disk."""

BOOKKEEPING: Final = ("config.yaml", "launch.yaml", "timings.json", "metrics.jsonl")
"""What each start of a job writes, whether it gets anywhere or not."""


def gained() -> None:
    """Something is on disk from which the next start goes on."""
    if place := os.environ.get(VARIABLE):
        Path(place).unlink(missing_ok=True)


def is_awaited() -> bool:
    """Whether anybody wants to know."""
    return VARIABLE in os.environ and os.path.lexists(os.environ[VARIABLE])


def is_news(written: Path, path: Path) -> bool:
    """Whether ``written``, which is to become ``path``, is more than what is there already."""
    if path.name in BOOKKEEPING:
        return False
    try:
        return written.stat().st_size != path.stat().st_size or written.read_bytes() != path.read_bytes()
    except OSError:
        return True
