"""The crystals that a network is asked about: built-in elemental solids of elements that it was not trained on."""

from typing import Final

import numpy as np

from hpcvox.crystals.elements import SYMBOLS
from hpcvox.crystals.record import Crystal
from hpcvox.database.prototypes.elemental import ELEMENTS, KINDS, SOLIDS, STRETCH, Solid, crystal, draw
from hpcvox.errors import ConfigError
from hpcvox.training.folder.card import Run

MOST: Final = 100_000
"""Solids among which crystals of a class are looked for."""

SHARE: Final = 0.1
"""Of the elements, held out; the paper holds out this share of the crystals."""


def unseen(run: Run, seed: int, of_class: int) -> list[tuple[Solid, Crystal]]:
    """The first ``of_class`` crystals of each class whose element the training ``run`` has held out."""
    held_out(run)
    size = round(len(KINDS) * of_class * 1.5 / SHARE)
    while True:
        drawn = draw(size, seed)
        out = run.held_out([one.formula for _, one in drawn])
        by_kind = {
            kind: [pair for pair, kept in zip(drawn, out, strict=True) if kept and pair[0].kind == kind]
            for kind in KINDS
        }
        if size > MOST or all(len(found) >= of_class for found in by_kind.values()):
            return [pair for found in by_kind.values() for pair in found[:of_class]]
        size *= 2


def of_kind(run: Run, seed: int, kind: str, count: int) -> list[Crystal]:
    """The first ``count`` of :func:`unseen` of one class."""
    return [one for solid, one in unseen(run, seed, count) if solid.kind == kind]


def held_out(run: Run) -> list[int]:
    """The atomic numbers of the elements that ``run`` has held out.

    Raises:
        ConfigError: there is none.
    """
    marks = run.held_out([SYMBOLS[z] for z in ELEMENTS])
    found = [z for z, kept in zip(ELEMENTS, marks, strict=True) if kept]
    if not found:
        raise ConfigError(
            "networks: one was trained on all elements, so that none is left to test it on: "
            f"train it with held_out_fraction={SHARE}"
        )
    return found


def stretched(run: Run, seed: int, name: str, ratio: float, count: int) -> list[Crystal]:
    """``count`` crystals of the structure type ``name`` with c/a ``ratio``, of held-out elements and random volumes."""
    solid = next(one for one in SOLIDS if one.name == name)
    random = np.random.default_rng([seed, *name.encode()])
    known = random.permutation(held_out(run)).tolist()
    volumes = random.uniform(*STRETCH, count)
    return [
        crystal(solid, f"{name}-{place}", known[place % len(known)], ratio, float(volumes[place]))
        for place in range(count)
    ]
