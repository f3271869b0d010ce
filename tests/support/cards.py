"""Cards of run folders for tests: made, looked at, changed, and put beside the weights as versions before did."""

import json
from pathlib import Path
from typing import Any

import xxhash

from hpcvox.training.folder import carded, earlier
from hpcvox.training.folder.card import WEIGHTS, Run


def training_on(shards: Path | str = "runs/shards", held_out_fraction: float = 0.2) -> Run:
    """The first epoch of a training on ``shards``."""
    return Run(
        hpcvox="0.1.0",
        shards=str(shards),
        seed=0,
        held_out_fraction=held_out_fraction,
        epoch=1,
        metrics={"held_out/loss": 0.5},
    )


def card_in(path: Path) -> dict[str, Any]:
    """The card in a file of tensors."""
    text = carded.header(path).card
    assert text is not None
    tree: dict[str, Any] = json.loads(text)
    return tree


def put(path: Path, tree: Any) -> None:
    """Write another card to a file of tensors."""
    path.write_bytes(carded.joined(path.read_bytes(), json.dumps(tree)))


def changed(folder: Path, **entries: Any) -> None:
    """Other entries of the card of a run folder."""
    put(folder / WEIGHTS, card_in(folder / WEIGHTS) | entries)


def bare(path: Path) -> dict[str, Any]:
    """Take the card out of a file of tensors: the file as versions before wrote it; returns the card."""
    card, data = card_in(path), path.read_bytes()
    start = carded.start(data)
    header = json.loads(data[8:start])
    del header["__metadata__"]
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[start:])
    return card | {"checksum": xxhash.xxh3_128_hexdigest(path.read_bytes())}


def as_before(folder: Path) -> dict[str, Any]:
    """Put the card of a run folder, and those of the files beside the model, in ``model.json``; returns it."""
    card = bare(folder / WEIGHTS)
    card |= card.pop("run")
    for path in (folder / f"{name}.safetensors" for name in ("prior", "flow")):
        if path.exists():
            entry = bare(path)
            del entry["of"]
            card[path.stem] = entry
    write_before(folder, card)
    return card


def write_before(folder: Path, card: Any) -> None:
    """Write a card as versions before did."""
    (folder / earlier.CARD).write_text(json.dumps(card))
