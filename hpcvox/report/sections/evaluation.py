"""The evaluation section: how well held-out crystals are rebuilt, beside the figures of the paper."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from hpcvox.experiments.evaluate.summary import (
    LENGTHS,
    TABLE,
    Column,
    EvaluateSummary,
    Figure,
    Figures,
    Way,
    column,
)
from hpcvox.report.drawing import scatters
from hpcvox.report.drawing.chart import Chart
from hpcvox.report.parts import Section, Table, shown, table
from hpcvox.report.reading import pairs, read_rows
from hpcvox.report.run import Run
from hpcvox.report.tables import first_rows

NAME: Final = "evaluation"
TITLE: Final = "Held-out crystals, rebuilt"
WAYS: Final = {Way.SEGMENTATION: "from its own maps", Way.RECONSTRUCTION: "through the VAE"}

SHOWN: Final[Sequence[tuple[str, Callable[[Figures], float | None], float | None]]] = (
    ("cell length, mean absolute error of an axis (Å)", lambda f: f.length_mae, 0.06),
    ("distance of sites to their counterparts, EMD (Å)", lambda f: f.emd, 0.090),
    ("number of sites, mean absolute error", lambda f: f.delta_n, 0.198),
    ("share of sites with the right element", lambda f: f.species_right, None),
    ("recall of elements on occupied voxels", lambda f: f.recall, 0.87),
    ("share with every site and element right", lambda f: f.exact_rate, None),
    ("share valid", lambda f: f.valid_rate, None),
    ("share of the same structure (StructureMatcher 0.3, 0.5, 10°)", lambda f: f.match_rate, None),
    ("distance of their sites, in (volume/site)^(1/3)", lambda f: f.match_rms, None),
    ("share that some reconstruction of the composition matches (METRe)", lambda f: f.metre, None),
    ("distance of sites to the best of these, 0.5 where none matches (cRMSE)", lambda f: f.crmse, None),
    ("share in which no atoms could be placed", lambda f: f.failure_rate, None),
)
"""Figures, what they mean, and Court et al. 2020's value (doi 10.1021/acs.jcim.0c00464)."""


def sections(run: Run) -> list[Section]:
    """Figures of each way (the whole chain; the UNet alone), failures, and every crystal."""
    folder, most = run.evaluation, run.settings.table_rows
    if folder.problem:
        return [Section(NAME, TITLE, missing=folder.problem)]
    if folder.summary is None:
        missing = f"{folder.path} has no {EvaluateSummary.FILE}: the evaluation has not finished."
        return [Section(NAME, TITLE, missing=missing, notes=folder.notes)]
    ways = folder.summary.ways
    file = folder.file(TABLE)
    crystals = list(read_rows(file)) if file is not None else []
    intro = (
        "Each crystal that training held out is encoded, decoded, and made into sites again. "
        + ("Its own maps go through the UNet alone, too. " if Way.SEGMENTATION in ways else "")
        + "Failures count in every rate; errors are means over the rest."
    )
    count = folder.summary.held_out_crystals
    notes = list(folder.notes)
    if folder.summary.unet_held_out_the_same is False:
        notes.append("The UNet held out other materials than the VAE: it has seen some of these crystals.")
    caption = f"Every held-out crystal ({len(crystals):,})"
    every = [first_rows(caption, crystals, most, TABLE, all_columns=True, folded=True)] if crystals else []
    section = Section(
        NAME,
        TITLE,
        intro=intro,
        facts=[] if count is None else [("held-out crystals", shown(count))],
        charts=_parity(crystals),
        tables=[_figures(ways), *_failures(ways), *every],
        notes=notes,
    )
    return [section]


def _figures(ways: Mapping[Way, Figures]) -> Table:
    rows = [
        [
            label,
            *("–" if (value := of(figures)) is None else value for figures in ways.values()),
            paper or "–",
        ]
        for label, of, paper in SHOWN
    ]
    return table("Figures", ["figure", *(WAYS[way] for way in ways), "Court et al. 2020"], rows)


def _parity(crystals: Sequence[Mapping[str, str]]) -> list[Chart]:
    """Cell lengths and numbers of sites that were found, over the true ones."""

    def found(true: Sequence[str], given: Sequence[str]) -> tuple[list[str], list[str]]:
        return (
            [row.get(name, "") for row in crystals for name in true],
            [row.get(name, "") for row in crystals for name in given],
        )

    lengths = {
        label: pairs(*found(LENGTHS, [column(way, axis) for axis in LENGTHS])) for way, label in WAYS.items()
    }
    sites = {}
    for way, label in WAYS.items():
        true, excess = pairs(*found([Column.N_SITES], [column(way, Figure.EXCESS)]))
        sites[label] = true, true + excess
    made = []
    for name, title, groups, axis in (
        ("lengths", "Cell lengths", lengths, "cell length (Å)"),
        ("sites", "Number of sites", sites, "sites in the cell"),
    ):
        filled = {label: points for label, points in groups.items() if len(points[0])}
        if filled:
            made.append(scatters.parity(f"evaluation-{name}", title, filled, axis))
    return made


def _failures(ways: Mapping[Way, Figures]) -> list[Table]:
    rows = [
        [WAYS[way], reason, count]
        for way, figures in ways.items()
        for reason, count in figures.failures.items()
    ]
    return [table("Failures, by reason", ["way", "reason", "crystals"], rows)] if rows else []
