"""Asks the network of a draw about clusters of atoms; this imports PyTorch."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from hpcvox.crystals.record import Crystal
from hpcvox.descriptors.clusters import Cell, Cluster, conventional_cell, displaced, supercell, without
from hpcvox.featurize.diffraction import DiffractionSampler
from hpcvox.featurize.sampler import cell_of
from hpcvox.networks.fingerprint.at_work import Classifier, descriptor
from hpcvox.reproduction.ziletti.bench import Net

CHANGES: Final[Mapping[str, Callable[[Cluster, float, np.random.Generator], Cluster]]] = {
    "displacement": displaced,
    "vacancies": without,
}
"""By the kind of defect the function that makes it."""


class Asked:
    """A network, and the fingerprints that it was trained on the kind of."""

    def __init__(self, net: Net) -> None:
        # sums have the same order on any machine
        torch.set_num_threads(1)
        self.network = Classifier(net.folder)
        self.run = self.network.card.run
        self.classes = list(self.network.classes)
        self._sampler = DiffractionSampler(descriptor(self.network.card, str(net.folder)))

    def cell(self, crystal: Crystal) -> Cell:
        """The conventional cell of a crystal."""
        return conventional_cell(cell_of(crystal), self._sampler.settings.symprec)

    def cluster(self, crystal: Crystal) -> Cluster:
        """The perfect cluster of a crystal."""
        return supercell(self.cell(crystal), self._sampler.settings.atoms)

    def image(self, cluster: Cluster) -> NDArray[np.float32]:
        """Its fingerprint."""
        return self._sampler.image(cluster)

    def probabilities(self, clusters: Sequence[Cluster]) -> NDArray[np.float64]:
        """The probability of each class, (clusters, classes)."""
        return self.network.probabilities([self.image(one) for one in clusters])


def changed(cluster: Cluster, defect: str, amount: float, seed: Sequence[int]) -> Cluster:
    """``cluster`` with an amount of a defect (a key of :data:`CHANGES`); 0: as it is."""
    if not amount:
        return cluster
    return CHANGES[defect](cluster, amount, np.random.default_rng(list(seed)))
