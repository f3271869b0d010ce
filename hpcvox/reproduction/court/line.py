"""Fig. 2c: crystals on the line between two that differ in one element."""

from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.elements import ATOMIC_NUMBERS
from hpcvox.files.summary import Part
from hpcvox.reproduction.court.bench import WHOLE, Bench
from hpcvox.reproduction.rows import row
from hpcvox.reproduction.steps import Step
from hpcvox.reproduction.summary import Figure, Marks, Row
from hpcvox.shards.reading.shard_set import ShardSet

VALID: Final = "samples on the line that are valid"
KEPT: Final = "of these of the ends' type, with their other elements"
BETWEEN: Final = "elements between those of the ends"
NEW: Final = "formulas on the line that were not trained on"

APART: Final = 12
"""Atomic numbers between the ends of the line that is searched, as from Ce to Yb."""

ON_LINE: Final = "between two crystals"


class Between(Part):
    """The samples on the line between two crystals."""

    ends: list[str]
    formulas: list[str]
    """Of the samples in their order; empty: not valid."""
    kept: list[bool]
    numbers: list[int]
    """The atomic number of the element that changes; 0 where the others are not kept."""
    limits: list[int]
    """Those of the ends."""
    new: int
    """Different formulas that were not trained on."""


def step(bench: Bench, draw: int) -> Step[Between]:
    """The step that generates the samples of a draw."""
    vae, unet = bench.vae(draw, WHOLE), bench.unet(draw, WHOLE.widths)
    return Step(
        f"fig2/draw-{draw}/line",
        Between,
        [vae.step.settled, unet.step.settled, bench.settings.scale.steps, bench.settings.line],
        partial(_between, bench, draw),
        needs=(vae.step, unet.step),
    )


def _between(bench: Bench, draw: int, place: Path) -> Between:
    # imported here: PyTorch takes seconds
    from hpcvox.generation.candidates import Column, is_valid, read_candidates
    from hpcvox.generation.job import run
    from hpcvox.generation.settings import GenerateSettings
    from hpcvox.networks.vae.card import VAECard
    from hpcvox.training.folder.card import read_card

    vae = bench.vae(draw, WHOLE).folder
    shards = ShardSet.open(bench.sets.densities[WHOLE.widths][1])
    trained = ~read_card(vae, VAECard).run.held_out(shards.formulas)
    ends = bench.settings.line or _ends(shards, trained)
    job = GenerateSettings(
        vae=vae,
        unet=bench.unet(draw, WHOLE.widths).folder,
        base=ends[0],
        towards=ends[1],
        per_condition=bench.settings.scale.steps,
        seed=bench.seed(draw),
        threads=bench.settings.threads,
        slices=0,
        out=place / "line",
        overwrite=True,
    )
    run(job)
    formulas = [one[Column.FORMULA] if is_valid(one) else "" for one in read_candidates(job.out)]
    of_ends = [shards.formulas[shards.ids.index(one)] for one in ends]
    elements = [_amounts(one) for one in of_ends]
    numbers = [changed(_amounts(one), elements) if one else 0 for one in formulas]
    known = {one for one, is_known in zip(shards.formulas, trained, strict=True) if is_known}
    return Between(
        ends=of_ends,
        formulas=formulas,
        kept=[bool(one) for one in numbers],
        numbers=numbers,
        limits=sorted(changed(one, elements) for one in elements),
        new=len({one for one in formulas if one} - known),
    )


def amounts(formula: str) -> dict[str, int]:
    """How many atoms of each element a formula has."""
    from pymatgen.core.composition import Composition

    return {element.symbol: round(amount) for element, amount in Composition(formula).items()}


def _amounts(formula: str) -> dict[int, int]:
    """The same by atomic number."""
    return {ATOMIC_NUMBERS[symbol]: count for symbol, count in amounts(formula).items()}


def changed(amounts: dict[int, int], ends: list[dict[int, int]]) -> int:
    """The element in the place of that in which the ends differ; 0 if the others are not those that both have."""
    both = dict(ends[0].items() & ends[1].items())
    rest = {z: n for z, n in amounts.items() if z not in both}
    same = both.items() <= amounts.items() and [*rest.values()] == [*_rest(ends[0], both).values()]
    return next(iter(rest)) if same and len(rest) == 1 else 0


def _rest(amounts: dict[int, int], both: dict[int, int]) -> dict[int, int]:
    return {z: n for z, n in amounts.items() if z not in both}


def _ends(shards: ShardSet, trained: NDArray[np.bool_]) -> list[str]:
    """Two crystals that were trained on and differ in one element, :data:`APART` atomic numbers apart or nearly so."""
    groups: dict[Any, list[tuple[int, str]]] = {}
    for number in np.flatnonzero(trained).tolist():
        amounts = _amounts(shards.formulas[number])
        for z in amounts if len(amounts) > 1 else ():
            others = tuple(sorted((other, n) for other, n in amounts.items() if other != z))
            groups.setdefault((others, amounts[z]), []).append((z, shards.ids[number]))
    pairs = [
        pair
        for group in groups.values()
        for pair in combinations(sorted(group), 2)
        if pair[0][0] != pair[1][0]
    ]
    if not pairs:
        # no two differ in one element: any two
        return [shards.ids[number] for number in np.flatnonzero(trained)[[0, -1]].tolist()]
    best = min(pairs, key=lambda pair: (abs(pair[1][0] - pair[0][0] - APART), pair))
    return [best[0][1], best[1][1]]


def rows(found: list[Between]) -> list[Row]:
    """What the lines of the draws show."""
    valid = [sum(bool(one) for one in line.formulas) for line in found]
    kept = [100 * sum(line.kept) / count if count else None for line, count in zip(found, valid, strict=True)]
    inner = [len({z for z in line.numbers if line.limits[0] < z < line.limits[1]}) for line in found]
    share = [100 * count / len(line.formulas) for line, count in zip(found, valid, strict=True)]
    return [
        row(VALID, ON_LINE, "%", "higher", share),
        row(KEPT, ON_LINE, "%", "higher", kept, "no sample is valid"),
        row(BETWEEN, ON_LINE, "", "higher", inner),
        row(NEW, ON_LINE, "", "higher", [line.new for line in found]),
    ]


def figures(found: Between) -> list[Figure]:
    """Fig. 2c: the element that changes, on the way; none where no sample keeps the others."""
    there = [k for k, z in enumerate(found.numbers) if z]
    if not there:
        return []
    marks = Marks(
        kind="points",
        name="valid, other elements kept",
        x=[k / (len(found.numbers) - 1) for k in there],
        y=[float(found.numbers[k]) for k in there],
        texts=[found.formulas[k] for k in there],
    )
    return [
        Figure(
            name="fig2c",
            title=f"Fig. 2c: from {found.ends[0]} to {found.ends[1]} (first draw)",
            x="way from the one to the other",
            y="atomic number of the element that changes",
            marks=[marks],
        )
    ]
