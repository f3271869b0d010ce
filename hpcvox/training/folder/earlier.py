"""Run folders of versions that kept the card beside the weights, in ``model.json``: read, and never written.

The card had the checksum of the whole file of the weights, and an entry with that of each file beside it.
"""

import json
from pathlib import Path
from typing import Any, Final

from hpcvox.files import regular
from hpcvox.training.folder.carded import MAX_BYTES

CARD: Final = "model.json"


def read(folder: Path) -> dict[str, Any]:
    """The card of ``folder``, of any types.

    Raises:
        OSError: there is none, or it cannot be read.
        ValueError: it is no card.
        RecursionError: it is nested deeper than any.
    """
    path = folder / CARD
    if (size := path.stat().st_size) > MAX_BYTES:
        raise ValueError(f"it has {size:,} bytes, and no card has so many")
    tree = json.loads(regular.read_text(path, MAX_BYTES))
    if not isinstance(tree, dict):
        raise ValueError(f"it holds a {type(tree).__name__}, and a card is an object")
    return tree


def entry(folder: Path, name: str) -> dict[str, Any] | None:
    """What the card says of the file ``name`` beside the weights; None where it says nothing, or there is no card."""
    try:
        found = read(folder).get(name)
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
