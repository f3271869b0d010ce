"""Figs. 2 and 3: the latent space, its map, and what lies between two crystals."""

from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from hpcvox.files.summary import Part
from hpcvox.report.kinds import kind_of, kinds_of
from hpcvox.reproduction.court import line
from hpcvox.reproduction.court.bench import WHOLE, Bench
from hpcvox.reproduction.experiment import Experiment, Measured, PaperValue
from hpcvox.reproduction.rows import row, spread
from hpcvox.reproduction.steps import Step
from hpcvox.reproduction.summary import Figure, Marks, PictureRow, Pictures, Row

if TYPE_CHECKING:
    from hpcvox.report.drawing.chart import Row as GalleryRow

CENTRE: Final = "mean of a latent dimension"
VARIANCE: Final = "variance of a latent dimension"
ALIKE: Final = "nearest neighbours of the same formula type"
CHANCE: Final = "any two crystals of the same formula type"
ENERGY_GAP: Final = "energy difference of nearest neighbours"
ENERGY_ANY: Final = "energy difference of any two crystals"

DIMENSIONS: Final = 24
"""Whose distribution is drawn."""

NEIGHBOURS: Final = 5
DECILES: Final = 10
OF_ALL: Final = "all"

VALUES: Final = (
    PaperValue(CENTRE, OF_ALL, "", "Fig. 2a and text", 0.0),
    PaperValue(VARIANCE, OF_ALL, "", "Fig. 2a and text", 0.99),
    PaperValue(ALIKE, OF_ALL, "%", "Fig. 3, a picture"),
    PaperValue(ENERGY_GAP, OF_ALL, "eV/atom", "Fig. 3, a picture"),
    PaperValue(line.BETWEEN, line.ON_LINE, "", "Fig. 2c, a picture"),
)


class Latent(Part):
    """Crystals as points of the latent space."""

    crystals: int
    mean: float
    variance: float
    """Of a dimension, on average."""
    alike: float
    chance: float
    gap: float
    any_gap: float
    """eV/atom."""
    at: list[float]
    curves: list[list[float]]
    """Estimated densities of some dimensions at these values."""
    places: list[list[float]]
    """By t-SNE."""
    kinds: list[str]
    formulas: list[str]
    energies: list[float]
    rows: list[PictureRow]
    heads: list[str]


def experiment(bench: Bench) -> Experiment:
    """The experiment."""
    latent = [_latent_step(bench, draw) for draw in bench.draws]
    between = [line.step(bench, draw) for draw in bench.draws]

    def measure() -> Measured:
        spaces = [bench.steps.done(step) for step in latent]
        lines = [bench.steps.done(step) for step in between]
        first = spaces[0]
        heads = Pictures(
            name="fig2b",
            title="Fig. 2b: mid-slices between two held-out crystals of each decile, lowest energy on top (first draw)",
            heads=first.heads,
            rows=first.rows,
        )
        return Measured(
            [*_of_spaces(spaces), *line.rows(lines)],
            figures=[_curves(first), *_map(first), *line.figures(lines[0])],
            pictures=[heads] if first.rows else [],
        )

    return Experiment(
        name="fig2",
        title="Figs. 2, 3: the latent space",
        about="Crystals as points of the latent space of the whole pipeline: the distribution of its dimensions, a "
        f"map by t-SNE, and lines between crystals. Neighbours are the {NEIGHBOURS} nearest by the means of the "
        "posteriors, not by the map, which shows only some of the order.",
        needs=(),
        makes=(
            "Fig. 2a: distributions",
            "Fig. 2b: densities on lines",
            "Fig. 2c: elements on a line",
            "Fig. 3: map",
        ),
        axis="",
        better="higher",
        values=VALUES,
        steps=[*latent, *between],
        measure=measure,
    )


def _latent_step(bench: Bench, draw: int) -> Step[Latent]:
    vae = bench.vae(draw, WHOLE)
    return Step(
        f"fig2/draw-{draw}/latent",
        Latent,
        [vae.step.settled, bench.settings.scale.encoded],
        partial(_latent, bench, draw),
        needs=(vae.step,),
    )


def _latent(bench: Bench, draw: int, place: Path) -> Latent:
    # imported here: PyTorch takes seconds
    from hpcvox.report.encoding import Encoder
    from hpcvox.report.sections.latent import STEPS, between, embedded

    encoder = Encoder(bench.vae(draw, WHOLE).folder, bench.sets.densities[WHOLE.widths][1])
    samples = encoder.samples[spread(len(encoder.samples), bench.settings.scale.encoded)]
    encoded = encoder.encode(samples)
    noise = np.random.default_rng(bench.seed(draw)).standard_normal(encoded.mean.shape, np.float32)
    points = encoded.mean + encoded.deviation * noise
    formulas = [encoder.shards.formulas[i] for i in samples]
    kinds, energies = np.array([kind_of(one) for one in formulas]), encoder.values[samples]
    near = _nearest(encoded.mean)
    different = ~np.eye(len(samples), dtype=bool)
    at = np.linspace(-4, 4, 61)
    return Latent(
        crystals=len(samples),
        mean=float(points.mean()),
        variance=float(points.var(axis=0).mean()),
        alike=float((kinds[near] == kinds[:, None]).mean()),
        chance=float((kinds[:, None] == kinds[None])[different].mean()),
        gap=float(np.abs(energies[near] - energies[:, None]).mean()),
        any_gap=float(np.abs(energies[:, None] - energies[None])[different].mean()),
        at=at.tolist(),
        curves=_densities(points, at),
        places=np.round(embedded(encoded.mean), 3).tolist(),
        kinds=kinds_of(formulas),
        formulas=formulas,
        energies=energies.tolist(),
        rows=[_pictures(one) for one in between(encoder, DECILES)],
        heads=["true", *(f"{k / (STEPS - 1):.2f}" for k in range(STEPS)), "true"],
    )


def _nearest(points: NDArray[np.float32]) -> NDArray[np.int64]:
    """The nearest neighbours of each of N points (N, L), (N, K)."""
    from scipy.spatial import cKDTree

    count = min(NEIGHBOURS, len(points) - 1)
    _, near = cKDTree(points).query(points, count + 1)
    return np.asarray(near, np.int64)[:, 1:]


def _densities(points: NDArray[np.float32], at: NDArray[np.float64]) -> list[list[float]]:
    from scipy.stats import gaussian_kde

    chosen = [points[:, k].astype(np.float64) for k in spread(points.shape[1], DIMENSIONS)]
    return [np.round(gaussian_kde(one)(at), 5).tolist() for one in chosen if np.ptp(one) > 1e-6]


def _pictures(given: "GalleryRow") -> PictureRow:
    shares = [(picture - given.low) / (given.high - given.low) for picture in given.pictures]
    return PictureRow(
        label=given.label,
        pictures=[np.clip(255 * share, 0, 255).astype(int).tolist() for share in shares],
    )


def _of_spaces(found: list[Latent]) -> list[Row]:
    some = len({kind for one in found for kind in one.kinds}) > 1
    alone = "all crystals are of one type"
    return [
        row(CENTRE, OF_ALL, "", "neither", [one.mean for one in found]),
        row(VARIANCE, OF_ALL, "", "neither", [one.variance for one in found]),
        row(ALIKE, OF_ALL, "%", "higher", [100 * one.alike for one in found if some], alone),
        row(CHANCE, OF_ALL, "%", "neither", [100 * one.chance for one in found if some], alone),
        row(ENERGY_GAP, OF_ALL, "eV/atom", "lower", [one.gap for one in found]),
        row(ENERGY_ANY, OF_ALL, "eV/atom", "neither", [one.any_gap for one in found]),
    ]


def _curves(found: Latent) -> Figure:
    normal = np.exp(-np.square(found.at) / 2) / np.sqrt(2 * np.pi)
    return Figure(
        name="fig2a",
        title=f"Fig. 2a: {len(found.curves)} latent dimensions of {found.crystals:,} crystals (first draw)",
        x="latent coordinate",
        y="density (KDE)",
        marks=[
            *(Marks(kind="line", x=found.at, y=curve) for curve in found.curves),
            Marks(kind="line", name="N(0, 1)", x=found.at, y=normal.tolist()),
        ],
    )


def _map(found: Latent) -> list[Figure]:
    """Fig. 3 by type, and by fifths of the energy."""
    places, energies = np.array(found.places), np.array(found.energies)
    edges = np.quantile(energies, np.linspace(0, 1, 6))
    fifths = np.searchsorted(edges[1:-1], energies, side="right")
    of_energy = [f"{low:.2f} to {high:.2f}" for low, high in pairwise(edges)]
    ways = {
        "kinds": ("formula type", found.kinds, list(dict.fromkeys(found.kinds))),
        "energies": ("formation energy (eV/atom)", [of_energy[k] for k in fifths], of_energy),
    }
    made = []
    for name, (what, labels, order) in ways.items():
        groups = {one: np.flatnonzero(np.array(labels) == one) for one in dict.fromkeys(order)}
        marks = [
            Marks(
                kind="points",
                name=one,
                x=places[of, 0].tolist(),
                y=places[of, 1].tolist(),
                texts=[found.formulas[k] for k in of],
            )
            for one, of in groups.items()
            if len(of)
        ]
        made.append(Figure(name=f"fig3-{name}", title=f"Fig. 3: t-SNE, by {what}", x="", y="", marks=marks))
    return made
