"""Files of tensors that are made from a trained model and lie beside it; the card of each names the weights it fits."""

from pathlib import Path
from typing import NamedTuple, TypeVar

from pydantic import ValidationError

from hpcvox.files.regular import open_regular
from hpcvox.training.folder import carded, earlier
from hpcvox.training.folder.card import Said
from hpcvox.training.folder.damage import checksum
from hpcvox.training.folder.shipped import located
from hpcvox.validation import first_problem


class BesideCard(Said):
    """The card of such a file."""

    of: str
    """Checksum of the weights that it was made from, as in their card."""
    checksum: str = ""
    """Checksum of its own tensors."""


B = TypeVar("B", bound=BesideCard)


class Found(NamedTuple):
    """A file that is undamaged and belongs to the model beside it."""

    data: bytes
    card: BesideCard


def write(path: Path, data: bytes, card: BesideCard) -> None:
    """Write ``data``, a file of safetensors, with its card to ``path`` atomically."""
    card = card.model_copy(update={"checksum": carded.checksum(data)})
    carded.write(path, data, card.model_dump_json())


def read(folder: Path, file: str, kind: type[B], of: str) -> Found | None:
    """Read the ``file`` beside the model in ``folder``; None if there is none that was made from its weights.

    Args:
        folder: run folder of the model.
        file: name of the file.
        kind: class of the file's card.
        of: checksum of the model's weights.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file is damaged, or its card is not valid.
    """
    path = located(folder) / file
    if not path.exists():
        return None
    header = carded.header(path)
    if header.card is None:
        card, begin = _before(path, kind, of), 0
    else:
        card, begin = _checked(header.card, kind), header.start
    if card is None or card.of != of:
        return None
    if checksum(path, begin) != card.checksum:
        raise ValueError("it is damaged: its checksum is not the one in its card")
    with open_regular(path) as opened:
        return Found(opened.read(), card)


def _checked(text: str, kind: type[B]) -> B:
    try:
        return kind.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise ValueError(f"its card is none of such a file: {first_problem(kind, error)}") from None


def _before(path: Path, kind: type[B], of: str) -> B | None:
    """The card of a file without one inside, from its entry in the model's card; None if that has no such entry.

    Older versions of hpcvox wrote such files.
    """
    entry = earlier.entry(path.parent, path.stem)
    if entry is None:
        return None
    known = {name: value for name, value in entry.items() if name in kind.model_fields}
    try:
        return kind.model_validate(known | {"of": of}, strict=True)
    except ValidationError:
        return None
