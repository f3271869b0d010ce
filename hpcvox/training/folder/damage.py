"""Whether what a training wrote is as it was written, told without loading PyTorch."""

import json
from pathlib import Path

import xxhash


def checksum(path: Path) -> str:
    """Of a file's bytes."""
    return xxhash.xxh3_128_hexdigest(path.read_bytes())


def damage(path: Path) -> str | None:
    """What is wrong with the checkpoint in folder ``path``; None where it is whole."""
    try:
        checksums: dict[str, str] = json.loads((path / "state.json").read_text("utf-8"))["checksums"]
        wrong = [name for name, expected in checksums.items() if checksum(path / name) != expected]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return str(error)
    return f"checksum of {', '.join(wrong)}" if wrong else None
