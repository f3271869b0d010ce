"""Its calculator: every atom on a spring to the origin of its cell."""

from collections.abc import Sequence
from typing import Any

from ase import Atoms
from ase.calculators.calculator import Calculator


class Springs(Calculator):
    """Energies in eV, by a constant in eV/Å²."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012 # as ASE has it

    def __init__(self, constant: float = 0.0, **given: Any) -> None:
        super().__init__(**given)  # type: ignore[no-untyped-call]
        self.constant = constant

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = (),
    ) -> None:
        """See ASE."""
        super().calculate(atoms, properties, system_changes)  # type: ignore[no-untyped-call]
        assert atoms is not None
        self.results["energy"] = 0.5 * self.constant * float((atoms.positions**2).sum())
        self.results["forces"] = -self.constant * atoms.positions
