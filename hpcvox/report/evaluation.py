"""The evaluation section: how well held-out crystals are rebuilt, beside the figures of the paper."""

from collections.abc import Mapping, Sequence

from hpcvox.report import scatters
from hpcvox.report.parts import Chart, Section, Table, shown, table
from hpcvox.report.reading import Folder, pairs, read_rows

NAME, TITLE = "evaluation", "Held-out crystals, rebuilt"
WAYS = {"segmentation": "from its own maps", "reconstruction": "through the VAE"}
FIGURES = {
    "length_mae": ("cell length, mean absolute error of an axis (Å)", 0.06),
    "emd": ("distance of sites to their counterparts, EMD (Å)", 0.090),
    "delta_n": ("number of sites, mean absolute error", 0.198),
    "species_right": ("share of sites with the right element", None),
    "recall": ("recall of elements on occupied voxels", 0.87),
    "exact_rate": ("share with every site and element right", None),
    "valid_rate": ("share valid", None),
    "match_rate": ("share of the same structure (StructureMatcher 0.3, 0.5, 10°)", None),
    "match_rms": ("distance of their sites, in (volume/site)^(1/3)", None),
    "metre": ("share that some reconstruction of the composition matches (METRe)", None),
    "crmse": ("distance of sites to the best of these, 0.5 where none matches (cRMSE)", None),
    "failure_rate": ("share in which no atoms could be placed", None),
}
"""Keys of metrics.json, what they mean, and Court et al. 2020's value (doi 10.1021/acs.jcim.0c00464)."""


def section(folder: Folder, table_rows: int) -> Section:
    """Figures of each way (the whole chain; the UNet alone), failures, and every crystal."""
    if folder.problem:
        return Section(NAME, TITLE, missing=folder.problem)
    if folder.file("metrics.json") is None:
        missing = f"{folder.path} has no metrics.json: the evaluation has not finished."
        return Section(NAME, TITLE, missing=missing, notes=folder.notes)
    ways = {way: label for way, label in WAYS.items() if f"{way}.recall" in folder.facts}
    rows = [
        [label, *(folder.facts.get(f"{way}.{key}", "–") for way in ways), "–" if paper is None else paper]
        for key, (label, paper) in FIGURES.items()
    ]
    columns = ["figure", *ways.values(), "Court et al. 2020"]
    file = folder.file("per_crystal.csv")
    crystals = list(read_rows(file)) if file is not None else []
    tables = [table("Figures", columns, rows), *_failures(folder), *_crystals(crystals, table_rows)]
    intro = (
        "Each crystal that training held out is encoded, decoded, and made into sites again. "
        + ("Its own maps go through the UNet alone, too. " if "segmentation" in ways else "")
        + "Failures count in every rate; errors are means over the rest."
    )
    count = folder.facts.get("held_out_crystals")
    facts = [] if count is None else [("held-out crystals", shown(count))]
    notes = list(folder.notes)
    if folder.facts.get("unet_held_out_the_same") is False:
        notes.append("The UNet held out other materials than the VAE: it has seen some of these crystals.")
    return Section(
        NAME, TITLE, intro=intro, facts=facts, charts=_parity(crystals), tables=tables, notes=notes
    )


def _parity(crystals: Sequence[Mapping[str, str]]) -> list[Chart]:
    """Cell lengths and numbers of sites that were found, over the true ones."""
    lengths = {
        label: pairs([row.get(axis, "") for row in crystals for axis in "abc"],
                     [row.get(f"{way}_{axis}", "") for row in crystals for axis in "abc"])
        for way, label in WAYS.items()
    }  # fmt: skip
    sites = {}
    for way, label in WAYS.items():
        true, excess = pairs(
            [row.get("n_sites", "") for row in crystals], [row.get(f"{way}_excess", "") for row in crystals]
        )
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


def _failures(folder: Folder) -> list[Table]:
    rows = [
        [label, key.removeprefix(f"{way}.failures."), count]
        for way, label in WAYS.items()
        for key, count in folder.facts.items()
        if key.startswith(f"{way}.failures.")
    ]
    return [table("Failures, by reason", ["way", "reason", "crystals"], rows)] if rows else []


def _crystals(rows: Sequence[Mapping[str, str]], most: int) -> list[Table]:
    if not rows:
        return []
    columns = list(rows[0])
    note = "" if len(rows) <= most else f"The first {most:,} of {len(rows):,}; all are in per_crystal.csv."
    cells = [[row.get(column, "") for column in columns] for row in rows[:most]]
    return [table(f"Every held-out crystal ({len(rows):,})", columns, cells, note=note, folded=True)]
