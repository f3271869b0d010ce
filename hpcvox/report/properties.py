"""Histograms of the crystals of a shard set: targets, cells and numbers of sites, by kind of formula."""

import numpy as np

from hpcvox.errors import HpcvoxError
from hpcvox.report import charts
from hpcvox.report.kinds import kinds_of
from hpcvox.report.parts import Chart
from hpcvox.report.reading import Folder
from hpcvox.shards.reading.shard_set import ShardSet

MOST_TARGETS = 12


def histograms(folder: Folder) -> tuple[list[Chart], list[str]]:
    """A chart for each of the first targets, one of volumes and one of sites; and what is to be said of them."""
    assert folder.path is not None
    try:
        shards = ShardSet.open(folder.path)
        if not len(shards):
            return [], []
        kinds = np.array(kinds_of(shards.formulas))
        names = shards.target_names
        values = {name: shards.target(name) for name in names[:MOST_TARGETS]}
        sites = np.array([len(shards.sites(index)[0]) for index in range(len(shards))], np.float64)
        volumes = np.abs(np.linalg.det(shards.cells))
    except (HpcvoxError, OSError) as error:
        return [], [f"Its crystals cannot be read: {error}."]
    values |= {"volume of the cell (Å³)": volumes, "sites in the cell": sites}
    made = []
    for number, (name, value) in enumerate(values.items()):
        known = np.isfinite(value)
        groups = {kind: value[known & (kinds == kind)] for kind in dict.fromkeys(kinds.tolist())}
        filled = {kind: some for kind, some in groups.items() if len(some)}
        if filled:
            axis = name.replace("_", " ")
            made.append(charts.histogram(f"shards-{number}", axis[0].upper() + axis[1:], filled, axis))
    notes = (
        [f"{len(names) - MOST_TARGETS} further targets are not drawn."] if len(names) > MOST_TARGETS else []
    )
    return made, notes
