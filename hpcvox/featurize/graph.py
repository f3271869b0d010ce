"""The crystal graph of CGCNN as samples: ragged, a row for every site."""

from hpcvox.crystals.record import Crystal
from hpcvox.descriptors.graph import crystal_graph
from hpcvox.featurize.sampler import Arrays, Sampler, cell_of
from hpcvox.featurize.settings import GraphSettings
from hpcvox.shards.layout import CELL, ArraySpec


class GraphSampler(Sampler):
    """Neighbours and their distances; the Gaussians of a distance are made when it is read."""

    def __init__(self, settings: GraphSettings) -> None:
        self.settings = settings
        shape = (settings.neighbours,)
        self.arrays = (
            ArraySpec("neighbours", shape, "int32", "1", ("edge",), "site within the sample", "site"),
            ArraySpec("distances", shape, "float32", "Å", ("edge",), "to the neighbour", "site"),
            CELL,
        )

    def fill(self, crystal: Crystal, place: tuple[int, int], slot: Arrays) -> Arrays:
        """See :class:`hpcvox.featurize.sampler.Sampler`."""
        graph = crystal_graph(cell_of(crystal), self.settings.neighbours, self.settings.radius)
        return {"neighbours": graph.neighbours, "distances": graph.distances}
