"""Files beside a trained model that its card names, each by an entry with the file's checksum."""

from pathlib import Path
from typing import Any

import xxhash

from hpcvox.files import durable
from hpcvox.files.regular import open_regular
from hpcvox.training.folder.card import CARD, read_card
from hpcvox.training.folder.shipped import located


def write(folder: Path, file: str, entry: str, data: bytes, **more: Any) -> None:
    """Keep ``data`` as ``file`` beside the model of ``folder``: the file, then the entry of the card."""
    durable.write_bytes(folder / file, data)
    named = {"checksum": xxhash.xxh3_128_hexdigest(data), **more}
    durable.write_json(folder / CARD, read_card(folder) | {entry: named})


def remove(folder: Path, file: str, entry: str) -> None:
    """The model of ``folder`` has no such file."""
    card = read_card(folder)
    if card.pop(entry, None) is not None:
        durable.write_json(folder / CARD, card)
    (folder / file).unlink(missing_ok=True)


def read(folder: Path, file: str, entry: str, card: dict[str, Any]) -> bytes:
    """What the file holds.

    Raises:
        OSError: it cannot be read.
        ValueError: it is another than ``card`` names.
    """
    with open_regular(located(folder) / file) as opened:
        data = opened.read()
    if xxhash.xxh3_128_hexdigest(data) != checksum(card, entry):
        raise ValueError(f"its checksum is not the one in {CARD}")
    return data


def checksum(card: dict[str, Any], entry: str) -> str | None:
    """Of the file that a card names; None: it names none."""
    named = card.get(entry)
    return named.get("checksum") if isinstance(named, dict) else None
