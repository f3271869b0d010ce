"""The trained networks, one or several for each target, and the graphs that they take."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpcvox import config
from hpcvox.crystals.record import Crystal
from hpcvox.descriptors.graph import crystal_graph, orbits
from hpcvox.errors import ConfigError
from hpcvox.featurize.sampler import cell_of
from hpcvox.featurize.settings import FREE, GraphSettings
from hpcvox.networks.cgcnn.at_work import Property
from hpcvox.networks.cgcnn.graphs import Graphs, joined

SITES: Final = 1024
"""Most sites of crystals that are computed together, which bounds the memory; a larger crystal is computed alone."""


class Kind(NamedTuple):
    """The settings that determine a graph."""

    neighbours: int
    radius: float
    symprec: float


class SiteGraph(NamedTuple):
    """The graph of one crystal of k sites."""

    neighbours: NDArray[np.int32]  # (k, N)
    distances: NDArray[np.float32]  # (k, N) | in Å
    orbits: NDArray[np.int32] | None  # (k,)


class Described(NamedTuple):
    """A crystal and its graphs of each kind."""

    crystal: Crystal
    graphs: dict[Kind, SiteGraph]


class Prediction(NamedTuple):
    """A target of B crystals, in its unit; NaN for a crystal with an element that a network has never seen."""

    mean: NDArray[np.float64]  # (B,) | of the networks' values
    std: NDArray[np.float64]  # (B,) | their sample standard deviation; NaN for a single network


class PropertyNetworks:
    """The networks in run folders of ``train-cgcnn``, grouped by target.

    Raises:
        CheckpointError: a folder holds no trained CGCNN.
        ConfigError: two folders hold the same network.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self.targets: dict[str, list[Property]] = {}
        seen: dict[str, Path] = {}
        for folder in folders:
            network = Property(folder)
            first = seen.setdefault(network.card.checksum, folder)
            if first is not folder:
                raise ConfigError(
                    f"models: {folder} and {first} hold the same network, which says nothing of its uncertainty: "
                    "give each once, and networks of other seeds for an ensemble"
                )
            self.targets.setdefault(network.target, []).append(network)
        self._kinds = {network.folder: _kind(network) for network in self.all()}

    def all(self) -> list[Property]:
        """All networks, target by target."""
        return [network for networks in self.targets.values() for network in networks]

    def unseen(self, symbols: Sequence[str]) -> list[str]:
        """The elements of ``symbols`` that at least one network has never seen."""
        return [s for s in symbols if any(s not in network.elements for network in self.all())]

    def work(self) -> list[Any]:
        """Everything that determines the values of a crystal, for :class:`hpcvox.files.kept_parts.KeptParts`."""
        return [
            [network.target, network.card.checksum, *self._kinds[network.folder]] for network in self.all()
        ]

    def described(self, crystal: Crystal) -> Described:
        """Make the graphs of a crystal that the networks take.

        Raises:
            Rejected: the crystal has no such graph.
        """
        cell = cell_of(crystal)
        graphs = {}
        for kind in dict.fromkeys(self._kinds.values()):
            graph = crystal_graph(cell, kind.neighbours, kind.radius)
            alike = orbits(cell, kind.symprec) if kind.symprec else None
            graphs[kind] = SiteGraph(graph.neighbours, graph.distances, alike)
        return Described(crystal, graphs)

    def predict(self, crystals: Sequence[Described]) -> dict[str, Prediction]:
        """Predict all targets of the crystals."""
        values = {network.folder: np.full(len(crystals), np.nan) for network in self.all()}
        for start, end in _batches([one.crystal.n_sites for one in crystals]):
            batch = crystals[start:end]
            graphs = {kind: _joined(batch, kind) for kind in dict.fromkeys(self._kinds.values())}
            for network in self.all():
                values[network.folder][start:end] = network(graphs[self._kinds[network.folder]])
        return {
            target: _together(np.stack([values[network.folder] for network in networks]))
            for target, networks in self.targets.items()
        }


def _kind(network: Property) -> Kind:
    """The settings of the graphs that a network was trained on.

    Cards of older versions have only the number of neighbours, which determines the edges.
    """
    given = {key: value for key, value in network.card.descriptor.items() if key not in FREE}
    given |= {"descriptor": "graph", "neighbours": network.neighbours}
    settings = config.validate(GraphSettings, given, f"the card of {network.folder}")
    return Kind(settings.neighbours, settings.radius, settings.symprec)


def _batches(sites: Sequence[int]) -> list[tuple[int, int]]:
    """Starts and ends of batches of crystals, with at most :data:`SITES` sites or one crystal each."""
    ends, start, total = [], 0, 0
    for index, count in enumerate(sites):
        if index > start and total + count > SITES:
            ends.append((start, index))
            start, total = index, 0
        total += count
    return [*ends, (start, len(sites))] if len(sites) else []


def _joined(batch: Sequence[Described], kind: Kind) -> Graphs:
    graphs = [one.graphs[kind] for one in batch]
    alike = [graph.orbits for graph in graphs if graph.orbits is not None]
    return joined(
        [one.crystal.numbers for one in batch],
        [graph.neighbours for graph in graphs],
        [graph.distances for graph in graphs],
        alike if kind.symprec else None,
    )


def _together(values: NDArray[np.float64]) -> Prediction:
    """Mean and sample standard deviation of (M, B) values of M networks."""
    with np.errstate(invalid="ignore"):  # a crystal unlike all others may have infinite values
        std = values.std(axis=0, ddof=1) if len(values) > 1 else np.full(values.shape[1], np.nan)
        return Prediction(values.mean(axis=0), std)
