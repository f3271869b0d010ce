"""Table 2 and Fig. 7: how many samples around a crystal of the training set are left after each step of a selection."""

import csv
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.record import Crystal
from hpcvox.files.summary import Part
from hpcvox.generation.judging.summary import TABLE, Column, Stage
from hpcvox.generation.settings import JudgeSettings
from hpcvox.report.kinds import kind_of
from hpcvox.reproduction.court.bench import WHOLE, Bench
from hpcvox.reproduction.court.fig6 import Sampled, Sampling, folder_of, networks, sampled, settled_of
from hpcvox.reproduction.court.sets import ENERGY
from hpcvox.reproduction.experiment import Experiment, Measured, PaperValue
from hpcvox.reproduction.rows import row
from hpcvox.reproduction.steps import Step
from hpcvox.reproduction.summary import Row
from hpcvox.shards.reading.shard_set import ShardSet

AROUND: Final = "around a base"
SHARE: Final = "around a base, of all samples"

FUNNEL: Final = (
    ("initial samples", 1000, 100),
    ("interatomic distance validation", 890, 89),
    ("stoichiometric formula", 350, 35),
    ("not in training set", 250, 25),
    ("within 20% of target Ef", 60, 6),
    ("unique composition", 20, 2),
)
"""The steps of Table 2, with its averages and percentages."""

VALID: Final = FUNNEL[1][0]
LAST: Final = FUNNEL[-1][0]
LOST: Final = "lost: not placed, or atoms too near"
UNPREDICTED: Final = "lost: no prediction of the energy"

SIGMA: Final = 0.5
NEAR: Final = 0.2
MOST: Final = 10
"""Candidates of a base that are kept, the nearest to its energy."""


class Candidate(Part):
    """A crystal that passed all steps."""

    formula: str
    energy: float
    """eV/atom, predicted."""
    cif: str


class Selected(Part):
    """What became of the samples around one base."""

    base: str
    formula: str
    energy: float
    """eV/atom, of the data."""
    left: list[int]
    """After each step of :data:`FUNNEL`."""
    lost: int
    """Not valid."""
    unpredicted: int
    candidates: list[Candidate]


class Bases(Part):
    """The crystals around which a draw samples."""

    ids: list[str]
    """Fewer than wanted where the training set has no more."""


def bases(bench: Bench, draw: int) -> Step[Bases]:
    """The step that chooses the bases."""
    vae, wanted = bench.vae(draw, WHOLE), bench.settings.scale.bases
    return Step(
        f"table2/draw-{draw}/bases",
        Bases,
        [vae.step.settled, wanted],
        partial(_bases, bench, draw),
        needs=(vae.step,),
    )


def _bases(bench: Bench, draw: int, place: Path) -> Bases:
    """As many of each type as of the others, at random."""
    # imported here: it takes a second
    from hpcvox.training.folder.card import Card, read_card

    shards = ShardSet.open(bench.sets.densities[WHOLE.widths][1])
    out = read_card(bench.vae(draw, WHOLE).folder, Card).run.held_out(shards.formulas)
    order = np.random.default_rng(bench.seed(draw)).permutation(np.flatnonzero(~out)).tolist()
    kinds: dict[str, list[str]] = {}
    for number in order:
        kinds.setdefault(kind_of(shards.formulas[number]), []).append(shards.ids[number])
    # the most frequent types first, one base of each in turn
    queues = sorted(kinds.values(), key=len, reverse=True)[:3]
    most = max(map(len, queues))
    turns = [queue[turn] for turn in range(most) for queue in queues if turn < len(queue)]
    return Bases(ids=turns[: bench.settings.scale.bases])


def selected(bench: Bench, draw: int, number: int) -> Step[Selected]:
    """The step that samples around a base of a draw and selects; needs that which chooses the bases."""
    chosen = bases(bench, draw)
    return Step(
        f"table2/draw-{draw}/base-{number}",
        Selected,
        [chosen.settled, *settled_of(bench, draw, _sampling(bench, number, "")), number, NEAR],
        partial(_selected, bench, draw, number),
        needs=(chosen, *networks(bench, draw)),
    )


def _sampling(bench: Bench, number: int, base: str) -> Sampling:
    given = {"per_condition": bench.settings.scale.around, "sigma": SIGMA, "base": base}
    return Sampling(name=f"around-{number}", given=given)


def _selected(bench: Bench, draw: int, number: int, place: Path) -> Selected:
    # imported here: PyTorch takes seconds
    from hpcvox.generation.candidates import read_candidates, read_crystals
    from hpcvox.generation.judging.job import run

    ids = bench.steps.done(bases(bench, draw)).ids
    base = ids[number % len(ids)]
    sampling = _sampling(bench, number, base)
    found = sampled(bench, draw, sampling, place)
    generated = folder_of(bench, draw, sampling)
    out = place / "judged"
    run(JudgeSettings(generated=generated, implausible=[], crystals="zip", out=out, overwrite=True))
    with (out / TABLE).open(encoding="utf-8", newline="") as file:
        verdicts = {line[Column.ID]: line for line in csv.DictReader(file)}
    crystals = dict(read_crystals(generated, read_candidates(generated)))
    shards = ShardSet.open(bench.sets.densities[WHOLE.widths][1])
    place_of = shards.ids.index(base)
    energy = float(shards.target(ENERGY)[place_of])
    made = funnel(found, verdicts, energy)
    best = sorted(made.best, key=lambda one: (abs(one[1] - energy), one[0]))[:MOST]
    return Selected(
        base=base,
        formula=shards.formulas[place_of],
        energy=energy,
        left=made.left,
        lost=found.samples - len(found.ids),
        unpredicted=made.unpredicted,
        candidates=[
            Candidate(formula=crystal.formula, energy=value, cif=cif_text(crystal))
            for name, value in best
            if isinstance(crystal := crystals[name], Crystal)
        ],
    )


class Funnel(Part):
    """How many samples are left, and the best of them."""

    left: list[int]
    unpredicted: int
    best: list[tuple[str, float]]
    """Id and energy of the sample of lowest energy of each composition."""


def funnel(found: Sampled, verdicts: dict[str, dict[str, Any]], energy: float) -> Funnel:
    """The paper's steps, by what ``judge`` says of each sample; a copy of a sample is where that is."""
    valid = dict(zip(found.ids, found.energies, strict=True))

    def stage(name: str) -> str:
        verdict = verdicts[name]
        first = verdict[Column.MATCH] if verdict[Column.LOST] == Stage.DISTINCT else name
        return str(verdicts[first][Column.LOST])

    same = [name for name in valid if stage(name) != Stage.ANONYMOUS]
    new = [name for name in same if stage(name) != Stage.NOT_TRAINED_ON]
    told = [(name, value) for name in new if (value := valid[name]) is not None]
    near = [(name, value) for name, value in told if abs(value - energy) <= NEAR * abs(energy)]
    least: dict[str, tuple[str, float]] = {}
    for name, value in near:
        formula = verdicts[name][Column.FORMULA]
        if formula not in least or value < least[formula][1]:
            least[formula] = (name, value)
    left = [found.samples, len(valid), len(same), len(new), len(near), len(least)]
    return Funnel(left=left, unpredicted=len(new) - len(told), best=list(least.values()))


def all_selected(bench: Bench) -> dict[int, list[Step[Selected]]]:
    """The steps of each draw."""
    return {
        draw: [selected(bench, draw, number) for number in range(bench.settings.scale.bases)]
        for draw in bench.draws
    }


def experiment(bench: Bench) -> Experiment:
    """The experiment."""
    steps = all_selected(bench)

    def measure() -> Measured:
        found = [[bench.steps.done(step) for step in of_draw] for of_draw in steps.values()]
        return Measured(_rows(found), crystals=_shown([one for of_draw in found for one in of_draw]))

    return Experiment(
        name="table2",
        title="Table 2, Fig. 7: samples around crystals of the training set",
        about=f"Points of N(μ, σ = {SIGMA:g}) around the latent point of a base, in its decile. In a draw the bases "
        "are of the most frequent types in turn, drawn at random; a value is the mean over them. A sample is in the "
        "training set if that has a crystal of the same structure, not only of the same formula. The energy of a "
        "base is that of the data, the energy of a sample that of the property network.",
        needs=("table1",),
        makes=("Table 2", "Fig. 7: a candidate of each type"),
        axis="",
        better="higher",
        values=(
            *(PaperValue(name, AROUND, "", "Table 2", count) for name, count, _ in FUNNEL),
            *(PaperValue(name, SHARE, "%", "Table 2", share) for name, _, share in FUNNEL),
        ),
        steps=[step for of_draw in steps.values() for step in of_draw],
        measure=measure,
    )


def _rows(found: Sequence[Sequence[Selected]]) -> list[Row]:
    told = []
    for method, unit in ((AROUND, ""), (SHARE, "%")):
        for k, (name, _, _) in enumerate(FUNNEL):
            counts = [
                [one.left[k] / (one.left[0] / 100 if unit else 1) for one in of_draw] for of_draw in found
            ]
            told.append(
                row(name, method, unit, "higher" if k else "neither", [float(np.mean(c)) for c in counts])
            )
    lost = [float(np.mean([one.lost for one in of_draw])) for of_draw in found]
    unpredicted = [float(np.mean([one.unpredicted for one in of_draw])) for of_draw in found]
    told.append(row(LOST, AROUND, "", "lower", lost))
    told.append(row(UNPREDICTED, AROUND, "", "lower", unpredicted))
    return told


def _shown(found: Sequence[Selected]) -> dict[str, str]:
    """Fig. 7: for each type of base the candidate that is nearest to its base's energy."""
    best: dict[str, tuple[float, str, str]] = {}
    for one in found:
        for each in one.candidates:
            kind, gap = kind_of(each.formula), abs(each.energy - one.energy)
            if kind not in best or gap < best[kind][0]:
                best[kind] = (gap, f"{each.formula}, around {one.formula}", each.cif)
    return {name: cif for _, name, cif in best.values()}
