"""Small shard sets of real crystal graphs for the tests of training, written without Ray."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hpcvox.descriptors.clusters import Cell
from hpcvox.descriptors.graph import crystal_graph, orbits
from hpcvox.featurize.graph import GraphSampler
from hpcvox.featurize.settings import GraphSettings
from hpcvox.shards.layout import shard_name
from hpcvox.shards.manifest import Manifest
from hpcvox.shards.writer import Provenance, ShardBuffer


class Named(NamedTuple):
    """A crystal with what a sample has beside it."""

    id: str
    formula: str
    cell: Cell
    targets: Mapping[str, float]


def make_graphs(
    folder: Path, crystals: Sequence[Named], neighbours: int = 6, shards: int = 2, symprec: float = 0
) -> Path:
    """A shard set of the graphs of ``crystals``."""
    folder.mkdir(parents=True)
    arrays = GraphSampler(GraphSettings(neighbours=neighbours, symprec=symprec)).arrays
    lines, entry = [], 0
    for shard, part in enumerate(np.array_split(np.arange(len(crystals)), shards)):
        buffer = ShardBuffer(arrays, len(part))
        first = entry
        for i in part:
            id, formula, cell, targets = crystals[i]
            graph = crystal_graph(cell, neighbours)
            buffer.slot()["cell"][:] = cell.lattice
            ragged = {"neighbours": graph.neighbours, "distances": graph.distances}
            if symprec:
                ragged["orbit"] = orbits(cell, symprec)
            buffer.commit(entry, id, formula, f"made:{i}", cell.numbers, cell.frac, targets, ragged)
            entry += 1
        made = Provenance("graph", "", {"neighbours": neighbours}, "0", "made", first, entry - first)
        lines.append(buffer.write(folder / shard_name(shard), made))
    Manifest("graph", "", {"neighbours": neighbours}, "0", "made", entry, entry, 0, {}, tuple(lines)).save(
        folder
    )
    return folder
