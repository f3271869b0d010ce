"""The work of one actor of ``screen``: it reads the entries of a part and predicts the values of their crystals."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from ase.data import atomic_masses

from hpcvox.actors.campaign import Part
from hpcvox.crystals.checks import refuse_many_sites
from hpcvox.crystals.elements import SYMBOLS
from hpcvox.crystals.names import plain
from hpcvox.crystals.parse import each_crystal
from hpcvox.crystals.record import Crystal, Entry, Reject
from hpcvox.errors import HpcvoxError, Rejected
from hpcvox.screening.columns import columns
from hpcvox.screening.hull import hull_of
from hpcvox.screening.networks import Described, PropertyNetworks
from hpcvox.screening.settings import ScreenSettings
from hpcvox.screening.summary import Column, std_column
from hpcvox.stability.phases import Phase

DIGITS: Final = 6
"""Significant digits of a value; further digits of the networks' float32 results depend on the batch."""

_G_PER_CM3: Final = 1.66053906892
"""g/cm³ of one atomic mass unit per cubic ångström (CODATA 2022)."""

Row = dict[str, Any]
"""A crystal or a reject.  A crystal has ``entry`` (the place of its entry in the part), ``number`` (its place in the
entry), and its columns, None for unknown values.  A reject has ``id``, ``origin``, ``code``, ``message``."""


class ScreenWorker:
    """Loads the networks once, then predicts parts; results depend only on settings, phases and entries."""

    def __init__(self, settings: ScreenSettings, phases: Sequence[Phase] | None) -> None:
        # there is an actor for each CPU, and sums have the same order on any machine
        torch.set_num_threads(1)
        self.settings = settings
        self.networks = PropertyNetworks(settings.models)
        self.columns = columns(settings, self.networks)
        self.hull = None if phases is None else hull_of(phases)

    def __call__(self, part: Part[Entry]) -> list[Row]:
        """Return the rows of all crystals and rejects of the entries, in their order."""
        results = list(each_crystal(part.items, part.fatal, self._begun))
        self._predict([result for result in results if not isinstance(result, Reject)])
        return [_of_reject(result) if isinstance(result, Reject) else result[0] for result in results]

    def _begun(self, crystal: Crystal, place: int, number: int) -> tuple[Row, Described]:
        """The row of a crystal without its predicted columns, and what these are predicted from."""
        return _row(crystal, place, number), self._described(crystal)

    def _described(self, crystal: Crystal) -> Described:
        refuse_many_sites(crystal, self.settings.max_sites)
        try:
            return self.networks.described(crystal)
        except HpcvoxError:
            raise
        # libraries may raise anything for a strange crystal, and the run must go on
        except Exception as error:
            raise Rejected("not-described", f"{type(error).__name__}: {error}"[:500]) from error

    def _predict(self, found: Sequence[tuple[Row, Described]]) -> None:
        """Add the predicted columns to the rows."""
        predictions = self.networks.predict([described for _, described in found])
        for index, (row, described) in enumerate(found):
            values = {
                target: (float(p.mean[index]), float(p.std[index])) for target, p in predictions.items()
            }
            self._judge_metal(values)
            for target, (mean, std) in values.items():
                column = self.columns.targets[target]
                row |= {column: rounded(mean), std_column(column): rounded(std)}
            amounts = Counter(SYMBOLS[z] for z in described.crystal.numbers.tolist())
            if self.hull is not None:
                energy, _ = values[self.settings.formation_energy]
                row[Column.HULL] = rounded(self.hull.distance(amounts, energy))
            row[Column.UNSEEN] = " ".join(self.networks.unseen(sorted(amounts)))

    def _judge_metal(self, values: dict[str, tuple[float, float]]) -> None:
        """Give a metal a gap of 0, and no value for targets that need a gap (Court et al. 2020, Methods)."""
        settings = self.settings
        gap, std = values.get(settings.band_gap, (math.nan, math.nan))
        if gap <= settings.metal_gap:
            values[settings.band_gap] = 0.0, std
            for target in values.keys() & set(settings.insulator_targets):
                values[target] = math.nan, math.nan


def _row(crystal: Crystal, place: int, number: int) -> Row:
    volume = abs(float(np.linalg.det(crystal.lattice)))
    mass = float(atomic_masses[crystal.numbers].sum())
    return {
        "entry": place,
        "number": number,
        Column.ID: plain(crystal.id),
        Column.FORMULA: crystal.formula,
        Column.N_SITES: crystal.n_sites,
        Column.N_ELEMENTS: len(np.unique(crystal.numbers)),
        Column.VOLUME: rounded(volume),
        Column.DENSITY: rounded(mass / volume * _G_PER_CM3),
    }


def rounded(value: float) -> float | None:
    """``value`` to :data:`DIGITS` significant digits, as it is printed and compared; None if it is not finite."""
    return float(f"{value:.{DIGITS}g}") + 0.0 if math.isfinite(value) else None


def _of_reject(reject: Reject) -> Row:
    return {name: plain(text) for name, text in reject._asdict().items()}
