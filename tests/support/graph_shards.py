"""Small shard sets of real crystal graphs for the tests of training, written without Ray."""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.elements import electronegativity
from hpcvox.descriptors.clusters import Cell
from hpcvox.descriptors.graph import crystal_graph, orbits
from hpcvox.featurize.graph import GraphSampler
from hpcvox.featurize.settings import GraphSettings
from hpcvox.shards.layout import shard_name
from hpcvox.shards.manifest import Manifest
from hpcvox.shards.writing.buffer import Provenance, ShardBuffer
from tests.support.voxel_shards import A_SITES, B_SITES, FRAC, X_SITES


class Named(NamedTuple):
    """A crystal with what a sample has beside it."""

    id: str
    formula: str
    cell: Cell
    targets: Mapping[str, float]


def crystals() -> list[Named]:
    """Perovskites of five sites, salts of two and metals of one, whose ``affinity`` their composition decides."""
    made = []
    for (a, za), (b, zb), (x, zx) in product(A_SITES.items(), B_SITES.items(), X_SITES.items()):
        lattice = np.eye(3) * (3.6 + 0.004 * (za + zb) - 0.02 * zx)
        made.append((f"{a}{b}{x}3", Cell(lattice, FRAC, np.array([za, zb, zx, zx, zx], np.uint8))))
    for (a, za), (x, zx) in product((*A_SITES.items(), *B_SITES.items()), X_SITES.items()):
        lattice, frac = np.eye(3) * (3.0 + 0.01 * za), np.array([[0, 0, 0], [0.5, 0.5, 0.5]])
        made.append((f"{a}{x}", Cell(lattice, frac, np.array([za, zx], np.uint8))))
    for a, za in (*A_SITES.items(), *B_SITES.items()):
        lattice = (1.0 - np.eye(3)) * (2.2 + 0.006 * za)
        made.append((a, Cell(lattice, np.zeros((1, 3)), np.array([za], np.uint8))))
    return [Named(name, name, cell, _targets(cell.numbers)) for name, cell in made]


def _targets(numbers: NDArray[np.uint8]) -> dict[str, float]:
    affinity = float(np.mean([electronegativity(int(z)) for z in numbers]))
    # of some alone, and signed
    known = {"modulus": 10 ** (1 + affinity)} if len(numbers) > 1 else {}
    return {"affinity": affinity, "signed": affinity - 2.0, "same": 1.0, **known}


def make_graphs(
    folder: Path, crystals: Sequence[Named], neighbours: int = 6, shards: int = 2, symprec: float = 0
) -> Path:
    """A shard set of the graphs of ``crystals``."""
    folder.mkdir(parents=True)
    arrays = GraphSampler(GraphSettings(neighbours=neighbours, symprec=symprec)).arrays
    settings = {"neighbours": neighbours, "symprec": symprec}
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
        made = Provenance("graph", "", settings, "0", "made", first, entry - first)
        lines.append(buffer.write(folder / shard_name(shard), made))
    Manifest("graph", "", settings, "0", "made", entry, entry, 0, {}, tuple(lines)).save(folder)
    return folder
