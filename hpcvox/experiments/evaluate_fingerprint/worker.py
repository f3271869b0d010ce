"""The work of one actor of ``evaluate-fingerprint``: it classifies crystals without and with defects."""

import re
from typing import Any, Final, NamedTuple

import numpy as np
import spglib
import torch
from numpy.typing import NDArray

from hpcvox.actors.campaign import Part
from hpcvox.crystals.parse import each_crystal
from hpcvox.crystals.record import Crystal, Entry, Reject
from hpcvox.descriptors.clusters import Cell, Cluster, conventional_cell, replicas
from hpcvox.errors import Rejected
from hpcvox.experiments.evaluate_fingerprint.settings import EvaluateFingerprintSettings
from hpcvox.featurize.diffraction import DiffractionSampler
from hpcvox.featurize.sampler import cell_of
from hpcvox.networks.fingerprint.at_work import DEFECTS, Classifier, descriptor
from hpcvox.spglib_cell import spglib_cell

TOLERANCES: Final = {"tight": (1e-3, 1.0), "medium": (1e-2, 1.0), "loose": (1e-1, 5.0)}
"""Tolerances of spglib, in Å and degrees (Ziletti et al. 2018, Supplementary Note 1)."""

Row = dict[str, Any]
"""``{"id", "class", "said": [network's class for each condition], "tight": [spglib's], ...}``; or of a reject."""


class Condition(NamedTuple):
    """A kind of defect and its amount."""

    defect: str
    """One of :data:`DEFECTS`, or ``none``."""
    amount: float
    """Å of displacement, or share of the atoms."""


def conditions(settings: EvaluateFingerprintSettings) -> list[Condition]:
    """All conditions in which each crystal is classified; the first has no defects."""
    given = (settings.displacements, settings.vacancies, settings.substitutions)
    pairs = zip(DEFECTS, given, strict=True)
    return [
        Condition("none", 0.0),
        *(Condition(name, amount) for name, amounts in pairs for amount in amounts),
    ]


class DefectsWorker:
    """Loads the network once, then classifies crystals; results depend only on settings and entries."""

    def __init__(self, settings: EvaluateFingerprintSettings) -> None:
        torch.set_num_threads(1)
        self.settings = settings
        self.network = Classifier(settings.run)
        self.classes = self.network.classes
        base = descriptor(self.network.card, str(settings.run))
        self.samplers = [
            DiffractionSampler(base.model_copy(update=_defect(condition) | {"seed": settings.seed}))
            for condition in conditions(settings)
        ]

    def __call__(self, part: Part[Entry]) -> list[Row]:
        """Return the rows of the crystals and rejects of the entries."""

        def row(crystal: Crystal, place: int, number: int) -> Row:
            return self._row(crystal, (part.items[place].index, number))

        results = each_crystal(part.items, part.fatal, row)
        return [result._asdict() if isinstance(result, Reject) else result for result in results]

    def _row(self, crystal: Crystal, place: tuple[int, int]) -> Row:
        target = self.network.card.target
        value = crystal.targets.get(target)
        known = [name for name, values in self.classes.items() if value in values]
        if not known:
            raise Rejected(
                "no-class", f"its {target} is {value}, which is of no class of {self.settings.run}"
            )
        first = self.samplers[0].settings
        cell = conventional_cell(cell_of(crystal), first.symprec)
        clusters = [sampler.defective(cell, place) for sampler in self.samplers]
        images = [s.image(cluster) for s, cluster in zip(self.samplers, clusters, strict=True)]
        row = {"id": crystal.id, "class": known[0], "said": self.network(np.stack(images))}
        if self.settings.symmetry:
            lattice = cell.lattice * replicas(cell, first.atoms)[:, None]
            for name, tolerance in TOLERANCES.items():
                row[name] = [self._by_symmetry(cluster, lattice, tolerance) for cluster in clusters]
        return row

    def _by_symmetry(
        self, cluster: Cluster, lattice: NDArray[np.float64], tolerance: tuple[float, float]
    ) -> str:
        """The class of the space group that spglib finds for the periodic supercell; empty if it has no class."""
        supercell = Cell(lattice, cluster.positions @ np.linalg.inv(lattice), cluster.numbers)
        found = spglib.get_spacegroup(
            spglib_cell(supercell), symprec=tolerance[0], angle_tolerance=tolerance[1]
        )
        number = int(re.findall(r"\d+", found)[-1]) if found else 0
        return next((name for name, values in self.classes.items() if number in values), "")


def _defect(condition: Condition) -> dict[str, float]:
    return {} if condition.defect == "none" else {condition.defect: condition.amount}
