"""Tells the script that restarts a job whether this start has written anything new.

If it has not, the script must not restart the job, which would go on forever.
"""

import os
from pathlib import Path
from typing import Final

from hpcvox.process.settings_files import CONFIG, LAUNCH

VARIABLE: Final = "HPCVOX_NO_GAIN"
"""Environment variable with the path of a file that ``slurm/lib.sh`` makes; the first new result removes it."""

BOOKKEEPING: Final = (CONFIG, LAUNCH, "timings.json", "metrics.jsonl")
"""Files that every start of a job writes; they do not count as results."""


def gained() -> None:
    """Note that something is on disk from which the next start of the job goes on."""
    if place := os.environ.get(VARIABLE):
        Path(place).unlink(missing_ok=True)


def is_awaited() -> bool:
    """Whether the script that started this job waits for its first new result."""
    return VARIABLE in os.environ and os.path.lexists(os.environ[VARIABLE])


def is_news(written: Path, path: Path) -> bool:
    """Whether the file ``written``, which will be renamed to ``path``, differs from what is there."""
    if path.name in BOOKKEEPING:
        return False
    try:
        return written.stat().st_size != path.stat().st_size or written.read_bytes() != path.read_bytes()
    except OSError:
        return True
