"""Reads run folders of older versions, which kept the card in ``model.json`` beside the weights.

Such a card has the checksum of the whole file of weights, and an entry with the checksum of each file beside it.
"""

import json
from pathlib import Path
from typing import Any, Final

from hpcvox.files import regular
from hpcvox.training.folder.carded import MAX_BYTES

CARD: Final = "model.json"


def read(folder: Path) -> dict[str, Any]:
    """Read the card of ``folder`` as JSON, without checking the types of its values.

    Raises:
        OSError: there is none, or it cannot be read.
        ValueError: the file is no card.
        RecursionError: the JSON is nested too deep.
    """
    path = folder / CARD
    if (size := path.stat().st_size) > MAX_BYTES:
        raise ValueError(f"it has {size:,} bytes, too many for a card")
    tree = json.loads(regular.read_text(path, MAX_BYTES))
    if not isinstance(tree, dict):
        raise ValueError(f"it holds a {type(tree).__name__}, but a card is an object")
    return tree


def entry(folder: Path, name: str) -> dict[str, Any] | None:
    """The card's entry for the file ``name`` beside the weights; None if there is no entry or no card."""
    try:
        found = read(folder).get(name)
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
