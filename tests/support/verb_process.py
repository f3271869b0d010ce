"""A verb of hpcvox in a process and a session of its own, which a test may kill."""

import subprocess
import sys
from pathlib import Path


def start(verb: str, config: Path, *overrides: str) -> subprocess.Popen[str]:
    """Run ``hpcvox VERB CONFIG key=value ...``; what it says is kept."""
    return subprocess.Popen(
        [sys.executable, "-m", "hpcvox", verb, config, *overrides],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str], timeout_s: float) -> str:
    """Wait until it has done all of its work; what it said."""
    said = process.communicate(timeout=timeout_s)[0]
    assert process.returncode == 0, said
    return said
