"""Trained networks that come with hpcvox, called by their names where a run folder is asked for."""

from pathlib import Path
from typing import Final

from hpcvox.inputs import Input

FOLDER: Final = Path(__file__).parents[2] / "shipped"


def names() -> list[str]:
    """What there is."""
    return sorted(path.name for path in FOLDER.iterdir() if path.is_dir() and path.name != "__pycache__")


def located(folder: Path) -> Path:
    """The folder of a network: a run folder as it is, or of a network that comes with hpcvox, by its bare name.

    A folder of the user's that is so called goes first.
    """
    bare = len(folder.parts) == 1 and not folder.exists()
    return FOLDER / folder if bare and folder.name in names() else folder


def trained_by(verb: str, comes: bool = True) -> Input:
    """Marks a setting that names the run folder of a network.

    Args:
        verb: trains such a network.
        comes: whether networks of this kind come with hpcvox.
    """
    made = f"`hpcvox {verb}` makes it"
    if not comes:
        return Input(made)
    return Input(f"{made}; networks that come with hpcvox: {', '.join(names())}", names)
