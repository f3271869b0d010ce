"""Fig. 6: crystals from random points of the latent space, every sample counted."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np

from hpcvox.crystals.record import Crystal
from hpcvox.files.summary import Part
from hpcvox.report.kinds import kind_of
from hpcvox.reproduction.court.bench import WHOLE, Bench
from hpcvox.reproduction.court.line import amounts
from hpcvox.reproduction.court.sets import PROPERTIES
from hpcvox.reproduction.experiment import Experiment, Measured, PaperValue
from hpcvox.reproduction.rows import row
from hpcvox.reproduction.steps import SHORT, Step, digest
from hpcvox.reproduction.summary import Figure, Marks, Row
from hpcvox.shards.reading.shard_set import ShardSet

RANDOM: Final = "random samples"
DRAWN: Final = "samples"
VALID: Final = "valid"
BELOW: Final = "valid with a predicted formation energy below 0"
UNPREDICTED: Final = "valid without a prediction of the energy"
TYPES: Final = "formula types that were not trained on"
KINDS: Final = 10
ELEMENTS: Final = 15

VALUES: Final = (
    PaperValue(DRAWN, RANDOM, "", "Generation", 1000),
    PaperValue(VALID, RANDOM, "%", "Generation", 76),
    PaperValue(BELOW, RANDOM, "%", "Generation", 59),
    PaperValue(TYPES, RANDOM, "", "Fig. 6a, b, a picture"),
)


class Sampled(Part):
    """The samples of a draw."""

    samples: int
    failures: dict[str, int]
    """Of those that are not valid, by reason."""
    ids: list[str]
    """Of the valid ones."""
    formulas: list[str]
    energies: list[float | None]
    """eV/atom, predicted; None with an element that the network has not seen."""
    trained_kinds: list[str]
    """Types of formulas in the training set."""


class Sampling(Part):
    """What samples a draw has."""

    name: str
    given: dict[str, Any]
    """Settings of ``generate``."""


def folder_of(bench: Bench, draw: int, sampling: Sampling) -> Path:
    """Where the samples are."""
    settled = digest(settled_of(bench, draw, sampling))[:SHORT]
    return bench.settings.folder / "generated" / f"{sampling.name}.draw-{draw}.{settled}"


def settled_of(bench: Bench, draw: int, sampling: Sampling) -> list[Any]:
    """Everything that decides the samples."""
    vae, unet, energy = networks(bench, draw)
    return [vae.settled, unet.settled, energy.settled, sampling.given]


def networks(bench: Bench, draw: int) -> tuple[Step[Any], Step[Any], Step[Any]]:
    """The steps of the networks that samples need: VAE, UNet, formation energy."""
    return (
        bench.vae(draw, WHOLE).step,
        bench.unet(draw, WHOLE.widths).step,
        bench.cgcnn(draw, PROPERTIES[0]).step,
    )


def random(bench: Bench, draw: int) -> tuple[Step[Sampled], Sampling]:
    """The step that draws random samples."""
    sampling = Sampling(name="random", given={"per_condition": bench.settings.scale.random, "sigma": 1.0})
    out = folder_of(bench, draw, sampling)
    step = Step(
        f"fig6/draw-{draw}",
        Sampled,
        settled_of(bench, draw, sampling),
        partial(sampled, bench, draw, sampling),
        (out / "summary.json",),
        networks(bench, draw),
    )
    return step, sampling


def sampled(bench: Bench, draw: int, sampling: Sampling, place: Path) -> Sampled:
    """Generate the samples, and predict the energies of the valid ones."""
    # imported here: PyTorch takes seconds
    from hpcvox.generation.candidates import Column, is_valid, read_candidates, read_crystals
    from hpcvox.generation.job import run
    from hpcvox.generation.settings import GenerateSettings
    from hpcvox.generation.summary import GenerateSummary

    vae = bench.vae(draw, WHOLE).folder
    job = GenerateSettings(
        vae=vae,
        unet=bench.unet(draw, WHOLE.widths).folder,
        prior="normal",
        seed=bench.seed(draw),
        threads=bench.settings.threads,
        slices=0,
        crystals="zip",
        out=folder_of(bench, draw, sampling),
        overwrite=True,
        **sampling.given,
    )
    run(job)
    summary = GenerateSummary.load(job.out)
    assert summary is not None
    rows = [one for one in read_candidates(job.out) if is_valid(one)]
    crystals = dict(read_crystals(job.out, rows))
    there = [one for one in (crystals[line[Column.ID]] for line in rows) if isinstance(one, Crystal)]
    return Sampled(
        samples=summary.samples,
        failures=summary.failures,
        ids=[one.id for one in there],
        formulas=[one.formula for one in there],
        energies=predicted(bench, draw, PROPERTIES[0].name, there),
        trained_kinds=sorted({kind_of(one) for one in trained_formulas(bench, vae)}),
    )


def predicted(bench: Bench, draw: int, target: str, crystals: Sequence[Crystal]) -> list[float | None]:
    """A property of crystals, in its unit, by the network of a draw; None with an element that it has not seen."""
    # imported here: PyTorch takes seconds
    from hpcvox.errors import Rejected
    from hpcvox.screening.networks import PropertyNetworks

    one = next(each for each in PROPERTIES if each.name == target)
    network = PropertyNetworks([bench.cgcnn(draw, one).folder])
    described = {}
    for number, crystal in enumerate(crystals):
        try:
            described[number] = network.described(crystal)
        except Rejected:
            continue
    if not described:
        return [None] * len(crystals)
    found = dict(zip(described, network.predict(list(described.values()))[target].mean.tolist(), strict=True))
    return [
        found[number] if number in found and np.isfinite(found[number]) else None
        for number in range(len(crystals))
    ]


def trained_formulas(bench: Bench, vae: Path) -> set[str]:
    """The formulas that the VAE has seen."""
    # imported here: it takes a second
    from hpcvox.training.folder.card import Card, read_card

    shards = ShardSet.open(bench.sets.densities[WHOLE.widths][1])
    out = read_card(vae, Card).run.held_out(shards.formulas)
    return {formula for formula, is_out in zip(shards.formulas, out, strict=True) if not is_out}


def experiment(bench: Bench) -> Experiment:
    """The experiment."""
    steps = [random(bench, draw)[0] for draw in bench.draws]

    def measure() -> Measured:
        found = [bench.steps.done(step) for step in steps]
        return Measured(_rows(found), figures=_figures(found))

    return Experiment(
        name="fig6",
        title="Fig. 6: crystals from random points",
        about="Points of N(0, 1), equally many for each decile of the formation energy, decoded, named by the UNet "
        "and placed. Valid are those whose atoms all lie more than 0.5 Å apart; a sample that gives no crystal "
        "counts as not valid. Formation energies are those that the property network of the same draw predicts, "
        "unrelaxed.",
        needs=("table1",),
        makes=(
            "Fig. 6a: the most frequent types",
            "Fig. 6c: their predicted energies",
            "Fig. 6d: the most frequent elements",
        ),
        axis="",
        better="higher",
        values=VALUES,
        steps=steps,
        measure=measure,
    )


def _rows(found: list[Sampled]) -> list[Row]:
    reasons = sorted({code for one in found for code in one.failures})
    below = [sum(e is not None and e < 0 for e in one.energies) for one in found]
    valid = [len(one.ids) for one in found]
    new = [len({kind_of(f) for f in one.formulas} - set(one.trained_kinds)) for one in found]
    shares = [100 * part / count if count else None for part, count in zip(below, valid, strict=True)]
    return [
        row(DRAWN, RANDOM, "", "neither", [one.samples for one in found]),
        row(VALID, RANDOM, "%", "higher", [100 * len(one.ids) / one.samples for one in found]),
        *(
            row(
                f"lost: {code}",
                RANDOM,
                "%",
                "lower",
                [100 * one.failures.get(code, 0) / one.samples for one in found],
            )
            for code in reasons
        ),
        row(BELOW, RANDOM, "%", "higher", shares, "no sample is valid"),
        row(UNPREDICTED, RANDOM, "", "lower", [sum(e is None for e in one.energies) for one in found]),
        row(TYPES, RANDOM, "", "higher", new),
    ]


def _figures(found: list[Sampled]) -> list[Figure]:
    """Of the valid samples of all draws."""
    pairs = [
        (kind_of(formula), energy)
        for one in found
        for formula, energy in zip(one.formulas, one.energies, strict=True)
    ]
    if not pairs:
        return []
    kinds = Counter(kind for kind, _ in pairs).most_common(KINDS)
    elements = Counter(symbol for one in found for f in one.formulas for symbol in amounts(f)).most_common(
        ELEMENTS
    )
    spreads = []
    for place, (kind, _) in enumerate(kinds):
        of = [energy for one, energy in pairs if one == kind and energy is not None]
        if of:
            label = f"{kind} (median {median(of):.2f})"
            spreads.append(Marks(kind="points", name=label, x=[float(place)] * len(of), y=of))
    names = [kind for kind, _ in kinds]
    return [
        _counted("fig6a", f"Fig. 6a: types of {len(pairs):,} valid samples of all draws", kinds),
        Figure(
            name="fig6c",
            title="Fig. 6c: predicted formation energies by type, most frequent first",
            x=f"{', '.join(names)}",
            y="eV/atom",
            marks=spreads,
        ),
        _counted("fig6d", "Fig. 6d: elements in the valid samples of all draws", elements),
    ]


def _counted(name: str, title: str, counts: list[tuple[str, int]]) -> Figure:
    marks = Marks(kind="bars", x=[one for one, _ in counts], y=[float(count) for _, count in counts])
    return Figure(name=name, title=title, x="", y="samples", marks=[marks])
