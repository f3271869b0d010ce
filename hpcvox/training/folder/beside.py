"""Files of tensors beside a trained model that are made from it: each says in its card which weights it belongs to."""

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
    """What such a file says of itself."""

    of: str
    """Checksum of the weights that it was made from, as in their card."""
    checksum: str = ""
    """Of its own tensors."""


B = TypeVar("B", bound=BesideCard)


class Found(NamedTuple):
    """A file that is whole and of the model beside it."""

    data: bytes
    card: BesideCard


def write(path: Path, data: bytes, card: BesideCard) -> None:
    """Keep ``data``, a file of safetensors, with its card at ``path``, whole or not at all."""
    card = card.model_copy(update={"checksum": carded.checksum(data)})
    carded.write(path, data, card.model_dump_json())


def read(folder: Path, file: str, kind: type[B], of: str) -> Found | None:
    """The ``file`` beside the model of ``folder``; None where there is none that was made from its weights.

    Args:
        kind: of its card.
        of: checksum of the weights.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged, or its card is none.
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
    """The card of a file that has none in it, by the entry of the model's; None where that names no such file."""
    entry = earlier.entry(path.parent, path.stem)
    if entry is None:
        return None
    known = {name: value for name, value in entry.items() if name in kind.model_fields}
    try:
        return kind.model_validate(known | {"of": of}, strict=True)
    except ValidationError:
        return None
