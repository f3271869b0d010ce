"""Finds the version of the code if it runs from a git checkout."""

import subprocess
from pathlib import Path

import hpcvox

ROOT = Path(hpcvox.__file__).resolve().parent.parent


def git_version(root: Path = ROOT) -> str | None:
    """The commit that ``root`` has checked out, with ``-dirty`` if files differ from it; None if git finds none."""
    if not (root / ".git").exists():  # an installation may lie within the checkout of something else
        return None
    command = ["git", "--no-optional-locks", f"--git-dir={root / '.git'}", f"--work-tree={root}"]
    try:
        done = subprocess.run(
            [*command, "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
