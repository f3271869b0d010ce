"""The crystal graphs of CGCNN as samples; the arrays are ragged, with one row for each site."""

from typing import Final

from hpcvox.crystals.record import Crystal
from hpcvox.descriptors.graph import crystal_graph, orbits
from hpcvox.featurize.sampler import Arrays, Sampler, cell_of
from hpcvox.featurize.settings import GraphSettings
from hpcvox.shards.layout import CELL, ArraySpec

ORBIT: Final = ArraySpec(
    "orbit", (), "int32", "1", (), "first site of the sample that a symmetry carries to this one", "site"
)


class GraphSampler(Sampler):
    """Makes neighbours and distances; a training expands a distance in Gaussians when it reads it."""

    def __init__(self, settings: GraphSettings) -> None:
        self.settings = settings
        shape = (settings.neighbours,)
        self.arrays = (
            ArraySpec("neighbours", shape, "int32", "1", ("edge",), "site within the sample", "site"),
            ArraySpec("distances", shape, "float32", "Å", ("edge",), "to the neighbour", "site"),
            *([ORBIT] if settings.symprec else []),
            CELL,
        )

    def fill(self, crystal: Crystal, place: tuple[int, int], slot: Arrays) -> Arrays:
        """See :class:`hpcvox.featurize.sampler.Sampler`."""
        cell, settings = cell_of(crystal), self.settings
        graph = crystal_graph(cell, settings.neighbours, settings.radius)
        edges = {"neighbours": graph.neighbours, "distances": graph.distances}
        return {**edges, "orbit": orbits(cell, settings.symprec)} if settings.symprec else edges
