"""Trained networks that come with hpcvox; their names can be given instead of a run folder."""

from pathlib import Path
from typing import Final

from hpcvox.inputs import Input

FOLDER: Final = Path(__file__).parents[2] / "shipped"


def names() -> list[str]:
    """The names of these networks."""
    return sorted(path.name for path in FOLDER.iterdir() if path.is_dir() and path.name != "__pycache__")


def located(folder: Path) -> Path:
    """The folder of a network: ``folder`` itself, or the folder of the network of hpcvox that has this bare name.

    If the user has a folder with that name, it takes precedence.
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
